/*
 * doctor_probes.h: the doctor's probes, in the order in which they are told.
 *
 * A probe runs in a child of the doctor's. It returns whether the capability is there, and says in one line
 * what it saw or where it came to grief. trouble() in a probe means that it is not there.
 */
#ifndef PROGRAM_DOCTOR_PROBES_H
#define PROGRAM_DOCTOR_PROBES_H

#include <stdbool.h>
#include <stddef.h>

enum { PROBE_DETAIL = 256 };

/* What a probe is given, and where it says what it saw. */
typedef struct {
	const char *work;   /* a folder to build in, that everybody may read */
	const char *secret; /* a folder that must not be in sight in the private room */
	char detail[PROBE_DETAIL];
} Probing;

typedef struct {
	const char *title; /* NULL: the next ones are about this heading */
	const char *name;
	bool (*have)(Probing *p);
	const char *loses;         /* what is lost without it */
	const char *(*cure)(void); /* how to get it; a paragraph a line */
	bool needed;               /* without it nothing can be judged */
} Probe;

extern const Probe doctor_probes[]; /* a name of NULL ends */

/* Which room programs are judged in: detail is its kind's name. */
bool doctor_room(Probing *p);

#endif
