/*
 * variant: getline() for the keyboard, without readline.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

	char reply[4096 + 1]; /* a line and its newline */
	size_t have = 0;      /* so many bytes of it are here */
	char *line = NULL;
	size_t line_room = 0;
	ssize_t typed;
	while (printf(">>: "), fflush(stdout), (typed = getline(&line, &line_room, stdin)) != -1) {
		if (typed > 0 && line[typed - 1] == '\n')
			line[typed - 1] = '\0';
		/* Nothing to say: say nothing, and do not wait for the answer to it. */
		char *text = line + strspn(line, " \t");
		size_t length = strlen(text);
		while (length > 0 && strchr(" \t", text[length - 1]) != NULL)
			length--;
		if (length == 0) {
			continue;
		}

		/* Speak. The newline takes the place of the '\0', which is no part of the line. */
		text[length++] = '\n';
		ssize_t n;
		/* send() may take less than it is given, and says how much: go on from there.
		   If nobody is there, an error will do: SIGPIPE would kill us. */
		for (size_t sent = 0; sent < length; sent += (size_t)n) {
			n = send(phone, text + sent, length - sent, MSG_NOSIGNAL);
			if (n == -1)
				die("send");
		}

		/* Listen, until the end of the reply is here. */
		char *newline;
		while ((newline = memchr(reply, '\n', have)) == NULL) {
			if (have == sizeof reply) { /* with no room left, recv() would return 0 */
				fprintf(stderr, "client: recv: a reply without an end\n");
				return 1;
			}
			n = recv(phone, reply + have, sizeof reply - have, 0);
			if (n == -1)
				die("recv");
			if (n == 0) {
				fprintf(stderr, "client: recv: server hung up\n");
				return 1;
			}
			have += (size_t)n;
		}
		length = (size_t)(newline - reply) + 1;
		fwrite(reply, 1, length, stdout);
		fflush(stdout); /* in a pipe, too, before the next question */

		/* What is behind the newline, if anything, is of the next reply: to the front with it. */
		have -= length;
		memmove(reply, reply + length, have);
	}

	free(line);
	/* Hang up. */
	if (close(phone) == -1)
		die("close");
	return 0;
}
