/*
 * A server for lab 07's demo with room for four bytes: it answers one postcard, and asks of the second how long it was.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static _Noreturn void die(const char *call)
{
	perror(call);
	exit(1);
}

int main(int argc, char *argv[])
{
	struct sockaddr_in number = {.sin_family = AF_INET}, sender;
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	number.sin_port = htons((in_port_t)atoi(argc > 1 ? argv[1] : "9000"));
	socklen_t size = sizeof sender;

	int box = socket(AF_INET, SOCK_DGRAM, 0);
	if (box == -1)
		die("socket");
	if (bind(box, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");

	char card[4];
	ssize_t n = recvfrom(box, card, sizeof card, 0, (struct sockaddr *)&sender, &size);
	if (n == -1)
		die("recvfrom");
	if (sendto(box, card, (size_t)n, 0, (struct sockaddr *)&sender, size) == -1)
		die("sendto");

	/* With MSG_TRUNC it returns how long the card was, and not how much of it is here. */
	n = recvfrom(box, card, sizeof card, MSG_TRUNC, (struct sockaddr *)&sender, &size);
	if (n == -1)
		die("recvfrom");
	printf("room for %zu bytes, and it had %zd\n", sizeof card, n);
	return 0;
}
