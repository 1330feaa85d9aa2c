/*
 * variant: stdio for both: fdopen(), getline() for the reply as well.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
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

	signal(SIGPIPE, SIG_IGN);
	int other = dup(phone);
	FILE *in = fdopen(phone, "r"), *out = other == -1 ? NULL : fdopen(other, "w");
	if (in == NULL || out == NULL)
		die("fdopen");
	char *reply = NULL;
	size_t room = 0;
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

		/* Speak. The newline takes the place of the '\0', which is no part of the line. */
		text[length++] = '\n';
		if (fwrite(text, 1, length, out) != length || fflush(out) == EOF)
			die("send");
		free(line);

		errno = 0;
		ssize_t n = getline(&reply, &room, in);
		if (n == -1 || reply[n - 1] != '\n') {
			fprintf(stderr, "client: recv: %s\n", errno != 0 ? strerror(errno) : "server hung up");
			return 1;
		}
		fwrite(reply, 1, (size_t)n, stdout);
		fflush(stdout); /* in a pipe, too, before the next question */
	}

	/* Hang up. */
	free(reply);
	fclose(out);
	if (fclose(in) == EOF)
		die("close");
	return 0;
}
