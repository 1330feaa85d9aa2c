/* variant: readline's callback interface and one poll, so that it notices a hang-up while it asks */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

static char *line; /* what has been typed, once Enter was */
static bool ended;

static void typed(char *text)
{
	line = text;
	ended = text == NULL;
	rl_callback_handler_remove(); /* no prompt until the reply has been printed */
}

static void die(const char *doing)
{
	int reason = errno;
	rl_callback_handler_remove(); /* gives the terminal back */
	fprintf(stderr, "client: %s: %s\n", doing, strerror(reason));
	exit(1);
}

static void hung_up(void)
{
	rl_callback_handler_remove();
	fprintf(stderr, "client: recv: server hung up\n");
	exit(1);
}

/* Waits for a line, and for the server to go away meanwhile. */
static void ask(int call)
{
	line = NULL;
	rl_callback_handler_install(">>: ", typed);
	while (line == NULL && !ended) {
		struct pollfd ends[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = call, .events = POLLIN}};
		if (poll(ends, 2, -1) == -1) {
			if (errno == EINTR)
				continue; /* the window has another size */
			die("poll");
		}
		if (ends[1].revents != 0) {
			char unasked[1024];
			ssize_t n = recv(call, unasked, sizeof unasked, 0);
			if (n == -1)
				die("recv");
			if (n == 0)
				hung_up();
		}
		if (ends[0].revents != 0)
			rl_callback_read_char();
	}
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

	for (;;) {
		ask(call);
		if (ended)
			break;

		add_history(line);
		if (send(call, line, strlen(line), 0) == -1)
			die("send");

		char reply[1024];
		ssize_t n = recv(call, reply, sizeof reply, 0);
		if (n == -1)
			die("recv");
		if (n == 0)
			hung_up();
		printf("%.*s\n", (int)n, reply);
		free(line);
	}

	close(call);
	return 0;
}
