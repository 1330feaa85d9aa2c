/*
 * variant: a thread for each caller, and one lock; what waits is sent by whoever comes by, without waiting, and a thread of its
 * own wakes those who may have room again
 */
#define _GNU_SOURCE
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 2000, MOST_WAITING = 1 << 20 };

typedef struct {
	int fd;
	char name[33];
	size_t name_size;
	char *waiting;
	size_t size;
} Caller;

static Caller *callers[MOST];
static size_t count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int doorbell;

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

/* With the lock held, like all that follow. */
static void speak(Caller *c)
{
	while (c->size > 0) {
		ssize_t n = send(c->fd, c->waiting, c->size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1)
			break;
		c->size -= (size_t)n;
		memmove(c->waiting, c->waiting + n, c->size);
	}
}

static Caller *find(const char *name, size_t size)
{
	for (size_t i = 0; i < count; i++)
		if (callers[i]->name_size == size && memcmp(callers[i]->name, name, size) == 0)
			return callers[i];
	return NULL;
}

static void pass_on(Caller *from, const char *frame, size_t size)
{
	if (size < 4 || memcmp(frame, "say ", 4) != 0)
		return;
	const char *bar = memchr(frame + 4, '|', size - 4);
	if (bar == NULL || bar == frame + 4)
		return;
	Caller *to = find(frame + 4, (size_t)(bar - frame - 4));
	size_t text = (size_t)(frame + size - bar), all = from->name_size + text;
	if (to == NULL || all > FRAME_MAX)
		return;
	uint32_t header = htonl((uint32_t)all);
	if (to->size + 4 + all > MOST_WAITING) {
		to->name_size = 0; /* nobody is called that any more */
		shutdown(to->fd, SHUT_RDWR);
		return;
	}
	to->waiting = realloc(to->waiting, to->size + 4 + all);
	if (to->waiting == NULL)
		die("realloc");
	memcpy(to->waiting + to->size, &header, 4);
	memcpy(to->waiting + to->size + 4, from->name, from->name_size);
	memcpy(to->waiting + to->size + 4 + from->name_size, bar, text);
	to->size += 4 + all;
	speak(to);
	if (to->size > 0)
		eventfd_write(doorbell, 1);
}

static int is_good(const char *name, ssize_t size)
{
	for (ssize_t i = 0; i < size; i++)
		if ((unsigned char)name[i] < 32 || name[i] == 127 || name[i] == '|')
			return 0;
	return size >= 1 && size <= 32;
}

static void *serve(void *context)
{
	Caller *me = context;
	char *frame = malloc(FRAME_MAX);
	ssize_t n = frame != NULL ? recv_frame(me->fd, frame, FRAME_MAX) : -1;
	int good = n >= 0 && is_good(frame, n);
	pthread_mutex_lock(&lock);
	good = good && find(frame, (size_t)n) == NULL && count < MOST;
	if (good) {
		memcpy(me->name, frame, (size_t)n);
		me->name_size = (size_t)n;
		callers[count++] = me;
	}
	pthread_mutex_unlock(&lock);
	while (good && (n = recv_frame(me->fd, frame, FRAME_MAX)) >= 0) {
		pthread_mutex_lock(&lock);
		pass_on(me, frame, (size_t)n);
		pthread_mutex_unlock(&lock);
	}
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < count; i++)
		if (callers[i] == me)
			callers[i--] = callers[--count];
	close(me->fd);
	pthread_mutex_unlock(&lock);
	free(me->waiting);
	free(me);
	free(frame);
	return NULL;
}

/* Who has something waiting is watched here for room. */
static void *watch(void *unused)
{
	static struct pollfd look[MOST + 1];
	(void)unused;
	for (;;) {
		nfds_t n = 1;
		look[0] = (struct pollfd){.fd = doorbell, .events = POLLIN};
		pthread_mutex_lock(&lock);
		for (size_t i = 0; i < count; i++)
			if (callers[i]->size > 0 && callers[i]->name_size > 0)
				look[n++] = (struct pollfd){.fd = callers[i]->fd, .events = POLLOUT};
		pthread_mutex_unlock(&lock);
		if (poll(look, n, -1) == -1 && errno != EINTR)
			die("poll");
		eventfd_t rung;
		if (look[0].revents != 0)
			eventfd_read(doorbell, &rung);
		pthread_mutex_lock(&lock);
		for (size_t i = 0; i < count; i++)
			if (callers[i]->name_size > 0)
				speak(callers[i]);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int main(int argc, char *argv[])
{
	char *end;
	long port = strtol(argc > 1 ? argv[1] : "9000", &end, 10);
	if (argc > 2 || *end != '\0' || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server [PORT]\n");
		return 2;
	}
	int phone = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
	if (phone == -1 || setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1)
		die("socket");
	struct sockaddr_in number = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");
	pthread_t thread;
	doorbell = eventfd(0, EFD_NONBLOCK);
	if (doorbell == -1 || listen(phone, 100) == -1 || pthread_create(&thread, NULL, watch, NULL) != 0)
		die("listen");
	for (;;) {
		Caller *caller = calloc(1, sizeof *caller);
		if (caller == NULL)
			die("calloc");
		caller->fd = accept(phone, NULL, NULL);
		if (caller->fd != -1 && pthread_create(&thread, NULL, serve, caller) == 0) {
			pthread_detach(thread);
			continue;
		}
		if (caller->fd != -1)
			close(caller->fd);
		free(caller);
	}
}
