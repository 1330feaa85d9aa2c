#define _GNU_SOURCE
#include "step/console.h"

#include "step/play.h"
#include "step/stage.h"
#include "step/view.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

enum { MOST_CALLS = 1000 };

typedef struct {
	const char *name, *arguments, *help;
	void (*act)(char *rest);
	bool on_stage; /* needs programs that live */
} Command;

static Tape *tape;
static bool live, over, quits;
static size_t shown;      /* the screen shows the tape up to here */
static char message[512]; /* under the screen, until the next one */
static bool keep_screen;  /* something was printed that is to be read first */

/* Under the last screen. */
static const char the_end[] = "The demo is over. `back` shows it again, `save FILE` keeps it, `quit` leaves.";

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
}

static void show_newest(void)
{
	shown = tape_count(tape);
}

/* --- commands --- */

static bool shows_the_past(void)
{
	return shown < tape_count(tape);
}

/* What the script has next is done, and shown. What is as it was expected needs no pause. */
static Played advance(void)
{
	Played played = play_next();
	const json_t *e = tape_event(tape, tape_count(tape) - 1);
	while (played == PLAY_EXPECTED && json_is_true(json_object_get(e, "held"))) {
		played = play_next();
		e = tape_event(tape, tape_count(tape) - 1);
	}
	over = played == PLAY_OVER;
	if (over)
		say("%s", the_end);
	else if (played == PLAY_ASKED)
		say("Say what you think, then press Enter.");
	else if (played == PLAY_EXPECTED)
		say("The script expects \"%s\", but: %s", tape_text(e, "text"), tape_text(e, "found"));
	show_newest();
	return played;
}

static void on(char *rest)
{
	(void)rest;
	if (shows_the_past())
		shown = view_end_of_step(tape, (int)tape_number(tape_event(tape, shown), "step"));
	else if (over)
		say("%s", the_end);
	else
		advance();
}

/* To the next sentence, question or answer: many calls may lie between. */
static void cue(char *rest)
{
	(void)rest;
	if (!shows_the_past()) {
		if (over)
			say("%s", the_end);
		while (!over && advance() == PLAY_STEPPED)
			;
		return;
	}
	bool told = false;
	while (shows_the_past() && !told) {
		const json_t *e = tape_event(tape, shown++);
		told = tape_is(e, "tells") || tape_is(e, "asks") || tape_is(e, "answers");
	}
}

static void step_of(Actor *actor)
{
	if (actor == NULL)
		say("Nobody can go on: each waits for somebody else. `type NAME TEXT` gives input, `where` tells on what they wait.");
	else if (!stage_step(actor))
		say("%s cannot go on by itself: `where` tells on what it waits.", stage_name(actor));
	show_newest();
}

static void next(char *rest)
{
	(void)rest;
	step_of(stage_next());
}

static Actor *named(const char *name)
{
	Actor *actor = stage_actor(name);
	const char *call;
	if (actor == NULL)
		say("There is nobody called \"%s\".", name);
	else if (stage_stands(actor, &call) == STANDS_OFF)
		say("%s has not been started. `start %s` does it.", name, name);
	else
		return actor;
	return NULL;
}

static void start(char *rest)
{
	Actor *actor = stage_actor(rest);
	const char *call;
	if (actor == NULL)
		say("There is nobody called \"%s\".", rest);
	else if (stage_stands(actor, &call) != STANDS_OFF)
		say("%s has been started already.", rest);
	else
		stage_start(actor);
	show_newest();
}

/* until CALL, until NAME CALL */
static void until(char *rest)
{
	char *name = strtok(rest, " "), *call = strtok(NULL, " ");
	Actor *actor = call != NULL ? named(name) : NULL;
	if (call != NULL && actor == NULL)
		return;
	call = call != NULL ? call : name;
	if (call == NULL) {
		say("until which call? `until accept`, `until server recv`");
		return;
	}
	for (int i = 0; i < MOST_CALLS; i++) {
		Actor *one = actor != NULL ? actor : stage_next();
		if (one == NULL || !stage_step(one)) {
			say("Nobody can go on, and nobody has come to %s().", call);
			break;
		}
		bool there = false;
		for (size_t k = 0; stage_actor_at(k) != NULL; k++) {
			const char *now;
			Actor *who = stage_actor_at(k);
			if (actor == NULL || actor == who) {
				Standing standing = stage_stands(who, &now);
				there |= (standing == STANDS_BEFORE || standing == STANDS_IN) &&
				         strcmp(now, call) == 0 && (actor != NULL || who == one);
			}
		}
		if (there)
			break;
	}
	show_newest();
}

static void run(char *rest)
{
	(void)rest;
	int calls = 0;
	while (calls < MOST_CALLS && stage_next() != NULL) {
		stage_step(stage_next());
		calls++;
	}
	if (calls == MOST_CALLS)
		say("%d calls, and no end: somebody goes round and round. `run` goes on.", calls);
	else
		say("%d call%s. Nobody can go on now by itself.", calls, calls == 1 ? "" : "s");
	show_newest();
}

/* type TEXT, type NAME TEXT: without a name, to whoever is a client. */
static void type(char *rest)
{
	size_t n = strcspn(rest, " ");
	char *name = strndup(rest, n), *text = rest[n] ? rest + n + 1 : rest + n;
	Actor *actor = name != NULL ? stage_actor(name) : NULL;
	free(name);
	if (actor == NULL) {
		text = rest;
		for (size_t i = 0; stage_actor_at(i) != NULL; i++) {
			const char *call;
			if (stage_stands(stage_actor_at(i), &call) == STANDS_IN && strcmp(call, "select") == 0)
				actor = stage_actor_at(i);
		}
		actor = actor != NULL ? actor : stage_actor_at(1);
	}
	const char *call;
	if (actor == NULL || stage_stands(actor, &call) == STANDS_OFF) {
		say("There is nobody to type to yet.");
		return;
	}
	stage_type(actor, text, true);
	show_newest();
}

static void end(char *rest)
{
	Actor *actor = named(rest);
	if (actor != NULL) {
		stage_end_input(actor);
		show_newest();
	}
}

/* hang up NAME: it goes, and the kernel closes its calls for it. */
static void hang(char *rest)
{
	char *name = strncmp(rest, "up ", 3) == 0 ? rest + 3 : rest;
	Actor *actor = named(name);
	if (actor != NULL) {
		stage_signal(actor, SIGTERM);
		show_newest();
	}
}

static void queues(char *rest)
{
	(void)rest;
	view_sockets(stdout, tape, shown);
	keep_screen = true;
}

static void where(char *rest)
{
	(void)rest;
	view_stands(stdout, tape, shown);
	keep_screen = true;
}

static void packets(char *rest)
{
	(void)rest;
	view_packets(stdout, tape, shown);
	keep_screen = true;
}

/* back [STEPS] */
static void back(char *rest)
{
	int now = shown > 0 ? (int)tape_number(tape_event(tape, shown - 1), "step") : 0;
	int steps = *rest ? atoi(rest) : 1, to = now - (steps > 0 ? steps : 1);
	shown = view_end_of_step(tape, to > 0 ? to : 0);
	say("This is step %d of %d, as it was. Enter goes on from here; `now` shows where they stand.", to > 0 ? to : 0,
	    tape_steps(tape));
}

static void now(char *rest)
{
	(void)rest;
	show_newest();
}

static void save(char *rest)
{
	if (*rest == '\0')
		say("save it where? `save FILE`");
	else if (tape_save(tape, rest))
		say("The record is in %s: `build/step --replay %s` shows it, `build/step --html PAGE %s` makes a page of it.",
		    rest, rest, rest);
	else
		say("%s: %s", rest, strerror(errno));
}

static void quit(char *rest)
{
	(void)rest;
	quits = true;
}

static void help(char *rest);

static const Command commands[] = {
    {"on", "", "what the script has next (Enter)", on, false},
    {"cue", "", "on to the next sentence or question of the script", cue, false},
    {"next", "", "whoever can go on makes the next call", next, true},
    {"start", "NAME", "starts a program", start, true},
    {"until", "[NAME] CALL", "steps until somebody (NAME) stands at that call", until, true},
    {"run", "", "goes on until nobody can", run, true},
    {"type", "[NAME] TEXT", "types a line at NAME's terminal", type, true},
    {"end", "NAME", "types Ctrl-D: end of input", end, true},
    {"hang", "up NAME", "ends NAME; the kernel closes its calls", hang, true},
    {"where", "", "where each thread stands, and on what it waits", where, false},
    {"queues", "", "every socket, its state and its queues", queues, false},
    {"packets", "", "all that went over the wire", packets, false},
    {"back", "[STEPS]", "shows an earlier step", back, false},
    {"now", "", "shows the newest step again", now, false},
    {"save", "FILE", "keeps the record", save, false},
    {"help", "", "this", help, false},
    {"quit", "", "ends the programs and leaves", quit, false},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void help(char *rest)
{
	(void)rest;
	for (size_t i = 0; i < COMMANDS; i++)
		if (live || !commands[i].on_stage)
			printf("  %-8s %-12s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
	if (live)
		printf("  NAME                  NAME makes its next call (server, client, …)\n");
	keep_screen = true;
}

/* The command that is meant: by its name, or by a start of it that no other has. */
static const Command *command_of(const char *word)
{
	const Command *found = NULL;
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, word) == 0)
			return &commands[i];
		if (strncmp(commands[i].name, word, strlen(word)) == 0) {
			if (found != NULL)
				return NULL;
			found = &commands[i];
		}
	}
	return found;
}

static void obey(const char *line)
{
	char *copy = strdup(line), *word = copy + strspn(copy, " ");
	if (copy == NULL)
		abort();
	size_t n = strcspn(word, " ");
	char *rest = word[n] ? word + n + 1 : word + n;
	word[n] = '\0';
	Actor *actor = live ? stage_actor(word) : NULL;
	const Command *command = command_of(word);
	const char *call;
	if (actor != NULL && stage_stands(actor, &call) == STANDS_OFF)
		say("%s has not been started. `start %s` does it.", word, word);
	else if (actor != NULL)
		step_of(actor);
	else if (command == NULL)
		say("There is no command \"%s\". `help` tells which there are.", word);
	else if (command->on_stage && !live)
		say("This is a record: nobody in it can act any more.");
	else
		command->act(rest);
	free(copy);
}

/* --- the terminal --- */

static ViewSize size_now(void)
{
	struct winsize w = {0};
	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == -1 || w.ws_row < 10 || w.ws_col < 40)
		return (ViewSize){.rows = 22, .columns = 80};
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
	bool colour = (no == NULL || *no == '\0') && term != NULL && strcmp(term, "dumb") != 0;
	return (ViewSize){.rows = w.ws_row - 2, .columns = w.ws_col, .colour = colour};
}

static void draw(void)
{
	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J\033[3J", stdout);
	view_show(stdout, tape, shown, size_now());
	if (*message)
		printf("%s\n", message);
	message[0] = '\0';
	fflush(stdout);
}

static char *complete(const char *text, int state)
{
	static size_t at;
	if (state == 0)
		at = 0;
	while (at < COMMANDS + 16) {
		size_t i = at++;
		const char *name = i < COMMANDS ? commands[i].name
		                   : live && stage_actor_at(i - COMMANDS) != NULL
		                       ? stage_name(stage_actor_at(i - COMMANDS))
		                       : NULL;
		if (name != NULL && strncmp(name, text, strlen(text)) == 0)
			return strdup(name);
	}
	return NULL;
}

void console(Tape *t, bool is_live)
{
	char *last = strdup("on");
	tape = t;
	live = is_live;
	shown = live ? tape_count(tape) : view_end_of_step(tape, 0);
	over = !live;
	rl_completion_entry_function = complete;
	/* The programs are in a session of their own; a window that changes its size is drawn anew. */
	rl_readline_name = "dialtone";
	for (draw(); !quits;) {
		char *line = readline("step> ");
		if (line == NULL)
			break;
		const char *does = *line != '\0' ? line : last;
		if (*line != '\0') {
			add_history(line);
			free(last);
			last = strdup(line);
			does = last;
		}
		obey(does);
		free(line);
		if (keep_screen)
			fflush(stdout);
		else if (!quits)
			draw();
		if (keep_screen && *message)
			printf("%s\n", message);
		/* What is only looked at is not what Enter is for. */
		if (keep_screen) {
			free(last);
			last = strdup("on");
			message[0] = '\0';
		}
		keep_screen = false;
	}
	if (isatty(STDIN_FILENO) && !quits)
		putchar('\n');
	free(last);
}
