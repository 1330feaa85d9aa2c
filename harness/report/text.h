/*
 * text.h: bytes that somebody else wrote, made fit to be shown.
 *
 * What a student's program said may hold anything: half a character, an escape sequence that repaints the
 * terminal, a mark that turns the direction of writing. All of that becomes a C escape. What a person can read,
 * in any language, stays as it is.
 */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include <stddef.h>

enum { TEXT_VISIBLE_MAX = 16 };

/* The size of the well-formed UTF-8 character at the start, or 0; its code point in *point where that is wanted. */
size_t text_character(const void *bytes, size_t count, unsigned *point);

/* One character, or one byte that is none, as a C string would have it; returns the bytes taken, at least 1. */
size_t text_visible(char one[TEXT_VISIBLE_MAX], const void *bytes, size_t count);

/* As text_visible, for prose: quotes and backslashes stay as they are. */
size_t text_plain(char one[TEXT_VISIBLE_MAX], const void *bytes, size_t count);

/* The whole of it, prose, newlines kept where `lines`; valid UTF-8 without a control character. To be freed. */
char *text_clean(const char *text, int lines);

/* Columns that the text takes on a terminal: 2 for a wide character, 0 for one that combines. */
int text_width(const char *text);

#endif
