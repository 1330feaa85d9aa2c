/*
 * view.h: the screen of the stepper: a record, as it was after one of its events, in so many rows and columns.
 *
 * From top to bottom: what is played and which step this is; the sources of the two parties that matter most now, with the line
 * at which each stands; the ladder (calls at the sides, what went over the wire between them, time running down); every socket
 * with its state and its queues; who stands where, in words; what is told and asked. What does not fit gives way in that order: the
 * ladder keeps its newest rows, the sources the lines around the mark.
 *
 * It reads the tape and nothing else. Without colour it loses nothing: what moves is marked by signs.
 * Ownership: nothing is kept. Units: rows and columns of a terminal.
 */
#ifndef STEP_VIEW_H
#define STEP_VIEW_H

#include "report/tape.h"

#include <stdio.h>

typedef struct {
	int rows, columns;
	bool colour;
} ViewSize;

/* The record up to its event `until` (not with it), in at most size.rows rows. */
void view_show(FILE *out, const Tape *tape, size_t until, ViewSize size);

/* The same parts of it, alone and whole. */
void view_stands(FILE *out, const Tape *tape, size_t until);  /* where each thread stands, and on what it waits */
void view_sockets(FILE *out, const Tape *tape, size_t until); /* every socket and its queues */
void view_packets(FILE *out, const Tape *tape, size_t until); /* all packets so far */

/* One event as a line of text, as --auto prints it; "" for one that is not for reading. To be freed. */
char *view_line(const json_t *event);

/* Behind the last event of this step. */
size_t view_end_of_step(const Tape *tape, int step);

#endif
