/*
 * lessons.h: what each mistake means, in the words of the lessons.
 *
 * A mistake has one stable name (its code) in every lab, and one explanation.
 */
#ifndef PEER_LESSONS_H
#define PEER_LESSONS_H

/* The explanation, or "" for a code that needs none. */
const char *lesson_for(const char *code);

#endif
