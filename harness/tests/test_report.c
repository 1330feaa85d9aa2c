/*
 * test_report.c: do the reports say what they said?
 *
 * What they are to look like stands in golden/. After a change that is wanted: GOLDEN=write build/unit-tests report,
 * and read the difference before it is kept.
 */
#include "report/compare.h"
#include "report/report.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "harness/tests/golden/"

Suite *report_suite(void);

/* ---- a lab in which everything happens ---- */

enum { CHECKS = 10 };
static Verdict verdicts[CHECKS];
static CheckRecord checks[CHECKS];
static LabRecord lab;

static Verdict *add(const char *name, const char *program, const char *title, Status status, const char *code)
{
	Verdict *v = &verdicts[lab.count];

	v->status = status;
	v->seconds = 0.0125;
	record_text(v->code, "%s", code);
	checks[lab.count++] =
	    (CheckRecord){.name = name, .program = program, .title = title, .points = 10, .verdict = v};
	return v;
}

static void stand(Verdict *v, const char *who, const char *file, int line, const char *call, const char *state)
{
	Stand *s = &v->stand[v->stands++];

	record_text(s->who, "%s", who);
	s->reference = !file;
	record_text(s->where.file, "%s", file ? file : "");
	s->where.line = line;
	record_text(s->where.call, "%s", call);
	record_text(s->state, "%s", state);
}

static void add_empty_line_failure(const char *name, const char *title)
{
	Verdict *v = add(name, "client", title, VERDICT_FAIL, "says_nothing_and_waits");

	record_add(v->story, "typed \"\"  at the prompt");
	record_text(v->lesson, "Each waits for the other to speak: send() with no bytes puts nothing on a TCP stream.");
	record_text(v->message, "The client waits for an answer to a message that never went out.");
	stand(v, "client", "labs/03-silence/client.c", 41, "recv(3)", "nothing to read");
	stand(v, "server", NULL, 0, "recv", "nothing to read");
	v->where = v->stand[0].where;
}

static void add_others(void)
{
	Verdict *v = add("answers_in_upper_case", "server", "answers in upper-case", VERDICT_FAIL, "wrong_reply");
	record_add(v->story, "dialled");
	record_add(v->story, "said \"héllo\"");
	record_bytes(v, "the reply", "H\xc3\xa9LLO", 6, "H\xc3\x89LLO\0\0", 8);
	record_text(v->message, "A byte that is no letter from a to z was changed: \033[2J.");
	record_text(v->printed, "call from 127.0.0.1\nserver: \033]0;evil\007 \xff\n");

	v = add("takes_1024_bytes", "server", "takes a message of 1024 bytes", VERDICT_FAIL, "truncates");
	unsigned char sent[1024], came[1000];
	for (size_t i = 0; i < sizeof sent; i++)
		sent[i] = (unsigned char)('A' + i % 26);
	memcpy(came, sent, sizeof came);
	record_bytes(v, "the reply", sent, sizeof sent, came, sizeof came);
	record_text(v->message, "24 bytes are missing.");
	v->by_the_clock = true;
	stand(v, "server", "/home/students/spring/alice/a-rather-long-folder-name/03-silence/server.c", 1234, "recv(4)",
	      "ESTABLISHED, 1024 bytes unread");
	stand(v, "alice", "", 0, "recv(3)", "nothing to read");

	v = add("waits_for_the_caller", "server", "waits for the caller", VERDICT_FAIL, "spins");
	record_text(v->where.file, "labs/03-silence/server.c");
	v->where.line = 7;
	record_text(v->message, "It spins.");
}

static void make_lab(void)
{
	memset(verdicts, 0, sizeof verdicts);
	lab = (LabRecord){.number = 3, .name = "silence", .folder = "labs/03-silence", .checks = checks};
	add("sends_what_is_typed", "client", "sends what is typed", VERDICT_PASS, "");
	add_empty_line_failure("says_nothing_on_an_empty_line", "says nothing on an empty line");
	add_empty_line_failure("says_nothing_on_spaces", "says nothing on spaces");
	add_others();
	Verdict *v = add("default_port_is_9000", "server", "listens on 9000 by default", VERDICT_SKIPPED, "");
	record_text(v->message, "needs the private room");
	v = add("restarts", "server", "starts again at once", VERDICT_NOT_JUDGED, "");
	record_text(v->message, "pipe: Too many open files");
}

/* ---- golden files ---- */

static char *slurp(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 16);

	if (file && text)
		text[fread(text, 1, (1 << 16) - 1, file)] = '\0';
	if (file)
		fclose(file);
	return text;
}

static void spill(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_msg(file, "%s cannot be written", path);
	fputs(text, file);
	fclose(file);
}

/* What is written to the stream that this returns is to be what the golden file has. */
static char *written;
static size_t written_size;

static FILE *begin(void)
{
	FILE *out = open_memstream(&written, &written_size);
	ck_assert_ptr_nonnull(out);
	return out;
}

static void is_golden(FILE *out, const char *name)
{
	char path[128], came[128];
	const char *mode = getenv("GOLDEN");

	fclose(out);
	snprintf(path, sizeof path, GOLDEN "%s", name);
	if (mode && strcmp(mode, "write") == 0)
		spill(path, written);
	char *golden = slurp(path);
	if (strcmp(golden, written) != 0) {
		snprintf(came, sizeof came, "build/%s.came", name);
		spill(came, written);
		ck_abort_msg("it is not what it was: diff %s %s", path, came);
	}
	free(golden);
	free(written);
}

START_TEST(plain_terminal)
{
	FILE *out = begin();
	report_terminal(out, &lab, &(ReportStyle){.columns = 80, .hints = true});
	is_golden(out, "terminal.txt");
}
END_TEST

START_TEST(colour_terminal)
{
	FILE *out = begin();
	report_terminal(out, &lab, &(ReportStyle){.columns = 80, .hints = true, .colour = true});
	is_golden(out, "terminal-colour.txt");
}
END_TEST

START_TEST(all_in_full_and_wide)
{
	FILE *out = begin();
	report_terminal(out, &lab, &(ReportStyle){.columns = 120, .all = true});
	is_golden(out, "terminal-all.txt");
}
END_TEST

START_TEST(json_line)
{
	FILE *out = begin();
	report_json(out, &lab);
	is_golden(out, "lab.json");
}
END_TEST

START_TEST(compiler_errors_stand_alone)
{
	FILE *out = begin();
	lab.compile_failed = true;
	lab.compiler_output = "labs/03-silence/client.c:3:2: error: \033[31mno\n";
	report_terminal(out, &lab, &(ReportStyle){.columns = 80});
	is_golden(out, "compiler-errors.txt");
}
END_TEST

START_TEST(compiler_warnings_come_after)
{
	FILE *out = begin();
	lab.count = 1;
	lab.compiler_output = "labs/03-silence/client.c:3:2: warning: unused variable\n";
	report_terminal(out, &lab, &(ReportStyle){.columns = 80});
	Score sum = report_score(&lab), twice = sum;
	report_add(&twice, &sum);
	report_sum(out, 2, &twice, &(ReportStyle){.columns = 80});
	is_golden(out, "compiler-warnings.txt");
}
END_TEST

/* What a program reads back must be there, null where unknown. */
START_TEST(json_is_read_back)
{
	FILE *out = begin();
	report_json(out, &lab);
	fclose(out);
	json_t *object = json_loads(written, 0, NULL);
	ck_assert_ptr_nonnull(object);
	ck_assert_str_eq(json_string_value(json_object_get(object, "lab")), "03");
	ck_assert_int_eq(json_integer_value(json_object_get(object, "score")), 10);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "max")), 70);
	json_t *list = json_object_get(object, "checks");
	ck_assert_uint_eq(json_array_size(list), lab.count);
	json_t *where = json_object_get(json_array_get(list, 3), "where");
	ck_assert(json_is_null(json_object_get(where, "file")) && json_is_null(json_object_get(where, "line")));
	where = json_object_get(json_array_get(list, 1), "where");
	ck_assert_int_eq(json_integer_value(json_object_get(where, "line")), 41);
	ck_assert_str_eq(json_string_value(json_object_get(where, "call")), "recv(3)");
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 7), "status")), "not-judged");
	json_decref(object);
	free(written);
}
END_TEST

/* ---- bytes side by side ---- */

static Comparison compared(const char *expected, size_t expected_size, const char *heard, size_t heard_size)
{
	static Verdict v;
	Comparison c;

	record_bytes(&v, "the reply", expected, expected_size, heard, heard_size);
	compare(&c, &v.bytes, 70);
	return c;
}

START_TEST(a_printable_difference_needs_no_hex)
{
	Comparison c = compared("HELLO", 5, "HELlO", 5);
	ck_assert_str_eq(c.expected, "expected  \"HELLO\"   5 bytes");
	ck_assert_str_eq(c.heard, "heard     \"HELlO\"   5 bytes");
	ck_assert_str_eq(c.caret, "              ^ after 3 bytes: expected L, heard l");
	ck_assert_str_eq(c.hex[0], "");
}
END_TEST

START_TEST(nothing_at_all_is_said_so)
{
	Comparison c = compared("HELLO", 5, "", 0);
	ck_assert_str_eq(c.heard, "heard     nothing");
	ck_assert_str_eq(c.caret, "");
	c = compared("", 0, "x", 1);
	ck_assert_str_eq(c.expected, "expected  nothing");
}
END_TEST

START_TEST(the_caret_stands_below_wide_characters)
{
	Comparison c = compared("战狼A", 7, "战狼B", 7);
	ck_assert_str_eq(c.caret, "               ^ after 6 bytes: expected A, heard B");
}
END_TEST

START_TEST(equal_lengths_beyond_what_is_kept)
{
	static char a[RECORD_BYTES + 10], b[RECORD_BYTES + 10];
	memset(a, 'x', sizeof a);
	memset(b, 'x', sizeof b);
	Comparison c = compared(a, sizeof a, b, sizeof b);
	ck_assert_ptr_nonnull(strstr(c.caret, "the same up to here"));
}
END_TEST

START_TEST(every_length_fits)
{
	static char a[RECORD_BYTES + 5], b[RECORD_BYTES + 5];
	for (size_t size = 1; size < sizeof a; size += 7) {
		memset(a, '\xff', sizeof a);
		memcpy(b, a, sizeof b);
		b[size - 1] = 'x';
		Comparison c = compared(a, size, b, size);
		ck_assert_uint_lt(strlen(c.expected), sizeof c.expected - 1);
		ck_assert_ptr_nonnull(strchr(c.caret, '^'));
	}
}
END_TEST

Suite *report_suite(void)
{
	Suite *suite = suite_create("report");
	TCase *forms = tcase_create("forms"), *bytes = tcase_create("bytes");

	tcase_add_checked_fixture(forms, make_lab, NULL);
	tcase_add_test(forms, plain_terminal);
	tcase_add_test(forms, colour_terminal);
	tcase_add_test(forms, all_in_full_and_wide);
	tcase_add_test(forms, json_line);
	tcase_add_test(forms, compiler_errors_stand_alone);
	tcase_add_test(forms, compiler_warnings_come_after);
	tcase_add_test(forms, json_is_read_back);
	tcase_add_test(bytes, a_printable_difference_needs_no_hex);
	tcase_add_test(bytes, nothing_at_all_is_said_so);
	tcase_add_test(bytes, the_caret_stands_below_wide_characters);
	tcase_add_test(bytes, equal_lengths_beyond_what_is_kept);
	tcase_add_test(bytes, every_length_fits);
	suite_add_tcase(suite, forms);
	suite_add_tcase(suite, bytes);
	return suite;
}
