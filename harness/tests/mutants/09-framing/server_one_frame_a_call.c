/*
 * mutant: hangs up after the first answer
 * fails: is_clean_under_sanitizers answers_frames_that_come_together answers_frames_however_they_come
 *   answers_the_empty_frame takes_a_frame_of_65536_bytes answers_frames_after_a_half_close
 *   sends_every_frame_whole serves_a_caller_who_had_to_wait leaves_nothing_behind_after_300_messages
 *   prints_what_it_hears prints_each_frame_whole
 * code: hangs_up_early truncates
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

int main(int argc, char *argv[])
{
	char *end;
	long port = strtol(argc > 1 ? argv[1] : "9000", &end, 10);
	if (argc > 2 || *end != '\0' || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server [PORT]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* show each line at once, even in a pipe */

	/* Buy a phone. */
	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	/* What is left of our last calls need not keep us from the number. */
	int yes = 1;
	if (setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1)
		die("setsockopt");

	/* Fit the number. On the wire the big end comes first: htonl() and htons() see to it. */
	struct sockaddr_in number = {.sin_family = AF_INET};
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	number.sin_port = htons((in_port_t)port);
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");

	/* Switch it on. From here on it can ring, and up to 16 callers may wait. */
	if (listen(phone, 16) == -1)
		die("listen");

	for (;;) {
		/* Pick up. The phone stays on the wall: the call is a new descriptor. */
		struct sockaddr_in caller;
		socklen_t size = sizeof caller; /* in: the room there is; out: the room it took */
		int call = accept(phone, (struct sockaddr *)&caller, &size);
		if (call == -1 && (errno == ECONNABORTED || errno == EINTR))
			continue; /* gone before we picked up: one caller's trouble, not ours */
		if (call == -1)
			die("accept");
		char from[INET_ADDRSTRLEN];
		if (inet_ntop(AF_INET, &caller.sin_addr, from, sizeof from) == NULL)
			die("inet_ntop");
		printf("call from %s\n", from);

		for (;;) {
			/* Listen. Room for the longest frame there may be: what a caller says of its length takes no more. */
			char heard[FRAME_MAX];
			ssize_t n = recv_frame(call, heard, sizeof heard);
			if (n == -1 && errno != ENODATA)
				perror("server: recv"); /* cut off, or not talking in frames: as good as hung up */
			if (n == -1)
				break;
			fwrite(heard, 1, (size_t)n, stdout);
			putchar('\n');

			/* Speak, in upper-case. (toupper() would ask the locale.) */
			for (ssize_t i = 0; i < n; i++)
				if (heard[i] >= 'a' && heard[i] <= 'z')
					heard[i] = (char)(heard[i] - 'a' + 'A');
			if (send_frame(call, heard, (uint32_t)n) == -1) {
				perror("server: send");
				break;
			}
			break;
		}

		/* Hang up. The phone stays switched on for the next caller. */
		if (close(call) == -1)
			die("close");
	}
}
