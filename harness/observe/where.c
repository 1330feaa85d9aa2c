#include "observe/where.h"

#include "observe/snapshot.h"
#include "observe/stop.h"

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

/* Whether a signal does to the thread what it does by default. */
static bool by_default(pid_t tid, int signal)
{
	long long caught = stop_status_field(tid, "SigCgt", 16), ignored = stop_status_field(tid, "SigIgn", 16);
	return !((caught | ignored) >> (signal - 1) & 1);
}

static bool makes_a_task(int event)
{
	return event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE;
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
	watch->pid = (pid_t)stop_status_field(tid, "Tgid", 10);
	Snapshot *picture = malloc(sizeof *picture);
	if (picture && snapshot_take(picture, watch->pid, tid))
		snapshot_locate(picture, watch->sources, watch->shown, &watch->where);
	free(picture);
}

/* One stop of one thread: sees what it is about, and has it go on as it would without us. */
static void serve(CrashWatch *watch, pid_t tid, int status)
{
	int signal = stop_signal(status), event = stop_event(status);
	if (tid == watch->wanted && !watch->taken)
		watch->taken = snapshot_take(watch->picture, (pid_t)stop_status_field(tid, "Tgid", 10), tid);
	stop_have_call_restarted(tid);

	if (event == PTRACE_EVENT_STOP && is_a_stop(signal)) {
		ptrace(PTRACE_LISTEN, tid, NULL, NULL); /* stopped it stays, and hears SIGCONT */
		return;
	}
	unsigned long child;
	if (makes_a_task(event) && ptrace(PTRACE_GETEVENTMSG, tid, NULL, &child) == 0)
		add(watch, (pid_t)child);
	if (event == 0 && !watch->found && is_a_crash(signal) && by_default(tid, signal))
		note_crash(watch, tid, signal);
	ptrace(PTRACE_CONT, tid, NULL, (long)stop_undelivered(status));
}

void crash_watch_pump(CrashWatch *watch)
{
	for (size_t i = 0; i < watch->count;) {
		int status;
		switch (stop_look(watch->tid[i], &status)) {
		case STOP_STOPPED:
			serve(watch, watch->tid[i], status); /* and look at it again */
			break;
		case STOP_GONE:
			memmove(&watch->tid[i], &watch->tid[i + 1], (watch->count - i - 1) * sizeof *watch->tid);
			watch->count--;
			break;
		case STOP_NOTHING_YET:
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
			    stop_seized(tid, &status))
				stop_let_go(tid, status);
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
		if (!stop_seized(tid, &status))
			continue;
		/* A child made this moment is traced as well, and nobody has been told yet. */
		if (makes_a_task(stop_event(status)) && ptrace(PTRACE_GETEVENTMSG, tid, NULL, &child) == 0)
			add(watch, (pid_t)child);
		stop_let_go(tid, status);
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
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) == -1 || !stop_seized(tid, &status))
		return false;
	bool taken = snapshot_take(picture, pid, tid);
	stop_let_go(tid, status);
	return taken;
}

/* The thread is traced already: stops it, and the pump takes the picture. */
static bool ask_watched(CrashWatch *watch, pid_t tid, Snapshot *picture)
{
	double began = stop_seconds();
	int times = 0;
	watch->wanted = tid;
	watch->picture = picture;
	watch->taken = false;
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	do
		crash_watch_pump(watch);
	while (!watch->taken && watch_on(tid) == watch && stop_give_way(times++, began));
	watch->wanted = 0;
	return watch->taken;
}

bool where_thread(pid_t pid, pid_t tid, const char *sources, const char *shown, Where *where)
{
	where->file[0] = where->function[0] = '\0';
	where->line = 0;
	char state = stop_state(tid);
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
