/*
 * 02 conversation: one call, many sentences.
 *
 * The lesson: speak, then listen, again and again, on the same descriptor.
 * New since 01: readline() and the loop; the message is no argument any more.
 *
 * What is to be done: ask for a line with the prompt ">>: ", speak it, listen, print the reply;
 * again and again, until the input ends. <readline/history.h> and <readline/readline.h> want
 * <stdio.h> before them, and the linker wants -lreadline.
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
	/* Your work: HOST and PORT are all that is left. */
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

	/* Your work: ask, speak, listen and print again and again, until the input ends. */
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
