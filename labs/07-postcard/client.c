/*
 * 07 postcard: the one who writes postcards.
 *
 * The lesson: a postcard may be lost, and so may the answer. Nobody tells; only a clock can.
 * New since 06: SOCK_DGRAM, a time after which we give up waiting, and answers that come too late.
 *
 * What is to be done: the calls that are missing, each checked where it is made, as socket() is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
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

	/* Your work: an answer counts only if it comes from number. Can the kernel see to that? */

	char *line;
	rl_bind_key('\t', rl_insert); /* Tab is a character here: no file names to complete */
	while ((line = readline(">>: ")) != NULL) {
		if (*line != '\0')
			add_history(line);

		/* Your work: what may lie in the box already, and what would it be taken for? */

		/* Send it. An empty line is an empty card, and a card all the same. */
		/* Your work: send() or sendto() */
		free(line);

		/* Wait for the answer, but not for ever. */
		/* Your work: wait for ms milliseconds at most, then recv(), and print the answer on a line of its own */
		printf("no answer: nothing was sent, and nobody waits %ld ms for it\n", ms);
		fflush(stdout); /* in a pipe, too, before the next question */
	}

	if (close(box) == -1)
		die("close");
	return 0;
}
