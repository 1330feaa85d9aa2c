/*
 * mutant: tests for an empty line before it strips the spaces, so that a line of spaces gets through as nothing
 * fails: says_nothing_on_spaces skips_empty_lines_in_a_pipe
 * code: sends_empty_line hangs
 */
#include <arpa/inet.h>
#include <ctype.h>
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

/* Cuts the white space around a line. */
static char *strip(char *line)
{
	while (isspace((unsigned char)*line))
		line++;
	size_t size = strlen(line);
	while (size > 0 && isspace((unsigned char)line[size - 1]))
		size--;
	line[size] = '\0';
	return line;
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
		if (*line == '\0')
			continue;
		char *words = strip(line);
		add_history(words);

		if (send(call, words, strlen(words), 0) == -1)
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
