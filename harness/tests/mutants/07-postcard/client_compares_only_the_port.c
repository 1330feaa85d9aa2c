/*
 * mutant: takes whoever writes from the same port of another host for the server.
 * fails: ignores_strangers
 * code: takes_any_sender
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
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
	char *end, *ms_end;
	long port = strtol(argc > 2 ? argv[2] : "9000", &end, 10);
	long ms = strtol(argc > 3 ? argv[3] : "1000", &ms_end, 10);
	if (argc > 4 || *end != '\0' || port < 1 || port > 65535 || *ms_end != '\0' || ms < 1 || ms > INT_MAX ||
	    inet_pton(AF_INET, argc > 1 ? argv[1] : "127.0.0.1", &number.sin_addr) != 1) {
		fprintf(stderr, "usage: client [HOST [PORT [TIMEOUT_MS]]], HOST as in 127.0.0.1\n");
		return 2;
	}
	number.sin_port = htons((in_port_t)port);

	/* Put up a letter box, for the answers. */
	int box = socket(AF_INET, SOCK_DGRAM, 0);
	if (box == -1)
		die("socket");

	char *line;
	rl_bind_key('\t', rl_insert); /* Tab is a character here: no file names to complete */
	while ((line = readline(">>: ")) != NULL) {
		if (*line != '\0')
			add_history(line);

		/* Whatever lies in the box came too late: taken for the answer to this line, it would make
		   every answer after it come one line late. */
		static char card[65507];
		while (recv(box, card, sizeof card, MSG_DONTWAIT) != -1 || errno == ECONNREFUSED)
			;
		if (errno != EAGAIN)
			die("recv");

		/* Send it. An empty line is an empty card, and a card all the same. */
		ssize_t n = sendto(box, line, strlen(line), 0, (struct sockaddr *)&number, sizeof number);
		if (n == -1)
			die("sendto");
		free(line);

		/* Wait for the answer, but not for ever. */
		struct timespec t;
		clock_gettime(CLOCK_MONOTONIC, &t);
		long end_ms = t.tv_sec * 1000 + t.tv_nsec / 1000000 + ms + 1;
		int some;
		for (;;) {
			clock_gettime(CLOCK_MONOTONIC, &t);
			long left = end_ms - (t.tv_sec * 1000 + t.tv_nsec / 1000000);
			struct pollfd news = {.fd = box, .events = POLLIN};
			some = left <= 0 ? 0 : poll(&news, 1, (int)left);
			if (some == -1)
				die("poll");
			if (some == 0)
				break;
			struct sockaddr_in from;
			socklen_t size = sizeof from;
			n = recvfrom(box, card, sizeof card, 0, (struct sockaddr *)&from, &size);
			if (n == -1)
				die("recvfrom");
			if (from.sin_port == number.sin_port)
				break;
		}

		if (some == 0 || n == -1)
			fputs("no answer", stdout);
		else
			fwrite(card, 1, (size_t)n, stdout);
		putchar('\n');
		fflush(stdout); /* in a pipe, too, before the next question */
	}

	if (close(box) == -1)
		die("close");
	return 0;
}
