/*
 * crew.h: many pieces of work, each in a process of its own, and nothing left of any of them.
 *
 * A worker has a session of its own (a terminal's Ctrl-C reaches only us, and nothing in a worker
 * can reach the terminal) and dies with us. We are the subreaper of all that they leave behind,
 * so sweep() finds every descendant, however it left its group or its parent.
 *
 * Errors: a worker that cannot be started is reported like one that died: `done` gets -1.
 */
#ifndef PROGRAM_CREW_H
#define PROGRAM_CREW_H

#include <stddef.h>

typedef struct {
	size_t count;                                      /* pieces of work */
	size_t jobs;                                       /* at most so many at once */
	void (*work)(size_t i, void *context);             /* in the worker: it ends when this returns */
	void (*done)(size_t i, int status, void *context); /* in ours: the wait status, or -1; may be NULL */
	void *context;
} Crew;

/* Returns when all is done and nothing runs any more. */
void crew_run(const Crew *crew);

/*
 * From here on we are the reaper of our descendants, and SIGINT, SIGTERM, SIGHUP and SIGQUIT end them
 * all before they end us. What was ignored when we were started (nohup) stays ignored.
 */
void crew_begin(void);

/* A folder (at most eight) to be removed, should a signal end us. The text must stay where it is. */
void crew_remove_when_stopped(const char *folder);
/* No more: whoever laid it there has removed it. */
void crew_removed(const char *folder);

/*
 * Kills all descendants and reaps them, until there is none. Async-signal-safe. Costs one system call
 * when there is nothing to do. The caller must have no child that it still wants.
 */
void sweep(void);

/* The processors that are online: how many jobs make sense. */
size_t crew_processors(void);

#endif
