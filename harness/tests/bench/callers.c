/*
 * callers.c: lab 13's three servers against what one would otherwise take: how many requests a second, and how long the
 * slowest hundredth of them waits, with 1, 100 and 1000 callers at once. `make bench` builds and runs it.
 *
 * Each caller says a frame of 32 bytes, waits for the answer, and says the next. All callers are one process here, which
 * sleeps in epoll_wait(); it takes CPU time from each server alike. A server is started anew for each measurement; when every
 * caller has been answered once, the counting begins, and ends after REQUESTS answers or SECONDS seconds.
 * The servers take turns, ROUNDS times, so that whatever else the machine does falls on all of them; what is shown is the
 * median of the rounds, and the ratio to the best of the others.
 *
 *	server_fork, server_thread, server_poll   the solutions, as `make build` builds them
 *	socketserver                              Python's ThreadingTCPServer, the same work: frames, upper-case, each printed
 *	socat                                     TCP-LISTEN,fork and PIPE: a child for each caller that sends back what comes. It knows
 *	                                          no frames, changes and prints nothing: that is less work than the others do
 *
 * What is not installed is told and left out; where a process may not have so many descriptors, there are fewer callers.
 * What the servers print goes to /dev/null.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 3, REQUESTS = 20000, SECONDS = 2, START_SECONDS = 10, PAYLOAD = 32, FRAME = 4 + PAYLOAD, SIZES = 3 };
static int sizes[SIZES] = {1, 100, 1000};

typedef struct {
	const char *name;
	bool ours, absent;
	bool echoes;       /* sends back what it is sent */
	char command[512]; /* for sh; $0 is the port */
	double rate[SIZES][ROUNDS], slowest[SIZES][ROUNDS];
} Server;

static Server servers[] = {
    {.name = "server_fork", .ours = true}, {.name = "server_thread", .ours = true},
    {.name = "server_poll", .ours = true}, {.name = "socketserver"},
    {.name = "socat", .echoes = true},
};
enum { SERVERS = sizeof servers / sizeof *servers };

typedef struct {
	int fd;
	size_t have;
	double asked;
	char heard[FRAME];
} Caller;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* How much longer than its CPU time a busy loop takes: 1 on a machine that is left alone. */
static double slowness(void)
{
	clock_t cpu = clock();
	double began = now();
	while (clock() - cpu < CLOCKS_PER_SEC / 5)
		;
	return (now() - began) * 5;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double median(const double *values)
{
	double sorted[ROUNDS];
	memcpy(sorted, values, sizeof sorted);
	qsort(sorted, ROUNDS, sizeof *sorted, by_size);
	return sorted[ROUNDS / 2];
}

static struct sockaddr_in address_of(int port)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons((in_port_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A port that was free a moment ago. */
static int free_port(void)
{
	struct sockaddr_in address = address_of(0);
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&address, size) == -1 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) == -1)
		die("a free port");
	close(fd);
	return ntohs(address.sin_port);
}

/* In a process group of its own, which is ended as a whole. */
static pid_t start(const Server *server, int port)
{
	char number[8];
	snprintf(number, sizeof number, "%d", port);
	pid_t pid = fork();
	if (pid == -1)
		die("fork");
	if (pid > 0) {
		setpgid(pid, pid);
		return pid;
	}
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int nothing = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(nothing, fd);
	execl("/bin/sh", "sh", "-c", server->command, number, (char *)NULL);
	_exit(127);
}

static void stop(pid_t pid)
{
	kill(-pid, SIGKILL);
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
}

/* -1 where it cannot be: after so many seconds nobody listens. */
static int call_up(int port)
{
	struct sockaddr_in address = address_of(port);
	for (double began = now(); now() - began < START_SECONDS; sched_yield()) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1)
			die("socket");
		if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
			return fd;
		close(fd);
	}
	return -1;
}

static const char question[] = "\0\0\0\40what does a caller say to Carol?";
static const char answer[] = "\0\0\0\40WHAT DOES A CALLER SAY TO CAROL?";

static void ask(Caller *caller)
{
	caller->have = 0;
	caller->asked = now();
	if (send(caller->fd, question, FRAME, MSG_NOSIGNAL) != FRAME)
		die("send");
}

/* Takes in what has come. True: the answer is whole. */
static bool hear(Caller *caller, const Server *server)
{
	ssize_t n = recv(caller->fd, caller->heard + caller->have, FRAME - caller->have, 0);
	if (n <= 0)
		die(server->name);
	caller->have += (size_t)n;
	if (caller->have < FRAME)
		return false;
	if (memcmp(caller->heard, server->echoes ? question : answer, FRAME) != 0) {
		fprintf(stderr, "bench: %s gives a wrong answer\n", server->name);
		exit(1);
	}
	return true;
}

/* Each caller asks again as soon as it is answered. Returns how many answers there were; `waits` is filled with how long they
 * took, `seconds` with how long all of it did. */
static size_t converse(const Server *server, Caller *callers, int count, double *waits, double *seconds)
{
	int events = epoll_create1(EPOLL_CLOEXEC);
	if (events == -1)
		die("epoll_create1");
	for (int i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &callers[i]};
		if (epoll_ctl(events, EPOLL_CTL_ADD, callers[i].fd, &event) == -1)
			die("epoll_ctl");
		ask(&callers[i]);
	}
	size_t answers = 0;
	double began = 0;
	/* The first answers, one for each caller, are not counted: threads and children have been made by then. */
	for (int warm = count; answers < REQUESTS && (warm > 0 || now() - began < SECONDS);) {
		struct epoll_event news[256];
		int ready = epoll_wait(events, news, 256, START_SECONDS * 1000);
		if (ready <= 0)
			die(server->name);
		for (int i = 0; i < ready; i++) {
			Caller *caller = news[i].data.ptr;
			if (!hear(caller, server))
				continue;
			if (warm > 0 && --warm == 0)
				began = now();
			else if (warm == 0 && answers < REQUESTS)
				waits[answers++] = now() - caller->asked;
			ask(caller);
		}
	}
	*seconds = now() - began;
	close(events);
	return answers;
}

static void measure(Server *server, int size, int round)
{
	static double waits[REQUESTS];
	int count = sizes[size], port = free_port();
	Caller *callers = calloc((size_t)count, sizeof *callers);
	if (callers == NULL)
		die("calloc");
	pid_t pid = start(server, port);
	for (int i = 0; i < count; i++)
		if ((callers[i].fd = call_up(port)) == -1) {
			stop(pid);
			die(server->name);
		}
	double seconds;
	size_t answers = converse(server, callers, count, waits, &seconds);
	qsort(waits, answers, sizeof *waits, by_size);
	server->rate[size][round] = (double)answers / seconds;
	server->slowest[size][round] = answers ? waits[answers - 1 - answers / 100] : 0;
	for (int i = 0; i < count; i++)
		close(callers[i].fd);
	stop(pid);
	free(callers);
}

static bool is_installed(const char *program)
{
	char command[64];
	snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", program);
	return system(command) == 0;
}

/* Where the project is: two folders above this program. */
static void prepare(void)
{
	char self[PATH_MAX] = "";
	if (readlink("/proc/self/exe", self, sizeof self - 1) == -1)
		die("/proc/self/exe");
	*strrchr(self, '/') = '\0';
	*strrchr(self, '/') = '\0';
	for (Server *s = servers; s < servers + SERVERS; s++) {
		if (s->ours)
			snprintf(s->command, sizeof s->command, "exec '%.300s/build/solutions/13-many-callers/%s' $0",
			         self, s->name);
		else if (s->echoes)
			snprintf(s->command, sizeof s->command,
			         "exec socat TCP-LISTEN:$0,bind=127.0.0.1,reuseaddr,fork,backlog=4096 PIPE");
		else
			snprintf(s->command, sizeof s->command,
			         "exec python3 '%.300s/harness/tests/bench/threading_server.py' $0", self);
		s->absent = !s->ours && !is_installed(s->echoes ? "socat" : "python3");
		if (s->absent)
			printf("%s is not installed, and left out\n", s->echoes ? "socat" : "python3");
	}
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		die("setrlimit");
	for (int i = 0; i < SIZES; i++)
		if (sizes[i] > (int)limit.rlim_cur - 50) {
			sizes[i] = (int)limit.rlim_cur - 50;
			printf("only %d callers: a process may not have more descriptors here\n", sizes[i]);
		}
}

static double best(int size, bool ours)
{
	double found = 0;
	for (const Server *s = servers; s < servers + SERVERS; s++)
		if (!s->absent && s->ours == ours && median(s->rate[size]) > found)
			found = median(s->rate[size]);
	return found;
}

static void show(int size)
{
	double others = best(size, false);
	printf("\n%4d caller%s  requests/s   to the best of the others   slowest 1%% from\n", sizes[size],
	       sizes[size] == 1 ? " " : "s");
	for (const Server *s = servers; s < servers + SERVERS; s++) {
		if (s->absent)
			continue;
		printf("  %-13s%9.0f", s->name, median(s->rate[size]));
		if (others > 0)
			printf("   x %-24.2f", median(s->rate[size]) / others);
		else
			printf("   %-26s", "");
		printf("%9.2f ms\n", median(s->slowest[size]) * 1000);
	}
	fflush(stdout);
}

int main(void)
{
	prepare();
	printf("lab 13: frames of %d bytes, each caller waits for its answer; the median of %d rounds\n", PAYLOAD,
	       ROUNDS);
	printf("a busy loop takes %.2f times its CPU time here and now\n", slowness());
	printf("socat only sends back what comes: it neither looks at it nor changes nor prints it\n");
	for (int size = 0; size < SIZES; size++) {
		for (int round = 0; round < ROUNDS; round++)
			for (Server *s = servers; s < servers + SERVERS; s++)
				if (!s->absent)
					measure(s, size, round);
		show(size);
	}
	return 0;
}
