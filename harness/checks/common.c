#define _GNU_SOURCE
#include "checks/common.h"

#include "checks/start.h"
#include "program/trouble.h"

#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

const char *upper(const char *text)
{
	char *copy = strdup(text);
	if (copy == NULL)
		trouble("no memory");
	for (char *c = copy; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	return copy;
}

void upper_bytes(char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] >= 'a' && bytes[i] <= 'z')
			bytes[i] = (char)(bytes[i] - 'a' + 'A');
}

size_t every_byte(char bytes[256])
{
	size_t n = 0;
	/* Beginning with z and ending with a: the NUL is the last but one, so that something is behind it. */
	for (int value = 'z'; value > 'a'; value--)
		bytes[n++] = (char)value;
	for (int value = 1; value < 256; value++)
		if ((value < 'a' || value > 'z') && (value != '\n' || message_form() != FORM_LINES))
			bytes[n++] = (char)value;
	bytes[n++] = '\0';
	bytes[n++] = 'a';
	return n;
}

/* --- a message, as the lab has it --- */

MessageForm message_form(void)
{
	int number = lab_now->number;
	return number < 8 ? FORM_BARE : number == 8 || number > 14 ? FORM_LINES : FORM_FRAMES;
}

/* The bytes and a newline; the caller's to free. */
static char *as_line(const void *bytes, size_t size)
{
	char *line = malloc(size + 1);
	if (line == NULL)
		trouble("no memory");
	memcpy(line, bytes, size);
	line[size] = '\n';
	return line;
}

void say_message_bytes(Line *line, const void *bytes, size_t size)
{
	if (message_form() == FORM_FRAMES) {
		say_frame(line, bytes, size);
	} else if (message_form() == FORM_LINES) {
		char *text = as_line(bytes, size);
		say_bytes(line, text, size + 1);
		free(text);
	} else {
		say_bytes(line, bytes, size);
	}
}

void hear_message_bytes(Line *line, const void *bytes, size_t size)
{
	if (message_form() == FORM_FRAMES) {
		hear_frame(line, bytes, size);
	} else if (message_form() == FORM_LINES) {
		char *text = as_line(bytes, size);
		hear_bytes(line, text, size + 1);
		free(text);
	} else {
		hear_bytes(line, bytes, size);
	}
}

void say_message(Line *line, const char *text)
{
	say_message_bytes(line, text, strlen(text));
}

void hear_message(Line *line, const char *text)
{
	hear_message_bytes(line, text, strlen(text));
}

void hear_in_one_piece(Line *line, const char *text)
{
	hear(line, text);
	unsigned pieces = segments_heard(line);
	if (pieces != 1)
		story_fail("sends_in_pieces", line->party,
		           "the %s should send this in one piece, but it came in %u segments.", line->party->who,
		           pieces);
}

static bool is_blank(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != ' ' && bytes[i] != '\n')
			return false;
	return true;
}

void blames_the_empty_line(Party *client)
{
	size_t count;
	Line *const *lines = line_all(&count);
	for (size_t i = 0; i < count; i++)
		if (has_news(lines[i]) && lines[i]->in_size > 0 && is_blank(lines[i]->in, lines[i]->in_size)) {
			story_bytes("the message", "", 0, lines[i]->in, lines[i]->in_size);
			story_fail("sends_empty_line", client,
			           "the client should say nothing on such a line, but it sends it.");
		}
	for (size_t i = 0; i < count; i++)
		if (lines[i]->in_size > 0)
			return; /* it waits for an answer to something else */
	if (!client->ended && waits_on_a_call(client))
		story_fail(
		    "sends_empty_line", client,
		    "the client should say nothing on such a line and ask again, but it waits for an answer: nothing was said.");
}

/* Either side may be first to rest: so watch until all is still, and see what has happened meanwhile. */
void says_nothing_and_asks_again(Party *client, Line *server)
{
	Outcome outcome = party_watch(NULL, NULL, WATCH_PATIENT, -1);
	blames_the_empty_line(client);
	if (has_news(server) && !server->ended)
		hear_nothing(server); /* fails, and says what came */
	if (client->ended)
		story_fail_watch(WATCH_GONE, "exits_early", client, "the client should say nothing and ask again");
	if (outcome == WATCH_SPINNING)
		story_fail_watch(outcome, "spins", client, "the client should say nothing and ask again");
	asks_again(client);
	story_add("nothing is sent");
}

void hear_stripped(Line *line, const char *typed, const char *stripped)
{
	const char *form = hear_either(line, stripped, typed);
	if (strcmp(form, stripped) != 0) {
		story_bytes("the message", stripped, strlen(stripped), typed, strlen(typed));
		story_fail("keeps_spaces", line->party, "the line should go out without the spaces around it.");
	}
}

bool complains_as(const Party *party, const char *reason)
{
	char start[40];
	snprintf(start, sizeof start, "%s: ", party->who);
	const Output *outputs[] = {&party->err, &party->out};
	for (int i = 0; i < (party->kind == INPUT_TERMINAL ? 2 : 1); i++)
		for (const char *at = outputs[i]->size ? strstr(outputs[i]->text, start) : NULL; at != NULL;
		     at = strstr(at + 1, start)) {
			const char *end = strchrnul(at, '\n');
			const char *found = strstr(at, reason);
			if (found != NULL && found < end)
				return true;
		}
	return false;
}

typedef struct {
	const Party *party;
	const char *text;
} Wanted;

static bool is_somewhere(void *context)
{
	const Wanted *wanted = context;
	const Output *out = &wanted->party->out, *err = &wanted->party->err;
	return (out->size > 0 && memmem(out->text, out->size, wanted->text, strlen(wanted->text)) != NULL) ||
	       (err->size > 0 && memmem(err->text, err->size, wanted->text, strlen(wanted->text)) != NULL);
}

void prints_somewhere(Party *party, const char *text)
{
	Wanted wanted = {.party = party, .text = text};
	Outcome outcome = party_watch(is_somewhere, &wanted, WATCH_PATIENT, -1);
	if (outcome != WATCH_DONE && !is_somewhere(&wanted))
		story_fail("does_not_print", party, "the %s should print \"%s\", but it does not.", party->who, text);
	story_add("the %s prints \"%s\"", party->who, text);
}

static bool has_told_leaks(void *context)
{
	const Party *p = context;
	return p->ended || (p->err.size > 0 && strstr(p->err.text, "leakcheck: done") != NULL);
}

void rests(Party *party)
{
	Outcome outcome = party_watch(NULL, NULL, 0, -1);
	if (outcome == WATCH_SPINNING || party->ended)
		story_fail_watch(outcome, "exits_early", party, "the %s should wait", party->who);
}

void asks_for_leaks(Party *party)
{
	/* Asked when it stands still: the report reads the whole heap. */
	party_watch(NULL, NULL, 0, -1);
	party_signal(party, SIGUSR2);
	if (party_watch(has_told_leaks, party, WATCH_PATIENT | WATCH_START, -1) != WATCH_DONE)
		trouble("the sanitizer did not tell of leaks");
}

void comes_to_its_end(Party *party)
{
	party_watch(has_told_leaks, party, WATCH_PATIENT | WATCH_START, -1);
}

/* --- what a program holds --- */

typedef struct {
	int descriptors, zombies, threads, processes;
	size_t memory;
} Holdings;

static Holdings count_holdings(void)
{
	party_watch(NULL, NULL, 0, -1);
	const TaskList *list = &room_now()->scene.tasks;
	Holdings h = {0};
	for (size_t i = 0; i < list->count; i++) {
		const Task *t = &list->task[i];
		if (t->state == 'Z')
			h.zombies += t->pid == t->tid;
		else
			h.threads++;
	}
	for (size_t i = 0; i < list->processes; i++) {
		int n = tasks_descriptors(list->process[i], false);
		h.descriptors += n > 0 ? n : 0;
		h.memory += tasks_private_bytes(list->process[i]);
	}
	h.processes = (int)list->processes - h.zombies;
	return h;
}

bool common_grows(size_t first, size_t middle, size_t last, size_t much)
{
	size_t then = middle > first ? middle - first : 0, now = last > middle ? last - middle : 0;
	return then > much && now > much && now >= then / 4 * 3;
}

void leaves_nothing_behind(Party *party, int times, const char *what, void (*once)(void *context), void *context)
{
	/* A program may keep a few of something (a pool of threads, say), but nothing for each caller. */
	enum { FIRST = 20, BYTES_EACH = 600, STRETCHES = 4 };
	const int few = times / 3;
	Holdings at[3];
	for (int i = 1, mark = 0; i <= times; i++) {
		once(context);
		if (i == FIRST || i == (FIRST + times) / 2 || i == times)
			at[mark++] = count_holdings();
	}
	const Holdings *first = &at[0], *last = &at[2];
	if (last->zombies - first->zombies > few)
		story_fail("leaves_zombies", party,
		           "after %d %s the %s has %d children that have ended and that it never waited for.", times,
		           what, party->who, last->zombies);
	if (last->processes - first->processes > few)
		story_fail("leaves_process_behind", party, "after %d %s the %s consists of %d processes.", times, what,
		           party->who, last->processes);
	if (last->threads - first->threads > few)
		story_fail("leaks_threads", party, "after %d %s the %s has %d threads.", times, what, party->who,
		           last->threads);
	if (last->descriptors - first->descriptors > few)
		story_fail("leaks_descriptor", party, "after %d %s the %s holds %d descriptors, after %d it held %d.",
		           times, what, party->who, last->descriptors, FIRST, first->descriptors);
	/* What grows once may be a cache, and what grows less and less a heap that settles (Python's, say); what grows as much
	 * in each stretch as in the one before grows for ever. Less than this is for the sanitizers to find. */
	const size_t much = (size_t)(BYTES_EACH * (times - FIRST) / 2);
	for (int stretch = 1; common_grows(at[0].memory, at[1].memory, at[2].memory, much); stretch++) {
		if (stretch == STRETCHES)
			story_fail(
			    "leaks_memory", party,
			    "the memory of the %s grows and grows: %zu KiB, %zu after %d more %s, %zu after as many again.",
			    party->who, at[0].memory / 1024, at[1].memory / 1024, (times - FIRST) / 2, what,
			    at[2].memory / 1024);
		for (int i = 0; i < (times - FIRST) / 2; i++)
			once(context);
		at[0] = at[1];
		at[1] = at[2];
		at[2] = count_holdings();
	}
	story_add("%d %s later it holds no more than before", times, what);
}

static bool has_ended(void *context)
{
	return ((Party *)context)->ended;
}

void refuses(const char *const *const *command_lines)
{
	for (; *command_lines != NULL; command_lines++) {
		Party *party = the_program((StartAs){0}, *command_lines);
		Outcome outcome = party_watch(has_ended, party, WATCH_START, -1);
		if (outcome != WATCH_DONE)
			story_fail("no_usage", party, "the %s should refuse this command line, but it goes on with it.",
			           party->who);
		has_exited(party, 2, "no_usage");
		if (party->err.size == 0)
			story_fail("no_usage", party,
			           "the %s should print its usage on stderr, but it prints nothing there.", party->who);
	}
}

void gives_up(Party *party, const char *complaint, const char *code)
{
	has_exited(party, 1, code);
	if (!complains(party, complaint)) {
		const char *said = party->err.size > 0 ? party->err.text : "";
		story_bytes("what it says on stderr", complaint, strlen(complaint), said, strcspn(said, "\n"));
		story_fail("wrong_error_message", party, "the %s should say on stderr: %s", party->who, complaint);
	}
	story_add("the %s says \"%s\"", party->who, complaint);
}

void gives_up_the_port(Party *server, const char *code)
{
	party_watch(has_ended, server, WATCH_PATIENT | WATCH_START, -1);
	if (!server->ended) {
		fails_if_port_is_swapped(server);
		int at_port = 0, elsewhere = 0;
		const SocketList *list = &room_now()->scene.sockets;
		for (size_t i = 0; i < list->count; i++) {
			bool listens = sockets_listens(&list->socket[i]);
			at_port += listens && list->socket[i].port == server->port;
			elsewhere += listens && list->socket[i].port != server->port;
		}
		code = at_port > 1 ? "shares_port" : elsewhere > 0 ? code : "does_not_exit";
	}
	gives_up(server, "server: bind: Address already in use", code);
}

/* The first frame of a report that lies in the student's own files: "#1 0x… in answer labs/…/server.c:34:7". */
static void find_place(const char *report, const char *shown, Where *where)
{
	for (const char *at = report; shown != NULL && (at = strstr(at, shown)) != NULL; at++) {
		char file[160];
		int line;
		if (sscanf(at, "%159[^: \n]:%d", file, &line) != 2)
			continue;
		record_text(where->file, "%s", file);
		where->line = line;
		const char *in = at;
		while (in > report && in[-1] != '\n')
			in--;
		const char *name = strstr(in, " in ");
		if (name != NULL && name < at)
			sscanf(name, " in %63s", where->function);
		return;
	}
}

void is_clean(Party *party)
{
	static const struct {
		const char *sign, *code, *what;
	} reports[] = {
	    {"LeakSanitizer", "leaks_memory", "memory was taken and never given back"},
	    {"AddressSanitizer", "memory_error", "memory was used that is not the program's"},
	    {"runtime error:", "undefined_behaviour", "the program did what C leaves undefined"},
	};
	const char *text = party->err.size > 0 ? party->err.text : "";
	for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
		const char *report = strstr(text, reports[i].sign);
		if (report == NULL)
			continue;
		while (report > text && report[-1] != '\n')
			report--;
		Where place = {0};
		find_place(report, party->shown, &place);
		story_fail_at(reports[i].code, party, place, report, "%s.", reports[i].what);
	}
}
