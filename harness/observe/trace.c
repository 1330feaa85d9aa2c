#define _GNU_SOURCE
#include "observe/trace.h"

#include "observe/stop.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel's own results of a call that it will make again (include/linux/errno.h); no program ever sees them. */
enum { ERESTARTSYS_ = 512, ERESTART_LAST_ = 516 };

typedef enum { RUNS, HELD_BEFORE, IN_CALL, HELD_AFTER, ENDS_HANDLER } ThreadState;

typedef struct {
	pid_t pid, tid;
	ThreadState state;
	TraceEvent last; /* the call, as it was entered */
	TraceEvent cut;  /* one that a signal has cut short */
	bool is_cut;     /* and it is not known yet whether it is made again */
} Thread;

static Thread *threads;
static size_t count, room;

/* Events that came together with one: a call and a birth, say. */
static TraceEvent queue[64];
static size_t queued, taken;

static const int calls[] = {
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(connect),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(sendfile),
    SCMP_SYS(splice),
    SCMP_SYS(shutdown),
    SCMP_SYS(close),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    SCMP_SYS(exit_group),
    SCMP_SYS(pause),
    /* These two tell how a call ends that a signal has cut short. */
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(restart_syscall),
};

const void *trace_filter(size_t *size)
{
	static void *program;
	static size_t program_size;
	int file = -1;
	if (program == NULL) {
		scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
		bool done = filter != NULL && (file = memfd_create("filter", MFD_CLOEXEC)) != -1;
		/* A tree and not a list: what is let through passes a handful of comparisons. */
		done = done && seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0;
		for (size_t i = 0; done && i < sizeof calls / sizeof *calls; i++)
			if (calls[i] >= 0) /* negative: not a call on this machine */
				done = seccomp_rule_add(filter, SCMP_ACT_TRACE(0), calls[i], 0) == 0;
		done = done && seccomp_export_bpf(filter, file) == 0;
		struct stat s;
		done = done && fstat(file, &s) == 0 && (program = malloc((size_t)s.st_size)) != NULL;
		if (done && pread(file, program, (size_t)s.st_size, 0) == s.st_size)
			program_size = (size_t)s.st_size;
		if (file != -1)
			close(file);
		seccomp_release(filter);
	}
	*size = program_size;
	return program_size > 0 ? program : NULL;
}

/* --- threads --- */

static Thread *thread_of(pid_t tid)
{
	for (size_t i = 0; i < count; i++)
		if (threads[i].tid == tid)
			return &threads[i];
	return NULL;
}

static Thread *add(pid_t pid, pid_t tid)
{
	if (count == room) {
		room = room ? 2 * room : 16;
		threads = realloc(threads, room * sizeof *threads);
		if (threads == NULL)
			abort();
	}
	threads[count] = (Thread){.pid = pid, .tid = tid};
	return &threads[count++];
}

static void forget(pid_t tid)
{
	Thread *t = thread_of(tid);
	if (t != NULL) {
		memmove(t, t + 1, (size_t)(threads + count - (t + 1)) * sizeof *t);
		count--;
	}
}

bool trace_begin(pid_t pid)
{
	const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
	                     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	if (ptrace(PTRACE_SEIZE, pid, NULL, options) == -1)
		return false;
	add(pid, pid);
	return true;
}

/* --- events --- */

static void tell(TraceEvent event)
{
	if (queued < sizeof queue / sizeof *queue)
		queue[queued++] = event;
}

static void let_go(pid_t tid, bool into_call, int signal)
{
	/* ESRCH: it has just been killed; its end will be told. */
	ptrace(into_call ? PTRACE_SYSCALL : PTRACE_CONT, tid, NULL, (long)signal);
}

/* read, write and close matter on sockets and on what a person sees. */
static bool matters(const TraceEvent *event)
{
	char path[64];
	struct stat s;
	switch (event->call) {
	case SYS_read:
	case SYS_readv:
	case SYS_write:
	case SYS_writev:
	case SYS_close:
		if ((int)event->arg[0] >= 0 && (int)event->arg[0] <= 2 && event->call != SYS_close)
			return true;
		/* The thread's, and not the process's: that one's first thread may have left. */
		snprintf(path, sizeof path, "/proc/%d/fd/%d", event->tid, (int)event->arg[0]);
		return stat(path, &s) == 0 && S_ISSOCK(s.st_mode);
	default:
		return true;
	}
}

static void enters(Thread *t)
{
	struct __ptrace_syscall_info info;
	TraceEvent e = {.kind = TRACE_ENTERS, .pid = t->pid, .tid = t->tid, .at = stop_seconds()};
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_SECCOMP) {
		let_go(t->tid, false, 0);
		return;
	}
	e.call = (long)info.seccomp.nr;
	for (int i = 0; i < 6; i++)
		e.arg[i] = info.seccomp.args[i];
	e.pc = info.instruction_pointer;
	e.sp = info.stack_pointer;
	if (e.call == SYS_rt_sigreturn || (e.call == SYS_restart_syscall && !t->is_cut)) {
		/* A handler ends: where it goes back to says whether the call that it came into is made again. */
		t->state = t->is_cut ? ENDS_HANDLER : RUNS;
		let_go(t->tid, t->is_cut, 0);
		return;
	}
	if (e.call == SYS_restart_syscall) { /* the same call goes on, with what is left of its time */
		e = t->cut;
		e.at = stop_seconds();
	}
	t->is_cut = t->is_cut && e.sp != t->cut.sp; /* a handler's own calls come from further down the stack */
	if (!matters(&e)) {
		let_go(t->tid, false, 0);
		return;
	}
	t->last = e;
	t->state = HELD_BEFORE;
	tell(e);
}

/* Behind the call again: it has returned EINTR. Before it, or anywhere else: it has not. */
static void ends_handler(Thread *t, const struct __ptrace_syscall_info *info)
{
	t->state = RUNS;
	if (info->exit.rval != -EINTR || info->instruction_pointer != t->cut.pc || info->stack_pointer != t->cut.sp) {
		let_go(t->tid, false, 0);
		return;
	}
	t->is_cut = false;
	t->last = t->cut;
	t->state = HELD_AFTER;
	TraceEvent e = t->cut;
	e.kind = TRACE_RETURNS;
	e.result = -EINTR;
	e.at = stop_seconds();
	tell(e);
}

static void returns(Thread *t)
{
	struct __ptrace_syscall_info info;
	if ((t->state != IN_CALL && t->state != ENDS_HANDLER) ||
	    ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_EXIT) {
		let_go(t->tid, false, 0);
		return;
	}
	if (t->state == ENDS_HANDLER) {
		ends_handler(t, &info);
		return;
	}
	if (info.exit.is_error && info.exit.rval <= -ERESTARTSYS_ && info.exit.rval >= -ERESTART_LAST_) {
		t->state = RUNS; /* it comes again, or ends with EINTR when a handler has run */
		t->cut = t->last;
		t->is_cut = true;
		let_go(t->tid, false, 0);
		return;
	}
	TraceEvent e = t->last;
	e.kind = TRACE_RETURNS;
	e.result = info.exit.rval;
	e.at = stop_seconds();
	t->state = HELD_AFTER;
	tell(e);
}

static pid_t process_of(pid_t tid)
{
	long long pid = stop_status_field(tid, "Tgid", 10);
	return pid > 0 ? (pid_t)pid : tid;
}

/* The child's own first stop may be told before its maker's, which alone says whose it is: until then it stands. */
static pid_t early[64];
static size_t early_count;

static void is_born(pid_t tid, pid_t by)
{
	const Thread *t = add(process_of(tid), tid);
	tell((TraceEvent){.kind = TRACE_BORN, .pid = t->pid, .tid = tid, .by = by, .at = stop_seconds()});
	for (size_t i = 0; i < early_count; i++)
		if (early[i] == tid) {
			early[i] = early[--early_count];
			let_go(tid, false, 0);
			return;
		}
}

static bool is_a_stop(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void ended(pid_t tid, int status)
{
	Thread *t = thread_of(tid);
	if (t == NULL)
		return; /* the warden, or whoever else is a child of ours */
	tell((TraceEvent){
	    .kind = TRACE_ENDS, .pid = t->pid, .tid = tid, .status = tid == t->pid ? status : 0, .at = stop_seconds()});
	forget(tid);
}

static void stopped(pid_t tid, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;
	unsigned long message = 0;
	Thread *t = thread_of(tid);
	if (t == NULL && early_count < sizeof early / sizeof *early) {
		early[early_count++] = tid;
		return;
	}
	if (t == NULL) {
		is_born(tid, 0);
		t = thread_of(tid);
	}
	switch (event) {
	case PTRACE_EVENT_SECCOMP:
		enters(t);
		return;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &message) == 0 && thread_of((pid_t)message) == NULL)
			is_born((pid_t)message, tid);
		/* It stands inside its clone(), whose return is yet to be told. */
		t = thread_of(tid);
		let_go(tid, t->state == IN_CALL, 0);
		return;
	case PTRACE_EVENT_EXEC:
		/* Whichever thread did it now has the number of the first; its own is nobody's, and no end of it is told. */
		if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &message) == 0 && (pid_t)message != tid)
			ended((pid_t)message, 0);
		t = thread_of(tid);
		t->state = RUNS;
		t->is_cut = false;
		tell((TraceEvent){.kind = TRACE_EXECS, .pid = t->pid, .tid = tid, .at = stop_seconds()});
		let_go(tid, false, 0);
		return;
	case PTRACE_EVENT_STOP:
		if (is_a_stop(signal))
			ptrace(PTRACE_LISTEN, tid, NULL, NULL); /* stopped it stays, and hears SIGCONT */
		else
			let_go(tid, t->state == IN_CALL, 0);
		return;
	default:
		break;
	}
	if (signal == (SIGTRAP | 0x80)) {
		returns(t);
		return;
	}
	tell((TraceEvent){.kind = TRACE_SIGNAL, .pid = t->pid, .tid = tid, .signal = signal, .at = stop_seconds()});
	let_go(tid, t->state == IN_CALL, signal);
}

/* What the kernel has to tell of one thread, or of any (-1), goes into the queue. False: nothing. */
static bool hear(pid_t of, int flags)
{
	int status;
	pid_t tid;
	do
		tid = waitpid(of, &status, __WALL | flags);
	while (tid == -1 && errno == EINTR);
	if (tid <= 0)
		return false;
	if (WIFSTOPPED(status))
		stopped(tid, status);
	else
		ended(tid, status);
	return true;
}

static bool next(TraceEvent *event, int flags)
{
	while (taken == queued) {
		taken = queued = 0;
		if (count == 0 || !hear(-1, flags))
			return false;
	}
	*event = queue[taken++];
	return true;
}

void trace_until_exec(pid_t pid)
{
	for (size_t from = queued;; from = queued) {
		if (!hear(pid, 0))
			return;
		for (; from < queued; from++)
			if (queue[from].pid == pid &&
			    (queue[from].kind == TRACE_EXECS || queue[from].kind == TRACE_ENDS))
				return;
	}
}

bool trace_pump(TraceEvent *event)
{
	return next(event, WNOHANG);
}

/*
 * On a machine that has nothing else to do the next event is there within some microseconds, sooner than a processor that has gone
 * idle is woken: so we glance a few times before we go to sleep. On a busy one that would keep the program itself from the
 * processor: where glancing was in vain, it is left alone for a while, twice as long each time.
 */
bool trace_wait(TraceEvent *event)
{
	enum { GLANCES = 150, LONGEST = 4096 };
	static unsigned leave_alone, penalty = 1;
	if (leave_alone > 0) {
		leave_alone--;
		return next(event, 0);
	}
	for (int i = 0; i < GLANCES; i++)
		if (next(event, WNOHANG)) {
			penalty = penalty > 1 ? penalty / 2 : 1;
			return true;
		}
	leave_alone = penalty;
	penalty = penalty < LONGEST ? 2 * penalty : LONGEST;
	return next(event, 0);
}

void trace_go(pid_t tid)
{
	Thread *t = thread_of(tid);
	if (t == NULL || (t->state != HELD_BEFORE && t->state != HELD_AFTER))
		return;
	bool into_call = t->state == HELD_BEFORE;
	t->state = into_call ? IN_CALL : RUNS;
	let_go(tid, into_call, 0);
}

bool trace_holds(pid_t tid, TraceEvent *event)
{
	const Thread *t = thread_of(tid);
	if (t == NULL || (t->state != HELD_BEFORE && t->state != HELD_AFTER))
		return false;
	if (event != NULL)
		*event = t->last;
	return true;
}

bool trace_is_in_call(pid_t tid, TraceEvent *event)
{
	const Thread *t = thread_of(tid);
	if (t == NULL || t->state != IN_CALL)
		return false;
	if (event != NULL)
		*event = t->last;
	return true;
}

size_t trace_count(void)
{
	return count;
}

pid_t trace_thread(size_t i, pid_t *pid)
{
	if (pid != NULL)
		*pid = threads[i].pid;
	return threads[i].tid;
}
