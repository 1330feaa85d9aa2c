/*
 * A relay for lab 11's demo: passes on what a server says, for two callers, and lets one bit of it fall over on the way.
 *
 * `w` is 0x77 and `g` is 0x67: one bit makes a golf of a wolf.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static _Noreturn void die(const char *call)
{
	perror(call);
	exit(1);
}

int main(int argc, char *argv[])
{
	struct sockaddr_in ours = {.sin_family = AF_INET}, server = {.sin_family = AF_INET};
	ours.sin_addr.s_addr = server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ours.sin_port = htons((in_port_t)atoi(argc > 1 ? argv[1] : "9001"));
	server.sin_port = htons((in_port_t)atoi(argc > 2 ? argv[2] : "9000"));

	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");
	if (bind(phone, (struct sockaddr *)&ours, sizeof ours) == -1)
		die("bind");
	if (listen(phone, 16) == -1)
		die("listen");

	for (int i = 0; i < 2; i++) {
		int caller = accept(phone, NULL, NULL);
		if (caller == -1)
			die("accept");
		int source = socket(AF_INET, SOCK_STREAM, 0);
		if (source == -1)
			die("socket");
		if (connect(source, (struct sockaddr *)&server, sizeof server) == -1)
			die("connect");

		char some[4096];
		ssize_t n;
		while ((n = recv(source, some, sizeof some, 0)) > 0) {
			char *wolf = memmem(some, (size_t)n, "wolf", 4);
			if (wolf != NULL)
				*wolf ^= 0x10;
			if (send(caller, some, (size_t)n, MSG_NOSIGNAL) == -1)
				die("send");
		}
		if (n == -1)
			die("recv");
		if (close(source) == -1 || close(caller) == -1)
			die("close");
	}
	return 0;
}
