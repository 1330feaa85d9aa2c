#define _GNU_SOURCE
#include "step/play.h"

#include "program/build.h"
#include "program/crew.h"
#include "program/files.h"
#include "program/room.h"
#include "program/trouble.h"
#include "program/words.h"
#include "step/expect.h"
#include "step/recorder.h"
#include "step/stage.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_PARTIES = 16, MOST_CALLS = 20000 };

typedef struct {
	const Cue *cue;
	char *folder, *shown;   /* where its sources are */
	const char *program;    /* NAME of FOLDER/NAME */
	const char **arguments; /* NULL ends */
	Subject *subject;
} Part;

static Script script;
static Part parts[MOST_PARTIES];
static size_t part_count;
static Tape *tape;
static size_t at;  /* the cue that comes next, or that we are in the middle of */
static long calls; /* so many calls were made for it already */
static int failures;

/* --- what is told --- */

/* Text as it is, and where it is no UTF-8, as bytes. */
static json_t *string_of(const char *text)
{
	json_t *as_it_is = json_string(text);
	if (as_it_is != NULL)
		return as_it_is;
	char *safe = tape_bytes(text, strlen(text));
	json_t *string = json_string(safe);
	free(safe);
	return string;
}

static json_t *event_of(const char *kind, const char *text)
{
	return json_pack("{s:s, s:i, s:o}", "event", kind, "step", tape_steps(tape), "text", string_of(text));
}

static Played note_expectation(const Cue *cue, bool held, const char *found)
{
	json_t *event = event_of("expects", cue->text);
	json_object_set_new(event, "line", json_integer(cue->line));
	json_object_set_new(event, "held", json_boolean(held));
	if (!held) {
		json_object_set_new(event, "found", string_of(found));
		failures++;
	}
	tape_add(tape, event);
	return PLAY_EXPECTED;
}

/* A cue that cannot be followed. */
static Played cannot(const Cue *cue, const char *why)
{
	at++;
	calls = 0;
	return note_expectation(cue, false, why);
}

/* --- building --- */

/* FOLDER/NAME, and the lab's own folder instead where `from` is given and has that program's source. */
static bool place(Part *part, PlayWhere where, char *why, size_t size)
{
	const char *path = part->cue->word[1], *slash = strrchr(path, '/');
	if (slash == NULL) {
		snprintf(why, size, "%s, line %d: a program is FOLDER/NAME", script.path, part->cue->line);
		return false;
	}
	part->program = slash + 1;
	part->shown = words_print("%.*s", (int)(slash - path), path);
	if (where.from != NULL && strstr(part->shown, "demo") == NULL) {
		const char *folder = strrchr(script.path, '/');
		char *own = words_print("%.*s", (int)(folder - script.path), script.path);
		char *source = words_print("%s/%s.c", own, part->program);
		if (access(source, R_OK) == 0) {
			free(part->shown);
			part->shown = strncmp(own, where.root, strlen(where.root)) == 0
			                  ? words_print("%s", own + strlen(where.root) + 1)
			                  : words_print("%s", own);
		}
		free(own);
		free(source);
	}
	part->folder = words_print("%s/%s", where.root, part->shown);
	return true;
}

static Subject *subject_of(const Build *build, const char *program)
{
	for (size_t i = 0; i < build->count; i++)
		if (strcmp(build->subjects[i].name, program) == 0)
			return &build->subjects[i];
	return NULL;
}

/* 12 of "solutions/12-secret-handshake", whosesoever demo this is: the libraries that it is linked with go by that. */
static int lab_of(const char *shown, int otherwise)
{
	for (const char *here = shown; here != NULL; here = strchr(here, '/')) {
		here += *here == '/';
		if (strspn(here, "0123456789") == 2 && here[2] == '-')
			return atoi(here);
	}
	return otherwise;
}

/* One Build a folder, with the programs of it that have a part. */
static bool build(PlayWhere where, char *why, size_t size)
{
	static Build builds[MOST_PARTIES];
	static const char *programs[MOST_PARTIES][MOST_PARTIES + 1];
	size_t count = 0;
	for (size_t i = 0; i < part_count; i++) {
		size_t b = 0, n = 0;
		while (b < count && strcmp(builds[b].folder, parts[i].folder) != 0)
			b++;
		if (b == count)
			builds[count++] = (Build){.number = lab_of(parts[i].shown, where.lab),
			                          .programs = programs[b],
			                          .folder = parts[i].folder,
			                          .shown = parts[i].shown,
			                          .plain = true};
		while (programs[b][n] != NULL && strcmp(programs[b][n], parts[i].program) != 0)
			n++;
		programs[b][n] = parts[i].program;
	}
	build_all(builds, count, where.root, crew_processors());
	for (size_t i = 0; i < part_count; i++) {
		for (size_t b = 0; b < count && parts[i].subject == NULL; b++)
			if (strcmp(builds[b].folder, parts[i].folder) == 0) {
				parts[i].subject = subject_of(&builds[b], parts[i].program);
				if (builds[b].failed)
					snprintf(why, size, "%s does not compile:\n%s", builds[b].shown,
					         builds[b].output);
			}
		if (parts[i].subject == NULL || parts[i].subject->broken != NULL) {
			if (why[0] == '\0')
				snprintf(why, size, "%s: %s", parts[i].cue->word[1],
				         parts[i].subject != NULL ? parts[i].subject->broken
				                                  : "there is no such program");
			return false;
		}
	}
	return true;
}

/* PORT is 9000 where every port is free, and one that is free where not; PORT2 to PORT4 the next. */
static const char *argument(const char *word)
{
	static const char *const names[] = {"PORT", "PORT2", "PORT3", "PORT4"};
	static char ports[4][8];
	size_t which = 0;
	while (which < 4 && strcmp(word, names[which]) != 0)
		which++;
	if (which == 4)
		return word;
	if (ports[which][0] == '\0')
		snprintf(ports[which], sizeof ports[0], "%u", room_is_private() ? 9000 + (unsigned)which : room_port());
	return ports[which];
}

static void cast(void)
{
	for (size_t i = 0; i < part_count; i++) {
		Part *part = &parts[i];
		size_t words = part->cue->words;
		part->arguments = calloc(words, sizeof *part->arguments);
		if (part->arguments == NULL)
			trouble("no memory");
		for (size_t w = 2; w < words; w++)
			part->arguments[w - 2] = argument(part->cue->word[w]);
		stage_cast(part->cue->word[0], part->subject, part->arguments, INPUT_TERMINAL);
		json_t *event = event_of("party", "");
		json_object_del(event, "text");
		json_object_set_new(event, "who", json_string(part->cue->word[0]));
		json_object_set_new(event, "program", json_string(part->subject->shown));
		tape_add(tape, event);
		char *name = words_print("%s.c", part->program);
		recorder_source(tape, part->cue->word[0], part->folder, part->shown, name);
		recorder_source(tape, part->cue->word[0], part->folder, part->shown, "frame.c");
		free(name);
	}
}

/* The files that lie in the room, with a newline for each \n of their text; and the folders. */
static void put_files(void)
{
	for (size_t i = 0; i < script.count; i++) {
		const Cue *cue = &script.cue[i];
		size_t n = 0;
		if (cue->verb != SAY_FILE)
			continue;
		size_t length = strlen(cue->word[0]);
		if (cue->word[0][length - 1] == '/') {
			file_make_folder(cue->word[0]);
			continue;
		}
		char *text = words_print("%s", cue->text);
		for (const char *from = text; *from != '\0'; from++)
			if (from[0] == '\\' && from[1] == 'n') {
				text[n++] = '\n';
				from++;
			} else {
				text[n++] = *from;
			}
		file_put(cue->word[0], text, n);
		free(text);
	}
}

static const char *title(void)
{
	for (size_t i = 0; i < script.count; i++)
		if (script.cue[i].verb == SAY_TITLE)
			return script.cue[i].text;
	return "";
}

bool play_open(const char *path, PlayWhere where, Tape *t, char *why, size_t why_size, int *status)
{
	char *visible[2 * MOST_PARTIES + 1];
	size_t n = 0;
	tape = t;
	why[0] = '\0';
	*status = 2;
	if (!script_read(&script, path, why, why_size))
		return false;
	for (size_t i = 0; i < script.count; i++) {
		if (script.cue[i].verb != SAY_PARTY)
			continue;
		if (part_count == MOST_PARTIES) {
			snprintf(why, why_size, "%s: more than %d parties", path, MOST_PARTIES);
			return false;
		}
		parts[part_count].cue = &script.cue[i];
		if (!place(&parts[part_count++], where, why, why_size))
			return false;
	}
	*status = 1;
	if (!build(where, why, why_size))
		return false;
	*status = 3;
	if (!room_prepare(why, why_size))
		return false;
	tape_add(tape,
	         json_pack("{s:s, s:i, s:i, s:s}", "event", "tape", "version", 1, "lab", where.lab, "title", title()));
	for (size_t i = 0; i < part_count; i++)
		for (char **word = parts[i].subject->argv; *word != NULL; word++)
			visible[n++] = *word;
	visible[n] = NULL;
	stage_open(tape, where.packets, visible);
	put_files();
	cast();
	return true;
}

/* --- playing --- */

static Played done(Played played)
{
	at++;
	calls = 0;
	return played;
}

static bool stands_at(const Actor *actor, const char *call)
{
	const char *now;
	Standing standing = stage_stands(actor, &now);
	return (standing == STANDS_BEFORE || standing == STANDS_IN) && strcmp(now, call) == 0;
}

/* One step of the actor's, if it is not there yet. */
static Played until(const Cue *cue, Actor *actor)
{
	if (stands_at(actor, cue->word[1]))
		return done(PLAY_TOLD);
	if (calls++ == MOST_CALLS || !stage_step(actor))
		return cannot(cue, "it never came to that call");
	if (stands_at(actor, cue->word[1]))
		return done(PLAY_STEPPED);
	return PLAY_STEPPED;
}

static long returns_from(const Actor *actor, const char *call)
{
	long count = 0;
	for (size_t i = 0; i < tape_count(tape); i++) {
		const json_t *e = tape_event(tape, i);
		count += tape_is(e, "returns") && strcmp(tape_text(e, "who"), stage_name(actor)) == 0 &&
		         strcmp(tape_text(e, "call"), call) == 0;
	}
	return count;
}

static Played past(const Cue *cue, Actor *actor)
{
	static long before;
	if (calls == 0)
		before = returns_from(actor, cue->word[1]);
	if (calls++ == MOST_CALLS || !stage_step(actor))
		return cannot(cue, "it never returned from that call");
	if (returns_from(actor, cue->word[1]) > before)
		return done(PLAY_STEPPED);
	return PLAY_STEPPED;
}

static Played run(const Cue *cue)
{
	Actor *actor = NULL;
	if (cue->words == 0) {
		actor = stage_next();
	} else {
		const char *call;
		for (size_t i = 0; i < cue->words && actor == NULL; i++) {
			Actor *one = stage_actor(cue->word[i]);
			if (one == NULL)
				return cannot(cue, "there is nobody of that name");
			if (stage_stands(one, &call) == STANDS_BEFORE)
				actor = one;
		}
	}
	if (actor == NULL)
		return done(PLAY_TOLD);
	if (calls++ == MOST_CALLS)
		return cannot(cue, "it goes on for ever");
	stage_step(actor);
	return PLAY_STEPPED;
}

static Played step(const Cue *cue, Actor *actor)
{
	long times = cue->words > 1 ? strtol(cue->word[1], NULL, 10) : 1;
	if (!stage_step(actor))
		return cannot(cue, "it cannot go on");
	return ++calls >= times ? done(PLAY_STEPPED) : PLAY_STEPPED;
}

static int signal_number(const char *name)
{
	for (int number = 1; number < NSIG; number++) {
		const char *known = sigabbrev_np(number);
		if (known != NULL && strcmp(known, strncmp(name, "SIG", 3) == 0 ? name + 3 : name) == 0)
			return number;
	}
	return 0;
}

static Played act(const Cue *cue, Actor *actor)
{
	const char *call;
	if (actor == NULL)
		return cannot(cue, "there is nobody of that name");
	if (cue->verb == SAY_START) {
		stage_start(actor);
		return done(PLAY_STEPPED);
	}
	if (stage_stands(actor, &call) == STANDS_OFF)
		return cannot(cue, "it has not been started");
	switch (cue->verb) {
	case SAY_STEP:
		return step(cue, actor);
	case SAY_UNTIL:
		return until(cue, actor);
	case SAY_PAST:
		return past(cue, actor);
	case SAY_TYPE:
		stage_type(actor, cue->text, true);
		return done(PLAY_STEPPED);
	case SAY_KEYS:
		stage_type(actor, cue->text, false);
		return done(PLAY_STEPPED);
	case SAY_END:
		stage_end_input(actor);
		return done(PLAY_STEPPED);
	default:
		if (signal_number(cue->word[1]) == 0)
			return cannot(cue, "there is no such signal");
		stage_signal(actor, signal_number(cue->word[1]));
		return done(PLAY_STEPPED);
	}
}

/* Known before it begins. */
static bool is_of_the_playbill(Verb verb)
{
	return verb == SAY_TITLE || verb == SAY_PARTY || verb == SAY_FILE;
}

Played play_next(void)
{
	while (at < script.count) {
		const Cue *cue = &script.cue[at];
		char found[256];
		bool held;
		Played played;
		if (is_of_the_playbill(cue->verb)) {
			at++;
			continue;
		}
		switch (cue->verb) {
		case SAY_TELL:
			tape_add(tape, event_of("tells", cue->text));
			return done(PLAY_TOLD);
		case SAY_ASK:
			tape_add(tape, event_of("asks", cue->text));
			return done(PLAY_ASKED);
		case SAY_ANSWER:
			tape_add(tape, event_of("answers", cue->text));
			return done(PLAY_TOLD);
		case SAY_EXPECT:
			held = expect_holds(tape, cue, found, sizeof found);
			note_expectation(cue, held, found);
			return done(PLAY_EXPECTED);
		case SAY_RUN:
			played = run(cue);
			break;
		default:
			played = act(cue, stage_actor(cue->word[0]));
			break;
		}
		/* Nothing was to be done for it: on to the next. */
		if (played != PLAY_TOLD)
			return played;
	}
	return PLAY_OVER;
}

int play_failures(void)
{
	return failures;
}

const char *play_coming(void)
{
	size_t next = at;
	while (next < script.count && is_of_the_playbill(script.cue[next].verb))
		next++;
	return next < script.count ? script.cue[next].text : "";
}

void play_close(void)
{
	stage_close();
	room_cleanup();
	build_end();
}
