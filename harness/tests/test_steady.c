/*
 * test_steady.c: is it the same answer every time, with every core kept busy?
 *
 *	build/unit-tests steady                       each case 20 times: a part of `make test`
 *	STILL_TIMES=1000 build/unit-tests steady      a part of `make soak`
 *	STILL_CASE=datagram build/unit-tests steady   those cases alone that have the word in their name
 *
 * One line a case: how often, and how long it took from the last event to the verdict.
 */
#include "program/party.h"
#include "program/trouble.h"
#include "still_room.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

Suite *steady_suite(void);

enum { MOST_TIMES = 100000, STARTS_A_ROOM = 15, TURNS_A_ROOM = 100 };

/* What the process of each room writes, and the test reads. */
typedef struct {
	int done;
	char wrong[1024];
	float ms[MOST_TIMES];
} Ledger;

static Ledger *ledger;

/* Writes what is wrong, once, and ends the process of this room. */
static void __attribute__((format(printf, 1, 2), noreturn)) wrong(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(ledger->wrong, sizeof ledger->wrong, format, arguments);
	va_end(arguments);
	_exit(1);
}

static void note_trouble(const char *text)
{
	wrong("%s", text);
}

/* The one thing that is measured: from the last event to the verdict. */
static void rests(Outcome wanted)
{
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	Outcome outcome = party_watch(NULL, NULL, 0, -1);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (outcome != wanted || room_now()->scene.guessed)
		wrong("%s, and not %s: %s", still_outcome_name(outcome), still_outcome_name(wanted), still_tell());
	ledger->ms[ledger->done++] =
	    (float)((double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6);
}

static void has_said(const Party *party, const char *text)
{
	if (!still_said(party, text))
		wrong("it never said \"%s\": %s", text, still_tell());
}

/* ---- Cases in which a program comes to wait: one start each ---- */

static void start_and_wait(const char *way, InputKind input)
{
	Party *party = still_start(way, input);
	rests(WATCH_STILL);
	has_said(party, "waits");
	party_kill(party);
}

static void start_and_end(const char *way, InputKind input)
{
	Party *party = still_start(way, input);
	rests(WATCH_GONE);
	has_said(party, "acted");
}

static void hear_the_end(const char *way, bool reset)
{
	Party *party = still_start(way, INPUT_PIPE);
	int call = still_answer();
	struct linger now = {.l_onoff = reset};
	setsockopt(call, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	if (party_watch(NULL, NULL, 0, -1) != WATCH_STILL)
		wrong("it does not even begin: %s", still_tell());
	close(call);
	rests(WATCH_STILL);
	has_said(party, reset ? "reset" : "hung up");
	party_kill(party);
}

static void hear_a_hang_up(const char *way, InputKind input)
{
	(void)input;
	hear_the_end(way, false);
}

static void hear_a_reset(const char *way, InputKind input)
{
	(void)input;
	hear_the_end(way, true);
}

/* ---- Cases in which a program does something and waits again: many turns in one room ---- */

static char line[32]; /* of this turn, with its newline */

static void type(Party *party, int call)
{
	char answer[64];
	(void)call;
	party_input(party, line, strlen(line));
	rests(WATCH_STILL);
	snprintf(answer, sizeof answer, "got %.*s", (int)strlen(line) - 1, line);
	has_said(party, answer);
}

/* Two small writes; the second waits for the first to be acknowledged. */
static void say(Party *party, int call)
{
	if (send(call, line, 2, 0) != 2 || send(call, line + 2, strlen(line) - 2, 0) == -1)
		wrong("send");
	rests(WATCH_STILL);
	has_said(party, line);
}

static void say_and_hear(Party *party, int call)
{
	char answer[64] = "";
	(void)party;
	send(call, line, strlen(line), 0);
	rests(WATCH_STILL);
	if (recv(call, answer, sizeof answer - 1, MSG_DONTWAIT) == -1 || strcmp(answer, line) != 0)
		wrong("it answered \"%s\" to \"%s\": %s", answer, line, still_tell());
}

/* A postcard to it, and the answer. */
static void post_and_collect(Party *party, int call)
{
	static int pen = -1;
	char answer[64] = "";
	struct sockaddr_in there = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	(void)call;
	if (pen == -1)
		pen = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sendto(pen, line, strlen(line), 0, (struct sockaddr *)&there, sizeof there) == -1)
		wrong("sendto");
	rests(WATCH_STILL);
	has_said(party, line);
	if (recv(pen, answer, sizeof answer - 1, MSG_DONTWAIT) == -1 || strcmp(answer, line) != 0)
		wrong("it answered \"%s\" to \"%s\": %s", answer, line, still_tell());
}

static void speak_to_another(Party *party, int call)
{
	size_t count;
	Party *other = party_all(&count)[0];
	(void)call;
	party_input(party, line, strlen(line));
	rests(WATCH_STILL);
	has_said(other, line);
}

/* ---- Again and again ---- */

/* clang-format off */
static const struct {
	const char *name, *way;
	InputKind input;
	void (*start)(const char *way, InputKind input); /* one of these two */
	void (*turn)(Party *party, int call);
	bool calls, two;                                 /* it calls us; it calls another program */
	bool path;                                       /* it calls us at AF_UNIX */
} cases[] = {
	{"accept",                     "waits/accept",     INPUT_PIPE,     start_and_wait, NULL, false, false, false},
	{"recv",                       "waits/recv",       INPUT_PIPE,     start_and_wait, NULL, true,  false, false},
	{"read at a terminal",         "waits/read",       INPUT_TERMINAL, start_and_wait, NULL, false, false, false},
	{"readline",                   "waits/readline",   INPUT_TERMINAL, start_and_wait, NULL, false, false, false},
	{"select for an hour",         "waits/select_hour", INPUT_PIPE,    start_and_wait, NULL, false, false, false},
	{"epoll_wait",                 "waits/epoll",      INPUT_PIPE,     start_and_wait, NULL, false, false, false},
	{"two threads",                "waits/join",       INPUT_PIPE,     start_and_wait, NULL, true,  false, false},
	{"three generations",          "waits/grandchild", INPUT_PIPE,     start_and_wait, NULL, true,  false, false},
	{"an orphan in a session of its own", "waits/away", INPUT_PIPE,    start_and_wait, NULL, true,  false, false},
	{"it ends",                    "acts/ends",        INPUT_PIPE,     start_and_end,  NULL, false, false, false},
	{"the caller hangs up",        "acts/hears",       INPUT_PIPE,     hear_a_hang_up, NULL, true,  false, false},
	{"the caller resets",          "acts/hears",       INPUT_PIPE,     hear_a_reset,   NULL, true,  false, false},
	{"typed into a pipe",          "acts/reads",       INPUT_PIPE,     NULL, type,         false, false, false},
	{"typed at a terminal",        "acts/reads",       INPUT_TERMINAL, NULL, type,         false, false, false},
	{"typed at a terminal, poll",  "acts/polls_and_reads", INPUT_TERMINAL, NULL, type,     false, false, false},
	{"typed at readline",          "acts/prompts",     INPUT_TERMINAL, NULL, type,         false, false, false},
	{"two small writes to it",     "acts/hears",       INPUT_PIPE,     NULL, say,          true,  false, false},
	{"echoed by it",               "acts/echoes",      INPUT_PIPE,     NULL, say_and_hear, true,  false, false},
	{"a datagram, recvfrom",       "acts/collects",    INPUT_PIPE,     NULL, post_and_collect, false, false, false},
	{"a datagram, poll",           "acts/polls_and_collects", INPUT_PIPE, NULL, post_and_collect, false, false, false},
	{"echoed at AF_UNIX",          "acts/unix_echoes", INPUT_PIPE,     NULL, say_and_hear, false, false, true},
	{"recvfrom, UDP",              "waits/udp",        INPUT_PIPE,     start_and_wait, NULL, false, false, false},
	{"send to a full AF_UNIX",     "waits/unix_send",  INPUT_PIPE,     start_and_wait, NULL, false, false, false},
	{"two small writes, two programs", "acts/speaks",  INPUT_PIPE,     NULL, speak_to_another, false, true, false},
};
/* clang-format on */
enum { CASES = sizeof cases / sizeof *cases };

/* In a process of its own, for a process has one room. */
static void one_room(int which, int times)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	trouble_handler = note_trouble;
	still_enter();
	if (cases[which].calls)
		still_listen(64);
	if (cases[which].start != NULL) {
		for (int i = 0; i < times; i++)
			cases[which].start(cases[which].way, cases[which].input);
		return;
	}
	if (cases[which].two) {
		still_start("acts/listens_and_prints", INPUT_PIPE);
		party_watch(NULL, NULL, 0, -1);
	}
	int listener = cases[which].path ? still_unix_listen() : -1;
	Party *party = still_start(cases[which].way, cases[which].input);
	int call = cases[which].calls ? still_answer() : cases[which].path ? accept(listener, NULL, NULL) : -1;
	if (!cases[which].calls && !cases[which].path)
		party_watch(NULL, NULL, 0, -1); /* a postcard to a program that is not there yet is lost */
	for (int i = 0; i < times; i++) {
		snprintf(line, sizeof line, "line %d\n", ledger->done);
		cases[which].turn(party, call);
	}
	size_t count;
	for (Party *const *all = party_all(&count); count > 0; count--)
		party_kill(all[count - 1]);
}

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

START_TEST(it_is_the_same_every_time)
{
	const char *asked = getenv("STILL_TIMES"), *only = getenv("STILL_CASE");
	if (only != NULL && strstr(cases[_i].name, only) == NULL)
		return;
	int times = asked != NULL && *asked ? atoi(asked) : 20;
	int most = cases[_i].start != NULL ? STARTS_A_ROOM : TURNS_A_ROOM;
	ck_assert_int_le(times, MOST_TIMES);
	ledger = mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(ledger != MAP_FAILED);
	still_keep_busy();
	while (ledger->done < times) {
		int status = -1, left = times - ledger->done;
		pid_t pid = fork();
		if (pid == 0) {
			one_room(_i, left < most ? left : most);
			_exit(0);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(status == 0, "%s, the %dth time: %s", cases[_i].name, ledger->done + 1, ledger->wrong);
	}
	qsort(ledger->ms, (size_t)times, sizeof *ledger->ms, compare);
	printf("%-34s %5d times the same, after %6.2f ms (median), %6.2f at most\n", cases[_i].name, times,
	       (double)ledger->ms[times / 2], (double)ledger->ms[times - 1]);
	fflush(stdout);
}
END_TEST

Suite *steady_suite(void)
{
	Suite *suite = suite_create("steady");
	TCase *tcase = tcase_create("steady");
	tcase_add_unchecked_fixture(tcase, still_build, still_unbuild);
	tcase_set_timeout(tcase, 600);
	tcase_add_loop_test(tcase, it_is_the_same_every_time, 0, CASES);
	suite_add_tcase(suite, tcase);
	return suite;
}
