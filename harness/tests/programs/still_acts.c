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
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
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

static void nothing(int signal)
{
	(void)signal;
}

/* A signal ends the call: no SA_RESTART. */
static void catch_alarm(void)
{
	struct sigaction action = {.sa_handler = nothing};
	sigaction(SIGALRM, &action, NULL);
}

static void recv_until_alarm(int fd)
{
	if (recv(fd, bytes, 1, 0) != -1 || errno != EINTR)
		die("recv");
	act(fd);
}

static void alarm_ends_recv(void)
{
	int fd = dial();
	catch_alarm();
	alarm(1);
	recv_until_alarm(fd);
}

static void itimer_ends_recv(void)
{
	int fd = dial();
	catch_alarm();
	setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 300000}, NULL);
	recv_until_alarm(fd);
}

static void timer_ends_recv(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct sigaction action = {.sa_handler = nothing};
	timer_t timer;
	int fd = dial();
	sigaction(SIGUSR1, &action, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) == -1)
		die("timer_create");
	timer_settime(timer, 0, &(struct itimerspec){.it_value.tv_nsec = 300000000}, NULL);
	recv_until_alarm(fd);
}

/* A clock among the descriptors: 300 ms. */
static int clock_descriptor(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	if (fd == -1 || timerfd_settime(fd, 0, &(struct itimerspec){.it_value.tv_nsec = 300000000}, NULL) == -1)
		die("timerfd");
	return fd;
}

static void timerfd_read_and_sends(void)
{
	int fd = dial();
	if (read(clock_descriptor(), bytes, 8) != 8)
		die("read");
	act(fd);
}

static void timerfd_polled_and_sends(void)
{
	struct pollfd look[2] = {{.fd = dial(), .events = POLLIN}, {.events = POLLIN}};
	look[1].fd = clock_descriptor();
	poll(look, 2, -1);
	act(look[0].fd);
}

static void timerfd_selected_and_sends(void)
{
	fd_set set;
	int fd = dial(), clock = clock_descriptor();
	FD_ZERO(&set);
	FD_SET(clock, &set);
	select(clock + 1, &set, NULL, NULL, NULL);
	act(fd);
}

static void timerfd_in_epoll_and_sends(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = dial(), several = epoll_create1(0);
	epoll_ctl(several, EPOLL_CTL_ADD, fd, &event);
	epoll_ctl(several, EPOLL_CTL_ADD, clock_descriptor(), &event);
	epoll_wait(several, &event, 1, -1);
	act(fd);
}

static void mq_ends_and_sends(void)
{
	int fd = dial();
	struct timespec then;
	struct mq_attr few = {.mq_maxmsg = 1, .mq_msgsize = 8};
	mqd_t queue = mq_open("/still", O_RDWR | O_CREAT, 0600, &few);
	mq_unlink("/still");
	clock_gettime(CLOCK_REALTIME, &then);
	then.tv_sec += 1;
	if (queue == (mqd_t)-1 || mq_timedreceive(queue, bytes, sizeof bytes, NULL, &then) != -1)
		die("mq");
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

/* It has set an alarm for a time that nobody waits for. */
static void alarmed_for_long(void)
{
	catch_alarm();
	alarm(3600);
	say("waits\n");
	pause();
}

static void ticks(void)
{
	int fd = dial();
	catch_alarm();
	setitimer(ITIMER_REAL, &(struct itimerval){{.tv_usec = 100000}, {.tv_usec = 100000}}, NULL);
	say("waits\n");
	while (recv(fd, bytes, 1, 0) == -1 && errno == EINTR)
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

/* ---- They do something again and again, by themselves ---- */

/* It cannot bear a silence. */
static void speaks_up(void)
{
	struct pollfd line = {.fd = dial(), .events = POLLIN};
	say("waits\n");
	while (poll(&line, 1, 300) == 0)
		if (send(line.fd, "are you there?", 14, 0) == -1)
			die("send");
}

static void prints_dots(void)
{
	for (;;) {
		milliseconds(100);
		say(".");
	}
}

/* A right one: it lets us know what it is about, and then does it. */
static void prints_dots_and_sends(void)
{
	int fd = dial();
	for (int i = 0; i < 30; i++) {
		milliseconds(100);
		say(".");
	}
	act(fd);
}

static void acts_in_steps(void)
{
	int fd = dial();
	for (int i = 0; i < 5; i++) {
		milliseconds(300);
		if (send(fd, ".", 1, 0) == -1)
			die("send");
	}
	act(fd);
}

static void *prints_now_and_then(void *unused)
{
	prints_dots();
	return unused;
}

/* One thread makes a noise, which says nothing of the other. */
static void works_in_the_noise(void)
{
	int fd = dial();
	pthread_t thread;
	pthread_create(&thread, NULL, prints_now_and_then, NULL);
	sleep(3);
	act(fd);
}

static void posts_for_ever(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	say("waits\n");
	for (;;) {
		milliseconds(100);
		sendto(fd, "!", 1, 0, (struct sockaddr *)&there, sizeof there);
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

/* ---- They answer datagrams, and at AF_UNIX ---- */

static int mailbox(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(fd, (struct sockaddr *)&there, sizeof there) == -1)
		die("bind");
	return fd;
}

/* It prints each, and sends it back. */
static void answers(int fd)
{
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	ssize_t n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size);
	if (n == -1)
		die("recvfrom");
	if (write(1, bytes, (size_t)n) == -1)
		die("write");
	if (sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, size) == -1)
		die("sendto");
}

static void collects(void)
{
	int fd = mailbox();
	say("ready\n");
	for (;;)
		answers(fd);
}

static void polls_and_collects(void)
{
	struct pollfd look = {.fd = mailbox(), .events = POLLIN};
	say("ready\n");
	while (poll(&look, 1, -1) == 1)
		answers(look.fd);
}

/* It looks round between two datagrams. */
static void looks_round_and_collects(void)
{
	struct pollfd look = {.fd = mailbox(), .events = POLLIN};
	say("waits\n");
	for (;;)
		if (poll(&look, 1, 200) == 1)
			answers(look.fd);
}

/* No answer comes, and it says so. */
static void posts_and_gives_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), nobody = mailbox();
	limit_recv(fd, 300);
	sendto(fd, "?", 1, 0, (struct sockaddr *)&there, sizeof there);
	if (recv(fd, bytes, 1, 0) == -1 && errno == EAGAIN)
		say("acted\n");
	close(nobody);
	pause();
}

/* Nobody is there, and the kernel says so: ECONNREFUSED, by ICMP. */
static void posts_to_nobody(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (connect(fd, (struct sockaddr *)&there, sizeof there) == -1 || send(fd, "?", 1, 0) == -1)
		die("send");
	if (recv(fd, bytes, 1, 0) == -1 && errno == ECONNREFUSED)
		say("acted\n");
	pause();
}

static int unix_dial(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int size = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "still-%u", ntohs(there.sin_port));
	if (connect(fd, (struct sockaddr *)&name,
	            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size)) == -1)
		die("connect");
	return fd;
}

static void unix_chatters(void)
{
	int fd = unix_dial();
	say("waits\n");
	for (;;) {
		milliseconds(100);
		if (send(fd, "!", 1, 0) == -1)
			die("send");
	}
}

static void unix_echoes(void)
{
	int fd = unix_dial();
	ssize_t n;
	say("ready\n");
	while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		if (send(fd, bytes, (size_t)n, 0) == -1 || write(1, bytes, (size_t)n) == -1)
			die("send");
	say("hung up\n");
	pause();
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
    WAY(alarm_ends_recv),
    WAY(itimer_ends_recv),
    WAY(timer_ends_recv),
    WAY(timerfd_read_and_sends),
    WAY(timerfd_polled_and_sends),
    WAY(timerfd_selected_and_sends),
    WAY(timerfd_in_epoll_and_sends),
    WAY(mq_ends_and_sends),
    WAY(alarmed_for_long),
    WAY(ticks),
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
    WAY(speaks_up),
    WAY(prints_dots),
    WAY(prints_dots_and_sends),
    WAY(acts_in_steps),
    WAY(works_in_the_noise),
    WAY(posts_for_ever),
    WAY(unix_chatters),
    WAY(loops),
    WAY(hears_nothing),
    WAY(thread_loops),
    WAY(hears),
    WAY(echoes),
    WAY(speaks),
    WAY(listens_and_prints),
    WAY(collects),
    WAY(polls_and_collects),
    WAY(looks_round_and_collects),
    WAY(posts_and_gives_up),
    WAY(posts_to_nobody),
    WAY(unix_echoes),
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
