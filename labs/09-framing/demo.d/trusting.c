/*
 * A server for lab 09's demo that takes whatever one recv() gives for a whole length, and for a whole message.
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
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");
	if (listen(phone, 16) == -1)
		die("listen");
	int call = accept(phone, NULL, NULL);
	if (call == -1)
		die("accept");

	for (;;) {
		uint32_t length = 0;
		if (recv(call, &length, sizeof length, 0) <= 0)
			break;
		length = ntohl(length);
		printf("a message of %u bytes\n", length);

		char message[1024];
		if (length > sizeof message)
			break; /* there is no room for that */
		if (length > 0 && recv(call, message, length, 0) <= 0)
			break;
		if (send(call, "heard", 5, MSG_NOSIGNAL) == -1)
			die("send");
	}
	if (close(call) == -1)
		die("close");
	return 0;
}
