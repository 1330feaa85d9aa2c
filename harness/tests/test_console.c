/* test_console.c: does the stepper do what is typed? Its input is a pipe; what it prints is what a terminal without colour shows. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *console_suite(void);

static char printed[1 << 20];

/* Types the lines; what comes is in printed[]. */
static void at_the_stepper(const char *lines, const char *arguments)
{
	char command[512];
	snprintf(command, sizeof command, "printf '%s' | build/step %s 2>&1", lines, arguments);
	FILE *step = popen(command, "r");
	ck_assert(step != NULL);
	size_t size = fread(printed, 1, sizeof printed - 1, step);
	printed[size] = '\0';
	ck_assert_msg(pclose(step) == 0, "%s: %.400s", command, printed);
}

static int times(const char *text)
{
	int n = 0;
	for (const char *at = printed; (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

/* Sentences, questions and answers of a demo. */
static int sentences(const char *script)
{
	char line[1024];
	int n = 0;
	FILE *file = fopen(script, "r");
	ck_assert(file != NULL);
	while (fgets(line, sizeof line, file) != NULL)
		n +=
		    strncmp(line, "tell ", 5) == 0 || strncmp(line, "ask ", 4) == 0 || strncmp(line, "answer ", 7) == 0;
	fclose(file);
	return n;
}

static const char the_end[] = "The demo is over.";

/* `cue`, and then Enter, which does the same again, once for each sentence that is not there from the start; one more is the end. */
static void goes_from_sentence_to_sentence(const char *arguments, int there)
{
	char lines[256], enters[128] = "";
	for (int i = 1; i < sentences("labs/03-silence/demo") - there; i++)
		snprintf(enters + 2 * (i - 1), 3, "\\n");
	snprintf(lines, sizeof lines, "cue\\n%s", enters);
	at_the_stepper(lines, arguments);
	ck_assert_int_eq(times(the_end), 0);
	snprintf(lines, sizeof lines, "cue\\n%s\\n\\n", enters);
	at_the_stepper(lines, arguments);
	ck_assert_int_eq(times(the_end), 2);
}

static char record[64];

static void keep_a_record(void)
{
	char command[128];
	snprintf(record, sizeof record, "/tmp/console-%d.record", (int)getpid());
	snprintf(command, sizeof command, "build/step --auto --quiet --record %s 3", record);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(a_cue_goes_on_to_the_next_sentence)
{
	goes_from_sentence_to_sentence("3", 0);
}
END_TEST

/* It opens where nothing has been done yet: the script has said its first sentence by then. */
START_TEST(so_it_does_in_a_record)
{
	char arguments[96];
	keep_a_record();
	snprintf(arguments, sizeof arguments, "--replay %s", record);
	goes_from_sentence_to_sentence(arguments, 1);
	unlink(record);
}
END_TEST

/* Enter makes one call at a time, and a name makes that one's. */
START_TEST(enter_makes_one_call)
{
	at_the_stepper("start server\\nserver\\nserver\\nback 2\\nnow\\nnobody\\nfrobnicate\\n", "3");
	ck_assert_int_eq(times("There is no command \"frobnicate\""), 1);
	ck_assert_int_eq(times("There is no command \"nobody\""), 1);
	ck_assert_int_ge(times("step 3 "), 2);
	ck_assert_int_eq(times("This is step 1 of 3, as it was."), 1);
}
END_TEST

Suite *console_suite(void)
{
	Suite *suite = suite_create("console");
	TCase *tcase = tcase_create("console");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_cue_goes_on_to_the_next_sentence);
	tcase_add_test(tcase, so_it_does_in_a_record);
	tcase_add_test(tcase, enter_makes_one_call);
	suite_add_tcase(suite, tcase);
	return suite;
}
