/* test_script.c: is a demo's script read as docs/demos.md says, and is what is wrong in it told with its line? */
#include "step/script.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *script_suite(void);

static char path[32], why[256];
static Script script;

static void new_path(void)
{
	snprintf(path, sizeof path, "/tmp/script-XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ne(fd, -1);
	close(fd);
}

static void no_path(void)
{
	unlink(path);
}

static bool reads(const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
	why[0] = '\0';
	return script_read(&script, path, why, sizeof why);
}

/* clang-format off */
static const struct {
	const char *line;
	Verb verb;
	size_t words;
	const char *first, *last, *text;
} verbs[] = {
	{"title The empty message", SAY_TITLE, 3, "The", "message", "The empty message"},
	{"party server solutions/02-conversation/server PORT", SAY_PARTY, 3, "server", "PORT", NULL},
	{"file notes/ ", SAY_FILE, 1, "notes/", "notes/", ""},
	{"file a.txt one\\ntwo", SAY_FILE, 2, "a.txt", "one\\ntwo", "one\\ntwo"},
	{"tell Two right programs.", SAY_TELL, 3, "Two", "programs.", "Two right programs."},
	{"start server", SAY_START, 1, "server", "server", NULL},
	{"step server", SAY_STEP, 1, "server", "server", NULL},
	{"step server 3", SAY_STEP, 2, "server", "3", NULL},
	{"until server accept", SAY_UNTIL, 2, "server", "accept", NULL},
	{"past\tserver\taccept", SAY_PAST, 2, "server", "accept", NULL},
	{"run", SAY_RUN, 0, NULL, NULL, ""},
	{"run client server", SAY_RUN, 2, "client", "server", NULL},
	{"type client", SAY_TYPE, 1, "client", "client", ""},
	{"type client hello", SAY_TYPE, 2, "client", "hello", "hello"},
	{"type client   two  words ", SAY_TYPE, 3, "client", "words", "  two  words "}, /* spaces count */
	{"keys client abc", SAY_KEYS, 2, "client", "abc", "abc"},
	{"end client", SAY_END, 1, "client", "client", NULL},
	{"signal server SIGTERM", SAY_SIGNAL, 2, "server", "SIGTERM", NULL},
	{"ask Who is stuck?", SAY_ASK, 3, "Who", "stuck?", "Who is stuck?"},
	{"answer Both.", SAY_ANSWER, 1, "Both.", "Both.", "Both."},
	{"expect queues empty", SAY_EXPECT, 2, "queues", "empty", "queues empty"},
	{"expect client printed \"two words\" here", SAY_EXPECT, 4, "client", "here", NULL},
	{"expect client printed \"\"", SAY_EXPECT, 3, "client", "", NULL},
	{"expect client printed \"open to the end", SAY_EXPECT, 3, "client", "open to the end", NULL},
};

static const struct {
	const char *text, *why; /* what is told behind the name of the file */
} wrong[] = {
	{"sing a song\n", ", line 1: there is no verb \"sing\""},
	{"\n# not yet\ntitle T\nstart\n", ", line 4: it should be: start NAME"},
	{"start server client\n", ", line 1: it should be: start NAME"},
	{"until server\n", ", line 1: it should be: until NAME CALL"},
	{"title\n", ", line 1: it should be: title TEXT"},
	{"party server\n", ", line 1: it should be: party NAME FOLDER/PROGRAM [ARGUMENT…]"},
	{"expect queues\n", ", line 1: it should be: expect WHO WHAT…"},
	{"title T\ntell first\n   second\n   third\nnext\n", ", line 5: there is no verb \"next\""},
	{"title T\nstart a\n   b\nrun\n", ", line 2: it should be: start NAME"}, /* the line in which it began */
	{"   start server\n", ", line 1: there is nothing that this line could go on from"},
	{"Start server\n", ", line 1: there is no verb \"Start\""},
};
/* clang-format on */

START_TEST(each_verb)
{
	ck_assert_msg(reads(verbs[_i].line), "%s", why);
	ck_assert_uint_eq(script.count, 1);
	const Cue *cue = &script.cue[0];
	ck_assert_int_eq(cue->verb, verbs[_i].verb);
	ck_assert_int_eq(cue->line, 1);
	ck_assert_uint_eq(cue->words, verbs[_i].words);
	if (cue->words > 0) {
		ck_assert_str_eq(cue->word[0], verbs[_i].first);
		ck_assert_str_eq(cue->word[cue->words - 1], verbs[_i].last);
		ck_assert_ptr_null(cue->word[cue->words]);
	}
	if (verbs[_i].text != NULL)
		ck_assert_str_eq(cue->text, verbs[_i].text);
}
END_TEST

START_TEST(quotes_hold_words_together)
{
	ck_assert(reads("expect client printed \"two  words\" and \"\""));
	ck_assert_str_eq(script.cue[0].word[2], "two  words");
	ck_assert_str_eq(script.cue[0].word[3], "and");
	ck_assert_str_eq(script.cue[0].word[4], "");
}
END_TEST

START_TEST(lines_that_go_on)
{
	ck_assert_msg(reads("# a demo\n"
	                    "title T\n"
	                    "\n"
	                    "tell    One sentence\n"
	                    "        that goes on,\n"
	                    "# and is not ended by this\n"
	                    "\n"
	                    "\tand on.\r\n"
	                    "run\n"),
	              "%s", why);
	ck_assert_uint_eq(script.count, 3);
	ck_assert_str_eq(script.cue[1].text, "One sentence that goes on, and on.");
	ck_assert_uint_eq(script.cue[1].words, 7);
	ck_assert_int_eq(script.cue[0].line, 2);
	ck_assert_int_eq(script.cue[1].line, 4);
	ck_assert_int_eq(script.cue[2].line, 9);
	ck_assert_int_eq(script.cue[2].verb, SAY_RUN);
}
END_TEST

START_TEST(a_script_may_be_empty)
{
	ck_assert(reads("") && script.count == 0);
	ck_assert(reads("# nothing\n\n   \n") && script.count == 0);
}
END_TEST

START_TEST(what_is_wrong_is_told_with_its_line)
{
	ck_assert(!reads(wrong[_i].text));
	ck_assert_msg(strncmp(why, path, strlen(path)) == 0 && strcmp(why + strlen(path), wrong[_i].why) == 0,
	              "%s\nand not\n%s%s", why, path, wrong[_i].why);
}
END_TEST

START_TEST(a_script_that_is_not_there)
{
	ck_assert(!script_read(&script, "/nowhere", why, sizeof why));
	ck_assert_str_eq(why, "/nowhere: No such file or directory");
}
END_TEST

/* Whatever is in labs/ can be read, and somebody plays in it. */
START_TEST(all_that_there_are)
{
	glob_t found;
	ck_assert_int_eq(glob("labs/[0-9][0-9]-*/demo", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		size_t parties = 0;
		ck_assert_msg(script_read(&script, found.gl_pathv[i], why, sizeof why), "%s", why);
		for (size_t k = 0; k < script.count; k++)
			parties += script.cue[k].verb == SAY_PARTY;
		ck_assert_msg(parties > 0 && script.cue[0].verb == SAY_TITLE, "%s", found.gl_pathv[i]);
	}
	globfree(&found);
}
END_TEST

Suite *script_suite(void)
{
	Suite *suite = suite_create("script");
	TCase *tcase = tcase_create("script");
	tcase_add_checked_fixture(tcase, new_path, no_path);
	tcase_add_loop_test(tcase, each_verb, 0, sizeof verbs / sizeof *verbs);
	tcase_add_test(tcase, quotes_hold_words_together);
	tcase_add_test(tcase, lines_that_go_on);
	tcase_add_test(tcase, a_script_may_be_empty);
	tcase_add_loop_test(tcase, what_is_wrong_is_told_with_its_line, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(tcase, a_script_that_is_not_there);
	tcase_add_test(tcase, all_that_there_are);
	suite_add_tcase(suite, tcase);
	return suite;
}
