/* test_record.c: does a record stay whole, whatever is put into it? */
#include "report/record.h"
#include "report/text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *record_suite(void);

START_TEST(text_that_fits_is_kept)
{
	char array[8];
	record_text(array, "%d-%s", 12, "abcd");
	ck_assert_str_eq(array, "12-abcd");
}
END_TEST

START_TEST(text_that_does_not_fit_is_cut_with_dots)
{
	char array[8];
	record_text(array, "%s", "abcdefgh");
	ck_assert_str_eq(array, "abcd…");
}
END_TEST

/* what if the cut falls into a character? */
START_TEST(text_is_cut_between_characters)
{
	char array[8];
	record_text(array, "%s", "abc战狼x");
	ck_assert_str_eq(array, "abc…");
	char tiny[3];
	record_text(tiny, "%s", "战狼");
	ck_assert_str_eq(tiny, "");
}
END_TEST

START_TEST(lines_are_added)
{
	char array[32] = "";
	record_add(array, "one %d", 1);
	record_add(array, "two");
	ck_assert_str_eq(array, "one 1\ntwo\n");
}
END_TEST

START_TEST(the_oldest_lines_make_room)
{
	char array[12] = "";
	record_add(array, "one");
	record_add(array, "two");
	record_add(array, "three");
	ck_assert_str_eq(array, "two\nthree\n");
	record_add(array, "a line that is too long");
	ck_assert_uint_lt(strlen(array), sizeof array);
	ck_assert_str_eq(array, "a line …\n");
}
END_TEST

START_TEST(bytes_keep_their_true_lengths)
{
	static unsigned char many[RECORD_BYTES * 2];
	static Verdict v;
	memset(many, 'x', sizeof many);
	record_bytes(&v, "the reply", "ab", 2, many, sizeof many);
	ck_assert_str_eq(v.bytes.what, "the reply");
	ck_assert_uint_eq(v.bytes.expected_size, 2);
	ck_assert_uint_eq(v.bytes.heard_size, sizeof many);
	ck_assert_int_eq(v.bytes.heard[RECORD_BYTES - 1], 'x');
	record_bytes(&v, "nothing", NULL, 0, NULL, 0);
	ck_assert_uint_eq(v.bytes.heard_size, 0);
}
END_TEST

static const struct {
	const char *bytes;
	size_t count;
	const char *visible;
} sights[] = {
    {"hello", 5, "hello"},
    {"a\0b\xff", 4, "a\\0b\\xff"},
    {"\n\r\t\b\a", 5, "\\n\\r\\t\\b\\a"},
    {"\"\\", 2, "\\\"\\\\"},
    {"\033[31m", 5, "\\x1b[31m"},
    {"é战狼", 8, "é战狼"},
    {"\xe6\x88", 2, "\\xe6\\x88"},                   /* half a character */
    {"\xc0\x80", 2, "\\xc0\\x80"},                   /* a NUL in disguise */
    {"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},          /* half a surrogate pair */
    {"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"}, /* beyond Unicode */
    {"\xc2\x9b", 2, "\\u009b"},                      /* a terminal's escape in one character */
    {"\xe2\x80\xae", 3, "\\u202e"},                  /* turns the direction of writing */
    {"", 0, ""},
};

START_TEST(bytes_become_visible)
{
	char text[64];
	record_visible(text, sizeof text, sights[_i].bytes, sights[_i].count);
	ck_assert_str_eq(text, sights[_i].visible);
}
END_TEST

START_TEST(visible_text_is_cut_whole)
{
	char text[12];
	ck_assert_str_eq(record_visible(text, 8, "abcdefg", 7), "abcdefg");
	ck_assert_str_eq(record_visible(text, 8, "abcdefgh", 8), "abcd…");
	ck_assert_str_eq(record_visible(text, 8, "\xff\xff", 2), "\\xff…");
	ck_assert_str_eq(record_visible(text, 8, "战狼战", 9), "战…");
	ck_assert_str_eq(record_visible(text, 2, "\xff", 1), "");
	ck_assert_str_eq(record_visible(text, 1, "a", 1), "");
}
END_TEST

START_TEST(prose_keeps_its_lines_and_quotes)
{
	char *text = text_clean("say \"a\\n\"\n\033[2J\x80", 1);
	ck_assert_str_eq(text, "say \"a\\n\"\n\\x1b[2J\\x80");
	free(text);
	text = text_clean("one\ntwo\tthree", 0);
	ck_assert_str_eq(text, "one\\ntwo three");
	free(text);
}
END_TEST

START_TEST(columns_are_counted_as_a_terminal_does)
{
	ck_assert_int_eq(text_width("abc"), 3);
	ck_assert_int_eq(text_width("战狼"), 4);
	ck_assert_int_eq(text_width("e\xcc\x81"), 1);
	ck_assert_int_eq(text_width(""), 0);
}
END_TEST

Suite *record_suite(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("record");

	tcase_add_test(tcase, text_that_fits_is_kept);
	tcase_add_test(tcase, text_that_does_not_fit_is_cut_with_dots);
	tcase_add_test(tcase, text_is_cut_between_characters);
	tcase_add_test(tcase, lines_are_added);
	tcase_add_test(tcase, the_oldest_lines_make_room);
	tcase_add_test(tcase, bytes_keep_their_true_lengths);
	tcase_add_loop_test(tcase, bytes_become_visible, 0, sizeof sights / sizeof sights[0]);
	tcase_add_test(tcase, visible_text_is_cut_whole);
	tcase_add_test(tcase, prose_keeps_its_lines_and_quotes);
	tcase_add_test(tcase, columns_are_counted_as_a_terminal_does);
	suite_add_tcase(suite, tcase);
	return suite;
}
