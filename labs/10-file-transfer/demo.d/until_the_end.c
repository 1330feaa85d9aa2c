/*
 * A client for lab 10's demo that finds the end of the header, but takes the end of the stream for that of the file.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
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
	if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("connect");

	uint32_t length;
	char header[1024], content[1024];
	if (recv(phone, &length, sizeof length, MSG_WAITALL) != sizeof length || ntohl(length) > sizeof header ||
	    recv(phone, header, ntohl(length), MSG_WAITALL) != (ssize_t)ntohl(length))
		die("recv");
	ssize_t n, size = 0;
	while ((n = recv(phone, content, sizeof content, 0)) > 0)
		size += n;
	if (n == -1)
		die("recv");
	printf("a file of %zd bytes, all of it\n", size);
	if (close(phone) == -1)
		die("close");
	return 0;
}
