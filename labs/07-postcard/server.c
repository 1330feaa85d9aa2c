/*
 * 07 postcard: the one who answers postcards.
 *
 * The lesson: no call, no connection. Each datagram is a message whole, and has its sender on it.
 * New since 06: SOCK_DGRAM, recvfrom() and sendto(). listen() and accept() are gone, and close() too:
 * there is no call that could end.
 *
 * What is to be done: the calls that are missing, each checked where it is made, as socket() is.
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

	/* Paint the number on it: 127.0.0.1 and the port. */
	/* Your work: bind(). Is an option needed before it, as in lab 06? */

	/* Your work: the loop, for ever. There is no call to be picked up, and none that ends. */

	/* Take out one postcard. What does not fit in the buffer is lost without a word. */
	/* Your work: recvfrom(), and print what was on it on a line of its own */

	/* Answer it, in upper-case, to whom it came from. */
	/* Your work: sendto() */
	printf("the letter box for %ld is up, but it has no number and nobody can write to it\n", port);
	if (close(box) == -1)
		die("close");
	return 0;
}
