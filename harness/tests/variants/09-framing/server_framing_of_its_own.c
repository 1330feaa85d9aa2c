/*
 * variant: reads as much as there is into a large buffer, and takes out the frames that are whole
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

enum { FRAME_MAX = 65536, HEADER = 4 };

static int send_all(int fd, const char *data, size_t size)
{
	for (ssize_t n; size > 0; data += n, size -= (size_t)n)
		if ((n = send(fd, data, size, MSG_NOSIGNAL)) == -1)
			return -1;
	return 0;
}

/* Answers every frame that is whole, in place; returns how many bytes these were, or -1. */
static ssize_t answer(int call, char *bytes, size_t have)
{
	size_t done = 0;
	while (have - done >= HEADER) {
		uint32_t size;
		memcpy(&size, bytes + done, HEADER);
		size = ntohl(size);
		if (size > FRAME_MAX)
			return -1;
		if (have - done < HEADER + size)
			break;
		char *payload = bytes + done + HEADER;
		fwrite(payload, 1, size, stdout);
		putchar('\n');
		for (uint32_t i = 0; i < size; i++)
			if (payload[i] >= 'a' && payload[i] <= 'z')
				payload[i] = (char)(payload[i] - 'a' + 'A');
		done += HEADER + size;
	}
	return send_all(call, bytes, done) == -1 ? -1 : (ssize_t)done;
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

		static char heard[4 * (HEADER + FRAME_MAX)];
		size_t have = 0;
		ssize_t n, done;
		while ((n = recv(call, heard + have, sizeof heard - have, 0)) > 0) {
			have += (size_t)n;
			done = answer(call, heard, have);
			if (done == -1)
				break;
			have -= (size_t)done;
			memmove(heard, heard + done, have);
		}

		/* Hang up. The phone stays switched on for the next caller. */
		if (close(call) == -1)
			die("close");
	}
}
