#include "observe/stop.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	STOP_WITHIN_S = 10, /* the backstop: no thread that can be stopped at all takes this long */
	YIELDS = 50,        /* so often we give way; from then on we wait 1 ms at a time */
};

/* The kernel's own results of a call that is to be restarted; no program ever sees them. */
enum { ERESTARTNOHAND_ = 514, ERESTART_RESTARTBLOCK_ = 516 };

/* ---- What /proc tells ---- */

/* A number behind "Name:" in /proc/PID/status, or -1. */
long long stop_status_field(pid_t tid, const char *name, int base)
{
	char path[64], line[256];
	snprintf(path, sizeof path, "/proc/%d/status", tid);
	FILE *status = fopen(path, "re");
	if (!status)
		return -1;
	long long value = -1;
	size_t length = strlen(name);
	while (value == -1 && fgets(line, sizeof line, status)) {
		if (!strncmp(line, name, length) && line[length] == ':')
			value = (long long)strtoull(line + length + 1, NULL, base);
	}
	fclose(status);
	return value;
}

/* R, S, D, T, t or Z; 0: it is gone. */
char stop_state(pid_t tid)
{
	char path[64], text[512];
	snprintf(path, sizeof path, "/proc/%d/stat", tid);
	FILE *stat = fopen(path, "re");
	if (!stat)
		return 0;
	size_t n = fread(text, 1, sizeof text - 1, stat);
	fclose(stat);
	text[n] = '\0';
	const char *name_end = strrchr(text, ')'); /* the name may hold anything */
	return name_end && name_end[1] == ' ' ? name_end[2] : 0;
}

/* ---- Stopping one thread, and letting it go on as if nothing had been ---- */

/*
 * Looks whether a tracee of ours has stopped or ended; waits for nothing. The end of our own child
 * is left for whoever started it; of any other tracee its parent hears only once we have reaped it.
 */
StopLook stop_look(pid_t tid, int *status)
{
	siginfo_t info = {0};
	/* ECHILD here means no more than that it can no longer stop. */
	if (waitid(P_PID, (id_t)tid, &info, WSTOPPED | WNOHANG | __WALL) == 0 && info.si_pid != 0) {
		*status = info.si_status;
		return STOP_STOPPED;
	}
	info.si_pid = 0;
	if (waitid(P_PID, (id_t)tid, &info, WEXITED | WNOWAIT | WNOHANG | __WALL) == -1)
		return STOP_GONE;
	if (info.si_pid == 0 || info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED)
		return STOP_NOTHING_YET;
	if (stop_status_field(tid, "PPid", 10) != getpid() || stop_status_field(tid, "Tgid", 10) != tid)
		waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | __WALL);
	return STOP_GONE;
}

double stop_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool stop_give_way(int times, double began)
{
	if (times < YIELDS)
		sched_yield();
	else
		poll(NULL, 0, 1);
	return stop_seconds() < began + STOP_WITHIN_S;
}

#ifdef __x86_64__
/* Calls that a mere stop ends with EINTR (man 7 signal). None of them has done anything by then. */
static bool ends_on_a_stop(unsigned long long call)
{
	switch (call) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
	case SYS_rt_sigtimedwait:
	case SYS_semop:
	case SYS_semtimedop:
	/* These on a socket under SO_RCVTIMEO or SO_SNDTIMEO; read also on inotify. */
	case SYS_accept:
	case SYS_accept4:
	case SYS_connect:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_read:
	case SYS_readv:
	case SYS_write:
	case SYS_writev:
		return true;
	default:
		return false;
	}
}
#endif

/*
 * The thread stands in a ptrace-stop, perhaps on the way out of a call that the stop has ended: has
 * that call made again. An endless poll() would be, but as restart_syscall; it shall stay a poll.
 */
void stop_have_call_restarted(pid_t tid)
{
#ifdef __x86_64__
	struct user_regs_struct r;
	if (ptrace(PTRACE_GETREGS, tid, NULL, &r) == -1 || (long long)r.orig_rax < 0)
		return;
	long long result = (long long)r.rax;
	if ((result == -EINTR && ends_on_a_stop(r.orig_rax)) ||
	    (result == -ERESTART_RESTARTBLOCK_ && r.orig_rax == SYS_poll && (int)r.rdx < 0))
		ptrace(PTRACE_POKEUSER, tid, offsetof(struct user, regs.rax), (long)-ERESTARTNOHAND_);
#else
	(void)tid;
#endif
}

/* A ptrace-stop's status: the signal below, PTRACE_EVENT_... above. */
int stop_signal(int status)
{
	return status & 0x7f;
}

int stop_event(int status)
{
	return status >> 8;
}

/* The signal that the thread was about to get when it stopped: to be given to it. */
int stop_undelivered(int status)
{
	return stop_event(status) == 0 ? stop_signal(status) : 0;
}

/* Stops a seized thread; false: it has gone. */
bool stop_seized(pid_t tid, int *status)
{
	double began = stop_seconds();
	int times = 0;
	StopLook seen;
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	while ((seen = stop_look(tid, status)) == STOP_NOTHING_YET && stop_give_way(times++, began))
		continue;
	return seen == STOP_STOPPED;
}

bool stop_let_go(pid_t tid, int status)
{
	stop_have_call_restarted(tid);
	return ptrace(PTRACE_DETACH, tid, NULL, (long)stop_undelivered(status)) == 0;
}

bool stop_thread(pid_t tid, int *status)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) == -1)
		return false;
	if (stop_seized(tid, status))
		return true;
	ptrace(PTRACE_DETACH, tid, NULL, NULL); /* it is gone, or deep in the kernel: then it is not held */
	return false;
}
