/*
 * mutant: polls the call while it asks, and ignores the 0 that recv returns once the server has hung up
 * fails: notices_a_hang_up_at_the_prompt notices_a_hang_up_instead_of_a_reply
 * code: spins_after_hang_up
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <readline/readline.h>

static void die(const char *doing)
{
	fprintf(stderr, "client: %s: %s\n", doing, strerror(errno));
	exit(1);
}

static int call;
static bool ended;

/* One line has been typed: say it, and print the reply. */
static void typed(char *line)
{
	if (line == NULL) {
		ended = true;
		return;
	}
	if (line[strspn(line, " ")] != '\0') {
		if (send(call, line, strlen(line), MSG_NOSIGNAL) == -1)
			die("send");

		char reply[1024];
		ssize_t n = recv(call, reply, sizeof reply, 0);
		if (n == -1)
			die("recv");
		printf("%.*s\n", (int)n, reply);
	}
	free(line);
}

int main(int argc, char **argv)
{
	const char *host = argc > 1 ? argv[1] : "127.0.0.1";
	int port = argc > 2 ? atoi(argv[2]) : 9000;

	struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
	if (argc > 3 || port < 1 || port > 65535 || inet_pton(AF_INET, host, &server.sin_addr) != 1) {
		fprintf(stderr, "usage: client [HOST [PORT]]\n");
		return 2;
	}

	call = socket(AF_INET, SOCK_STREAM, 0);
	if (call == -1)
		die("socket");
	if (connect(call, (struct sockaddr *)&server, sizeof server) == -1)
		die("connect");

	rl_callback_handler_install(">>: ", typed);
	while (!ended) {
		struct pollfd ends[2] = {
			{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = call, .events = POLLIN},
		};
		if (poll(ends, 2, -1) == -1)
			die("poll");

		if (ends[1].revents != 0) { /* the server speaks unasked */
			char news[1024];
			ssize_t n = recv(call, news, sizeof news, 0);
			if (n == -1)
				die("recv");
			if (n > 0)
				printf("%.*s\n", (int)n, news);
		}
		if (ends[0].revents != 0)
			rl_callback_read_char();
	}
	rl_callback_handler_remove();

	close(call);
	return 0;
}
