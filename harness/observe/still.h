/*
 * still.h: whether anything in a room can yet happen by itself.
 *
 * The theory. A conversation is *still* when every thread of every program in the room sleeps in a
 * call that only somebody else can end, and nothing is on its way between them. Once it is still it
 * stays still until the peer, which is us, acts. So "says nothing", "waits for the next caller" and
 * "hangs for ever" are facts, and no clock has to run out before they are known.
 *
 * How it is seen. One look reads, in this order: what the programs printed (pump), every thread
 * (tasks.h), every socket (sockets.h). The room is still when two looks in a row agree:
 *
 *   - every thread sleeps in a call without a time limit, in both. The limit is in the program's memory, or its
 *     socket's option: it is read between the two;
 *   - no thread was given a CPU between them: the counts of schedstat are the same. So whatever the first
 *     look saw, and was read after it, no program has changed since;
 *   - no socket has bytes sent and not yet acknowledged, and no handshake or farewell is under way,
 *     in the first look: nothing was in the kernel's hands that could wake a thread later.
 *     Bytes that have *arrived* need no rule. Their arrival wakes the thread that waits for them in
 *     the same step (sk_data_ready, net/core/sock.c), so a thread still asleep does not wait for
 *     them: unread bytes are a symptom, not an event to come. A window that our own peer keeps shut is
 *     no event to come either (timer 4: the kernel probes it, and the answer stays no);
 *   - no datagram is on its way, in the first look, if there is a UDP socket at all: datagrams.h. At AF_UNIX nothing
 *     ever is: what is sent is in the other's queue, and has woken it, before send() returns;
 *   - nothing that was typed is on its way through a terminal: the pump sees to that (terminal.h).
 *
 * A thread that sleeps for a time (nanosleep, poll with a timeout, recv under SO_RCVTIMEO) will act by
 * itself, so the room is not still, and we go on looking. Some right programs do that for ever:
 * Python's socketserver looks round twice a second. If every such thread has slept and woken twice and
 * nothing in the room has changed by it, the room is *idle*. A watcher who hopes for something
 * (WATCH_PATIENT) gives it five seconds of that before it is called idle; and a sleep of more than ten
 * seconds counts as endless.
 *
 * An alarm that is perhaps set (calls_may_be_alarmed) may come at any time or never: two seconds without a change, or
 * five where something is hoped for, are idle as well.
 *
 * If it has slept and woken three times, and each time something in the room has changed by it (bytes, output, processes),
 * while nobody else did anything, then the room is *restless*: it acts by itself, again and again, and more of the same
 * is no answer. A right program may do so on its way (a dot for every step), so it has two seconds, and five where
 * something is hoped for; but once it is known of a room, three times are enough there when nothing is.
 *
 * *Spinning* is CPU time: a second of it since the last change of any socket or process, with a
 * thread still running. CPU time and not the clock's, so a busy machine does not turn a slow program
 * into a spinning one.
 *
 * Time. A look costs more than most answers take to come, so in the first millisecond `done` alone is asked, at each
 * news. Between looks we wait for news (output, an ending, a byte on the peer's socket) or a moment, 0.1 ms
 * growing to 5. The moment decides how often we look and never what we see. A wall-clock
 * limit of twenty seconds (two hundred for programs that want the CPU, which a busy machine may not give them) remains as a
 * backstop that no sound verdict meets; WATCH_CLOCK says so.
 *
 * Where /proc/PID/task/TID/syscall is denied, sleeping threads that have not run for a second are
 * taken to be waiting; `guessed` says that it was so.
 */
#ifndef OBSERVE_STILL_H
#define OBSERVE_STILL_H

#include "observe/datagrams.h"
#include "observe/sockets.h"
#include "observe/tasks.h"

#include <poll.h>
#include <stdbool.h>

typedef enum {
	WATCH_DONE,     /* what was waited for is there */
	WATCH_STILL,    /* nothing will ever happen by itself */
	WATCH_IDLE,     /* threads wake by themselves, and do nothing */
	WATCH_RESTLESS, /* threads wake by themselves, and do something again and again, but not what is hoped for */
	WATCH_SPINNING, /* a thread uses the CPU and changes nothing */
	WATCH_GONE,     /* no program is left in the room */
	WATCH_CLOCK,    /* the backstop: nothing is known */
} Outcome;

enum {
	WATCH_PATIENT = 1,  /* something is hoped for: idle or restless only after five seconds */
	WATCH_START = 2,    /* programs are starting: an interpreter may compute for four seconds of CPU time */
	WATCH_EVIDENCE = 4, /* the verdict is known already: a restless room is not waited for */
	WATCH_UNHEARD = 8,  /* a SYN that finds a full backlog is thrown away each time: nothing comes of it */
};

/* A thread that restarts a call (SYS_restart_syscall after SIGCONT) no longer says which: we remember. */
typedef struct {
	pid_t tid;
	uint64_t pc;
	long call;
} Restart;

/* What is watched. Filled by room.c; a test may fill its own. Zero is a good start for the rest. */
typedef struct {
	pid_t root;                                           /* the programs are its descendants */
	int diag;                                             /* sockets_open() in the room's network namespace */
	bool (*mine)(void *, const Socket *);                 /* the shared room: is this socket ours? NULL: all are */
	bool (*pump)(void *);                                 /* takes in output and news; true: there was some */
	bool (*told)(void *);                                 /* the ends of all programs that ended have been told */
	size_t (*wake)(void *, struct pollfd *, size_t most); /* what to wait on between looks */
	void (*look)(void *, TaskList *, SocketList *); /* a test shows what it wants; NULL: the kernel is asked */
	void *context;                                  /* of all five */

	TaskList tasks; /* the last look; valid after still_watch() */
	SocketList sockets;
	Datagrams datagrams;
	bool guessed;   /* the last verdict rests on waiting, not on the call */
	unsigned looks; /* how many it took, ever */
	bool restless;  /* a watch has ended so */

	TaskList before;
	SocketList before_sockets;
	Restart restart[64];
	unsigned restarts;
} Scene;

/* Looks until `done` says that what was waited for is there, or it is known that it never will be. `done` is
 * asked first, and once more after every other outcome. NULL: only how the room comes to rest is of interest. */
Outcome still_watch(Scene *scene, bool (*done)(void *), void *context, unsigned flags);

/* One look into scene->tasks and scene->sockets, with no verdict. */
void still_look(Scene *scene);

void still_free(Scene *scene);

const char *still_outcome_name(Outcome outcome);

#endif
