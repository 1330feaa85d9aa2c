/*
 * A caller for lab 04's demo: speaks, and resets the call before the answer can come.
 *
 * SO_LINGER with a time of 0 makes close() throw the call away: RST instead of FIN.
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
	struct linger abrupt = {.l_onoff = 1, .l_linger = 0};
	if (setsockopt(phone, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt) == -1)
		die("setsockopt");
	if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("connect");
	if (send(phone, "good bye", 8, 0) == -1)
		die("send");
	if (close(phone) == -1)
		die("close");
	return 0;
}
