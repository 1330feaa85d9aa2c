/* test_crew.c: is all work done, and is nothing left of it? */
#include "program/crew.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *crew_suite(void);

enum { MANY = 40 };
static volatile int *shared; /* what workers write, for all to see */

static void begin(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(shared != MAP_FAILED);
	crew_begin();
}

static void mark(size_t i, void *context)
{
	(void)context;
	shared[i]++;
}

static void count_end(size_t i, int status, void *context)
{
	int *ended = context;
	ck_assert_int_eq(status, 0);
	ended[i]++;
}

START_TEST(each_piece_is_done_once)
{
	int ended[MANY] = {0};
	crew_run(&(Crew){.count = MANY, .jobs = 3, .work = mark, .done = count_end, .context = ended});
	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(shared[i], 1);
		ck_assert_int_eq(ended[i], 1);
	}
}
END_TEST

static void measure(size_t i, void *context)
{
	(void)i;
	(void)context;
	int now = __atomic_add_fetch(&shared[0], 1, __ATOMIC_SEQ_CST), most = shared[1];
	while (now > most &&
	       !__atomic_compare_exchange_n(&shared[1], &most, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	sched_yield();
	__atomic_sub_fetch(&shared[0], 1, __ATOMIC_SEQ_CST);
}

START_TEST(no_more_than_jobs_at_once)
{
	crew_run(&(Crew){.count = MANY, .jobs = 2, .work = measure});
	ck_assert_int_le(shared[1], 2);
}
END_TEST

static void crash_or_exit(size_t i, void *context)
{
	(void)context;
	if (i == 0)
		raise(SIGKILL);
	_exit(7);
}

static void keep_status(size_t i, int status, void *context)
{
	((int *)context)[i] = status;
}

START_TEST(how_it_ended_is_told)
{
	int status[2];
	crew_run(&(Crew){.count = 2, .jobs = 1, .work = crash_or_exit, .done = keep_status, .context = status});
	ck_assert(WIFSIGNALED(status[0]) && WTERMSIG(status[0]) == SIGKILL);
	ck_assert(WIFEXITED(status[1]) && WEXITSTATUS(status[1]) == 7);
}
END_TEST

/* what if a program leaves its parent, its group and its session? */
static void run_away(size_t i, void *context)
{
	(void)i;
	(void)context;
	if (fork() == 0) {
		setsid();
		signal(SIGTERM, SIG_IGN);
		pid_t pid = fork();
		if (pid == 0) {
			shared[0] = getpid();
			for (;;)
				pause();
		}
		_exit(0);
	}
	while (shared[0] == 0)
		sched_yield();
}

START_TEST(who_runs_away_is_caught)
{
	crew_run(&(Crew){.count = 1, .jobs = 1, .work = run_away});
	ck_assert_int_ne(shared[0], 0);
	ck_assert(kill(shared[0], 0) == -1 && errno == ESRCH);
	ck_assert(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
}
END_TEST

static void stay(size_t i, void *context)
{
	run_away(i, context);
	for (;;)
		pause();
}

/* what if somebody stops us in the middle? */
START_TEST(a_signal_ends_us_all)
{
	char folder[] = "/tmp/crew-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(folder));
	prctl(PR_SET_CHILD_SUBREAPER, 0); /* it is to do its own sweeping */
	pid_t pid = fork();
	if (pid == 0) {
		crew_begin();
		crew_remove_when_stopped(folder);
		crew_run(&(Crew){.count = 1, .jobs = 1, .work = stay});
		_exit(0);
	}
	while (shared[0] == 0)
		sched_yield();
	kill(pid, SIGINT);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	ck_assert(kill(shared[0], 0) == -1 && errno == ESRCH);
	ck_assert_int_eq(access(folder, F_OK), -1);
}
END_TEST

static void look_around(size_t i, void *context)
{
	char byte;
	(void)i;
	(void)context;
	shared[0] = read(STDIN_FILENO, &byte, 1) == 0 && getsid(0) == getpid() && open("/dev/tty", O_RDWR) == -1;
}

START_TEST(a_worker_has_no_terminal)
{
	crew_run(&(Crew){.count = 1, .jobs = 1, .work = look_around});
	ck_assert_int_eq(shared[0], 1);
}
END_TEST

Suite *crew_suite(void)
{
	Suite *suite = suite_create("crew");
	TCase *tcase = tcase_create("crew");

	tcase_add_checked_fixture(tcase, begin, NULL);
	tcase_add_test(tcase, each_piece_is_done_once);
	tcase_add_test(tcase, no_more_than_jobs_at_once);
	tcase_add_test(tcase, how_it_ended_is_told);
	tcase_add_test(tcase, who_runs_away_is_caught);
	tcase_add_test(tcase, a_signal_ends_us_all);
	tcase_add_test(tcase, a_worker_has_no_terminal);
	suite_add_tcase(suite, tcase);
	return suite;
}
