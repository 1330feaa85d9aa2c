#include "observe/where.h"

#include "observe/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
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
static long long status_field(pid_t tid, const char *name, int base)
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
static char state_of(pid_t tid)
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

/* Whether a signal does to the thread what it does by default. */
static bool by_default(pid_t tid, int signal)
{
	long long caught = status_field(tid, "SigCgt", 16), ignored = status_field(tid, "SigIgn", 16);
	return !((caught | ignored) >> (signal - 1) & 1);
}

/* ---- Stopping one thread, and letting it go on as if nothing had been ---- */

typedef enum { NOTHING_YET, STOPPED, GONE } Look;

/*
 * Looks whether a tracee of ours has stopped or ended; waits for nothing. The end of our own child
 * is left for whoever started it; of any other tracee its parent hears only once we have reaped it.
 */
static Look look(pid_t tid, int *status)
{
	siginfo_t info = {0};
	/* ECHILD here means no more than that it can no longer stop. */
	if (waitid(P_PID, (id_t)tid, &info, WSTOPPED | WNOHANG | __WALL) == 0 && info.si_pid != 0) {
		*status = info.si_status;
		return STOPPED;
	}
	info.si_pid = 0;
	if (waitid(P_PID, (id_t)tid, &info, WEXITED | WNOWAIT | WNOHANG | __WALL) == -1)
		return GONE;
	if (info.si_pid == 0 || info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED)
		return NOTHING_YET;
	if (status_field(tid, "PPid", 10) != getpid() || status_field(tid, "Tgid", 10) != tid)
		waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | __WALL);
	return GONE;
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Gives the thread that we wait for a chance to stop; false: it has had chances enough. */
static bool give_way(int times, double until)
{
	if (times < YIELDS)
		sched_yield();
	else
		poll(NULL, 0, 1);
	return seconds() < until;
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
static void have_call_restarted(pid_t tid)
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
static int signal_of(int status)
{
	return status & 0x7f;
}

static int event_of(int status)
{
	return status >> 8;
}

/* The signal that the thread was about to get when it stopped: to be given to it. */
static int undelivered(int status)
{
	return event_of(status) == 0 ? signal_of(status) : 0;
}

static bool makes_a_task(int event)
{
	return event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE;
}

/* Stops a seized thread; false: it has gone. */
static bool stop(pid_t tid, int *status)
{
	double until = seconds() + STOP_WITHIN_S;
	int times = 0;
	Look seen;
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	while ((seen = look(tid, status)) == NOTHING_YET && give_way(times++, until))
		continue;
	return seen == STOPPED;
}

static void let_go(pid_t tid, int status)
{
	have_call_restarted(tid);
	ptrace(PTRACE_DETACH, tid, NULL, (long)undelivered(status));
}

/* ---- The crash watch ---- */

struct CrashWatch {
	char *sources, *shown;
	pid_t *tid; /* every thread that we trace */
	size_t count, room;

	/* where_thread() asks for a picture of this thread at its next stop. */
	pid_t wanted;
	Snapshot *picture;
	bool taken;

	bool found;
	Where where;
	int signal;
	pid_t pid;
	CrashWatch *next;
};

static CrashWatch *watches; /* all of them: where_thread() must know whom we trace already */

static bool add(CrashWatch *watch, pid_t tid)
{
	if (watch->count == watch->room) {
		size_t room = watch->room ? 2 * watch->room : 8;
		pid_t *grown = realloc(watch->tid, room * sizeof *grown);
		if (!grown)
			return false;
		watch->tid = grown;
		watch->room = room;
	}
	watch->tid[watch->count++] = tid;
	return true;
}

static bool is_a_crash(int signal)
{
	switch (signal) {
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
	case SIGABRT:
	case SIGPIPE:
	case SIGSYS:
	case SIGXFSZ:
		return true;
	default:
		return false;
	}
}

static bool is_a_stop(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void note_crash(CrashWatch *watch, pid_t tid, int signal)
{
	watch->found = true;
	watch->signal = signal;
	watch->pid = (pid_t)status_field(tid, "Tgid", 10);
	Snapshot *picture = malloc(sizeof *picture);
	if (picture && snapshot_take(picture, watch->pid, tid))
		snapshot_locate(picture, watch->sources, watch->shown, &watch->where);
	free(picture);
}

/* One stop of one thread: sees what it is about, and has it go on as it would without us. */
static void serve(CrashWatch *watch, pid_t tid, int status)
{
	int signal = signal_of(status), event = event_of(status);
	if (tid == watch->wanted && !watch->taken)
		watch->taken = snapshot_take(watch->picture, (pid_t)status_field(tid, "Tgid", 10), tid);
	have_call_restarted(tid);

	if (event == PTRACE_EVENT_STOP && is_a_stop(signal)) {
		ptrace(PTRACE_LISTEN, tid, NULL, NULL); /* stopped it stays, and hears SIGCONT */
		return;
	}
	unsigned long child;
	if (makes_a_task(event) && ptrace(PTRACE_GETEVENTMSG, tid, NULL, &child) == 0)
		add(watch, (pid_t)child);
	if (event == 0 && !watch->found && is_a_crash(signal) && by_default(tid, signal))
		note_crash(watch, tid, signal);
	ptrace(PTRACE_CONT, tid, NULL, (long)undelivered(status));
}

void crash_watch_pump(CrashWatch *watch)
{
	for (size_t i = 0; i < watch->count;) {
		int status;
		switch (look(watch->tid[i], &status)) {
		case STOPPED:
			serve(watch, watch->tid[i], status); /* and look at it again */
			break;
		case GONE:
			memmove(&watch->tid[i], &watch->tid[i + 1], (watch->count - i - 1) * sizeof *watch->tid);
			watch->count--;
			break;
		case NOTHING_YET:
			i++;
		}
	}
}

/* Seizes all threads of the process: those made meanwhile too, until there is no new one. */
static bool seize_all(CrashWatch *watch, pid_t pid)
{
	const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	for (size_t before = SIZE_MAX; before != watch->count;) {
		before = watch->count;
		DIR *tasks = opendir(path);
		if (!tasks)
			break;
		for (struct dirent *entry; (entry = readdir(tasks));) {
			pid_t tid = atoi(entry->d_name);
			int status;
			if (tid > 0 && ptrace(PTRACE_SEIZE, tid, NULL, options) == 0 && !add(watch, tid) &&
			    stop(tid, &status))
				let_go(tid, status);
		}
		closedir(tasks);
	}
	return watch->count > 0;
}

CrashWatch *crash_watch(pid_t pid, const char *sources, const char *shown)
{
	CrashWatch *watch = calloc(1, sizeof *watch);
	if (!watch)
		return NULL;
	watch->sources = sources ? strdup(sources) : NULL;
	watch->shown = shown ? strdup(shown) : NULL;
	watch->next = watches;
	watches = watch;
	if ((sources && !watch->sources) || (shown && !watch->shown) || !seize_all(watch, pid)) {
		crash_watch_free(watch);
		return NULL;
	}
	return watch;
}

bool crash_watch_found(const CrashWatch *watch, Where *where, int *signal, pid_t *pid)
{
	if (!watch->found)
		return false;
	memcpy(where->file, watch->where.file, sizeof where->file);
	memcpy(where->function, watch->where.function, sizeof where->function);
	where->line = watch->where.line;
	if (signal)
		*signal = watch->signal;
	if (pid)
		*pid = watch->pid;
	return true;
}

void crash_watch_free(CrashWatch *watch)
{
	if (!watch)
		return;
	while (watch->count > 0) {
		pid_t tid = watch->tid[--watch->count];
		int status;
		unsigned long child;
		if (!stop(tid, &status))
			continue;
		/* A child made this moment is traced as well, and nobody has been told yet. */
		if (makes_a_task(event_of(status)) && ptrace(PTRACE_GETEVENTMSG, tid, NULL, &child) == 0)
			add(watch, (pid_t)child);
		let_go(tid, status);
	}
	for (CrashWatch **at = &watches; *at; at = &(*at)->next) {
		if (*at == watch) {
			*at = watch->next;
			break;
		}
	}
	free(watch->tid);
	free(watch->sources);
	free(watch->shown);
	free(watch);
}

/* ---- Asking ---- */

static CrashWatch *watch_on(pid_t tid)
{
	for (CrashWatch *watch = watches; watch; watch = watch->next) {
		for (size_t i = 0; i < watch->count; i++) {
			if (watch->tid[i] == tid)
				return watch;
		}
	}
	return NULL;
}

static bool ask(pid_t pid, pid_t tid, Snapshot *picture)
{
	int status;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) == -1 || !stop(tid, &status))
		return false;
	bool taken = snapshot_take(picture, pid, tid);
	let_go(tid, status);
	return taken;
}

/* The thread is traced already: stops it, and the pump takes the picture. */
static bool ask_watched(CrashWatch *watch, pid_t tid, Snapshot *picture)
{
	double until = seconds() + STOP_WITHIN_S;
	int times = 0;
	watch->wanted = tid;
	watch->picture = picture;
	watch->taken = false;
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	do
		crash_watch_pump(watch);
	while (!watch->taken && watch_on(tid) == watch && give_way(times++, until));
	watch->wanted = 0;
	return watch->taken;
}

bool where_thread(pid_t pid, pid_t tid, const char *sources, const char *shown, Where *where)
{
	where->file[0] = where->function[0] = '\0';
	where->line = 0;
	char state = state_of(tid);
	if (state == 0 || state == 'D' || state == 'Z' || state == 'X')
		return false;
	Snapshot *picture = malloc(sizeof *picture);
	if (!picture)
		return false;

	CrashWatch *watch = watch_on(tid);
	bool taken = watch ? ask_watched(watch, tid, picture) : ask(pid, tid, picture);
	bool found = taken && snapshot_locate(picture, sources, shown, where);
	free(picture);
	return found;
}
