/*
 * stage.h: real programs, one call at a time.
 *
 * Each actor is a program in the room, traced (trace.h). It is held where it is about to make a call. One step lets one thread make
 * its call; then all that follows from it by itself happens, until the room is still again (still.h): whoever was
 * blocked and is woken returns from its call and runs on to its next one, where it is held in turn. So at rest every thread stands either
 * before a call, or in one that somebody else must end, or has ended.
 *
 * What is not held. Calls on the terminal alone (a prompt, keys, output) are not of interest one by one: they run, and show as what
 * was typed and printed. An exit is not held either.
 *
 * Order. Whoever made the step is told first, then the others, actor by actor in the order of their parts: the same each
 * time, however the kernel scheduled them. Packets follow, then the state of all sockets. All of it goes on the tape (tape.h), and nobody
 * reads anything else; what is asked of the stage here serves to decide what comes next.
 *
 * Time: a step takes what the calls take, and some ms. A call with a time limit is waited for.
 * Ownership: one stage a process; the tape is the caller's. Errors: trouble().
 */
#ifndef STEP_STAGE_H
#define STEP_STAGE_H

#include "program/party.h"
#include "program/subject.h"
#include "report/tape.h"

#include <stdbool.h>

typedef struct Actor Actor;

typedef enum {
	STANDS_BEFORE,  /* about to make a call */
	STANDS_IN,      /* blocked in a call */
	STANDS_RUNNING, /* neither: it computes, or spins */
	STANDS_ENDED,
	STANDS_OFF, /* not started yet */
} Standing;

/* `packets` (or NULL): a pcapng file for what goes over the wire. */
void stage_open(Tape *tape, const char *packets, char *const *visible);

/* A part in the play. It is not started yet. */
Actor *stage_cast(const char *name, const Subject *program, const char *const *arguments, InputKind input);
Actor *stage_actor(const char *name);
Actor *stage_actor_at(size_t i); /* NULL behind the last */
const char *stage_name(const Actor *actor);

/* Each of these is one step. */
void stage_start(Actor *actor);
void stage_type(Actor *actor, const char *text, bool enter);
void stage_end_input(Actor *actor);
void stage_signal(Actor *actor, int signal);

/* Lets the actor's thread that has been held longest make its call. False: none is held. */
bool stage_step(Actor *actor);

/* The actor who has been held longest; NULL: nobody can go on. */
Actor *stage_next(void);

/* Where the actor's most telling thread stands, and in or before which call. */
Standing stage_stands(const Actor *actor, const char **call);

/*
 * Nobody is held: the programs that are started from now on are only followed, and each line of the check's story (story.h) begins a
 * step. For the record of a check: to be called in its process before it begins.
 */
void stage_follow(Tape *tape);

/* All that is still open ends. */
void stage_close(void);

#endif
