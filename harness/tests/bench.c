/*
 * bench.c: what judging costs, as ratios measured in one run. `make bench` builds and runs it.
 * `build/bench exchange` (hang, labs) runs one part.
 *
 *	exchange   one exchange judged (room, start, ready, dial, say, hear, stop) in each kind of room, against the
 *	           bare thing: fork, exec, connect as soon as it listens, send, recv, kill, wait. The same server, the
 *	           same bytes, in turns, so that whatever else the machine does falls on all of them alike. Each
 *	           in a process of its own, as a check is; the time is taken inside, from its first step to its last.
 *	hang       lab03's starter client says nothing on an empty line: from the line typed to the complete verdict,
 *	           source line and all, as the grader has it.
 *	labs       a whole correct lab by `build/grade --from solutions`, built already.
 *
 * Medians. The bare client does not sleep: it calls again and again until somebody answers, and gives up its CPU in
 * between. Goals stand next to the figures, and nothing is asserted: times are the machine's. So the first line says
 * what the machine did besides: how much longer than its CPU time a busy loop took.
 */
#include "checks/common.h"
#include "checks/run.h"
#include "checks/start.h"
#include "program/build.h"
#include "program/crew.h"
#include "program/trouble.h"
#include "program/words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 100, HANGS = 21, GRADES = 5, KINDS = 4, LABS = 6 };
enum { BARE, PRIVATE, OPEN, SHARED };

extern char **environ;

static double *result; /* seconds, written by the process that measures; negative: it could not */
static char *root;

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *seconds, size_t count)
{
	qsort(seconds, count, sizeof *seconds, by_size);
	return count == 0 ? -1 : seconds[count / 2];
}

/* How much of its CPU a busy loop gets: 1 on a machine that is left alone. */
static double slowness(void)
{
	double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID), used;

	while ((used = now(CLOCK_PROCESS_CPUTIME_ID) - cpu) < 0.2)
		;
	return (now(CLOCK_MONOTONIC) - wall) / used;
}

/* --- one exchange --- */

/* A port that was free a moment ago. */
static in_port_t free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&address, size) == -1 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) == -1)
		trouble("a free port: %s", strerror(errno));
	close(fd);
	return ntohs(address.sin_port);
}

static int connect_as_soon_as_it_listens(in_port_t port)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	for (;;) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1)
			trouble("socket: %s", strerror(errno));
		if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
			return fd;
		close(fd);
		sched_yield();
	}
}

/* Nothing but the system calls that it takes. */
static void exchange_bare(void)
{
	const char *program = subject_now->argv[0];
	char port[8], heard[16];
	in_port_t number = free_port();
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	snprintf(port, sizeof port, "%u", number);
	double began = now(CLOCK_MONOTONIC);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(nothing, 0);
		dup2(nothing, 1);
		dup2(nothing, 2);
		execl(program, program, port, (char *)NULL);
		_exit(127);
	}
	int fd = connect_as_soon_as_it_listens(number);
	bool good = send(fd, "hello", 5, MSG_NOSIGNAL) == 5 && recv(fd, heard, sizeof heard, 0) == 5;
	close(fd);
	kill(pid, SIGKILL);
	good = waitpid(pid, NULL, 0) == pid && good;
	*result = good ? now(CLOCK_MONOTONIC) - began : -1;
}

/* In a check's own process. */
static void exchange_judged(void)
{
	Verdict verdict = {0};

	story_begin(&verdict);
	double began = now(CLOCK_MONOTONIC);
	Party *server = a_server();
	Line *alice = dial(server);
	say(alice, "hello");
	hear(alice, "HELLO");
	hang_up(alice);
	party_kill(server);
	*result = now(CLOCK_MONOTONIC) - began;
}

static bool in_a_child(void (*work)(void))
{
	int status;

	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work();
		_exit(0);
	}
	return pid != -1 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* As a worker of the grader (run.c). */
static void worker(void)
{
	char why[512];

	if (!room_prepare(why, sizeof why))
		_exit(1);
	room_enter_hall();
	bool good = in_a_child(exchange_judged);
	room_cleanup();
	_exit(good ? 0 : 1);
}

/* What a child of ours measures, in seconds; negative: it could not. */
static double measure(int what)
{
	if (what != BARE)
		setenv("DIALTONE_ROOM", room_kind_name((RoomKind)(what - 1)), 1);
	bool good = in_a_child(what == BARE ? exchange_bare : worker);
	sweep();
	return good ? *result : -1;
}

static void bench_exchange(const Subject *server)
{
	static const char *const names[KINDS] = {"bare", "private room", "open room", "shared room"};
	static const char *const goals[KINDS] = {"", "at most 6", "at most 3 (no bubblewrap)", ""};
	static double seconds[KINDS][ROUNDS];
	size_t count[KINDS] = {0};

	subject_now = server;
	for (int round = 0; round < ROUNDS; round++)
		for (int kind = 0; kind < KINDS; kind++) {
			double took = measure(kind);
			if (took > 0)
				seconds[kind][count[kind]++] = took;
		}
	printf("\none exchange judged, %d rounds in turns          ms   times bare   goal\n", ROUNDS);
	double bare = median(seconds[BARE], count[BARE]);
	for (int kind = 0; kind < KINDS; kind++) {
		double middle = median(seconds[kind], count[kind]);
		if (count[kind] < ROUNDS)
			printf("  %-40s cannot be had: %zu of %d worked\n", names[kind], count[kind], ROUNDS);
		else
			printf("  %-40s %10.2f   %10.1f   %s\n", names[kind], middle * 1e3, middle / bare, goals[kind]);
	}
}

/* --- a hang --- */

static void type_nothing_and_wait_for_the_verdict(int i)
{
	Line *server;
	Party *client = a_client_at_a_terminal(&server);

	(void)i;
	type_line(client, "hello");
	hear(server, "hello");
	say(server, "HELLO");
	reads(client, "HELLO");
	type_line(client, "");
	*result = now(CLOCK_MONOTONIC);
	says_nothing_and_asks_again(client, server);
}

static void note_hang(const LabRecord *record, void *context)
{
	const Verdict *verdict = record->checks[0].verdict;
	double *took = context;

	*took = now(CLOCK_MONOTONIC) - *result;
	if (verdict->status != VERDICT_FAIL || strcmp(verdict->code, "sends_empty_line") != 0 ||
	    verdict->where.line == 0)
		trouble("the hang was not told: %s %s", verdict->code, verdict->message);
}

static void bench_hang(const Subject *client)
{
	static const TTest test = {"says_nothing", type_nothing_and_wait_for_the_verdict, __FILE__, __LINE__};
	static const CheckInfo check = {"says_nothing", "client", "says nothing", 1, 0, &test, {"", "", ""}};
	static const CheckInfo *const checks[] = {&check, NULL};
	static const char *const programs[] = {"client", NULL};
	static const Lab lab = {3, "silence", programs, checks};
	double seconds[HANGS];
	char why[512];

	unsetenv("DIALTONE_ROOM");
	if (!room_prepare(why, sizeof why))
		trouble("%s", why);
	for (int i = 0; i < HANGS; i++) {
		LabRun run = {.lab = &lab, .subjects = client, .subject_count = 1};
		if (!run_labs(&run, 1, 1, note_hang, &seconds[i]))
			trouble("no memory");
	}
	room_cleanup();
	double middle = median(seconds, HANGS);
	printf("\na hang named with its source line, %d times       ms                goal\n", HANGS);
	printf("  %-40s %10.1f                at most 150 (%s room; worst %.1f)\n", "median", middle * 1e3,
	       room_kind_name(room_kind()), seconds[HANGS - 1] * 1e3);
}

/* --- whole labs --- */

/* Runs it and waits; its output goes nowhere. Seconds; negative where it failed. */
static double run(char *const *command)
{
	posix_spawn_file_actions_t quiet;
	pid_t pid;
	int status = -1;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	double began = now(CLOCK_MONOTONIC);
	if (posix_spawn(&pid, command[0], &quiet, NULL, command, environ) != 0 || waitpid(pid, &status, 0) != pid)
		status = -1;
	posix_spawn_file_actions_destroy(&quiet);
	return status == 0 ? now(CLOCK_MONOTONIC) - began : -1;
}

static void bench_labs(void)
{
	char *numbers[LABS], *grade = words_print("%s/build/grade", root);
	char from[] = "--from", solutions[] = "solutions";
	double seconds[LABS + 1][GRADES];

	for (int i = 0; i < LABS; i++)
		numbers[i] = words_print("%02d", i + 1);

	for (int turn = -1; turn < GRADES; turn++) /* the first only builds what is not built */
		for (int i = 0; i <= LABS; i++) {
			char *command[LABS + 4] = {grade, from, solutions};
			memcpy(command + 3, i < LABS ? numbers + i : numbers, (i < LABS ? 1 : LABS) * sizeof *command);
			double took = run(command);
			if (turn >= 0)
				seconds[i][turn] = took;
		}
	printf("\na whole correct lab, %d times                      s                goal\n", GRADES);
	for (int i = 0; i <= LABS; i++) {
		double middle = median(seconds[i], GRADES);
		if (seconds[i][0] < 0)
			printf("  %-40s did not pass each time\n", i < LABS ? numbers[i] : "all six");
		else
			printf("  %-40s %10.2f                %s\n", i < LABS ? numbers[i] : "all six", middle,
			       i < LABS ? "at most 0.4" : "at most 2, on two cores");
	}
}

/* --- */

/* The first program of `programs` of a lab, built; `shown` as "labs/03-silence". */
static const Subject *built(int number, const char *shown, const char *const *programs)
{
	Build *build = calloc(1, sizeof *build);

	if (build == NULL)
		trouble("no memory");
	*build = (Build){.number = number, .programs = programs, .shown = shown};
	build->folder = words_print("%s/%s", root, shown);
	build_all(build, 1, root, crew_processors());
	if (build->subjects[0].broken != NULL)
		trouble("%s: %s", shown, build->subjects[0].broken);
	return &build->subjects[0];
}

int main(int argc, char **argv)
{
	static const char *const server[] = {"server", NULL}, *const client[] = {"client", NULL};
	static const Lab lab05_only = {5, "next-caller", server, NULL};

	root = realpath(words_print("%s/..", room_tool("")), NULL);
	result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (root == NULL || result == MAP_FAILED)
		trouble("memory: %s", strerror(errno));
	setvbuf(stdout, NULL, _IOLBF, 0);
	crew_begin();
	lab_now = &lab05_only;
	printf("%zu processors; a busy loop takes %.1f times its CPU time now (1.0: nothing else runs)\n",
	       crew_processors(), slowness());
	const char *part = argc > 1 ? argv[1] : NULL;
	if (part == NULL || strcmp(part, "exchange") == 0)
		bench_exchange(built(5, "solutions/05-next-caller", server));
	if (part == NULL || strcmp(part, "hang") == 0)
		bench_hang(built(3, "labs/03-silence", client));
	if (part == NULL || strcmp(part, "labs") == 0)
		bench_labs();
	build_end();
	return 0;
}
