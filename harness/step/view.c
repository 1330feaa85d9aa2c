#define _GNU_SOURCE
#include "step/view.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { MOST_STANDS = 128, MOST_PARTS = 32, TAB = 4 };

/* Where a thread stands, as the events up to now tell it. */
typedef struct {
	const char *who, *thread;
	const json_t *last;  /* enters, blocks, returns or ends */
	const json_t *place; /* the last event that told a file and a line */
	size_t at;           /* the index of the last */
} Stand;

typedef struct {
	Stand stand[MOST_STANDS];
	size_t stands;
	const json_t *sockets, *told, *asked;
	const char *title;
	long long lab;
	int step;
	const char *mover;
} Now;

/* --- text in columns --- */

static const char *const bold = "\033[1m", *const dim = "\033[2m", *const marked = "\033[7m", *const plain = "\033[0m",
			 *const green = "\033[32m", *const yellow = "\033[33m", *const cyan = "\033[36m";

/* Prints at most `columns` of the text, and fills them up. */
static void column(FILE *out, const char *text, int columns)
{
	mbstate_t state = {0};
	int used = 0;
	while (*text != '\0') {
		wchar_t c;
		size_t n = mbrtowc(&c, text, MB_CUR_MAX, &state);
		bool odd = n == (size_t)-1 || n == (size_t)-2 || n == 0;
		if (odd) {
			n = 1;
			memset(&state, 0, sizeof state);
		}
		odd = odd || wcwidth(c) < 0; /* it would move the cursor */
		int width = odd ? 1 : wcwidth(c);
		if (used + width > columns)
			break;
		if (used + width == columns && text[n] != '\0' && width == 1) {
			fputs("…", out); /* more follows */
			used++;
			break;
		}
		if (odd)
			fputc('?', out);
		else
			fwrite(text, 1, n, out);
		used += width;
		text += n;
	}
	for (; used < columns; used++)
		fputc(' ', out);
}

static char *print(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *print(const char *format, ...)
{
	char *text;
	va_list arguments;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) == -1)
		abort();
	va_end(arguments);
	/* A record may come from anywhere: nothing in it commands the terminal. Newlines are ours. */
	for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
		bool two = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0; /* U+0080 to U+009F */
		if (two || (*at < ' ' && *at != '\n') || *at == 127)
			memset(at, '?', two ? 2 : 1);
	}
	return text;
}

/* Tabs as spaces. */
static char *without_tabs(const char *line)
{
	char *text = malloc(TAB * strlen(line) + 1);
	size_t n = 0;
	if (text == NULL)
		abort();
	for (; *line; line++) {
		if (*line != '\t') {
			text[n++] = *line;
			continue;
		}
		do
			text[n++] = ' ';
		while (n % TAB);
	}
	text[n] = '\0';
	return text;
}

/* --- what is known up to now --- */

static Stand *stand_of(Now *now, const json_t *e)
{
	const char *thread = tape_text(e, "thread");
	for (size_t i = 0; i < now->stands; i++)
		if (strcmp(now->stand[i].thread, thread) == 0)
			return &now->stand[i];
	if (now->stands == MOST_STANDS)
		return &now->stand[MOST_STANDS - 1];
	Stand *s = &now->stand[now->stands++];
	*s = (Stand){.who = tape_text(e, "who"), .thread = thread};
	return s;
}

static Now look(const Tape *tape, size_t until)
{
	Now now = {.title = "", .mover = ""};
	for (size_t i = 0; i < until && i < tape_count(tape); i++) {
		const json_t *e = tape_event(tape, i);
		now.step = (int)tape_number(e, "step");
		if (tape_is(e, "enters") || tape_is(e, "returns") || tape_is(e, "blocks") || tape_is(e, "ends")) {
			Stand *s = stand_of(&now, e);
			s->last = e;
			s->at = i;
			if (tape_number(e, "line") > 0)
				s->place = e;
		} else if (tape_is(e, "step")) {
			now.mover = tape_text(e, "who");
			/* What was told before the last step is old. */
			now.told = now.asked = NULL;
		} else if (tape_is(e, "sockets")) {
			now.sockets = json_object_get(e, "sockets");
		} else if (tape_is(e, "tells") || tape_is(e, "answers")) {
			now.told = e;
			if (tape_is(e, "tells"))
				now.asked = NULL;
		} else if (tape_is(e, "asks")) {
			now.asked = e;
			now.told = NULL;
		} else if (tape_is(e, "tape")) {
			now.title = tape_text(e, "title");
			now.lab = tape_number(e, "lab");
		}
	}
	return now;
}

size_t view_end_of_step(const Tape *tape, int step)
{
	size_t i = tape_count(tape);
	while (i > 0 && tape_number(tape_event(tape, i - 1), "step") > step)
		i--;
	return i;
}

/* --- lines --- */

static const char *arrow(const json_t *packet, char *text, size_t size)
{
	const char *flags = tape_text(packet, "flags"), *data = tape_text(packet, "data");
	long long bytes = tape_number(packet, "size");
	/* PSH says nothing to whoever learns; and ACK is in all of them but the first. */
	const char *name = strstr(flags, "SYN, ACK") ? "SYN ACK"
	                   : strstr(flags, "SYN")    ? "SYN"
	                   : strstr(flags, "RST")    ? "RST"
	                   : strstr(flags, "FIN")    ? "FIN"
	                   : bytes > 0               ? ""
	                   : *flags                  ? "ACK"
	                                             : tape_text(packet, "protocol");
	if (bytes > 0)
		snprintf(text, size, "%s%s\"%s\"", name, *name ? " " : "", data);
	else if (strcmp(name, "UDP") == 0)
		snprintf(text, size, "\"\""); /* an empty one is one all the same */
	else if (strcmp(name, "ICMP") == 0)
		snprintf(text, size, "ICMP: %s", tape_text(packet, "says"));
	else
		snprintf(text, size, "%s", name);
	return text;
}

char *view_line(const json_t *e)
{
	const char *who = tape_text(e, "thread");
	char text[200];
	if (tape_is(e, "step"))
		return print("%4lld  %s: %s %s", tape_number(e, "step"), *who ? who : tape_text(e, "who"),
		             tape_text(e, "does"), tape_text(e, "text"));
	if (tape_is(e, "returns"))
		return print("      %-10s %s = %s", who, tape_text(e, "text"), tape_text(e, "says"));
	if (tape_is(e, "enters"))
		return print("      %-10s next: %s   %s:%lld", who, tape_text(e, "text"), tape_text(e, "file"),
		             tape_number(e, "line"));
	if (tape_is(e, "blocks"))
		return print("      %-10s is blocked in %s, waiting %s", who, tape_text(e, "text"),
		             tape_text(e, "for"));
	if (tape_is(e, "packet"))
		return print("      %10s ── %s ──▶ %s", tape_text(e, "from"), arrow(e, text, sizeof text),
		             tape_text(e, "to"));
	if (tape_is(e, "prints"))
		return print("      %-10s prints \"%s\"", tape_text(e, "who"), tape_text(e, "text"));
	if (tape_is(e, "ends"))
		return print("      %-10s ends: %s", who, tape_text(e, "how"));
	if (tape_is(e, "signal"))
		return print("      %-10s gets %s", who, tape_text(e, "signal"));
	if (tape_is(e, "process") || tape_is(e, "thread"))
		return print("      %-10s is a new %s, made by %s", who, tape_text(e, "event"), tape_text(e, "by"));
	if (tape_is(e, "tells") || tape_is(e, "warns"))
		return print("\n  %s\n", tape_text(e, "text"));
	if (tape_is(e, "asks") || tape_is(e, "answers"))
		return print("\n  %s %s\n", tape_is(e, "asks") ? "?" : "=", tape_text(e, "text"));
	if (tape_is(e, "expects"))
		return print("  %s  expect %s%s%s", json_is_true(json_object_get(e, "held")) ? "ok  " : "FAIL",
		             tape_text(e, "text"), *tape_text(e, "found") ? ": " : "", tape_text(e, "found"));
	return print("%s", "");
}

/* "9000 ↔ 51324", "9000" of one that anybody may ring or write to, "/room/phone ↔ alice". */
static char *socket_ends(const json_t *s)
{
	const char *path = tape_text(s, "path"), *peer = tape_text(s, "peer");
	if (strcmp(tape_text(s, "protocol"), "UNIX") == 0)
		return print("%s%s%s", path, *peer ? " ↔ " : "", peer);
	if (strcmp(tape_text(s, "state"), "LISTEN") == 0)
		return print("%5lld", tape_number(s, "port"));
	if (strcmp(tape_text(s, "protocol"), "UDP") == 0 && tape_number(s, "remote_port") == 0)
		return print("%5lld ↔ any", tape_number(s, "port"));
	return print("%5lld ↔ %lld", tape_number(s, "port"), tape_number(s, "remote_port"));
}

static char *socket_queues(const json_t *s)
{
	const json_t *datagrams = json_object_get(s, "datagrams");
	if (strcmp(tape_text(s, "state"), "LISTEN") == 0)
		return print("waiting %lld of %lld", tape_number(s, "receive_queue"), tape_number(s, "backlog"));
	if (json_is_integer(datagrams) && tape_number(s, "datagrams") > 0)
		return print("unread %lld in %lld datagram%s", tape_number(s, "receive_queue"),
		             tape_number(s, "datagrams"), tape_number(s, "datagrams") == 1 ? "" : "s");
	return print("unread %-6lld unsent %lld", tape_number(s, "receive_queue"), tape_number(s, "send_queue"));
}

/* Columns are counted in letters, and not in bytes. */
static int padding(const char *text, int columns)
{
	size_t letters = mbstowcs(NULL, text, 0);
	int used = letters == (size_t)-1 ? (int)strlen(text) : (int)letters;
	return used < columns ? columns - used : 0;
}

static char *socket_line(const json_t *s)
{
	const char *who = tape_text(s, "who");
	char fd[16] = "";
	if (json_is_integer(json_object_get(s, "fd")))
		snprintf(fd, sizeof fd, "%lld", tape_number(s, "fd"));
	char *ends = socket_ends(s), *queues = socket_queues(s);
	char *line = print("%-9s %2s  %-12s %s%*s  %s", *who ? who : "(nobody)", fd, tape_text(s, "state"), ends,
	                   padding(ends, 13), "", queues);
	free(ends);
	free(queues);
	return line;
}

static char *stand_line(const Stand *s)
{
	if (tape_is(s->last, "blocks"))
		return print("%s is blocked in %s(): it waits %s", s->thread, tape_text(s->last, "call"),
		             tape_text(s->last, "for"));
	if (tape_is(s->last, "enters"))
		return print("%s is about to call %s", s->thread, tape_text(s->last, "text"));
	if (tape_is(s->last, "ends"))
		return print("%s has ended: %s", s->thread, tape_text(s->last, "how"));
	return print("%s runs", s->thread);
}

void view_stands(FILE *out, const Tape *tape, size_t until)
{
	Now now = look(tape, until);
	for (size_t i = 0; i < now.stands; i++) {
		const Stand *s = &now.stand[i];
		bool placed = s->place != NULL && !tape_is(s->last, "ends");
		char *line = stand_line(s);
		char *place = placed ? print("   %s:%lld", tape_text(s->place, "file"), tape_number(s->place, "line"))
		                     : print("%s", "");
		fprintf(out, "%s%s\n", line, place);
		free(line);
		free(place);
	}
}

void view_sockets(FILE *out, const Tape *tape, size_t until)
{
	Now now = look(tape, until);
	size_t i;
	const json_t *s;
	json_array_foreach(now.sockets, i, s)
	{
		char *line = socket_line(s);
		fprintf(out, "%s\n", line);
		free(line);
	}
	if (json_array_size(now.sockets) == 0)
		fputs("there is no socket\n", out);
}

void view_packets(FILE *out, const Tape *tape, size_t until)
{
	for (size_t i = 0; i < until && i < tape_count(tape); i++) {
		const json_t *e = tape_event(tape, i);
		if (!tape_is(e, "packet"))
			continue;
		char *numbers = *tape_text(e, "flags") ? print(" seq %-6lld ack %-6lld", tape_number(e, "sequence"),
		                                               tape_number(e, "acknowledged"))
		                                       : print("%s", "");
		char *line = print("%4lld  %-8s → %-8s %-4s %-14s%s %lld byte%s %s\n", tape_number(e, "step"),
		                   tape_text(e, "from"), tape_text(e, "to"), tape_text(e, "protocol"),
		                   tape_text(e, "flags"), numbers, tape_number(e, "size"),
		                   tape_number(e, "size") == 1 ? "" : "s", tape_text(e, "data"));
		fputs(line, out);
		free(line);
		free(numbers);
	}
}

/* --- the screen --- */

static const json_t *source_of(const Tape *tape, const char *file)
{
	for (size_t i = 0; i < tape_count(tape); i++)
		if (tape_is(tape_event(tape, i), "source") && strcmp(tape_text(tape_event(tape, i), "file"), file) == 0)
			return json_object_get(tape_event(tape, i), "lines");
	return NULL;
}

/* The thread of a party that is worth showing: the one that was told of last. */
static const Stand *telling(const Now *now, const char *who)
{
	const Stand *found = NULL;
	for (size_t i = 0; i < now->stands; i++) {
		const Stand *s = &now->stand[i];
		if (strcmp(s->who, who) == 0 && (found == NULL || s->at > found->at) &&
		    (found == NULL || !tape_is(s->last, "ends")))
			found = s;
	}
	return found;
}

typedef struct {
	const char *who;
	const json_t *command; /* as it was started; NULL: not yet */
} Part;

static size_t parts_of(const Tape *tape, Part parts[MOST_PARTS])
{
	size_t count = 0;
	for (size_t i = 0; i < tape_count(tape); i++) {
		const json_t *e = tape_event(tape, i);
		if (tape_is(e, "party") && count < MOST_PARTS)
			parts[count++] = (Part){.who = tape_text(e, "who")};
		for (size_t k = 0; json_object_get(e, "command") != NULL && k < count; k++)
			if (strcmp(parts[k].who, tape_text(e, "who")) == 0)
				parts[k].command = json_object_get(e, "command");
	}
	return count;
}

/* A port or a path, and no address, and no time in ms. */
static bool is_number(const char *word)
{
	return strspn(word, "0123456789") == strlen(word) ? atoi(word) >= 1024 : strchr(word, '.') == NULL;
}

/* The same number is in both their command lines. */
static bool share_a_number(const json_t *a, const json_t *b)
{
	for (size_t i = 1; i < json_array_size(a); i++)
		for (size_t k = 1; k < json_array_size(b); k++) {
			const char *word = json_string_value(json_array_get(a, i));
			if (is_number(word) && strcmp(word, json_string_value(json_array_get(b, k))) == 0)
				return true;
		}
	return false;
}

/* Who has the other end of a call; "": nobody. */
static const char *far_end(const json_t *sockets, const json_t *s)
{
	size_t i;
	const json_t *other;
	long long port = tape_number(s, "port"), remote = tape_number(s, "remote_port");
	json_array_foreach(sockets, i, other)
	{
		if (remote != 0 && tape_number(other, "port") == remote && tape_number(other, "remote_port") == port)
			return tape_text(other, "who");
	}
	return tape_text(s, "peer");
}

/* With whom a party has to do: who acted last of those it has a call with; else the first with the same number; or NULL. */
static const char *partner_of(const Now *now, const Part *parts, size_t count, const char *who)
{
	const char *found = NULL;
	const json_t *s, *command = NULL;
	size_t i, newest = 0;
	json_array_foreach(now->sockets, i, s)
	{
		const char *other = far_end(now->sockets, s);
		if (strcmp(tape_text(s, "who"), who) != 0 || *other == '\0' || strcmp(other, who) == 0)
			continue;
		const Stand *stand = telling(now, other);
		size_t at = stand != NULL ? stand->at : 0; /* the grader's own lines stand nowhere */
		if (at >= newest) {
			newest = at;
			found = other;
		}
	}
	if (found != NULL)
		return found;
	for (i = 0; i < count; i++)
		if (strcmp(parts[i].who, who) == 0)
			command = parts[i].command;
	for (i = 0; i < count; i++)
		if (strcmp(parts[i].who, who) != 0 && share_a_number(parts[i].command, command))
			return parts[i].who;
	return NULL;
}

/* The screen's two sides: who made the last step, and with whom it has to do. The earlier part stands left. */
static void choose_sides(const Tape *tape, const Now *now, const char *side[2])
{
	Part parts[MOST_PARTS];
	size_t count = parts_of(tape, parts), n = 0;
	side[0] = count > 0 ? parts[0].who : "";
	side[1] = count > 1 ? parts[1].who : "";
	const char *mover = now->mover;
	for (size_t i = 0, newest = 0; *now->mover == '\0' && i < now->stands; i++)
		if (now->stand[i].at >= newest) {
			newest = now->stand[i].at;
			mover = now->stand[i].who;
		}
	if (count <= 2 || *mover == '\0')
		return;
	const char *partner = partner_of(now, parts, count, mover);
	for (size_t i = 0; i < count && partner == NULL; i++) /* nobody yet: then whose part stands next to it */
		if (strcmp(parts[i].who, mover) == 0)
			partner = parts[i + 1 < count ? i + 1 : i - 1].who;
	if (partner == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		if (n < 2 && (strcmp(parts[i].who, mover) == 0 || strcmp(parts[i].who, partner) == 0))
			side[n++] = parts[i].who;
}

/* A part of a source: the lines from `first` on, one of which is marked. */
typedef struct {
	const json_t *lines;
	long long first, marked;
	size_t indent; /* so many columns all of them begin with, and are left out */
	int columns;
} Pane;

static const char *line_of(const Pane *pane, long long number)
{
	return number < 1 ? NULL : json_string_value(json_array_get(pane->lines, (size_t)number - 1));
}

/* Where there is little room. */
static size_t common_indent(const Pane *pane, int rows)
{
	size_t least = pane->columns < 60 ? 80 : 0;
	for (int r = 0; r < rows; r++) {
		const char *text = line_of(pane, pane->first + r);
		char *clean = without_tabs(text != NULL ? text : "");
		size_t indent = strspn(clean, " ");
		if (clean[indent] != '\0' && indent < least)
			least = indent;
		free(clean);
	}
	return least;
}

/* "server.c" where the whole path has no room. */
static const char *short_path(const char *path, int columns)
{
	const char *slash = strrchr(path, '/');
	return (int)strlen(path) > columns && slash != NULL ? slash + 1 : path;
}

static void source_row(FILE *out, const Pane *pane, long long number, bool colour)
{
	const char *text = line_of(pane, number);
	if (text == NULL) {
		column(out, "", pane->columns);
		return;
	}
	bool current = number == pane->marked;
	char *clean = without_tabs(text);
	size_t skip = strlen(clean) < pane->indent ? strlen(clean) : pane->indent;
	char *row = print("%s%3lld %s", current ? "▶" : " ", number, clean + skip);
	if (colour)
		fputs(current ? marked : "", out);
	column(out, row, pane->columns);
	if (colour)
		fputs(plain, out);
	free(clean);
	free(row);
}

/* Why a party stands nowhere. */
static const char *nowhere(const Tape *tape, const char *who)
{
	for (size_t i = 0; i < tape_count(tape); i++) {
		const json_t *e = tape_event(tape, i);
		if (tape_is(e, "party") && strcmp(tape_text(e, "who"), who) == 0)
			return strcmp(tape_text(e, "program"), "(reference)") == 0 ? "(the grader)" : "(not started)";
	}
	return "";
}

static void show_sources(FILE *out, const Tape *tape, const Now *now, const char *const side[2], int rows,
                         ViewSize size)
{
	int half = (size.columns - 1) / 2;
	Pane panes[2];
	for (int k = 0; k < 2; k++) {
		Pane *pane = &panes[k];
		const Stand *s = telling(now, side[k]);
		const json_t *place = s != NULL ? s->place : NULL;
		const char *name = s != NULL ? s->thread : side[k];
		*pane = (Pane){.columns = k == 0 ? half : size.columns - half - 1};
		pane->lines = place != NULL ? source_of(tape, tape_text(place, "file")) : NULL;
		pane->marked = place != NULL ? tape_number(place, "line") : 0;
		pane->first = pane->marked > (rows - 1) / 2 ? pane->marked - (rows - 1) / 2 : 1;
		pane->indent = common_indent(pane, rows - 1);
		char *head =
		    print("%s  %s", name,
		          place != NULL ? short_path(tape_text(place, "file"), pane->columns - (int)strlen(name) - 2)
		          : s != NULL   ? "(no source)"
		                        : nowhere(tape, side[k]));
		if (size.colour)
			fputs(bold, out);
		column(out, head, pane->columns);
		if (size.colour)
			fputs(plain, out);
		fputs(k == 0 ? "│" : "\n", out);
		free(head);
	}
	for (int r = 0; r < rows - 1; r++)
		for (int k = 0; k < 2; k++) {
			source_row(out, &panes[k], panes[k].first + r, size.colour);
			fputs(k == 0 ? "│" : "\n", out);
		}
}

/* One row of the ladder: what stands at which side, and what goes between. */
typedef struct {
	char *text;
	int side; /* 0, 1; 2: between, to the right; 3: to the left; 4: across all */
	bool old; /* of a step before the last */
} Rung;

static int side_of(const char *who, const char *const side[2])
{
	return strcmp(who, side[0]) == 0 ? 0 : strcmp(who, side[1]) == 0 ? 1 : -1;
}

static bool rung_of(const json_t *e, const char *const side[2], Rung *rung)
{
	char text[200];
	const char *who = tape_text(e, "who"), *thread = tape_text(e, "thread");
	const char *name = strcmp(who, thread) == 0 ? "" : thread;
	rung->side = side_of(who, side);
	if (tape_is(e, "returns"))
		rung->text = print("%s%s%s = %s", name, *name ? ": " : "", tape_text(e, "text"), tape_text(e, "says"));
	else if (tape_is(e, "blocks"))
		rung->text = print("%s%s%s …waits", name, *name ? ": " : "", tape_text(e, "text"));
	else if (tape_is(e, "ends"))
		rung->text = print("%s%s■ %s", name, *name ? ": " : "", tape_text(e, "how"));
	else if (tape_is(e, "signal"))
		rung->text = print("%s%s↯ %s", name, *name ? ": " : "", tape_text(e, "signal"));
	else if (tape_is(e, "packet")) {
		int from = side_of(tape_text(e, "from"), side), to = side_of(tape_text(e, "to"), side);
		rung->side = from == 0 && to == 1 ? 2 : from == 1 && to == 0 ? 3 : 4;
		arrow(e, text, sizeof text);
		rung->text = rung->side == 4 ? print("%s → %s  %s", tape_text(e, "from"), tape_text(e, "to"), text)
		                             : print("%s", text);
		return true;
	} else
		return false;
	if (rung->side == -1) { /* somebody who has no side on the screen */
		char *with_name = print("%s%s%s", *name ? "" : who, *name ? "" : ": ", rung->text);
		free(rung->text);
		rung->text = with_name;
		rung->side = 4;
	}
	return true;
}

static void show_arrow(FILE *out, const Rung *rung, int columns)
{
	char *label = print(" %s ", rung->text);
	mbstate_t state = {0};
	const char *at = label;
	size_t letters = mbsrtowcs(NULL, &at, 0, &state);
	int width = letters == (size_t)-1 ? (int)strlen(label) : (int)letters;
	int room = columns - 4;
	width = width < room ? width : room;
	int left = (columns - 2 - width) / 2, right = columns - 2 - width - left;
	fputs(rung->side == 3 ? "◀" : "├", out);
	for (int i = 0; i < left; i++)
		fputs("─", out);
	column(out, label, width);
	for (int i = 0; i < right; i++)
		fputs("─", out);
	fputs(rung->side == 2 ? "▶" : "┤", out);
	free(label);
}

static void show_rung(FILE *out, const Rung *rung, ViewSize size)
{
	int side = size.columns * 3 / 8, middle = size.columns - 2 * side;
	if (size.colour)
		fputs(rung->old ? dim : rung->side == 2 || rung->side == 3 ? cyan : "", out);
	if (rung->side == 4) {
		column(out, rung->text, size.columns);
	} else {
		column(out, rung->side == 0 ? rung->text : "", side);
		if (rung->side >= 2)
			show_arrow(out, rung, middle);
		else
			column(out, rung->side == 0 ? "│" : "│", middle);
		column(out, rung->side == 1 ? rung->text : "", side);
	}
	if (size.colour)
		fputs(plain, out);
	fputc('\n', out);
}

enum { RANKS = 3 };

/* Cause before effect, as on the page: what the step's thread did, then the packets, then what the others did. A line of a story has no
 * such order. */
static int rank_of(const json_t *e, const json_t *began)
{
	const char *mover = tape_text(began, *tape_text(began, "thread") != '\0' ? "thread" : "who");
	const char *thread = tape_text(e, "thread");
	if (!tape_is(began, "step") || strcmp(tape_text(began, "does"), "story") == 0)
		return 0;
	if (tape_is(e, "packet"))
		return 1;
	bool moved = strcmp(thread, mover) == 0 || strcmp(thread, tape_text(began, "who")) == 0;
	return moved && !tape_is(e, "blocks") ? 0 : 2;
}

/* Where the step begins whose last event, or last so far, is the one before `end`. */
static size_t begin_of_step(const Tape *tape, size_t end)
{
	size_t begin = end - 1;
	while (begin > 0 &&
	       tape_number(tape_event(tape, begin - 1), "step") == tape_number(tape_event(tape, end - 1), "step"))
		begin--;
	return begin;
}

static void show_ladder(FILE *out, const Tape *tape, size_t until, const Now *now, const char *const side[2], int rows,
                        ViewSize size)
{
	Rung *rungs = calloc((size_t)rows, sizeof *rungs);
	int count = 0;
	if (rungs == NULL)
		abort();
	/* From the newest back, as many as there is room for. */
	for (size_t end = until, begin; end > 0 && count < rows; end = begin) {
		begin = begin_of_step(tape, end);
		for (int rank = RANKS - 1; rank >= 0; rank--)
			for (size_t i = end; i > begin && count < rows; i--) {
				Rung rung = {0};
				const json_t *e = tape_event(tape, i - 1);
				if (rank_of(e, tape_event(tape, begin)) != rank || !rung_of(e, side, &rung))
					continue;
				rung.old = tape_number(e, "step") < now->step;
				rungs[count++] = rung;
			}
	}
	for (int r = rows; r > 0; r--) {
		if (r <= count) {
			show_rung(out, &rungs[r - 1], size);
			free(rungs[r - 1].text);
		} else {
			fputc('\n', out);
		}
	}
	free(rungs);
}

static void rule(FILE *out, const char *title, ViewSize size)
{
	if (size.colour)
		fputs(dim, out);
	fprintf(out, "── %s ", title);
	for (int i = (int)strlen(title) + 4; i < size.columns; i++)
		fputs("─", out);
	fprintf(out, "%s\n", size.colour ? plain : "");
}

/* A text over as many rows as there are; returns how many it took. */
static int wrapped(FILE *out, const char *sign, const char *text, int rows, ViewSize size)
{
	int used = 0, width = size.columns - 3;
	while (*text != '\0' && used < rows) {
		size_t n = strlen(text);
		if ((int)n > width) {
			n = (size_t)width;
			while (n > 0 && text[n] != ' ')
				n--;
			n = n > 0 ? n : (size_t)width;
			while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
				n--; /* not in the middle of a character */
		}
		bool last = used + 1 == rows && text[n] != '\0';
		fprintf(out, "%s %.*s%s\n", used == 0 ? sign : " ", (int)n, text, last ? "…" : "");
		text += n + strspn(text + n, " ");
		used++;
	}
	return used;
}

static int count_rows(const char *text, int columns)
{
	return *text ? (int)strlen(text) / (columns - 8) + 1 : 0;
}

/* How much a socket matters on the screen: most, where it is one end of a call between the two sides. */
static int weight(const Now *now, const json_t *s, const char *const side[2])
{
	int here = side_of(tape_text(s, "who"), side), there = side_of(far_end(now->sockets, s), side);
	return here == -1 ? 0 : there == -1 ? 1 : 2;
}

/* As many as there is room for, in their order. */
static void show_sockets(FILE *out, const Now *now, const char *const side[2], int rows, ViewSize size)
{
	int room[3] = {0}, of[3] = {0};
	size_t i;
	const json_t *s;
	json_array_foreach(now->sockets, i, s) of[weight(now, s, side)]++;
	for (int w = 2; w >= 0; w--) {
		room[w] = of[w] < rows ? of[w] : rows;
		rows -= room[w];
	}
	json_array_foreach(now->sockets, i, s)
	{
		if (room[weight(now, s, side)]-- <= 0)
			continue;
		char *line = socket_line(s);
		column(out, line, size.columns);
		fputc('\n', out);
		free(line);
	}
}

/* Who else is to be told of: first the two sides, the newest first; who has ended comes last. There must be one. */
static size_t next_stand(const Now *now, const char *const side[2], const bool chosen[])
{
	size_t best = 0;
	int best_rank = -1;
	for (size_t i = 0; i < now->stands; i++) {
		const Stand *s = &now->stand[i];
		int rank = 2 * (side_of(s->who, side) != -1) + !tape_is(s->last, "ends");
		if (!chosen[i] && (rank > best_rank || (rank == best_rank && s->at > now->stand[best].at))) {
			best = i;
			best_rank = rank;
		}
	}
	return best;
}

void view_show(FILE *out, const Tape *tape, size_t until, ViewSize size)
{
	Now now = look(tape, until);
	const char *side[2];
	choose_sides(tape, &now, side);

	char *told = print("%s", now.told ? tape_text(now.told, "text") : ""),
	     *asked = print("%s", now.asked ? tape_text(now.asked, "text") : "");
	int sockets = (int)json_array_size(now.sockets), stands = (int)now.stands;
	int words = count_rows(told, size.columns) + count_rows(asked, size.columns);
	words = words > size.rows / 4 ? size.rows / 4 : words;
	int left = size.rows - 1 - 2 - words; /* the title and two rules */
	int most_sockets = left / 5 > 2 ? left / 5 : 2, most_stands = left / 8 > 2 ? left / 8 : 2;
	sockets = sockets > most_sockets ? most_sockets : sockets;
	stands = stands > most_stands ? most_stands : stands;
	left -= sockets + stands;
	int source = left / 2 > 4 ? left / 2 : 4, ladder = left - source > 3 ? left - source : 3;

	char *title = print(" Demo %02lld · step %d · %s", now.lab, now.step, now.title);
	if (size.colour)
		fputs(marked, out);
	column(out, title, size.columns);
	fprintf(out, "%s\n", size.colour ? plain : "");
	free(title);
	show_sources(out, tape, &now, side, source, size);
	rule(out, "calls and packets", size);
	show_ladder(out, tape, until, &now, side, ladder, size);
	int all = (int)json_array_size(now.sockets);
	char *which = sockets < all ? print("sockets (%d of %d: `queues` shows all)", sockets, all) : print("sockets");
	rule(out, which, size);
	free(which);
	show_sockets(out, &now, side, sockets, size);
	bool chosen[MOST_STANDS] = {0};
	for (int i = 0; i < stands; i++)
		chosen[next_stand(&now, side, chosen)] = true;
	for (size_t i = 0; i < now.stands; i++) {
		const Stand *s = &now.stand[i];
		if (!chosen[i])
			continue;
		char *line = stand_line(s);
		if (size.colour)
			fputs(tape_is(s->last, "blocks") ? yellow : "", out);
		column(out, line, size.columns);
		fprintf(out, "%s\n", size.colour ? plain : "");
		free(line);
	}
	if (size.colour)
		fputs(green, out);
	int used = wrapped(out, "?", asked, words, size);
	wrapped(out, now.told != NULL && tape_is(now.told, "answers") ? "=" : "»", told, words - used, size);
	if (size.colour)
		fputs(plain, out);
	free(told);
	free(asked);
}
