#define _GNU_SOURCE
#include "step/script.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	Verb verb;
	size_t least, most; /* words */
	const char *usage;
} verbs[] = {
    {"title", SAY_TITLE, 1, 99, "title TEXT"},
    {"party", SAY_PARTY, 2, 12, "party NAME FOLDER/PROGRAM [ARGUMENT…]"},
    {"file", SAY_FILE, 1, 9999, "file NAME TEXT"},
    {"tell", SAY_TELL, 1, 9999, "tell TEXT"},
    {"start", SAY_START, 1, 1, "start NAME"},
    {"step", SAY_STEP, 1, 2, "step NAME [TIMES]"},
    {"until", SAY_UNTIL, 2, 2, "until NAME CALL"},
    {"past", SAY_PAST, 2, 2, "past NAME CALL"},
    {"run", SAY_RUN, 0, 16, "run [NAME…]"},
    {"type", SAY_TYPE, 1, 999, "type NAME TEXT"},
    {"keys", SAY_KEYS, 2, 999, "keys NAME TEXT"},
    {"end", SAY_END, 1, 1, "end NAME"},
    {"signal", SAY_SIGNAL, 2, 2, "signal NAME SIGNAL"},
    {"ask", SAY_ASK, 1, 999, "ask TEXT"},
    {"answer", SAY_ANSWER, 1, 999, "answer TEXT"},
    {"expect", SAY_EXPECT, 2, 99, "expect WHO WHAT…"},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void *grow(void *memory, size_t size)
{
	void *grown = realloc(memory, size);
	if (grown == NULL)
		abort();
	return grown;
}

/* Cuts at white space; "…" holds words together. */
static void cut(Cue *cue)
{
	const char **words = NULL;
	size_t n = 0;
	char *at = strdup(cue->text);
	if (at == NULL)
		abort();
	for (;;) {
		while (isspace((unsigned char)*at))
			at++;
		if (*at == '\0')
			break;
		char end = *at == '"' ? *at++ : '\0';
		words = grow(words, (n + 2) * sizeof *words);
		words[n++] = at;
		while (*at != '\0' && (end ? *at != end : !isspace((unsigned char)*at)))
			at++;
		if (*at != '\0')
			*at++ = '\0';
	}
	if (words != NULL)
		words[n] = NULL;
	cue->word = words;
	cue->words = n;
}

static bool finish(Script *script, char *line, int number, char *why, size_t size)
{
	char *name = line;
	size_t n = strcspn(line, " \t");
	char *rest = line + n + strspn(line + n, " \t");
	line[n] = '\0';
	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i].name, name) != 0)
			continue;
		script->cue = grow(script->cue, (script->count + 1) * sizeof *script->cue);
		Cue *cue = &script->cue[script->count++];
		*cue = (Cue){.verb = verbs[i].verb, .line = number, .text = strdup(rest)};
		cut(cue);
		/* What is typed or written may be empty, or begin with spaces: all behind the one space that follows the name. */
		if ((cue->verb == SAY_TYPE || cue->verb == SAY_KEYS || cue->verb == SAY_FILE) && cue->words > 0) {
			const char *text = cue->text + strcspn(cue->text, " \t");
			cue->text = *text ? text + 1 : text;
		}
		if (cue->words >= verbs[i].least && cue->words <= verbs[i].most)
			return true;
		snprintf(why, size, "%s, line %d: it should be: %s", script->path, number, verbs[i].usage);
		return false;
	}
	snprintf(why, size, "%s, line %d: there is no verb \"%s\"", script->path, number, name);
	return false;
}

bool script_read(Script *script, const char *path, char *why, size_t why_size)
{
	*script = (Script){.path = path};
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		snprintf(why, why_size, "%s: %s", path, strerror(errno));
		return false;
	}
	char *line = NULL, *whole = NULL;
	size_t room = 0;
	int number = 0, began = 0;
	bool good = true;
	for (ssize_t n; good && (n = getline(&line, &room, file)) > 0;) {
		number++;
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = '\0';
		char *text = line + strspn(line, " \t");
		if (*text == '\0' || *text == '#')
			continue;
		if (text > line && whole != NULL) { /* goes on */
			size_t had = strlen(whole), more = strlen(text);
			whole = grow(whole, had + more + 2);
			whole[had] = ' ';
			memcpy(whole + had + 1, text, more + 1);
			continue;
		}
		good = whole == NULL || finish(script, whole, began, why, why_size);
		free(whole);
		whole = strdup(line);
		began = number;
		if (good && text > line) {
			snprintf(why, why_size, "%s, line %d: there is nothing that this line could go on from", path,
			         number);
			good = false;
		}
	}
	good = good && (whole == NULL || finish(script, whole, began, why, why_size));
	free(whole);
	free(line);
	fclose(file);
	return good;
}
