/* test_screen.c: is a printed line found where a person would read it, and nowhere else? */
#include "guests.h"
#include "peer/display.h"
#include "peer/screen.h"
#include "peer/story.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

Suite *screen_suite(void);

/* clang-format off */
static const struct {
	const char *printed, *wanted;
	bool prompts, found;
} lines[] = {
	{"HELLO\n", "HELLO", false, true},
	{"HELLO\nBYE\n", "BYE", false, true},
	{"HELLO", "HELLO", false, false},            /* no line yet */
	{"HELLO THERE\n", "HELLO", false, false},
	{"OTHELLO\n", "HELLO", false, false},
	{"hello\n", "HELLO", false, false},
	{"\n", "", false, true},
	{"", "", false, false},
	{"HELLO \n", "HELLO", false, false},
	/* a prompt in front of the reply does not count */
	{">>: HELLO\n", "HELLO", true, true},
	{">>: >>: HELLO\n", "HELLO", true, true},
	{">>: HELLO\n", "HELLO", false, false},
	{">>: HELLO\n", ">>: HELLO", false, true},
	{">>:HELLO\n", "HELLO", true, false},
	{"HELLO>>: \n", "HELLO", true, false},
	{">>: \n", "", true, true},
	/* what a terminal shows */
	{"HELLO\r\n", "HELLO", false, true},
	{">>: hello\r\nHELLO\r\n>>: ", "HELLO", true, true},
	{"\033[?2004h>>: hello\r\n\033[?2004l\rHELLO\r\n", "HELLO", true, true},
	{"\033[1;32mHELLO\033[0m\n", "HELLO", false, true},
	{"\033[KHELLO\033[K\n", "HELLO", false, true},
	{"\033]0;title\aHELLO\n", "HELLO", false, true},
	{"\0337HELLO\0338\n", "HELLO", false, true},
	{">>: hel\rHELLO\n", "HELLO", true, true},   /* a return goes back to the start of the line */
	{"HE\rHELLO THERE\n", "HELLO", false, false},
	{"HELLO\033[", "HELLO", false, false},
	/* UTF-8 is bytes */
	{"GR\xc3\xbc\xc3\x9f\n", "GR\xc3\xbc\xc3\x9f", false, true},
	{"GR\xc3\xbc\n", "GR\xc3\xbc\xc3\x9f", false, false},
	{"\xf0\x9f\x93\x9e\n", "\xf0\x9f\x93\x9e", false, true},
};
/* clang-format on */

/* `more` may yet come; the texts have no NUL. */
static Output holding(const char *text, bool more)
{
	return (Output){.fd = more ? 0 : -1, .other = -1, .text = strdup(text), .size = strlen(text)};
}

/* clang-format off */
static const struct {
	const char *printed, *wanted;
	bool alone, seen;
} screens[] = {
	{"HELLO\r\n", "HELLO", true, true},
	{"HELLO", "HELLO", true, true},                         /* a row is seen before it is ended */
	{">>: bob|half", "bob|half", true, true},
	{">>: bob|half", "half", true, false},
	{">>: bob|half", "half", false, true},
	/* wiped, printed, painted again */
	{">>: half\r\033[Kcarol: hi\r\n>>: half", "carol: hi", true, true},
	{">>: half\r\033[Kcarol: hi\r\n>>: half", "half", false, true},
	{">>: a long line\rcarol: hi\r\n", "carol: hi", true, false},
	{">>: a long line\rcarol: hi\r\n", "carol: hi", false, true},
	{"one\r\ntwo\r\n\033[2A\033[Mthree", "one", false, false},  /* up, and the row is taken out */
	{"one\r\ntwo\033[2;1HTWO", "TWO", true, true},
	{"abc\b\b\033[P", "ac", true, true},
	{"abc\033[2J", "abc", false, false},
	{"\033]0;title\aHELLO", "HELLO", true, true},
	{"\033[1;31mHELLO\033[0m", "HELLO", true, true},
	/* a letter of two bytes, or two columns wide, is one letter */
	{"\xc3\xa4\xc3\xb6x\b\by", "\xc3\xa4yx", true, true},
	{"\xe6\x88\x98x", "\xe6\x88\x98x", true, true},
	/* what has gone off the top is not seen any more */
	{"first\r\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nlast", "first", false, false},
	{"first\r\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nlast", "last", true, true},
};
/* clang-format on */

START_TEST(a_screen_shows_it)
{
	Output out = holding(screens[_i].printed, true);
	/* All at once, and byte by byte, as it may come. */
	ck_assert_int_eq(display_shows(&out, screens[_i].wanted, screens[_i].alone), screens[_i].seen);
	Output slowly = out;
	for (slowly.size = 0; slowly.size < out.size; slowly.size++)
		display_seen(&slowly);
	ck_assert_int_eq(display_shows(&slowly, screens[_i].wanted, screens[_i].alone), screens[_i].seen);
	free(out.text);
}
END_TEST

START_TEST(a_screen_is_told_row_by_row)
{
	Output out = holding("one\r\n\r\n  two\r\n", true);
	ck_assert_str_eq(display_seen(&out), "\n  one\n    two");
	free(out.text);
}
END_TEST

START_TEST(a_line_is_found)
{
	Output out = holding(lines[_i].printed, true);
	bool found = screen_has_line(&out, 0, lines[_i].wanted, lines[_i].prompts, NULL);
	ck_assert_msg(found == lines[_i].found, "\"%s\"", lines[_i].printed);
}
END_TEST

START_TEST(the_last_line_counts_when_nothing_more_can_come)
{
	Output out = holding("HELLO\nBYE", false);
	ck_assert(screen_has_line(&out, 0, "BYE", false, NULL));
	out.fd = 0;
	ck_assert(!screen_has_line(&out, 0, "BYE", false, NULL));
}
END_TEST

START_TEST(what_was_read_is_not_read_again)
{
	size_t end = 0;
	Output out = holding("SAME\nother\nSAME\n", true);
	ck_assert(screen_has_line(&out, 0, "SAME", false, &end));
	ck_assert_uint_eq(end, 5);
	ck_assert(screen_has_line(&out, end, "SAME", false, &end));
	ck_assert_uint_eq(end, 16);
	ck_assert(!screen_has_line(&out, end, "SAME", false, &end));
	ck_assert_uint_eq(end, 16);
}
END_TEST

/* what if there is a NUL in it? */
START_TEST(a_nul_is_a_byte_like_others)
{
	static char text[] = "HE\0LLO\nHELLO\n";
	size_t end;
	Output out = {.fd = 0, .text = text, .size = sizeof text - 1};
	ck_assert(screen_has_line(&out, 0, "HELLO", false, &end));
	ck_assert_uint_eq(end, sizeof text - 1);
	ck_assert(!screen_has_line(&out, 0, "HE", false, NULL));
}
END_TEST

/* A person at a terminal: types, and reads what came of it; each only once, and in order. */
START_TEST(one_types_and_reads)
{
	static Verdict verdict;
	story_begin(&verdict);
	Party *party = guests_start((StartAs){.input = INPUT_TERMINAL}, "repeats", NULL);
	type_line(party, "one");
	reads(party, "heard one");
	type_line(party, "two  words");
	type_line(party, "gr\xc3\xbc\xc3\x9f");
	reads(party, "heard two  words");
	reads(party, "heard gr\xc3\xbc\xc3\x9f");
	ck_assert(!prints_line(party, "heard one"));
	ck_assert(complains(party, "thought two"));
	ck_assert(!complains(party, "thought three"));
	end_input(party);
	has_exited(party, 0, "does_not_exit");
	ck_assert(strstr(verdict.story, "typed \"two  words\"") != NULL);
}
END_TEST

START_TEST(one_feeds_a_pipe)
{
	static Verdict verdict;
	story_begin(&verdict);
	Party *party = guests_start((StartAs){0}, "repeats", NULL);
	feed(party, (const char *const[]){"one", "", "three", NULL});
	reads(party, "heard one");
	reads(party, "heard ");
	reads(party, "heard three");
	end_input(party);
	reads(party, "end");
	has_exited_with(party, 1, 0, "does_not_exit");
}
END_TEST

Suite *screen_suite(void)
{
	Suite *suite = suite_create("screen");
	TCase *text = tcase_create("text"), *keyboard = tcase_create("keyboard");

	tcase_add_loop_test(text, a_screen_shows_it, 0, (int)(sizeof screens / sizeof *screens));
	tcase_add_test(text, a_screen_is_told_row_by_row);
	tcase_add_loop_test(text, a_line_is_found, 0, (int)(sizeof lines / sizeof *lines));
	tcase_add_test(text, the_last_line_counts_when_nothing_more_can_come);
	tcase_add_test(text, what_was_read_is_not_read_again);
	tcase_add_test(text, a_nul_is_a_byte_like_others);
	suite_add_tcase(suite, text);

	tcase_add_unchecked_fixture(keyboard, guests_build, guests_unbuild);
	tcase_add_checked_fixture(keyboard, guests_enter, NULL);
	tcase_set_timeout(keyboard, 60);
	tcase_add_test(keyboard, one_types_and_reads);
	tcase_add_test(keyboard, one_feeds_a_pipe);
	suite_add_tcase(suite, keyboard);
	return suite;
}
