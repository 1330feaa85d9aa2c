#define _GNU_SOURCE
#include "observe/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How a call says how long it waits, and on which descriptor. */
typedef enum {
	ENDLESS,      /* nothing in its arguments ends it */
	MILLISECONDS, /* argument `at` is an int of ms, negative for ever */
	TIMESPEC,     /* argument `at` points to a struct timespec; NULL for ever */
	TIMEVAL,      /* … to a struct timeval */
	DEADLINE,     /* TIMESPEC, but a time on CLOCK_REALTIME */
	SLEEP,        /* TIMESPEC, and never NULL */
	FUTEX,
} Timing;

typedef struct {
	long call;
	const char *name;
	Timing timing;
	int at;
	bool descriptor; /* its first argument is one */
	int option;      /* the socket option that limits its wait, or 0 */
} CallFact;

static const CallFact facts[] = {
    {SYS_accept, "accept", ENDLESS, 0, true, SO_RCVTIMEO},
    {SYS_accept4, "accept", ENDLESS, 0, true, SO_RCVTIMEO},
    {SYS_connect, "connect", ENDLESS, 0, true, SO_SNDTIMEO},
    {SYS_read, "read", ENDLESS, 0, true, SO_RCVTIMEO},
    {SYS_readv, "readv", ENDLESS, 0, true, SO_RCVTIMEO},
    {SYS_recvfrom, "recv", ENDLESS, 0, true, SO_RCVTIMEO},
    {SYS_recvmsg, "recvmsg", ENDLESS, 0, true, SO_RCVTIMEO},
    {SYS_recvmmsg, "recvmmsg", TIMESPEC, 4, true, SO_RCVTIMEO},
    {SYS_write, "write", ENDLESS, 0, true, SO_SNDTIMEO},
    {SYS_writev, "writev", ENDLESS, 0, true, SO_SNDTIMEO},
    {SYS_sendto, "send", ENDLESS, 0, true, SO_SNDTIMEO},
    {SYS_sendmsg, "sendmsg", ENDLESS, 0, true, SO_SNDTIMEO},
    {SYS_sendmmsg, "sendmmsg", ENDLESS, 0, true, SO_SNDTIMEO},
    {SYS_sendfile, "sendfile", ENDLESS, 0, true, SO_SNDTIMEO},
    {SYS_splice, "splice", ENDLESS, 0, true, 0},
    {SYS_openat, "open", ENDLESS, 0, false, 0}, /* a FIFO that nobody holds at its other end */
    {SYS_flock, "flock", ENDLESS, 0, true, 0},
    {SYS_fcntl, "fcntl", ENDLESS, 0, true, 0},
    {SYS_ioctl, "ioctl", ENDLESS, 0, true, 0},
    {SYS_close, "close", ENDLESS, 0, true, 0},
    {SYS_ppoll, "ppoll", TIMESPEC, 2, false, 0},
    {SYS_pselect6, "select", TIMESPEC, 4, false, 0},
    {SYS_epoll_pwait, "epoll_wait", MILLISECONDS, 3, true, 0},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, "epoll_wait", TIMESPEC, 3, true, 0},
#endif
#ifdef SYS_poll
    {SYS_poll, "poll", MILLISECONDS, 2, false, 0},
#endif
#ifdef SYS_select
    {SYS_select, "select", TIMEVAL, 4, false, 0},
#endif
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, "epoll_wait", MILLISECONDS, 3, true, 0},
#endif
#ifdef SYS_open
    {SYS_open, "open", ENDLESS, 0, false, 0},
#endif
#ifdef SYS_pause
    {SYS_pause, "pause", ENDLESS, 0, false, 0},
#endif
    {SYS_rt_sigsuspend, "sigsuspend", ENDLESS, 0, false, 0},
    {SYS_rt_sigtimedwait, "sigtimedwait", TIMESPEC, 2, false, 0},
    {SYS_wait4, "wait", ENDLESS, 0, false, 0},
    {SYS_waitid, "waitid", ENDLESS, 0, false, 0},
    {SYS_io_uring_enter, "io_uring_enter", ENDLESS, 0, true, 0},
    {SYS_msgrcv, "msgrcv", ENDLESS, 0, false, 0},
    {SYS_msgsnd, "msgsnd", ENDLESS, 0, false, 0},
    {SYS_semop, "semop", ENDLESS, 0, false, 0},
    {SYS_semtimedop, "semtimedop", TIMESPEC, 3, false, 0},
    {SYS_mq_timedreceive, "mq_receive", DEADLINE, 4, true, 0},
    {SYS_mq_timedsend, "mq_send", DEADLINE, 4, true, 0},
    {SYS_nanosleep, "sleep", SLEEP, 0, false, 0},
    {SYS_clock_nanosleep, "sleep", SLEEP, 2, false, 0},
    {SYS_futex, "futex", FUTEX, 3, false, 0},
};

static const CallFact *fact(long call)
{
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
		if (facts[i].call == call)
			return &facts[i];
	return NULL;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The time that a pointer argument names, as it is or, on a clock, as the time from now. What cannot be read is taken for a
 * short one: we shall see it end. */
static Wait pointed(const Task *task, uint64_t address, uint64_t unit_ns, const clockid_t *clock)
{
	struct {
		int64_t whole, part;
	} time;
	if (address == 0)
		return (Wait){.kind = WAIT_ENDLESS};
	if (!tasks_memory(task->pid, address, &time, sizeof time) || time.whole < 0)
		return (Wait){.kind = WAIT_TIMED, .ns = 1};
	/* Past three hundred years it would overflow; as a date, that is far off too. */
	uint64_t seconds = time.whole > 9000000000 ? 9000000000 : (uint64_t)time.whole;
	uint64_t ns = seconds * 1000000000 + (uint64_t)time.part * unit_ns;
	uint64_t now = clock != NULL ? now_ns(*clock) : 0;
	return (Wait){.kind = WAIT_TIMED, .ns = ns > now ? ns - now : 1};
}

static Wait futex_wait(const Task *task)
{
	int operation = (int)task->arg[1] & FUTEX_CMD_MASK;
	/* Only FUTEX_WAIT counts from now; the others name a time on a clock (man 2 futex). */
	clockid_t clock =
	    (int)task->arg[1] & FUTEX_CLOCK_REALTIME || operation == FUTEX_LOCK_PI ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	return pointed(task, task->arg[3], 1, operation == FUTEX_WAIT ? NULL : &clock);
}

Wait calls_wait(const Task *task)
{
	switch (task->state) {
	case 'T':
	case 't':
		return (Wait){.kind = WAIT_STOPPED};
	case 'Z':
	case 'X':
		return (Wait){.kind = WAIT_DEAD};
	case 'S':
		break;
	default:
		return (Wait){.kind = WAIT_NOT};
	}
	if (!task->known)
		return (Wait){.kind = WAIT_UNKNOWN};
	if (!task->in_call)
		return (Wait){.kind = WAIT_NOT};
	const CallFact *f = fact(task->call);
	if (f == NULL) /* not one to wait in for long, so far as we know: it may come back by itself */
		return (Wait){.kind = WAIT_NOT};
	uint64_t argument = task->arg[f->at];
	switch (f->timing) {
	case MILLISECONDS:
		if ((int)argument < 0)
			return (Wait){.kind = WAIT_ENDLESS};
		return (Wait){.kind = WAIT_TIMED, .ns = (uint64_t)(int)argument * 1000000};
	case TIMESPEC:
	case SLEEP:
		if (task->call == SYS_clock_nanosleep && ((int)task->arg[1] & TIMER_ABSTIME))
			return pointed(task, argument, 1, &(clockid_t){(clockid_t)task->arg[0]});
		return pointed(task, argument, 1, NULL);
	case DEADLINE:
		return pointed(task, argument, 1, &(clockid_t){CLOCK_REALTIME});
	case TIMEVAL:
		return pointed(task, argument, 1000, NULL);
	case FUTEX:
		return futex_wait(task);
	case ENDLESS:
		break;
	}
	return (Wait){.kind = WAIT_ENDLESS};
}

uint64_t calls_socket_timeout(const Task *task)
{
	const CallFact *f = task->in_call ? fact(task->call) : NULL;
	if (f == NULL || f->option == 0)
		return 0;
	int process = pidfd_open(task->pid, 0);
	int copy = process == -1 ? -1 : pidfd_getfd(process, (int)task->arg[0], 0);
	struct timeval limit = {0};
	socklen_t size = sizeof limit;
	if (copy != -1 && getsockopt(copy, SOL_SOCKET, f->option, &limit, &size) == -1)
		limit = (struct timeval){0}; /* no socket: a pipe or a terminal, which has no such limit */
	if (copy != -1)
		close(copy);
	if (process != -1)
		close(process);
	return (uint64_t)limit.tv_sec * 1000000000 + (uint64_t)limit.tv_usec * 1000;
}

/* Reads a small file of /proc/PID; the text is ended by a NUL. */
static bool slurp(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	size_t have = 0;
	ssize_t n;
	while (have + 1 < size && (n = read(fd, text + have, size - 1 - have)) > 0)
		have += (size_t)n;
	close(fd);
	text[have] = '\0';
	return true;
}

/* When it fires, in ns; 0: it is none, or not set. */
static uint64_t timerfd_left(pid_t pid, int fd)
{
	static const char wanted[] = "anon_inode:[timerfd]";
	char path[64], text[1024];
	unsigned long long seconds = 0, ns = 0;
	snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
	ssize_t n = readlink(path, text, sizeof text);
	if (n != (ssize_t)strlen(wanted) || memcmp(text, wanted, (size_t)n) != 0)
		return 0;
	snprintf(path, sizeof path, "fdinfo/%d", fd);
	const char *value = slurp(pid, path, text, sizeof text) ? strstr(text, "it_value: (") : NULL;
	if (value == NULL || sscanf(value, "it_value: (%llu, %llu)", &seconds, &ns) != 2)
		return 0;
	return (uint64_t)seconds * 1000000000 + ns;
}

static uint64_t shorter(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

enum { MOST_WAITED_ON = 1024 };

static uint64_t timerfd_in_poll(const Task *task)
{
	static struct pollfd fds[MOST_WAITED_ON];
	size_t count = task->arg[1] < MOST_WAITED_ON ? task->arg[1] : MOST_WAITED_ON;
	uint64_t ns = 0;
	if (count == 0 || !tasks_memory(task->pid, task->arg[0], fds, count * sizeof *fds))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (fds[i].fd >= 0)
			ns = shorter(ns, timerfd_left(task->pid, fds[i].fd));
	return ns;
}

static uint64_t timerfd_in_select(const Task *task)
{
	fd_set set;
	int count = task->arg[0] < FD_SETSIZE ? (int)task->arg[0] : FD_SETSIZE;
	/* The kernel reads whole words, and no more of them than are needed. */
	size_t size = ((size_t)count + NFDBITS - 1) / NFDBITS * sizeof(fd_mask);
	uint64_t ns = 0;
	if (count <= 0 || task->arg[1] == 0 || !tasks_memory(task->pid, task->arg[1], &set, size))
		return 0;
	for (int fd = 0; fd < count; fd++)
		if (FD_ISSET(fd, &set))
			ns = shorter(ns, timerfd_left(task->pid, fd));
	return ns;
}

/* What an epoll descriptor looks after is in its fdinfo, a line each (man 5 proc_pid_fdinfo). */
static uint64_t timerfd_in_epoll(const Task *task)
{
	static char text[1 << 16];
	char name[32];
	uint64_t ns = 0;
	snprintf(name, sizeof name, "fdinfo/%d", (int)task->arg[0]);
	if (!slurp(task->pid, name, text, sizeof text))
		return 0;
	for (const char *line = strstr(text, "tfd:"); line != NULL; line = strstr(line + 1, "\ntfd:"))
		ns = shorter(ns, timerfd_left(task->pid, (int)strtol(strchr(line, ':') + 1, NULL, 10)));
	return ns;
}

uint64_t calls_timerfd(const Task *task)
{
	switch (task->in_call ? task->call : -1) {
	case SYS_read:
	case SYS_readv:
		return timerfd_left(task->pid, (int)task->arg[0]);
#ifdef SYS_poll
	case SYS_poll:
#endif
	case SYS_ppoll:
		return timerfd_in_poll(task);
#ifdef SYS_select
	case SYS_select:
#endif
	case SYS_pselect6:
		return timerfd_in_select(task);
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
#ifdef SYS_epoll_pwait2
	case SYS_epoll_pwait2:
#endif
	case SYS_epoll_pwait:
		return timerfd_in_epoll(task);
	default:
		return 0;
	}
}

Wait calls_limit(const Task *task)
{
	Wait wait = calls_wait(task);
	if (wait.kind != WAIT_ENDLESS && wait.kind != WAIT_TIMED)
		return wait;
	uint64_t ns = shorter(calls_socket_timeout(task), calls_timerfd(task));
	ns = shorter(ns, wait.kind == WAIT_TIMED ? wait.ns : 0);
	if (ns == 0 && wait.kind == WAIT_ENDLESS)
		return wait;
	return (Wait){.kind = WAIT_TIMED, .ns = ns};
}

/* A timer of CPU time (its clock's number is negative) does not go on while everybody sleeps. */
static bool has_posix_timer(pid_t pid)
{
	char text[4096];
	if (!slurp(pid, "timers", text, sizeof text))
		return false;
	for (const char *at = text; (at = strstr(at, "ClockID: ")) != NULL; at++)
		if (at[strlen("ClockID: ")] != '-')
			return true;
	return false;
}

static uint64_t bit(int signal)
{
	return 1ULL << (signal - 1);
}

bool calls_may_be_alarmed(pid_t pid)
{
	static const char name[] = "\nSigCgt:";
	char text[4096];
	const char *line = slurp(pid, "status", text, sizeof text) ? strstr(text, name) : NULL;
	uint64_t caught = line != NULL ? strtoull(line + strlen(name), NULL, 16) : 0;
	uint64_t readline = bit(SIGTTIN) | bit(SIGTTOU), everything = bit(SIGURG) | bit(SIGIO);
	bool own = (caught & readline) != readline && (caught & everything) != everything;
	return ((caught & bit(SIGALRM)) != 0 && own) || has_posix_timer(pid);
}

const char *calls_name(long call)
{
	const CallFact *f = fact(call);
	if (f != NULL)
		return f->name;
	/* libseccomp knows them all; its answer is kept, one a call, for as long as we live. */
	static char *names[1024];
	if (call < 0 || call >= 1024)
		return "a system call";
	if (names[call] == NULL)
		names[call] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)call);
	return names[call] ? names[call] : "a system call";
}

int calls_descriptor(const Task *task)
{
	const CallFact *f = task->in_call ? fact(task->call) : NULL;
	return f != NULL && f->descriptor ? (int)task->arg[0] : -1;
}

const char *calls_describe(const Task *task, char *text)
{
	int fd = calls_descriptor(task);
	if (task->state == 'Z')
		snprintf(text, 64, "ended");
	else if (!task->known && task->state == 'S')
		snprintf(text, 64, "asleep");
	else if (!task->in_call)
		snprintf(text, 64, "running");
	else if (fd >= 0)
		snprintf(text, 64, "%s(%d)", calls_name(task->call), fd);
	else
		snprintf(text, 64, "%s", calls_name(task->call));
	return text;
}
