/*
 * mutant: looks for the newline with strchr(), which stops at a NUL.
 * fails: answers_the_same_however_it_comes keeps_every_other_byte is_clean_under_sanitizers
 * code: hangs_up_early answers_nothing truncates
 */
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

/* As strchr() does, in what came. */
static char *find(char *heard, size_t have)
{
	size_t size = strnlen(heard, have);
	return memchr(heard, '\n', size);
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

		char heard[4096 + 1]; /* a line and its newline */
		size_t have = 0;      /* so many bytes are heard, and not yet answered */
		for (;;) {
			/* Listen. What comes goes behind what is there: half a line, or two and a half. */
			ssize_t n = recv(call, heard + have, sizeof heard - have, 0);
			if (n == -1)
				perror("server: recv"); /* cut off: as good as hung up */
			if (n <= 0)
				break; /* a line that is begun stays unfinished, and unanswered */
			have += (size_t)n;

			/* Answer every line that is whole. One recv() may have brought none, or many. */
			char *newline;
			while ((newline = find(heard, have)) != NULL) {
				size_t length = (size_t)(newline - heard) + 1;
				fwrite(heard, 1, length, stdout);

				/* Speak, in upper-case. (toupper() would ask the locale.) */
				for (size_t i = 0; i < length; i++)
					if (heard[i] >= 'a' && heard[i] <= 'z')
						heard[i] = (char)(heard[i] - 'a' + 'A');
				/* send() may take less than it is given, and says how much: go on from there.
				   If nobody is there any more, an error will do: SIGPIPE would kill us. */
				for (size_t sent = 0; sent < length; sent += (size_t)n) {
					n = send(call, heard + sent, length - sent, MSG_NOSIGNAL);
					if (n == -1) {
						perror("server: send");
						goto hang_up;
					}
				}

				/* What is behind the newline is of the next line: to the front with it. */
				have -= length;
				memmove(heard, heard + length, have);
			}
			if (have == sizeof heard)
				break; /* too long for a line. With no room left, recv() would return 0 */
		}

hang_up:
		/* Hang up. The phone stays switched on for the next caller. */
		if (close(call) == -1)
			die("close");
	}
}
