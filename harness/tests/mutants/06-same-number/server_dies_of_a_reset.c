/*
 * mutant: ECONNRESET ends the server: one rude caller, and nobody is served any more.
 * fails: survives_a_reset
 * code: stops_serving exits_early
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

int main(int argc, char *argv[])
{
	long port = argc > 1 ? strtol(argv[1], NULL, 10) : 9000;
	if (argc > 2 || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server [PORT]\n");
		exit(2);
	}

	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	int yes = 1;
	if (setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1)
		die("setsockopt");

	struct sockaddr_in number = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");
	if (listen(phone, 5) == -1)
		die("listen");

	for (;;) {
		int call = accept(phone, NULL, NULL);
		if (call == -1)
			die("accept");

		char heard[1024];
		ssize_t n;
		while ((n = recv(call, heard, sizeof heard, 0)) > 0) {
			fwrite(heard, 1, n, stdout);
			putchar('\n');
			fflush(stdout);

			for (ssize_t i = 0; i < n; i++)
				if (heard[i] >= 'a' && heard[i] <= 'z')
					heard[i] -= 'a' - 'A';
			if (send(call, heard, n, MSG_NOSIGNAL) == -1)
				break; /* gone before the answer */
		}
		if (n == -1)
			die("recv");
		close(call);
	}
}
