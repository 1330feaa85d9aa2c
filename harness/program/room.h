/*
 * room.h: where the programs of a check live.
 *
 * A check opens one room, starts its programs in it (party.h), and plays their peer. Three kinds:
 *
 *	private  a user and a network namespace of the check's own, with `lo` up and every port free; the
 *	         programs shut in by bubblewrap: a pid and an IPC namespace, no new privileges, and of the
 *	         file system only the system's folders and what the program itself needs, read-only,
 *	         besides /room (writable, of limited size, empty at the start);
 *	open     the same namespaces without bubblewrap: the file system is in sight. For a machine
 *	         that has no bubblewrap, and to measure what bubblewrap costs;
 *	shared   no namespaces: the machine's loopback, with ports that are free and reserved by name against other
 *	         graders, looking only at our own programs' sockets.
 *
 * The kind is found once, by trying the whole sequence, or is forced by DIALTONE_ROOM=private|open|shared.
 *
 * The check's own process moves into the private room's namespaces: its sockets are the peer's. As root it has two
 * uids mapped, so that the program runs as nobody (a limit on processes does not bind root); a user
 * has one, and the program runs as that.
 *
 * Time: opening takes 5 ms with bubblewrap, 2 without, 1 shared.
 * Ownership: one room a process; it ends with the process, and by the kernel's hand everything in it does too
 * (in the shared room by the warden's, and then the reaper's in run.c).
 * Errors: trouble(), never the student's fault.
 */
#ifndef PROGRAM_ROOM_H
#define PROGRAM_ROOM_H

#include "observe/still.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef enum { ROOM_PRIVATE, ROOM_OPEN, ROOM_SHARED } RoomKind;

/* What a program may use. Units in the names. */
enum {
	ROOM_DATA_MIB =
	    4096, /* private writable memory of a process: 200 threads take 1600 for their stacks, touched or not */
	ROOM_FILE_MIB = 64, /* a file that it writes, and /room and /tmp together */
	ROOM_PROCESSES = 1024,
	ROOM_DESCRIPTORS = 1024,
	ROOM_CPU_SECONDS = 60,
	ROOM_OUTPUT_MIB = 8, /* what it prints; more is called a flood */
};

typedef struct {
	RoomKind kind;
	pid_t warden;
	int control;      /* socket to the warden, warden.h */
	unsigned uid;     /* whom programs run as, inside */
	char folder[128]; /* the programs' current directory, as they see it */
	Scene scene;
} Room;

/* Finds out which kind of room can be had; the first call does it. False, with a message, where
 * DIALTONE_ROOM asks for one that cannot be had or does not exist. */
bool room_prepare(char *message, size_t size);
RoomKind room_kind(void);
bool room_is_private(void); /* has ports of its own: private or open */
const char *room_kind_name(RoomKind kind);

/* What is not guaranteed in this kind of room, for a person; "" where everything is. */
const char *room_missing(void);

/* More space than ROOM_FILE_MIB for the folder of the room that is opened next, where it is a file system in memory. It is only taken as far as
 * it is used. */
void room_want_space(unsigned mib);

/*
 * For a process whose children will each open a room: does once what would be the same for all of them. It enters a user
 * namespace, which the rooms then share, and a network namespace in which a room's table of connections is small:
 * the machine's own has so many lines that to read it through took a tenth of all the time of judging. Not needed, only quicker;
 * nothing of it is left when the process ends. trouble() where it cannot be had.
 */
void room_enter_hall(void);

/* Opens the room of this process. `visible`: paths that programs must be able to read, NULL ends. */
Room *room_open(char *const *visible);

/* The room of this process, or NULL. */
Room *room_now(void);

/* A port that nobody uses and nobody of ours will be given again while we live. */
in_port_t room_port(void);

/* The path of a program of the harness's own, next to the running one: room_tool("warden"). */
const char *room_tool(const char *name);

/* Removes what shared rooms left on disk. By whoever called room_prepare, at the end. */
void room_cleanup(void);

#endif
