/*
 * words.h: a command line in the making: words, and a NULL behind the last.
 *
 * Ownership: the list owns its words; they are kept until the process ends, as a Subject is.
 * Errors: no memory ends the process; there is nothing sensible left to do.
 */
#ifndef PROGRAM_WORDS_H
#define PROGRAM_WORDS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
	char **word; /* NULL while there is none */
	size_t count, room;
} Words;

/* Adds a word; returns it. */
char *words_add(Words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds each of them; the last argument is a NULL. */
void words_add_all(Words *words, ...) __attribute__((sentinel));

bool words_have(const Words *words, const char *word);

/* A text of its own, to be kept. */
char *words_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The whole of a small file, NUL-terminated, at most `most` bytes of it; NULL where it cannot be read. */
char *words_from_file(const char *path, size_t most);

#endif
