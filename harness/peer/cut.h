/*
 * cut.h: the same bytes, cut in other places: the segmentation matrix.
 *
 * TCP is a stream. What one send() put in may come out of two recv()s, and what two put in, out of one: a right
 * receiver never notices. So what is to be said is put together as a speech of messages, each with a mark inside it where a cut
 * hurts most (inside the header of a frame, before the end of a line), and is then said in every cut:
 *
 *	message by message     each is read before the next one leaves: what a program that knows nothing of cuts can take
 *	all together           in one send()
 *	byte by byte           each is read before the next one leaves
 *	inside every header    (before the end of every line), and nowhere else
 *	at random              in pieces of 1 to 200 bytes, from a seed that is told; DIALTONE_SEED gives another
 *
 *	static void once(const Cut *cut, void *server)
 *	{
 *		Line *line = dial(server);
 *		say_speech(line, &speech, cut);
 *		hear_bytes(line, answers, sizeof answers);
 *		hang_up(line);
 *	}
 *	...
 *	in_every_cut(once, server);
 *
 * In the first cut a mistake has its own name. What fails only in another one depends on how the bytes arrive: its code is
 * depends_on_arrival, and the message says which cut broke it.
 *
 * Time: a piece leaves when the one before has been read, or when the room is still and it never will be.
 * Ownership: a speech is the caller's; speech_free().
 */
#ifndef PEER_CUT_H
#define PEER_CUT_H

#include "peer/line.h"

enum { SPEECH_MESSAGES = 64 };

typedef struct {
	unsigned char *bytes;
	size_t size;
	size_t begin[SPEECH_MESSAGES], mark[SPEECH_MESSAGES]; /* where each begins, and where in it a cut hurts */
	size_t messages;
} Speech;

/* The text and a newline; the cut is before the newline. */
void speech_line(Speech *speech, const char *text);

/* A frame; the cut is inside its header, behind 1, 2 and 3 bytes in turn. */
void speech_frame(Speech *speech, const void *payload, size_t size);

/* Anything; the cut is `mark` bytes behind its start. */
void speech_bytes(Speech *speech, const void *bytes, size_t size, size_t mark);

void speech_free(Speech *speech);

typedef struct Cut Cut;

void say_speech(Line *line, const Speech *speech, const Cut *cut);

/* Does it in each cut. */
void in_every_cut(void (*once)(const Cut *cut, void *context), void *context);

/* "byte by byte" */
const char *cut_name(const Cut *cut);

/* It is the first one: the messages come one by one. */
bool cut_is_kind(const Cut *cut);

#endif
