/*
 * trace.h: every call that matters, of every thread of the programs in a room, one at a time.
 *
 * How. A program that is to be traced gets a seccomp filter before its exec, which hands the calls that matter to us
 * (SECCOMP_RET_TRACE, man 2 seccomp) and lets all others through in the kernel, so that what is not looked at runs at full speed.
 * We are its tracer by PTRACE_SEIZE (man 2 ptrace), and so that of every thread and child that it makes. A traced call shows
 * twice: as it is about to be made, and when it has returned. Each time the thread stands still until trace_go().
 *
 * What is held and what is not. read, write and close are traced on sockets and on the descriptors 0 to 2; on files they are let
 * go unseen. An exec, a fork and an end are told and never held. A signal is told and passed on.
 * A call that a signal has interrupted and that the kernel makes again (ERESTARTSYS) shows as made again, not as returned.
 *
 * Time: trace_pump() waits for nothing; trace_wait() until something comes. Events are in the order in which the kernel told
 * them: two threads that act at once are told in either order. `at` is in seconds on the monotonic clock.
 * Ownership: one trace a process, begun in the thread that goes on using it: to ptrace the tracer is a thread.
 * Errors: trouble() where the kernel refuses what it must grant to a tracer; what is gone is told as ended.
 */
#ifndef OBSERVE_TRACE_H
#define OBSERVE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum {
	TRACE_ENTERS,  /* about to make a call; held */
	TRACE_RETURNS, /* the call has returned; held */
	TRACE_BORN,    /* pid/tid is a new thread (pid is its maker's) or a new process; `by` made it */
	TRACE_EXECS,   /* has become another program */
	TRACE_SIGNAL,  /* gets a signal */
	TRACE_ENDS,    /* a process has ended: `status` as wait(2) has it; or a thread: `status` is 0, tid is not pid */
} TraceKind;

typedef struct {
	TraceKind kind;
	pid_t pid, tid; /* in our pid namespace */
	pid_t by;
	long call; /* SYS_...; ENTERS and RETURNS */
	uint64_t arg[6];
	int64_t result; /* RETURNS: -errno where it failed */
	uint64_t pc, sp;
	int signal, status;
	double at;
} TraceEvent;

/* The filter, as bytes of struct sock_filter: to be given to the program that is to be traced. NULL: trouble was told. */
const void *trace_filter(size_t *size);

/* From now on traced: a process of one thread that has not yet executed its program. False: denied, gone. */
bool trace_begin(pid_t pid);

/* Returns when that process has become its program, or has ended without; the event is kept for trace_pump(). */
void trace_until_exec(pid_t pid);

/* The next event. False: nothing has happened yet. */
bool trace_pump(TraceEvent *event);

/* The same, but waits for one. False: nobody is left. */
bool trace_wait(TraceEvent *event);

/* Lets a held thread go on: to make its call, or on from it. */
void trace_go(pid_t tid);

/* Whether the thread is held, and at what. */
bool trace_holds(pid_t tid, TraceEvent *event);

/* Whether the thread has been let go into a call from which it has not returned. */
bool trace_is_in_call(pid_t tid, TraceEvent *event);

/* How many threads are traced. */
size_t trace_count(void);

/* All traced threads, in the order in which they appeared. */
pid_t trace_thread(size_t i, pid_t *pid);

#endif
