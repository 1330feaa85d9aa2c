/*
 * still_room.h: a room for the tests of still_watch(), with small programs to be looked at.
 *
 * The programs are programs/still_waits.c and programs/still_acts.c, built once by still_build(). A test enters a room
 * of whatever kind this machine has (or DIALTONE_ROOM says), starts one or two of them, and is their peer: `phone`
 * listens where those that call will call.
 */
#ifndef TESTS_STILL_ROOM_H
#define TESTS_STILL_ROOM_H

#include "program/party.h"

#include <netinet/in.h>
#include <stdbool.h>

extern in_port_t port; /* for the programs: to call, or to listen on */
extern int phone;      /* our end, when they are to call; -1 */

/* Fixtures: unchecked (once), and checked (in each test's own process). */
void still_build(void);
void still_unbuild(void);
void still_enter(void);

/* "waits/recv" is the way `recv` of still_waits; it gets the port. */
Party *still_start(const char *way, InputKind input);

/* Somebody listens on the port: we do. `backlog` as listen(2) has it. */
void still_listen(int backlog);

/* The same at AF_UNIX, by a name of the abstract namespace: "still-" and the port's number. */
int still_unix_listen(void);

/* Waits for the program's call, and takes it. */
int still_answer(void);

/* Calls the program. */
int still_call(void);

/* What it has printed so far has `text` in it. */
bool still_said(const Party *party, const char *text);

/* How many threads of the room's programs wait in a call of that name, by the last look. */
int still_in_call(const char *name);

/* What they are all doing, for a failure's message. */
const char *still_tell(void);

/* One loop a core, for as long as we live. */
void still_keep_busy(void);

#endif
