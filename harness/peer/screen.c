#define _GNU_SOURCE
#include "peer/screen.h"

#include "peer/story.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

const char screen_prompt[] = ">>: ";

enum { PROMPT_SIZE = 4 };

/* Copies one line without escape sequences: CSI (ESC [ … letter), OSC (ESC ] … BEL), two-byte ones. */
static size_t strip(const char *from, size_t size, char *to)
{
	size_t n = 0;
	for (size_t i = 0; i < size; i++) {
		if (from[i] != '\033') {
			to[n++] = from[i];
			continue;
		}
		if (++i < size && from[i] == '[') {
			while (++i < size && (from[i] < '@' || from[i] > '~'))
				;
		} else if (i < size && from[i] == ']') {
			while (++i < size && from[i] != '\a')
				;
		}
	}
	return n;
}

/* One of the texts between carriage returns is the one that is wanted: a return goes back to the start of the line. */
static bool line_is(const char *line, size_t size, const char *text, bool prompts)
{
	size_t length = strlen(text);
	for (size_t from = 0; from <= size;) {
		const char *at = line + from;
		const char *stop = memchr(at, '\r', size - from);
		size_t n = stop ? (size_t)(stop - at) : size - from;
		from += n + 1;
		while (prompts && n >= PROMPT_SIZE && memcmp(at, screen_prompt, PROMPT_SIZE) == 0) {
			at += PROMPT_SIZE;
			n -= PROMPT_SIZE;
		}
		if (n == length && memcmp(at, text, n) == 0)
			return true;
	}
	return false;
}

bool screen_has_line(const Output *out, size_t from, const char *text, bool prompts, size_t *end)
{
	char *plain = malloc(out->size + 1);
	bool found = false;
	while (plain != NULL && !found && from < out->size) {
		const char *at = out->text + from;
		const char *stop = memchr(at, '\n', out->size - from);
		/* A line without its newline is a line only when nothing more can come. */
		if (stop == NULL && out->fd != -1)
			break;
		size_t size = stop ? (size_t)(stop - at) : out->size - from;
		size_t n = strip(at, size, plain);
		found = line_is(plain, n, text, prompts);
		from += size + (stop != NULL);
	}
	free(plain);
	if (found && end != NULL)
		*end = from;
	return found;
}

void type_line(Party *party, const char *text)
{
	party_watch(NULL, NULL, WATCH_START, -1);
	if (party->ended)
		story_fail_watch(WATCH_GONE, "exits_early", party, "the %s should ask for a line", party->who);
	story_add("typed \"%s\" at the prompt", text);
	party->out.typed = party->out.size;
	party->err.typed = party->err.size;
	party_input(party, text, strlen(text));
	party_input(party, "\r", 1); /* Enter sends a carriage return; the terminal makes a newline of it */
}

void feed(Party *party, const char *const *lines)
{
	for (; *lines != NULL; lines++) {
		story_add("its input holds the line \"%.60s%s\"", *lines, strlen(*lines) > 60 ? "…" : "");
		party_input(party, *lines, strlen(*lines));
		party_input(party, "\n", 1);
	}
}

void end_input(Party *party)
{
	if (party->kind == INPUT_TERMINAL)
		party_watch(NULL, NULL, 0, -1); /* Ctrl-D means the end only where a line begins */
	story_add(party->kind == INPUT_TERMINAL ? "typed Ctrl-D at the prompt" : "its input ends");
	party_end_input(party);
}

static bool has_prompt_since_typing(const Output *out)
{
	return out->size > out->typed &&
	       memmem(out->text + out->typed, out->size - out->typed, screen_prompt, PROMPT_SIZE) != NULL;
}

static bool shows_prompt(void *context);

void asks_again(Party *party)
{
	/* One that asks in other words has been told so elsewhere. */
	if (shows_prompt(party) && !has_prompt_since_typing(&party->out) && !has_prompt_since_typing(&party->err))
		story_fail("no_prompt", party, "the %s should ask again with \"%s\", but it shows no prompt.",
		           party->who, screen_prompt);
}

static bool shows_prompt(void *context)
{
	const Party *p = context;
	return (p->out.size > 0 && strstr(p->out.text, screen_prompt) != NULL) ||
	       (p->err.size > 0 && strstr(p->err.text, screen_prompt) != NULL);
}

void reads_prompt(Party *party)
{
	Outcome outcome = party_watch(shows_prompt, party, WATCH_PATIENT | WATCH_START, -1);
	if (outcome != WATCH_DONE)
		story_fail_watch(outcome, "no_prompt", party, "the %s should ask with \"%s\"", party->who,
		                 screen_prompt);
	story_add("the %s asks with \"%s\"", party->who, screen_prompt);
}

typedef struct {
	Party *party;
	const char *text;
	bool prompts;
	size_t end;
} Wanted;

static bool is_printed(void *context)
{
	Wanted *line = context;
	return screen_has_line(&line->party->out, line->party->out.read, line->text, line->prompts, &line->end);
}

static Outcome wait_for_line(Party *party, const char *text, bool prompts)
{
	Wanted line = {.party = party, .text = text, .prompts = prompts};
	Outcome outcome = party_watch(is_printed, &line, WATCH_PATIENT, -1);
	if (outcome == WATCH_DONE)
		party->out.read = line.end;
	return outcome;
}

/* A line as it looks on the screen: without escape sequences, what was before a return to its start, and prompts. */
static const char *as_seen(const char *at, size_t size, char *plain, size_t *seen)
{
	size_t n = strip(at, size, plain);
	while (n > 0 && plain[n - 1] == '\r')
		n--;
	const char *start = memrchr(plain, '\r', n);
	start = start ? start + 1 : plain;
	n -= (size_t)(start - plain);
	while (n >= PROMPT_SIZE && memcmp(start, screen_prompt, PROMPT_SIZE) == 0) {
		start += PROMPT_SIZE;
		n -= PROMPT_SIZE;
	}
	*seen = n;
	return start;
}

/* The line that stands where the reply should: the one that begins most as it does, or else the first that says anything. */
static size_t printed_instead(const Party *party, const char *text, char *line, size_t room)
{
	const Output *out = &party->out;
	size_t best = 0, best_common = 0;
	char *plain = malloc(out->size + 1);
	for (size_t from = out->read; plain != NULL && from < out->size;) {
		const char *stop = memchr(out->text + from, '\n', out->size - from);
		size_t size = stop ? (size_t)(stop - out->text) - from : out->size - from;
		size_t seen, common = 0;
		const char *start = as_seen(out->text + from, size, plain, &seen);
		from += size + 1;
		while (common < seen && text[common] != '\0' && start[common] == text[common])
			common++;
		if (seen > 0 && (best == 0 || common > best_common)) {
			best = seen < room ? seen : room;
			best_common = common;
			memcpy(line, start, best);
		}
	}
	free(plain);
	return best;
}

static const char *printing_mistake(const char *text, const char *line, size_t size, const char *before)
{
	size_t length = strlen(text);
	if (size == 0)
		return "does_not_print";
	if (size > length && memcmp(line, text, length) == 0) {
		/* What follows is the rest of an earlier, longer reply. */
		if (strlen(before) >= size && memcmp(before + length, line + length, size - length) == 0)
			return "stale_tail";
		return "prints_wrong";
	}
	if (size < length && memcmp(line, text, size) == 0)
		return "truncates";
	return memmem(line, size, text, length) != NULL ? "prints_wrong" : "does_not_print";
}

void reads(Party *party, const char *text)
{
	static char before[1100]; /* what was read last */
	Outcome outcome = wait_for_line(party, text, true);
	if (outcome != WATCH_DONE) {
		char line[1536];
		size_t size = printed_instead(party, text, line, sizeof line);
		const char *code = printing_mistake(text, line, size, before);
		story_bytes("what it prints", text, strlen(text), line, size);
		if (party->ended && !WIFSIGNALED(party->status) && !party->start_error)
			story_fail(code, party,
			           "the %s should print the reply \"%.80s%s\" on a line of its own, but it does not.",
			           party->who, text, strlen(text) > 80 ? "…" : "");
		story_fail_watch(outcome, code, party, "the %s should print the reply \"%.80s%s\" on a line of its own",
		                 party->who, text, strlen(text) > 80 ? "…" : "");
	}
	record_text(before, "%s", text);
	story_add("the %s prints \"%.60s%s\"", party->who, text, strlen(text) > 60 ? "…" : "");
}

bool prints_line(Party *party, const char *text)
{
	return wait_for_line(party, text, false) == WATCH_DONE;
}

static bool has_ended(void *context)
{
	const Party *party = context;
	return party->ended;
}

void has_exited_with(Party *party, int status, int other, const char *code)
{
	char ending[96];
	Outcome outcome = party_watch(has_ended, party, WATCH_PATIENT, -1);
	if (outcome != WATCH_DONE)
		story_fail_watch(outcome, code, party, "the %s should end now", party->who);
	if (WIFSIGNALED(party->status) || party->start_error)
		story_fail_watch(WATCH_GONE, "crashes", party, "the %s should end with exit status %d", party->who,
		                 status);
	int found = WEXITSTATUS(party->status);
	if (found != status && found != other)
		story_fail("wrong_exit_status", party, "the %s should end with exit status %d, but it ends with %s.",
		           party->who, status, story_ending(party, ending));
	/* What was there at its end may have been at its own: it counts if it stays. */
	if (party->leftovers > 0 && party_watch(NULL, NULL, 0, -1) != WATCH_GONE)
		story_fail("leaves_process_behind", party, "the %s has ended, but %d of its processes still run.",
		           party->who, party->leftovers);
	story_add("the %s ends with exit status %d", party->who, found);
}

void has_exited(Party *party, int status, const char *code)
{
	has_exited_with(party, status, status, code);
}

bool complains(const Party *party, const char *text)
{
	return (party->err.size > 0 && strstr(party->err.text, text) != NULL) ||
	       (party->kind == INPUT_TERMINAL && party->out.size > 0 && strstr(party->out.text, text) != NULL);
}
