/*
 * mutant: asks with another prompt
 * fails: asks_with_the_prompt
 * code: no_prompt
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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
	for (; (line = readline("message> ")) != NULL; free(line)) {
		if (line[strspn(line, " ")] == '\0')
			continue;
		add_history(line);

		if (send(call, line, strlen(line), MSG_NOSIGNAL) == -1)
			die("send");

		char reply[1024];
		ssize_t n = recv(call, reply, sizeof reply, 0);
		if (n == -1)
			die("recv");
		if (n == 0) {
			fprintf(stderr, "client: recv: server hung up\n");
			exit(1);
		}
		printf("%.*s\n", (int)n, reply);
	}

	close(call);
	return 0;
}
