/* test_calls.c: what is a thread waiting for, by its registers, its memory and its socket? */
#include "observe/calls.h"

#include <check.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

Suite *calls_suite(void);

/* A task of our own process, so that our memory is its memory: asleep in that call. */
static Task asleep_in(long call)
{
	return (Task){.pid = getpid(), .tid = getpid(), .state = 'S', .known = true, .in_call = true, .call = call};
}

static Task with(Task task, int at, uint64_t argument)
{
	task.arg[at] = argument;
	return task;
}

static uint64_t at(const void *memory)
{
	return (uint64_t)(uintptr_t)memory;
}

static void waits(Task task, WaitKind kind, uint64_t ns)
{
	Wait wait = calls_wait(&task);
	ck_assert_msg(wait.kind == kind, "%s: %d, and not %d", calls_name(task.call), (int)wait.kind, (int)kind);
	if (kind == WAIT_TIMED)
		ck_assert_uint_eq(wait.ns, ns);
}

/* Time passes between the asking and the answer: a minute more or less is the same. */
static void waits_about(Task task, uint64_t ns)
{
	static const uint64_t minute = 60000000000;
	Wait wait = calls_wait(&task);
	ck_assert_int_eq((int)wait.kind, WAIT_TIMED);
	ck_assert_msg(wait.ns <= ns && wait.ns + minute > ns, "%s: %.3f s", calls_name(task.call),
	              (double)wait.ns / 1e9);
}

START_TEST(the_state_comes_first)
{
	static const struct {
		char state;
		WaitKind kind;
	} states[] = {{'R', WAIT_NOT},     {'D', WAIT_NOT},  {'S', WAIT_ENDLESS}, {'T', WAIT_STOPPED},
	              {'t', WAIT_STOPPED}, {'Z', WAIT_DEAD}, {'X', WAIT_DEAD}};
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		Task task = asleep_in(SYS_recvfrom);
		task.state = states[i].state;
		waits(task, states[i].kind, 0);
	}
}
END_TEST

START_TEST(what_cannot_be_seen_is_unknown)
{
	Task task = asleep_in(SYS_recvfrom);
	task.in_call = false; /* it is about to run */
	waits(task, WAIT_NOT, 0);
	task.known = false;
	waits(task, WAIT_UNKNOWN, 0);
}
END_TEST

/* what if the call is one that nobody waits in, as far as we know? Then it may come back by itself. */
START_TEST(an_unknown_call_is_no_wait)
{
	waits(asleep_in(SYS_io_getevents), WAIT_NOT, 0);
	waits(asleep_in(SYS_restart_syscall), WAIT_NOT, 0);
	waits(asleep_in(-1), WAIT_NOT, 0);
	waits(asleep_in(100000), WAIT_NOT, 0);
}
END_TEST

START_TEST(most_calls_wait_for_ever)
{
	static const long calls[] = {SYS_accept, SYS_accept4, SYS_connect,  SYS_read,     SYS_recvfrom,
	                             SYS_write,  SYS_sendto,  SYS_recvmsg,  SYS_wait4,    SYS_waitid,
	                             SYS_openat, SYS_flock,   SYS_fcntl,    SYS_splice,   SYS_rt_sigsuspend,
	                             SYS_futex,  SYS_ppoll,   SYS_pselect6, SYS_recvmmsg, SYS_rt_sigtimedwait};
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		waits(asleep_in(calls[i]), WAIT_ENDLESS, 0); /* where there is a pointer to a time, it is NULL */
}
END_TEST

START_TEST(milliseconds)
{
	Task task = asleep_in(SYS_epoll_pwait);
	waits(with(task, 3, 200), WAIT_TIMED, 200000000);
	waits(with(task, 3, (uint64_t)-1), WAIT_ENDLESS, 0);
	waits(with(task, 3, 0xffffffff), WAIT_ENDLESS, 0); /* a register's upper half says nothing of an int */
	waits(with(task, 3, 0xdead00000001), WAIT_TIMED, 1000000);
	waits(with(task, 3, 0x7fffffff), WAIT_TIMED, 0x7fffffff * 1000000ULL);
#ifdef SYS_poll
	waits(with(asleep_in(SYS_poll), 2, 500), WAIT_TIMED, 500000000);
	waits(with(asleep_in(SYS_poll), 2, (uint64_t)-1), WAIT_ENDLESS, 0);
#endif
}
END_TEST

START_TEST(a_time_in_memory)
{
	struct timespec time = {.tv_sec = 1, .tv_nsec = 5};
	waits(with(asleep_in(SYS_ppoll), 2, at(&time)), WAIT_TIMED, 1000000005);
	waits(with(asleep_in(SYS_pselect6), 4, at(&time)), WAIT_TIMED, 1000000005);
	waits(with(asleep_in(SYS_rt_sigtimedwait), 2, at(&time)), WAIT_TIMED, 1000000005);
	waits(with(asleep_in(SYS_nanosleep), 0, at(&time)), WAIT_TIMED, 1000000005);
	waits(with(asleep_in(SYS_clock_nanosleep), 2, at(&time)), WAIT_TIMED, 1000000005);
#ifdef SYS_select
	struct timeval micro = {.tv_sec = 1, .tv_usec = 5};
	waits(with(asleep_in(SYS_select), 4, at(&micro)), WAIT_TIMED, 1000005000);
#endif
}
END_TEST

/* what if the time is nonsense, or not to be read? Then it is taken for a short one, which will be seen to end. */
START_TEST(a_time_that_is_none)
{
	struct timespec negative = {.tv_sec = -1};
	waits(with(asleep_in(SYS_ppoll), 2, 8), WAIT_TIMED, 1);
	waits(with(asleep_in(SYS_nanosleep), 0, at(&negative)), WAIT_TIMED, 1);
	struct timespec for_ever = {.tv_sec = INT64_MAX};
	Task task = with(asleep_in(SYS_nanosleep), 0, at(&for_ever));
	ck_assert(calls_wait(&task).ns > 1000000000ULL * 1000000000);
}
END_TEST

/* A time on a clock is the time from now. */
START_TEST(a_date)
{
	static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
	for (size_t i = 0; i < 2; i++) {
		struct timespec date;
		clock_gettime(clocks[i], &date);
		date.tv_sec += 3600;
		Task sleep = with(with(asleep_in(SYS_clock_nanosleep), 2, at(&date)), 0, (uint64_t)clocks[i]);
		waits_about(with(sleep, 1, TIMER_ABSTIME), 3600000000000);
		int operation = FUTEX_WAIT_BITSET_PRIVATE | (clocks[i] == CLOCK_REALTIME ? FUTEX_CLOCK_REALTIME : 0);
		Task futex = with(asleep_in(SYS_futex), 3, at(&date));
		waits_about(with(futex, 1, (uint64_t)operation), 3600000000000);
		date.tv_sec -= 7200; /* it is past */
		waits(with(sleep, 1, TIMER_ABSTIME), WAIT_TIMED, 1);
	}
}
END_TEST

START_TEST(a_futex)
{
	struct timespec time = {.tv_sec = 2};
	Task task = with(asleep_in(SYS_futex), 1, FUTEX_WAIT_PRIVATE);
	waits(task, WAIT_ENDLESS, 0);
	waits(with(task, 3, at(&time)), WAIT_TIMED, 2000000000);
	struct timespec date;
	clock_gettime(CLOCK_REALTIME, &date);
	date.tv_sec += 600;
	waits_about(with(with(task, 1, FUTEX_LOCK_PI_PRIVATE), 3, at(&date)), 600000000000);
}
END_TEST

/* what if the deadline is a date, and the call does not look like it? */
START_TEST(a_deadline)
{
	struct timespec date;
	clock_gettime(CLOCK_REALTIME, &date);
	date.tv_sec += 600;
	waits_about(with(asleep_in(SYS_mq_timedreceive), 4, at(&date)), 600000000000);
	waits_about(with(asleep_in(SYS_mq_timedsend), 4, at(&date)), 600000000000);
	waits(asleep_in(SYS_mq_timedreceive), WAIT_ENDLESS, 0);
}
END_TEST

/* ---- Clocks among the descriptors ---- */

static void about(const Task *task, uint64_t seconds)
{
	uint64_t ns = calls_timerfd(task);
	ck_assert_msg(ns <= seconds * 1000000000 && ns + 5000000000 > seconds * 1000000000, "%s: %.3f s",
	              calls_name(task->call), (double)ns / 1e9);
}

START_TEST(a_clock_among_the_descriptors)
{
	struct pollfd look[3] = {{.fd = 0}, {.fd = -1}, {.fd = timerfd_create(CLOCK_MONOTONIC, 0)}};
	int clock = look[2].fd, several = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};
	fd_set set;
	FD_ZERO(&set);
	FD_SET(clock, &set);
	ck_assert_int_eq(epoll_ctl(several, EPOLL_CTL_ADD, clock, &event), 0);
	Task tasks[] = {with(asleep_in(SYS_read), 0, (uint64_t)clock),
	                with(with(asleep_in(SYS_ppoll), 0, at(look)), 1, 3),
	                with(with(asleep_in(SYS_pselect6), 0, (uint64_t)clock + 1), 1, at(&set)),
	                with(with(asleep_in(SYS_epoll_pwait), 0, (uint64_t)several), 3, (uint64_t)-1)};
	for (int set_for = 0; set_for < 2000; set_for += 1000) {
		timerfd_settime(clock, 0, &(struct itimerspec){.it_value.tv_sec = set_for}, NULL);
		for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
			about(&tasks[i], (uint64_t)set_for);
			ck_assert_int_eq(calls_limit(&tasks[i]).kind, set_for ? WAIT_TIMED : WAIT_ENDLESS);
		}
	}
	/* The shortest of them counts; and it must be one that is waited on. */
	look[1].fd = timerfd_create(CLOCK_MONOTONIC, 0);
	timerfd_settime(look[1].fd, 0, &(struct itimerspec){.it_value.tv_sec = 100}, NULL);
	about(&tasks[1], 100);
	about(&tasks[2], 1000);
	tasks[1].arg[1] = 1;
	ck_assert_uint_eq(calls_timerfd(&tasks[1]), 0);
	tasks[0].call = SYS_recvfrom;
	ck_assert_uint_eq(calls_timerfd(&tasks[0]), 0);
}
END_TEST

/* ---- Whatever limits it ---- */

START_TEST(the_shortest_limit_counts)
{
	int pair[2];
	struct timespec time = {.tv_sec = 7};
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	Task task = with(with(asleep_in(SYS_recvmmsg), 0, (uint64_t)pair[0]), 4, at(&time));
	ck_assert_uint_eq(calls_limit(&task).ns, 7000000000);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 3}, sizeof(struct timeval));
	ck_assert_uint_eq(calls_limit(&task).ns, 3000000000);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 9}, sizeof(struct timeval));
	ck_assert_uint_eq(calls_limit(&task).ns, 7000000000);

	Task call = with(asleep_in(SYS_connect), 0, (uint64_t)pair[0]);
	ck_assert_int_eq(calls_limit(&call).kind, WAIT_ENDLESS);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){.tv_usec = 300000}, sizeof(struct timeval));
	ck_assert_int_eq(calls_limit(&call).kind, WAIT_TIMED);
	ck_assert_uint_eq(calls_limit(&call).ns, 300000000);
	call.state = 'R';
	ck_assert_int_eq(calls_limit(&call).kind, WAIT_NOT);
}
END_TEST

/* ---- Alarms ---- */

static void nothing(int signal)
{
	(void)signal;
}

static void catch (int signal, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};
	sigaction(signal, &action, NULL);
}

START_TEST(an_alarm_may_have_been_set)
{
	timer_t timer;
	catch (SIGALRM, SIG_DFL);
	ck_assert(!calls_may_be_alarmed(getpid()));
	catch (SIGALRM, nothing);
	ck_assert(calls_may_be_alarmed(getpid()));
	/* These catch it and set none. */
	catch (SIGTTIN, nothing);
	catch (SIGTTOU, nothing);
	ck_assert(!calls_may_be_alarmed(getpid()));
	catch (SIGTTIN, SIG_DFL);
	catch (SIGURG, nothing);
	catch (SIGIO, nothing);
	ck_assert(!calls_may_be_alarmed(getpid()));
	catch (SIGALRM, SIG_DFL);
	/* POSIX timers are seen as such; those of CPU time do not go on in sleep. */
	ck_assert_int_eq(timer_create(CLOCK_PROCESS_CPUTIME_ID, NULL, &timer), 0);
	ck_assert(!calls_may_be_alarmed(getpid()));
	ck_assert_int_eq(timer_create(CLOCK_REALTIME, NULL, &timer), 0);
	ck_assert(access("/proc/self/timers", F_OK) == -1 || calls_may_be_alarmed(getpid()));
	ck_assert(!calls_may_be_alarmed(0x7ffffff0));
}
END_TEST

/* ---- The socket's own limit ---- */

START_TEST(the_limit_of_a_socket)
{
	int pair[2];
	struct timeval receive = {.tv_usec = 200000}, send = {.tv_sec = 3};
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	Task receiving = with(asleep_in(SYS_recvfrom), 0, (uint64_t)pair[0]);
	Task sending = with(asleep_in(SYS_sendto), 0, (uint64_t)pair[0]);
	ck_assert_uint_eq(calls_socket_timeout(&receiving), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &receive, sizeof receive);
	ck_assert_uint_eq(calls_socket_timeout(&receiving), 200000000);
	ck_assert_uint_eq(calls_socket_timeout(&sending), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &send, sizeof send);
	ck_assert_uint_eq(calls_socket_timeout(&sending), 3000000000);

	receiving.call = SYS_read;
	ck_assert_uint_eq(calls_socket_timeout(&receiving), 200000000);
	receiving.call = SYS_ppoll; /* that one does not ask the socket */
	ck_assert_uint_eq(calls_socket_timeout(&receiving), 0);
	receiving.call = SYS_recvfrom;
	receiving.in_call = false;
	ck_assert_uint_eq(calls_socket_timeout(&receiving), 0);
}
END_TEST

START_TEST(what_is_no_socket_has_no_limit)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	Task task = with(asleep_in(SYS_read), 0, (uint64_t)ends[0]);
	ck_assert_uint_eq(calls_socket_timeout(&task), 0);
	task = with(task, 0, 1000); /* nothing is open there */
	ck_assert_uint_eq(calls_socket_timeout(&task), 0);
	task.pid = 0x7ffffff0; /* nor is there such a process */
	ck_assert_uint_eq(calls_socket_timeout(&task), 0);
	char none;
	ck_assert_int_eq(recv(ends[0], &none, 1, MSG_DONTWAIT), -1); /* and our own is as it was */
}
END_TEST

/* ---- Names ---- */

START_TEST(calls_have_the_names_of_the_lessons)
{
	static const struct {
		long call;
		const char *name;
	} names[] = {{SYS_recvfrom, "recv"},          {SYS_sendto, "send"},  {SYS_accept4, "accept"},
	             {SYS_pselect6, "select"},        {SYS_wait4, "wait"},   {SYS_clock_nanosleep, "sleep"},
	             {SYS_epoll_pwait, "epoll_wait"}, {SYS_openat, "open"},  {SYS_bind, "bind"},
	             {SYS_getpid, "getpid"},          {-1, "a system call"}, {1 << 20, "a system call"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		ck_assert_str_eq(calls_name(names[i].call), names[i].name);
	ck_assert_ptr_eq(calls_name(SYS_bind), calls_name(SYS_bind)); /* made once */
}
END_TEST

START_TEST(descriptors)
{
	char text[64];
	Task task = with(asleep_in(SYS_recvfrom), 0, 3);
	ck_assert_int_eq(calls_descriptor(&task), 3);
	ck_assert_str_eq(calls_describe(&task, text), "recv(3)");
	task.call = SYS_futex; /* its first argument is an address */
	ck_assert_int_eq(calls_descriptor(&task), -1);
	ck_assert_str_eq(calls_describe(&task, text), "futex");
	task.in_call = false;
	ck_assert_int_eq(calls_descriptor(&task), -1);
	ck_assert_str_eq(calls_describe(&task, text), "running");
	task.known = false;
	ck_assert_str_eq(calls_describe(&task, text), "asleep");
	task.state = 'Z';
	ck_assert_str_eq(calls_describe(&task, text), "ended");
}
END_TEST

Suite *calls_suite(void)
{
	Suite *suite = suite_create("calls");
	TCase *tcase = tcase_create("calls");
	tcase_add_test(tcase, the_state_comes_first);
	tcase_add_test(tcase, what_cannot_be_seen_is_unknown);
	tcase_add_test(tcase, an_unknown_call_is_no_wait);
	tcase_add_test(tcase, most_calls_wait_for_ever);
	tcase_add_test(tcase, milliseconds);
	tcase_add_test(tcase, a_time_in_memory);
	tcase_add_test(tcase, a_time_that_is_none);
	tcase_add_test(tcase, a_date);
	tcase_add_test(tcase, a_futex);
	tcase_add_test(tcase, a_deadline);
	tcase_add_test(tcase, a_clock_among_the_descriptors);
	tcase_add_test(tcase, the_shortest_limit_counts);
	tcase_add_test(tcase, an_alarm_may_have_been_set);
	tcase_add_test(tcase, the_limit_of_a_socket);
	tcase_add_test(tcase, what_is_no_socket_has_no_limit);
	tcase_add_test(tcase, calls_have_the_names_of_the_lessons);
	tcase_add_test(tcase, descriptors);
	suite_add_tcase(suite, tcase);
	return suite;
}
