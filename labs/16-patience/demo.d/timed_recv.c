/*
 * A client for lab 16's demo that gives each recv() 300 ms (SO_RCVTIMEO), and not the whole reply.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static _Noreturn void die(const char *call)
{
	perror(call);
	exit(1);
}

int main(int argc, char *argv[])
{
	struct sockaddr_in number = {.sin_family = AF_INET};
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	number.sin_port = htons((in_port_t)atoi(argc > 1 ? argv[1] : "9000"));

	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");
	struct timeval limit = {.tv_usec = 300000};
	if (setsockopt(phone, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == -1)
		die("setsockopt");
	if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("connect");
	if (send(phone, "hello\n", 6, MSG_NOSIGNAL) == -1)
		die("send");
	char letter = '\0';
	while (letter != '\n') {
		ssize_t n = recv(phone, &letter, 1, 0);
		if (n == -1)
			die("recv");
		if (n == 0)
			break;
	}
	return 0;
}
