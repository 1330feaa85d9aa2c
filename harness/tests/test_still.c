/*
 * test_still.c: does still_watch() know how things stand, and does it never say so too early?
 *
 * Programs say what they do, on standard output, before they wait and after they have acted. So each test can ask not only
 * for the verdict, but whether the program had come as far as the verdict says.
 */
#include "observe/calls.h"
#include "program/party.h"
#include "still_room.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

Suite *still_suite(void);
Suite *idle_suite(void);

static void comes_to(Outcome wanted, Outcome outcome)
{
	ck_assert_msg(outcome == wanted, "%s, and not %s: %s", still_outcome_name(outcome), still_outcome_name(wanted),
	              still_tell());
}

/* How the room comes to rest when nothing in particular is hoped for; and no verdict may rest on a guess. */
static void rests(Outcome wanted)
{
	comes_to(wanted, party_watch(NULL, NULL, 0, -1));
	ck_assert(!room_now()->scene.guessed);
}

static void has_said(const Party *party, const char *text)
{
	ck_assert_msg(still_said(party, text), "it never said \"%s\": %s", text, still_tell());
}

/* ---- It waits for somebody else ---- */

/* clang-format off */
static const struct {
	const char *way;
	InputKind input;
	const char *call; /* where some thread is, then */
	int threads;      /* of all its processes, zombies too */
} waits[] = {
	{"waits/accept",      INPUT_PIPE,     "accept",      1},
	{"waits/recv",        INPUT_PIPE,     "recv",        1},
	{"waits/recvmsg",     INPUT_PIPE,     "recvmsg",     1},
	{"waits/read_socket", INPUT_PIPE,     "read",        1},
	{"waits/udp",         INPUT_PIPE,     "recv",        1},
	{"waits/udp_connected", INPUT_PIPE,   "recv",        1},
	{"waits/udp_poll",    INPUT_PIPE,     "poll",        1},
	{"waits/udp_poll_hour", INPUT_PIPE,   "poll",        1},
	{"waits/unix",        INPUT_PIPE,     "recv",        1},
	{"waits/unix_accept", INPUT_PIPE,     "accept",      1},
	{"waits/unix_connect", INPUT_PIPE,    "connect",     1},
	{"waits/unix_send",   INPUT_PIPE,     "send",        1},
	{"waits/unix_collect", INPUT_PIPE,    "recv",        1},
	{"waits/unix_post",   INPUT_PIPE,     "send",        1},
	{"waits/send",        INPUT_PIPE,     "send",        1},
	{"waits/send_small",  INPUT_PIPE,     "send",        1},
	{"waits/write_pipe",  INPUT_PIPE,     "write",       1},
	{"waits/read",        INPUT_PIPE,     "read",        1},
	{"waits/read",        INPUT_TERMINAL, "read",        1},
	{"waits/fgets",       INPUT_TERMINAL, "read",        1},
	{"waits/readline",    INPUT_TERMINAL, "select",      1},
	{"waits/open",        INPUT_PIPE,     "open",        1},
	{"waits/poll",        INPUT_PIPE,     "poll",        1},
	{"waits/poll",        INPUT_TERMINAL, "poll",        1},
	{"waits/ppoll",       INPUT_PIPE,     "ppoll",       1},
	{"waits/poll_hour",   INPUT_PIPE,     "poll",        1},
	{"waits/timerfd",     INPUT_PIPE,     "poll",        1},
	{"waits/timerfd_hour", INPUT_PIPE,    "poll",        1},
	{"waits/select",      INPUT_PIPE,     "select",      1},
	{"waits/select_hour", INPUT_PIPE,     "select",      1},
	{"waits/epoll",       INPUT_PIPE,     "epoll_wait",  1},
	{"waits/epoll_hour",  INPUT_PIPE,     "epoll_wait",  1},
	{"waits/sleep_hour",  INPUT_PIPE,     "sleep",       1},
	{"waits/until",       INPUT_PIPE,     "sleep",       1},
	{"waits/pause",       INPUT_PIPE,     "pause",       1},
	{"waits/sigwait",     INPUT_PIPE,     "sigtimedwait", 1},
	{"waits/lock",        INPUT_PIPE,     "flock",       1},
	{"waits/join",        INPUT_PIPE,     "futex",       2},
	{"waits/leaderless",  INPUT_PIPE,     "recv",        2},
	{"waits/mutex",       INPUT_PIPE,     "futex",       1},
	{"waits/condition",   INPUT_PIPE,     "futex",       1},
	{"waits/condition_hour", INPUT_PIPE,  "futex",       1},
	{"waits/semaphore",   INPUT_PIPE,     "futex",       1},
	{"waits/child",       INPUT_PIPE,     "wait",        2},
	{"waits/grandchild",  INPUT_PIPE,     "wait",        3},
	{"waits/zombie",      INPUT_PIPE,     "pause",       2},
	{"waits/away",        INPUT_PIPE,     "recv",        1},
};
/* clang-format on */
enum { WAITS = sizeof waits / sizeof *waits };

START_TEST(it_waits_for_somebody_else)
{
	if (strcmp(waits[_i].way, "waits/accept") != 0)
		still_listen(5);
	Party *party = still_start(waits[_i].way, waits[_i].input);
	rests(WATCH_STILL);
	has_said(party, "waits");
	ck_assert_msg(still_in_call(waits[_i].call) >= 1, "%s: %s", waits[_i].way, still_tell());
	ck_assert_msg((int)room_now()->scene.tasks.count == waits[_i].threads, "%s: %s", waits[_i].way, still_tell());
	rests(WATCH_STILL);
}
END_TEST

/* what if our window is as small as it can be? The kernel then sends what little there is room for by a timer. */
START_TEST(it_sends_to_a_small_window_that_stays_shut)
{
	int least = 1;
	still_listen(5);
	setsockopt(phone, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
	Party *party = still_start(_i == 0 ? "waits/send" : "waits/send_small", INPUT_PIPE);
	rests(WATCH_STILL);
	has_said(party, "waits");
	ck_assert_msg(still_in_call("send") == 1, "%s", still_tell());
}
END_TEST

/* ---- It acts, after a while ---- */

static const char *const acts[] = {
    "acts/sleeps_and_sends",
    "acts/computes_and_sends",
    "acts/recv_ends_and_sends",
    "acts/poll_ends_and_sends",
    "acts/child_works",
    "acts/child_ends",
    "acts/thread_works",
    "acts/two_sleep",
    "acts/relays",
    "acts/alarm_ends_recv",
    "acts/itimer_ends_recv",
    "acts/timer_ends_recv",
    "acts/timerfd_read_and_sends",
    "acts/timerfd_polled_and_sends",
    "acts/timerfd_selected_and_sends",
    "acts/timerfd_in_epoll_and_sends",
    "acts/mq_ends_and_sends",
};
enum { ACTS = sizeof acts / sizeof *acts };

static bool has_byte(void *fd)
{
	char byte;
	return recv(*(int *)fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
}

START_TEST(it_is_not_still_before_it_has_acted)
{
	still_listen(5);
	still_start(acts[_i], INPUT_PIPE);
	int call = still_answer();
	ck_assert(!has_byte(&call));
	comes_to(WATCH_DONE, party_watch(has_byte, &call, 0, call));
}
END_TEST

static bool somebody_listens(void *unused)
{
	(void)unused;
	return sockets_listener(&room_now()->scene.sockets, port) != NULL;
}

START_TEST(it_listens_at_last)
{
	still_start("acts/sleeps_and_listens", INPUT_PIPE);
	ck_assert(!somebody_listens(NULL));
	comes_to(WATCH_DONE, party_watch(somebody_listens, NULL, 0, -1));
	rests(WATCH_STILL);
}
END_TEST

/* The kernel itself acts by a timer here: it keeps bytes back, and sends them in the end. */
START_TEST(what_the_kernel_keeps_back_will_come)
{
	still_listen(5);
	Party *party = still_start("acts/sends_more", INPUT_PIPE);
	int call = still_answer();
	rests(WATCH_STILL);
	has_said(party, "acted");
	ck_assert(has_byte(&call));
}
END_TEST

static bool sixty_looks_later(void *then)
{
	return room_now()->scene.looks > *(unsigned *)then + 60;
}

/* what if the call is one that we have never heard of? Then it may come back by itself, for all we know. */
START_TEST(a_call_that_we_do_not_know_is_not_still)
{
	Party *party = still_start("waits/unheard_of", INPUT_PIPE);
	unsigned then = room_now()->scene.looks;
	comes_to(WATCH_DONE, party_watch(sixty_looks_later, &then, 0, -1));
	has_said(party, "waits");
}
END_TEST

/* The listener's queue is full, so the kernel leaves the SYN unanswered, and sends it again after a second. */
START_TEST(a_call_that_nobody_takes_is_not_still)
{
	still_listen(0);
	int first = still_call();
	Party *party = still_start("acts/connects", INPUT_PIPE);
	unsigned then = room_now()->scene.looks;
	comes_to(WATCH_DONE, party_watch(sixty_looks_later, &then, 0, -1));
	ck_assert_msg(still_in_call("connect") == 1, "%s", still_tell());
	/* Who knows that by itself nobody will make room need not wait for it. */
	comes_to(WATCH_STILL, party_watch(NULL, NULL, WATCH_UNHEARD, -1));
	int taken = accept(phone, NULL, NULL);
	ck_assert_int_ne(taken, -1);
	int call = still_answer();
	rests(WATCH_STILL);
	has_said(party, "acted");
	ck_assert(has_byte(&call));
	close(first);
}
END_TEST

/* ---- It wakes by itself, and does nothing ---- */

static const char *const idlers[] = {"acts/naps",
                                     "acts/polls",
                                     "acts/serves",
                                     "acts/selects",
                                     "acts/epolls",
                                     "acts/recv_ends_again",
                                     "acts/condition_ends_again",
                                     "acts/looks_round_and_collects",
                                     "acts/ticks",
                                     "acts/alarmed_for_long"};
enum { IDLERS = sizeof idlers / sizeof *idlers };

START_TEST(it_is_idle)
{
	if (strcmp(idlers[_i], "acts/serves") != 0)
		still_listen(5);
	Party *party = still_start(idlers[_i], INPUT_PIPE);
	rests(WATCH_IDLE);
	has_said(party, "waits");
}
END_TEST

/* ---- It wakes by itself, and does something: the same again and again, or one thing after another ---- */

static bool has_acted(void *party)
{
	return still_said(party, "acted");
}

static bool never(void *unused)
{
	(void)unused;
	return false;
}

/* The peer, who reads whatever comes at once, and hopes for more: then neither queue shows it. */
static bool hears_it_all(void *fd)
{
	char bytes[64];
	while (recv(*(int *)fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		;
	return false;
}

static uint64_t milliseconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

START_TEST(it_is_restless)
{
	int ear = -1;
	if (_i == 0) {
		still_listen(5);
		still_start("acts/speaks_up", INPUT_PIPE);
		ear = still_answer();
	} else if (_i == 1) {
		still_start("acts/prints_dots", INPUT_PIPE);
	} else if (_i == 2) {
		struct sockaddr_in here = {
		    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		ear = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		ck_assert_int_eq(bind(ear, (struct sockaddr *)&here, sizeof here), 0);
		still_start("acts/posts_for_ever", INPUT_PIPE);
	} else {
		int listener = still_unix_listen();
		still_start("acts/unix_chatters", INPUT_PIPE);
		ear = accept(listener, NULL, NULL);
	}
	uint64_t began = milliseconds_now();
	rests(WATCH_RESTLESS);
	/* It has had its two seconds; from now on three times are enough, but where something is hoped for. */
	ck_assert_uint_ge(milliseconds_now() - began, 2000);
	rests(WATCH_RESTLESS);
	comes_to(WATCH_RESTLESS, party_watch(hears_it_all, &ear, 0, ear));
	if (_i > 0)
		return;
	began = milliseconds_now();
	comes_to(WATCH_RESTLESS, party_watch(never, NULL, WATCH_PATIENT, -1));
	ck_assert_uint_ge(milliseconds_now() - began, 5000);
}
END_TEST

START_TEST(the_evidence_of_the_restless_is_soon_gathered)
{
	still_start("acts/prints_dots", INPUT_PIPE);
	comes_to(WATCH_RESTLESS, party_watch(NULL, NULL, WATCH_EVIDENCE, -1));
	ck_assert_uint_ge(party_all(&(size_t){0})[0]->out.size, 3);
}
END_TEST

static const char *const diligent[] = {"acts/acts_in_steps", "acts/works_in_the_noise", "acts/prints_dots_and_sends"};

/* One that works its way is no restless one, though it wakes by itself and does something each time. */
START_TEST(it_is_left_the_time_to_come_to_its_end)
{
	still_listen(5);
	Party *party = still_start(diligent[_i], INPUT_PIPE);
	int call = still_answer();
	comes_to(WATCH_DONE, party_watch(has_acted, party, _i == 0 ? 0 : WATCH_PATIENT, -1));
	close(call);
}
END_TEST

/* ---- It spins ---- */

static const char *const spinners[] = {"acts/thread_loops", "acts/hears_nothing"};
enum { SPINNERS = sizeof spinners / sizeof *spinners };

START_TEST(it_spins)
{
	still_listen(5);
	still_start(spinners[_i], INPUT_PIPE);
	if (_i == 1)
		close(still_answer());
	rests(WATCH_SPINNING);
}
END_TEST

/* ---- It ends ---- */

START_TEST(it_is_gone)
{
	Party *party = still_start("acts/ends", INPUT_PIPE);
	rests(WATCH_GONE);
	has_said(party, "acted");
	ck_assert(party->ended && WIFEXITED(party->status) && WEXITSTATUS(party->status) == 7);
}
END_TEST

/* what if its end is what is waited for, and what if it never comes? */
static bool has_ended(void *party)
{
	return ((Party *)party)->ended;
}

START_TEST(its_end_is_awaited)
{
	comes_to(WATCH_DONE, party_watch(has_ended, still_start("acts/ends", INPUT_PIPE), 0, -1));
	comes_to(WATCH_STILL, party_watch(has_ended, still_start("waits/pause", INPUT_PIPE), WATCH_PATIENT, -1));
}
END_TEST

/* A room in which nothing was ever started. */
START_TEST(nobody_is_there)
{
	rests(WATCH_GONE);
}
END_TEST

/* ---- Bytes on their way ---- */

enum { ROUNDS = 10 };

/* Two small writes: the kernel holds the second back until the first is acknowledged, which takes 40 ms. */
START_TEST(all_of_it_has_been_read_by_then)
{
	char text[32];
	still_listen(5);
	Party *party = still_start("acts/hears", INPUT_PIPE);
	int call = still_answer();
	for (int i = 0; i < ROUNDS; i++) {
		int n = snprintf(text, sizeof text, "line %d\n", i);
		ck_assert_int_eq(send(call, text, 2, 0), 2);
		ck_assert_int_eq(send(call, text + 2, (size_t)n - 2, 0), n - 2);
		rests(WATCH_STILL);
		has_said(party, text);
	}
}
END_TEST

START_TEST(one_program_speaks_to_another)
{
	char text[32];
	Party *server = still_start("acts/listens_and_prints", INPUT_PIPE);
	rests(WATCH_STILL);
	Party *client = still_start("acts/speaks", INPUT_PIPE);
	for (int i = 0; i < ROUNDS; i++) {
		int n = snprintf(text, sizeof text, "line %d\n", i);
		party_input(client, text, (size_t)n);
		rests(WATCH_STILL);
		has_said(server, text);
	}
}
END_TEST

/* What we have not read, and so not acknowledged yet, has arrived all the same: nothing more will come of it. */
START_TEST(what_has_come_to_us_is_not_on_its_way)
{
	still_listen(5);
	still_start("acts/echoes", INPUT_PIPE);
	int call = still_answer();
	for (int i = 1; i <= ROUNDS; i++) {
		int off = 0, waiting = 0;
		setsockopt(call, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
		ck_assert_int_eq(send(call, "x", 1, 0), 1);
		rests(WATCH_STILL);
		ck_assert_int_eq(ioctl(call, FIONREAD, &waiting), 0);
		ck_assert_int_eq(waiting, i);
	}
}
END_TEST

/* ---- Datagrams, and AF_UNIX ---- */

static const char *const collectors[] = {"acts/collects", "acts/polls_and_collects"};
enum { COLLECTORS = sizeof collectors / sizeof *collectors };

static void post(int fd, const char *text)
{
	struct sockaddr_in there = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	ck_assert_int_eq(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&there, sizeof there), strlen(text));
}

START_TEST(a_datagram_has_been_collected_by_then)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	Party *party = still_start(collectors[_i], INPUT_PIPE);
	rests(WATCH_STILL);
	for (int i = 0; i < ROUNDS; i++) {
		char text[32], answer[32] = "";
		snprintf(text, sizeof text, "line %d\n", i);
		post(fd, text);
		rests(WATCH_STILL);
		has_said(party, text);
		ck_assert_int_eq(recv(fd, answer, sizeof answer - 1, MSG_DONTWAIT), strlen(text));
		ck_assert_str_eq(answer, text);
	}
	ck_assert_uint_eq(room_now()->scene.datagrams.marks > 0, room_now()->kind == ROOM_SHARED);
}
END_TEST

/* what if nobody reads it? Then it waits, and that is no event to come. */
START_TEST(a_datagram_that_nobody_collects_is_still)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	Party *party = still_start("acts/collects", INPUT_PIPE);
	rests(WATCH_STILL);
	party_freeze(party);
	post(fd, "x\n");
	rests(WATCH_STILL);
	const Socket *mailbox = sockets_mailbox(&room_now()->scene.sockets, port);
	ck_assert(mailbox != NULL && mailbox->rqueue > 0);
	party_thaw(party);
	rests(WATCH_STILL);
	has_said(party, "x\n");
}
END_TEST

START_TEST(a_datagram_comes_to_nothing)
{
	Party *party = still_start(_i == 0 ? "acts/posts_and_gives_up" : "acts/posts_to_nobody", INPUT_PIPE);
	comes_to(WATCH_DONE, party_watch(has_acted, party, 0, -1));
	rests(WATCH_STILL);
}
END_TEST

START_TEST(what_is_said_at_a_path_has_been_heard_by_then)
{
	int listener = still_unix_listen();
	Party *party = still_start("acts/unix_echoes", INPUT_PIPE);
	rests(WATCH_STILL);
	int call = accept(listener, NULL, NULL);
	ck_assert_int_ne(call, -1);
	for (int i = 0; i < ROUNDS; i++) {
		char text[32], answer[32] = "";
		snprintf(text, sizeof text, "line %d\n", i);
		ck_assert_int_eq(send(call, text, strlen(text), 0), strlen(text));
		rests(WATCH_STILL);
		has_said(party, text);
		ck_assert_int_eq(recv(call, answer, sizeof answer - 1, MSG_DONTWAIT), strlen(text));
		ck_assert_str_eq(answer, text);
	}
	close(call);
	rests(WATCH_STILL);
	has_said(party, "hung up");
}
END_TEST

START_TEST(a_farewell_has_been_heard_by_then)
{
	still_listen(5);
	Party *party = still_start("acts/hears", INPUT_PIPE);
	int call = still_answer();
	rests(WATCH_STILL);
	struct linger now = {.l_onoff = 1};
	if (_i == 1)
		setsockopt(call, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(call);
	rests(WATCH_STILL);
	has_said(party, _i == 1 ? "reset" : "hung up");
}
END_TEST

/* Its peer, a program too, is killed while it waits. */
START_TEST(the_end_of_the_other_has_been_heard_by_then)
{
	Party *server = still_start("acts/listens_and_prints", INPUT_PIPE);
	rests(WATCH_STILL);
	Party *client = still_start("acts/hears", INPUT_PIPE);
	rests(WATCH_STILL);
	party_signal(server, SIGKILL);
	rests(WATCH_STILL);
	has_said(client, "hung up");
}
END_TEST

/* More than a pipe or a terminal holds: it waits in write(), but only for us, who read. */
START_TEST(all_that_it_prints_has_come_by_then)
{
	Party *party = still_start("acts/shouts", _i == 0 ? INPUT_PIPE : INPUT_TERMINAL);
	rests(WATCH_STILL);
	has_said(party, "acted");
	/* A terminal says \r\n for \n. */
	ck_assert_uint_eq(party->out.size, 16384U * (64U + (unsigned)_i) + 6U + (unsigned)_i);
}
END_TEST

/* ---- What was typed ---- */

static const struct {
	const char *way;
	InputKind input;
} readers[] = {{"acts/reads", INPUT_PIPE},
               {"acts/polls_and_reads", INPUT_PIPE},
               {"acts/reads", INPUT_TERMINAL},
               {"acts/polls_and_reads", INPUT_TERMINAL},
               {"acts/prompts", INPUT_TERMINAL}};
enum { READERS = sizeof readers / sizeof *readers };

START_TEST(what_was_typed_has_been_read_by_then)
{
	char line[32], answer[64];
	Party *party = still_start(readers[_i].way, readers[_i].input);
	for (int i = 0; i < ROUNDS; i++) {
		int n = snprintf(line, sizeof line, "line %d\n", i);
		snprintf(answer, sizeof answer, "got line %d", i);
		party_input(party, line, (size_t)n);
		rests(WATCH_STILL);
		has_said(party, answer);
	}
}
END_TEST

/* At a terminal the end of input is typed, too. */
START_TEST(the_end_of_input_has_been_read_by_then)
{
	Party *party = still_start("acts/reads", _i == 0 ? INPUT_PIPE : INPUT_TERMINAL);
	rests(WATCH_STILL);
	party_end_input(party);
	rests(WATCH_STILL);
	has_said(party, "end");
}
END_TEST

/* A line that comes between one look and the next: the program sleeps in both of them, or seems to. */
typedef struct {
	Party *party;
	int calls, act_at;
	unsigned looks;
} Disturbance;

static bool disturb(void *context)
{
	Disturbance *d = context;
	if (++d->calls == d->act_at) {
		d->looks = room_now()->scene.looks;
		party_input(d->party, "x\n", 2);
	}
	return false;
}

START_TEST(what_comes_between_two_looks_is_not_overlooked)
{
	for (int i = 0; i < 40; i++) {
		static Party *party;
		if (i == 0)
			party = still_start(readers[_i].way, readers[_i].input);
		rests(WATCH_STILL);
		size_t before = party->out.size;
		Disturbance d = {.party = party, .act_at = 1 + i % 4};
		comes_to(WATCH_STILL, party_watch(disturb, &d, 0, -1));
		/* A verdict that was found before the line came is right as well. */
		if (d.looks == 0 || d.looks == room_now()->scene.looks)
			rests(WATCH_STILL);
		else
			ck_assert_msg(strstr(party->out.text + before, "got x"), "act at %d: %s", d.act_at,
			              still_tell());
	}
}
END_TEST

/* ---- Frozen and thawed ---- */

static const struct {
	const char *way;
	Outcome rests;
} freezable[] = {{"waits/poll", WATCH_STILL},  {"waits/recv", WATCH_STILL},           {"waits/sleep_hour", WATCH_STILL},
                 {"waits/mutex", WATCH_STILL}, {"waits/condition_hour", WATCH_STILL}, {"acts/polls", WATCH_IDLE},
                 {"acts/naps", WATCH_IDLE}};
enum { FREEZABLE = sizeof freezable / sizeof *freezable };

static bool has_waited(void *party)
{
	return still_said(party, "waits");
}

static bool is_stopped(void *party)
{
	(void)party;
	const TaskList *tasks = &room_now()->scene.tasks;
	return tasks->count == 1 && tasks->task[0].state == 'T';
}

static void freeze(Party *party, bool by_signal)
{
	if (!by_signal) {
		party_freeze(party);
		return;
	}
	party_signal(party, SIGSTOP);
	comes_to(WATCH_DONE, party_watch(is_stopped, NULL, 0, -1));
}

static bool goes_on(void *party)
{
	return !is_stopped(party);
}

static void thaw(Party *party, bool by_signal)
{
	if (!by_signal) {
		party_thaw(party);
		return;
	}
	party_signal(party, SIGCONT);
	still_look(&room_now()->scene);
	comes_to(WATCH_DONE, party_watch(goes_on, NULL, 0, -1));
}

/* Of some calls the kernel says restart_syscall after that, and not which they were. */
START_TEST(frozen_and_thawed_it_waits_as_before)
{
	int which = _i / 2;
	bool by_signal = _i % 2;
	still_listen(5);
	Party *party = still_start(freezable[which].way, INPUT_PIPE);
	comes_to(WATCH_DONE, party_watch(has_waited, party, 0, -1));
	for (int i = 0; i < (freezable[which].rests == WATCH_STILL ? 2 : 1); i++) {
		freeze(party, by_signal);
		rests(WATCH_STILL);
		thaw(party, by_signal);
		rests(freezable[which].rests);
	}
}
END_TEST

/* what if nobody looked, before it was frozen or while it was? */
START_TEST(frozen_unseen_it_is_known_all_the_same)
{
	still_listen(5);
	Party *party = still_start(freezable[_i].way, INPUT_PIPE);
	while (!has_waited(party))
		party_pump(room_now());
	TaskList list = {0};
	do
		tasks_look(&list, room_now()->warden);
	while (list.count == 0 || list.task[0].state != 'S');
	tasks_free(&list);
	party_freeze(party);
	party_thaw(party);
	rests(freezable[_i].rests);
}
END_TEST

START_TEST(frozen_it_cannot_act)
{
	still_listen(5);
	still_start("acts/sleeps_and_sends", INPUT_PIPE);
	int call = still_answer();
	size_t count;
	Party *party = party_all(&count)[0];
	party_freeze(party);
	rests(WATCH_STILL);
	ck_assert(!has_byte(&call));
	party_thaw(party);
	comes_to(WATCH_DONE, party_watch(has_byte, &call, 0, call));
}
END_TEST

/* ---- Where the kernel does not let us see the call ---- */

static void give_up_every_right(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};
	ck_assert_int_eq(syscall(SYS_capset, &head, none), 0);
}

/* A room without walls: the program is our child, and makes itself unreadable. */
START_TEST(what_it_cannot_see_it_guesses_and_says_so)
{
	unshare(CLONE_NEWNET); /* away from what strangers have on their way, if we may */
	Scene scene = {.root = getpid(), .diag = sockets_open()};
	give_up_every_right();
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_DUMPABLE, 0);
		for (;;)
			pause();
	}
	ck_assert_int_eq(still_watch(&scene, NULL, NULL, 0), WATCH_STILL);
	ck_assert(scene.guessed && !scene.tasks.task[0].known);
	kill(pid, SIGKILL);
	ck_assert_int_eq(still_watch(&scene, NULL, NULL, 0), WATCH_GONE);
	ck_assert(!scene.guessed);
	still_free(&scene);
}
END_TEST

/* ---- What two looks must agree in ---- */

/* One thing to be seen of a thread that sleeps in recv, and of its socket; all else is the same at each look. */
typedef struct {
	char state;
	bool running, another, another_process;
	uint64_t switches, cpu_ns, descriptor;
	uint32_t on_its_way;
	uint64_t received;
	bool untold;
} Sight;

static const struct {
	const char *what;
	Sight sight[3];
	unsigned looks; /* after so many it is still, and not before */
} agreements[] = {
    {"nothing has moved", {{0}, {0}, {0}}, 2},
    {"it was given a CPU", {{.switches = 1}, {.switches = 2}, {.switches = 2}}, 3},
    {"it was given two", {{.switches = 1}, {.switches = 2}, {.switches = 3}}, 4},
    {"it turned round on its way to sleep", {{.cpu_ns = 1}, {.cpu_ns = 2}, {.cpu_ns = 2}}, 3},
    {"it waits on another descriptor", {{.descriptor = 1}, {.descriptor = 2}, {.descriptor = 2}}, 3},
    {"it was about to run", {{.running = true}, {.running = true}, {0}}, 4},
    {"it wants a CPU", {{0}, {.state = 'R'}, {0}}, 4},
    {"it wanted one", {{.state = 'R'}, {0}, {0}}, 3},
    {"another thread has come", {{0}, {.another = true}, {.another = true}}, 3},
    {"another thread has gone", {{.another = true}, {0}, {0}}, 3},
    {"another process has come", {{0}, {.another_process = true}, {.another_process = true}}, 3},
    {"bytes were on their way", {{.on_its_way = 5}, {0}, {0}}, 3},
    {"bytes are on their way", {{0}, {.on_its_way = 5}, {0}}, 4},
    {"more has come, to a window that is shut again", {{0}, {.received = 1}, {.received = 1}}, 3},
    {"an ending has not been told", {{.untold = true}, {.untold = true}, {0}}, 3},
};
enum { AGREEMENTS = sizeof agreements / sizeof *agreements };

typedef struct {
	const Sight *sight;
	unsigned looks;
} Show;

static const Sight *sight_now(const Show *show, unsigned looks)
{
	return &show->sight[looks > 3 ? 2 : looks - 1];
}

static void show_sight(void *context, TaskList *tasks, SocketList *sockets)
{
	static Task task[2][2];
	static Socket socket[2];
	static pid_t process[2];
	Show *show = context;
	const Sight *sight = sight_now(show, ++show->looks);
	unsigned side = show->looks % 2;
	Task *t = task[side];
	t[0] = (Task){.pid = getpid(),
	              .tid = getpid(),
	              .state = sight->state ? sight->state : 'S',
	              .known = true,
	              .in_call = !sight->running,
	              .call = SYS_recvfrom,
	              .arg = {1000 + sight->descriptor},
	              .cpu_ns = sight->cpu_ns,
	              .switches = sight->switches};
	t[1] = t[0];
	t[1].tid++;
	process[0] = process[1] = getpid();
	*tasks = (TaskList){.task = t,
	                    .count = sight->another ? 2 : 1,
	                    .process = process,
	                    .processes = sight->another_process ? 2 : 1};
	socket[side] = (Socket){.state = TCP_ESTABLISHED, .wqueue = sight->on_its_way, .received = sight->received};
	*sockets = (SocketList){.socket = &socket[side], .count = 1};
}

static bool is_told(void *context)
{
	const Show *show = context;
	return !sight_now(show, show->looks)->untold;
}

START_TEST(two_looks_must_agree)
{
	Show show = {.sight = agreements[_i].sight};
	Scene scene = {.look = show_sight, .told = is_told, .context = &show};
	ck_assert_int_eq(still_watch(&scene, NULL, NULL, 0), WATCH_STILL);
	ck_assert_msg(show.looks == agreements[_i].looks, "%s: still after %u looks, and not %u", agreements[_i].what,
	              show.looks, agreements[_i].looks);
}
END_TEST

/* ---- Where a datagram takes its time ---- */

enum { LISTENERS = 600, POSTED = 30, LONG_FILTER = 1000 };

/* The packets of `lo` are handed over by the other CPU, and each to so many sockets that it takes a while: what ksoftirqd does
 * now and then on a busy machine. False: it cannot be had here. */
static bool slow_loopback(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	cpu_set_t first;
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	int up = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || unshare(CLONE_NEWNET | CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 || mount("sysfs", "/sys", "sysfs", 0, NULL) == -1)
		return false;
	close(up);
	up = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int spread = open("/sys/class/net/lo/queues/rx-0/rps_cpus", O_WRONLY | O_CLOEXEC);
	bool done = ioctl(up, SIOCSIFFLAGS, &lo) == 0 && write(spread, "2", 1) == 1 &&
	            sched_setaffinity(0, sizeof first, &first) == 0;
	close(up);
	close(spread);
	return done;
}

static int listen_to_all(struct sockaddr_in *all)
{
	/* Looks at the first byte again and again, and then takes all of it. */
	static struct sock_filter steps[LONG_FILTER];
	struct sock_fprog filter = {.len = LONG_FILTER, .filter = steps};
	for (int i = 0; i < LONG_FILTER; i++)
		steps[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0);
	steps[LONG_FILTER - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ~0U);
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)all, sizeof *all), 0);
	return fd;
}

static void count_letters(int fd, volatile int *read_so_far)
{
	char byte;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (recv(fd, &byte, 1, 0) == 1)
		++*read_so_far;
	_exit(1);
}

START_TEST(a_datagram_on_its_way_will_come)
{
	struct sockaddr_in all = {
	    .sin_family = AF_INET, .sin_port = htons(7007), .sin_addr.s_addr = inet_addr("127.255.255.255")};
	volatile int *read_so_far =
	    mmap(NULL, sizeof *read_so_far, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!slow_loopback())
		return;
	Scene scene = {.root = getpid(), .diag = sockets_open()};
	/* The first to listen is the last to be told, or the other way round: one reader at each end. */
	pid_t reader[2];
	int ours = -1;
	for (int i = 0; i < LISTENERS; i++) {
		int fd = listen_to_all(&all);
		ours = fd;
		if (i > 0 && i < LISTENERS - 1)
			continue;
		if ((reader[i > 0] = fork()) == 0)
			count_letters(fd, read_so_far + (i > 0));
	}
	ck_assert_int_eq(still_watch(&scene, NULL, NULL, 0), WATCH_STILL);
	int64_t packets, difference;
	int seen = 0;
	for (int i = 1; i <= POSTED; i++) {
		ck_assert_int_eq(sendto(ours, "x", 1, 0, (struct sockaddr *)&all, sizeof all), 1);
		seen += datagrams_count(&packets, &difference) && difference != scene.datagrams.lost;
		ck_assert_int_eq(still_watch(&scene, NULL, NULL, 0), WATCH_STILL);
		ck_assert_msg(read_so_far[0] == i && read_so_far[1] == i, "%d posted, but %d and %d have come", i,
		              read_so_far[0], read_so_far[1]);
	}
	ck_assert_int_gt(seen, 0); /* or this test has shown nothing */
	kill(reader[0], SIGKILL);
	kill(reader[1], SIGKILL);
	still_free(&scene);
}
END_TEST

/* Check catches SIGALRM, and so do our children that exec nothing: they would be seen to have a use for alarms. */
static void forget_alarms(void)
{
	signal(SIGALRM, SIG_DFL);
}

static TCase *rooms_case(Suite *suite)
{
	TCase *tcase = tcase_create("rooms");
	tcase_add_unchecked_fixture(tcase, still_build, still_unbuild);
	tcase_add_checked_fixture(tcase, still_enter, NULL);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return tcase;
}

/* What takes its time: programs that never come to rest. */
Suite *idle_suite(void)
{
	Suite *suite = suite_create("idle");
	TCase *tcase = rooms_case(suite);
	tcase_add_loop_test(tcase, it_is_idle, 0, IDLERS);
	tcase_add_loop_test(tcase, it_is_restless, 0, 4);
	tcase_add_test(tcase, the_evidence_of_the_restless_is_soon_gathered);
	tcase_add_loop_test(tcase, it_is_left_the_time_to_come_to_its_end, 0, 3);
	tcase_add_loop_test(tcase, it_spins, 0, SPINNERS);
	return suite;
}

Suite *still_suite(void)
{
	Suite *suite = suite_create("still");
	TCase *tcase = rooms_case(suite);
	tcase_add_loop_test(tcase, it_waits_for_somebody_else, 0, WAITS);
	tcase_add_loop_test(tcase, it_sends_to_a_small_window_that_stays_shut, 0, 2);
	tcase_add_test(tcase, a_call_that_we_do_not_know_is_not_still);
	tcase_add_loop_test(tcase, it_is_not_still_before_it_has_acted, 0, ACTS);
	tcase_add_test(tcase, it_listens_at_last);
	tcase_add_test(tcase, what_the_kernel_keeps_back_will_come);
	tcase_add_test(tcase, a_call_that_nobody_takes_is_not_still);
	tcase_add_test(tcase, it_is_gone);
	tcase_add_test(tcase, its_end_is_awaited);
	tcase_add_test(tcase, nobody_is_there);
	tcase_add_test(tcase, all_of_it_has_been_read_by_then);
	tcase_add_test(tcase, one_program_speaks_to_another);
	tcase_add_test(tcase, what_has_come_to_us_is_not_on_its_way);
	tcase_add_loop_test(tcase, a_datagram_has_been_collected_by_then, 0, COLLECTORS);
	tcase_add_test(tcase, a_datagram_that_nobody_collects_is_still);
	tcase_add_loop_test(tcase, a_datagram_comes_to_nothing, 0, 2);
	tcase_add_test(tcase, what_is_said_at_a_path_has_been_heard_by_then);
	tcase_add_loop_test(tcase, a_farewell_has_been_heard_by_then, 0, 2);
	tcase_add_test(tcase, the_end_of_the_other_has_been_heard_by_then);
	tcase_add_loop_test(tcase, all_that_it_prints_has_come_by_then, 0, 2);
	tcase_add_loop_test(tcase, what_was_typed_has_been_read_by_then, 0, READERS);
	tcase_add_loop_test(tcase, the_end_of_input_has_been_read_by_then, 0, 2);
	tcase_add_loop_test(tcase, what_comes_between_two_looks_is_not_overlooked, 0, READERS);
	tcase_add_loop_test(tcase, frozen_and_thawed_it_waits_as_before, 0, 2 * FREEZABLE);
	tcase_add_loop_test(tcase, frozen_unseen_it_is_known_all_the_same, 0, FREEZABLE);
	tcase_add_test(tcase, frozen_it_cannot_act);

	TCase *roomless = tcase_create("roomless");
	tcase_add_checked_fixture(roomless, forget_alarms, NULL);
	tcase_set_timeout(roomless, 60);
	tcase_add_loop_test(roomless, two_looks_must_agree, 0, AGREEMENTS);
	tcase_add_test(roomless, a_datagram_on_its_way_will_come);
	tcase_add_test(roomless, what_it_cannot_see_it_guesses_and_says_so);
	suite_add_tcase(suite, roomless);
	return suite;
}
