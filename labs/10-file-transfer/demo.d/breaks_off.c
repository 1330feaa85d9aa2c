/*
 * A server for lab 10's demo that promises nineteen bytes and hangs up after ten, to each of two callers.
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
	for (int i = 0; i < 2; i++) {
		int call = accept(phone, NULL, NULL);
		if (call == -1)
			die("accept");
		if (send(call, "\0\0\0\43{\"filename\":\"letter\",\"filesize\":19}", 39, MSG_NOSIGNAL) == -1 ||
		    send(call, "A wolf at ", 10, MSG_NOSIGNAL) == -1)
			die("send");
		if (close(call) == -1)
			die("close");
	}
	return 0;
}
