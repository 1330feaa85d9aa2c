/*
 * variant: one poll() for all callers, nothing waits: what cannot be sent yet is kept, and its caller is not heard meanwhile.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

enum { CALLERS = 64 };

static struct caller {
	char heard[4097], out[4097];
	size_t have, left, sent;
	int ended;
} callers[CALLERS];

/* Sends what is left, takes the next line, receives: as far as it goes without waiting. */
static int goes_on(struct caller *c, struct pollfd *news)
{
	for (;;) {
		while (c->sent < c->left) {
			ssize_t n = send(news->fd, c->out + c->sent, c->left - c->sent, MSG_NOSIGNAL);
			if (n == -1 && errno != EAGAIN)
				return 0;
			if (n == -1) {
				news->events = POLLOUT;
				return 1;
			}
			c->sent += (size_t)n;
		}
		news->events = POLLIN;
		char *newline = memchr(c->heard, '\n', c->have);
		if (newline != NULL) {
			c->left = (size_t)(newline - c->heard) + 1;
			c->sent = 0;
			fwrite(c->heard, 1, c->left, stdout);
			for (size_t i = 0; i < c->left; i++)
				c->out[i] = c->heard[i] >= 'a' && c->heard[i] <= 'z' ? (char)(c->heard[i] - 'a' + 'A')
				                                                     : c->heard[i];
			c->have -= c->left;
			memmove(c->heard, newline + 1, c->have);
			continue;
		}
		if (c->ended || c->have == sizeof c->heard)
			return 0;
		ssize_t n = recv(news->fd, c->heard + c->have, sizeof c->heard - c->have, 0);
		if (n == -1)
			return errno == EAGAIN;
		c->ended = n == 0;
		c->have += (size_t)n;
	}
}

int main(int argc, char *argv[])
{
	char *end;
	long port = strtol(argc > 1 ? argv[1] : "9000", &end, 10);
	if (argc > 2 || *end != '\0' || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server [PORT]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* show each line at once, even in a pipe */

	/* Buy a phone. */
	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	/* What is left of our last calls need not keep us from the number. */
	int yes = 1;
	if (setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1)
		die("setsockopt");

	/* Fit the number. On the wire the big end comes first: htonl() and htons() see to it. */
	struct sockaddr_in number = {.sin_family = AF_INET};
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	number.sin_port = htons((in_port_t)port);
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");

	/* Switch it on. From here on it can ring, and up to 16 callers may wait. */
	if (listen(phone, 16) == -1)
		die("listen");

	struct pollfd news[1 + CALLERS] = {{.fd = phone, .events = POLLIN}};
	for (nfds_t i = 1; i <= CALLERS; i++)
		news[i].fd = -1;
	for (;;) {
		if (poll(news, 1 + CALLERS, -1) == -1)
			die("poll");
		for (nfds_t i = 1; i <= CALLERS; i++)
			if (news[i].fd != -1 && news[i].revents != 0 && !goes_on(&callers[i - 1], &news[i])) {
				close(news[i].fd);
				news[i].fd = -1;
			}
		if (news[0].revents == 0)
			continue;
		int call = accept4(phone, NULL, NULL, SOCK_NONBLOCK);
		if (call == -1)
			continue;
		nfds_t free_one = 1;
		while (free_one <= CALLERS && news[free_one].fd != -1)
			free_one++;
		if (free_one > CALLERS) {
			close(call);
			continue;
		}
		news[free_one] = (struct pollfd){.fd = call, .events = POLLIN};
		callers[free_one - 1] = (struct caller){0};
	}
}
