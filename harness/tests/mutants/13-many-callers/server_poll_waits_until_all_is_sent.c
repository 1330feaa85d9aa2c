/*
 * mutant: waits in send() until the caller has taken the whole answer
 * fails: a_caller_who_does_not_read_delays_nobody
 * code: keeps_others_waiting
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* What has come from a caller stays where it came to: an answer is as long as its question, and takes its place. */
struct call {
	size_t have;  /* so many bytes are in the buffer */
	size_t ready; /* the first so many of them are answers */
	size_t sent;  /* and so many of these have gone */
	bool last;    /* these answers, and then hang up */
	char buffer[sizeof(uint32_t) + FRAME_MAX];
};

enum { MOST = 4096 };              /* descriptors */
static struct pollfd polled[MOST]; /* the phone is polled[0] */
static struct call *calls[MOST];   /* calls[i] is the call of polled[i] */

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

/* Makes an answer of each whole frame. What is left is the start of one, and its rest is still to come. */
static void answer(struct call *call)
{
	uint32_t size;
	while (call->have - call->ready >= sizeof size) {
		char *text = call->buffer + call->ready + sizeof size;
		memcpy(&size, call->buffer + call->ready, sizeof size);
		size = ntohl(size);
		if (size > FRAME_MAX) {
			fprintf(stderr, "server: recv: %s\n", strerror(EMSGSIZE));
			call->last = true;
			return;
		}
		if (call->have - call->ready - sizeof size < size)
			return;
		fwrite(text, 1, size, stdout);
		putchar('\n');
		for (uint32_t i = 0; i < size; i++)
			if (text[i] >= 'a' && text[i] <= 'z')
				text[i] = (char)(text[i] - 'a' + 'A');
		call->ready += sizeof size + size;
	}
}

/* Does for a caller what can be done without waiting (MSG_DONTWAIT). False: the call is over. */
static bool serve(int fd, struct call *call)
{
	/* Listen, but to nobody who has not taken his answers: what he says stays with him, and takes no memory of ours. */
	if (call->ready == 0) {
		ssize_t n = recv(fd, call->buffer + call->have, sizeof call->buffer - call->have, MSG_DONTWAIT);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n == -1)
			perror("server: recv"); /* cut off: as good as hung up */
		if (n <= 0)
			return false;
		call->have += (size_t)n;
		answer(call);
	}
	/* Speak. The kernel may take less than all, or nothing: poll() tells when it takes more. */
	if (call->ready > 0) {
		ssize_t n = send(fd, call->buffer + call->sent, call->ready - call->sent, MSG_NOSIGNAL);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n == -1) {
			perror("server: send");
			return false;
		}
		call->sent += (size_t)n;
		if (call->sent < call->ready)
			return true;
		/* All has gone. What has come of the next frame moves to the start: then the longest one has room. */
		call->have -= call->ready;
		memmove(call->buffer, call->buffer + call->ready, call->have);
		call->ready = call->sent = 0;
	}
	return !call->last;
}

int main(int argc, char *argv[])
{
	char *end;
	long port = strtol(argc > 1 ? argv[1] : "9000", &end, 10);
	if (argc > 2 || *end != '\0' || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server_poll [PORT]\n");
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

		/* From the last to the first: into the place of one who goes comes the last, who has been served by then. */
		for (nfds_t i = count - 1; i > 0; i--) {
			if (polled[i].revents == 0)
				continue;
			if (serve(polled[i].fd, calls[i])) {
				polled[i].events = calls[i]->ready > 0 ? POLLOUT : POLLIN;
				continue;
			}
			/* Hang up. */
			if (close(polled[i].fd) == -1)
				die("close");
			free(calls[i]);
			count--;
			polled[i] = polled[count];
			calls[i] = calls[count];
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
			struct call *call = malloc(sizeof *call);
			if (call == NULL)
				die("malloc");
			call->have = call->ready = call->sent = 0;
			call->last = false;
			calls[count] = call;
			polled[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
		}
	}
}
