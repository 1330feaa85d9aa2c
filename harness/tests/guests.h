/*
 * guests.h: rooms of each kind for the tests, and small programs in them.
 *
 * The programs are programs/NAME.c; guests_build() compiles them into a folder that everybody may read, and takes it
 * for TMPDIR too: guests_unbuild() says what is left there.
 */
#ifndef TESTS_GUESTS_H
#define TESTS_GUESTS_H

#include "program/party.h"

/* Fixtures: unchecked (once), and checked (in each test's own process). */
void guests_build(void);
void guests_unbuild(void);
void guests_enter(void); /* a room of the machine's kind, or DIALTONE_ROOM's */

/* A room of this kind; false: it cannot be had here. It is tidied up when this process ends well. */
bool guests_enter_kind(RoomKind kind);

/* The same in two steps, for a parent, who tidies up with room_cleanup(), and its child. */
bool guests_prepare(RoomKind kind);
void guests_open(void);

/* The program's path. */
char *guests_path(const char *name);

/* programs/guest.c, in its way; the arguments end with NULL. */
Party *guests_start(StartAs as, const char *way, ...) __attribute__((sentinel));

/* Watches until it has ended; what it printed. */
const char *guests_answer(Party *party);

/* It has printed this, or never will: a test fails then. */
void guests_says(Party *party, const char *text);

#endif
