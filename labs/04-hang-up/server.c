/*
 * 04 hang-up: the caller goes.
 *
 * The lesson: recv() returns 0 when the caller has hung up, at once and every time it is asked.
 * New since 03: the test for it, and for a caller who is cut off; the end of the program.
 *
 * What is to be done: when the caller hangs up, is cut off, or is gone before the answer is sent,
 * close the call and exit with 0.
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

	/* Fit the number. On the wire the big end comes first: htonl() and htons() see to it. */
	struct sockaddr_in number = {.sin_family = AF_INET};
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	number.sin_port = htons((in_port_t)port);
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");

	/* Switch it on. From here on it can ring, and up to 16 callers may wait. */
	if (listen(phone, 16) == -1)
		die("listen");

	/* Pick up. The phone stays on the wall: the call is a new descriptor. */
	struct sockaddr_in caller;
	socklen_t size = sizeof caller; /* in: the room there is; out: the room it took */
	int call = accept(phone, (struct sockaddr *)&caller, &size);
	if (call == -1)
		die("accept");
	char from[INET_ADDRSTRLEN];
	if (inet_ntop(AF_INET, &caller.sin_addr, from, sizeof from) == NULL)
		die("inet_ntop");
	printf("call from %s\n", from);

	for (;;) {
		/* Listen. What comes is n bytes, and no string: no '\0' is behind them. */
		char heard[1024];
		ssize_t n = recv(call, heard, sizeof heard, 0);
		/* Your work: what can recv() return, and which of it is no message? */
		if (n == -1)
			die("recv");
		fwrite(heard, 1, (size_t)n, stdout);
		putchar('\n');

		/* Speak, in upper-case. (toupper() would ask the locale.) */
		for (ssize_t i = 0; i < n; i++)
			if (heard[i] >= 'a' && heard[i] <= 'z')
				heard[i] = (char)(heard[i] - 'a' + 'A');
		/* Your work: and if the caller is gone by now? */
		if (send(call, heard, (size_t)n, 0) == -1)
			die("send");
	}
	/* Your work: hang up, and put the phone away. */
}
