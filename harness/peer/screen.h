/*
 * screen.h: what a person at the program's keyboard types and reads.
 *
 * Lines are found in what the program printed since the last one that was found; a prompt in front of a
 * reply (`>>: REPLY`) does not count, nor do a terminal's escape sequences and carriage returns.
 *
 * Time: as everywhere, a verb returns when it is done or when it is known never to be.
 */
#ifndef PEER_SCREEN_H
#define PEER_SCREEN_H

#include "program/party.h"

#include <stdbool.h>

extern const char screen_prompt[]; /* ">>: " */

/* Types a line and Enter, when the program has come to rest at its prompt. */
void type_line(Party *party, const char *text);

/* Writes lines into the pipe that is its input; each gets its newline. NULL ends. */
void feed(Party *party, const char *const *lines);

/* Ctrl-D at a terminal, the end of the pipe elsewhere. */
void end_input(Party *party);

/* The prompt is shown, on either of its outputs. */
void reads_prompt(Party *party);

/* The prompt has been shown again since the last line was typed. */
void asks_again(Party *party);

/* A line of its own with exactly this text is printed, after those read before. */
void reads(Party *party, const char *text);

/* As reads(), of what a server prints: with what is to be said if it is not there. */
bool prints_line(Party *party, const char *text);

/* Whether there is such a line after byte `from` of the output; `end` (or NULL) is set to behind it. */
bool screen_has_line(const Output *out, size_t from, const char *text, bool prompts, size_t *end);

/* The program ends with this exit status. `code` names the mistake if it goes on instead. */
void has_exited(Party *party, int status, const char *code);

/* It ends with either status. */
void has_exited_with(Party *party, int status, int other, const char *code);

/* Somewhere in what it wrote to stderr (or, at a terminal, anywhere) a line has all of this in it. */
bool complains(const Party *party, const char *text);

#endif
