/*
 * test_where.c: is it the right line, and does the program not notice that it was asked?
 *
 * The programs are all of one source, programs/where_places.c, built in several ways.
 */
#include "observe/where.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "harness/tests/programs"
#define SOURCE FOLDER "/where_places.c"

Suite *where_suite(void);

static char built[64] = "/tmp/where-XXXXXX"; /* a folder: the program, built in several ways */

static pid_t pid;
static int line_to, line_from; /* a socket to its descriptor 0, a pipe from its descriptor 1 */

/* ---- The program, and what is known of it ---- */

static void build(void)
{
	static const char *const ways[][2] = {
	    {"plain", "-O0 -g"},
	    {"optimised", "-O2 -g"},
	    {"fortified", "-O2 -g -D_FORTIFY_SOURCE=2"},
	    {"stripped", "-O0 -s"},
	    {"sanitized", "-O1 -g -fsanitize=address,undefined"},
	    {"shown", "-O0 -g -ffile-prefix-map=$PWD/harness/tests/programs=../ann/03"},
	    {"mapped", "-O0 -g -ffile-prefix-map=$PWD/=/student/ -no-pie"},
	};
	if (!mkdtemp(built))
		abort();
	chmod(built, 0755);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		char command[512];
		snprintf(command, sizeof command,
		         "gcc -std=gnu17 -D_GNU_SOURCE= %s -o %s/%s $PWD/" SOURCE " -lreadline -pthread", ways[i][1],
		         built, ways[i][0]);
		if (system(command) != 0)
			abort();
	}
}

static void unbuild(void)
{
	char command[96];
	snprintf(command, sizeof command, "rm -r %s", built);
	if (system(command) != 0)
		abort();
}

static int line_of(const char *name)
{
	char text[256], mark[64];
	snprintf(mark, sizeof mark, "HERE %s *", name);
	FILE *source = fopen(SOURCE, "r");
	ck_assert_ptr_nonnull(source);
	int line = 1;
	while (fgets(text, sizeof text, source) && !strstr(text, mark))
		line++;
	ck_assert_msg(!feof(source), "no line is marked %s", mark);
	fclose(source);
	return line;
}

static char state_of(pid_t tid)
{
	char path[64], text[512] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", tid);
	FILE *file = fopen(path, "r");
	if (!file)
		return 0;
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	char *end = strrchr(text, ')');
	return end ? end[2] : 0;
}

/* The number of the call that a thread sleeps in; -1: none. */
static long call_of(pid_t tid)
{
	char path[64], text[64] = "";
	snprintf(path, sizeof path, "/proc/%d/syscall", tid);
	FILE *file = fopen(path, "r");
	if (!file)
		return -1;
	bool got = fgets(text, sizeof text, file) != NULL;
	fclose(file);
	return got && text[0] >= '0' && text[0] <= '9' ? atol(text) : -1;
}

/* Until it sleeps in that call: giving way, not napping. Check's own timeout is the backstop. */
static void until_in(pid_t tid, long call)
{
	while (state_of(tid) != 'S' || call_of(tid) != call)
		sched_yield();
}

static void until_state(pid_t tid, char state)
{
	while (state_of(tid) != state)
		sched_yield();
}

static void start(const char *way, const char *what, const char *place)
{
	int call[2], out[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, call), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		char path[96];
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(call[1], 0);
		dup2(out[1], 1);
		close_range(3, ~0U, 0);
		snprintf(path, sizeof path, "%s/%s", built, way);
		execl(path, way, what, place, (char *)NULL);
		_exit(127);
	}
	close(call[1]);
	close(out[1]);
	line_to = call[0];
	line_from = out[0];
	char dot;
	ck_assert_int_eq(read(line_from, &dot, 1), 1);
}

static void stop_it(void)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void is_at(pid_t tid, const char *mark, const char *function)
{
	Where where = {.call = "recv(0)"};
	ck_assert_msg(where_thread(pid, tid, FOLDER, NULL, &where), "unknown");
	ck_assert_str_eq(where.file, SOURCE);
	ck_assert_int_eq(where.line, line_of(mark));
	ck_assert_str_eq(where.function, function);
	ck_assert_str_eq(where.call, "recv(0)");
}

/* ---- Where it stands ---- */

START_TEST(it_waits_in_a_helper_of_the_students)
{
	start("plain", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	is_at(pid, "recv", "hear");
	stop_it();
}
END_TEST

START_TEST(it_waits_in_main_itself_or_in_a_poll)
{
	start("plain", "wait", "poll");
	until_in(pid, SYS_poll);
	is_at(pid, "poll", "be_patient");
	ck_assert_int_eq(call_of(pid), SYS_poll); /* and no restart_syscall */
	stop_it();
}
END_TEST

START_TEST(optimised_code_has_lines_too)
{
	start("optimised", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	is_at(pid, "recv", "hear");
	stop_it();
}
END_TEST

START_TEST(an_inlined_function_is_named)
{
	start("optimised", "stand", "inlined");
	until_in(pid, SYS_recvfrom);
	is_at(pid, "inlined", "hear_inlined");
	stop_it();
}
END_TEST

/* recv() is then an inline function of <sys/socket.h>, within ours. */
START_TEST(an_inlined_function_of_the_system_is_not_the_students)
{
	start("fortified", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	is_at(pid, "recv", "hear");
	stop_it();
}
END_TEST

START_TEST(a_sanitizer_stands_between)
{
	start("sanitized", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	is_at(pid, "recv", "hear");
	stop_it();
}
END_TEST

START_TEST(it_waits_at_the_prompt_of_readline)
{
	char path[96], seen[64] = "";
	size_t size = 0;
	int terminal;
	snprintf(path, sizeof path, "%s/plain", built);
	pid = forkpty(&terminal, NULL, NULL, NULL);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(path, path, "stand", "readline", (char *)NULL);
		_exit(127);
	}
	while (!strstr(seen, ">>: ")) {
		ssize_t n = read(terminal, seen + size, sizeof seen - 1 - size);
		ck_assert_int_gt(n, 0);
		size += (size_t)n;
		seen[size] = '\0';
	}
	until_in(pid, SYS_pselect6);
	is_at(pid, "readline", "stand");
	stop_it();
}
END_TEST

static pid_t other_thread(void)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	pid_t other = 0;
	while (!other) {
		DIR *tasks = opendir(path);
		for (struct dirent *entry; (entry = readdir(tasks));)
			other = atoi(entry->d_name) != pid && atoi(entry->d_name) ? atoi(entry->d_name) : other;
		closedir(tasks);
	}
	return other;
}

START_TEST(each_thread_stands_somewhere_else)
{
	start("plain", "stand", "thread");
	pid_t other = other_thread();
	until_in(other, SYS_recvfrom);
	until_in(pid, SYS_futex);
	is_at(other, "recv", "hear");
	is_at(pid, "join", "stand");
	stop_it();
}
END_TEST

START_TEST(it_spins)
{
	Where where;
	start("plain", "stand", "spin");
	ck_assert(where_thread(pid, pid, FOLDER, NULL, &where)); /* perhaps not there yet */
	do
		ck_assert(where_thread(pid, pid, FOLDER, NULL, &where));
	while (strcmp(where.function, "spin") != 0);
	ck_assert_int_ge(where.line, line_of("spin") - 1);
	ck_assert_int_le(where.line, line_of("spin"));
	stop_it();
}
END_TEST

START_TEST(it_spins_in_a_call_that_is_no_system_call)
{
	Where where;
	bool in_vdso = false;
	start("plain", "stand", "vdso");
	for (int i = 0; i < 20; i++) {
		ck_assert_msg(where_thread(pid, pid, FOLDER, NULL, &where), "unknown");
		in_vdso |= where.line == line_of("vdso");
	}
	ck_assert(in_vdso);
	stop_it();
}
END_TEST

START_TEST(it_is_stopped_and_stays_so)
{
	start("plain", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	kill(pid, SIGSTOP);
	ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
	for (int i = 0; i < 5; i++) {
		is_at(pid, "recv", "hear");
		until_state(pid, 'T');
	}
	siginfo_t info = {0};
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WCONTINUED | WNOHANG), 0);
	ck_assert_msg(info.si_pid == 0, "its parent was told something");
	kill(pid, SIGCONT);
	until_in(pid, SYS_recvfrom);
	stop_it();
}
END_TEST

/* ---- Where it is not to be known ---- */

static void is_unknown(pid_t of, const char *folder)
{
	Where where = {.file = "x", .line = 1, .function = "x", .call = "recv(0)"};
	ck_assert(!where_thread(of, of, folder, NULL, &where));
	ck_assert_str_eq(where.file, "");
	ck_assert_str_eq(where.function, "");
	ck_assert_int_eq(where.line, 0);
	ck_assert_str_eq(where.call, "recv(0)");
}

START_TEST(what_is_not_there_is_unknown)
{
	start("stripped", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	is_unknown(pid, FOLDER);
	is_unknown(pid, NULL);
	stop_it();
	is_unknown(pid, FOLDER);

	start("plain", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	is_unknown(pid, "harness/tests/program");
	is_unknown(pid, "/" FOLDER);
	kill(pid, SIGKILL);
	until_state(pid, 'Z');
	is_unknown(pid, FOLDER);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid); /* its end was left to us */
}
END_TEST

/* What if the debug information is none, and its author means ill? */
START_TEST(rubbish_is_unknown_and_harms_nobody)
{
	char command[512];
	Where where;
	snprintf(command, sizeof command,
	         "cd %s && head -c 20000 plain >rubbish.bytes && objcopy --update-section .debug_%s=rubbish.bytes "
	         "plain rubbish 2>/dev/null",
	         built,
	         _i == 0   ? "line"
	         : _i == 1 ? "info"
	         : _i == 2 ? "abbrev"
	                   : "line_str");
	ck_assert_int_eq(system(command), 0);
	start("rubbish", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	if (where_thread(pid, pid, FOLDER, NULL, &where))
		ck_assert_int_eq(where.line, line_of("recv"));
	ck_assert_int_eq(send(line_to, "x", 1, 0), 1);
	stop_it();
}
END_TEST

/* What if another tracer was there first? */
START_TEST(who_is_traced_by_somebody_else_is_unknown)
{
	start("plain", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t tracer = fork();
	if (tracer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 && write(ready[1], "", 1) == 1)
			pause();
		_exit(77);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) == 1)
		is_unknown(pid, FOLDER);
	kill(tracer, SIGKILL);
	waitpid(tracer, NULL, 0);
	stop_it();
}
END_TEST

START_TEST(the_folder_can_be_said_in_several_ways)
{
	static const char *const said[][3] = {
	    {"/student/" FOLDER, "labs/03-silence/", "labs/03-silence/where_places.c"},
	    {"/student/harness/../harness/tests/./programs", "x", "x/where_places.c"},
	    {"tests/programs/", NULL, "tests/programs/where_places.c"},
	    {NULL, NULL, "/student/" SOURCE},
	};
	start("mapped", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
		Where where;
		ck_assert(where_thread(pid, pid, said[i][0], said[i][1], &where));
		ck_assert_str_eq(where.file, said[i][2]);
	}
	is_unknown(pid, ".");
	is_unknown(pid, "student/harness/test");
	is_unknown(pid, "/" FOLDER);
	stop_it();

	Where where;
	start("plain", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	ck_assert(where_thread(pid, pid, NULL, NULL, &where));
	ck_assert_str_eq(where.file, SOURCE); /* as seen from here */
	stop_it();

	/* build.h has the compiler name files as they are shown. */
	start("shown", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	ck_assert(where_thread(pid, pid, "/some/where/ann/03", "../ann/03", &where));
	ck_assert_str_eq(where.file, "../ann/03/where_places.c");
	stop_it();
}
END_TEST

/* ---- It does not notice ---- */

static const char *const waits[] = {"recv", "recv_timed", "read", "epoll", "poll", "poll_timed", "select"};
enum { WAITS = sizeof waits / sizeof *waits };

static void said(const char *text)
{
	char heard[64] = "";
	ck_assert_int_gt(read(line_from, heard, sizeof heard - 1), 0);
	ck_assert_str_eq(heard, text);
}

START_TEST(asked_again_and_again_it_notices_nothing)
{
	start("plain", "wait", waits[_i]);
	for (int i = 0; i < (_i == 0 ? 100 : 15); i++) {
		Where where;
		until_state(pid, 'S');
		ck_assert(where_thread(pid, pid, FOLDER, NULL, &where));
	}
	ck_assert_int_eq(send(line_to, "x", 1, 0), 1);
	said("came");
	stop_it();
}
END_TEST

/* A handler's EINTR is the program's own business, and it must get it. */
START_TEST(a_handler_still_interrupts)
{
	start("plain", "handle", waits[_i]);
	until_state(pid, 'S');
	Where where;
	ck_assert(where_thread(pid, pid, FOLDER, NULL, &where));
	until_state(pid, 'S');
	kill(pid, SIGUSR1);
	said("Interrupted system call");
	stop_it();
}
END_TEST

/* Below a watch, signals that do nothing reach the program too, and end calls. */
START_TEST(watched_it_notices_nothing)
{
	start("plain", "wait", waits[_i]);
	until_state(pid, 'S');
	CrashWatch *watch = crash_watch(pid, FOLDER, NULL);
	ck_assert_ptr_nonnull(watch);
	for (int i = 0; i < 5; i++) {
		kill(pid, SIGCHLD);
		until_state(pid, 't');
		crash_watch_pump(watch);
		until_state(pid, 'S');
		Where where;
		ck_assert(where_thread(pid, pid, FOLDER, NULL, &where));
		until_state(pid, 'S');
	}
	if (_i % 2)
		crash_watch_free(watch);
	ck_assert_int_eq(send(line_to, "x", 1, 0), 1);
	said("came");
	stop_it();
}
END_TEST

START_TEST(watched_it_can_be_stopped_and_continued)
{
	start("plain", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	CrashWatch *watch = crash_watch(pid, FOLDER, NULL);
	kill(pid, SIGSTOP);
	for (int i = 0; i < 3; i++) {
		until_state(pid, 't'); /* at the signal, then in the group-stop: as a tracer sees it */
		crash_watch_pump(watch);
		is_at(pid, "recv", "hear");
	}
	kill(pid, SIGCONT);
	while (call_of(pid) != SYS_recvfrom || state_of(pid) != 'S')
		crash_watch_pump(watch);
	kill(pid, SIGSTOP);
	while (state_of(pid) != 't')
		sched_yield();
	crash_watch_pump(watch);
	crash_watch_free(watch);
	until_state(pid, 'T');
	kill(pid, SIGCONT);
	until_in(pid, SYS_recvfrom);
	stop_it();
}
END_TEST

/* ---- Where it dies ---- */

/* Watches it until it has ended; returns its status as waitpid has it. */
static int watch_it_end(CrashWatch *watch)
{
	int status;
	struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	ck_assert_int_ne(end.fd, -1);
	ck_assert_ptr_nonnull(watch);
	ck_assert_int_eq(send(line_to, "x", 1, 0), 1);
	while (poll(&end, 1, 0) == 0)
		crash_watch_pump(watch);
	close(end.fd);
	ck_assert_msg(waitpid(pid, &status, WNOHANG) == pid, "its end was not left to us");
	return status;
}

/* clang-format off */
static const struct {
	const char *way, *how, *mark, *function;
	int signal;
} deaths[] = {
	{"plain", "crash", "crash", "crash", SIGSEGV},
	{"optimised", "crash", "crash", "crash", SIGSEGV},
	{"plain", "overflow", "overflow", "overflow", SIGSEGV},
	{"plain", "pipe", "pipe", "speak_to_nobody", SIGPIPE},
	{"plain", "abort", "abort", "give_up", SIGABRT},
	{"plain", "thread", "crash", "crash", SIGSEGV},
	{"plain", "child", "crash", "crash", SIGSEGV},
};
/* clang-format on */
enum { DEATHS = sizeof deaths / sizeof *deaths };

START_TEST(it_dies_at_a_line)
{
	Where where = {.call = "kept"};
	int signal;
	pid_t who;
	start(deaths[_i].way, "die", deaths[_i].how);
	until_in(pid, SYS_recvfrom);
	CrashWatch *watch = crash_watch(pid, FOLDER, NULL);
	int status = watch_it_end(watch);
	ck_assert(crash_watch_found(watch, &where, &signal, &who));
	crash_watch_free(watch);

	ck_assert_int_eq(signal, deaths[_i].signal);
	ck_assert_str_eq(where.file, SOURCE);
	ck_assert_str_eq(where.function, deaths[_i].function);
	if (strcmp(deaths[_i].how, "overflow") != 0) /* anywhere in it */
		ck_assert_int_eq(where.line, line_of(deaths[_i].mark));
	ck_assert_str_eq(where.call, "kept");
	if (!strcmp(deaths[_i].how, "child")) {
		ck_assert_int_ne(who, pid);
		ck_assert(WIFEXITED(status));
	} else {
		ck_assert_int_eq(who, pid);
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == deaths[_i].signal);
	}
}
END_TEST

static const char *const lives[][2] = {{"ignore", "pipe"}, {"survive", "crash"}, {"die", "not"}};
enum { LIVES = sizeof lives / sizeof *lives };

START_TEST(it_does_not_die)
{
	Where where;
	start("plain", lives[_i][0], lives[_i][1]);
	until_in(pid, SYS_recvfrom);
	CrashWatch *watch = crash_watch(pid, FOLDER, NULL);
	int status = watch_it_end(watch);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == (_i == 1 ? 5 : 0));
	ck_assert(!crash_watch_found(watch, &where, NULL, NULL));
	crash_watch_free(watch);
}
END_TEST

START_TEST(a_crash_without_debug_information_has_a_signal_all_the_same)
{
	Where where = {.file = "x", .line = 1};
	int signal;
	start("stripped", "die", "crash");
	until_in(pid, SYS_recvfrom);
	CrashWatch *watch = crash_watch(pid, FOLDER, NULL);
	watch_it_end(watch);
	ck_assert(crash_watch_found(watch, &where, &signal, NULL));
	ck_assert_int_eq(signal, SIGSEGV);
	ck_assert_str_eq(where.file, "");
	crash_watch_free(watch);
	ck_assert_ptr_null(crash_watch(pid, FOLDER, NULL));
}
END_TEST

/* ---- In a room ---- */

/* The process whose executable is that path, where it lives; 0: the room has ended. */
static pid_t find_program(pid_t room, const char *path)
{
	while (waitpid(room, NULL, WNOHANG) == 0) {
		DIR *processes = opendir("/proc");
		for (struct dirent *entry; (entry = readdir(processes));) {
			char link[300], exe[64] = "";
			snprintf(link, sizeof link, "/proc/%s/exe", entry->d_name);
			if (readlink(link, exe, sizeof exe - 1) > 0 && !strcmp(exe, path)) {
				pid_t found = atoi(entry->d_name);
				closedir(processes);
				return found;
			}
		}
		closedir(processes);
		sched_yield();
	}
	return 0;
}

static void enter_a_room(void)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
		return;
	const char *const files[] = {"/proc/self/setgroups", "/proc/self/uid_map", "/proc/self/gid_map"};
	for (int i = 0; i < 3; i++) {
		int fd = open(files[i], O_WRONLY);
		snprintf(map, sizeof map, i == 0 ? "deny" : "0 %d 1", (int)(i == 1 ? uid : gid));
		ck_assert_int_eq(write(fd, map, strlen(map)), (ssize_t)strlen(map));
		close(fd);
	}
}

START_TEST(it_lives_in_a_room_under_another_path)
{
	char program[96], inside[64];
	int call[2];
	enter_a_room();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, call), 0);
	snprintf(program, sizeof program, "%s/plain", built);
	snprintf(inside, sizeof inside, "/lab-%d/server", getpid()); /* to be found by */
	pid_t room = fork();
	if (room == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(call[1], 0);
		execlp("bwrap", "bwrap", "--unshare-pid", "--unshare-user", "--die-with-parent", "--ro-bind", "/usr",
		       "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--ro-bind", program,
		       inside, inside, "die", "crash", (char *)NULL);
		_exit(127);
	}
	line_to = call[0];
	pid = find_program(room, inside);
	if (pid == 0)
		return; /* no rooms on this machine: nothing to be asked */
	until_in(pid, SYS_recvfrom);
	ck_assert_int_ne(access(inside, F_OK), 0);
	is_at(pid, "recv", "hear");

	Where where;
	CrashWatch *watch = crash_watch(pid, FOLDER, NULL);
	ck_assert_ptr_nonnull(watch);
	ck_assert_int_eq(send(line_to, "x", 1, 0), 1);
	while (state_of(pid) != 0)
		crash_watch_pump(watch);
	ck_assert(crash_watch_found(watch, &where, NULL, NULL));
	ck_assert_int_eq(where.line, line_of("crash"));
	crash_watch_free(watch);

	int status; /* bwrap has heard of it, and says so in its own way */
	ck_assert_int_eq(waitpid(room, &status, 0), room);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGSEGV);
}
END_TEST

/* ---- The cost, with WHERE_COST set in the environment ---- */

static double milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

START_TEST(what_it_costs)
{
	enum { TIMES = 100 };
	Where where;
	start("plain", "stand", "recv");
	until_in(pid, SYS_recvfrom);
	double then = milliseconds();
	for (int i = 0; i < TIMES; i++)
		ck_assert(where_thread(pid, pid, FOLDER, NULL, &where));
	double asked = (milliseconds() - then) / TIMES;
	CrashWatch *watch = crash_watch(pid, FOLDER, NULL);
	then = milliseconds();
	for (int i = 0; i < TIMES; i++)
		crash_watch_pump(watch);
	double pumped = (milliseconds() - then) / TIMES;
	then = milliseconds();
	for (int i = 0; i < TIMES; i++) {
		kill(pid, SIGCHLD);
		until_state(pid, 't');
		crash_watch_pump(watch);
		until_state(pid, 'S');
	}
	printf("where_thread %.2f ms, pump %.4f ms, with a signal %.4f ms\n", asked, pumped,
	       (milliseconds() - then) / TIMES);
	stop_it();
}
END_TEST

Suite *where_suite(void)
{
	Suite *suite = suite_create("where");
	TCase *stands = tcase_create("stands");
	tcase_add_unchecked_fixture(stands, build, unbuild);
	tcase_set_timeout(stands, 60);
	tcase_add_test(stands, it_waits_in_a_helper_of_the_students);
	tcase_add_test(stands, it_waits_in_main_itself_or_in_a_poll);
	tcase_add_test(stands, optimised_code_has_lines_too);
	tcase_add_test(stands, an_inlined_function_is_named);
	tcase_add_test(stands, an_inlined_function_of_the_system_is_not_the_students);
	tcase_add_test(stands, a_sanitizer_stands_between);
	tcase_add_test(stands, it_waits_at_the_prompt_of_readline);
	tcase_add_test(stands, each_thread_stands_somewhere_else);
	tcase_add_test(stands, it_spins);
	tcase_add_test(stands, it_spins_in_a_call_that_is_no_system_call);
	tcase_add_test(stands, it_is_stopped_and_stays_so);
	tcase_add_test(stands, what_is_not_there_is_unknown);
	tcase_add_loop_test(stands, rubbish_is_unknown_and_harms_nobody, 0, 4);
	tcase_add_test(stands, who_is_traced_by_somebody_else_is_unknown);
	tcase_add_test(stands, the_folder_can_be_said_in_several_ways);
	tcase_add_loop_test(stands, asked_again_and_again_it_notices_nothing, 0, WAITS);
	tcase_add_loop_test(stands, a_handler_still_interrupts, 0, WAITS);
	tcase_add_loop_test(stands, watched_it_notices_nothing, 0, WAITS);
	tcase_add_test(stands, watched_it_can_be_stopped_and_continued);
	tcase_add_loop_test(stands, it_dies_at_a_line, 0, DEATHS);
	tcase_add_loop_test(stands, it_does_not_die, 0, LIVES);
	tcase_add_test(stands, a_crash_without_debug_information_has_a_signal_all_the_same);
	tcase_add_test(stands, it_lives_in_a_room_under_another_path);
	if (getenv("WHERE_COST"))
		tcase_add_test(stands, what_it_costs);
	suite_add_tcase(suite, stands);
	return suite;
}
