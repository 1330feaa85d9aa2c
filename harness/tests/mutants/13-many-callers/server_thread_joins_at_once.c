/*
 * mutant: joins each thread before it picks up again
 * fails: a_silent_caller_keeps_nobody_waiting has_one_thread_for_each_call answers_200_callers_at_once
 *     a_reset_costs_nobody_else_anything leaves_nothing_behind_after_200_callers keeps_what_each_caller_says_apart
 * code: keeps_others_waiting
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 4096 }; /* descriptors */
static sem_t lines;   /* how many more callers there may be */

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

/* One caller, from the first word to the last. */
static void *talk(void *argument)
{
	int call = (int)(intptr_t)argument;
	for (;;) {
		/* Listen. Room for the longest frame there may be, and a newline. */
		char heard[FRAME_MAX + 1];
		ssize_t n = recv_frame(call, heard, FRAME_MAX);
		if (n == -1 && errno != ENODATA)
			perror("server: recv"); /* cut off, or not talking in frames: as good as hung up */
		if (n == -1)
			break;
		/* In one piece, past stdio: many of us print at once, and no line shall fall into another. */
		heard[n] = '\n';
		if (write(STDOUT_FILENO, heard, (size_t)n + 1) == -1)
			die("write");

		/* Speak, in upper-case. (toupper() would ask the locale.) */
		for (ssize_t i = 0; i < n; i++)
			if (heard[i] >= 'a' && heard[i] <= 'z')
				heard[i] = (char)(heard[i] - 'a' + 'A');
		if (send_frame(call, heard, (uint32_t)n) == -1) {
			perror("server: send");
			break;
		}
	}

	/* Hang up: a descriptor belongs to all threads, and does not go with this one. */
	if (close(call) == -1 || sem_post(&lines) == -1)
		die("close");
	return NULL;
}

int main(int argc, char *argv[])
{
	char *end;
	long port = strtol(argc > 1 ? argv[1] : "9000", &end, 10);
	if (argc > 2 || *end != '\0' || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server_thread [PORT]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* show each line at once, even in a pipe */

	/* All calls are descriptors of this one process. A few are in use for other things; the rest may be calls. */
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max < MOST ? limit.rlim_max : MOST;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		die("setrlimit");
	if (sem_init(&lines, 0, (unsigned)limit.rlim_cur - 8) == -1)
		die("sem_init");

	/* Nobody will wait for a thread's end, so nothing of it is to be kept; and it needs no stack of 8 MiB. */
	pthread_attr_t detached;
	if ((errno = pthread_attr_init(&detached)) != 0 ||
	    (errno = pthread_attr_setstacksize(&detached, 512 * 1024)) != 0)
		die("pthread_attr");

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

	/* Switch it on. From here on it can ring, and as many may wait as the kernel allows. */
	if (listen(phone, SOMAXCONN) == -1)
		die("listen");

	for (;;) {
		/* Pick up. The phone stays on the wall: the call is a new descriptor. */
		struct sockaddr_in caller;
		socklen_t size = sizeof caller; /* in: the room there is; out: the room it took */
		int call = accept(phone, (struct sockaddr *)&caller, &size);
		if (call == -1 && (errno == ECONNABORTED || errno == EINTR))
			continue; /* gone before we picked up: one caller's trouble, not ours */
		if (call == -1)
			die("accept");
		char from[INET_ADDRSTRLEN];
		if (inet_ntop(AF_INET, &caller.sin_addr, from, sizeof from) == NULL)
			die("inet_ntop");
		printf("call from %s\n", from);

		/* The thread gets the number of the call, and not the address of `call`: the next round writes there again. */
		pthread_t thread;
		errno = pthread_create(&thread, &detached, talk, (void *)(intptr_t)call);
		if (errno != 0) {
			perror("server: pthread_create"); /* too many of us: this caller's trouble */
			if (close(call) == -1)
				die("close");
			continue;
		}

		pthread_join(thread, NULL);

		/* A line less. Was it the last? Without a descriptor accept() would fail at once, again and again. */
		while (sem_wait(&lines) == -1)
			if (errno != EINTR)
				die("sem_wait");
	}
}
