/* test_trace.c: is every call that matters told, of every thread, and held until it is let go? */
#define _GNU_SOURCE
#include "guests.h"
#include "observe/tasks.h"
#include "tracing.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *trace_suite(void);

static void log_is(char thread, const char *wanted)
{
	ck_assert_str_eq(tracing_log(thread), wanted);
}

static void log_ends(char thread, const char *wanted)
{
	const char *log = tracing_log(thread);
	size_t n = strlen(log), k = strlen(wanted);
	ck_assert_msg(n >= k && strcmp(log + n - k, wanted) == 0, "it ends otherwise: %s", log);
}

/* --- calls --- */

START_TEST(a_call_is_told_twice_and_held_each_time)
{
	TraceEvent e, held;
	Party *party = tracing_start("one_call", NULL);
	ck_assert(tracing_until('a', "socket", 1, &e));
	ck_assert(trace_holds(party->pid, &held) && held.kind == TRACE_ENTERS && held.call == SYS_socket);
	ck_assert(!trace_is_in_call(party->pid, NULL));
	trace_go(party->pid);
	ck_assert(!trace_holds(party->pid, NULL) && trace_is_in_call(party->pid, &held));
	trace_go(party->pid); /* it is not held: nothing happens */
	ck_assert(tracing_next(&e) && e.kind == TRACE_RETURNS && e.result == 3);
	ck_assert(trace_holds(party->pid, NULL));
	ck_assert_uint_eq(trace_count(), 1);
	trace_go(party->pid);
	tracing_finish();
	log_is('a', "exec >socket socket=3 >exit ends 0");
	ck_assert_uint_eq(trace_count(), 0);
	ck_assert(!trace_holds(party->pid, NULL) && !trace_is_in_call(party->pid, NULL));
}
END_TEST

/* what if there is another program in place of the one that was traced? Then that one is. */
START_TEST(an_exec_goes_on_being_traced)
{
	tracing_start("execs", NULL);
	tracing_finish();
	log_is('a', "exec >socket socket=3 exec >socket socket=4 >exit ends 0");
}
END_TEST

/* --- threads and children --- */

START_TEST(threads_are_told_with_their_maker)
{
	tracing_start("threads", "1", NULL);
	tracing_finish();
	log_is('b', "thread by a >socket socket=3 >close close=0 gone");
	log_is('a', "exec >pthread_create pthread_create=id >exit ends 0");
}
END_TEST

START_TEST(more_threads_than_anything_has_room_for)
{
	enum { THREADS = 400 };
	TraceEvent e;
	int born = 0, closed = 0, gone = 0;
	tracing_start("threads", "400", NULL);
	while (tracing_next(&e)) {
		born += e.kind == TRACE_BORN;
		closed += e.kind == TRACE_RETURNS && e.call == SYS_close && e.result == 0;
		gone += e.kind == TRACE_ENDS && e.tid != e.pid;
		trace_go(e.tid);
	}
	ck_assert_int_eq(born, THREADS);
	ck_assert_int_eq(closed, THREADS);
	ck_assert_int_eq(gone, THREADS);
	log_ends('a', ">exit ends 0");
	ck_assert_uint_eq(trace_count(), 0);
}
END_TEST

/* Held in their calls, all of them at once. */
START_TEST(many_are_held_at_once)
{
	enum { CHILDREN = 150 };
	TraceEvent e;
	int held = 0;
	Party *party = tracing_start("family", "150", NULL);
	while (held < CHILDREN && tracing_next(&e)) {
		if (e.kind == TRACE_ENTERS && e.call == SYS_recvfrom)
			held++;
		else
			trace_go(e.tid);
	}
	ck_assert_int_eq(held, CHILDREN);
	ck_assert_uint_eq(trace_count(), CHILDREN + 1);
	for (size_t i = 0; i < trace_count(); i++) {
		pid_t pid, tid = trace_thread(i, &pid);
		ck_assert_int_eq(pid, tid);
		ck_assert(tid == party->pid || trace_holds(tid, NULL));
		kill(pid, SIGKILL);
	}
	tracing_finish();
	log_ends('b', ">recv ends SIGKILL");
}
END_TEST

/* The kernel may tell of the child before it tells of its birth: then its maker must not be lost. */
START_TEST(every_child_has_a_maker)
{
	TraceEvent e;
	pid_t first = tracing_start("children", "120", NULL)->pid;
	int children = 0, grandchildren = 0;
	while (tracing_next(&e)) {
		if (e.kind == TRACE_BORN) {
			ck_assert_msg(e.by > 0, "nobody has made child %d", children + grandchildren + 1);
			children += e.by == first;
			grandchildren += e.by != first;
		}
		trace_go(e.tid);
	}
	ck_assert_int_eq(children, 120);
	ck_assert_int_eq(grandchildren, 1);
	log_is('b', "process by a >socket socket=3 >close close=0 >waitpid waitpid=ECHILD >exit ends 7");
}
END_TEST

START_TEST(when_a_thread_becomes_another_program_the_others_are_gone)
{
	TraceEvent e;
	Party *party = tracing_start("thread_execs", NULL);
	tracing_finish();
	ck_assert_uint_eq(trace_count(), 0);
	ck_assert_int_eq(tracing_threads(), 2);
	log_ends('a', "exec >socket socket=5 >exit ends 0");
	log_is('b', "thread by a gone");
	ck_assert(!trace_is_in_call(party->pid, &e));
}
END_TEST

START_TEST(an_exit_ends_those_who_are_held)
{
	TraceEvent e;
	bool held = false, ended = false;
	tracing_start("ends_all", NULL);
	pid_t waiting = 0, exiting = 0;
	while (!(held && exiting) && tracing_next(&e)) {
		if (e.kind == TRACE_ENTERS && e.call == SYS_recvfrom) {
			held = true;
			waiting = e.tid;
		} else if (e.kind == TRACE_ENTERS && e.call == SYS_exit_group) {
			exiting = e.tid;
		} else {
			trace_go(e.tid);
		}
	}
	ck_assert(trace_holds(waiting, NULL));
	trace_go(exiting);
	while (tracing_next(&e))
		ended = ended || (e.kind == TRACE_ENDS && e.tid == waiting);
	ck_assert(ended && !trace_holds(waiting, NULL));
	log_is('b', "thread by a >recv gone");
	log_ends('a', ">exit ends 5");
}
END_TEST

/* The process's first thread is gone, and with it /proc/PID/fd and the memory as PID's. */
START_TEST(a_program_whose_first_thread_has_left)
{
	tracing_start("leader_leaves", NULL);
	tracing_finish();
	log_is('b', "thread by a >send send=5 >recv recv=5 >close close=0 >exit gone");
}
END_TEST

/* --- signals --- */

/* The signal comes while it is held before its call: which then must end at once, whoever is quicker. */
static void interrupt(const char *way)
{
	TraceEvent e;
	Party *party = tracing_start(way, NULL);
	ck_assert(tracing_until('a', "recv", 1, &e));
	kill(party->pid, SIGUSR1);
	trace_go(party->pid);
	tracing_finish();
}

START_TEST(an_interrupted_call_returns_eintr)
{
	interrupt("interrupted");
	log_is('a', "exec >socketpair socketpair=0 >recv SIGUSR1 recv=EINTR >close close=0 >exit ends 0");
}
END_TEST

/* The handler's own calls come before: the call that was interrupted returns when the handler has. */
START_TEST(calls_in_a_handler_come_before_the_return)
{
	interrupt("interrupted_by_calls");
	log_is('a', "exec >socketpair socketpair=0 >recv SIGUSR1 >send send=1 recv=EINTR >exit ends 0");
}
END_TEST

START_TEST(a_call_that_is_made_again_has_not_returned)
{
	interrupt("restarted");
	log_is('a', "exec >socketpair socketpair=0 >recv SIGUSR1 >send send=1 >recv recv=1 >exit ends 0");
}
END_TEST

static char state_of(pid_t pid)
{
	char path[64], line[512] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	ck_assert(file != NULL && fgets(line, sizeof line, file) != NULL);
	fclose(file);
	return strrchr(line, ')')[2];
}

/* The next thing that is told, or whether it stands in a group stop and hears only SIGCONT: then false. */
static bool until_it_stops(pid_t pid, TraceEvent *e)
{
	for (;;) {
		if (trace_pump(e))
			return true;
		if (state_of(pid) == 't' && !trace_pump(e))
			return false;
		sched_yield();
	}
}

/* Stopped in the middle of its call, and let go: the call goes on, by itself or by restart_syscall(2). */
static void stop_and_continue(const char *way, const char *call, long number)
{
	TraceEvent e;
	Party *party = tracing_start(way, NULL);
	ck_assert(tracing_until('a', call, 1, &e));
	ck_assert_int_eq(e.call, number);
	trace_go(party->pid);
	kill(party->pid, SIGSTOP);
	ck_assert(tracing_next(&e) && e.kind == TRACE_SIGNAL && e.signal == SIGSTOP);
	ck_assert(!until_it_stops(party->pid, &e));
	kill(party->pid, SIGCONT);
	ck_assert(tracing_next(&e) && e.kind == TRACE_SIGNAL && e.signal == SIGCONT);
	ck_assert(tracing_next(&e));
	ck_assert(e.kind == TRACE_ENTERS && e.call == number && trace_holds(party->pid, NULL));
	trace_go(party->pid);
	ck_assert(trace_is_in_call(party->pid, NULL));
	kill(party->pid, SIGTERM);
	tracing_finish();
}

START_TEST(a_stop_is_no_end_of_a_call)
{
	stop_and_continue("receives", "recv", SYS_recvfrom);
	log_is('a', "exec >socketpair socketpair=0 >recv SIGSTOP SIGCONT >recv SIGTERM ends SIGTERM");
}
END_TEST

#ifdef SYS_poll
START_TEST(a_stop_is_no_end_of_a_call_with_a_limit)
{
	stop_and_continue("polls", "poll", SYS_poll);
	log_is('a', "exec >socketpair socketpair=0 >poll SIGSTOP SIGCONT >poll SIGTERM ends SIGTERM");
}
END_TEST
#endif

START_TEST(a_signal_that_ends_it)
{
	tracing_start("broken_pipe", NULL);
	tracing_finish();
	log_is('a', "exec >socketpair socketpair=0 >close close=0 >send send=EPIPE SIGPIPE ends SIGPIPE");
}
END_TEST

START_TEST(it_ends_while_it_is_held)
{
	TraceEvent e;
	Party *party = tracing_start("receives", NULL);
	ck_assert(tracing_until('a', "recv", 1, &e));
	kill(party->pid, SIGKILL);
	ck_assert(tracing_next(&e) && e.kind == TRACE_ENDS);
	ck_assert(!trace_holds(party->pid, NULL));
	trace_go(party->pid); /* whoever has not heard yet */
	ck_assert(!tracing_next(&e));
	log_ends('a', ">recv ends SIGKILL");
}
END_TEST

/* --- the tracer --- */

/* Without a room: a program of the tracer's own, as the warden starts one. */
static void become(int pipe, const char *way)
{
	static struct sock_filter filter[2048];
	ssize_t n = read(pipe, filter, sizeof filter);
	struct sock_fprog code = {.len = (unsigned short)((size_t)n / sizeof *filter), .filter = filter};
	if (n > 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &code) == 0)
		execl(guests_path("traced"), "traced", way, NULL);
	_exit(127);
}

static pid_t begin(const char *way)
{
	int ends[2];
	size_t size;
	const void *filter = trace_filter(&size);
	ck_assert(filter != NULL && size > 0 && pipe2(ends, O_CLOEXEC) == 0);
	pid_t pid = fork();
	if (pid == 0)
		become(ends[0], way);
	ck_assert(trace_begin(pid) && write(ends[1], filter, size) == (ssize_t)size);
	return pid;
}

/* what if the tracer dies? Nobody is left who could let them go: so all die with it. */
START_TEST(when_the_tracer_dies_all_die)
{
	int news[2];
	pid_t program = 0;
	ck_assert_int_eq(pipe2(news, O_CLOEXEC), 0);
	pid_t tracer = fork();
	if (tracer == 0) {
		TraceEvent e;
		program = begin("receives");
		while (trace_wait(&e) && !(e.kind == TRACE_ENTERS && e.call == SYS_recvfrom))
			trace_go(e.tid);
		if (write(news[1], &program, sizeof program) == -1)
			_exit(1);
		pause();
	}
	ck_assert_int_eq(read(news[0], &program, sizeof program), sizeof program);
	int watch = (int)syscall(SYS_pidfd_open, program, 0);
	ck_assert_int_ne(watch, -1);
	struct pollfd look = {.fd = watch, .events = POLLIN};
	ck_assert_int_eq(poll(&look, 1, 0), 0); /* it lives */
	kill(tracer, SIGKILL);
	ck_assert_int_eq(poll(&look, 1, -1), 1);
}
END_TEST

START_TEST(who_is_gone_cannot_be_traced)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	ck_assert(!trace_begin(pid));
	ck_assert_uint_eq(trace_count(), 0);
	TraceEvent e;
	ck_assert(!trace_pump(&e) && !trace_wait(&e));
}
END_TEST

/* what if it ends before it has become its program? */
START_TEST(an_exec_that_fails_is_an_end)
{
	TraceEvent e;
	int ends[2];
	char byte;
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(read(ends[0], &byte, 1) == 1 ? 4 : 5);
	ck_assert(trace_begin(pid) && write(ends[1], "x", 1) == 1);
	trace_until_exec(pid);
	ck_assert(trace_pump(&e) && e.kind == TRACE_ENDS && WEXITSTATUS(e.status) == 4);
	ck_assert_uint_eq(trace_count(), 0);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, void (*enter)(void))
{
	TCase *tcase = tcase_create(name);
	tcase_add_unchecked_fixture(tcase, guests_build, guests_unbuild);
	if (enter != NULL)
		tcase_add_checked_fixture(tcase, enter, NULL);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return tcase;
}

Suite *trace_suite(void)
{
	Suite *suite = suite_create("trace");
	TCase *tcase = add_case(suite, "trace", guests_enter);
	tcase_add_test(tcase, a_call_is_told_twice_and_held_each_time);
	tcase_add_test(tcase, an_exec_goes_on_being_traced);
	tcase_add_test(tcase, threads_are_told_with_their_maker);
	tcase_add_test(tcase, more_threads_than_anything_has_room_for);
	tcase_add_test(tcase, many_are_held_at_once);
	tcase_add_test(tcase, every_child_has_a_maker);
	tcase_add_test(tcase, when_a_thread_becomes_another_program_the_others_are_gone);
	tcase_add_test(tcase, an_exit_ends_those_who_are_held);
	tcase_add_test(tcase, a_program_whose_first_thread_has_left);
	tcase_add_test(tcase, an_interrupted_call_returns_eintr);
	tcase_add_test(tcase, calls_in_a_handler_come_before_the_return);
	tcase_add_test(tcase, a_call_that_is_made_again_has_not_returned);
	tcase_add_test(tcase, a_stop_is_no_end_of_a_call);
#ifdef SYS_poll
	tcase_add_test(tcase, a_stop_is_no_end_of_a_call_with_a_limit);
#endif
	tcase_add_test(tcase, a_signal_that_ends_it);
	tcase_add_test(tcase, it_ends_while_it_is_held);
	TCase *tracer = add_case(suite, "tracer", NULL);
	tcase_add_test(tracer, when_the_tracer_dies_all_die);
	tcase_add_test(tracer, who_is_gone_cannot_be_traced);
	tcase_add_test(tracer, an_exec_that_fails_is_an_end);
	return suite;
}
