/*
 * run.h: asks programs the checks of their labs, many at once.
 *
 * The programs of the labs are judged side by side by worker processes, eight checks of a program by one, which
 * follow one another in it. A check is a Check test, in a process of its own, and what became of it is a Verdict in
 * memory that they all share. After each check its worker kills whatever descends from it: nothing survives a check.
 *
 * How a test's end becomes a verdict:
 *
 *	it returned            pass; or what the check itself has put into the Verdict, if that has a message
 *	an assertion failed    fail: what the verb that failed has put into the Verdict; else the assertion's words
 *	it crashed, exited,    not judged: that is the harness's trouble, whoever caused it
 *	or took too long
 *
 * Time: a check has ten minutes, which only a harness that hangs ever needs.
 * Ownership: the caller's LabRuns own their records once they have been run.
 */
#ifndef CHECKS_RUN_H
#define CHECKS_RUN_H

#include "checks/suite.h"
#include "program/subject.h"
#include "report/record.h"

#include <stdbool.h>

/* What is being asked now: for the verbs that a check is made of. */
extern Verdict *verdict_now;
extern const Subject *subject_now;
extern const Lab *lab_now;
extern const CheckInfo *check_now;

/* A check whose program crashed is asked once more, with the program watched: where did it crash? */
extern bool crash_watch_now;

typedef struct {
	const Lab *lab;
	const Subject *subjects; /* only their checks are asked */
	size_t subject_count;
	const char *const *only; /* the names of the checks to be asked; NULL: all */
	LabRecord record;        /* the caller fills folder, compiler_output, compile_failed; run_labs the rest */
	const CheckInfo **asked; /* run_labs: what stands behind record.checks[i], */
	Verdict *verdicts;       /* and what became of it, shared with the workers */
	struct {
		const CheckInfo *check;
		const Subject *subject;
	} again; /* run_again() */
} LabRun;

/*
 * Runs them with at most `jobs` workers. `done` hears of each lab, in the order of `runs`, as soon as it is
 * complete and those before it are. False: no memory.
 */
bool run_labs(LabRun *runs, size_t count, size_t jobs, void (*done)(const LabRecord *record, void *context),
              void *context);

/*
 * Asks one check again, its `k`th that was asked, and forgets the verdict. `begins` is called in the check's own process before it
 * begins: to record what happens, say.
 */
void run_again(LabRun *run, size_t k, void (*begins)(void));

#endif
