/*
 * A caller for lab 08's demo: says two messages, without waiting for an answer to the first; then the same again with
 * TCP_NODELAY, and once more.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
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

	for (int round = 0; round < 3; round++) {
		if (send(phone, "hello", 5, 0) == -1 || send(phone, "world", 5, 0) == -1)
			die("send");
		char answers[64];
		if (recv(phone, answers, sizeof answers, 0) == -1)
			die("recv");
		int yes = 1;
		if (setsockopt(phone, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == -1)
			die("setsockopt");
	}
	if (close(phone) == -1)
		die("close");
	return 0;
}
