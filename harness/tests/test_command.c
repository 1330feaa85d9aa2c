/* test_command.c: is a command split as a shell would, and does the program see what it needs and no more? */
#include "program/command.h"
#include "program/words.h"

#include <check.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *command_suite(void);

static char top[PATH_MAX]; /* a folder of our own, and the current one */
static Subject subject;
static char why[512];

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void begin(void)
{
	char made[] = "/tmp/command-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(made));
	ck_assert_ptr_nonnull(realpath(made, top));
	ck_assert_int_eq(chdir(top), 0);
	mkdir("project", 0755);
	mkdir("home", 0755);
	mkdir("work", 0755);
	mkdir("home/tools", 0755);
	mkdir("home/tools/bin", 0755);
	setenv("HOME", words_print("%s/home", top), 1);
	setenv("PATH", "/usr/bin:/bin", 1);
	put("work/server.py", "print()\n", 0644);
	put("work/server", "#!/bin/sh\n", 0755);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void end(void)
{
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool parse(const char *command)
{
	why[0] = '\0';
	return command_parse(&subject, "server", command, words_print("%s/project", top), why, sizeof why);
}

static void parsed(const char *command)
{
	ck_assert_msg(parse(command), "%s: %s", command, why);
	ck_assert_str_eq(subject.name, "server");
	ck_assert_ptr_null(subject.sources);
	ck_assert_ptr_null(subject.broken);
	ck_assert_ptr_null(subject.argv[subject.argc]);
}

/* Exactly these, relative to top; "" ends. */
static void shows(const char *first, const char *second)
{
	const char *wanted[] = {first, second};
	size_t n = 0;

	for (; n < 2 && *wanted[n]; n++) {
		ck_assert_ptr_nonnull(subject.visible[n]);
		ck_assert_str_eq(subject.visible[n], words_print("%s/%s", top, wanted[n]));
	}
	ck_assert_msg(!subject.visible[n], "it shows %s too", subject.visible[n]);
}

START_TEST(words_are_split_as_a_shell_would)
{
	parsed("cat 'a b' \"c d\" e\\ f -x --y=1");
	ck_assert_uint_eq(subject.argc, 6);
	ck_assert_str_eq(subject.argv[0], "/usr/bin/cat");
	ck_assert_str_eq(subject.argv[1], "a b");
	ck_assert_str_eq(subject.argv[2], "c d");
	ck_assert_str_eq(subject.argv[3], "e f");
	ck_assert_str_eq(subject.argv[5], "--y=1");
	shows("", "");
}
END_TEST

START_TEST(files_become_absolute)
{
	parsed("cat work/server.py ./work/../work/server.py work nothing.py");
	char *path = words_print("%s/work/server.py", top);
	ck_assert_str_eq(subject.argv[1], path);
	ck_assert_str_eq(subject.argv[2], path);
	ck_assert_str_eq(subject.argv[4], "nothing.py");
	shows("work", "");
}
END_TEST

START_TEST(a_program_by_its_path)
{
	parsed("work/server 1 2");
	ck_assert_str_eq(subject.argv[0], words_print("%s/work/server", top));
	ck_assert_uint_eq(subject.argc, 3);
	shows("work", "");
}
END_TEST

/* what if the file lies where everything lies? */
START_TEST(great_folders_are_never_shown_whole)
{
	static const char *const folders[] = {"home", "project", "."};
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		char *path = words_print("%s/s.py", folders[i]);
		put(path, "", 0644);
		parsed(words_print("cat %s", path));
		shows(strcmp(folders[i], ".") == 0 ? "s.py" : path, "");
	}
	mkdir("everybody", 0755);
	put("everybody/s.py", "", 0644);
	chmod("everybody", 01777);
	parsed("cat everybody/s.py");
	shows("everybody/s.py", "");
	parsed("cat home project . everybody");
	shows("", "");
}
END_TEST

START_TEST(an_interpreter_brings_its_prefix)
{
	put("home/tools/bin/python", "#!/bin/sh\n", 0755);
	parsed("home/tools/bin/python work/server.py");
	shows("home/tools", "work");
	mkdir("home/bin", 0755);
	put("home/bin/python", "#!/bin/sh\n", 0755);
	parsed("home/bin/python");
	shows("home/bin", "");
}
END_TEST

START_TEST(links_are_followed_one_by_one)
{
	mkdir("venv", 0755);
	mkdir("venv/bin", 0755);
	ck_assert_int_eq(symlink("../../home/tools/bin/real", "venv/bin/python"), 0);
	put("home/tools/bin/real", "#!/bin/sh\n", 0755);
	parsed("venv/bin/python");
	ck_assert_str_eq(subject.argv[0], words_print("%s/venv/bin/python", top));
	shows("venv", "home/tools");
	ck_assert_int_eq(symlink("/usr/bin/cat", "venv/bin/cat"), 0);
	parsed("venv/bin/cat");
	shows("venv", "");
}
END_TEST

START_TEST(a_scripts_interpreter_is_shown)
{
	put("home/tools/bin/odd", "#!/bin/sh\n", 0755);
	put("work/odd", words_print("#!%s/home/tools/bin/odd -x\n", top), 0755);
	parsed("work/odd");
	shows("work", "home/tools");
	setenv("PATH", words_print("%s/home/tools/bin:/usr/bin", top), 1);
	put("work/env", "#!/usr/bin/env odd\n", 0755);
	parsed("work/env");
	shows("work", "home/tools");
	parsed("odd");
	ck_assert_str_eq(subject.argv[0], words_print("%s/home/tools/bin/odd", top));
}
END_TEST

static const char *const wrong[] = {
    "",
    "   ",
    "''",
    "no-such-program-anywhere",
    "./work/nothing",
    "work",
    "work/server.py",
    "cat | cat",
    "cat $(id)",
    "cat `id`",
    "cat 'open",
    "(cat)",
};

START_TEST(what_is_wrong_is_said)
{
	ck_assert_msg(!parse(wrong[_i]), "it took \"%s\"", wrong[_i]);
	ck_assert_uint_gt(strlen(why), 10);
}
END_TEST

Suite *command_suite(void)
{
	Suite *suite = suite_create("command");
	TCase *tcase = tcase_create("command");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, words_are_split_as_a_shell_would);
	tcase_add_test(tcase, files_become_absolute);
	tcase_add_test(tcase, a_program_by_its_path);
	tcase_add_test(tcase, great_folders_are_never_shown_whole);
	tcase_add_test(tcase, an_interpreter_brings_its_prefix);
	tcase_add_test(tcase, links_are_followed_one_by_one);
	tcase_add_test(tcase, a_scripts_interpreter_is_shown);
	tcase_add_loop_test(tcase, what_is_wrong_is_said, 0, sizeof wrong / sizeof wrong[0]);
	suite_add_tcase(suite, tcase);
	return suite;
}
