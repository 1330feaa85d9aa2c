#define _GNU_SOURCE
#include "step/expect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	const Tape *tape;
	const char *who;
	const char *const *word; /* behind the name and the kind */
	size_t words;
	char *found;
	size_t size;
} Question;

static bool is(const Question *q, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what was found; false, for convenience. */
static bool is(const Question *q, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(q->found, q->size, format, arguments);
	va_end(arguments);
	return false;
}

/* Of any thread of the party's; of that one alone where the name has a dot, as in "server.1". */
static bool is_about(const json_t *event, const char *who)
{
	return strcmp(tape_text(event, strchr(who, '.') != NULL ? "thread" : "who"), who) == 0;
}

/* The last event that tells where a thread stands: of one that stands so, at this call (NULL: any), if there is one. */
static const json_t *stand(const Question *q, const char *kind, const char *call)
{
	const json_t *found = NULL;
	char seen[64][48];
	size_t threads = 0;
	for (size_t i = tape_count(q->tape); i > 0; i--) {
		const json_t *e = tape_event(q->tape, i - 1);
		bool tells =
		    tape_is(e, "enters") || tape_is(e, "blocks") || tape_is(e, "returns") || tape_is(e, "ends");
		if (!tells || !is_about(e, q->who))
			continue;
		const char *thread = tape_text(e, "thread");
		bool known = false;
		for (size_t k = 0; k < threads; k++)
			known = known || strcmp(seen[k], thread) == 0;
		if (known)
			continue;
		if (threads < 64)
			snprintf(seen[threads++], sizeof seen[0], "%s", thread);
		if (tape_is(e, kind) && (call == NULL || strcmp(tape_text(e, "call"), call) == 0))
			return e;
		if (found == NULL || tape_is(found, "ends")) /* who lives says more */
			found = e;
	}
	return found;
}

static bool tells_call(const Question *q, const char *kind, const char *call)
{
	const json_t *e = stand(q, kind, call);
	if (e != NULL && tape_is(e, kind) && strcmp(tape_text(e, "call"), call) == 0)
		return true;
	if (e == NULL)
		return is(q, "%s has done nothing yet", q->who);
	return is(q, "%s: %s %s%s", q->who, tape_text(e, "event"), tape_text(e, "text"), tape_text(e, "how"));
}

static bool blocked(const Question *q)
{
	size_t skip = q->words > 1 && strcmp(q->word[0], "in") == 0;
	return q->words > skip && tells_call(q, "blocks", q->word[skip]);
}

static bool before(const Question *q)
{
	return q->words > 0 && tells_call(q, "enters", q->word[0]);
}

/* All the words, with a space between. */
static const char *joined(const char *const *word, size_t words)
{
	static char text[256];
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < words && used < sizeof text; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", word[i]);
	return text;
}

static bool ended(const Question *q)
{
	const char *how = joined(q->word, q->words), *last = NULL;
	for (size_t i = 0; i < tape_count(q->tape); i++) {
		const json_t *e = tape_event(q->tape, i);
		/* The end of a thread is the program's only where that thread is asked for. */
		bool counts = strcmp(tape_text(e, "how"), "the thread ends") != 0 || strchr(q->who, '.') != NULL;
		if (tape_is(e, "ends") && is_about(e, q->who) && counts)
			last = tape_text(e, "how");
	}
	if (last == NULL)
		return is(q, "%s has not ended", q->who);
	return *how == '\0' || strcmp(how, last) == 0 || is(q, "%s ended: %s", q->who, last);
}

static bool running(const Question *q)
{
	const json_t *e = stand(q, "returns", NULL);
	return (e != NULL && tape_is(e, "returns")) || is(q, "%s stands still", q->who);
}

static const char *source_line(const Tape *tape, const char *file, long long line)
{
	for (size_t i = 0; i < tape_count(tape); i++) {
		const json_t *e = tape_event(tape, i);
		if (!tape_is(e, "source") || strcmp(tape_text(e, "file"), file) != 0)
			continue;
		const char *text = json_string_value(json_array_get(json_object_get(e, "lines"), (size_t)line - 1));
		return text != NULL ? text : "";
	}
	return "";
}

static bool line(const Question *q)
{
	const char *wanted = joined(q->word, q->words);
	for (size_t i = tape_count(q->tape); i > 0; i--) {
		const json_t *e = tape_event(q->tape, i - 1);
		if (!is_about(e, q->who) || !tape_is(e, "enters"))
			continue;
		const char *text = source_line(q->tape, tape_text(e, "file"), tape_number(e, "line"));
		return strstr(text, wanted) != NULL || is(q, "%s stands at %s:%lld: %s", q->who, tape_text(e, "file"),
		                                          tape_number(e, "line"), text + strspn(text, " \t"));
	}
	return is(q, "%s stands nowhere", q->who);
}

static bool has_result(const json_t *e, const char *result)
{
	char number[32];
	snprintf(number, sizeof number, "%lld", tape_number(e, "result"));
	return strcmp(number, result) == 0 || strcmp(tape_text(e, "errno"), result) == 0;
}

static bool called(const Question *q)
{
	long count = 0;
	if (q->words < 2)
		return is(q, "it should be: NAME called CALL COUNT [RESULT]");
	for (size_t i = 0; i < tape_count(q->tape); i++) {
		const json_t *e = tape_event(q->tape, i);
		count += tape_is(e, "returns") && is_about(e, q->who) &&
		         strcmp(tape_text(e, "call"), q->word[0]) == 0 && (q->words < 3 || has_result(e, q->word[2]));
	}
	return count == strtol(q->word[1], NULL, 10) || is(q, "%s called it %ld times", q->who, count);
}

static bool returned(const Question *q)
{
	if (q->words < 2)
		return is(q, "it should be: NAME returned CALL RESULT");
	for (size_t i = tape_count(q->tape); i > 0; i--) {
		const json_t *e = tape_event(q->tape, i - 1);
		if (tape_is(e, "returns") && is_about(e, q->who) && strcmp(tape_text(e, "call"), q->word[0]) == 0)
			return has_result(e, q->word[1]) ||
			       is(q, "%s = %s", tape_text(e, "text"), tape_text(e, "says"));
	}
	return is(q, "%s has not returned from %s", q->who, q->word[0]);
}

static bool heard(const Question *q)
{
	const char *wanted = joined(q->word, q->words);
	static const char *const hearing[] = {"recv", "recvfrom", "recvmsg", "read", NULL};
	for (size_t i = tape_count(q->tape); i > 0; i--) {
		const json_t *e = tape_event(q->tape, i - 1);
		if (!tape_is(e, "returns") || !is_about(e, q->who))
			continue;
		for (const char *const *call = hearing; *call != NULL; call++)
			if (strcmp(*call, tape_text(e, "call")) == 0)
				return strcmp(tape_text(e, "data"), wanted) == 0 ||
				       is(q, "%s heard \"%s\"", q->who, tape_text(e, "data"));
	}
	return is(q, "%s has heard nothing", q->who);
}

static bool printed(const Question *q)
{
	const char *wanted = joined(q->word, q->words);
	char *all = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&all, &size);
	for (size_t i = 0; out != NULL && i < tape_count(q->tape); i++) {
		const json_t *e = tape_event(q->tape, i);
		if (tape_is(e, "prints") && is_about(e, q->who))
			fputs(tape_text(e, "text"), out);
	}
	bool found = out != NULL && fclose(out) == 0 && strstr(all, wanted) != NULL;
	if (!found)
		is(q, "%s printed \"%s\"", q->who, all != NULL ? all : "");
	free(all);
	return found;
}

static bool got(const Question *q)
{
	for (size_t i = 0; i < tape_count(q->tape); i++) {
		const json_t *e = tape_event(q->tape, i);
		if (tape_is(e, "signal") && is_about(e, q->who) && q->words > 0 &&
		    strcmp(tape_text(e, "signal"), q->word[0]) == 0)
			return true;
	}
	return is(q, "%s never got it", q->who);
}

static const json_t *sockets_now(const Tape *tape)
{
	for (size_t i = tape_count(tape); i > 0; i--)
		if (tape_is(tape_event(tape, i - 1), "sockets"))
			return json_object_get(tape_event(tape, i - 1), "sockets");
	return NULL;
}

static bool has_socket(const Question *q)
{
	long count = 0, wanted = q->words > 1 ? strtol(q->word[1], NULL, 10) : -1;
	char states[200] = "";
	size_t i, used = 0;
	const json_t *s;
	json_array_foreach(sockets_now(q->tape), i, s)
	{
		if (!is_about(s, q->who))
			continue;
		count += q->words > 0 && strcmp(tape_text(s, "state"), q->word[0]) == 0;
		if (used < sizeof states)
			used += (size_t)snprintf(states + used, sizeof states - used, " %s", tape_text(s, "state"));
	}
	return (wanted == -1 ? count > 0 : count == wanted) || is(q, "%s has:%s", q->who, states);
}

static long long sum(const Question *q, const char *field, bool listeners)
{
	long long bytes = 0;
	size_t i;
	const json_t *s;
	json_array_foreach(sockets_now(q->tape), i, s) if ((q->who[0] == '\0' || is_about(s, q->who)) &&
	                                                   (strcmp(tape_text(s, "state"), "LISTEN") == 0) == listeners)
	    bytes += tape_number(s, field);
	return bytes;
}

static bool amount(const Question *q, const char *field, bool listeners)
{
	long long have = sum(q, field, listeners);
	return (q->words > 0 && have == strtoll(q->word[0], NULL, 10)) || is(q, "there are %lld", have);
}

static bool unread(const Question *q)
{
	return amount(q, "receive_queue", false);
}

static bool datagrams(const Question *q)
{
	return amount(q, "datagrams", false);
}

static bool unsent(const Question *q)
{
	return amount(q, "send_queue", false);
}

static bool waiting(const Question *q)
{
	return amount(q, "receive_queue", true);
}

static bool queues_empty(const Question *q)
{
	Question all = *q;
	all.who = "";
	long long have = sum(&all, "receive_queue", false) + sum(&all, "send_queue", false);
	long long cards = sum(&all, "datagrams", false);
	return (have == 0 && cards == 0) || is(q, "%lld bytes are in them, and %lld datagrams", have, cards);
}

static bool is_such(const json_t *packet, const char *kind)
{
	if (*kind == '\0')
		return true;
	if (strcmp(kind, "data") == 0)
		return tape_number(packet, "size") > 0;
	return strcmp(tape_text(packet, "flags"), kind) == 0 || strcmp(tape_text(packet, "protocol"), kind) == 0;
}

/* "packets 0", "packets 1 data": the number stands where a name would. */
static bool packets(const Question *q)
{
	long count = 0, step = tape_steps(q->tape);
	const char *kind = joined(q->word + 1, q->words > 0 ? q->words - 1 : 0);
	for (size_t i = 0; i < tape_count(q->tape); i++) {
		const json_t *e = tape_event(q->tape, i);
		count += tape_is(e, "packet") && tape_number(e, "step") == step && is_such(e, kind);
	}
	return (q->words > 0 && count == strtol(q->word[0], NULL, 10)) || is(q, "there are %ld", count);
}

static bool packet(const Question *q)
{
	const char *kind = joined(q->word, q->words);
	for (size_t i = 0; i < tape_count(q->tape); i++)
		if (tape_is(tape_event(q->tape, i), "packet") && is_such(tape_event(q->tape, i), kind))
			return true;
	return is(q, "there was none");
}

static const struct {
	const char *kind;
	bool (*holds)(const Question *q);
} kinds[] = {
    {"blocked", blocked},   {"before", before},     {"ended", ended},   {"running", running}, {"line", line},
    {"called", called},     {"returned", returned}, {"heard", heard},   {"printed", printed}, {"got", got},
    {"socket", has_socket}, {"unread", unread},     {"unsent", unsent}, {"waiting", waiting}, {"datagrams", datagrams},
};

bool expect_holds(const Tape *tape, const Cue *cue, char *found, size_t size)
{
	Question q = {.tape = tape, .found = found, .size = size};
	const char *first = cue->word[0];
	found[0] = '\0';
	if (strcmp(first, "queues") == 0 || strcmp(first, "packets") == 0 || strcmp(first, "packet") == 0) {
		q.word = cue->word + 1;
		q.words = cue->words - 1;
		return strcmp(first, "queues") == 0    ? queues_empty(&q)
		       : strcmp(first, "packets") == 0 ? packets(&q)
		                                       : packet(&q);
	}
	q.who = first;
	q.word = cue->word + 2;
	q.words = cue->words - 2;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].kind, cue->word[1]) == 0)
			return kinds[i].holds(&q);
	return is(&q, "nothing can be expected with \"%s\"", cue->word[1]);
}
