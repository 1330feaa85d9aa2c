/*
 * 01 phone-call: the one who calls.
 *
 * The lesson: a client needs no number of its own. It buys a phone, dials, speaks, listens and
 * hangs up: socket, connect, send, recv, close.
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
	if (argc > 4 || *end != '\0' || port < 1 || port > 65535 ||
	    inet_pton(AF_INET, argc > 1 ? argv[1] : "127.0.0.1", &number.sin_addr) != 1) {
		fprintf(stderr, "usage: client [HOST [PORT [MESSAGE]]], HOST as in 127.0.0.1\n");
		return 2;
	}
	number.sin_port = htons((in_port_t)port);
	const char *message = argc > 3 ? argv[3] : "hello";

	/* Buy a phone. */
	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	/* Dial. It returns once the other phone has been reached, picked up or not. */
	if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("connect");

	/* Speak: the bytes that were given, and not the '\0' behind them. */
	if (send(phone, message, strlen(message), 0) == -1)
		die("send");

	/* Listen. */
	char reply[1024];
	ssize_t n = recv(phone, reply, sizeof reply, 0);
	if (n == -1)
		die("recv");
	fwrite(reply, 1, (size_t)n, stdout);
	putchar('\n');

	/* Hang up. */
	if (close(phone) == -1)
		die("close");
	return 0;
}
