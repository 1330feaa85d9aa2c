/* test_stage.c: does one step lead to what it must lead to, in the same order each time? */
#define _GNU_SOURCE
#include "guests.h"
#include "observe/trace.h"
#include "step/stage.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *stage_suite(void);

enum { MOST_STEPS = 400 };

static Tape *tape;
static char *argv[2];
static Subject subject;
static char number[8];

static void open_stage(void)
{
	tape = tape_new(NULL);
	argv[0] = strdup(guests_path("traced"));
	subject = (Subject){.name = "traced", .argv = argv, .argc = 1, .shown = "harness/tests/programs"};
	stage_open(tape, NULL, argv);
	snprintf(number, sizeof number, "%u", room_is_private() ? 9000 : room_port());
}

static void enter(void)
{
	char why[512];
	ck_assert_msg(room_prepare(why, sizeof why), "%s", why);
	atexit(room_cleanup);
	open_stage();
}

/* In the programs' way; its argument is the port. */
static Actor *cast(const char *name, const char *way, const char *argument)
{
	const char **words = calloc(3, sizeof *words);
	words[0] = way;
	words[1] = argument;
	return stage_cast(name, &subject, words, INPUT_TERMINAL);
}

static Standing standing(const Actor *actor, const char **call)
{
	static const char *none;
	return stage_stands(actor, call != NULL ? call : &none);
}

static bool stands(const Actor *actor, Standing how, const char *call)
{
	const char *now;
	return stage_stands(actor, &now) == how && strcmp(now, call) == 0;
}

static void until(Actor *actor, const char *call)
{
	for (int i = 0; i < MOST_STEPS && !stands(actor, STANDS_BEFORE, call) && !stands(actor, STANDS_IN, call); i++)
		ck_assert_msg(stage_step(actor), "%s never comes to %s", stage_name(actor), call);
}

static void run(void)
{
	int steps = 0;
	for (Actor *next; (next = stage_next()) != NULL; steps++) {
		ck_assert_int_lt(steps, MOST_STEPS);
		stage_step(next);
	}
}

/* What is on the tape from the event `from` on, a line an event: without what is another each time. */
static char *transcript(size_t from)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	for (size_t i = from; i < tape_count(tape); i++) {
		const json_t *e = tape_event(tape, i);
		if (tape_is(e, "sockets"))
			continue;
		fprintf(out, "%lld %s %s %s", tape_number(e, "step"), tape_text(e, "event"),
		        tape_text(e, *tape_text(e, "thread") ? "thread" : "who"), tape_text(e, "call"));
		if (tape_is(e, "returns"))
			fprintf(out, " %s %s", tape_number(e, "result") > 100 ? "number" : tape_text(e, "says"),
			        tape_text(e, "data"));
		fprintf(out, "%s%s%s%s\n", tape_text(e, "for"), tape_text(e, "how"), tape_text(e, "flags"),
		        tape_is(e, "prints") ? tape_text(e, "text") : "");
	}
	fclose(out);
	return text;
}

static size_t count(const char *kind, const char *field, const char *value)
{
	size_t n = 0;
	for (size_t i = 0; i < tape_count(tape); i++)
		n += tape_is(tape_event(tape, i), kind) &&
		     (field == NULL || strcmp(tape_text(tape_event(tape, i), field), value) == 0);
	return n;
}

/* --- one step --- */

START_TEST(it_is_held_before_each_call)
{
	Actor *server = cast("server", "echoes", number);
	ck_assert_int_eq(standing(server, NULL), STANDS_OFF);
	ck_assert_ptr_null(stage_next());
	stage_start(server);
	ck_assert(stands(server, STANDS_BEFORE, "socket"));
	ck_assert_ptr_eq(stage_next(), server);
	ck_assert(stage_step(server) && stands(server, STANDS_BEFORE, "setsockopt"));
	ck_assert(stage_step(server) && stands(server, STANDS_BEFORE, "bind"));
	ck_assert(stage_step(server) && stands(server, STANDS_BEFORE, "listen"));
	ck_assert(stage_step(server) && stands(server, STANDS_BEFORE, "accept"));
	size_t from = tape_count(tape);
	ck_assert(stage_step(server) && stands(server, STANDS_IN, "accept"));
	ck_assert_str_eq(transcript(from), "6 step server \n"
	                                   "6 blocks server acceptfor somebody to call\n");
	ck_assert(!stage_step(server)); /* only somebody else can end that */
	ck_assert_ptr_null(stage_next());
	stage_close();
}
END_TEST

/* Whoever moves is told first, then whoever it woke; then who is blocked, what was printed, the packets. */
START_TEST(what_one_step_leads_to_is_in_it)
{
	Actor *server = cast("server", "echoes", number), *client = cast("client", "asks", number);
	stage_start(server);
	until(server, "accept");
	stage_step(server);
	stage_start(client);
	until(client, "connect");
	size_t from = tape_count(tape);
	stage_step(client);
	ck_assert_str_eq(transcript(from), "9 step client \n"
	                                   "9 returns client connect 0 \n"
	                                   "9 returns server accept 4 \n"
	                                   "9 enters server recv\n"
	                                   "9 blocks client readfor input\n"
	                                   "9 packet  SYN\n"
	                                   "9 packet  SYN, ACK\n"
	                                   "9 packet  ACK\n");
	ck_assert(stage_step(server) && stands(server, STANDS_IN, "recv"));
	from = tape_count(tape);
	stage_type(client, "hi", true);
	ck_assert_str_eq(transcript(from), "11 step client \n"
	                                   "11 enters client send\n"
	                                   "11 prints client hi\\x0d\\n\n");
	from = tape_count(tape);
	ck_assert(stage_step(client));
	ck_assert_str_eq(transcript(from), "12 step client \n"
	                                   "12 returns client send 3 hi\\n\n"
	                                   "12 enters client recv\n"
	                                   "12 returns server recv 3 hi\\n\n"
	                                   "12 enters server send\n"
	                                   "12 packet  PSH, ACK\n"
	                                   "12 packet  ACK\n");
	from = tape_count(tape);
	stage_end_input(client); /* it is in no read(): it will see it later */
	ck_assert(stands(client, STANDS_BEFORE, "recv") && stands(server, STANDS_BEFORE, "send"));
	ck_assert_ptr_eq(stage_next(), client); /* held at the same moment, and told first */
	stage_close();
	ck_assert_uint_eq(trace_count(), 0);
}
END_TEST

START_TEST(the_place_in_the_source_is_told)
{
	Actor *server = cast("server", "echoes", number);
	stage_start(server);
	until(server, "accept");
	const json_t *e = tape_event(tape, tape_count(tape) - 1);
	for (size_t i = tape_count(tape); i > 0 && !tape_is(e, "enters"); i--)
		e = tape_event(tape, i - 1);
	ck_assert_str_eq(tape_text(e, "file"), "harness/tests/programs/traced.c");
	ck_assert_str_eq(tape_text(e, "function"), "echoes");
	ck_assert_int_gt(tape_number(e, "line"), 100);
	stage_close();
}
END_TEST

START_TEST(a_signal_is_a_step)
{
	Actor *actor = cast("server", "interrupted", NULL);
	stage_start(actor);
	until(actor, "recv");
	stage_step(actor);
	ck_assert(stands(actor, STANDS_IN, "recv"));
	size_t from = tape_count(tape);
	stage_signal(actor, SIGUSR1);
	ck_assert_str_eq(transcript(from), "4 step server \n"
	                                   "4 signal server \n"
	                                   "4 returns server recv -1 EINTR (Interrupted system call) \n"
	                                   "4 enters server close\n");
	stage_step(actor);
	ck_assert_int_eq(standing(actor, NULL), STANDS_ENDED);
	ck_assert_uint_eq(count("ends", "how", "exit status 0"), 1);
	stage_close();
}
END_TEST

START_TEST(it_ends_while_it_is_held)
{
	Actor *actor = cast("server", "receives", NULL);
	stage_start(actor);
	until(actor, "recv");
	stage_signal(actor, SIGKILL);
	ck_assert_int_eq(standing(actor, NULL), STANDS_ENDED);
	ck_assert(!stage_step(actor));
	ck_assert_uint_eq(count("ends", "how", "SIGKILL"), 1);
	stage_close();
}
END_TEST

/* what if nothing ever comes of it? */
START_TEST(a_program_that_spins)
{
	Actor *busy = cast("busy", "spins", NULL), *other = cast("other", "receives", NULL);
	stage_start(other);
	until(other, "recv");
	stage_start(busy);
	ck_assert(stands(busy, STANDS_BEFORE, "socketpair"));
	stage_step(busy);
	ck_assert_int_eq(standing(busy, NULL), STANDS_RUNNING);
	ck_assert(!stage_step(busy));
	/* The others are played with all the same. */
	ck_assert_ptr_eq(stage_next(), other);
	stage_step(other);
	ck_assert(stands(other, STANDS_IN, "recv"));
	stage_close();
	ck_assert_uint_eq(trace_count(), 0);
}
END_TEST

/* --- threads and processes --- */

/* Each of three threads waits for somebody to call, and all are told in the order of their names. */
START_TEST(threads_have_names)
{
	Actor *server = cast("server", "crowd", number);
	stage_start(server);
	run();
	ck_assert_uint_eq(count("thread", "thread", "server.1"), 1);
	ck_assert_uint_eq(count("thread", "thread", "server.3"), 1);
	ck_assert_uint_eq(count("thread", "by", "server"), 3);
	ck_assert_uint_eq(count("blocks", "call", "accept"), 3);
	ck_assert(stands(server, STANDS_IN, "accept"));
	stage_close();
}
END_TEST

/* The tables of the stage have room for 64 threads: the others run unseen, and nobody waits for them. */
START_TEST(more_threads_than_there_is_room_for)
{
	Actor *actor = cast("many", "threads", "100");
	stage_start(actor);
	run();
	ck_assert_int_eq(standing(actor, NULL), STANDS_ENDED);
	ck_assert_uint_eq(count("ends", "how", "exit status 0"), 1);
	ck_assert_uint_eq(count("thread", NULL, NULL), 63);
	ck_assert_uint_eq(count("warns", NULL, NULL), 1); /* and it is said */
	stage_close();
	ck_assert_uint_eq(trace_count(), 0);
}
END_TEST

START_TEST(more_processes_than_there_is_room_for)
{
	Actor *actor = cast("many", "family", "80");
	stage_start(actor);
	run();
	ck_assert_uint_eq(count("process", NULL, NULL), 63);
	ck_assert_uint_eq(count("warns", NULL, NULL), 1);
	ck_assert(standing(actor, NULL) == STANDS_IN);
	stage_close(); /* it does not wait for who is not seen */
	ck_assert_uint_eq(trace_count(), 0);
}
END_TEST

START_TEST(a_thread_that_becomes_another_program)
{
	Actor *actor = cast("server", "thread_execs", NULL);
	stage_start(actor);
	run();
	ck_assert_int_eq(standing(actor, NULL), STANDS_ENDED);
	ck_assert_uint_eq(count("ends", "how", "the thread ends"), 1);
	ck_assert_uint_eq(count("ends", "how", "exit status 0"), 1);
	stage_close();
}
END_TEST

/* Whose first thread is gone: where the others stand is known all the same. */
START_TEST(a_program_whose_first_thread_has_left)
{
	size_t places = 0;
	Actor *actor = cast("server", "leader_leaves", NULL);
	stage_start(actor);
	run();
	for (size_t i = 0; i < tape_count(tape); i++) {
		const json_t *e = tape_event(tape, i);
		places += tape_is(e, "enters") && strcmp(tape_text(e, "thread"), "server.1") == 0 &&
		          strcmp(tape_text(e, "function"), "goes_on_alone") == 0;
	}
	ck_assert_uint_eq(places, 3);
	ck_assert_uint_eq(count("returns", "data", "alone"), 2);
	ck_assert_uint_eq(count("returns", "call", "close"), 1);
	stage_close();
}
END_TEST

/* --- the same each time --- */

/* A conversation with threads on one side and three callers on the other; the tape as text, into the pipe. */
static void play(int out)
{
	Actor *server = cast("server", "crowd", number), *caller[3];
	static const char *const names[] = {"alice", "bob", "carol"};
	stage_start(server);
	run();
	for (int i = 0; i < 3; i++) {
		caller[i] = cast(names[i], "asks", number);
		stage_start(caller[i]);
		run();
		stage_type(caller[i], "x", true);
	}
	run();
	for (int i = 0; i < 3; i++)
		stage_end_input(caller[i]);
	run();
	char *text = transcript(0);
	stage_close();
	for (size_t done = 0, n = strlen(text); done < n;) {
		ssize_t more = write(out, text + done, n - done);
		ck_assert_int_gt(more, 0);
		done += (size_t)more;
	}
}

static char *played(void)
{
	int ends[2];
	size_t size = 0;
	char *text = calloc(1, 1 << 16), why[512];
	ck_assert(text != NULL && pipe(ends) == 0);
	ck_assert_msg(room_prepare(why, sizeof why), "%s", why);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		open_stage();
		play(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	for (ssize_t n; (n = read(ends[0], text + size, (1 << 16) - 1 - size)) > 0;)
		size += (size_t)n;
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	room_cleanup();
	return text;
}

START_TEST(two_plays_are_the_same)
{
	enum { PLAYS = 4 };
	char *first = played();
	ck_assert_ptr_nonnull(strstr(first, "returns server.3 accept"));
	ck_assert_ptr_nonnull(strstr(first, "ends carol exit status 0"));
	for (int i = 1; i < PLAYS; i++) {
		char *text = played();
		ck_assert_str_eq(text, first);
		free(text);
	}
	free(first);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, void (*fixture)(void))
{
	TCase *tcase = tcase_create(name);
	tcase_add_unchecked_fixture(tcase, guests_build, guests_unbuild);
	if (fixture != NULL)
		tcase_add_checked_fixture(tcase, fixture, NULL);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	return tcase;
}

Suite *stage_suite(void)
{
	Suite *suite = suite_create("stage");
	TCase *tcase = add_case(suite, "stage", enter);
	tcase_add_test(tcase, it_is_held_before_each_call);
	tcase_add_test(tcase, what_one_step_leads_to_is_in_it);
	tcase_add_test(tcase, the_place_in_the_source_is_told);
	tcase_add_test(tcase, a_signal_is_a_step);
	tcase_add_test(tcase, it_ends_while_it_is_held);
	tcase_add_test(tcase, a_program_that_spins);
	tcase_add_test(tcase, threads_have_names);
	tcase_add_test(tcase, more_threads_than_there_is_room_for);
	tcase_add_test(tcase, more_processes_than_there_is_room_for);
	tcase_add_test(tcase, a_thread_that_becomes_another_program);
	tcase_add_test(tcase, a_program_whose_first_thread_has_left);
	TCase *plays = add_case(suite, "plays", NULL);
	tcase_add_test(plays, two_plays_are_the_same);
	return suite;
}
