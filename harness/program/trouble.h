/*
 * trouble.h: trouble of the harness's own, told apart from what the student's program did.
 *
 * Whoever cannot go on for want of memory, descriptors, namespaces says so here and nowhere else. In a
 * check it ends the check as "not judged"; in a plain program it is a message and exit status 3.
 */
#ifndef PROGRAM_TROUBLE_H
#define PROGRAM_TROUBLE_H

/* Does not return. Set by who runs checks; the default prints the text to stderr and exits with 3. */
extern void (*trouble_handler)(const char *text);

/* trouble("pipe: %s", strerror(errno)) */
_Noreturn void trouble(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
