/* test_tape.c: is a record what was put on it, however it ended? */
#include "report/tape.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *tape_suite(void);

static char path[32];
static char why[256];

static void new_path(void)
{
	snprintf(path, sizeof path, "/tmp/tape-XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ne(fd, -1);
	close(fd);
}

static void no_path(void)
{
	unlink(path);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static json_t *event(const char *kind, int step)
{
	return json_pack("{s:s, s:i}", "event", kind, "step", step);
}

START_TEST(what_is_added_is_there_and_in_the_file_at_once)
{
	Tape *tape = tape_new(path);
	tape_add(tape, json_pack("{s:s, s:i}", "event", "tape", "version", 1));
	tape_add(tape, event("step", 1));
	tape_add(tape, event("prints", 1));
	ck_assert_uint_eq(tape_count(tape), 3);
	ck_assert_int_eq(tape_steps(tape), 1);
	ck_assert(tape_is(tape_event(tape, 2), "prints"));
	ck_assert_str_eq(tape_trouble(tape), "");
	/* Nobody has closed it: it may be broken off at any time. */
	Tape *again = tape_load(path, why, sizeof why);
	ck_assert_msg(again != NULL, "%s", why);
	ck_assert_uint_eq(tape_count(again), 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert(json_equal(tape_event(tape, i), tape_event(again, i)));
	ck_assert_int_eq(tape_steps(again), 1);
	tape_free(again);
	tape_free(tape);
}
END_TEST

START_TEST(a_copy_is_the_same)
{
	char copy[64];
	Tape *tape = tape_new(NULL);
	tape_add(tape, event("tape", 0));
	for (int i = 1; i <= 1000; i++)
		tape_add(tape, event("step", i));
	snprintf(copy, sizeof copy, "%s.copy", path);
	ck_assert(tape_save(tape, copy));
	Tape *again = tape_load(copy, why, sizeof why);
	ck_assert_msg(again != NULL, "%s", why);
	ck_assert_uint_eq(tape_count(again), 1001);
	ck_assert_int_eq(tape_steps(again), 1000);
	unlink(copy);
	ck_assert(!tape_save(tape, "/nowhere/at/all"));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* what if the program that wrote it was killed in the middle of a line? */
START_TEST(a_broken_last_line_is_left_out)
{
	write_file("{\"event\":\"tape\"}\n{\"event\":\"step\",\"step\":1}\n{\"event\":\"returns\",\"st");
	Tape *tape = tape_load(path, why, sizeof why);
	ck_assert_msg(tape != NULL, "%s", why);
	ck_assert_uint_eq(tape_count(tape), 2);
	ck_assert_int_eq(tape_steps(tape), 1);
}
END_TEST

/* clang-format off */
static const struct {
	const char *file, *why;
} wrong[] = {
	{"", "is no record of a conversation"},
	{"hello\n", ", line 1: "},
	{"{\"event\":\"tape\"}\n{\"event\":\"step\"\n{\"event\":\"step\"}\n", ", line 2: "},
	{"{\"event\":\"tape\"}\n[1]\n", ", line 2: no event"},
	{"{\"event\":\"tape\"}\n{\"step\":1}\n", ", line 2: no event"},
	{"{\"event\":\"step\",\"step\":1}\n", "is no record of a conversation"},
	{"{\"event\":\"tape\"}", "is no record of a conversation"}, /* broken off before anything was said */
};
/* clang-format on */

START_TEST(a_wrong_file_is_refused_with_its_line)
{
	write_file(wrong[_i].file);
	ck_assert_ptr_null(tape_load(path, why, sizeof why));
	ck_assert_msg(strstr(why, wrong[_i].why) != NULL && strncmp(why, path, strlen(path)) == 0, "%s", why);
}
END_TEST

START_TEST(a_file_that_is_not_there)
{
	ck_assert_ptr_null(tape_load("/nowhere", why, sizeof why));
	ck_assert_str_eq(why, "/nowhere: No such file or directory");
}
END_TEST

/* what if the disk is full? The conversation goes on, and it is told once. */
START_TEST(what_cannot_be_written_is_kept)
{
	Tape *tape = tape_new("/dev/full");
	tape_add(tape, event("tape", 0));
	tape_add(tape, event("step", 1));
	ck_assert_str_eq(tape_trouble(tape), "the record: No space left on device");
	ck_assert_uint_eq(tape_count(tape), 2);
	tape_free(tape);
	tape = tape_new("/nowhere/record");
	tape_add(tape, event("tape", 0));
	ck_assert_str_eq(tape_trouble(tape), "/nowhere/record: No such file or directory");
	ck_assert_uint_eq(tape_count(tape), 1);
	tape_free(tape);
}
END_TEST

START_TEST(fields)
{
	json_t *e = json_pack("{s:s, s:s, s:i}", "event", "step", "who", "server", "size", 5);
	ck_assert_str_eq(tape_text(e, "who"), "server");
	ck_assert_int_eq(tape_number(e, "size"), 5);
	ck_assert_str_eq(tape_text(e, "size"), "");
	ck_assert_str_eq(tape_text(e, "nothing"), "");
	ck_assert_int_eq(tape_number(e, "who"), 0);
	ck_assert(tape_is(e, "step") && !tape_is(e, "steps"));
}
END_TEST

/* clang-format off */
static const struct {
	const char *bytes, *text;
} texts[] = {
	{"", ""},
	{"hello", "hello"},
	{"a\nb\\c", "a\\nb\\\\c"},
	{"\r\t\x1b\x7f", "\\x0d\\x09\\x1b\\x7f"},
	{"Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f"},
	{"\xf0\x9f\x93\x9e", "\xf0\x9f\x93\x9e"},
	{"\xc3", "\\xc3"},                          /* cut off */
	{"\xbc\xc3\xbc", "\\xbc\xc3\xbc"},
	{"\xc0\x80", "\\xc0\\x80"},                 /* longer than it need be */
	{"\xe0\x80\x80", "\\xe0\\x80\\x80"},
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"},        /* half of a pair */
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond the last */
	{"\xff\xfe", "\\xff\\xfe"},
};
/* clang-format on */

START_TEST(bytes_become_text)
{
	char *text = tape_bytes(texts[_i].bytes, strlen(texts[_i].bytes));
	ck_assert_str_eq(text, texts[_i].text);
	json_t *string = json_string(text);
	ck_assert_ptr_nonnull(string); /* it is UTF-8 */
	json_decref(string);
	free(text);
}
END_TEST

START_TEST(a_nul_is_a_byte)
{
	char *text = tape_bytes("a\0b", 3);
	ck_assert_str_eq(text, "a\\x00b");
	free(text);
}
END_TEST

/* Every pair of bytes: never anything that JSON refuses. */
START_TEST(no_bytes_are_refused)
{
	for (int first = 0; first < 256; first++)
		for (int second = 0; second < 256; second++) {
			const unsigned char bytes[] = {(unsigned char)first, (unsigned char)second, 0x80};
			char *text = tape_bytes(bytes, 3);
			json_t *string = json_string(text);
			ck_assert_msg(string != NULL, "%02x %02x 80", first, second);
			json_decref(string);
			free(text);
		}
}
END_TEST

Suite *tape_suite(void)
{
	Suite *suite = suite_create("tape");
	TCase *tcase = tcase_create("tape");
	tcase_add_checked_fixture(tcase, new_path, no_path);
	tcase_add_test(tcase, what_is_added_is_there_and_in_the_file_at_once);
	tcase_add_test(tcase, a_copy_is_the_same);
	tcase_add_test(tcase, a_broken_last_line_is_left_out);
	tcase_add_loop_test(tcase, a_wrong_file_is_refused_with_its_line, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(tcase, a_file_that_is_not_there);
	tcase_add_test(tcase, what_cannot_be_written_is_kept);
	tcase_add_test(tcase, fields);
	tcase_add_loop_test(tcase, bytes_become_text, 0, sizeof texts / sizeof *texts);
	tcase_add_test(tcase, a_nul_is_a_byte);
	tcase_add_test(tcase, no_bytes_are_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}
