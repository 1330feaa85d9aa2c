/*
 * calls.h: system calls by the names that lessons use, and how long a thread can wait in one.
 *
 * A thread asleep in a call waits for somebody else, or for a time, or for either. Which of them is
 * in the call's arguments: poll() with a timeout of -1 ends only by somebody's doing, one of 500
 * ends by itself. man 2 of each call; for the numbers, <sys/syscall.h>.
 */
#ifndef OBSERVE_CALLS_H
#define OBSERVE_CALLS_H

#include "observe/tasks.h"

typedef enum {
	WAIT_NOT,     /* it runs, or will in a moment */
	WAIT_ENDLESS, /* only somebody else can end it */
	WAIT_TIMED,   /* it ends by itself after `ns` at the latest */
	WAIT_STOPPED, /* frozen: SIGSTOP, or a tracer */
	WAIT_DEAD,    /* a zombie: nothing more will come of it */
	WAIT_UNKNOWN, /* asleep, and the kernel does not let us see in what */
} WaitKind;

typedef struct {
	WaitKind kind;
	uint64_t ns; /* TIMED: the whole wait as it was asked for */
} Wait;

/* What a task waits for, so far as its registers and its memory tell; a socket's own timeout is calls_socket_timeout. */
Wait calls_wait(const Task *task);

/* SO_RCVTIMEO or SO_SNDTIMEO of the socket that the task waits on, in ns; 0: none, or not in such a call. */
uint64_t calls_socket_timeout(const Task *task);

/* "recv", "accept", "poll"; the name that man pages of section 2 give what libc calls by another number. */
const char *calls_name(long call);

/* The descriptor a call is about, or -1. */
int calls_descriptor(const Task *task);

/* "recv(3)", "poll", "running": text has 64 bytes. */
const char *calls_describe(const Task *task, char *text);

#endif
