/* variant: one poll on the keyboard and the call, raw reads, its own cutting into lines */
#include <arpa/inet.h>
#include <ctype.h>
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

static void prompt(void)
{
	printf(">>: ");
	fflush(stdout);
}

/* Says a line, if there is anything to say. */
static bool speak(int call, char *line)
{
	line = strip(line);
	if (*line == '\0')
		return false;
	if (send(call, line, strlen(line), 0) == -1)
		die("send");
	return true;
}

static void hear(int call)
{
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
	prompt();
	for (;;) {
		struct pollfd ends[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = call, .events = POLLIN}};
		if (poll(ends, 2, -1) == -1)
			die("poll");
		if (ends[1].revents != 0)
			hear(call); /* nobody asked: most likely the server is gone */
		if (ends[0].revents == 0)
			continue;

		ssize_t n = read(STDIN_FILENO, typed + have, sizeof typed - 1 - have);
		if (n == -1)
			die("read");
		have += n;
		if (n == 0 && have == 0)
			break;
		if (n == 0)
			typed[have++] = '\n'; /* the last line lacks its newline */

		/* One line at a time: the next one waits here until this one is answered. */
		char *newline;
		while ((newline = memchr(typed, '\n', have)) != NULL) {
			*newline = '\0';
			if (speak(call, typed))
				hear(call);
			have -= newline + 1 - typed;
			memmove(typed, newline + 1, have);
			prompt();
		}
	}

	close(call);
	return 0;
}
