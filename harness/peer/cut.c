#define _GNU_SOURCE
#include "peer/cut.h"

#include "peer/story.h"
#include "program/trouble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Cut {
	const char *name;
	void (*say)(Line *line, const Speech *speech);
};

/* --- a speech --- */

void speech_bytes(Speech *speech, const void *bytes, size_t size, size_t mark)
{
	unsigned char *grown = realloc(speech->bytes, speech->size + size + 1);
	if (grown == NULL || speech->messages == SPEECH_MESSAGES)
		trouble("too long a speech");
	memcpy(grown + speech->size, bytes, size);
	speech->bytes = grown;
	speech->begin[speech->messages] = speech->size;
	speech->mark[speech->messages++] = speech->size + mark;
	speech->size += size;
}

void speech_line(Speech *speech, const char *text)
{
	size_t size = strlen(text);
	char *line = NULL;
	if (asprintf(&line, "%s\n", text) == -1)
		trouble("no memory");
	speech_bytes(speech, line, size + 1, size);
	free(line);
}

void speech_frame(Speech *speech, const void *payload, size_t size)
{
	unsigned char *frame = malloc(FRAME_HEADER + size);
	if (frame == NULL)
		trouble("no memory");
	frame_header(frame, (uint32_t)size);
	memcpy(frame + FRAME_HEADER, payload, size);
	speech_bytes(speech, frame, FRAME_HEADER + size, speech->messages % 3 + 1);
	free(frame);
}

void speech_free(Speech *speech)
{
	free(speech->bytes);
	*speech = (Speech){0};
}

/* --- the cuts --- */

static void piece(Line *line, const Speech *speech, size_t from, size_t to)
{
	if (to > from)
		transmit(line, speech->bytes + from, to - from);
}

static void one_by_one(Line *line, const Speech *speech)
{
	for (size_t i = 0; i < speech->messages; i++) {
		piece(line, speech, speech->begin[i], i + 1 < speech->messages ? speech->begin[i + 1] : speech->size);
		let_them_read(line);
	}
}

static void together(Line *line, const Speech *speech)
{
	piece(line, speech, 0, speech->size);
}

/* Of a long speech only the beginning: a cut at every byte of 200 has been everywhere. */
static void every_byte_alone(Line *line, const Speech *speech)
{
	enum { ALONE = 200 };
	for (size_t at = 0; at < speech->size; at++) {
		size_t end = at < ALONE ? at + 1 : speech->size;
		piece(line, speech, at, end);
		let_them_read(line);
		at = end - 1;
	}
}

static void at_the_marks(Line *line, const Speech *speech)
{
	size_t from = 0;
	for (size_t i = 0; i < speech->messages; i++) {
		piece(line, speech, from, speech->mark[i]);
		from = speech->mark[i];
		/* Here nothing may be left to chance: all that the program does about this piece, it has done. */
		party_watch(NULL, NULL, 0, -1);
	}
	piece(line, speech, from, speech->size);
}

static unsigned long seed(void)
{
	const char *given = getenv("DIALTONE_SEED");
	return given != NULL && *given ? strtoul(given, NULL, 10) : 1;
}

static void at_random(Line *line, const Speech *speech)
{
	/* xorshift64: the same pieces on every machine. */
	uint64_t state = seed() * 2654435769U + 88172645463325252U;
	for (size_t at = 0; at < speech->size;) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		size_t most = state >> 60 < 8 ? 7 : 200;
		size_t end = at + 1 + (size_t)(state >> 20) % most;
		/* A long speech is not said in thousands of pieces. */
		end = at > 4096 || end > speech->size ? speech->size : end;
		piece(line, speech, at, end);
		let_them_read(line);
		at = end;
	}
}

static const Cut cuts[] = {
    {"message by message", one_by_one},         {"all together", together},   {"byte by byte", every_byte_alone},
    {"cut inside every message", at_the_marks}, {"cut at random", at_random},
};

const char *cut_name(const Cut *cut)
{
	return cut->name;
}

bool cut_is_kind(const Cut *cut)
{
	return cut == &cuts[0];
}

void say_speech(Line *line, const Speech *speech, const Cut *cut)
{
	char text[160];
	story_add("%s says, %s: \"%s\"", line->who, cut->name,
	          record_visible(text, sizeof text, speech->bytes, speech->size));
	line_remember(line, speech->bytes, speech->size);
	cut->say(line, speech);
}

void in_every_cut(void (*once)(const Cut *cut, void *context), void *context)
{
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		char text[64];
		if (cuts[i].say == at_random)
			snprintf(text, sizeof text, "%s (seed %lu)", cuts[i].name, seed());
		else
			snprintf(text, sizeof text, "%s", cuts[i].name);
		story_blame(i > 0 ? "depends_on_arrival" : NULL, text);
		once(&cuts[i], context);
	}
	story_blame(NULL, NULL);
}
