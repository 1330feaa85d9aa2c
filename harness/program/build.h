/*
 * build.h: from a folder of C sources to programs that can be judged.
 *
 * Program NAME is NAME.c and every other .c file of the folder that is neither a program of the lab nor
 * has a main() of its own: so a helper (frame.c) is linked in, and a student's scratch file is left alone. Each is
 * built twice: plain, and with ASan and UBSan for the checks that ask for it (leakcheck.c is linked in there).
 *
 * A lab's program "frame" is the part frame.c of the other programs, judged by itself: frame_driver.c calls what is in it.
 *
 * The compiler is no judge of whom to trust: `#include "/etc/shadow"` and a file that never ends are a student's to
 * write. So it runs shut in by bubblewrap, seeing the system and this folder alone, with no network and with
 * limits on time, memory and output. Where bubblewrap cannot run (no user namespaces), the limits are all.
 *
 * What is built stays in ROOT/build/graded/FOLDER/VERSION/, both names being hashes: of where the folder is, and of all
 * that the outcome depends on. A version is made under another name and moved into place whole, never changed, and
 * locked while a grader uses it: so two graders at once are safe, and a second run builds nothing. Where
 * ROOT/build cannot be written a temporary folder takes its place, which build_end() removes.
 *
 * Debug information and messages name files as a person would: `shown`/NAME.c.
 */
#ifndef PROGRAM_BUILD_H
#define PROGRAM_BUILD_H

#include "subject.h"

#include <stdbool.h>

typedef struct {
	/* Asked for. */
	int number;                  /* the lab: libraries depend on it */
	const char *const *programs; /* NULL ends */
	const char *folder;          /* absolute */
	const char *shown;           /* "labs/03-silence" */
	bool plain;                  /* nobody will ask for the sanitized build */

	/* The answer, to be kept until the process ends. */
	Subject *subjects; /* one a program, in their order; broken where it does not compile or is not there */
	size_t count;
	const char *output; /* what the compiler said: warnings, or errors; "" when nothing */
	bool failed;        /* something that is there does not compile */
} Build;

/*
 * Builds them all, at most `jobs` compilers at once. Trouble of our own (no compiler, no room on the disk) makes a
 * Subject broken without a broken_code: that is nobody's mistake.
 */
void build_all(Build *builds, size_t count, const char *root, size_t jobs);

/* Removes what was only temporary. The Subjects are of no use any more. */
void build_end(void);

/* Whether a C source defines main() outside comments, literals and braces. */
bool build_defines_main(const char *source);

#endif
