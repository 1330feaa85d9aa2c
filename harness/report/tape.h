/*
 * tape.h: what happened on the stage, as JSON lines: the only thing that screens, pages and files read.
 *
 * One object a line, each with "event" (its kind) and, from the first step on, "step" (its number, from 1). docs/record.md has
 * them all with their fields. A tape is written as it is made, each line whole, so that one that was broken off can be
 * read to where it came.
 *
 * Ownership: a tape owns its events; tape_add() takes the reference that it is given. Errors: a file that cannot be written is
 * told once by tape_trouble(); the events are kept in memory all the same.
 */
#ifndef REPORT_TAPE_H
#define REPORT_TAPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Tape Tape;

/* Written to `path` as well, or kept in memory only (NULL). */
Tape *tape_new(const char *path);

/* Reads a file. NULL: `why` says why not, with the line. */
Tape *tape_load(const char *path, char *why, size_t why_size);

void tape_add(Tape *tape, json_t *event);

size_t tape_count(const Tape *tape);
const json_t *tape_event(const Tape *tape, size_t i);

/* The last step so far. */
int tape_steps(const Tape *tape);

/* All of it, copied into a file. False: errno. */
bool tape_save(const Tape *tape, const char *path);

/* What went wrong in writing; "" for nothing. */
const char *tape_trouble(const Tape *tape);

void tape_free(Tape *tape);

/* Short for json_string_value and json_integer_value of a field; "" and 0 where it is not there. */
const char *tape_text(const json_t *event, const char *field);
long long tape_number(const json_t *event, const char *field);
bool tape_is(const json_t *event, const char *kind);

/* Bytes as text that JSON can hold: UTF-8 where it is, \xNN where not. To be freed by the caller. */
char *tape_bytes(const void *bytes, size_t size);

#endif
