/*
 * callsite.h: the line of the student's source from which a held thread makes its call.
 *
 * where.h can tell it of any thread at any time, for 1 to 2 ms. Here the thread is held at a call (trace.h), and the same call is made
 * from the same place again and again: so the answer is kept. What it is kept under is the address of the call in libc and the first
 * return address into the program itself on the stack, with its distance from the stack pointer: the same three are the same place.
 *
 * Ownership: what is kept belongs to the process, and is small. Errors: unknown, as in where.h.
 */
#ifndef OBSERVE_CALLSITE_H
#define OBSERVE_CALLSITE_H

#include "observe/trace.h"
#include "report/record.h"

/* Fills file, line and function, or empties them: false. */
bool callsite_find(const TraceEvent *event, const char *sources, const char *shown, Where *where);

/* The process has become another program: what was kept of it is forgotten. */
void callsite_forget(pid_t pid);

#endif
