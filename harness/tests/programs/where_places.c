/*
 * where_places: stands, spins or dies at a place of one's choice, for test_where.c.
 *
 *	where_places PLACE [CALL]
 *
 * The lines marked "HERE name" are what the tests expect to be told. Descriptor 0 is a socket. It
 * says "." on stdout once it is about to be there; what crashes waits for a byte first.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <readline/readline.h>

static char byte;
static volatile int always = 1;

static void say(const char *text)
{
	if (write(1, text, strlen(text)) == -1)
		_exit(3);
}

static void hear(void)
{
	char heard[16];
	ssize_t n = recv(0, heard, sizeof heard, 0); /* HERE recv */
	if (n > 0)
		byte = heard[0];
}

/* Small enough to be inlined at -O2. */
static inline void hear_inlined(char *heard)
{
	if (recv(0, heard, 16, 0) == -1) /* HERE inlined */
		abort();
}

static void *listener(void *unused)
{
	hear();
	return unused;
}

static void spin(void)
{
	volatile unsigned long turns = 0;
	while (always)
		turns++; /* HERE spin */
}

static void spin_in_the_vdso(void)
{
	struct timespec now;
	while (always)
		clock_gettime(CLOCK_MONOTONIC, &now); /* HERE vdso */
}

static void *crash(void *nowhere)
{
	*(volatile int *)nowhere = 1; /* HERE crash */
	return NULL;
}

static int overflow(int depth)
{
	volatile char room[4096];
	room[0] = (char)depth; /* HERE overflow */
	return always ? overflow(depth + 1) + room[0] : 0;
}

static void speak_to_nobody(void)
{
	int call[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, call) == -1)
		exit(3);
	close(call[1]);
	send(call[0], "x", 1, 0); /* HERE pipe */
}

static void give_up(void)
{
	abort(); /* HERE abort */
}

static void handler(int signal)
{
	(void)signal;
}

static void survivor(int signal)
{
	(void)signal;
	_exit(5);
}

/* Waits in a call of one's choice, and tells how it came out of it. */
static void be_patient(const char *call)
{
	struct pollfd one = {.fd = 0, .events = POLLIN};
	int room = epoll_create1(0), result = -1;
	fd_set set;
	FD_ZERO(&set);
	FD_SET(0, &set);
	struct epoll_event event = {.events = EPOLLIN};
	epoll_ctl(room, EPOLL_CTL_ADD, 0, &event);
	struct timeval minute = {.tv_sec = 60};
	if (!strcmp(call, "recv_timed"))
		setsockopt(0, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);

	say(".");
	if (!strcmp(call, "epoll"))
		result = epoll_wait(room, &event, 1, -1); /* HERE epoll */
	else if (!strcmp(call, "poll"))
		result = poll(&one, 1, -1); /* HERE poll */
	else if (!strcmp(call, "poll_timed"))
		result = poll(&one, 1, 60000);
	else if (!strcmp(call, "select"))
		result = select(1, &set, NULL, NULL, NULL);
	else if (!strcmp(call, "read"))
		result = (int)read(0, &byte, 1);
	else
		result = (int)recv(0, &byte, 1, 0);
	say(result == 1 ? "came" : strerror(errno));
}

static void stand(const char *place)
{
	pthread_t thread;
	char heard[16];
	say(".");
	if (!strcmp(place, "recv"))
		hear();
	else if (!strcmp(place, "inlined"))
		hear_inlined(heard);
	else if (!strcmp(place, "spin"))
		spin();
	else if (!strcmp(place, "vdso"))
		spin_in_the_vdso();
	else if (!strcmp(place, "readline"))
		free(readline(">>: ")); /* HERE readline */
	else if (!strcmp(place, "thread") && pthread_create(&thread, NULL, listener, NULL) == 0)
		pthread_join(thread, NULL); /* HERE join */
}

static void die(const char *how)
{
	pthread_t thread;
	say(".");
	hear();
	if (!strcmp(how, "crash"))
		crash(NULL);
	else if (!strcmp(how, "overflow"))
		byte = (char)overflow(0);
	else if (!strcmp(how, "pipe"))
		speak_to_nobody();
	else if (!strcmp(how, "abort"))
		give_up();
	else if (!strcmp(how, "thread") && pthread_create(&thread, NULL, crash, NULL) == 0)
		pthread_join(thread, NULL);
	else if (!strcmp(how, "child") && fork() == 0)
		crash(NULL);
	wait(NULL);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "stand"))
		stand(argv[2]);
	if (!strcmp(argv[1], "wait"))
		be_patient(argv[2]);
	if (!strcmp(argv[1], "handle")) {
		sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handler}, NULL);
		be_patient(argv[2]);
	}
	if (!strcmp(argv[1], "ignore"))
		signal(SIGPIPE, SIG_IGN);
	if (!strcmp(argv[1], "survive"))
		signal(SIGSEGV, survivor);
	if (!strcmp(argv[1], "ignore") || !strcmp(argv[1], "survive") || !strcmp(argv[1], "die"))
		die(argv[2]);
	return 0;
}
