#define _GNU_SOURCE
#include "peer/story.h"

#include "observe/calls.h"
#include "observe/where.h"
#include "peer/lessons.h"
#include "program/trouble.h"

#include <check.h>
#include <ctype.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { MOST_TELLERS = 4 };

static Verdict *verdict;
static StoryStands *tellers[MOST_TELLERS];
static bool hung_up;
static void (*better_reason)(Party *about);
static void (*also_tell)(const char *line);
static bool at_rest;
static const char *blamed; /* story_blame() */
static char circumstance[80];

/* Ends the check's process, by Check's own way. */
static _Noreturn void end_check(void)
{
	ck_abort_msg("%s", verdict->message[0] ? verdict->message : verdict->code);
	abort(); /* ck_abort_msg does not return; its declaration does not say so everywhere */
}

static void not_judged(const char *text)
{
	verdict->status = VERDICT_NOT_JUDGED;
	record_text(verdict->message, "%s", text);
	end_check();
}

void story_begin(Verdict *v)
{
	verdict = v;
	hung_up = false;
	blamed = NULL;
	trouble_handler = not_judged;
}

void story_add(const char *format, ...)
{
	char line[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (verdict != NULL)
		record_add(verdict->story, "%s", line);
	if (also_tell != NULL)
		also_tell(line);
}

void story_also_tell(void (*tell)(const char *line))
{
	also_tell = tell;
}

void story_bytes(const char *what, const void *expected, size_t expected_size, const void *heard, size_t heard_size)
{
	record_bytes(verdict, what, expected, expected_size, heard, heard_size);
}

void story_tell_stands(StoryStands *teller)
{
	for (int i = 0; i < MOST_TELLERS; i++) {
		if (tellers[i] == teller)
			return;
		if (tellers[i] == NULL) {
			tellers[i] = teller;
			return;
		}
	}
}

void story_is_at_rest(void)
{
	at_rest = true;
}

void story_somebody_hung_up(void)
{
	hung_up = true;
}

bool story_anybody_hung_up(void)
{
	return hung_up;
}

const char *story_ending(const Party *party, char *text)
{
	if (WIFSIGNALED(party->status))
		snprintf(text, 96, "SIG%s (%s)", sigabbrev_np(WTERMSIG(party->status)),
		         sigdescr_np(WTERMSIG(party->status)));
	else
		snprintf(text, 96, "exit status %d", WEXITSTATUS(party->status));
	return text;
}

/* --- where each side stands --- */

/* Told by its path: its own, or the one at which its other end was called. */
static void describe_unix(const Socket *s, const SocketList *sockets, char *state, size_t size)
{
	const Socket *other = sockets_by_inode(sockets, s->peer);
	const char *path = s->path[0] == '\0' && other != NULL ? other->path : s->path;
	const char *name = s->state == TCP_LISTEN ? "LISTEN" : s->type == SOCK_DGRAM ? "UNIX datagrams" : "UNIX";
	char queue[48] = "nothing to read";
	if (s->state == TCP_LISTEN)
		snprintf(queue, sizeof queue, s->rqueue ? "%u waiting to be accepted" : "nobody calls", s->rqueue);
	else if (s->rqueue > 0)
		snprintf(queue, sizeof queue, "%u byte%s to read", s->rqueue, s->rqueue == 1 ? "" : "s");
	else if (s->wqueue > 0)
		snprintf(queue, sizeof queue, "bytes not yet taken");
	snprintf(state, size, "%s%s%s, %s", name, path[0] ? " " : "", path, queue);
}

/* What the socket under a thread's call has to say. */
static void describe_socket(const Task *task, const SocketList *sockets, char *state, size_t size)
{
	int fd = calls_descriptor(task);
	const Socket *s = fd < 0 ? NULL : sockets_by_inode(sockets, tasks_socket_inode(task->pid, fd));
	if (s == NULL)
		return;
	if (s->kind == SOCKET_UDP)
		/* How many there are the kernel does not say. */
		snprintf(state, size, s->rqueue > 0 ? "UDP, unread datagrams wait" : "UDP, nothing to read");
	else if (s->kind == SOCKET_UNIX)
		describe_unix(s, sockets, state, size);
	else if (s->state == TCP_LISTEN)
		snprintf(state, size, s->rqueue ? "LISTEN, %u waiting to be accepted" : "LISTEN, nobody calls",
		         s->rqueue);
	else if (s->rqueue > 0)
		snprintf(state, size, "%s, %u byte%s to read", sockets_state_name(s->state), s->rqueue,
		         s->rqueue == 1 ? "" : "s");
	else if (s->wqueue > 0)
		snprintf(state, size, "%s, %u byte%s not yet taken", sockets_state_name(s->state), s->wqueue,
		         s->wqueue == 1 ? "" : "s");
	else
		snprintf(state, size, "%s, nothing to read", sockets_state_name(s->state));
}

/* The thread that is worth showing: one that runs, or else the first. */
static const Task *telling_task(const TaskList *list, pid_t pid, size_t *from)
{
	const Task *found = NULL;
	for (size_t i = *from; i < list->count; i++) {
		const Task *t = &list->task[i];
		if (t->pid != pid || t->state == 'Z')
			continue;
		if (found == NULL || (calls_wait(t).kind == WAIT_NOT && calls_wait(found).kind != WAIT_NOT))
			found = t;
	}
	return found;
}

static bool stand_of(const Party *p, Stand *stand, const Scene *scene)
{
	char ending[96];
	*stand = (Stand){0};
	record_text(stand->who, "%s", p->who);
	if (p->ended) {
		if (p->watch != NULL)
			crash_watch_found(p->watch, &stand->where, NULL, NULL);
		record_text(stand->state, "ended: %s", story_ending(p, ending));
		return p->start_error == 0;
	}
	size_t from = 0;
	const Task *task = telling_task(&scene->tasks, p->pid, &from);
	if (task == NULL)
		return false;
	if (p->sources != NULL)
		where_thread(task->pid, task->tid, p->sources, p->shown, &stand->where);
	if (p->drives && stand->where.file[0] == '\0')
		return false; /* none of the student's functions is under way */
	calls_describe(task, stand->where.call);
	Wait wait = calls_wait(task);
	if (p->frozen)
		record_text(stand->state, "frozen by the check");
	else if (wait.kind == WAIT_NOT)
		record_text(stand->state, "running, without waiting for anything");
	else if (wait.kind == WAIT_TIMED)
		record_text(stand->state, "asleep for a time");
	describe_socket(task, &scene->sockets, stand->state, sizeof stand->state);
	if (stand->state[0] == '\0' && calls_descriptor(task) == 0)
		record_text(stand->state, "waits for input");
	return true;
}

static void tell_stands(Party *about)
{
	Room *room = room_now();
	if (room == NULL)
		return;
	still_look(&room->scene);
	size_t count;
	Party *const *parties = party_all(&count);
	int stands = 0;
	for (size_t i = 0; i < count && stands < RECORD_STANDS; i++) {
		if (!stand_of(parties[i], &verdict->stand[stands], &room->scene))
			continue;
		if (parties[i] == about)
			verdict->where = verdict->stand[stands].where;
		stands++;
	}
	for (int i = 0; i < MOST_TELLERS && tellers[i] != NULL; i++)
		stands += tellers[i](verdict->stand + stands, RECORD_STANDS - stands);
	verdict->stands = stands;
}

/* The end of what it wrote to standard error. */
static void tell_printed(const Party *about)
{
	if (about == NULL || about->err.size == 0)
		return;
	size_t most = sizeof verdict->printed - 1;
	const char *from = about->err.text + (about->err.size > most ? about->err.size - most : 0);
	record_text(verdict->printed, "%s", from);
}

void story_before_failing(void (*ask)(Party *about))
{
	better_reason = ask;
}

static void ask_for_better_reason(Party *about)
{
	void (*ask)(Party *) = better_reason;
	better_reason = NULL; /* asked once: it may fail the check itself */
	if (ask == NULL || about == NULL)
		return;
	party_watch(NULL, NULL, WATCH_EVIDENCE, -1); /* a report may still be on its way */
	ask(about);
}

void story_blame(const char *code, const char *text)
{
	blamed = code;
	record_text(circumstance, "%s", text ? text : "");
}

/* What is wrong whatever the circumstances. */
static bool speaks_for_itself(const char *code)
{
	static const char *const codes[] = {"dies_of_sigpipe",
	                                    "killed",
	                                    "crashes",
	                                    "spins",
	                                    "spins_after_hang_up",
	                                    "cannot_be_started",
	                                    "memory_error",
	                                    "floods_output",
	                                    "undefined_behaviour",
	                                    NULL};
	for (const char *const *one = codes; *one != NULL; one++)
		if (strcmp(*one, code) == 0)
			return true;
	return false;
}

static _Noreturn void finish(const char *code, Party *about, const char *message)
{
	if (verdict == NULL)
		trouble("%s: %s", code, message);
	ask_for_better_reason(about);
	verdict->status = VERDICT_FAIL;
	if (blamed != NULL && !speaks_for_itself(code))
		code = blamed;
	record_text(verdict->code, "%s", code);
	if (blamed != NULL)
		record_text(verdict->message, "%s This is with the same bytes %s.", message, circumstance);
	else
		record_text(verdict->message, "%s", message);
	record_text(verdict->lesson, "%s", lesson_for(code));
	party_pump(room_now());
	if (also_tell != NULL)
		also_tell(verdict->message);
	tell_stands(about);
	tell_printed(about);
	end_check();
}

void story_fail(const char *code, Party *about, const char *format, ...)
{
	char message[600];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	/* Where everybody stands when all has come to rest, and not at some step on the way there. */
	if (room_now() != NULL && !at_rest)
		party_watch(NULL, NULL, WATCH_EVIDENCE, -1);
	finish(code, about, message);
}

void story_fail_at(const char *code, Party *about, Where where, const char *printed, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(verdict->message, sizeof verdict->message, format, arguments);
	va_end(arguments);
	verdict->status = VERDICT_FAIL;
	record_text(verdict->code, "%s", code);
	record_text(verdict->lesson, "%s", lesson_for(code));
	tell_stands(about);
	verdict->where = where;
	record_text(verdict->printed, "%s", printed);
	end_check();
}

static bool flooded(const Party *p)
{
	return p != NULL && (p->out.flood || p->err.flood);
}

void story_fail_watch(Outcome outcome, const char *code, Party *about, const char *format, ...)
{
	char message[600], ending[96];
	va_list arguments;
	va_start(arguments, format);
	int n = vsnprintf(message, sizeof message - 160, format, arguments);
	va_end(arguments);
	n = n < (int)sizeof message - 160 ? n : (int)sizeof message - 161;
	char *rest = message + n;
	size_t room = sizeof message - (size_t)n;
	ask_for_better_reason(about);
	if (about != NULL && about->start_error != 0) {
		snprintf(rest, room, ", but it could not be started: %s.", strerror(about->start_error));
		code = "cannot_be_started";
	} else if (about != NULL && about->ended && WIFSIGNALED(about->status)) {
		int signal = WTERMSIG(about->status);
		code = signal == SIGPIPE                        ? "dies_of_sigpipe"
		       : signal == SIGKILL || signal == SIGXCPU ? "killed"
		                                                : "crashes";
		snprintf(rest, room, ", but it died of %s.", story_ending(about, ending));
	} else if (about != NULL && about->ended) {
		code = about->serves ? "stops_serving" : "exits_early";
		snprintf(rest, room, ", but it has ended with %s.", story_ending(about, ending));
	} else if (flooded(about)) {
		code = hung_up ? "spins_after_hang_up" : "floods_output";
		snprintf(rest, room, ", but it prints without end.");
	} else if (outcome == WATCH_SPINNING) {
		code = hung_up ? "spins_after_hang_up" : "spins";
		snprintf(rest, room, ", but it runs round and round without waiting for anything.");
	} else if (outcome == WATCH_IDLE) {
		snprintf(rest, room, ", but it only wakes up now and then and does nothing.");
	} else if (outcome == WATCH_RESTLESS) {
		snprintf(rest, room, ", but it does something else by itself, again and again.");
	} else if (outcome == WATCH_CLOCK) {
		verdict->by_the_clock = true;
		snprintf(rest, room, ", but it did not.");
	} else {
		snprintf(rest, room, ", but nothing more will come.");
	}
	finish(code, about, message);
}

void story_skip(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char text[256];
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	verdict->status = VERDICT_SKIPPED;
	record_text(verdict->message, "%s", text);
	end_check();
}
