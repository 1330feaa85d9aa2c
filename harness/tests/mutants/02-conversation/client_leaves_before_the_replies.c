/*
 * mutant: sends all the lines that it has got, and hangs up at the end of input, before the replies have come
 * fails: waits_for_each_reply works_in_a_pipe works_from_a_file is_clean_under_sanitizers
 * code: sends_ahead hangs_up_early
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

static void die(const char *doing)
{
	fprintf(stderr, "client: %s: %s\n", doing, strerror(errno));
	exit(1);
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

	int call = socket(AF_INET, SOCK_STREAM, 0);
	if (call == -1)
		die("socket");
	if (connect(call, (struct sockaddr *)&server, sizeof server) == -1)
		die("connect");

	char typed[8192];
	size_t have = 0;
	int owed = 0; /* replies still to come: no prompt yet */
	bool ended = false;
	write(STDOUT_FILENO, ">>: ", 4);
	while (!ended) {
		struct pollfd ends[2] = {
			{.fd = ended ? -1 : STDIN_FILENO, .events = POLLIN},
			{.fd = call, .events = POLLIN},
		};
		if (poll(ends, 2, -1) == -1)
			die("poll");

		if (ends[0].revents != 0) {
			struct pollfd keyboard = {.fd = STDIN_FILENO, .events = POLLIN};
			ssize_t n;
			do { /* until it pauses */
				n = read(STDIN_FILENO, typed + have, sizeof typed - have);
				if (n == -1)
					die("read");
				have += n;
			} while (n > 0 && poll(&keyboard, 1, 30) == 1);
			ended = n == 0;

			char said[sizeof typed], *newline;
			size_t size = 0;
			while ((newline = memchr(typed, '\n', have)) != NULL) {
				size_t length = newline - typed;
				memcpy(said + size, typed, length);
				size += length;
				owed++;
				have -= length + 1;
				memmove(typed, newline + 1, have);
			}
			if (size > 0 && send(call, said, size, 0) == -1)
				die("send");
		}
		if (ends[1].revents != 0) {
			char reply[1024];
			ssize_t n = recv(call, reply, sizeof reply, 0);
			if (n == -1)
				die("recv");
			if (n == 0) {
				fprintf(stderr, "client: recv: server hung up\n");
				exit(1);
			}
			printf("%.*s\n", (int)n, reply);
			if (--owed == 0)
				printf(">>: ");
			fflush(stdout);
		}
	}

	close(call);
	return 0;
}
