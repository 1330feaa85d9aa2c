/*
 * A caller for lab 09's demo: says "hello" and "world", each with its length in front; then "hello" once more, in two pieces that
 * come apart in the middle of the length.
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

	/* Nine bytes each: 5 as four bytes, the big end first, and what it counts. */
	if (send(phone, "\0\0\0\5hello", 9, 0) == -1 || send(phone, "\0\0\0\5world", 9, 0) == -1)
		die("send");
	char answers[64];
	if (recv(phone, answers, sizeof answers, 0) == -1)
		die("recv");

	/* Two bytes of the length; then the other two, and what it counts. */
	if (send(phone, "\0\0", 2, 0) == -1 || send(phone, "\0\5hello", 7, 0) == -1)
		die("send");
	if (recv(phone, answers, sizeof answers, 0) == -1)
		die("recv");
	if (close(phone) == -1)
		die("close");
	return 0;
}
