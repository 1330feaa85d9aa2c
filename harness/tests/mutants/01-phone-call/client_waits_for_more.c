/*
 * mutant: goes on receiving after the one reply, and so never hangs up
 * fails: hangs_up_and_exits_0
 * code: does_not_hang_up does_not_exit spins_after_hang_up
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void die(const char *doing)
{
	fprintf(stderr, "client: %s: %s\n", doing, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	const char *host = argc > 1 ? argv[1] : "127.0.0.1";
	int port = argc > 2 ? atoi(argv[2]) : 9000;
	const char *message = argc > 3 ? argv[3] : "hello";

	struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
	if (argc > 4 || port < 1 || port > 65535 || inet_pton(AF_INET, host, &server.sin_addr) != 1) {
		fprintf(stderr, "usage: client [HOST [PORT [MESSAGE]]]\n");
		return 2;
	}

	int call = socket(AF_INET, SOCK_STREAM, 0);
	if (call == -1)
		die("socket");
	if (connect(call, (struct sockaddr *)&server, sizeof server) == -1)
		die("connect");

	if (send(call, message, strlen(message), 0) == -1)
		die("send");

	for (;;) {
		char reply[1024];
		ssize_t n = recv(call, reply, sizeof reply, 0);
		if (n == -1)
			die("recv");
		printf("%.*s\n", (int)n, reply);
		fflush(stdout);
	}
}
