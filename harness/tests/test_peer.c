/*
 * test_peer.c: postcards, frames, lines to a path, every cut, and files in the room: does each verb pass what is right, and
 * fail what is wrong with the right code? As test_line.c does it, with programs/courier.c.
 */
#include "checks/run.h"
#include "checks/start.h"
#include "guests.h"
#include "peer/cut.h"
#include "peer/postcard.h"
#include "program/files.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *peer_suite(void);

static _Noreturn void failed(Party *party, const char *what)
{
	story_fail("test_failed", party, "%s", what);
}

static Party *a_courier(const char *argument)
{
	Party *courier = the_program((StartAs){0}, (const char *const[]){argument, NULL});
	if (!prints_line(courier, "up"))
		failed(courier, "the courier is not up");
	courier->serves = true;
	return courier;
}

static Party *a_courier_at_a_port(void)
{
	Phone *phone = a_phone(); /* opens the room, and finds a free number */
	phone_off(phone);
	Party *courier = a_courier(port_text(phone->port));
	courier->port = phone->port;
	return courier;
}

/* --- postcards --- */

static void body_postcards(int i)
{
	(void)i;
	Party *server = a_courier_at_a_port();
	Box *alice = a_box(server), *bob = a_box(server);
	post_text(alice, "hello");
	post_text(bob, "i am bob");
	collect_text(alice, "HELLO");
	collect_text(bob, "I AM BOB");
	collect_nothing(alice);
	post(bob, "", 0);
	collect(bob, "", 0);
}

static void body_large_postcard(int i)
{
	(void)i;
	static unsigned char most[POSTCARD_MOST];
	Box *alice = a_box(a_courier_at_a_port());
	memset(most, '7', sizeof most);
	post(alice, most, sizeof most);
	collect(alice, most, sizeof most);
}

/* --- frames --- */

static void body_frames(int i)
{
	(void)i;
	Line *alice = dial(a_courier_at_a_port());
	say_frame_text(alice, "hello");
	hear_frame_text(alice, "HELLO");
	say_frame(alice, "", 0);
	hear_frame(alice, "", 0);
	unsigned char payload[16];
	say_frame_text(alice, "and you");
	if (hear_any_frame(alice, payload, sizeof payload) != 7 || memcmp(payload, "AND YOU", 7) != 0)
		failed(alice->party, "another frame");
	hang_up(alice);
}

static void in_this_cut(const Cut *cut, void *server)
{
	Speech speech = {0}, answers = {0};
	for (int i = 0; i < 4; i++) {
		speech_frame(&speech, "some words to be cut", 20);
		speech_frame(&answers, "SOME WORDS TO BE CUT", 20);
	}
	Line *line = dial(server);
	say_speech(line, &speech, cut);
	hear_bytes(line, answers.bytes, answers.size);
	hang_up(line);
}

static void body_every_cut(int i)
{
	(void)i;
	in_every_cut(in_this_cut, a_courier_at_a_port());
}

/* --- a path --- */

static void body_path(int i)
{
	(void)i;
	Phone *phone = a_phone(); /* opens the room */
	phone_off(phone);
	Party *server = a_courier("the.socket");
	Line *alice = dial_path(server, "the.socket");
	char text[64];
	snprintf(text, sizeof text, "pid %d, my uid", alice->caller_pid);
	say_slowly(alice, "abc");
	hear(alice, "ABC");
	if (!prints_line(server, text) || !prints_line(server, "1") || !prints_line(server, "1") ||
	    !prints_line(server, "1"))
		failed(server, server->out.text);
	hang_up(alice);
	/* Whoever has dialled is gone by then, or hanging up might not be the end of it. */
	pid_t caller;
	TaskList tasks = {0};
	for (int k = 0; k < 100; k++) {
		close(party_dial_path("the.socket", &caller));
		tasks_look(&tasks, room_now()->warden);
		if (tasks.processes != 1)
			failed(server, "somebody else still holds the call");
	}
	tasks_free(&tasks);
	if (party_dial_path("nobody.is.here", &caller) != -1 || errno != ENOENT)
		failed(server, "somebody answered where nobody is");
}

/* --- files --- */

static void body_files(int i)
{
	(void)i;
	Phone *phone = a_phone();
	phone_off(phone);
	file_put_pattern("given", 200000);
	file_make_folder("folder");
	file_put_sparse("large", (off_t)1 << 30);
	has_exited(the_program((StartAs){0}, NULL), 0, "test_failed");
	size_t size;
	unsigned char *taken = file_get("taken", &size);
	bool same = taken != NULL && size == 200000;
	for (size_t at = 0; same && at < size; at++)
		same = taken[at] == file_byte(at);
	char *all = file_list(""), *folder = file_list("folder");
	same = same && strcmp(all, "folder\ngiven\nlarge\ntaken") == 0 && strcmp(folder, "new") == 0;
	same = same && !file_is_there("nothing") && file_get("nothing", &size) == NULL && file_is_there("folder/new");
	if (!same)
		story_fail("test_failed", NULL, "not what was left: %s", all);
}

static void body_full(int i)
{
	(void)i;
	Phone *phone = a_phone();
	phone_off(phone);
	file_put_pattern("given", 200000);
	file_make_folder("folder");
	if (file_fill_up(100000))
		has_exited(the_program((StartAs){0}, NULL), 1, "test_failed");
}

/* --- what must come of them --- */

typedef struct {
	void (*body)(int);
	char role[8], way[28];
	const char *code; /* NULL: it passes */
} Case;

static Case cases[] = {
    {body_postcards, "udp", "right", NULL},
    {body_postcards, "udp", "keeps_letters_small", "not_upper_case"},
    {body_postcards, "udp", "never_answers", "answers_nothing"},
    {body_postcards, "udp", "truncates", "truncates"},
    {body_postcards, "udp", "adds_a_nul", "sends_trailing_nul"},
    {body_postcards, "udp", "answers_from_elsewhere", "answers_from_elsewhere"},
    {body_postcards, "udp", "answers_twice", "wrong_bytes"},
    {body_large_postcard, "udp", "right", NULL},
    {body_large_postcard, "udp", "truncates", "truncates"},
    {body_frames, "frames", "right", NULL},
    {body_frames, "frames", "keeps_letters_small", "not_upper_case"},
    {body_frames, "frames", "counts_itself", "length_counts_itself"},
    {body_frames, "frames", "little_endian", "length_byte_order"},
    {body_frames, "frames", "lies", "wrong_length"},
    {body_frames, "frames", "sends_no_length", "sends_no_length"},
    {body_every_cut, "frames", "right", NULL},
    {body_every_cut, "frames", "keeps_letters_small", "not_upper_case"},
    {body_every_cut, "frames", "one_recv_is_all", "depends_on_arrival"},
    {body_path, "path", "right", NULL},
    {body_files, "files", "copies", NULL},
    {body_full, "files", "copies", NULL},
};

static void compare(const LabRecord *record, void *context)
{
	const Case *wanted = context;
	const Verdict *v = record->checks[0].verdict;
	const char *code = wanted->code != NULL ? wanted->code : "";
	Status status = wanted->code != NULL ? VERDICT_FAIL : VERDICT_PASS;
	ck_assert_msg(v->status == status && strcmp(v->code, code) == 0 && !v->by_the_clock,
	              "%s %s: status %d \"%s\", not \"%s\": %s\n%s", wanted->role, wanted->way, v->status, v->code,
	              code, v->message, v->story);
	if (strcmp(code, "depends_on_arrival") == 0)
		ck_assert_msg(strstr(v->message, "with the same bytes") != NULL, "%s", v->message);
}

START_TEST(as_it_deserves)
{
	Case *c = &cases[_i];
	char message[512], *courier = guests_path("courier");
	char *argv[] = {courier, c->role, c->way, NULL}, *visible[] = {courier, NULL};
	const TTest test = {c->way, c->body, __FILE__, __LINE__};
	const CheckInfo check = {c->way, "server", c->way, 1, 0, &test, {"", "", ""}};
	const Lab lab = {3, "peer", NULL, (const CheckInfo *const[]){&check, NULL}};
	const Subject subject = {.name = "server", .argv = argv, .argc = 3, .visible = visible};
	LabRun run = {.lab = &lab, .subjects = &subject, .subject_count = 1};
	ck_assert_msg(room_prepare(message, sizeof message), "%s", message);
	ck_assert(run_labs(&run, 1, 1, compare, c));
	room_cleanup();
}
END_TEST

Suite *peer_suite(void)
{
	Suite *suite = suite_create("peer");
	TCase *tcase = tcase_create("peer");

	tcase_add_unchecked_fixture(tcase, guests_build, guests_unbuild);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, as_it_deserves, 0, (int)(sizeof cases / sizeof *cases));
	suite_add_tcase(suite, tcase);
	return suite;
}
