/*
 * party.h: a program in the room: starting it, feeding it, freezing it, hearing how it ended.
 *
 * What it prints is taken in as it comes (party_pump, which the room's watch calls) and kept whole, up to
 * ROOM_OUTPUT_MIB; beyond that it is a flood and the rest is thrown away, so that a program that prints for
 * ever neither blocks nor fills our memory.
 *
 * Input and output each are a pipe, a file or a terminal:
 *
 *	a pipe      is silent until something is written; stays open until party_end_input();
 *	a file      is in memory, already full;
 *	a terminal  is one pseudo-terminal for input and output, and a second one for standard error, so
 *	            that isatty(2) is true and its text is still told from the rest.
 *
 * A terminal hands bytes over late, by a worker of the kernel. Polling the reading side makes it do so at once
 * (n_tty_poll() calls tty_buffer_flush_work(), drivers/tty/n_tty.c); the pump polls both sides before it reads, so
 * after a pump nothing is on its way in a terminal.
 *
 * Freezing holds every thread of every process (stop.h), and party_freeze() returns when each has stopped. The program
 * cannot tell that it was frozen. It is SIGSTOP only where nobody may be traced.
 *
 * Time: no verb waits by the clock; party_started() watches until the exec has succeeded.
 * Ownership: parties live until the process ends. Errors: trouble(), but a program that cannot be
 * executed at all, which is told: start_error.
 */
#ifndef PROGRAM_PARTY_H
#define PROGRAM_PARTY_H

#include "observe/where.h"
#include "program/room.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum { INPUT_PIPE, INPUT_FILE, INPUT_TERMINAL } InputKind;

/* Wide enough that no line of a check wraps; as tall as terminals are. */
enum { PARTY_TERMINAL_ROWS = 24, PARTY_TERMINAL_COLUMNS = 2000 };

typedef struct {
	int fd;     /* our reading end; -1 after the end of stream */
	int other;  /* the terminal's other side, ours too; -1 for a pipe */
	char *text; /* what came so far, ended by a NUL that does not count */
	size_t size, room;
	size_t typed; /* how much there was when the last line was typed, screen.h */
	size_t read;  /* how far a check has read it, screen.h */
	bool flood;   /* more than ROOM_OUTPUT_MIB came */
} Output;

typedef struct Party {
	char who[32]; /* "server", "client"; as it is called in the story */
	pid_t pid;    /* in our pid namespace */
	pid_t inner;  /* in the room's */
	int input;    /* our writing end; -1 when ended */
	InputKind kind;
	Output out, err;
	bool ended;      /* and then how: */
	int status;      /* as wait(2) has it */
	int start_error; /* errno of its exec; then it never ran */
	bool frozen;
	bool serves; /* a server that has been seen to listen and should go on for ever */
	bool killed_by_us;
	bool drives;    /* ours, linked with the student's functions: between two calls of them it is of no interest */
	in_port_t port; /* on which it was asked to listen, or told to call */
	char path[112]; /* or the name of its path in the room */
	const char *sources, *shown; /* the student's own files, for where.h; NULL: none */
	CrashWatch *watch;           /* on a program that is known to crash: it tells where; else NULL */
	int leftovers;               /* processes of its that were still there when it had ended by itself */
} Party;

typedef struct {
	InputKind input;
	const char *file;        /* INPUT_FILE: its content */
	bool sanitized;          /* a sanitizer reserves terabytes: no limit on memory by kind of page */
	const char *environment; /* one more NAME=VALUE, or NULL */
	bool traced; /* by this process (trace.h): its events are for the caller to fetch, from its exec on */
	/* By hundreds of callers: room for a few descriptors, and the stacks of two threads, for each of 500. */
	bool crowded;
} StartAs;

/* Starts `command` followed by `arguments` (both end with NULL); does not return before the exec. */
Party *party_start(const char *who, char *const *command, const char *const *arguments, StartAs as);

/* From now on it is watched for the place where it crashes (where.h); sources and shown are set. */
void party_watch_for_crash(Party *party);

/* Writes to its standard input, all of it. */
void party_input(Party *party, const void *bytes, size_t size);

/* End of input: closes the pipe; at a terminal, types Ctrl-D (VEOF) on an empty line. */
void party_end_input(Party *party);

/* Has a process of the room call a path there (AF_UNIX): the call as a descriptor of ours, non-blocking, and who called, as
 * programs in the room number it. -1 with errno: nobody took it. */
int party_dial_path(const char *name, pid_t *caller);

void party_freeze(Party *party);
void party_thaw(Party *party);

/* A signal to the program's first process; or to all that are in the room. */
void party_signal(Party *party, int signal);
void party_signal_all(int signal);

/* Ends it with SIGKILL, all its processes, and returns when they are gone. */
void party_kill(Party *party);

/* Takes in what was printed and told; true: there was something. The room's scene calls it. */
bool party_pump(void *room);

/* From now on every program is started traced, and `started` hears of it before its first event. */
void party_trace_all(void (*started)(Party *party));

/* Asked at each pump as well, for whoever follows the programs by other means: true, there was news. */
void party_also_pump(bool (*pump)(void));

/* Watches the room; wake_fd (or -1) is a descriptor of ours whose news end a pause. */
Outcome party_watch(bool (*done)(void *), void *context, unsigned flags, int wake_fd);

/* All parties, in the order of their starts. */
Party *const *party_all(size_t *count);

/* Bytes that were typed and that nobody has read yet. */
size_t party_unread_input(const Party *party);

#endif
