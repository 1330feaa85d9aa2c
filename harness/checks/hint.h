/*
 * hint.h: one hint more, for the first check that failed.
 *
 * A run of a lab on the student's own folder leaves a note of what failed first in ROOT/build/state/labNN.json;
 * each time somebody asks, one more of that check's three hints is told, and the note remembers how many. Once another
 * check fails first, hints begin anew. A note that cannot be written is no reason to stop.
 */
#ifndef CHECKS_HINT_H
#define CHECKS_HINT_H

#include "checks/suite.h"
#include "report/record.h"

#include <stdio.h>

void hint_note(const char *root, const LabRecord *lab);

/* Tells the next hint, or what to do where there is none. */
void hint_tell(FILE *out, const char *root, const Lab *lab);

#endif
