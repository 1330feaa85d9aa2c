/*
 * 01 phone-call: the one who is called.
 *
 * The lesson: a server is a telephone that waits to be rung. Seven calls to the kernel, in this
 * order, make up the whole of it: socket, bind, listen, accept, recv, send, close.
 *
 * What is to be done: the calls that are missing, each checked where it is made, as socket()
 * is. An address is made as client.c makes its own; INADDR_LOOPBACK is 127.0.0.1.
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

	/* Buy a phone. */
	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	/* Fit the number: 127.0.0.1 and the port. */
	/* Your work: bind() */

	/* Switch it on. From here on it can ring, and up to 16 callers may wait. */
	/* Your work: listen() */

	/* Pick up. The phone stays on the wall: the call is a new descriptor. */
	/* Your work: accept(), and a line "call from 127.0.0.1" that says who calls */

	/* Listen. What comes is n bytes, and no string: no '\0' is behind them. */
	/* Your work: recv(), and print what was heard on a line of its own */

	/* Speak, in upper-case. */
	/* Your work: send() */

	/* Hang up, and put the phone away. */
	/* Your work: close() the call as well */
	printf("the phone for %ld is bought, but it has no number and cannot ring\n", port);
	if (close(phone) == -1)
		die("close");
	return 0;
}
