/*
 * bench_trace.c: what it costs to be looked at, call by call. All figures are ratios measured in one run.
 *
 *	a program that makes 100,000 calls that nobody looks at, under the stepper's tracer, against bare     (at most 1.1)
 *	the same with the call that does least. A filter that lets everything pass, with nobody tracing, makes about 1.1 of that by
 *	itself: seccomp's way into the kernel is some 11 ns longer, and getppid() takes 100
 *	10,000 messages to and fro, each call told with its data, its source line and all, as the record has it, against
 *	`strace --seccomp-bpf -f -e trace=network`, which writes them as text                                  (at most 1.0)
 *
 * The contestants take turns, and the medians are compared.
 */
#define _GNU_SOURCE
#include "observe/callsite.h"
#include "observe/decode.h"
#include "observe/trace.h"
#include "program/trouble.h"
#include "report/tape.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TURNS = 9 };

static char folder[] = "/tmp/bench-XXXXXX", program[64];
static size_t told;

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double run(char *const *argv)
{
	double began = seconds();
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	int status;
	if (waitpid(pid, &status, 0) != pid || status != 0)
		return -1;
	return seconds() - began;
}

/* In the child: as the warden does it (warden.c). */
static void become(int pipe, char *const *argv)
{
	static struct sock_filter filter[2048];
	size_t got = 0;
	for (ssize_t n; (n = read(pipe, (char *)filter + got, sizeof filter - got)) > 0;)
		got += (size_t)n;
	struct sock_fprog code = {.len = (unsigned short)(got / sizeof *filter), .filter = filter};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &code) == 0)
		execv(argv[0], argv);
	_exit(127);
}

static void tell(Tape *tape, const TraceEvent *e)
{
	static Decoded d;
	char text[96];
	Where where;
	decode_call(e, &d);
	json_t *event = json_object();
	json_object_set_new(event, "event", json_string(e->kind == TRACE_ENTERS ? "enters" : "returns"));
	json_object_set_new(event, "call", json_string(d.name));
	json_object_set_new(event, "text", json_string(d.text));
	if (e->kind == TRACE_RETURNS) {
		json_object_set_new(event, "says", json_string(decode_result(e, text)));
		char *data = tape_bytes(d.data, d.kept);
		json_object_set_new(event, "data", json_string(data));
		free(data);
	}
	if (callsite_find(e, NULL, NULL, &where)) {
		json_object_set_new(event, "file", json_string(where.file));
		json_object_set_new(event, "line", json_integer(where.line));
	}
	tape_add(tape, event);
	told++;
}

static double run_traced(char *const *argv)
{
	double began = seconds();
	int pipes[2];
	size_t size;
	const void *filter = trace_filter(&size);
	if (filter == NULL || pipe2(pipes, O_CLOEXEC) == -1)
		trouble("no filter");
	pid_t pid = fork();
	if (pid == 0) {
		close(pipes[1]);
		become(pipes[0], argv);
	}
	close(pipes[0]);
	if (!trace_begin(pid) || write(pipes[1], filter, size) != (ssize_t)size)
		trouble("cannot be traced");
	close(pipes[1]);
	Tape *tape = tape_new("/dev/null");
	TraceEvent e;
	told = 0;
	while (trace_wait(&e)) {
		if (e.kind == TRACE_ENTERS || e.kind == TRACE_RETURNS) {
			tell(tape, &e);
			trace_go(e.tid);
		} else if (e.kind == TRACE_EXECS) {
			callsite_forget(e.pid);
		}
	}
	tape_free(tape);
	return seconds() - began;
}

static void compare(const char *what, double (*a)(char *const *), char *const *a_argv, double (*b)(char *const *),
                    char *const *b_argv, double goal)
{
	double x[TURNS], y[TURNS];
	for (int i = 0; i < TURNS; i++) {
		x[i] = a(a_argv);
		y[i] = b(b_argv);
		if (y[i] < 0) {
			printf("%-58s not measured: %s is not here\n", what, b_argv[0]);
			return;
		}
	}
	qsort(x, TURNS, sizeof *x, by_value);
	qsort(y, TURNS, sizeof *y, by_value);
	char wanted[32] = "";
	if (goal > 0)
		snprintf(wanted, sizeof wanted, "(goal: at most %.1f)", goal);
	printf("%-58s %5.2f %-20s %.1f ms against %.1f ms, medians of %d\n", what, x[TURNS / 2] / y[TURNS / 2], wanted,
	       x[TURNS / 2] * 1000, y[TURNS / 2] * 1000, TURNS);
}

int main(void)
{
	char command[256];
	if (mkdtemp(folder) == NULL)
		trouble("no folder");
	snprintf(program, sizeof program, "%s/busy", folder);
	snprintf(command, sizeof command, "gcc -std=gnu17 -g -O1 -o %s harness/tests/programs/busy.c", program);
	if (system(command) != 0)
		trouble("%s", command);
	char *calls[] = {program, "calls", "100000", NULL}, *nothing[] = {program, "nothing", "100000", NULL},
	     *ping[] = {program, "ping", "10000", NULL};
	char *strace[] = {"strace", "--seccomp-bpf", "-f",    "-e", "trace=network", "-o", "/dev/null",
	                  program,  "ping",          "10000", NULL};
	compare("100,000 calls not looked at, traced against bare", run_traced, calls, run, calls, 1.1);
	compare("100,000 times getppid(), traced against bare", run_traced, nothing, run, nothing, 0);
	compare("10,000 messages to and fro, told against strace", run_traced, ping, run, strace, 1.0);
	printf("%zu calls told\n", told);
	unlink(program);
	rmdir(folder);
	return 0;
}
