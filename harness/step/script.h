/*
 * script.h: a demo's script: who plays, what happens step by step, what is told and asked, and what must then be true.
 *
 * A script is a text, labs/NN-name/demo, to be read and changed by whoever teaches with it. A line is a verb and its words; a line that
 * begins with white space goes on from the one before; # begins a comment. docs/demos.md has the verbs, with examples:
 *
 *	title   TEXT
 *	party   NAME PROGRAM [ARGUMENT…]     PROGRAM is FOLDER/NAME, from the project's folder; PORT stands for a port
 *	file    NAME TEXT                    lies in the room's folder at the start; \n in TEXT is a newline;
 *	                                     NAME/ is an empty folder
 *	tell    TEXT                         narration
 *	start   NAME                         runs to its first call
 *	step    NAME [TIMES]                 makes its next call
 *	until   NAME CALL                    steps until it stands before that call, or in it
 *	past    NAME CALL                    steps until it has returned from that call
 *	run     [NAME…]                      whoever can go on (of these) goes on, until nobody can
 *	type    NAME TEXT                    and Enter
 *	keys    NAME TEXT                    without
 *	end     NAME                         end of input
 *	signal  NAME SIGNAL
 *	ask     TEXT                         a question to the class
 *	answer  TEXT                         shown after it
 *	expect  …                            see expect.h; what does not come true fails the demo
 *
 * Ownership: a script owns its text. Errors: script_read() says which line is wrong, and why.
 */
#ifndef STEP_SCRIPT_H
#define STEP_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
	SAY_TITLE,
	SAY_PARTY,
	SAY_FILE,
	SAY_TELL,
	SAY_START,
	SAY_STEP,
	SAY_UNTIL,
	SAY_PAST,
	SAY_RUN,
	SAY_TYPE,
	SAY_KEYS,
	SAY_END,
	SAY_SIGNAL,
	SAY_ASK,
	SAY_ANSWER,
	SAY_EXPECT,
} Verb;

typedef struct {
	Verb verb;
	int line;
	const char *text;        /* all behind the verb; of SAY_TYPE, SAY_KEYS and SAY_FILE, all behind the name */
	const char *const *word; /* the same, as words; NULL ends */
	size_t words;
} Cue;

typedef struct {
	const char *path;
	Cue *cue;
	size_t count;
} Script;

/* False: `why` names the line. */
bool script_read(Script *script, const char *path, char *why, size_t why_size);

#endif
