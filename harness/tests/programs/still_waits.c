/*
 * still_waits.c: a program that comes to wait, in the way that its first argument names.
 *
 *	still_waits WAY [PORT]
 *
 * It says "waits" just before its last call, so that who watches it can tell whether it had come so far. On PORT of
 * the loopback it finds somebody to call, or listens itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <readline/readline.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HOUR = 3600 };

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

/* Whoever waits has not got anything: to come back at all is a failure. */
static void came_back(const char *call)
{
	die(call);
}

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&there, sizeof there) == -1)
		die("connect");
	return fd;
}

/* ---- Sockets, pipes, terminals ---- */

static void wait_accept(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&there, sizeof there) == -1 || listen(fd, 5) == -1)
		die("bind");
	say("waits\n");
	accept(fd, NULL, NULL);
	came_back("accept");
}

static void wait_recv(void)
{
	int fd = dial();
	say("waits\n");
	recv(fd, bytes, sizeof bytes, 0);
	came_back("recv");
}

static void wait_recvmsg(void)
{
	struct iovec part = {bytes, sizeof bytes};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	int fd = dial();
	say("waits\n");
	recvmsg(fd, &message, 0);
	came_back("recvmsg");
}

static void wait_read_socket(void)
{
	int fd = dial();
	say("waits\n");
	if (read(fd, bytes, sizeof bytes) <= 0)
		came_back("read");
}

static int mailbox(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(fd, (struct sockaddr *)&there, sizeof there) == -1)
		die("bind");
	return fd;
}

static void wait_udp(void)
{
	int fd = mailbox();
	say("waits\n");
	recvfrom(fd, bytes, sizeof bytes, 0, NULL, NULL);
	came_back("recvfrom");
}

/* With a fixed peer, which never answers; nobody is there to refuse, either. */
static void wait_udp_connected(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), peer = mailbox();
	if (connect(fd, (struct sockaddr *)&there, sizeof there) == -1 || send(fd, "?", 1, 0) == -1)
		die("send");
	say("waits\n");
	recv(fd, bytes, sizeof bytes, 0);
	close(peer);
	came_back("recv");
}

static void wait_udp_poll(void)
{
	struct pollfd look = {.fd = mailbox(), .events = POLLIN};
	say("waits\n");
	poll(&look, 1, -1);
	came_back("poll");
}

static void wait_udp_poll_hour(void)
{
	struct pollfd look = {.fd = mailbox(), .events = POLLIN};
	say("waits\n");
	poll(&look, 1, HOUR * 1000);
	came_back("poll");
}

/* A socket with a name of the abstract namespace: the port's number. */
static int unix_socket(int type, bool listens)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);
	int size = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "still-%u", ntohs(there.sin_port));
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
	if (bind(fd, (struct sockaddr *)&name, length) == -1 || (listens && listen(fd, 0) == -1))
		die("bind");
	return fd;
}

static int unix_call(int type)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);
	int size = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "still-%u", ntohs(there.sin_port));
	if (connect(fd, (struct sockaddr *)&name,
	            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size)) == -1)
		die("connect");
	return fd;
}

static void wait_unix(void)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		die("socketpair");
	say("waits\n");
	recv(pair[0], bytes, sizeof bytes, 0);
	came_back("recv");
}

static void wait_unix_accept(void)
{
	int fd = unix_socket(SOCK_STREAM, true);
	say("waits\n");
	accept(fd, NULL, NULL);
	came_back("accept");
}

/* The queue of a listener with a backlog of 0 has room for one. */
static void wait_unix_connect(void)
{
	unix_socket(SOCK_STREAM, true);
	unix_call(SOCK_STREAM);
	say("waits\n");
	unix_call(SOCK_STREAM);
	came_back("connect");
}

static void wait_unix_send(void)
{
	unix_socket(SOCK_STREAM, true);
	int fd = unix_call(SOCK_STREAM);
	say("waits\n");
	for (;;)
		if (send(fd, bytes, sizeof bytes, 0) == -1)
			came_back("send");
}

static void wait_unix_collect(void)
{
	int fd = unix_socket(SOCK_DGRAM, false);
	say("waits\n");
	recvfrom(fd, bytes, sizeof bytes, 0, NULL, NULL);
	came_back("recvfrom");
}

/* Nobody empties the mailbox. */
static void wait_unix_post(void)
{
	unix_socket(SOCK_DGRAM, false);
	int fd = unix_call(SOCK_DGRAM);
	say("waits\n");
	for (;;)
		if (send(fd, bytes, 100, 0) == -1)
			came_back("send");
}

/* Its peer never reads. */
static void wait_send(void)
{
	int fd = dial();
	say("waits\n");
	for (;;)
		if (send(fd, bytes, sizeof bytes, 0) == -1)
			came_back("send");
}

/* Many small pieces cost the kernel more memory than their bytes. */
static void wait_send_small(void)
{
	int fd = dial(), on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	say("waits\n");
	for (;;)
		if (send(fd, bytes, 100, 0) == -1)
			came_back("send");
}

static void wait_write_pipe(void)
{
	int ends[2];
	if (pipe(ends) == -1)
		die("pipe");
	say("waits\n");
	for (;;)
		if (write(ends[1], bytes, sizeof bytes) == -1)
			came_back("write");
}

static void wait_read(void)
{
	say("waits\n");
	if (read(0, bytes, sizeof bytes) <= 0)
		came_back("read");
}

static void wait_fgets(void)
{
	say("waits\n");
	fgets(bytes, sizeof bytes, stdin);
	came_back("fgets");
}

static void wait_readline(void)
{
	readline("waits\n> ");
	came_back("readline");
}

static void wait_open(void)
{
	if (mkfifo("fifo", 0600) == -1 && errno != EEXIST)
		die("mkfifo");
	say("waits\n");
	open("fifo", O_RDONLY);
	came_back("open");
}

/* ---- Several descriptors at once ---- */

static struct pollfd input = {.fd = 0, .events = POLLIN};

static void wait_poll(void)
{
	say("waits\n");
	poll(&input, 1, -1);
	came_back("poll");
}

static void wait_ppoll(void)
{
	say("waits\n");
	ppoll(&input, 1, NULL, NULL);
	came_back("ppoll");
}

static void wait_poll_hour(void)
{
	say("waits\n");
	poll(&input, 1, HOUR * 1000);
	came_back("poll");
}

/* A clock among the descriptors, that is not set, or for long. */
static void poll_clock(int seconds)
{
	struct pollfd clock = {.fd = timerfd_create(CLOCK_MONOTONIC, 0), .events = POLLIN};
	timerfd_settime(clock.fd, 0, &(struct itimerspec){.it_value.tv_sec = seconds}, NULL);
	say("waits\n");
	poll(&clock, 1, -1);
	came_back("poll");
}

static void wait_timerfd(void)
{
	poll_clock(0);
}

static void wait_timerfd_hour(void)
{
	poll_clock(HOUR);
}

static void select_for(struct timeval *time)
{
	fd_set set;
	FD_ZERO(&set);
	FD_SET(0, &set);
	say("waits\n");
	select(1, &set, NULL, NULL, time);
	came_back("select");
}

static void wait_select(void)
{
	select_for(NULL);
}

static void wait_select_hour(void)
{
	select_for(&(struct timeval){.tv_sec = HOUR});
}

static void epoll_for(int ms)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = epoll_create1(0);
	if (epoll_ctl(fd, EPOLL_CTL_ADD, 0, &event) == -1)
		die("epoll_ctl");
	say("waits\n");
	epoll_wait(fd, &event, 1, ms);
	came_back("epoll_wait");
}

static void wait_epoll(void)
{
	epoll_for(-1);
}

static void wait_epoll_hour(void)
{
	epoll_for(HOUR * 1000);
}

/* ---- Time and signals ---- */

static void wait_sleep_hour(void)
{
	say("waits\n");
	sleep(HOUR);
	came_back("sleep");
}

static void wait_until(void)
{
	struct timespec then;
	clock_gettime(CLOCK_REALTIME, &then);
	then.tv_sec += HOUR;
	say("waits\n");
	clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &then, NULL);
	came_back("clock_nanosleep");
}

static void wait_pause(void)
{
	say("waits\n");
	pause();
	came_back("pause");
}

static void wait_sigwait(void)
{
	sigset_t set;
	int got;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	say("waits\n");
	sigwait(&set, &got);
	came_back("sigwait");
}

static void wait_lock(void)
{
	FILE *file = tmpfile();
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", file ? fileno(file) : -1);
	int other = open(path, O_RDWR);
	if (other == -1 || flock(fileno(file), LOCK_EX) == -1)
		die("flock");
	say("waits\n");
	flock(other, LOCK_EX);
	came_back("flock");
}

/* A call that blocks, and that hardly anybody makes. */
static void wait_unheard_of(void)
{
	unsigned long context = 0;
	char event[32];
	syscall(SYS_io_setup, 1, &context);
	say("waits\n");
	syscall(SYS_io_getevents, context, 1, 1, event, NULL);
	came_back("io_getevents");
}

/* ---- Threads ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void *receives(void *unused)
{
	int fd = dial();
	recv(fd, bytes, sizeof bytes, 0);
	return unused;
}

static void wait_join(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, receives, NULL);
	say("waits\n");
	pthread_join(thread, NULL);
	came_back("pthread_join");
}

static void wait_leaderless(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, receives, NULL);
	say("waits\n");
	pthread_exit(NULL);
}

static void wait_mutex(void)
{
	pthread_mutex_lock(&mutex);
	say("waits\n");
	pthread_mutex_lock(&mutex);
	came_back("pthread_mutex_lock");
}

static void wait_condition(void)
{
	pthread_mutex_lock(&mutex);
	say("waits\n");
	for (;;)
		pthread_cond_wait(&condition, &mutex);
}

static void wait_condition_hour(void)
{
	struct timespec then;
	clock_gettime(CLOCK_REALTIME, &then);
	then.tv_sec += HOUR;
	pthread_mutex_lock(&mutex);
	say("waits\n");
	pthread_cond_timedwait(&condition, &mutex, &then);
	came_back("pthread_cond_timedwait");
}

static void wait_semaphore(void)
{
	sem_t semaphore;
	sem_init(&semaphore, 0, 0);
	say("waits\n");
	sem_wait(&semaphore);
	came_back("sem_wait");
}

/* ---- Processes ---- */

/* The child says it, for it comes to wait last, or not; the test looks at who waits in what. */
static void wait_child(void)
{
	if (fork() == 0)
		wait_recv();
	wait(NULL);
	came_back("wait");
}

static void wait_grandchild(void)
{
	if (fork() == 0)
		wait_child();
	waitpid(-1, NULL, 0);
	came_back("wait");
}

/* A child that has ended, and that nobody asks about. */
static void wait_zombie(void)
{
	if (fork() == 0)
		_exit(0);
	wait_pause();
}

/* Leaves its parent, its group and its session; the parent ends. */
static void wait_away(void)
{
	if (fork() > 0)
		exit(0);
	setsid();
	if (fork() > 0)
		exit(0);
	wait_recv();
}

#define WAY(name)                  \
	{                          \
#name, wait_##name \
	}
static const struct {
	const char *name;
	void (*wait)(void);
} ways[] = {
    WAY(accept),       WAY(recv),          WAY(recvmsg),    WAY(read_socket),    WAY(udp),          WAY(udp_connected),
    WAY(udp_poll),     WAY(udp_poll_hour), WAY(unix),       WAY(unix_accept),    WAY(unix_connect), WAY(unix_send),
    WAY(unix_collect), WAY(unix_post),     WAY(send),       WAY(send_small),     WAY(write_pipe),   WAY(read),
    WAY(fgets),        WAY(readline),      WAY(open),       WAY(poll),           WAY(ppoll),        WAY(poll_hour),
    WAY(timerfd),      WAY(timerfd_hour),  WAY(select),     WAY(select_hour),    WAY(epoll),        WAY(epoll_hour),
    WAY(sleep_hour),   WAY(until),         WAY(pause),      WAY(sigwait),        WAY(lock),         WAY(join),
    WAY(leaderless),   WAY(mutex),         WAY(condition),  WAY(condition_hour), WAY(semaphore),    WAY(child),
    WAY(grandchild),   WAY(zombie),        WAY(unheard_of), WAY(away),
};

int main(int argc, char **argv)
{
	there = (struct sockaddr_in){.sin_family = AF_INET,
	                             .sin_port = htons(argc > 2 ? (in_port_t)atoi(argv[2]) : 0),
	                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++)
		if (strcmp(argv[1], ways[i].name) == 0)
			ways[i].wait();
	fprintf(stderr, "still_waits: no such way to wait\n");
	return 2;
}
