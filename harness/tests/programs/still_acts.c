/*
 * still_acts.c: a program that acts by itself, or at what it hears, in the way that its first argument names.
 *
 *	still_acts WAY [PORT]
 *
 * Some act after a time, some wake at intervals and do nothing, some spin, some answer line by line. What they have done they
 * say on standard output, so that who watches them can tell whether they were left the time for it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in there;
static char bytes[1 << 16];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void say(const char *text)
{
	if (write(1, text, strlen(text)) == -1)
		die("write");
}

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&there, sizeof there) == -1)
		die("connect");
	return fd;
}

static int listens(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&there, sizeof there) == -1 || listen(fd, 5) == -1)
		die("bind");
	return fd;
}

static void milliseconds(int ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

static void compute(int ms)
{
	struct timespec t;
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < ms);
}

/* What was to be done, and then it waits for ever. */
static void act(int fd)
{
	if (send(fd, "x", 1, 0) == -1)
		die("send");
	say("acted\n");
	recv(fd, bytes, 1, 0);
}

static void limit_recv(int fd, int ms)
{
	struct timeval time = {.tv_usec = ms * 1000};
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == -1)
		die("setsockopt");
}

/* ---- They act after a time ---- */

static void sleeps_and_sends(void)
{
	int fd = dial();
	milliseconds(300);
	act(fd);
}

static void sleeps_and_listens(void)
{
	milliseconds(300);
	accept(listens(), NULL, NULL);
}

static void computes_and_sends(void)
{
	int fd = dial();
	compute(300);
	act(fd);
}

static void recv_ends_and_sends(void)
{
	int fd = dial();
	limit_recv(fd, 300);
	if (recv(fd, bytes, 1, 0) != -1)
		die("recv");
	act(fd);
}

static void poll_ends_and_sends(void)
{
	int fd = dial();
	poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 300);
	act(fd);
}

static void child_works(void)
{
	int fd = dial();
	if (fork() == 0) {
		compute(300);
		act(fd);
	}
	wait(NULL);
}

static void child_ends(void)
{
	int fd = dial();
	if (fork() == 0) {
		milliseconds(300);
		_exit(0);
	}
	wait(NULL);
	act(fd);
}

static void *computes(void *fd)
{
	compute(300);
	act(*(int *)fd);
	return NULL;
}

static void thread_works(void)
{
	int fd = dial();
	pthread_t thread;
	pthread_create(&thread, NULL, computes, &fd);
	pthread_join(thread, NULL);
}

static void *looks_round(void *unused)
{
	for (;;)
		milliseconds(40);
	return unused;
}

/* One thread wakes again and again for nothing; that says nothing about the other. */
static void two_sleep(void)
{
	int fd = dial();
	pthread_t thread;
	pthread_create(&thread, NULL, looks_round, NULL);
	milliseconds(400);
	act(fd);
}

/* A token goes round, for 300 ms: of all these processes one is awake, and always another one. */
static void relays(void)
{
	enum { RUNNERS = 6 };
	int fd = dial(), ring[RUNNERS][2];
	char token = 0;
	struct timespec from, now;
	for (int i = 0; i < RUNNERS; i++)
		if (pipe(ring[i]) == -1)
			die("pipe");
	for (int i = 1; i < RUNNERS; i++)
		if (fork() == 0) {
			while (read(ring[i][0], &token, 1) == 1 && write(ring[(i + 1) % RUNNERS][1], &token, 1) == 1)
				;
			_exit(1);
		}
	clock_gettime(CLOCK_MONOTONIC, &from);
	do {
		if (write(ring[1][1], &token, 1) == -1 || read(ring[0][0], &token, 1) == -1)
			die("relay");
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000 < 300);
	act(fd);
}

/* MSG_MORE: the kernel keeps the bytes for 200 ms, for there may be more (man 2 send). */
static void sends_more(void)
{
	int fd = dial();
	if (send(fd, "held", 4, MSG_MORE) == -1)
		die("send");
	say("acted\n");
	recv(fd, bytes, 1, 0);
}

static void connects(void)
{
	int fd = dial();
	act(fd);
}

/* ---- They wake at intervals, and do nothing ---- */

static void naps(void)
{
	say("waits\n");
	for (;;)
		milliseconds(100);
}

static void polls(void)
{
	struct pollfd input = {.fd = 0, .events = POLLIN};
	say("waits\n");
	while (poll(&input, 1, 200) == 0)
		;
}

/* As Python's socketserver does. */
static void serves(void)
{
	struct pollfd phone = {.fd = listens(), .events = POLLIN};
	say("waits\n");
	while (poll(&phone, 1, 500) == 0)
		;
}

static void selects(void)
{
	fd_set set;
	say("waits\n");
	do {
		FD_ZERO(&set);
		FD_SET(0, &set);
	} while (select(1, &set, NULL, NULL, &(struct timeval){.tv_usec = 100000}) == 0);
}

static void epolls(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = epoll_create1(0);
	epoll_ctl(fd, EPOLL_CTL_ADD, 0, &event);
	say("waits\n");
	while (epoll_wait(fd, &event, 1, 200) == 0)
		;
}

static void recv_ends_again(void)
{
	int fd = dial();
	limit_recv(fd, 200);
	say("waits\n");
	while (recv(fd, bytes, 1, 0) == -1 && errno == EAGAIN)
		;
}

static void condition_ends_again(void)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	pthread_mutex_lock(&mutex);
	say("waits\n");
	for (;;) {
		struct timespec then;
		clock_gettime(CLOCK_REALTIME, &then);
		then.tv_nsec += 100000000;
		then.tv_sec += then.tv_nsec / 1000000000;
		then.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&condition, &mutex, &then);
	}
}

/* ---- They spin ---- */

static void loops(void)
{
	for (volatile unsigned n = 0;; n++)
		;
}

/* The beginner's server: recv() says 0 when the caller has gone, and goes on saying so. */
static void hears_nothing(void)
{
	int fd = dial();
	while (recv(fd, bytes, sizeof bytes, 0) != -1)
		;
}

static void *spinner(void *unused)
{
	loops();
	return unused;
}

static void thread_loops(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, spinner, NULL);
	pthread_join(thread, NULL);
}

/* ---- They answer ---- */

static void hears(void)
{
	int fd = dial(), off = 0;
	ssize_t n;
	/* Each recv() may turn the kernel's own judgement of it on again. */
	while (setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off), (n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		if (write(1, bytes, (size_t)n) == -1)
			die("write");
	say(n == 0 ? "hung up\n" : "reset\n");
	pause();
}

static void echoes(void)
{
	int fd = dial();
	ssize_t n;
	while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		send(fd, bytes, (size_t)n, 0);
}

/* One program speaks to another: two small writes, of which the kernel holds the second back (Nagle). */
static void speaks(void)
{
	int fd = dial();
	while (fgets(bytes, 100, stdin))
		if (send(fd, bytes, 1, 0) == -1 || send(fd, bytes + 1, strlen(bytes) - 1, 0) == -1)
			die("send");
}

static void listens_and_prints(void)
{
	int phone = listens(), on = 0;
	say("ready\n");
	int fd = accept(phone, NULL, NULL);
	ssize_t n;
	while (setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on), (n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		if (write(1, bytes, (size_t)n) == -1)
			die("write");
}

static void reads(void)
{
	ssize_t n;
	say("ready\n");
	while ((n = read(0, bytes, sizeof bytes)) > 0) {
		say("got ");
		if (write(1, bytes, (size_t)n) == -1)
			die("write");
	}
	say("end\n");
	pause();
}

static void prompts(void)
{
	char *line;
	rl_bind_key('\t', rl_insert);
	while ((line = readline("> ")) != NULL) {
		printf("got %s\n", line);
		fflush(stdout);
		free(line);
	}
}

static void polls_and_reads(void)
{
	struct pollfd input = {.fd = 0, .events = POLLIN};
	say("ready\n");
	while (poll(&input, 1, -1) == 1) {
		ssize_t n = read(0, bytes, sizeof bytes);
		say("got ");
		if (n <= 0 || write(1, bytes, (size_t)n) == -1)
			die("read");
	}
}

/* It makes more noise than a pipe or a terminal holds. */
static void shouts(void)
{
	memset(bytes, 'x', 64);
	bytes[63] = '\n';
	for (int i = 0; i < 16384; i++)
		if (write(1, bytes, 64) != 64)
			die("write");
	say("acted\n");
	pause();
}

static void ends(void)
{
	say("acted\n");
	exit(7);
}

#define WAY(name)           \
	{                   \
#name, name \
	}
static const struct {
	const char *name;
	void (*act)(void);
} ways[] = {
    WAY(sleeps_and_sends),
    WAY(sleeps_and_listens),
    WAY(computes_and_sends),
    WAY(recv_ends_and_sends),
    WAY(poll_ends_and_sends),
    WAY(child_works),
    WAY(child_ends),
    WAY(thread_works),
    WAY(two_sleep),
    WAY(relays),
    WAY(sends_more),
    WAY(connects),
    WAY(naps),
    WAY(polls),
    WAY(serves),
    WAY(selects),
    WAY(epolls),
    WAY(recv_ends_again),
    WAY(condition_ends_again),
    WAY(loops),
    WAY(hears_nothing),
    WAY(thread_loops),
    WAY(hears),
    WAY(echoes),
    WAY(speaks),
    WAY(listens_and_prints),
    WAY(reads),
    WAY(prompts),
    WAY(polls_and_reads),
    WAY(shouts),
    WAY(ends),
};

int main(int argc, char **argv)
{
	there = (struct sockaddr_in){.sin_family = AF_INET,
	                             .sin_port = htons(argc > 2 ? (in_port_t)atoi(argv[2]) : 0),
	                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++)
		if (strcmp(argv[1], ways[i].name) == 0) {
			ways[i].act();
			return 0;
		}
	fprintf(stderr, "still_acts: no such way to act\n");
	return 2;
}
