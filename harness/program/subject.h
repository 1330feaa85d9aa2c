/*
 * subject.h: a program that is judged: how it is started, and what it needs to be able to see.
 *
 * It comes from C sources, which build.h compiles, or from a command of --program, which
 * command.h takes apart. Who judges it need not know which.
 *
 * Ownership: a Subject and all it points to live until the process ends.
 */
#ifndef PROGRAM_SUBJECT_H
#define PROGRAM_SUBJECT_H

#include <stddef.h>

typedef struct {
	const char *name; /* "server", "client", "server_fork" */
	char **argv;      /* the command, argc words and a NULL; the arguments of the lab's section follow it */
	size_t argc;
	char **visible;      /* paths that the room must show it, read-only, besides the system's; NULL ends */
	const char *sources; /* the folder of its C sources, absolute; NULL for a command */
	const char *shown;   /* the same as a person would type it: "labs/03-silence" */
	char *sanitized;     /* the same program built with ASan and UBSan; NULL where there is none */
	const char *broken;  /* why it cannot be started at all (the compiler's errors, a missing file); NULL: it can */
	const char *broken_code; /* then: does_not_compile, missing_program */
} Subject;

#endif
