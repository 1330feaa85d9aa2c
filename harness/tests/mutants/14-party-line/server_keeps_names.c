/*
 * mutant: forgets to take the name of one who has gone out of the table
 * fails: frees_the_name_of_one_who_hung_up frees_the_name_after_a_reset ends_the_call_at_a_length_over_65536
 *     survives_an_end_inside_a_frame hangs_up_on_one_for_whom_too_much_waits survives_a_receiver_who_is_gone
 *     leaves_nothing_behind_after_200_callers
 * code: keeps_the_name leaks_memory
 */
#define _GNU_SOURCE /* POLLRDHUP */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MOST = 4096,            /* descriptors */
	LONGEST_NAME = 32,      /* bytes */
	MOST_WAITING = 1 << 20, /* bytes for one caller */
};

struct call {
	char name[LONGEST_NAME + 1]; /* a string; empty until he has said it */
	bool over;                   /* he has hung up, or we shall */
	nfds_t i;                    /* he is calls[i] */
	size_t have;                 /* so many bytes have come and are in the buffer: the start of a frame */
	char *waiting;               /* what is for him: the bytes from `sent` up to `filled` */
	size_t sent, filled, room;
	char buffer[sizeof(uint32_t) + FRAME_MAX];
};

static struct pollfd polled[MOST]; /* the phone is polled[0] */
static struct call *calls[MOST];   /* calls[i] is the call of polled[i] */
static void *names;                /* a tree of all who have one: tsearch(3) */

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b); /* a name begins the call that it belongs to */
}

/* Nobody will hear from him any more, nor he from anybody. His name is free. */
static void let_go(struct call *call)
{
	if (call->name[0] != '\0' && !call->over) {
		printf("%s has left\n", call->name);
	}
	call->over = true;
	polled[call->i].revents |= POLLOUT; /* to be looked at before we sleep */
}

/* The kernel takes what it has room for. The rest waits until poll() says that there is room again. */
static void speak(struct call *call)
{
	ssize_t n = send(polled[call->i].fd, call->waiting + call->sent, call->filled - call->sent,
	                 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		let_go(call);
	if (n > 0)
		call->sent += (size_t)n;
	if (call->sent == call->filled)
		call->sent = call->filled = 0;
}

/* Puts a frame "FROM|TEXT" to what waits for him. `text` begins with the bar. */
static void tell(struct call *call, const char *from, const char *text, size_t text_size)
{
	size_t from_size = strlen(from);
	uint32_t size = htonl((uint32_t)(from_size + text_size));
	size_t all = sizeof size + from_size + text_size;
	if (call->filled - call->sent + all > MOST_WAITING)
		speak(call); /* it may be we who have not got round to it */
	if (call->filled - call->sent + all > MOST_WAITING)
		let_go(call);
	if (call->over)
		return;
	if (call->sent > call->room / 2) {
		call->filled -= call->sent;
		memmove(call->waiting, call->waiting + call->sent, call->filled);
		call->sent = 0;
	}
	if (call->room - call->filled < all) {
		call->room = 2 * call->room + all;
		call->waiting = realloc(call->waiting, call->room);
		if (call->waiting == NULL)
			die("realloc");
	}
	char *to = call->waiting + call->filled;
	memcpy(to, &size, sizeof size);
	memcpy(to + sizeof size, from, from_size);
	memcpy(to + sizeof size + from_size, text, text_size);
	call->filled += all;
	polled[call->i].revents |= POLLOUT; /* try it before we sleep: mostly there is room */
}

/* The call with this name, or NULL. */
static struct call *find(const char *name, size_t size)
{
	char key[LONGEST_NAME + 1] = {0};
	if (size > LONGEST_NAME || memchr(name, '\0', size) != NULL)
		return NULL; /* nobody can be called that */
	memcpy(key, name, size);
	struct call **found = tfind(key, &names, by_name);
	return found != NULL ? *found : NULL;
}

static void listen_to(struct call *call);

static void take_name(struct call *call, const char *name, size_t size)
{
	bool good = size >= 1 && size <= LONGEST_NAME;
	for (size_t i = 0; good && i < size; i++)
		good = (unsigned char)name[i] >= ' ' && name[i] != '\x7f' && name[i] != '|';
	/* He who has it may have hung up, and we have not come to that yet: hear him out. */
	struct call *other = find(name, size);
	while (other != NULL && !other->over &&
	       poll(&(struct pollfd){.fd = polled[other->i].fd, .events = POLLRDHUP}, 1, 0) == 1)
		listen_to(other);
	if (!good || other != NULL) {
		let_go(call);
		return;
	}
	memcpy(call->name, name, size);
	if (tsearch(call, &names, by_name) == NULL)
		die("tsearch");
	printf("%s is on the line\n", call->name);
}

/* "say NAME|TEXT". Whatever else it may be, nobody asked for it. */
static void pass_on(struct call *call, const char *said, size_t size)
{
	if (size < 4 || memcmp(said, "say ", 4) != 0)
		return;
	const char *name = said + 4, *text = memchr(name, '|', size - 4);
	if (text == NULL)
		return;
	struct call *to = find(name, (size_t)(text - name));
	size -= (size_t)(text - said); /* the text, and the bar before it */
	if (to != NULL && !to->over && strlen(call->name) + size <= FRAME_MAX)
		tell(to, call->name, text, size);
}

/* Does what can be done without waiting (MSG_DONTWAIT). */
static void listen_to(struct call *call)
{
	ssize_t n = recv(polled[call->i].fd, call->buffer + call->have, sizeof call->buffer - call->have, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* cut off is as good as hung up */
		let_go(call);
		return;
	}
	call->have += (size_t)n;

	/* Each whole frame. What is left is the start of one, and its rest is still to come. */
	uint32_t size;
	size_t at = 0;
	for (; call->have - at >= sizeof size && !call->over; at += sizeof size + size) {
		memcpy(&size, call->buffer + at, sizeof size);
		size = ntohl(size);
		if (size > FRAME_MAX) {
			let_go(call);
			return;
		}
		if (call->have - at - sizeof size < size)
			break;
		const char *text = call->buffer + at + sizeof size;
		if (call->name[0] == '\0')
			take_name(call, text, size);
		else
			pass_on(call, text, size);
	}
	call->have -= at;
	memmove(call->buffer, call->buffer + at, call->have);
}

int main(int argc, char *argv[])
{
	char *end;
	long port = strtol(argc > 1 ? argv[1] : "9000", &end, 10);
	if (argc > 2 || *end != '\0' || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server [PORT]\n");
		return 2;
	}

	/* A call is a descriptor. Have as many as we may, and no more than there is room for. */
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max < MOST ? limit.rlim_max : MOST;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		die("setrlimit");

	/* Buy a phone. It must not keep us waiting either, should a caller be gone before we pick up. */
	int phone = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
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

	/* Switch it on. From here on it can ring, and as many may wait as the kernel allows. */
	if (listen(phone, SOMAXCONN) == -1)
		die("listen");

	polled[0] = (struct pollfd){.fd = phone, .events = POLLIN};
	nfds_t count = 1;
	for (;;) {
		fflush(stdout); /* before we sleep: show what was heard, even in a pipe */
		if (poll(polled, count, -1) == -1 && errno != EINTR)
			die("poll");

		/* Listen first, to all who have said something... */
		for (nfds_t i = 1; i < count; i++)
			if ((polled[i].revents & ~POLLOUT) != 0 && !calls[i]->over)
				listen_to(calls[i]);

		/* ...and then speak, once to each for whom anything has come. From the last to the first: into the place of one
		 * who goes comes the last, who has had his turn by then. */
		for (nfds_t i = count - 1; i > 0; i--) {
			if (polled[i].revents == 0)
				continue;
			if (calls[i]->filled > 0 && !calls[i]->over)
				speak(calls[i]);
			polled[i].events = calls[i]->filled > 0 ? POLLIN | POLLOUT : POLLIN;
			if (!calls[i]->over)
				continue;
			/* Hang up. */
			if (close(polled[i].fd) == -1)
				die("close");
			struct call *gone = calls[i];
			count--;
			polled[i] = polled[count];
			calls[i] = calls[count];
			calls[i]->i = i;
			if (gone->name[0] == '\0')
				free(gone);
			polled[0].events = POLLIN; /* there is room again */
		}

		/* Pick up, whoever rings by now. */
		while (polled[0].revents != 0) {
			int fd = accept(phone, NULL, NULL);
			if (fd == -1 && errno == EAGAIN)
				break; /* nobody any more */
			if (fd == -1 && (errno == ECONNABORTED || errno == EINTR))
				continue; /* gone before we picked up: one caller's trouble, not ours */
			if (fd == -1 && (errno == EMFILE || errno == ENFILE) && count > 1) {
				polled[0].events = 0; /* no descriptor is left: let it ring until somebody hangs up */
				break;
			}
			if (fd == -1)
				die("accept");
			/* Small frames leave at once: to whom we speak has nothing to answer, so an ACK may take its time. */
			if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == -1)
				die("setsockopt");
			struct call *call = malloc(sizeof *call);
			if (call == NULL)
				die("malloc");
			memset(call, 0, offsetof(struct call, buffer));
			call->i = count;
			calls[count] = call;
			polled[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
		}
	}
}
