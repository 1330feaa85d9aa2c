/*
 * suite.h: what a lab's checks are made of.
 *
 * A check is an ordinary Check test with its title, its points and three hints in front of it:
 *
 *	CHECK(client, says_nothing_on_an_empty_line, 10, "says nothing on an empty line",
 *	      "What does send() put on the wire when it is given no bytes?",
 *	      "A stream has no place for an empty message: ...",
 *	      "Before send(): if the line is empty, `continue`.")
 *	{
 *		...
 *	}
 *	END_CHECK
 *
 * and a lab is a list of them, at the end of its file. A check that several labs share stands in
 * common_server.c or common_client.c and is listed by each of them.
 *
 * A check passes when its body returns. A verb (line.h, terminal.h, party.h) that the student's
 * program made impossible fails it; trouble of our own ends it as not judged.
 */
#ifndef CHECKS_SUITE_H
#define CHECKS_SUITE_H

#include <check.h>
#include <stddef.h>

enum {
	NEEDS_PRIVATE_ROOM =
	    1,             /* asks for a port by number, or sets the kernel's limits: not on the machine's loopback */
	NEEDS_SOURCES = 2, /* compiles the student's C again: not with --program */
	NEEDS_C = 4,       /* is about a part of a program, in C: not with --program */
};

typedef struct {
	const char *name, *program, *title;
	int points;
	unsigned needs;
	const TTest *test;
	const char *hints[3]; /* from a question to nearly the answer */
} CheckInfo;

typedef struct {
	int number;
	const char *name;               /* "silence"; the folder is NN-name */
	const char *const *programs;    /* "server", "client", NULL */
	const CheckInfo *const *checks; /* in the order in which they are shown; NULL ends */
} Lab;

#define CHECK(program, name, points, title, hint1, hint2, hint3) \
	DEFINE_CHECK(static, 0, program, name, points, title, hint1, hint2, hint3)

/* As CHECK, for a check that cannot be asked everywhere: NEEDS_... */
#define CHECK_NEEDING(needs, program, name, points, title, hint1, hint2, hint3) \
	DEFINE_CHECK(static, needs, program, name, points, title, hint1, hint2, hint3)

/* As CHECK_NEEDING, for a check that several labs list (common.h declares it). */
#define SHARED_CHECK(needs, program, name, points, title, hint1, hint2, hint3) \
	DEFINE_CHECK(, needs, program, name, points, title, hint1, hint2, hint3)

#define DEFINE_CHECK(linkage, needs, program, name, points, title, hint1, hint2, hint3)                    \
	static void program##_##name##_body(int);                                                          \
	static const TTest program##_##name##_test = {#name, program##_##name##_body, __FILE__, __LINE__}; \
	linkage const CheckInfo program##_##name = {                                                       \
	    #name, #program, title, points, needs, &program##_##name##_test, {hint1, hint2, hint3}};       \
	static void program##_##name##_body(int _i CK_ATTRIBUTE_UNUSED)
#define END_CHECK END_TEST

extern const Lab lab01, lab02, lab03, lab04, lab05, lab06, lab09;
extern const Lab lab07, lab08;
extern const Lab lab10, lab11;
extern const Lab lab12;
extern const Lab lab13;
extern const Lab lab14;
extern const Lab lab15, lab16;
extern const Lab *const all_labs[]; /* by number; NULL ends */

/* The lab with this number, or NULL. */
const Lab *lab_by_number(int number);

#endif
