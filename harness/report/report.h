/*
 * report.h: one lab's record in, one form out.
 *
 * A report knows no check and decides nothing. Whatever a student's program wrote is made visible on its way
 * (text.h): no escape sequence of theirs reaches a terminal, no half character breaks a JSON line.
 *
 * Errors: those of the stream; the caller looks at ferror() when all is written.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "report/record.h"

#include <stdio.h>

typedef struct {
	bool colour;
	int columns; /* prose is wrapped to this; 0: 80 */
	bool all;    /* every failure in full; otherwise the first of each mistake */
	bool hints;  /* `make hintNN` works for this run */
} ReportStyle;

/* How many checks and points, and how the run went. */
typedef struct {
	size_t checks, passed, failed, skipped, not_judged;
	int score, max; /* skipped checks count in neither */
} Score;

Score report_score(const LabRecord *lab);
void report_add(Score *sum, const Score *score);

/* For a person. */
void report_terminal(FILE *out, const LabRecord *lab, const ReportStyle *style);

/* The last line, over several labs. */
void report_sum(FILE *out, size_t labs, const Score *sum, const ReportStyle *style);

/* A paragraph, broken between words. */
void report_prose(FILE *out, int indent, const char *text, const ReportStyle *style);

/* For a program: one object on one line, as LABS.md has it. */
void report_json(FILE *out, const LabRecord *lab);

/* What a terminal (or a pipe, or NO_COLOR) asks for. */
ReportStyle report_style_for(int fd);

#endif
