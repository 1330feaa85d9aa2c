/*
 * variant: epoll, edge-triggered; a list of frames waits for each caller; prints all it does
 */
#define _GNU_SOURCE
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct Piece {
	struct Piece *next;
	size_t size, sent;
	char bytes[];
} Piece;

typedef struct Call {
	struct Call *next; /* of all */
	int fd, name_size;
	bool dead;
	char name[32];
	size_t have, waiting;
	Piece *first, **last;
	unsigned char in[4 + FRAME_MAX];
} Call;

static Call *all;
static int hub;

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

static void flush(Call *c)
{
	while (c->first != NULL && !c->dead) {
		Piece *p = c->first;
		ssize_t n = write(c->fd, p->bytes + p->sent, p->size - p->sent);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			c->dead = errno != EAGAIN;
			return;
		}
		p->sent += (size_t)n;
		c->waiting -= (size_t)n;
		if (p->sent < p->size)
			continue;
		c->first = p->next;
		if (c->first == NULL)
			c->last = &c->first;
		free(p);
	}
}

static Call *named(const unsigned char *name, size_t size)
{
	for (Call *c = all; c != NULL; c = c->next)
		if (!c->dead && size > 0 && (size_t)c->name_size == size && memcmp(c->name, name, size) == 0)
			return c;
	return NULL;
}

static void tell(Call *to, const Call *from, const unsigned char *text, size_t size)
{
	size_t payload = (size_t)from->name_size + size;
	uint32_t header = htonl((uint32_t)payload);
	Piece *p = malloc(sizeof *p + 4 + payload);
	if (p == NULL)
		die("malloc");
	*p = (Piece){.size = 4 + payload};
	memcpy(p->bytes, &header, 4);
	memcpy(p->bytes + 4, from->name, (size_t)from->name_size);
	memcpy(p->bytes + 4 + from->name_size, text, size);
	*to->last = p;
	to->last = &p->next;
	to->waiting += p->size;
	flush(to);
	if (to->waiting > 1 << 20)
		to->dead = true;
}

static void hear_frame(Call *c, const unsigned char *frame, size_t size)
{
	printf("%.*s: %.*s\n", c->name_size, c->name, (int)size, (const char *)frame);
	if (c->name_size == 0) {
		c->dead = size < 1 || size > 32 || named(frame, size) != NULL;
		for (size_t i = 0; i < size && !c->dead; i++)
			c->dead = frame[i] < 32 || frame[i] == 127 || frame[i] == '|';
		if (c->dead)
			return;
		memcpy(c->name, frame, size);
		c->name_size = (int)size;
		return;
	}
	const unsigned char *bar = size > 4 ? memchr(frame + 4, '|', size - 4) : NULL;
	if (bar == NULL || memcmp(frame, "say ", 4) != 0)
		return;
	Call *to = named(frame + 4, (size_t)(bar - frame - 4));
	size_t rest = (size_t)(frame + size - bar);
	if (to != NULL && rest + (size_t)c->name_size <= FRAME_MAX)
		tell(to, c, bar, rest);
}

static void hear(Call *c)
{
	while (!c->dead) {
		ssize_t n = read(c->fd, c->in + c->have, sizeof c->in - c->have);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0) {
			c->dead = true;
			return;
		}
		c->have += (size_t)n;
		while (c->have >= 4 && !c->dead) {
			size_t size =
			    (size_t)c->in[0] << 24 | (size_t)c->in[1] << 16 | (size_t)c->in[2] << 8 | c->in[3];
			if (size > FRAME_MAX)
				c->dead = true;
			if (c->dead || c->have < 4 + size)
				break;
			hear_frame(c, c->in + 4, size);
			c->have -= 4 + size;
			memmove(c->in, c->in + 4 + size, c->have);
		}
	}
}

static void pick_up(int phone)
{
	int fd;
	while ((fd = accept4(phone, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		Call *c = calloc(1, sizeof *c);
		if (c == NULL)
			die("calloc");
		c->fd = fd;
		c->last = &c->first;
		c->next = all;
		all = c;
		struct epoll_event wish = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
		if (epoll_ctl(hub, EPOLL_CTL_ADD, fd, &wish) == -1)
			die("epoll_ctl");
	}
}

static void bury(void)
{
	for (Call **at = &all; *at != NULL;) {
		Call *c = *at;
		if (!c->dead) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		while (c->first != NULL) {
			Piece *next = c->first->next;
			free(c->first);
			c->first = next;
		}
		close(c->fd);
		free(c);
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
	int phone = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
	if (phone == -1 || setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1)
		die("socket");
	struct sockaddr_in number = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");
	hub = epoll_create1(0);
	struct epoll_event wish = {.events = EPOLLIN, .data.ptr = NULL};
	if (listen(phone, 128) == -1 || hub == -1 || epoll_ctl(hub, EPOLL_CTL_ADD, phone, &wish) == -1)
		die("listen");
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		struct epoll_event news[64];
		int n = epoll_wait(hub, news, 64, -1);
		for (int i = 0; i < n; i++) {
			Call *c = news[i].data.ptr;
			if (c == NULL) {
				pick_up(phone);
				continue;
			}
			flush(c);
			hear(c);
		}
		bury();
		fflush(stdout);
		if (n == -1 && errno != EINTR)
			break;
	}
	die("epoll_wait");
}
