/*
 * test_tasks.c: is every thread of every descendant found, and is it doing what is said?
 *
 * The descendants are children of the test's own process, which is their root. Each stands where it was told to, and says so
 * through a pipe first.
 */
#include "observe/tasks.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

Suite *tasks_suite(void);

static int stage[2]; /* a child writes its pid there when it stands */
static TaskList list;

static void set_up(void)
{
	ck_assert_int_eq(pipe2(stage, O_CLOEXEC), 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* as a warden is */
}

static void stand_here(void)
{
	pid_t pid = getpid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(stage[1], &pid, sizeof pid) != sizeof pid)
		_exit(1);
}

static pid_t who_stands(void)
{
	pid_t pid;
	ck_assert_int_eq(read(stage[0], &pid, sizeof pid), sizeof pid);
	return pid;
}

/* A process that does that and then waits in pause(). */
static pid_t child(void (*what)(void))
{
	pid_t pid = fork();
	if (pid == 0) {
		if (what != NULL)
			what();
		stand_here();
		for (;;)
			pause();
	}
	return pid;
}

static const Task *look_at(pid_t tid)
{
	tasks_look(&list, getpid());
	for (size_t i = 0; i < list.count; i++)
		if (list.task[i].tid == tid)
			return &list.task[i];
	return NULL;
}

static const Task *until_in(pid_t tid, long call)
{
	const Task *task;
	while ((task = look_at(tid)) == NULL || task->state != 'S' || !task->in_call || task->call != call)
		sched_yield();
	return task;
}

static const Task *until_state(pid_t tid, char state)
{
	const Task *task;
	while ((task = look_at(tid)) == NULL || task->state != state)
		sched_yield();
	return task;
}

static bool has_process(pid_t pid)
{
	for (size_t i = 0; i < list.processes; i++)
		if (list.process[i] == pid)
			return true;
	return false;
}

/* ---- Who is there ---- */

START_TEST(nobody)
{
	tasks_look(&list, getpid());
	ck_assert_uint_eq(list.count, 0);
	ck_assert_uint_eq(list.processes, 0);
}
END_TEST

START_TEST(children)
{
	pid_t one = child(NULL), two = child(NULL);
	who_stands();
	who_stands();
	tasks_look(&list, getpid());
	ck_assert_uint_eq(list.processes, 2);
	ck_assert_uint_eq(list.count, 2);
	ck_assert(has_process(one) && has_process(two) && !has_process(getpid()));
}
END_TEST

static void have_a_child(void)
{
	child(NULL);
}

START_TEST(grandchildren)
{
	child(have_a_child);
	pid_t one = who_stands(), two = who_stands();
	tasks_look(&list, getpid());
	ck_assert_uint_eq(list.processes, 2);
	ck_assert(has_process(one) && has_process(two));
	tasks_look(&list, one == list.process[0] ? one : two); /* and seen from the child there is one */
	ck_assert_uint_eq(list.processes, 1);
}
END_TEST

static void leave_an_orphan_behind(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			pid_t pid = getpid();
			alarm(60); /* should nobody end it: its parent's death is no sign here */
			if (write(stage[1], &pid, sizeof pid) == sizeof pid)
				for (;;)
					pause();
		}
	}
	_exit(0);
}

/* Twice forked, in a session of its own, its parents gone: it is ours, for we are the subreaper. */
START_TEST(an_orphan)
{
	pid_t left = child(leave_an_orphan_behind);
	pid_t orphan = who_stands();
	ck_assert_int_eq(waitpid(left, NULL, 0), left);
	ck_assert_int_ne(waitpid(-1, NULL, 0), -1); /* the one between */
	tasks_look(&list, getpid());
	ck_assert_uint_eq(list.processes, 1);
	ck_assert_int_eq(list.process[0], orphan);
	kill(orphan, SIGKILL);
}
END_TEST

static bool somebody_lives(void)
{
	for (size_t i = 0; i < list.count; i++)
		if (list.task[i].state != 'Z' && list.task[i].state != 'X')
			return true;
	return false;
}

/* Each hands its life on to the next and ends. At every moment one of them lives, and so a look must show one. */
START_TEST(it_is_not_missed_while_it_becomes_an_orphan)
{
	for (int i = 0; i < 60; i++) {
		pid_t orphan = 0;
		fcntl(stage[0], F_SETFL, O_NONBLOCK);
		child(leave_an_orphan_behind);
		do {
			tasks_look(&list, getpid());
			ck_assert_msg(somebody_lives(), "in round %d, of %zu processes", i, list.processes);
		} while (read(stage[0], &orphan, sizeof orphan) != sizeof orphan);
		kill(orphan, SIGKILL);
		while (waitpid(-1, NULL, 0) != -1)
			;
	}
}
END_TEST

static void *stand_aside(void *fd)
{
	char byte;
	stand_here();
	recv(*(int *)fd, &byte, 1, 0);
	return NULL;
}

static int pair[2];

static void have_threads(void)
{
	pthread_t thread;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 ||
	    pthread_create(&thread, NULL, stand_aside, &pair[0]) != 0 ||
	    pthread_create(&thread, NULL, stand_aside, &pair[1]) != 0)
		_exit(1);
}

START_TEST(threads)
{
	pid_t pid = child(have_threads);
	for (int i = 0; i < 3; i++)
		who_stands();
	until_in(pid, SYS_pause);
	int receiving;
	do {
		tasks_look(&list, getpid());
		receiving = 0;
		for (size_t i = 0; i < list.count; i++) {
			ck_assert_int_eq(list.task[i].pid, pid);
			receiving += list.task[i].in_call && list.task[i].call == SYS_recvfrom;
		}
	} while (receiving < 2);
	ck_assert_uint_eq(list.processes, 1);
	ck_assert_uint_eq(list.count, 3);
}
END_TEST

static void end(void)
{
	_exit(3);
}

START_TEST(a_zombie)
{
	pid_t pid = child(end);
	ck_assert_int_eq(until_state(pid, 'Z')->pid, pid);
	ck_assert(!look_at(pid)->in_call);
	ck_assert_uint_eq(list.processes, 1);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_ptr_null(look_at(pid));
	ck_assert_uint_eq(list.processes, 0);
	ck_assert_uint_eq(tasks_cpu_ns(pid), 0);
}
END_TEST

enum { MANY = 70 };

START_TEST(more_than_the_first_memory_holds)
{
	for (int i = 0; i < MANY; i++)
		child(NULL);
	for (int i = 0; i < MANY; i++)
		who_stands();
	tasks_look(&list, getpid());
	ck_assert_uint_eq(list.processes, MANY);
	tasks_free(&list);
	ck_assert_ptr_null(list.task);
	tasks_look(&list, getpid());
	ck_assert_uint_eq(list.count, MANY);
}
END_TEST

/* what if its name has spaces, brackets and a newline in it? */
static void have_a_bad_name(void)
{
	prctl(PR_SET_NAME, ") R 1 (\nx)");
}

START_TEST(a_bad_name)
{
	pid_t pid = child(have_a_bad_name);
	who_stands();
	ck_assert_int_eq(until_in(pid, SYS_pause)->state, 'S');
}
END_TEST

/* ---- What it is doing ---- */

static void receive(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		_exit(1);
	stand_here();
	/* Nothing will come. By its number, for libc would see that there is no room for 77 bytes. */
	syscall(SYS_recvfrom, pair[0], &pair, 77, 0, NULL, NULL);
}

START_TEST(a_call_and_its_arguments)
{
	pid_t pid = child(receive);
	who_stands();
	const Task *task = until_in(pid, SYS_recvfrom);
	ck_assert(task->known);
	ck_assert_uint_eq(task->arg[1], (uint64_t)(uintptr_t)&pair);
	ck_assert_uint_eq(task->arg[2], 77);
	ck_assert_uint_eq(task->arg[3], 0);
	ck_assert_uint_ne(task->pc, 0);
	ck_assert_uint_ne(tasks_socket_inode(pid, (int)task->arg[0]), 0);

	int theirs[2];
	ck_assert(tasks_memory(pid, task->arg[1], theirs, sizeof theirs));
	ck_assert_int_eq(theirs[0], (int)task->arg[0]);
	ck_assert(!tasks_memory(pid, 8, theirs, sizeof theirs));
}
END_TEST

static void spin(void)
{
	stand_here();
	for (volatile unsigned n = 0;; n++)
		;
}

START_TEST(running_and_stopped)
{
	pid_t pid = child(spin);
	who_stands();
	ck_assert(!until_state(pid, 'R')->in_call);
	uint64_t before = tasks_cpu_ns(pid);
	while (tasks_cpu_ns(pid) < before + 10000000)
		sched_yield();
	ck_assert_uint_ge(look_at(pid)->cpu_ns, before + 10000000);
	kill(pid, SIGSTOP);
	until_state(pid, 'T');
}
END_TEST

static void answer(void)
{
	stand_here();
	for (char byte; read(pair[0], &byte, 1) == 1;)
		if (write(pair[0], &byte, 1) != 1)
			break;
}

/* Asleep, its count stays as it is; each time that it wakes, it grows. */
START_TEST(switches_count_each_waking)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid_t pid = child(answer);
	who_stands();
	for (int i = 0; i < 100; i++) {
		char byte;
		uint64_t before = until_in(pid, SYS_read)->switches;
		ck_assert_uint_eq(look_at(pid)->switches, before);
		ck_assert_int_eq(write(pair[1], "x", 1), 1);
		ck_assert_int_eq(read(pair[1], &byte, 1), 1);
		ck_assert_uint_gt(until_in(pid, SYS_read)->switches, before);
	}
}
END_TEST

/* ---- What it holds ---- */

START_TEST(descriptors)
{
	pid_t pid = fork();
	if (pid == 0) {
		int told = fcntl(stage[1], F_DUPFD, 100);
		close_range(3, (unsigned)told - 1, 0);
		close_range((unsigned)told + 1, ~0U, 0);
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && dup2(told, 5) == 5) {
			close(told);
			stage[1] = 5;
			stand_here();
		}
		for (;;)
			pause();
	}
	who_stands();
	ck_assert_int_eq(tasks_descriptors(pid, false), 6);
	/* Whatever of ours is a socket is one of its, too. */
	struct stat s;
	int sockets = 2;
	for (int fd = 0; fd < 3; fd++)
		sockets += fstat(fd, &s) == 0 && S_ISSOCK(s.st_mode);
	ck_assert_int_eq(tasks_descriptors(pid, true), sockets);
	ck_assert_uint_ne(tasks_socket_inode(pid, 3), 0);
	ck_assert_uint_ne(tasks_socket_inode(pid, 3), tasks_socket_inode(pid, 4));
	ck_assert_uint_eq(tasks_socket_inode(pid, 5), 0);
	ck_assert_uint_eq(tasks_socket_inode(pid, 77), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(tasks_descriptors(pid, false), -1);
	ck_assert_uint_eq(tasks_socket_inode(pid, 3), 0);
}
END_TEST

enum { MIB = 1 << 20 };

static void take_memory(void)
{
	volatile char *memory = malloc((size_t)8 * MIB);
	stand_here();
	if (memory == NULL || read(pair[0], &(char){0}, 1) != 1)
		_exit(1);
	for (size_t i = 0; i < (size_t)8 * MIB; i++)
		memory[i] = 1;
}

/* Memory that is had but not touched costs nothing; what is touched, does. */
START_TEST(private_memory)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid_t pid = child(take_memory);
	who_stands();
	until_in(pid, SYS_read);
	size_t before = tasks_private_bytes(pid);
	ck_assert_uint_lt(before, (size_t)4 * MIB);
	ck_assert_int_eq(write(pair[1], "x", 1), 1);
	who_stands();
	size_t after = tasks_private_bytes(pid);
	ck_assert_uint_ge(after, before + (size_t)8 * MIB);
	ck_assert_uint_lt(after, before + (size_t)9 * MIB);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_uint_eq(tasks_private_bytes(pid), 0);
}
END_TEST

Suite *tasks_suite(void)
{
	Suite *suite = suite_create("tasks");
	TCase *tcase = tcase_create("tasks");
	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, nobody);
	tcase_add_test(tcase, children);
	tcase_add_test(tcase, grandchildren);
	tcase_add_test(tcase, an_orphan);
	tcase_add_test(tcase, it_is_not_missed_while_it_becomes_an_orphan);
	tcase_add_test(tcase, threads);
	tcase_add_test(tcase, a_zombie);
	tcase_add_test(tcase, more_than_the_first_memory_holds);
	tcase_add_test(tcase, a_bad_name);
	tcase_add_test(tcase, a_call_and_its_arguments);
	tcase_add_test(tcase, running_and_stopped);
	tcase_add_test(tcase, switches_count_each_waking);
	tcase_add_test(tcase, descriptors);
	tcase_add_test(tcase, private_memory);
	suite_add_tcase(suite, tcase);
	return suite;
}
