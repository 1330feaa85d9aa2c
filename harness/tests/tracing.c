/* tracing.c: see tracing.h. */
#define _GNU_SOURCE
#include "tracing.h"

#include "guests.h"
#include "observe/decode.h"

#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { MOST = 600 };

static struct {
	pid_t tid;
	char *log;
} threads[MOST];
static int count;

Party *tracing_start(const char *way, ...)
{
	const char *words[8] = {way};
	va_list more;
	va_start(more, way);
	for (size_t i = 1; i < 7 && (words[i] = va_arg(more, const char *)) != NULL; i++)
		;
	va_end(more);
	Party *party =
	    party_start("traced", (char *const[]){guests_path("traced"), NULL}, words, (StartAs){.traced = true});
	ck_assert_msg(party->start_error == 0, "%s: %s", way, strerror(party->start_error));
	threads[count++].tid = party->pid;
	return party;
}

/* From the newest: a number may have been given again. */
static int number_of(pid_t tid)
{
	int i = count;
	while (i > 0 && threads[i - 1].tid != tid)
		i--;
	return i - 1;
}

static void note(pid_t tid, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(pid_t tid, const char *format, ...)
{
	int i = number_of(tid);
	ck_assert_msg(i >= 0, "an event of a thread that was never born");
	char *more, *before = threads[i].log;
	va_list arguments;
	va_start(arguments, format);
	ck_assert(vasprintf(&more, format, arguments) != -1);
	va_end(arguments);
	ck_assert(asprintf(&threads[i].log, "%s%s%s", before ? before : "", before ? " " : "", more) != -1);
	free(before);
	free(more);
}

static void note_result(const TraceEvent *e)
{
	const char *name = decode_name(e);
	bool makes = strcmp(name, "fork") == 0 || strcmp(name, "pthread_create") == 0 || strcmp(name, "waitpid") == 0;
	if (e->result < 0)
		note(e->tid, "%s=%s", name, strerrorname_np((int)-e->result));
	else if (makes && e->result > 0)
		note(e->tid, "%s=id", name);
	else
		note(e->tid, "%s=%lld", name, (long long)e->result);
}

static void note_event(const TraceEvent *e)
{
	switch (e->kind) {
	case TRACE_ENTERS:
		note(e->tid, ">%s", decode_name(e));
		break;
	case TRACE_RETURNS:
		note_result(e);
		break;
	case TRACE_BORN:
		ck_assert_int_lt(count, MOST);
		threads[count++].tid = e->tid;
		note(e->tid, "%s by %c", e->tid == e->pid ? "process" : "thread",
		     number_of(e->by) >= 0 ? 'a' + number_of(e->by) : '?');
		break;
	case TRACE_EXECS:
		note(e->tid, "exec");
		break;
	case TRACE_SIGNAL:
		note(e->tid, "SIG%s", sigabbrev_np(e->signal));
		break;
	case TRACE_ENDS:
		if (e->tid != e->pid)
			note(e->tid, "gone");
		else if (WIFSIGNALED(e->status))
			note(e->tid, "ends SIG%s", sigabbrev_np(WTERMSIG(e->status)));
		else
			note(e->tid, "ends %d", WEXITSTATUS(e->status));
		break;
	}
}

bool tracing_next(TraceEvent *event)
{
	if (!trace_wait(event))
		return false;
	note_event(event);
	return true;
}

bool tracing_until(char thread, const char *call, int times, TraceEvent *event)
{
	while (tracing_next(event)) {
		if (event->kind == TRACE_ENTERS && number_of(event->tid) == thread - 'a' &&
		    strcmp(decode_name(event), call) == 0 && --times == 0)
			return true;
		trace_go(event->tid);
	}
	return false;
}

void tracing_finish(void)
{
	TraceEvent e;
	while (tracing_next(&e))
		trace_go(e.tid);
}

const char *tracing_log(char thread)
{
	ck_assert_int_lt(thread - 'a', count);
	return threads[thread - 'a'].log ? threads[thread - 'a'].log : "";
}

int tracing_threads(void)
{
	return count;
}
