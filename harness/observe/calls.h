/*
 * calls.h: system calls by the names that lessons use, and how long a thread can wait in one.
 *
 * A thread asleep in a call waits for somebody else, or for a time, or for either. Which of them is
 * in the call's arguments: poll() with a timeout of -1 ends only by somebody's doing, one of 500
 * ends by itself. man 2 of each call; for the numbers, <sys/syscall.h>.
 *
 * Three things lie outside of the arguments: a time limit of the socket (SO_RCVTIMEO, SO_SNDTIMEO), a timerfd among the
 * descriptors that are waited on, and a signal that a timer sends, which ends nearly every call. How long a timerfd
 * will yet take the kernel tells (/proc/PID/fdinfo), and that a process has POSIX timers (/proc/PID/timers). Of alarm()
 * and setitimer() it tells nobody but the process itself (the field in /proc/PID/stat has been 0 since Linux 2.6.17);
 * so a process that catches SIGALRM is taken for one that may have set an alarm. readline catches it too,
 * together with SIGTTIN and SIGTTOU, and Go's runtime with SIGURG and SIGIO, and neither sets one. An alarm that nobody catches ends the process, and is not foreseen.
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

/* A timerfd that the task waits on, alone or with others (poll, select, epoll): when the first of them fires, in ns; 0: none. */
uint64_t calls_timerfd(const Task *task);

/* All of these together: WAIT_TIMED with the shortest of them, where there is one. */
Wait calls_limit(const Task *task);

/* A timer may send a signal to the process: then any of its calls may end by itself, and nobody knows when. */
bool calls_may_be_alarmed(pid_t pid);

/* "recv", "accept", "poll"; the name that man pages of section 2 give what libc calls by another number. */
const char *calls_name(long call);

/* The descriptor a call is about, or -1. */
int calls_descriptor(const Task *task);

/* "recv(3)", "poll", "running": text has 64 bytes. */
const char *calls_describe(const Task *task, char *text);

#endif
