#include "report/tape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Tape {
	json_t **event;
	size_t count, room;
	FILE *file;
	int steps;
	char trouble[160];
};

Tape *tape_new(const char *path)
{
	Tape *tape = calloc(1, sizeof *tape);
	if (tape == NULL)
		abort();
	if (path != NULL && (tape->file = fopen(path, "we")) == NULL)
		snprintf(tape->trouble, sizeof tape->trouble, "%s: %s", path, strerror(errno));
	return tape;
}

static void keep(Tape *tape, json_t *event)
{
	if (tape->count == tape->room) {
		tape->room = tape->room ? 2 * tape->room : 256;
		tape->event = realloc(tape->event, tape->room * sizeof *tape->event);
		if (tape->event == NULL)
			abort();
	}
	tape->event[tape->count++] = event;
	int step = (int)tape_number(event, "step");
	tape->steps = step > tape->steps ? step : tape->steps;
}

/* A line in the making; jansson hands it over in many small pieces. */
static struct {
	char *text;
	size_t size, room;
} row;

static int add_piece(const char *piece, size_t size, void *none)
{
	(void)none;
	if (row.size + size > row.room) {
		row.room = 2 * (row.size + size);
		row.text = realloc(row.text, row.room);
		if (row.text == NULL)
			abort();
	}
	memcpy(row.text + row.size, piece, size);
	row.size += size;
	return 0;
}

static bool write_line(FILE *file, const json_t *event)
{
	row.size = 0;
	return json_dump_callback(event, add_piece, NULL, JSON_COMPACT) == 0 && add_piece("\n", 1, NULL) == 0 &&
	       fwrite(row.text, 1, row.size, file) == row.size;
}

void tape_add(Tape *tape, json_t *event)
{
	if (event == NULL)
		abort(); /* no memory, or text that is no UTF-8: tape_bytes() is for that */
	keep(tape, event);
	if (tape->file == NULL)
		return;
	if (!write_line(tape->file, event) || fflush(tape->file) != 0) {
		snprintf(tape->trouble, sizeof tape->trouble, "the record: %s", strerror(errno));
		fclose(tape->file);
		tape->file = NULL;
	}
}

Tape *tape_load(const char *path, char *why, size_t why_size)
{
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		snprintf(why, why_size, "%s: %s", path, strerror(errno));
		return NULL;
	}
	Tape *tape = tape_new(NULL);
	char *line = NULL;
	size_t room = 0;
	unsigned number = 0;
	bool good = true;
	for (ssize_t n; good && (n = getline(&line, &room, file)) > 0;) {
		json_error_t error;
		number++;
		/* The last line may have been broken off. */
		if (line[n - 1] != '\n')
			break;
		json_t *event = json_loadb(line, (size_t)n, 0, &error);
		good = json_is_object(event) && *tape_text(event, "event") != '\0';
		if (good)
			keep(tape, event);
		else
			snprintf(why, why_size, "%s, line %u: %s", path, number, event ? "no event" : error.text);
		if (!good)
			json_decref(event);
	}
	free(line);
	fclose(file);
	if (good && (tape->count == 0 || !tape_is(tape->event[0], "tape"))) {
		snprintf(why, why_size, "%s is no record of a conversation", path);
		good = false;
	}
	if (good)
		return tape;
	tape_free(tape);
	return NULL;
}

bool tape_save(const Tape *tape, const char *path)
{
	FILE *file = fopen(path, "we");
	bool done = file != NULL;
	for (size_t i = 0; done && i < tape->count; i++)
		done = write_line(file, tape->event[i]);
	if (file != NULL)
		done = fclose(file) == 0 && done;
	return done;
}

size_t tape_count(const Tape *tape)
{
	return tape->count;
}

const json_t *tape_event(const Tape *tape, size_t i)
{
	return tape->event[i];
}

int tape_steps(const Tape *tape)
{
	return tape->steps;
}

const char *tape_trouble(const Tape *tape)
{
	return tape->trouble;
}

void tape_free(Tape *tape)
{
	if (tape == NULL)
		return;
	for (size_t i = 0; i < tape->count; i++)
		json_decref(tape->event[i]);
	if (tape->file != NULL)
		fclose(tape->file);
	free(tape->event);
	free(tape);
}

const char *tape_text(const json_t *event, const char *field)
{
	const char *text = json_string_value(json_object_get(event, field));
	return text != NULL ? text : "";
}

long long tape_number(const json_t *event, const char *field)
{
	return json_integer_value(json_object_get(event, field));
}

bool tape_is(const json_t *event, const char *kind)
{
	return strcmp(tape_text(event, "event"), kind) == 0;
}

/* How many bytes a character of UTF-8 has here; 0: it is none, or one that would disturb a screen. */
static size_t character(const unsigned char *at, size_t left)
{
	size_t n = at[0] < 0x80                    ? 1
	           : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
	           : (at[0] & 0xf0) == 0xe0        ? 3
	           : at[0] >= 0xf0 && at[0] < 0xf5 ? 4
	                                           : 0;
	if (n == 0 || n > left || (n == 1 && (at[0] < ' ' || at[0] == 127)))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	/* Too long for what they say, or halves of a pair: jansson refuses them, and rightly. */
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf0 && at[1] < 0x90) ||
	    (at[0] == 0xf4 && at[1] >= 0x90))
		return 0;
	return n;
}

char *tape_bytes(const void *bytes, size_t size)
{
	const unsigned char *in = bytes;
	char *text = malloc(4 * size + 1);
	size_t used = 0;
	if (text == NULL)
		abort();
	for (size_t i = 0; i < size;) {
		size_t n = in[i] == '\n' ? 0 : character(in + i, size - i);
		if (n > 0 && in[i] != '\\') {
			memcpy(text + used, in + i, n);
			used += n;
			i += n;
			continue;
		}
		used += (size_t)snprintf(text + used, 5,
		                         in[i] == '\n'   ? "\\n"
		                         : in[i] == '\\' ? "\\\\"
		                                         : "\\x%02x",
		                         in[i]);
		i++;
	}
	text[used] = '\0';
	return text;
}
