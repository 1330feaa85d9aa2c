/*
 * tracing.h: programs/traced.c in the guests' room, and what the tracer tells of it.
 *
 * Each thread has a letter, in the order in which they were told of, and a log of its own (two threads' events come in any order):
 * ">recv" it is about to make a call, "recv=5", "recv=EINTR", "thread by a", "process by a", "exec", "SIGUSR1", "ends 0",
 * "ends SIGKILL", "gone" (a thread's end).
 *
 * Ownership: one program a process. Errors: a failed assertion.
 */
#ifndef TESTS_TRACING_H
#define TESTS_TRACING_H

#include "observe/trace.h"
#include "program/party.h"

/* In the room of the guests (guests.h); the arguments end with NULL. */
Party *tracing_start(const char *way, ...) __attribute__((sentinel));

/* The next event, which is put into the log. A thread that it holds is for the caller to let go. False: nobody is left. */
bool tracing_next(TraceEvent *event);

/* Lets everybody go until that thread is about to make this call (for the count'th time from now), or all has ended: false. */
bool tracing_until(char thread, const char *call, int count, TraceEvent *event);

/* Lets everybody go until all has ended. */
void tracing_finish(void);

/* "a": the first. */
const char *tracing_log(char thread);

/* How many threads there were. */
int tracing_threads(void);

#endif
