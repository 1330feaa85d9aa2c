/*
 * story.h: what happened so far in a check, and how it ends.
 *
 * Every verb of the peer adds a line to the story ("alice says \"hello\""). A verb that the
 * student's program made impossible ends the check with story_fail(): the verdict then holds the
 * code of the mistake, a sentence, what it means (lessons.c), the story, where each side stands at
 * this moment, and what the program wrote to standard error.
 *
 * Time: looking up source lines takes some 60 ms, and only a failure pays for it.
 * Ownership: the verdict belongs to who runs the checks, who sets it with story_begin().
 */
#ifndef PEER_STORY_H
#define PEER_STORY_H

#include "program/party.h"
#include "report/record.h"

#include <stdbool.h>

/* From here on the verdict of this process's check is `verdict`. */
void story_begin(Verdict *verdict);

void story_add(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whoever wants to hear each line of the story as it is added; NULL: nobody. */
void story_also_tell(void (*tell)(const char *line));

/* Fails the check with this code. `about` (or NULL) is the program that made the mistake. */
_Noreturn void story_fail(const char *code, Party *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, after a watch that ended otherwise than hoped: a program that ended, spins or was stopped by the
 * clock has a code and a sentence of its own; `code` is for one that just stands there.
 * The message reads: "EXPECTED, but …": "the server should answer" */
_Noreturn void story_fail_watch(Outcome outcome, const char *code, Party *about, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same, where the place in the program and what it printed are known from elsewhere (a sanitizer's report). */
_Noreturn void story_fail_at(const char *code, Party *about, Where where, const char *printed, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Before a check fails, this is asked about the program: it may know a better reason, and fail with it. */
void story_before_failing(void (*ask)(Party *about));

/* Where everybody stands now is what a failure shall show: it need not wait until all has come to rest, which a room with
 * a call in it that never gets through does not. */
void story_is_at_rest(void);

/* From here on a failure to say what is right has this code, and the message says so: what was right in other circumstances
 * is wrong in these. A program that died or spins keeps its own code. NULL: no longer. The text is copied. */
void story_blame(const char *code, const char *circumstance);

/* Notes bytes that were expected and those that came, for the next story_fail(). */
void story_bytes(const char *what, const void *expected, size_t expected_size, const void *heard, size_t heard_size);

/* Ends the check as skipped: it cannot be asked of this program, or here. */
_Noreturn void story_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Called for each stand by story_fail(): who else is in the room (line.c tells of its lines). */
typedef int StoryStands(Stand *stand, int most);
void story_tell_stands(StoryStands *teller);

/* Some caller has hung up already: a program that spins then spins because of that. */
void story_somebody_hung_up(void);
bool story_anybody_hung_up(void);

/* "exit status 1", "SIGSEGV (Segmentation fault)": how a party ended; text has 96 bytes. */
const char *story_ending(const Party *party, char *text);

#endif
