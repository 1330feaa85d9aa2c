/* variant: getaddrinfo, so names work too; plain read and write on the call */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *doing)
{
	fprintf(stderr, "client: %s: %s\n", doing, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	const char *host = argc > 1 ? argv[1] : "127.0.0.1";
	const char *port = argc > 2 ? argv[2] : "9000";
	const char *message = argc > 3 ? argv[3] : "hello";
	if (argc > 4 || atoi(port) < 1 || atoi(port) > 65535) {
		fprintf(stderr, "usage: client [HOST [PORT [MESSAGE]]]\n");
		return 2;
	}

	struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found;
	int trouble = getaddrinfo(host, port, &wanted, &found);
	if (trouble != 0) {
		fprintf(stderr, "client: getaddrinfo: %s\n", gai_strerror(trouble));
		return 1;
	}

	int call = -1;
	for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
		call = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
		if (call == -1)
			die("socket");
		if (connect(call, a->ai_addr, a->ai_addrlen) == 0)
			break;
		if (a->ai_next == NULL)
			die("connect");
		close(call);
	}
	freeaddrinfo(found);

	if (write(call, message, strlen(message)) == -1)
		die("write");

	char reply[1024];
	ssize_t n = read(call, reply, sizeof reply);
	if (n == -1)
		die("read");
	fwrite(reply, 1, n, stdout);
	putchar('\n');

	close(call);
	return 0;
}
