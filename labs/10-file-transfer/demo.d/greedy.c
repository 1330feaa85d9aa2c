/*
 * A client for lab 10's demo that counts nothing: the first recv() is the header, the second the file, it thinks.
 */
#include <arpa/inet.h>
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

	char header[1024], content[1024];
	ssize_t n = recv(phone, header, sizeof header, 0);
	if (n == -1)
		die("recv");
	ssize_t size = recv(phone, content, sizeof content, 0);
	if (size == -1)
		die("recv");
	printf("a header of %zd bytes, a file of %zd\n", n, size);
	if (close(phone) == -1)
		die("close");
	return 0;
}
