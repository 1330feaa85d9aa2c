/* variant: a socket that never blocks; poll waits for it, and for the connection */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
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

/* No call on the socket waits: this does. */
static void wait_for(int call, short event)
{
	struct pollfd end = {.fd = call, .events = event};
	while (poll(&end, 1, -1) == -1)
		if (errno != EINTR)
			die("poll");
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

	int call = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (call == -1)
		die("socket");
	if (connect(call, (struct sockaddr *)&server, sizeof server) == -1 && errno != EINPROGRESS)
		die("connect");
	wait_for(call, POLLOUT);
	socklen_t size = sizeof errno;
	if (getsockopt(call, SOL_SOCKET, SO_ERROR, &errno, &size) == -1 || errno != 0)
		die("connect");

	char *line;
	for (; (line = readline(">>: ")) != NULL; free(line)) {
		if (line[strspn(line, " ")] == '\0')
			continue;
		add_history(line);

		wait_for(call, POLLOUT);
		if (send(call, line, strlen(line), MSG_NOSIGNAL) == -1)
			die("send");

		wait_for(call, POLLIN);
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
