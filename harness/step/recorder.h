/*
 * recorder.h: the record of a check that failed: what the grader saw, to be looked at again.
 *
 * A check that has failed is asked once more, with its programs traced and the wire listened to; what happens goes on a tape
 * (docs/record.md). The programs are not held: each call is told and let go. The verdict stays that of the first time.
 *
 * Ownership: the tape belongs to the check's process and ends with it, each line written whole.
 */
#ifndef STEP_RECORDER_H
#define STEP_RECORDER_H

#include "report/tape.h"

/* In the check's own process, before it begins: what is judged now (run.h) goes into the file recorder_path. */
void recorder_begin(void);
extern const char *recorder_path;

/* The text of a source file, as an event of that party's. False: it is not there. */
bool recorder_source(Tape *tape, const char *who, const char *folder, const char *shown, const char *name);

#endif
