/*
 * traced.c: a program that is looked at call by call, for the tests of the tracer and of the stage.
 *
 *	traced WAY [ARGUMENT]...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char **arguments;
static int pair[2];

static struct sockaddr_in number(const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(port))};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static void connected(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		exit(1);
}

/* --- each call once; its arguments are the two ports --- */

static int call_each_tcp(int phone, int call, const struct sockaddr *here, const struct sockaddr *there)
{
	struct sockaddr_in caller;
	socklen_t size = sizeof caller;
	int one = 1;
	setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	bind(phone, there, size);
	listen(phone, 5);
	setsockopt(call, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(call, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){1, 500000}, sizeof(struct timeval));
	setsockopt(call, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
	bind(call, here, size);
	connect(call, there, size);
	return accept(phone, (struct sockaddr *)&caller, &size);
}

static void call_each_message(int call, int answer)
{
	char heard[64];
	struct iovec parts[2] = {{"one ", 4}, {"two", 3}}, rooms[2] = {{heard, 2}, {heard + 2, 62}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2}, room = {.msg_iov = rooms, .msg_iovlen = 2};
	send(call, "hello\n", 6, MSG_NOSIGNAL);
	recv(answer, heard, sizeof heard, MSG_PEEK);
	recv(answer, heard, sizeof heard, 0);
	recv(answer, heard, sizeof heard, MSG_DONTWAIT);
	ssize_t n = write(call, "\001\xff\"\\", 4);
	n = n == 4 ? read(answer, heard, 64) : n;
	n = n == 4 ? writev(call, parts, 2) : n;
	n = n == 7 ? readv(answer, rooms, 2) : n;
	sendmsg(call, &message, 0);
	recvmsg(answer, &room, 0);
	send(call, (void *)(uintptr_t)8, 5, 0); /* nothing is there */
}

static void call_each_waiting(int call, int answer)
{
	struct pollfd look[2] = {{.fd = call, .events = POLLIN}, {.fd = answer, .events = POLLIN | POLLOUT}};
	struct epoll_event event = {.events = EPOLLIN};
	poll(look, 2, 250);
	fd_set in, out;
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(call, &in);
	FD_SET(answer, &in);
	FD_SET(call, &out);
	select(answer + 1, &in, &out, NULL, NULL);
	int several = epoll_create1(0);
	epoll_ctl(several, EPOLL_CTL_ADD, call, &event);
	epoll_wait(several, &event, 1, 0);
	close(several); /* no socket: it is not shown */
}

static void call_each_datagram(const struct sockaddr *here, const struct sockaddr *there)
{
	char heard[8];
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	int from_here = socket(AF_INET, SOCK_DGRAM, 0), to_there = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bind(from_here, here, size);
	bind(to_there, there, size);
	sendto(from_here, "card", 4, 0, there, size);
	recvfrom(to_there, heard, sizeof heard, 0, (struct sockaddr *)&from, &size);
}

static void *nothing(void *context)
{
	return context;
}

static int each(void)
{
	struct sockaddr_in there = number(arguments[0]), here = number(arguments[1]);
	struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/nowhere"};
	int phone = socket(AF_INET, SOCK_STREAM, 0), call = socket(AF_INET, SOCK_STREAM, 0);
	int answer = call_each_tcp(phone, call, (struct sockaddr *)&here, (struct sockaddr *)&there);
	call_each_message(call, answer);
	call_each_waiting(call, answer);
	int error;
	socklen_t size = sizeof error;
	getsockopt(call, SOL_SOCKET, SO_ERROR, &error, &size);
	shutdown(call, SHUT_WR);
	recv(answer, &error, sizeof error, 0);
	close(answer);
	call_each_datagram((struct sockaddr *)&here, (struct sockaddr *)&there);
	int local = socket(AF_UNIX, SOCK_STREAM, 0);
	connect(local, (struct sockaddr *)&path, sizeof path);
	send(99, "x", 1, 0);
	pthread_t thread;
	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		pthread_join(thread, NULL);
	pid_t child = fork();
	if (child == 0)
		_exit(3);
	waitpid(-1, NULL, 0);
	return 0;
}

/* --- threads and processes --- */

/* Every thread makes two calls. */
static void *calls_a_little(void *context)
{
	close(socket(AF_UNIX, SOCK_DGRAM, 0));
	return context;
}

static int threads(void)
{
	enum { MOST = 500 };
	pthread_t thread[MOST];
	int count = atoi(arguments[0]);
	for (int i = 0; i < count; i++)
		if (pthread_create(&thread[i], NULL, calls_a_little, NULL) != 0)
			return 1;
	for (int i = 0; i < count; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

/* Children one after another, and a grandchild. */
static int children(void)
{
	for (int i = atoi(arguments[0]); i > 0; i--) {
		pid_t child = fork();
		if (child == 0) {
			calls_a_little(NULL);
			if (i == 1 && fork() == 0)
				_exit(9);
			while (wait(NULL) != -1)
				;
			_exit(7);
		}
		waitpid(child, NULL, 0);
	}
	return 0;
}

/* All at once: children that wait to be ended, and are not when their session's leader is (SIGHUP). */
static int family(void)
{
	connected();
	signal(SIGHUP, SIG_IGN);
	for (int i = atoi(arguments[0]); i > 0; i--)
		if (fork() == 0) {
			char byte;
			recv(pair[0], &byte, 1, 0);
			_exit(0);
		}
	while (wait(NULL) != -1)
		;
	return 0;
}

static void become(const char *way)
{
	execl("/proc/self/exe", "traced", way, NULL);
	_exit(1);
}

static int one_call(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) == -1;
}

static int execs(void)
{
	one_call();
	become("one_call");
	return 1;
}

static void *becomes(void *context)
{
	become("one_call");
	return context;
}

static void *waits(void *context)
{
	char byte;
	recv(pair[0], &byte, 1, 0);
	return context;
}

/* The second thread becomes another program: the first is gone, in whatever call it was. */
static int thread_execs(void)
{
	pthread_t thread;
	connected();
	pthread_create(&thread, NULL, becomes, NULL);
	waits(NULL);
	return 1;
}

/* The others are held or blocked when the first thread ends them all. */
static int ends_all(void)
{
	pthread_t thread;
	connected();
	pthread_create(&thread, NULL, waits, NULL);
	return 5;
}

static void *goes_on_alone(void *context)
{
	char heard[8];
	pthread_join(*(pthread_t *)context, NULL);
	send(pair[1], "alone", 5, 0);
	recv(pair[0], heard, sizeof heard, 0);
	close(pair[1]);
	exit(0);
}

/* The first thread ends, the second goes on. */
static int leader_leaves(void)
{
	static pthread_t first;
	pthread_t thread;
	first = pthread_self();
	connected();
	pthread_create(&thread, NULL, goes_on_alone, &first);
	pthread_exit(NULL);
}

/* --- signals --- */

static void note(int signal)
{
	(void)signal;
}

/* What the call waits for, sent from within the handler. */
static void answer(int signal)
{
	(void)signal;
	send(pair[1], "!", 1, 0);
}

static void on(int number, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
	sigaction(number, &action, NULL);
}

/* recv() ends with EINTR, and is called again. */
static int interrupted(void)
{
	char byte;
	connected();
	on(SIGUSR1, note, 0);
	if (recv(pair[0], &byte, 1, 0) == -1 && errno == EINTR)
		close(pair[0]);
	return 0;
}

/* The same, but the kernel makes the call again. */
static int restarted(void)
{
	char byte;
	connected();
	on(SIGUSR1, answer, SA_RESTART);
	return recv(pair[0], &byte, 1, 0) != 1;
}

/* The handler itself makes calls, and then recv() ends with EINTR. */
static int interrupted_by_calls(void)
{
	char byte;
	connected();
	on(SIGUSR1, answer, 0);
	return recv(pair[0], &byte, 1, 0) != -1 || errno != EINTR;
}

/* poll() with a limit, which the kernel goes on with by another call (restart_syscall) when it was stopped. */
static int polls(void)
{
	connected();
	struct pollfd look = {.fd = pair[0], .events = POLLIN};
	return poll(&look, 1, 600000);
}

static int receives(void)
{
	connected();
	waits(NULL);
	return 0;
}

static int broken_pipe(void)
{
	connected();
	close(pair[0]);
	send(pair[1], "x", 1, 0);
	return 0;
}

/* --- for the stage --- */

static int listens(void)
{
	struct sockaddr_in here = number(arguments[0]);
	int one = 1, phone = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(phone, (struct sockaddr *)&here, sizeof here) == -1 || listen(phone, 5) == -1)
		return 1;
	return phone;
}

/* Says back what it hears, to one caller. */
static int echoes(void)
{
	char heard[64];
	int call = accept(listens(), NULL, NULL);
	for (ssize_t n; (n = recv(call, heard, sizeof heard, 0)) > 0;)
		send(call, heard, (size_t)n, 0);
	close(call);
	return 0;
}

/* Sends each line that is typed, and prints the answer. */
static int asks(void)
{
	char line[64], heard[64];
	struct sockaddr_in there = number(arguments[0]);
	int call = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(call, (struct sockaddr *)&there, sizeof there) == -1)
		return 1;
	while (fgets(line, sizeof line, stdin) != NULL) {
		send(call, line, strlen(line), 0);
		ssize_t n = recv(call, heard, sizeof heard, 0);
		printf("%.*s", (int)(n > 0 ? n : 0), heard);
		fflush(stdout);
	}
	return 0;
}

/* Two threads that wait for the same caller's bytes; whoever hears says so. */
static void *serves(void *context)
{
	char byte;
	int call = accept(*(int *)context, NULL, NULL);
	recv(call, &byte, 1, 0);
	send(call, &byte, 1, 0);
	close(call);
	return context;
}

static int crowd(void)
{
	pthread_t thread[3];
	int phone = listens();
	for (int i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, serves, &phone);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

static int spins(void)
{
	connected();
	for (volatile unsigned i = 1; i != 0; i += 2) /* it never is */
		;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*way)(void);
	} ways[] = {{"each", each},
	            {"threads", threads},
	            {"children", children},
	            {"family", family},
	            {"one_call", one_call},
	            {"execs", execs},
	            {"thread_execs", thread_execs},
	            {"ends_all", ends_all},
	            {"leader_leaves", leader_leaves},
	            {"interrupted", interrupted},
	            {"restarted", restarted},
	            {"interrupted_by_calls", interrupted_by_calls},
	            {"polls", polls},
	            {"receives", receives},
	            {"broken_pipe", broken_pipe},
	            {"echoes", echoes},
	            {"asks", asks},
	            {"crowd", crowd},
	            {"spins", spins}};
	arguments = argv + 2;
	for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++)
		if (strcmp(ways[i].name, argv[1]) == 0)
			return ways[i].way();
	return 2;
}
