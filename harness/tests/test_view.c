/*
 * test_view.c: does the screen show what the record says, in as much room as there is?
 *
 * The record is golden/conversation.record: demo 03, as it was once. What the screens are to look like stands beside it. After a change that
 * is wanted: GOLDEN=write build/unit-tests view, and read the difference before it is kept.
 */
#define _GNU_SOURCE
#include "step/view.h"

#include <check.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define GOLDEN "harness/tests/golden/"

Suite *view_suite(void);

static Tape *tape;

static void load(void)
{
	char why[256];
	ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8")); /* as the stepper, who asks the environment */
	tape = tape_load(GOLDEN "conversation.record", why, sizeof why);
	ck_assert_msg(tape != NULL, "%s", why);
}

static void unload(void)
{
	tape_free(tape);
}

/* --- what is written is what the golden file has --- */

static char *written;
static size_t written_size;

static FILE *begin(void)
{
	FILE *out = open_memstream(&written, &written_size);
	ck_assert_ptr_nonnull(out);
	return out;
}

static void spill(const char *path)
{
	FILE *file = fopen(path, "w");
	ck_assert_msg(file != NULL && fputs(written, file) >= 0 && fclose(file) == 0, "%s cannot be written", path);
}

/* Spaces at the end of a row say nothing. */
static void cut_spaces(void)
{
	size_t n = 0;
	for (size_t i = 0; i < written_size; i++) {
		while (written[i] == '\n' && n > 0 && written[n - 1] == ' ')
			n--;
		written[n++] = written[i];
	}
	written[n] = '\0';
	written_size = n;
}

static void is_golden(FILE *out, const char *name)
{
	char path[128], came[128];
	const char *mode = getenv("GOLDEN");
	fclose(out);
	cut_spaces();
	snprintf(path, sizeof path, GOLDEN "%s", name);
	if (mode != NULL && strcmp(mode, "write") == 0)
		spill(path);
	FILE *file = fopen(path, "r");
	char *golden = calloc(1, written_size + 2);
	ck_assert_msg(file != NULL, "%s is not there", path);
	size_t size = fread(golden, 1, written_size + 1, file);
	fclose(file);
	if (size != written_size || memcmp(golden, written, size) != 0) {
		snprintf(came, sizeof came, "build/%s.came", name);
		spill(came);
		ck_abort_msg("it is not what it was: diff %s %s", path, came);
	}
	free(golden);
	free(written);
}

/* The first call is made; "hello" has come back; each waits for the other. */
static const int steps[] = {8, 13, 17};

static void screens(ViewSize size, const char *name)
{
	FILE *out = begin();
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		view_show(out, tape, view_end_of_step(tape, steps[i]), size);
		for (int k = 0; k < size.columns; k++)
			fputc('=', out);
		fputc('\n', out);
	}
	is_golden(out, name);
}

/* Two rows are for the prompt and a message. */
START_TEST(a_small_terminal)
{
	screens((ViewSize){.rows = 22, .columns = 80}, "screen-80x24.txt");
}
END_TEST

START_TEST(a_larger_terminal)
{
	screens((ViewSize){.rows = 38, .columns = 120}, "screen-120x40.txt");
}
END_TEST

START_TEST(line_by_line)
{
	FILE *out = begin();
	for (size_t i = 0; i < tape_count(tape); i++) {
		char *line = view_line(tape_event(tape, i));
		if (*line)
			fprintf(out, "%s\n", line);
		free(line);
	}
	is_golden(out, "screen-lines.txt");
}
END_TEST

START_TEST(each_part_alone)
{
	FILE *out = begin();
	size_t until = view_end_of_step(tape, 13);
	view_stands(out, tape, until);
	fputc('\n', out);
	view_sockets(out, tape, until);
	fputc('\n', out);
	view_packets(out, tape, until);
	is_golden(out, "screen-parts.txt");
}
END_TEST

/* --- whatever its size --- */

/* Columns that a row takes; sequences that colour it take none. */
static int width(const char *row, size_t length)
{
	int columns = 0;
	mbstate_t state = {0};
	for (size_t i = 0; i < length;) {
		wchar_t c;
		if (row[i] == '\033') {
			i += strcspn(row + i, "m") + 1;
			continue;
		}
		size_t n = mbrtowc(&c, row + i, length - i, &state);
		ck_assert_msg(n != (size_t)-1 && n != (size_t)-2 && n != 0, "no UTF-8: %.*s", (int)length, row);
		ck_assert_msg(wcwidth(c) >= 0, "a byte that moves the cursor: %02x", (unsigned)c);
		columns += wcwidth(c);
		i += n;
	}
	return columns;
}

static void fits(size_t until, ViewSize size)
{
	FILE *out = begin();
	view_show(out, tape, until, size);
	fclose(out);
	int rows = 0;
	for (const char *row = written, *end; (end = strchr(row, '\n')) != NULL; row = end + 1, rows++)
		ck_assert_msg(width(row, (size_t)(end - row)) <= size.columns, "event %zu, %dx%d: %.*s", until,
		              size.columns, size.rows, (int)(end - row), row);
	ck_assert_msg(rows <= size.rows, "event %zu, %dx%d: %d rows", until, size.columns, size.rows, rows);
	free(written);
}

START_TEST(it_fits_at_every_event)
{
	static const int sizes[][2] = {{80, 22}, {80, 40}, {100, 28}, {120, 38}, {200, 60}, {61, 24}};
	for (size_t until = 0; until <= tape_count(tape); until++)
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
			for (int colour = 0; colour < 2; colour++)
				fits(until, (ViewSize){.columns = sizes[i][0], .rows = sizes[i][1], .colour = colour});
}
END_TEST

static char *without_colour(const char *text)
{
	char *plain = strdup(text), *to = plain;
	for (const char *from = text; *from != '\0'; from++) {
		if (*from == '\033')
			from += strcspn(from, "m");
		else
			*to++ = *from;
	}
	*to = '\0';
	return plain;
}

START_TEST(colour_adds_nothing_but_colour)
{
	for (int step = 0; step <= tape_steps(tape); step++) {
		size_t until = view_end_of_step(tape, step);
		FILE *out = begin();
		view_show(out, tape, until, (ViewSize){.rows = 22, .columns = 80, .colour = true});
		fclose(out);
		char *coloured = written, *bare = without_colour(coloured);
		ck_assert_ptr_nonnull(strchr(coloured, '\033'));
		out = begin();
		view_show(out, tape, until, (ViewSize){.rows = 22, .columns = 80});
		fclose(out);
		ck_assert_str_eq(bare, written);
		free(coloured);
		free(bare);
		free(written);
	}
}
END_TEST

/* what if what was typed, or comes over the wire, would clear the screen? */
START_TEST(bytes_that_would_disturb_the_screen)
{
	tape_free(tape);
	tape = tape_new(NULL);
	tape_add(tape, json_pack("{s:s, s:i, s:s}", "event", "tape", "lab", 3, "title", "a\033[2Jb\nc"));
	tape_add(tape, json_pack("{s:s, s:i, s:s, s:s}", "event", "party", "step", 0, "who", "server", "program", "p"));
	tape_add(tape, json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "event", "returns", "step", 1, "who", "server",
	                         "thread", "server", "text", "send(3, \033[2J)", "says", "4\r"));
	tape_add(tape, json_pack("{s:s, s:i, s:s}", "event", "tells", "step", 1, "text",
	                         "a\033[2Jb\xc2\x85"
	                         "c"));
	fits(tape_count(tape), (ViewSize){.rows = 22, .columns = 80});
	FILE *out = begin();
	view_show(out, tape, tape_count(tape), (ViewSize){.rows = 22, .columns = 80});
	for (size_t i = 0; i < tape_count(tape); i++) {
		char *line = view_line(tape_event(tape, i));
		fputs(line, out);
		free(line);
	}
	fclose(out);
	ck_assert_ptr_null(strpbrk(written, "\033\r"));
	ck_assert_ptr_null(strstr(written, "\xc2\x85"));
	free(written);
}
END_TEST

START_TEST(an_empty_record)
{
	tape_free(tape);
	tape = tape_new(NULL);
	fits(0, (ViewSize){.rows = 22, .columns = 80});
	FILE *out = begin();
	view_stands(out, tape, 0);
	view_packets(out, tape, 0);
	view_sockets(out, tape, 0);
	fclose(out);
	ck_assert_str_eq(written, "there is no socket\n");
	free(written);
}
END_TEST

START_TEST(ends_of_steps)
{
	ck_assert_uint_eq(view_end_of_step(tape, tape_steps(tape)), tape_count(tape));
	for (int step = 0; step < tape_steps(tape); step++) {
		size_t end = view_end_of_step(tape, step);
		ck_assert_int_le(tape_number(tape_event(tape, end - 1), "step"), step);
		ck_assert(tape_is(tape_event(tape, end), "step"));
		ck_assert_int_eq(tape_number(tape_event(tape, end), "step"), step + 1);
	}
}
END_TEST

Suite *view_suite(void)
{
	Suite *suite = suite_create("view");
	TCase *tcase = tcase_create("view");
	tcase_add_checked_fixture(tcase, load, unload);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_small_terminal);
	tcase_add_test(tcase, a_larger_terminal);
	tcase_add_test(tcase, line_by_line);
	tcase_add_test(tcase, each_part_alone);
	tcase_add_test(tcase, it_fits_at_every_event);
	tcase_add_test(tcase, colour_adds_nothing_but_colour);
	tcase_add_test(tcase, bytes_that_would_disturb_the_screen);
	tcase_add_test(tcase, an_empty_record);
	tcase_add_test(tcase, ends_of_steps);
	suite_add_tcase(suite, tcase);
	return suite;
}
