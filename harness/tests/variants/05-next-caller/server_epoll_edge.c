/* variant: non-blocking calls under edge-triggered epoll. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

/* Edge-triggered: answer until nothing more is there. False: the call is over. */
static bool answer(int call)
{
	char heard[1024];
	ssize_t n;
	while ((n = recv(call, heard, sizeof heard, 0)) > 0) {
		fwrite(heard, 1, n, stdout);
		putchar('\n');
		fflush(stdout);

		for (ssize_t i = 0; i < n; i++)
			if (heard[i] >= 'a' && heard[i] <= 'z')
				heard[i] -= 'a' - 'A';
		if (send(call, heard, n, MSG_NOSIGNAL) == -1)
			return false;
	}
	return n == -1 && errno == EAGAIN;
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

	struct sockaddr_in number = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");
	if (listen(phone, 5) == -1)
		die("listen");

	int lines = epoll_create1(0);
	struct epoll_event ring = {.events = EPOLLIN, .data.fd = phone};
	if (lines == -1 || epoll_ctl(lines, EPOLL_CTL_ADD, phone, &ring) == -1)
		die("epoll_ctl");

	for (;;) {
		struct epoll_event events[16];
		int count = epoll_wait(lines, events, 16, -1);
		if (count == -1 && errno == EINTR)
			continue; /* stopped and gone on */
		if (count == -1)
			die("epoll_wait");

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;
			if (fd != phone) {
				if (!answer(fd))
					close(fd); /* which takes it out of the epoll as well */
				continue;
			}

			int call = accept4(phone, NULL, NULL, SOCK_NONBLOCK);
			if (call == -1)
				die("accept");
			struct epoll_event line = {.events = EPOLLIN | EPOLLET, .data.fd = call};
			if (epoll_ctl(lines, EPOLL_CTL_ADD, call, &line) == -1)
				die("epoll_ctl");
		}
	}
}
