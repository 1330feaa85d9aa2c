/*
 * mutant: has one buffer for what comes from all its callers; a lock keeps it whole, and mixes up what is in
 *     it
 * fails: a_silent_caller_keeps_nobody_waiting keeps_what_each_caller_says_apart
 *     does_not_answer_an_end_inside_a_header does_not_answer_an_end_inside_a_payload
 * code: mixes_up_callers wrong_bytes
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 4096 }; /* descriptors */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t have;
static char heard[2 * (sizeof(uint32_t) + FRAME_MAX)];
static sem_t lines; /* how many more callers there may be */

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

/* One caller, from the first word to the last. */
static void *talk(void *argument)
{
	int call = (int)(intptr_t)argument;
	bool goes_on = true;
	while (goes_on) {
		char piece[FRAME_MAX];
		ssize_t n = recv(call, piece, sizeof piece, 0);
		if (n <= 0)
			break;
		pthread_mutex_lock(&lock);
		memcpy(heard + have, piece, (size_t)n);
		have += (size_t)n;
		while (goes_on && have >= sizeof(uint32_t)) {
			char *text = heard + sizeof(uint32_t);
			uint32_t size;
			memcpy(&size, heard, sizeof size);
			size = ntohl(size);
			if (size <= FRAME_MAX && have < sizeof size + size)
				break;
			if (size > FRAME_MAX) {
				have = 0;
				goes_on = false;
				break;
			}
			fwrite(text, 1, size, stdout);
			putchar('\n');
			for (uint32_t i = 0; i < size; i++)
				if (text[i] >= 'a' && text[i] <= 'z')
					text[i] = (char)(text[i] - 'a' + 'A');
			goes_on = send_frame(call, text, size) == 0;
			have -= sizeof size + size;
			memmove(heard, text + size, have);
		}
		pthread_mutex_unlock(&lock);
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
	    (errno = pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED)) != 0 ||
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

		/* A line less. Was it the last? Without a descriptor accept() would fail at once, again and again. */
		while (sem_wait(&lines) == -1)
			if (errno != EINTR)
				die("sem_wait");
	}
}
