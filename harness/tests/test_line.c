/*
 * test_line.c: does each verb pass what is right, and fail what is wrong with the right code?
 *
 * As a lab's checks are run, so are these: small bodies of verbs, each a check, asked by run_labs() of small programs
 * (programs/talker.c). What is compared is the verdict.
 */
#include "checks/run.h"
#include "checks/start.h"
#include "guests.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *line_suite(void);

/* --- bodies: towards a server --- */

static void body_one_message(int i)
{
	(void)i;
	Line *alice = dial(a_server());
	say(alice, "hello");
	hear(alice, "HELLO");
	hear_nothing(alice);
}

static void body_a_shorter_one_after(int i)
{
	(void)i;
	Line *alice = dial(a_server());
	say(alice, "good morning");
	hear(alice, "GOOD MORNING");
	say(alice, "hi");
	hear(alice, "HI");
}

static void body_bytes(int i)
{
	(void)i;
	Line *alice = dial(a_server());
	say_bytes(alice, "a\0b", 3);
	hear_bytes(alice, "A\0B", 3);
	say(alice, "gr\xc3\xbc\xc3\x9f");
	hear(alice, "GR\xc3\xbc\xc3\x9f");
}

static void body_caller_waits(int i)
{
	(void)i;
	Line *alice = dial(a_server());
	hear_nothing(alice);
}

static void body_next_caller(int i)
{
	(void)i;
	Party *server = a_server();
	Line *alice = dial(server);
	hang_up(alice);
	Line *bob = dial(server);
	say(bob, "hello");
	hear(bob, "HELLO");
	hang_up(bob);
}

static void body_gone_before_the_answer(int i)
{
	(void)i;
	Party *server = a_server();
	party_freeze(server);
	Line *alice = dial(server);
	say(alice, "hello");
	reset_call(alice);
	party_thaw(server);
	Line *bob = dial(server);
	say(bob, "hello");
	hear(bob, "HELLO");
}

static void body_hang_up_after_half_close(int i)
{
	(void)i;
	Line *alice = dial(a_server());
	say(alice, "hello");
	half_close(alice);
	hear(alice, "HELLO");
	hear_hang_up(alice);
}

/* --- bodies: is it delivered as it was meant? The server tells what each recv() gave it. --- */

static void prints(Party *server, const char *text)
{
	if (!prints_line(server, text))
		story_fail("test_failed", server, "it should print \"%s\", and not \"%s\"", text,
		           server->out.size > 0 ? server->out.text + server->out.read : "");
}

static void body_pieces(int i)
{
	(void)i;
	Party *server = a_server();
	Line *alice = dial(server);
	say_in_pieces(alice, "abcdefg", 7, 3);
	for (int k = 0; k < 3; k++)
		prints(server, k < 2 ? "3" : "1");
	say_slowly(alice, "xyz");
	for (int k = 0; k < 3; k++)
		prints(server, "1");
	party_freeze(server);
	say_together(alice, (const char *const[]){"ab", "cd", "efg", NULL});
	party_thaw(server);
	prints(server, "7");
	hang_up(alice);
	prints(server, "end");
}

/* A window that stays shut: the server fills what there is, and stands in send(). */
static void body_shut_window(int i)
{
	(void)i;
	Party *server = a_server();
	keep_window_shut();
	dial(server);
	Outcome outcome = party_watch(NULL, NULL, WATCH_PATIENT, -1);
	const Socket *full = NULL;
	const SocketList *list = &room_now()->scene.sockets;
	for (size_t k = 0; k < list->count; k++)
		if (list->socket[k].port == server->port && list->socket[k].wqueue > 0)
			full = &list->socket[k];
	if (outcome != WATCH_STILL || full == NULL || full->window != 0)
		story_fail("test_failed", server, "%s, and the window is open", still_outcome_name(outcome));
}

/* What it said before it hung up is heard by one who only speaks on: the first word is reset, the second cannot be sent. */
static void body_last_words(int i)
{
	(void)i;
	Party *server = a_server();
	Line *alice = dial(server);
	say(alice, "hello");
	party_watch(NULL, NULL, 0, -1);
	say(alice, "hello?");
	party_watch(NULL, NULL, 0, -1);
	say(alice, "are you there?");
	if (!alice->ended || alice->in_size != 7 || memcmp(alice->in, "go away", 7) != 0)
		story_fail("test_failed", server, "heard %zu bytes, and not 7", alice->in_size);
}

/* A reset after each number of bytes, none too. */
static void body_reset_at_any_byte(int i)
{
	(void)i;
	Party *server = a_server();
	for (size_t n = 0; n < 5; n++) {
		Line *alice = dial(server);
		char text[8];
		say_bytes(alice, "hello", n);
		if (n > 0) {
			snprintf(text, sizeof text, "%zu", n);
			prints(server, text);
		}
		reset_call(alice);
		prints(server, "Connection reset by peer");
	}
}

/* --- bodies: towards a client --- */

static Party *a_caller(Line **line)
{
	Phone *phone = a_phone();
	Party *client = the_program((StartAs){0}, (const char *const[]){"127.0.0.1", port_text(phone->port), NULL});
	client->port = phone->port;
	*line = answer(phone, client);
	return client;
}

static void body_client(int i)
{
	(void)i;
	Line *server;
	Party *client = a_caller(&server);
	hear(server, "hello");
	say(server, "HELLO");
	reads(client, "HELLO");
	has_exited(client, 0, "does_not_exit");
}

static void body_client_is_hung_up(int i)
{
	(void)i;
	Line *server;
	Party *client = a_caller(&server);
	hear(server, "hello");
	hang_up(server);
	reads(client, "end");
	has_exited(client, 0, "does_not_exit");
}

static void body_client_is_reset(int i)
{
	(void)i;
	Line *server;
	Party *client = a_caller(&server);
	hear(server, "hello");
	reset_call(server);
	reads(client, "Connection reset by peer");
}

static void body_nobody_answers(int i)
{
	(void)i;
	Phone *phone = a_phone();
	in_port_t port = phone->port;
	phone_off(phone);
	Party *client = the_program((StartAs){0}, (const char *const[]){"127.0.0.1", port_text(port), NULL});
	has_exited(client, 1, "does_not_exit");
	if (!complains(client, "Connection refused"))
		story_fail("test_failed", client, "nothing was said");
}

/* --- what must come of them --- */

typedef struct {
	void (*body)(int);
	char role[8], way[28];
	const char *code; /* NULL: it passes */
} Case;

static Case servers[] = {
    {body_one_message, "server", "right", NULL},
    {body_a_shorter_one_after, "server", "right", NULL},
    {body_bytes, "server", "right", NULL},
    {body_caller_waits, "server", "right", NULL},
    {body_next_caller, "server", "right", NULL},
    {body_hang_up_after_half_close, "server", "right", NULL},
    {body_one_message, "server", "never_answers", "answers_nothing"},
    {body_one_message, "server", "keeps_letters_small", "not_upper_case"},
    {body_one_message, "server", "sends_the_whole_buffer", "pads_message"},
    {body_one_message, "server", "adds_a_nul", "sends_trailing_nul"},
    {body_one_message, "server", "adds_a_newline", "sends_newline"},
    {body_one_message, "server", "says_three_bytes", "truncates"},
    {body_one_message, "server", "says_another_thing", "wrong_bytes"},
    {body_one_message, "server", "hangs_up", "hangs_up_early"},
    {body_one_message, "server", "exits", "exits_early"},
    {body_one_message, "server", "crashes", "crashes"},
    {body_one_message, "server", "prints_for_ever", "floods_output"},
    {body_one_message, "server", "never_listens", "does_not_listen"},
    {body_one_message, "server", "exits_at_once", "exits_early"},
    {body_one_message, "server", "swaps_the_port", "port_byte_order"},
    {body_one_message, "server", "listens_elsewhere", "listens_on_wrong_port"},
    {body_a_shorter_one_after, "server", "sends_what_was_left", "stale_tail"},
    {body_bytes, "server", "stops_at_nul", "stops_at_nul"},
    {body_bytes, "server", "clears_the_high_bit", "mangles_bytes"},
    {body_caller_waits, "server", "speaks_first", "speaks_first"},
    {body_next_caller, "server", "spins", "spins_after_hang_up"},
    {body_next_caller, "server", "never_hangs_up", "answers_nothing"},
    {body_gone_before_the_answer, "server", "sends_letter_by_letter", "dies_of_sigpipe"},
    {body_hang_up_after_half_close, "server", "never_hangs_up", "does_not_hang_up"},
};

static Case deliveries[] = {
    {body_pieces, "server", "tells_sizes", NULL},
    {body_reset_at_any_byte, "server", "tells_sizes", NULL},
    {body_shut_window, "server", "pours", NULL},
    {body_last_words, "server", "says_why_and_hangs_up", NULL},
};

static Case clients[] = {
    {body_client, "client", "right", NULL},
    {body_client_is_hung_up, "client", "right", NULL},
    {body_client_is_reset, "client", "right", NULL},
    {body_nobody_answers, "client", "right", NULL},
    {body_client, "client", "never_calls", "does_not_call"},
    {body_client, "client", "ends_without_a_call", "does_not_call"},
    {body_client, "client", "says_nothing", "sends_nothing"},
    {body_client, "client", "adds_a_nul", "sends_trailing_nul"},
    {body_client, "client", "sends_the_whole_buffer", "pads_message"},
    {body_client, "client", "says_three_bytes", "truncates"},
    {body_client, "client", "says_another_thing", "wrong_bytes"},
    {body_client, "client", "hangs_up_at_once", "exits_early"},
    {body_client, "client", "never_ends", "does_not_exit"},
    {body_client, "client", "ends_with_7", "wrong_exit_status"},
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
	/* Who fails is told why, and what that means. */
	ck_assert(status == VERDICT_PASS || (v->message[0] != '\0' && v->story[0] != '\0'));
}

/* The case as a lab of one check, asked of one program. */
static void ask(Case *c)
{
	char message[512], *talker = guests_path("talker");
	char *argv[] = {talker, c->role, c->way, NULL}, *visible[] = {talker, NULL};
	const TTest test = {c->way, c->body, __FILE__, __LINE__};
	const CheckInfo check = {c->way, c->role, c->way, 1, 0, &test, {"", "", ""}};
	const Lab lab = {3, "line", NULL, (const CheckInfo *const[]){&check, NULL}};
	const Subject subject = {.name = c->role, .argv = argv, .argc = 3, .visible = visible};
	LabRun run = {.lab = &lab, .subjects = &subject, .subject_count = 1};
	ck_assert_msg(room_prepare(message, sizeof message), "%s", message);
	ck_assert(run_labs(&run, 1, 1, compare, c));
	room_cleanup();
}

START_TEST(towards_a_server)
{
	ask(&servers[_i]);
}
END_TEST

START_TEST(as_it_was_meant)
{
	ask(&deliveries[_i]);
}
END_TEST

START_TEST(towards_a_client)
{
	ask(&clients[_i]);
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof *(list))

Suite *line_suite(void)
{
	Suite *suite = suite_create("line");
	TCase *tcase = tcase_create("line");

	tcase_add_unchecked_fixture(tcase, guests_build, guests_unbuild);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, towards_a_server, 0, COUNT(servers));
	tcase_add_loop_test(tcase, as_it_was_meant, 0, COUNT(deliveries));
	tcase_add_loop_test(tcase, towards_a_client, 0, COUNT(clients));
	suite_add_tcase(suite, tcase);
	return suite;
}
