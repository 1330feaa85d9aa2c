/*
 * One who taps the line, for lab 12's demo: stands between a caller and the server, passes on all that they say, and
 * remembers how the caller proved that he has the key. When he has gone it calls the server itself, and says it again.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHALLENGE = 32, ANSWER = 64 };

static _Noreturn void die(const char *call)
{
	perror(call);
	exit(1);
}

/* Passes on what comes, at most so much; how much that was. */
static ssize_t pass(int from, int to, char *text, size_t size, int flags)
{
	ssize_t n = recv(from, text, size, flags);
	if (n == -1)
		die("recv");
	if (n > 0 && send(to, text, (size_t)n, MSG_NOSIGNAL) == -1)
		die("send");
	return n;
}

static int dial(in_port_t port)
{
	struct sockaddr_in number = {.sin_family = AF_INET, .sin_port = htons(port)};
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");
	if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("connect");
	return phone;
}

int main(int argc, char *argv[])
{
	struct sockaddr_in number = {.sin_family = AF_INET};
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	number.sin_port = htons((in_port_t)atoi(argc > 1 ? argv[1] : "9001"));
	in_port_t real = (in_port_t)atoi(argc > 2 ? argv[2] : "9000");

	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");
	if (listen(phone, 1) == -1)
		die("listen");
	int caller = accept(phone, NULL, NULL);
	if (caller == -1)
		die("accept");

	/* To the caller it is the server, and to the server the caller. */
	char challenge[CHALLENGE], answer[ANSWER], text[1024];
	int server = dial(real);
	pass(server, caller, challenge, sizeof challenge, MSG_WAITALL);
	pass(caller, server, answer, sizeof answer, MSG_WAITALL);
	while (pass(caller, server, text, sizeof text, 0) > 0)
		pass(server, caller, text, sizeof text, 0);
	if (close(server) == -1 || close(caller) == -1)
		die("close");

	/* The answer was right a moment ago. */
	server = dial(real);
	if (recv(server, challenge, sizeof challenge, MSG_WAITALL) == -1)
		die("recv");
	if (send(server, answer, sizeof answer, MSG_NOSIGNAL) == -1)
		die("send");
	if (recv(server, text, sizeof text, 0) == -1)
		die("recv");
	return 0;
}
