/*
 * mutant: does not look at what bind() returns.
 * fails: says_that_the_box_is_taken
 * code: ignores_bind_failure
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
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

int main(int argc, char *argv[])
{
	char *end;
	long port = strtol(argc > 1 ? argv[1] : "9000", &end, 10);
	if (argc > 2 || *end != '\0' || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server [PORT]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* show each line at once, even in a pipe */

	/* Put up a letter box. */
	int box = socket(AF_INET, SOCK_DGRAM, 0);
	if (box == -1)
		die("socket");

	/* Paint the number on it. No TIME_WAIT is left of a postcard: there is nothing to pass over. */
	struct sockaddr_in number = {.sin_family = AF_INET};
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	number.sin_port = htons((in_port_t)port);
	bind(box, (struct sockaddr *)&number, sizeof number);

	for (;;) {
		/* Take out one postcard. What does not fit in the buffer would be lost without a word, so there
		   is room for the longest. */
		static char card[65507];
		struct sockaddr_in sender;
		socklen_t size = sizeof sender; /* in: the room there is; out: the room it took */
		ssize_t n = recvfrom(box, card, sizeof card, 0, (struct sockaddr *)&sender, &size);
		if (n == -1)
			die("recvfrom");
		/* 0 is no hang-up, for there is nothing to hang up: somebody has sent an empty card. */
		char from[INET_ADDRSTRLEN];
		if (inet_ntop(AF_INET, &sender.sin_addr, from, sizeof from) == NULL)
			die("inet_ntop");
		printf("postcard from %s port %u\n", from, ntohs(sender.sin_port));
		fwrite(card, 1, (size_t)n, stdout);
		putchar('\n');

		/* Answer it, in upper-case, to whom it came from. (toupper() would ask the locale.) */
		for (ssize_t i = 0; i < n; i++)
			if (card[i] >= 'a' && card[i] <= 'z')
				card[i] = (char)(card[i] - 'a' + 'A');
		if (sendto(box, card, (size_t)n, 0, (struct sockaddr *)&sender, size) == -1)
			perror("server: sendto"); /* that sender's trouble, and not the others' */
	}
}
