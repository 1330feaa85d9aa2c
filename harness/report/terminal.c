#include "report/compare.h"
#include "report/report.h"
#include "report/text.h"

#include <stdlib.h>
#include <string.h>

enum {
	INDENT = 8,         /* where the story of a failure stands */
	PROSE_MOST = 100,   /* columns that can be read with ease */
	STORY_LINES = 24,   /* the end matters most */
	PRINTED_LINES = 12, /* of what the program printed to stderr */
	COMPILER_LINES = 60,
};

typedef enum { NORMAL, BOLD, DIM, GREEN, RED, YELLOW, MAGENTA } Ink;

typedef struct {
	FILE *out;
	const ReportStyle *style;
	int columns;
} Page;

/* ---- pieces ---- */

static const char *ink(const Page *page, Ink colour)
{
	static const char *const codes[] = {
	    [NORMAL] = "\033[0m", [BOLD] = "\033[1m",    [DIM] = "\033[2m",        [GREEN] = "\033[32m",
	    [RED] = "\033[1;31m", [YELLOW] = "\033[33m", [MAGENTA] = "\033[1;35m",
	};
	return page->style->colour ? codes[colour] : "";
}

static void pad(const Page *page, int columns)
{
	for (; columns > 0; columns--)
		fputc(' ', page->out);
}

/* A line that is not to be broken. */
static void line(const Page *page, int indent, Ink colour, const char *text)
{
	char *clean = text_clean(text, 0);

	pad(page, indent);
	fprintf(page->out, "%s%s%s\n", ink(page, colour), clean, ink(page, NORMAL));
	free(clean);
}

/* Prose, broken between words. */
static void wrap(const Page *page, int indent, Ink colour, const char *text)
{
	char *clean = text_clean(text, 1), *rest = clean;
	int most = page->columns - indent;

	for (char *paragraph; (paragraph = strsep(&rest, "\n"));) {
		int used = 0;
		if (!*paragraph)
			continue;
		for (char *word; (word = strsep(&paragraph, " "));) {
			int width = text_width(word);
			if (used > 0 && used + 1 + width > most) {
				fprintf(page->out, "%s\n", ink(page, NORMAL));
				used = 0;
			}
			if (used == 0) {
				pad(page, indent);
				fputs(ink(page, colour), page->out);
			} else {
				fputc(' ', page->out);
				used++;
			}
			fputs(word, page->out);
			used += width;
		}
		fprintf(page->out, "%s\n", ink(page, NORMAL));
	}
	free(clean);
}

/* The lines of a text that somebody else wrote: at most the first or the last so many. */
static void quote(const Page *page, int indent, const char *mark, const char *text, int most, bool last)
{
	char *clean = text_clean(text, 1), *rest = clean;
	size_t end = strlen(clean);
	int lines = 0, i = 0;

	while (end > 0 && clean[end - 1] == '\n')
		clean[--end] = '\0';
	for (const char *p = clean; *p; p++)
		lines += *p == '\n';
	lines += end > 0;
	for (char *one; end > 0 && (one = strsep(&rest, "\n")); i++) {
		if (last ? i < lines - most : i >= most)
			continue;
		pad(page, indent);
		fprintf(page->out, "%s%s%s%s\n", ink(page, DIM), mark, ink(page, NORMAL), one);
	}
	if (!last && lines > most) {
		pad(page, indent);
		fprintf(page->out, "(and %d more lines)\n", lines - most);
	}
	free(clean);
}

/* ---- one failure ---- */

static void tell_story(const Page *page, const Verdict *v)
{
	quote(page, INDENT, "", v->story, STORY_LINES, true);
}

static void tell_bytes(const Page *page, const Verdict *v)
{
	Comparison c;

	if (!v->bytes.what[0])
		return;
	compare(&c, &v->bytes, page->columns - INDENT - 2);
	line(page, INDENT, NORMAL, v->bytes.what);
	line(page, INDENT + 2, NORMAL, c.expected);
	line(page, INDENT + 2, NORMAL, c.heard);
	if (c.caret[0])
		line(page, INDENT + 2, RED, c.caret);
	for (int i = 0; i < 2 && c.hex[i][0]; i++)
		line(page, INDENT + 2, DIM, c.hex[i]);
	if (c.hex_caret[0])
		line(page, INDENT + 2, RED, c.hex_caret);
}

static void place_of(char *text, size_t size, const Stand *stand)
{
	if (stand->reference)
		snprintf(text, size, "(reference)");
	else if (!stand->where.file[0])
		snprintf(text, size, "(line not known)");
	else if (stand->where.line > 0)
		snprintf(text, size, "%s:%d", stand->where.file, stand->where.line);
	else
		snprintf(text, size, "%s", stand->where.file);
}

static int wider(int width, const char *text)
{
	return text_width(text) > width ? text_width(text) : width;
}

static void cell(const Page *page, const char *text, int width, Ink colour)
{
	char *clean = text_clean(text, 0);

	fprintf(page->out, "%s%s%s", ink(page, colour), clean, ink(page, NORMAL));
	pad(page, width - text_width(clean));
	free(clean);
}

/* Where each side stands: who, place, call, state, each in its column as long as the lines have room. */
static void tell_stands(const Page *page, const Verdict *v)
{
	int who = 0, place = 0, call = 0, state = 0, stands = v->stands < RECORD_STANDS ? v->stands : RECORD_STANDS;
	char text[RECORD_STANDS][sizeof v->where.file + 16];

	for (int i = 0; i < stands; i++) {
		const Stand *s = &v->stand[i];
		place_of(text[i], sizeof text[i], s);
		who = wider(who, s->who);
		place = wider(place, text[i]);
		call = wider(call, s->where.call);
		state = wider(state, s->state);
	}
	bool narrow = INDENT + who + 2 + place + 3 + call + 3 + state > page->columns;
	for (int i = 0; i < stands; i++) {
		const Stand *s = &v->stand[i];
		pad(page, INDENT);
		cell(page, s->who, who + 2, NORMAL);
		cell(page, text[i], narrow || (!call && !state) ? 0 : place + 3, s->reference ? DIM : BOLD);
		if (narrow) {
			fputc('\n', page->out);
			pad(page, INDENT + who + 2);
		}
		cell(page, s->where.call, s->state[0] && call ? call + 3 : 0, NORMAL);
		cell(page, s->state, 0, NORMAL);
		fputc('\n', page->out);
	}
}

static void tell_failure(const Page *page, const Verdict *v)
{
	tell_story(page, v);
	tell_bytes(page, v);
	tell_stands(page, v);
	if (v->stands == 0 && v->where.file[0]) { /* nobody stands anywhere, but there is a place to look at */
		Verdict alone = {.stands = 1, .stand = {{.who = "at", .where = v->where}}};
		tell_stands(page, &alone);
	}
	wrap(page, INDENT, BOLD, v->message);
	wrap(page, INDENT, NORMAL, v->lesson);
	if (v->printed[0]) {
		line(page, INDENT, DIM, "on stderr:");
		quote(page, INDENT, "| ", v->printed, PRINTED_LINES, true);
	}
	if (v->by_the_clock)
		wrap(page, INDENT, YELLOW,
		     "This was reached by the clock and not by a fact: should the machine be very busy, try again.");
}

/* The same mistake of the same program, told in full before. */
static void tell_again(const Page *page, const Verdict *before, const Verdict *v)
{
	char text[sizeof v->message + sizeof v->where.file + 64];
	const char *message = v->message[0] ? v->message : v->code;

	if (v->where.line != before->where.line || strcmp(v->where.file, before->where.file) != 0)
		snprintf(text, sizeof text, "%s (as above, at %s:%d)", message, v->where.file, v->where.line);
	else if (strcmp(v->message, before->message) != 0)
		snprintf(text, sizeof text, "%s (as above)", message);
	else
		snprintf(text, sizeof text, "(as above)");
	wrap(page, INDENT, NORMAL, text);
}

/* ---- one lab ---- */

static const Verdict *told_before(const LabRecord *lab, size_t i)
{
	const CheckRecord *check = &lab->checks[i];

	for (size_t k = 0; k < i; k++)
		if (lab->checks[k].verdict->status == VERDICT_FAIL &&
		    strcmp(lab->checks[k].verdict->code, check->verdict->code) == 0 &&
		    strcmp(lab->checks[k].program, check->program) == 0)
			return lab->checks[k].verdict;
	return NULL;
}

static void tell_check(const Page *page, const LabRecord *lab, size_t i, int program_width)
{
	static const struct {
		const char *word;
		Ink ink;
	} words[] = {[VERDICT_PASS] = {"ok", GREEN},
	             [VERDICT_FAIL] = {"FAIL", RED},
	             [VERDICT_SKIPPED] = {"skip", YELLOW},
	             [VERDICT_NOT_JUDGED] = {"????", MAGENTA}};
	const CheckRecord *check = &lab->checks[i];
	const Verdict *v = check->verdict;

	pad(page, 2);
	cell(page, words[v->status].word, 6, words[v->status].ink);
	cell(page, check->program, program_width + 2, NORMAL);
	cell(page, check->title, 0, v->status == VERDICT_FAIL ? BOLD : NORMAL);
	fputc('\n', page->out);
	if (v->status == VERDICT_SKIPPED || v->status == VERDICT_NOT_JUDGED)
		wrap(page, INDENT, DIM, v->message);
	if (v->status != VERDICT_FAIL)
		return;
	const Verdict *before = page->style->all ? NULL : told_before(lab, i);
	if (before)
		tell_again(page, before, v);
	else
		tell_failure(page, v);
}

static void tell_checks(const Page *page, const LabRecord *lab)
{
	int width = 0;
	bool failed = false;

	for (size_t i = 0; i < lab->count; i++)
		width = wider(width, lab->checks[i].program);
	for (size_t i = 0; i < lab->count; i++) {
		tell_check(page, lab, i, width);
		if (lab->checks[i].verdict->status == VERDICT_FAIL && !failed && page->style->hints) {
			char hint[48];
			snprintf(hint, sizeof hint, "make hint%02d · make replay%02d", lab->number, lab->number);
			line(page, INDENT, DIM, hint);
		}
		failed |= lab->checks[i].verdict->status == VERDICT_FAIL;
	}
}

static void tell_score(const Page *page, const Score *score)
{
	size_t judged = score->checks - score->skipped;
	bool good = score->failed == 0 && score->not_judged == 0;

	fprintf(page->out, "%s%zu of %zu check%s, %d of %d points%s", ink(page, good ? GREEN : BOLD), score->passed,
	        judged, judged == 1 ? "" : "s", score->score, score->max, ink(page, NORMAL));
	if (score->skipped > 0)
		fprintf(page->out, "; %zu skipped", score->skipped);
	if (score->not_judged > 0)
		fprintf(page->out, "; %zu not judged, which is the grader's trouble and not yours", score->not_judged);
	fputc('\n', page->out);
}

static Page page_of(FILE *out, const ReportStyle *style)
{
	int columns = style->columns > 0 ? style->columns : 80;

	return (Page){.out = out, .style = style, .columns = columns < PROSE_MOST ? columns : PROSE_MOST};
}

void report_terminal(FILE *out, const LabRecord *lab, const ReportStyle *style)
{
	Page page = page_of(out, style);
	Score score = report_score(lab);
	const char *said = lab->compiler_output ? lab->compiler_output : "";
	char text[256];

	fprintf(out, "%slab%02d %s%s\n", ink(&page, BOLD), lab->number, lab->name, ink(&page, NORMAL));
	if (lab->compile_failed) {
		quote(&page, 2, "", said, COMPILER_LINES, false);
		snprintf(text, sizeof text, "%s does not compile: mend the first error, then run it again.",
		         lab->folder ? lab->folder : lab->name);
		wrap(&page, 2, BOLD, text);
		return;
	}
	tell_checks(&page, lab);
	if (*said) {
		line(&page, 2, YELLOW, "The compiler warns:");
		quote(&page, 4, "", said, COMPILER_LINES, false);
	}
	tell_score(&page, &score);
}

void report_prose(FILE *out, int indent, const char *text, const ReportStyle *style)
{
	Page page = page_of(out, style);

	wrap(&page, indent, NORMAL, text);
}

void report_sum(FILE *out, size_t labs, const Score *sum, const ReportStyle *style)
{
	Page page = page_of(out, style);

	fprintf(out, "%zu labs: ", labs);
	tell_score(&page, sum);
}
