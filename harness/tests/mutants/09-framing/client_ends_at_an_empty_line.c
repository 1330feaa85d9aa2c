/*
 * mutant: takes an empty line for the end of the input
 * fails: is_clean_under_sanitizers sends_an_empty_line sends_empty_lines_in_a_pipe
 * code: leaks_memory sends_nothing exits_early
 */
#include "frame.h"

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
		if (*line == '\0')
			break;
		add_history(line);

		/* Speak. A line with nothing in it is a message like any other; one that is too long is an error. */
		if (send_frame(phone, line, (uint32_t)strlen(line)) == -1)
			die("send");
		free(line);

		/* Listen. */
		char reply[FRAME_MAX];
		ssize_t n = recv_frame(phone, reply, sizeof reply);
		if (n == -1 && errno == ENODATA) {
			fprintf(stderr, "client: recv: server hung up\n");
			return 1;
		}
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
