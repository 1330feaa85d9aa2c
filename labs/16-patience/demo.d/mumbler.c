/*
 * A server for lab 16's demo that answers a byte at a time: as slowly as it is stepped.
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
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");
	if (listen(phone, 16) == -1)
		die("listen");
	for (;;) {
		int call = accept(phone, NULL, NULL);
		if (call == -1)
			die("accept");
		char heard[64];
		if (recv(call, heard, sizeof heard, 0) == -1)
			die("recv");
		/* Who has lost patience and gone is no trouble of ours. */
		for (const char *next = "HELLO\n"; *next != '\0'; next++)
			if (send(call, next, 1, MSG_NOSIGNAL) == -1)
				break;
		if (close(call) == -1)
			die("close");
	}
}
