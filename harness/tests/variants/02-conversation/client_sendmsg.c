/* variant: sendmsg and recvmsg, each with two pieces of memory for one message */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

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

	char *line;
	for (; (line = readline(">>: ")) != NULL; free(line)) {
		add_history(line);

		/* Two pieces of memory, one message. */
		size_t half = strlen(line) / 2;
		struct iovec said[2] = {
			{.iov_base = line, .iov_len = half},
			{.iov_base = line + half, .iov_len = strlen(line + half)},
		};
		if (sendmsg(call, &(struct msghdr){.msg_iov = said, .msg_iovlen = 2}, 0) == -1)
			die("sendmsg");

		char begin[16], rest[1024 - 16];
		struct iovec heard[2] = {
			{.iov_base = begin, .iov_len = sizeof begin},
			{.iov_base = rest, .iov_len = sizeof rest},
		};
		ssize_t n = recvmsg(call, &(struct msghdr){.msg_iov = heard, .msg_iovlen = 2}, 0);
		if (n == -1)
			die("recvmsg");
		if (n == 0) {
			fprintf(stderr, "client: recv: server hung up\n");
			exit(1);
		}
		size_t first = (size_t)n < sizeof begin ? (size_t)n : sizeof begin;
		fwrite(begin, 1, first, stdout);
		fwrite(rest, 1, n - first, stdout);
		putchar('\n');
	}

	close(call);
	return 0;
}
