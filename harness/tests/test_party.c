/* test_party.c: is a program started, fed, stopped and heard to its end exactly as party.h says? */
#include "guests.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *party_suite(void);

static const StartAs plain = {0};

static void prints(Party *party, const char *text)
{
	ck_assert_str_eq(guests_answer(party), text);
}

/* --- input --- */

START_TEST(a_pipe_is_silent_until_something_is_said)
{
	Party *party = guests_start(plain, "repeats", NULL);
	guests_says(party, "000\n");
	ck_assert_int_eq(party_watch(NULL, NULL, 0, -1), WATCH_STILL);
	party_input(party, "one\ntwo\n", 8);
	guests_says(party, "heard two\n");
	ck_assert_int_eq(party_watch(NULL, NULL, 0, -1), WATCH_STILL);
	ck_assert_uint_eq(party_unread_input(party), 0);
	party_end_input(party);
	prints(party, "000\nheard one\nheard two\nend\n");
	ck_assert_str_eq(party->err.text, "thought one\nthought two\n");
	ck_assert(WIFEXITED(party->status) && WEXITSTATUS(party->status) == 0);
}
END_TEST

START_TEST(a_file_is_full_already)
{
	Party *party = guests_start((StartAs){.input = INPUT_FILE, .file = "one\ntwo"}, "repeats", NULL);
	prints(party, "000\nheard one\nheard twoend\n");
	prints(guests_start((StartAs){.input = INPUT_FILE, .file = ""}, "reads", NULL), "0 bytes: \n");
}
END_TEST

/* The terminal echoes what is typed, and makes a newline of Enter; standard error has one of its own. */
START_TEST(a_terminal_is_one)
{
	StartAs terminal = {.input = INPUT_TERMINAL};
	Party *party = guests_start(terminal, "repeats", NULL);
	guests_says(party, "111\r\n");
	ck_assert_int_eq(party_watch(NULL, NULL, 0, -1), WATCH_STILL);
	party_input(party, "one\r", 4);
	guests_says(party, "one\r\nheard one\r\n");
	ck_assert_int_eq(party_watch(NULL, NULL, 0, -1), WATCH_STILL);
	ck_assert_str_eq(party->err.text, "thought one\r\n");
	party_end_input(party);
	prints(party, "111\r\none\r\nheard one\r\nend\r\n");
	prints(guests_start(terminal, "has_terminal", NULL), "a terminal\r\n");
	prints(guests_start(plain, "has_terminal", NULL), "no terminal\n");
}
END_TEST

/* what if it is more than a pipe holds, and more than a terminal's line? */
START_TEST(much_input_comes_whole)
{
	static char text[300000];
	memset(text, 'x', sizeof text);
	Party *party = guests_start(plain, "reads", NULL);
	party_input(party, text, sizeof text);
	party_end_input(party);
	prints(party, "300000 bytes: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n");
}
END_TEST

/* what if it has gone before it has read? */
START_TEST(input_that_nobody_reads_is_no_trouble)
{
	static char text[300000];
	Party *party = guests_start(plain, "ends", "0", NULL);
	guests_answer(party);
	party_input(party, text, sizeof text);
	party_end_input(party);
	Party *sleeper = guests_start(plain, "is_busy", NULL);
	guests_says(sleeper, "busy");
	party_freeze(sleeper);
	party_input(sleeper, text, sizeof text); /* it will never read: known, and not waited for */
	ck_assert_uint_gt(party_unread_input(sleeper), 4096);
	party_kill(sleeper);
}
END_TEST

/* --- output --- */

START_TEST(much_output_comes_whole)
{
	size_t size = 0;
	char line[32];
	Party *party = guests_start(plain, "prints_much", NULL);
	const char *answer = guests_answer(party);
	for (int i = 0; i < 100000; i++) {
		int n = snprintf(line, sizeof line, "line %d\n", i);
		ck_assert_msg(strncmp(answer + size, line, (size_t)n) == 0, "after %zu bytes: %.20s", size,
		              answer + size);
		size += (size_t)n;
	}
	ck_assert_uint_eq(party->out.size, size);
	ck_assert(!party->out.flood);
}
END_TEST

START_TEST(each_has_its_own)
{
	Party *one = guests_start(plain, "repeats", NULL), *other = guests_start(plain, "repeats", NULL);
	party_input(one, "one\n", 4);
	party_input(other, "other\n", 6);
	guests_says(other, "heard other");
	guests_says(one, "heard one");
	party_end_input(other);
	prints(other, "000\nheard other\nend\n");
	ck_assert(!one->ended && strstr(one->out.text, "end") == NULL);
	ck_assert_int_eq(other->leftovers, 0);
	party_end_input(one);
	prints(one, "000\nheard one\nend\n");
}
END_TEST

/* --- how it was started, and how it ended --- */

START_TEST(its_environment_is_ours_to_say)
{
	setenv("SECRET", "known", 1);
	prints(guests_start(plain, "tells_variable", "SECRET", NULL), "not set\n");
	prints(guests_start((StartAs){.environment = "LESSON=silence"}, "tells_variable", "LESSON", NULL), "silence\n");
	Party *home = guests_start(plain, "tells_variable", "HOME", NULL);
	size_t size = strcspn(guests_answer(home), "\n");
	ck_assert(strncmp(home->out.text, room_now()->folder, size) == 0 && strlen(room_now()->folder) == size);
	Party *folder = guests_start(plain, "tells_folder", NULL);
	ck_assert_str_eq(guests_answer(folder), home->out.text);
}
END_TEST

static const int statuses[] = {0, 1, 2, 77, 127, 255};

START_TEST(an_exit_status_is_told)
{
	char number[8];
	snprintf(number, sizeof number, "%d", statuses[_i]);
	Party *party = guests_start(plain, "ends", number, NULL);
	guests_answer(party);
	ck_assert(WIFEXITED(party->status) && WEXITSTATUS(party->status) == statuses[_i]);
	ck_assert_int_eq(party->leftovers, 0);
}
END_TEST

static const int signals[] = {SIGSEGV, SIGABRT, SIGPIPE, SIGTERM, SIGKILL, SIGFPE};

START_TEST(a_signal_is_told)
{
	char number[8];
	snprintf(number, sizeof number, "%d", signals[_i]);
	Party *itself = guests_start(plain, "dies", number, NULL);
	guests_answer(itself);
	ck_assert(WIFSIGNALED(itself->status) && WTERMSIG(itself->status) == signals[_i]);
	Party *other = guests_start(plain, "repeats", NULL);
	guests_says(other, "000");
	party_signal(other, signals[_i]);
	guests_answer(other);
	ck_assert(WIFSIGNALED(other->status) && WTERMSIG(other->status) == signals[_i]);
	ck_assert(!other->killed_by_us);
}
END_TEST

/* In a folder that the room shows: no such file, a file that may not be run, one that is no program. */
START_TEST(what_cannot_be_started_is_told)
{
	static const struct {
		const char *name;
		mode_t mode;
		int error;
	} files[] = {{"absent", 0, ENOENT}, {"no_x", 0644, EACCES}, {"no_program", 0755, ENOEXEC}};
	char *path = guests_path(files[_i].name), message[512];
	if (files[_i].mode != 0) {
		int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		ck_assert(fd != -1 && write(fd, "no program\n", 11) == 11 && fchmod(fd, files[_i].mode) == 0);
		close(fd);
	}
	ck_assert_msg(room_prepare(message, sizeof message), "%s", message);
	room_open((char *[]){path, guests_path("guest"), NULL});
	Party *party = party_start("it", (char *const[]){path, NULL}, NULL, plain);
	ck_assert_int_eq(party->start_error, files[_i].error);
	ck_assert(party->ended);
	/* and the room is none the worse for it */
	prints(guests_start(plain, "tells_variable", "NOTHING", NULL), "not set\n");
	room_cleanup();
}
END_TEST

/* --- freezing --- */

static void look(TaskList *list)
{
	tasks_look(list, room_now()->warden);
}

/* How many of them stand stopped; the sum of how often they ran goes to *ran. */
static size_t stopped(const TaskList *list, uint64_t *ran)
{
	size_t count = 0;
	*ran = 0;
	for (size_t i = 0; i < list->count; i++) {
		count += list->task[i].state == 'T' || list->task[i].state == 't';
		*ran += list->task[i].cpu_ns;
	}
	return count;
}

START_TEST(frozen_is_every_thread_and_child)
{
	TaskList list = {0};
	uint64_t then, now;
	Party *party = guests_start(plain, "is_busy", NULL);
	guests_says(party, "busy");
	for (int i = 0; i < 20; i++) {
		party_freeze(party);
		look(&list);
		ck_assert_uint_eq(stopped(&list, &then), 6); /* main, three threads, two children */
		for (int k = 0; k < 100; k++)
			sched_yield();
		look(&list);
		ck_assert_uint_eq(stopped(&list, &now), 6);
		ck_assert_uint_eq(now, then);
		party_thaw(party);
		look(&list);
		ck_assert_uint_eq(stopped(&list, &now), 0);
	}
	tasks_free(&list);
	party_end_input(party);
	guests_says(party, "end");
}
END_TEST

START_TEST(killed_is_everything)
{
	TaskList list = {0};
	Party *party = guests_start(plain, "is_busy", NULL);
	guests_says(party, "busy");
	if (_i == 1)
		party_freeze(party);
	party_kill(party);
	ck_assert(party->ended && party->killed_by_us);
	ck_assert(WIFSIGNALED(party->status) && WTERMSIG(party->status) == SIGKILL);
	look(&list);
	ck_assert_uint_eq(list.processes, 0);
	ck_assert_int_eq(party->leftovers, 0);
	tasks_free(&list);
}
END_TEST

START_TEST(what_it_leaves_behind_is_counted)
{
	Party *party = guests_start(plain, "runs_away", NULL);
	guests_answer(party);
	guests_says(party, "away");
	ck_assert_int_ge(party->leftovers, 1);
	party_kill(party);
	TaskList list = {0};
	look(&list);
	ck_assert_uint_eq(list.processes, 0);
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof *(list))

Suite *party_suite(void)
{
	Suite *suite = suite_create("party");
	TCase *tcase = tcase_create("party"), *unstarted = tcase_create("unstarted");

	tcase_add_unchecked_fixture(tcase, guests_build, guests_unbuild);
	tcase_add_checked_fixture(tcase, guests_enter, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_pipe_is_silent_until_something_is_said);
	tcase_add_test(tcase, a_file_is_full_already);
	tcase_add_test(tcase, a_terminal_is_one);
	tcase_add_test(tcase, much_input_comes_whole);
	tcase_add_test(tcase, input_that_nobody_reads_is_no_trouble);
	tcase_add_test(tcase, much_output_comes_whole);
	tcase_add_test(tcase, each_has_its_own);
	tcase_add_test(tcase, its_environment_is_ours_to_say);
	tcase_add_loop_test(tcase, an_exit_status_is_told, 0, COUNT(statuses));
	tcase_add_loop_test(tcase, a_signal_is_told, 0, COUNT(signals));
	tcase_add_test(tcase, frozen_is_every_thread_and_child);
	tcase_add_loop_test(tcase, killed_is_everything, 0, 2);
	tcase_add_test(tcase, what_it_leaves_behind_is_counted);
	suite_add_tcase(suite, tcase);

	/* These open a room of their own, that shows one file more. */
	tcase_add_unchecked_fixture(unstarted, guests_build, guests_unbuild);
	tcase_add_loop_test(unstarted, what_cannot_be_started_is_told, 0, 3);
	suite_add_tcase(suite, unstarted);
	return suite;
}
