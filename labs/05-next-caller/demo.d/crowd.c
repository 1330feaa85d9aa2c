/*
 * Four callers for lab 05's demo, in one program, none of whom waits for his call to be made.
 */
#include <arpa/inet.h>
#include <errno.h>
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

	for (int i = 0; i < 4; i++) {
		int phone = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (phone == -1)
			die("socket");
		if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1 && errno != EINPROGRESS)
			die("connect");
	}
	pause();
}
