/*
 * 04 hang-up: the server goes.
 *
 * The lesson: recv() returning 0 is no reply: it is the end of the call.
 * New since 03: the test for it, and no SIGPIPE.
 *
 * What is to be done: when the server has hung up, say "client: recv: server hung up" and exit
 * with 1. When it is gone before you speak, do not die of it.
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

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "client: %s: %s\n", call, strerror(errno));
	exit(1);
}

int main(int argc, char *argv[])
{
	struct sockaddr_in number = {.sin_family = AF_INET};
	char *end;
	long port = strtol(argc > 2 ? argv[2] : "9000", &end, 10);
	if (argc > 3 || *end != '\0' || port < 1 || port > 65535 ||
	    inet_pton(AF_INET, argc > 1 ? argv[1] : "127.0.0.1", &number.sin_addr) != 1) {
		fprintf(stderr, "usage: client [HOST [PORT]], HOST as in 127.0.0.1\n");
		return 2;
	}
	number.sin_port = htons((in_port_t)port);

	/* Buy a phone. */
	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	/* Dial. It returns once the other phone has been reached, picked up or not. */
	if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("connect");

	char *line;
	rl_bind_key('\t', rl_insert); /* Tab is a character here: no file names to complete */
	while ((line = readline(">>: ")) != NULL) {
		/* Nothing to say: say nothing, and do not wait for the answer to it. */
		char *text = line + strspn(line, " \t");
		size_t length = strlen(text);
		while (length > 0 && strchr(" \t", text[length - 1]) != NULL)
			length--;
		if (length == 0) {
			free(line);
			continue;
		}
		add_history(line);

		/* Speak: the bytes that were typed, and not the '\0' behind them. */
		/* Your work: and if the server is gone by now? */
		if (send(phone, text, length, 0) == -1)
			die("send");
		free(line);

		/* Listen. */
		char reply[1024];
		ssize_t n = recv(phone, reply, sizeof reply, 0);
		/* Your work: what can recv() return, and which of it is no reply? */
		if (n == -1)
			die("recv");
		fwrite(reply, 1, (size_t)n, stdout);
		putchar('\n');
		fflush(stdout); /* in a pipe, too, before the next question */
	}

	/* Hang up. */
	if (close(phone) == -1)
		die("close");
	return 0;
}
