/*
 * compare.h: two byte strings, set side by side so that a person sees where they part.
 *
 *	expected  "HELLO"       5 bytes
 *	heard     "HELLO\0\n"   7 bytes
 *	                ^ after 5 bytes: expected the end, heard \0
 *	hex       48 45 4c 4c 4f
 *	          48 45 4c 4c 4f 00 0a
 *	                         ^^
 *
 * The caret is below the first difference; a long text is shown from a little before it on. The hex is there when
 * the text alone would not do: unprintable bytes where they differ, or unequal lengths.
 */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include "report/record.h"

typedef struct {
	char expected[1024], heard[1024]; /* whole lines, without a newline; so are the others, "" where not needed */
	char caret[256];
	char hex[2][128], hex_caret[128];
} Comparison;

/* `columns`: how long the lines may be. */
void compare(Comparison *comparison, const Bytes *bytes, int columns);

#endif
