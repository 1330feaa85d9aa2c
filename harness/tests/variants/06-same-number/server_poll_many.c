/* variant: one process, poll() over all the calls: nobody waits for anybody. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

enum { MOST = 512 };

/* One message and its answer. False: the call is over. */
static bool answer(int call)
{
	char heard[1024];
	ssize_t n = recv(call, heard, sizeof heard, 0);
	if (n <= 0)
		return false;
	fwrite(heard, 1, n, stdout);
	putchar('\n');
	fflush(stdout);

	for (ssize_t i = 0; i < n; i++)
		if (heard[i] >= 'a' && heard[i] <= 'z')
			heard[i] -= 'a' - 'A';
	return send(call, heard, n, MSG_NOSIGNAL) != -1;
}

int main(int argc, char *argv[])
{
	long port = argc > 1 ? strtol(argv[1], NULL, 10) : 9000;
	if (argc > 2 || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server [PORT]\n");
		exit(2);
	}

	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	int yes = 1;
	if (setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1)
		die("setsockopt");

	struct sockaddr_in number = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");
	if (listen(phone, 5) == -1)
		die("listen");

	struct pollfd lines[MOST] = {{.fd = phone, .events = POLLIN}};
	int count = 1;
	for (;;) {
		lines[0].events = count < MOST ? POLLIN : 0;
		if (poll(lines, count, -1) == -1)
			die("poll");

		for (int i = count - 1; i > 0; i--)
			if (lines[i].revents != 0 && !answer(lines[i].fd)) {
				close(lines[i].fd);
				lines[i] = lines[--count];
			}

		if (lines[0].revents != 0) {
			int call = accept(phone, NULL, NULL);
			if (call == -1)
				die("accept");
			lines[count++] = (struct pollfd){.fd = call, .events = POLLIN};
		}
	}
}
