/*
 * play.h: plays a script on the stage, a step at a time.
 *
 * play_next() does what comes next and returns: one step of somebody's, or one thing that is told, asked or expected. A cue that stands
 * for many steps (until, run) takes as many calls. All of it goes on the tape; whoever shows the play reads that.
 *
 * Errors: play_open() says what is wrong with a script, a program that does not compile, a room that cannot be had. A cue that cannot be
 * followed (nobody of that name, a call that never comes) is told on the tape as an expectation that has not come true.
 */
#ifndef STEP_PLAY_H
#define STEP_PLAY_H

#include "report/tape.h"
#include "step/script.h"

typedef enum { PLAY_STEPPED, PLAY_TOLD, PLAY_ASKED, PLAY_EXPECTED, PLAY_OVER } Played;

typedef struct {
	const char *root;    /* the project's folder */
	const char *from;    /* "labs": the lab's own programs in place of those of the script; NULL: the script's */
	const char *packets; /* a pcapng file, or NULL */
	int lab;
} PlayWhere;

/* Reads, builds, and opens the stage. False: why[] says why not; `status` is then an exit status as LABS.md has them. */
bool play_open(const char *script, PlayWhere where, Tape *tape, char *why, size_t why_size, int *status);

Played play_next(void);

/* So many expectations have not come true so far. */
int play_failures(void);

/* What comes next, as the script has it; "" at the end. */
const char *play_coming(void);

void play_close(void);

#endif
