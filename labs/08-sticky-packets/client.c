/*
 * 08 sticky-packets: a client that hears a reply whole, however it comes.
 *
 * The lesson: one recv() is not one reply. The newline says where it ends.
 * New since 06: the newline goes out with the line, and the reply is read up to its own.
 *
 * What is to be done: send the newline with the line, and receive until the reply's newline is there.
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

		/* Your work: the newline as well; and if send() takes less than it was given? */
		/* Speak. If nobody is there, an error will do: SIGPIPE would kill us. */
		if (send(phone, text, length, MSG_NOSIGNAL) == -1)
			die("send");
		free(line);

		/* Your work: how many recv()s make one reply? And what if it is longer than 1024 bytes? */
		/* Listen. */
		char reply[1024];
		ssize_t n = recv(phone, reply, sizeof reply, 0);
		if (n == -1)
			die("recv");
		if (n == 0) {
			fprintf(stderr, "client: recv: server hung up\n");
			return 1;
		}
		fwrite(reply, 1, (size_t)n, stdout);
		putchar('\n');
		fflush(stdout); /* in a pipe, too, before the next question */
	}

	/* Hang up. */
	if (close(phone) == -1)
		die("close");
	return 0;
}
