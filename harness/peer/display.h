/*
 * display.h: what a person sees on the screen of the terminal at which a program runs.
 *
 * screen.h goes by what was printed, in its order. That will do as long as nothing is overwritten; a client that moves a half-typed line out of
 * the way wipes and paints, and only whoever obeys as a terminal does can say what stands there in the end. libvterm does.
 *
 * The screen has the size that the program is told. Ownership: one screen a process, as there is one program at a terminal in a check;
 * asked about another output, it starts anew. Errors: without memory the check ends as trouble of ours.
 */
#ifndef PEER_DISPLAY_H
#define PEER_DISPLAY_H

#include "program/party.h"

#include <stdbool.h>

/* A row with this text in it; `alone`: and with nothing else but prompts before it. */
bool display_shows(const Output *out, const char *text, bool alone);

/* The rows that have anything in them, a line each and a newline before each, for who is told what went wrong. Valid until the next call. */
const char *display_seen(const Output *out);

#endif
