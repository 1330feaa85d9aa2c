/*
 * relay.c: lab 14's relay against one that one would otherwise write: how many messages a second it passes on, and how long the
 * slowest hundredth of them is under way, and what each costs the relay in CPU time, among 100 and among 1000 callers. `make bench` builds and runs it.
 *
 * Each caller has said something to somebody. Whoever hears something says something to another at once, chosen by a generator
 * that is the same for all relays: so there are always as many messages under way as there are callers. A message is a frame of
 * 42 bytes, and has in it when it was said; counted is from when it is said to when it is heard, by the one process that all
 * callers are here and that sleeps in epoll_wait(); it takes CPU time from each relay alike.
 * A relay is started anew for each measurement. When as many messages as callers have been heard the counting begins, and ends
 * after MESSAGES messages or SECONDS seconds. The relays take turns, ROUNDS times, so that whatever else the machine does falls
 * on both; what is shown is the median of the rounds.
 *
 *	server     the solution, as `make build` builds it
 *	asyncio    Python's asyncio, the same work (asyncio_relay.py)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
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

/* "say c0123|" or "c0123|", and a text of 32 bytes; all names are equally long. */
enum { ROUNDS = 3, MESSAGES = 60000, SECONDS = 3, START_SECONDS = 10, SIZES = 2, RELAYS = 2 };
enum { NAME = 5, TEXT = 32, SAID = 4 + 4 + NAME + 1 + TEXT, HEARD = 4 + NAME + 1 + TEXT };
static int sizes[SIZES] = {100, 1000};

typedef struct {
	const char *name;
	bool absent;
	char command[512]; /* for sh; $0 is the port */
	double rate[SIZES][ROUNDS], slowest[SIZES][ROUNDS], cpu[SIZES][ROUNDS];
} Relay;

static Relay relays[RELAYS] = {{.name = "server"}, {.name = "asyncio"}};

typedef struct {
	int fd;
	size_t have;
	char heard[64 * HEARD];
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

static pid_t start(const Relay *relay, int port)
{
	char number[8];
	snprintf(number, sizeof number, "%d", port);
	pid_t pid = fork();
	if (pid == -1)
		die("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int nothing = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(nothing, fd);
	execl("/bin/sh", "sh", "-c", relay->command, number, (char *)NULL);
	_exit(127);
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
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

/* CPU time of a process with one thread so far, in seconds. */
static double cpu_time(pid_t pid)
{
	char path[64];
	unsigned long long ns = 0;
	snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
	FILE *file = fopen(path, "r");
	if (file == NULL || fscanf(file, "%llu", &ns) != 1)
		die(path);
	fclose(file);
	return (double)ns / 1e9;
}

static void say(const Caller *caller, int to)
{
	char frame[SAID + 1];
	uint32_t size = htonl(SAID - 4);
	memcpy(frame, &size, 4);
	snprintf(frame + 4, sizeof frame - 4, "say c%04d|%016llx how are you all", to,
	         (unsigned long long)(now() * 1e9));
	if (send(caller->fd, frame, SAID, MSG_NOSIGNAL) != SAID)
		die("send");
}

/* Takes in what has come; returns how many messages are whole. */
static size_t hear(Caller *caller, const Relay *relay)
{
	ssize_t n = recv(caller->fd, caller->heard + caller->have, sizeof caller->heard - caller->have, 0);
	if (n <= 0)
		die(relay->name);
	caller->have += (size_t)n;
	return caller->have / HEARD;
}

/* When this message was said; what is no message of ours ends it all. */
static double said_at(const char *frame, const Relay *relay)
{
	char *end, time[17] = "";
	uint32_t size;
	memcpy(&size, frame, 4);
	memcpy(time, frame + 4 + NAME + 1, 16);
	unsigned long long ns = strtoull(time, &end, 16);
	if (ntohl(size) != HEARD - 4 || frame[4] != 'c' || frame[4 + NAME] != '|' || *end != '\0') {
		fprintf(stderr, "bench: %s passes on something else\n", relay->name);
		exit(1);
	}
	return (double)ns / 1e9;
}

/* Says who it is, and then something to itself: when that is heard, the name is known. */
static bool join(Caller *caller, int number, const Relay *relay, int port)
{
	char name[4 + NAME + 1] = "\0\0\0\5";
	caller->fd = call_up(port);
	if (caller->fd == -1)
		return false;
	snprintf(name + 4, NAME + 1, "c%04u", (unsigned)number % 10000);
	if (send(caller->fd, name, 4 + NAME, MSG_NOSIGNAL) != 4 + NAME)
		die("send");
	say(caller, number);
	while (hear(caller, relay) == 0)
		;
	caller->have = 0;
	return true;
}

/* Everybody talks. Returns how many messages there were; `times` is filled with how long they took, `seconds` with how long
 * all of it did, `cpu` with how much of that the relay worked. */
static size_t chat(const Relay *relay, pid_t pid, Caller *callers, int count, double *times, double *seconds,
                   double *cpu)
{
	int events = epoll_create1(EPOLL_CLOEXEC);
	uint64_t chance = 88172645463325252U; /* xorshift64 */
	if (events == -1)
		die("epoll_create1");
	for (int i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &callers[i]};
		if (epoll_ctl(events, EPOLL_CTL_ADD, callers[i].fd, &event) == -1)
			die("epoll_ctl");
		say(&callers[i], (i + 1) % count);
	}
	size_t messages = 0;
	double began = 0;
	for (int warm = count; messages < MESSAGES && (warm > 0 || now() - began < SECONDS);) {
		struct epoll_event news[256];
		int ready = epoll_wait(events, news, 256, START_SECONDS * 1000);
		if (ready <= 0)
			die(relay->name);
		for (int i = 0; i < ready; i++) {
			Caller *caller = news[i].data.ptr;
			size_t whole = hear(caller, relay);
			for (size_t k = 0; k < whole; k++) {
				double said = said_at(caller->heard + k * HEARD, relay);
				if (warm > 0 && --warm == 0) {
					began = now();
					*cpu = cpu_time(pid);
				} else if (warm == 0 && messages < MESSAGES)
					times[messages++] = now() - said;
				chance ^= chance << 13;
				chance ^= chance >> 7;
				chance ^= chance << 17;
				say(caller, (int)(chance % (uint64_t)count));
			}
			caller->have -= whole * HEARD;
			memmove(caller->heard, caller->heard + whole * HEARD, caller->have);
		}
	}
	*seconds = now() - began;
	*cpu = cpu_time(pid) - *cpu;
	close(events);
	return messages;
}

static void measure(Relay *relay, int size, int round)
{
	static double times[MESSAGES];
	int count = sizes[size], port = free_port();
	Caller *callers = calloc((size_t)count, sizeof *callers);
	if (callers == NULL)
		die("calloc");
	pid_t pid = start(relay, port);
	for (int i = 0; i < count; i++)
		if (!join(&callers[i], i, relay, port)) {
			stop(pid);
			die(relay->name);
		}
	double seconds, cpu = 0;
	size_t messages = chat(relay, pid, callers, count, times, &seconds, &cpu);
	qsort(times, messages, sizeof *times, by_size);
	relay->rate[size][round] = (double)messages / seconds;
	relay->cpu[size][round] = messages ? cpu / (double)messages : 0;
	relay->slowest[size][round] = messages ? times[messages - 1 - messages / 100] : 0;
	for (int i = 0; i < count; i++)
		close(callers[i].fd);
	stop(pid);
	free(callers);
}

/* Where the project is: two folders above this program. */
static void prepare(void)
{
	char self[PATH_MAX] = "";
	if (readlink("/proc/self/exe", self, sizeof self - 1) == -1)
		die("/proc/self/exe");
	*strrchr(self, '/') = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(relays[0].command, sizeof relays[0].command, "exec '%.300s/build/solutions/14-party-line/server' $0",
	         self);
	snprintf(relays[1].command, sizeof relays[1].command,
	         "exec python3 '%.300s/harness/tests/bench/asyncio_relay.py' $0", self);
	relays[1].absent = system("command -v python3 >/dev/null 2>&1") != 0;
	if (relays[1].absent)
		printf("python3 is not installed: there is nothing to compare with\n");
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

static void show(int size)
{
	printf("\n%4d callers   messages/s   to asyncio   slowest 1%% from   CPU time a message\n", sizes[size]);
	for (const Relay *r = relays; r < relays + RELAYS; r++) {
		if (r->absent)
			continue;
		printf("  %-13s%10.0f", r->name, median(r->rate[size]));
		if (r == relays && !relays[1].absent)
			printf("   x %-10.2f", median(r->rate[size]) / median(relays[1].rate[size]));
		else
			printf("   %-12s", "");
		printf("%9.2f ms     %10.1f us\n", median(r->slowest[size]) * 1000, median(r->cpu[size]) * 1e6);
	}
	fflush(stdout);
}

int main(void)
{
	prepare();
	printf("lab 14: as many messages under way as there are callers; the median of %d rounds\n", ROUNDS);
	for (int size = 0; size < SIZES; size++) {
		for (int round = 0; round < ROUNDS; round++)
			for (Relay *r = relays; r < relays + RELAYS; r++)
				if (!r->absent)
					measure(r, size, round);
		show(size);
	}
	return 0;
}
