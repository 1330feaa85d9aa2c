/*
 * warden.h: what is said between a check and the warden of its room.
 *
 * The warden (warden.c) is the first process of a room: it starts the programs, reaps whatever
 * is left an orphan, and when it ends the kernel ends everything else in the room with it.
 *
 * One socket of kind SOCK_SEQPACKET joins them, a message a packet:
 *
 *	check -> warden    WardenStart, with descriptors 0, 1 and 2 of the program to be (SCM_RIGHTS), and, where it is to be
 *	                   traced, a pipe out of which it reads its seccomp filter when its tracer has it
 *	warden -> check    WARDEN_READY     once, when it listens
 *	program -> check   WARDEN_CHILD     sent by the child itself before its exec: the kernel
 *	                                    translates the pid of SCM_CREDENTIALS into the
 *	                                    receiver's pid namespace (man 7 unix)
 *	warden -> check    WARDEN_STARTED   the exec has succeeded
 *	warden -> check    WARDEN_FAILED    it has not; `error` is its errno
 *	warden -> check    WARDEN_EXITED    a program that it started has ended, and how
 *	check -> warden    WardenDial       call this path (AF_UNIX) from within the room
 *	caller -> check    WARDEN_CALL      the call, as a descriptor (SCM_RIGHTS), or `error`; `pid` has called
 *	warden -> check    WARDEN_DIALLED   the caller has gone, and its copy of the descriptor: who closes it hangs up
 *
 * Pids in messages are those of the room's pid namespace; only the credentials' are ours.
 */
#ifndef PROGRAM_WARDEN_H
#define PROGRAM_WARDEN_H

#include <stdint.h>

enum { WARDEN_TEXT = 48 * 1024 };

typedef enum {
	WARDEN_READY = 1,
	WARDEN_CHILD,
	WARDEN_STARTED,
	WARDEN_FAILED,
	WARDEN_EXITED,
	WARDEN_CALL,
	WARDEN_DIALLED
} WardenEventKind;

typedef struct {
	int32_t kind;
	int32_t pid;
	int32_t error;  /* FAILED: errno of what failed */
	int32_t status; /* EXITED: as wait(2) has it */
	int64_t cpu_us; /* EXITED: user and system time, its reaped children's too */
} WardenEvent;

/* No descriptors come with it: that is how it is told from a WardenStart. */
typedef struct {
	uint32_t uid;   /* whom the caller is, as in WardenStart */
	char path[112]; /* absolute */
} WardenDial;

typedef struct {
	uint32_t argc, envc;
	uint32_t terminal;   /* descriptor 0 becomes its controlling terminal */
	uint32_t traced;     /* a fourth descriptor has come */
	uint32_t uid;        /* whom it runs as, in the room's user namespace; 0: stay */
	uint64_t data_bytes; /* limits; 0: none */
	uint64_t file_bytes;
	uint64_t processes, descriptors, cpu_seconds;
	char text[WARDEN_TEXT]; /* folder, then argc arguments, then envc NAME=VALUE, each ended by a NUL */
} WardenStart;

#endif
