/*
 * record.h: what is known after a check, and nothing about how it came to be known.
 *
 * A check writes one Verdict; every report reads Verdicts. The writer may die in the middle of
 * its work (a failed check ends its process), and the reader is another process: so a Verdict is
 * flat memory without a pointer in it, lives in a shared mapping, and is valid at every moment.
 * Text that does not fit is cut, never overrun: use record_text() and record_add().
 *
 * Ownership: whoever maps the memory; nothing here allocates.
 * Units: seconds are wall-clock, and never decide anything.
 */
#ifndef REPORT_RECORD_H
#define REPORT_RECORD_H

#include <stdbool.h>
#include <stddef.h>

enum {
	RECORD_STANDS = 6,   /* parties whose whereabouts one finding can tell */
	RECORD_BYTES = 1536, /* the longest message that is shown byte by byte */
};

typedef enum {
	VERDICT_NOT_JUDGED, /* trouble of the harness's own, or the check never ran: the student's loss in no case */
	VERDICT_PASS,
	VERDICT_FAIL,
	VERDICT_SKIPPED, /* cannot be asked here (no sources, no private room): `message` says why */
} Status;

/* A place in the student's program; an empty file or a line of 0 is "unknown". */
typedef struct {
	char file[160]; /* as a person would type it: labs/03-silence/client.c */
	int line;
	char function[64];
	char call[64]; /* "recv(3)"; the call and its descriptor */
} Where;

/* Where one side stands now: one line of the story. */
typedef struct {
	char who[32];   /* "client", "server", "alice" */
	bool reference; /* ours: then where.file is empty and is shown as "(reference)" */
	Where where;
	char state[160]; /* "nothing to read", "ESTABLISHED, 5 bytes unread", "spinning" */
} Stand;

/* What was expected against what came. Lengths are true lengths; the arrays hold the first RECORD_BYTES. */
typedef struct {
	char what[64]; /* "the reply", "the message"; empty: there is nothing to compare */
	size_t expected_size, heard_size;
	unsigned char expected[RECORD_BYTES], heard[RECORD_BYTES];
} Bytes;

typedef struct {
	Status status;
	double seconds;
	char code[48];      /* stable name of the mistake: spins_after_hang_up */
	char message[640];  /* one or two sentences: what is wrong, to a person */
	char lesson[768];   /* what that means, in the words of the lesson */
	char story[3072];   /* what was done to get here: one step a line */
	char printed[1536]; /* the end of what the program printed to stderr, or of a sanitizer's report */
	Where where;        /* the first place to look at */
	Bytes bytes;
	int stands;
	Stand stand[RECORD_STANDS];
	bool by_the_clock; /* reached by the backstop, not by a fact: to be said */
} Verdict;

/* Fills a fixed array: record_text(v->message, "says %d things", n). Cuts at a UTF-8 boundary, with "…". */
#define record_text(array, ...) record_format((array), sizeof(array), __VA_ARGS__)
void record_format(char *array, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Appends a line to a fixed array; what no longer fits drops the oldest lines, for the end matters most. */
#define record_add(array, ...) record_append((array), sizeof(array), __VA_ARGS__)
void record_append(char *array, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Notes an expectation against what came. */
void record_bytes(Verdict *v, const char *what, const void *expected, size_t expected_size, const void *heard,
                  size_t heard_size);

/* Writes the bytes as a person can read them, C escapes and all, UTF-8 left as it is: `a\0b\xff`. Cut with "…". */
char *record_visible(char *text, size_t size, const void *bytes, size_t count);

/* One check as the reports see it: what it is, and what became of it. */
typedef struct {
	const char *name, *program, *title;
	int points;
	const Verdict *verdict;
} CheckRecord;

/* One lab as the reports see it. */
typedef struct {
	int number;
	const char *name;   /* "hang-up" */
	const char *folder; /* "labs/04-hang-up", or NULL where programs were given by --program */
	const CheckRecord *checks;
	size_t count;
	const char *compiler_output; /* warnings, or errors; NULL or "" where there were none */
	bool compile_failed;
	double seconds;
} LabRecord;

#endif
