/* test_expect.c: does an expectation come true when it is true, and only then? On small tapes, made by hand. */
#include "step/expect.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *expect_suite(void);

/*
 * The server waits in recv; its second thread in accept; a third has ended. The client has called, sent, heard, and stands before
 * close. Another program has ended, one computes.
 */
/* clang-format off */
static const char *const conversation[] = {
	"{'event':'tape','version':1,'lab':3,'title':'T'}",
	"{'event':'party','step':0,'who':'server','program':'p'}",
	"{'event':'party','step':0,'who':'client','program':'p'}",
	"{'event':'source','step':0,'who':'server','file':'p/server.c','lines':['int main(void)','{','\\taccept(phone, NULL, NULL);','\\trecv(call, heard, 5, 0);']}",
	"{'event':'step','step':1,'does':'start','who':'server'}",
	"{'event':'enters','step':1,'who':'server','thread':'server.1','call':'accept','text':'accept(3)','file':'p/server.c','line':3}",
	"{'event':'blocks','step':1,'who':'server','thread':'server.1','call':'accept','text':'accept(3)','for':'for somebody to call'}",
	"{'event':'packet','step':1,'protocol':'TCP','flags':'SYN','size':0,'from':'client','to':'server'}",
	"{'event':'packet','step':1,'protocol':'TCP','flags':'PSH, ACK','size':3,'data':'one','from':'client','to':'server'}",
	"{'event':'sockets','step':1,'sockets':[{'who':'server','state':'LISTEN','receive_queue':7,'send_queue':0}]}",
	"{'event':'step','step':2,'does':'call','who':'client'}",
	"{'event':'returns','step':2,'who':'client','thread':'client','call':'send','text':'send(3)','result':5,'says':'5','data':'hello','size':5}",
	"{'event':'returns','step':2,'who':'client','thread':'client','call':'recv','text':'recv(3)','result':6,'says':'6','data':'HELLO\\\\n','size':6}",
	"{'event':'returns','step':2,'who':'client','thread':'client','call':'recv','text':'recv(3)','result':0,'says':'0'}",
	"{'event':'returns','step':2,'who':'client','thread':'client','call':'recv','text':'recv(3)','result':-1,'errno':'EAGAIN','says':'-1 EAGAIN'}",
	"{'event':'enters','step':2,'who':'client','thread':'client','call':'close','text':'close(3)'}",
	"{'event':'enters','step':2,'who':'server','thread':'server','call':'recv','text':'recv(4)','file':'p/server.c','line':4}",
	"{'event':'blocks','step':2,'who':'server','thread':'server','call':'recv','text':'recv(4)','for':'for bytes'}",
	"{'event':'ends','step':2,'who':'server','thread':'server.2','how':'the thread ends'}",
	"{'event':'returns','step':2,'who':'busy','thread':'busy','call':'socket','text':'socket()','result':3,'says':'3'}",
	"{'event':'signal','step':2,'who':'gone','thread':'gone','signal':'SIGPIPE'}",
	"{'event':'ends','step':2,'who':'gone','thread':'gone','how':'exit status 1'}",
	"{'event':'ends','step':2,'who':'gone','thread':'gone.1','how':'the thread ends'}",
	"{'event':'ends','step':2,'who':'killed','thread':'killed','how':'SIGPIPE'}",
	"{'event':'prints','step':2,'who':'client','stream':'out','text':'>>: hel'}",
	"{'event':'prints','step':2,'who':'client','stream':'out','text':'lo there\\\\n'}",
	"{'event':'packet','step':2,'protocol':'TCP','flags':'PSH, ACK','size':5,'data':'hello','from':'client','to':'server'}",
	"{'event':'packet','step':2,'protocol':'TCP','flags':'ACK','size':0,'from':'server','to':'client'}",
	"{'event':'packet','step':2,'protocol':'UDP','size':1,'data':'x','from':null,'to':null}",
	"{'event':'sockets','step':2,'sockets':["
		"{'who':'server','state':'LISTEN','receive_queue':2,'send_queue':0,'backlog':16},"
		"{'who':'server','state':'ESTABLISHED','receive_queue':3,'send_queue':0},"
		"{'who':'server','state':'ESTABLISHED','receive_queue':4,'send_queue':1},"
		"{'who':'client','state':'CLOSE_WAIT','receive_queue':0,'send_queue':9},"
		"{'who':'post','protocol':'UDP','state':'UDP','receive_queue':0,'send_queue':0,'datagrams':1},"
		"{'who':null,'state':'TIME_WAIT','receive_queue':0,'send_queue':0}]}",
};

static const struct {
	const char *expectation;
	bool holds;
} cases[] = {
	{"server blocked in recv", true},
	{"server blocked recv", true},
	{"server blocked in accept", true}, /* its other thread */
	{"server.1 blocked in accept", true},
	{"server.1 blocked in recv", false},
	{"server blocked in send", false},
	{"client blocked in close", false}, /* it is before it */
	{"client blocked in", false},
	{"nobody blocked in recv", false},

	{"client before close", true},
	{"client before recv", false},
	{"server before recv", false}, /* it is in it */
	{"nobody before recv", false},

	{"gone ended", true},
	{"gone ended exit status 1", true}, /* the end of a thread is no end of the program */
	{"gone ended exit status 0", false},
	{"killed ended SIGPIPE", true},
	{"client ended", false},
	{"server ended", false}, /* one of its threads has */
	{"server.2 ended", true},
	{"server.1 ended", false},

	{"busy running", true},
	{"client running", false},
	{"server running", false},
	{"gone running", false},
	{"nobody running", false},

	{"server line recv(", true},
	{"server line recv(call, heard, 5, 0);", true},
	{"server line accept(", false},
	{"server.1 line accept(", true},
	{"client line close(", false}, /* its place is not known */
	{"nobody line recv(", false},

	{"client called recv 3", true},
	{"client called recv 2", false},
	{"client called recv 1 0", true},
	{"client called recv 1 EAGAIN", true},
	{"client called recv 1 -1", true},
	{"client called recv 2 0", false},
	{"client called connect 0", true},
	{"client called recv", false},

	{"client returned recv EAGAIN", true}, /* the last time */
	{"client returned recv -1", true},
	{"client returned recv 0", false},
	{"client returned send 5", true},
	{"client returned connect 0", false},
	{"client returned recv", false},

	{"client heard HELLO\\n", false}, /* the last data was none */
	{"client printed hello there", true},
	{"client printed >>:", true},
	{"client printed HELLO", false},
	{"server printed hello", false},

	{"gone got SIGPIPE", true},
	{"gone got SIGTERM", false},
	{"client got SIGPIPE", false},

	{"server socket ESTABLISHED", true},
	{"server socket ESTABLISHED 2", true},
	{"server socket ESTABLISHED 1", false},
	{"server socket CLOSE_WAIT", false},
	{"server socket CLOSE_WAIT 0", true},
	{"client socket CLOSE_WAIT 1", true},
	{"post socket UDP", true},
	{"nobody socket LISTEN", false},

	{"server unread 7", true}, /* both calls, and not who waits to be accepted */
	{"server unread 9", false},
	{"server unread", false},
	{"server unsent 1", true},
	{"server unsent 0", false},
	{"client unsent 9", true},
	{"server waiting 2", true},
	{"server waiting 7", false}, /* that was before */
	{"post datagrams 1", true},
	{"post datagrams 0", false},
	{"queues empty", false},

	{"packets 3", true}, /* in the last step */
	{"packets 5", false},
	{"packets 2 data", true},
	{"packets 1 PSH, ACK", true},
	{"packets 0 SYN", true},
	{"packets 1 UDP", true},
	{"packets", false},
	{"packet SYN", true}, /* at any time */
	{"packet RST", false},
	{"packet UDP", true},

	{"client sings loudly", false},
};
/* clang-format on */

static void add(Tape *tape, const char *line)
{
	char *text = strdup(line);
	json_error_t error;
	for (char *at = text; *at != '\0'; at++)
		*at = *at == '\'' ? '"' : *at;
	json_t *event = json_loads(text, 0, &error);
	ck_assert_msg(event != NULL, "%s: %s", text, error.text);
	tape_add(tape, event);
	free(text);
}

static bool holds(const Tape *tape, const char *text, char found[256])
{
	static char copy[256];
	static const char *words[32];
	size_t n = 0;
	snprintf(copy, sizeof copy, "%s", text);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		words[n++] = word;
	words[n] = NULL;
	const Cue cue = {.verb = SAY_EXPECT, .text = text, .word = words, .words = n};
	return expect_holds(tape, &cue, found, 256);
}

START_TEST(true_and_false)
{
	char found[256];
	Tape *tape = tape_new(NULL);
	for (size_t i = 0; i < sizeof conversation / sizeof *conversation; i++)
		add(tape, conversation[i]);
	bool held = holds(tape, cases[_i].expectation, found);
	ck_assert_msg(held == cases[_i].holds, "%s: %s, and found \"%s\"", cases[_i].expectation,
	              held ? "held" : "did not hold", found);
	ck_assert_msg(held || *found != '\0', "%s: it is not said what was found", cases[_i].expectation);
	tape_free(tape);
}
END_TEST

START_TEST(on_an_empty_tape_nothing_has_happened)
{
	static const char *const hold[] = {"queues empty", "packets 0", "server unread 0", "server called recv 0"};
	char found[256];
	Tape *tape = tape_new(NULL);
	for (size_t i = 0; i < sizeof hold / sizeof *hold; i++)
		ck_assert_msg(holds(tape, hold[i], found), "%s", hold[i]);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (strpbrk(cases[i].expectation, "0123456789") == NULL &&
		    strcmp(cases[i].expectation, "queues empty") != 0)
			ck_assert_msg(!holds(tape, cases[i].expectation, found), "%s", cases[i].expectation);
	tape_free(tape);
}
END_TEST

START_TEST(what_was_found_is_said)
{
	/* clang-format off */
	static const char *const said[][2] = {
		{"server blocked in send", "server: blocks recv(4)"},
		{"client returned recv 0", "recv(3) = -1 EAGAIN"},
		{"client called recv 2", "client called it 3 times"},
		{"client heard HELLO", "client heard \"\""},
		{"client socket LISTEN", "client has: CLOSE_WAIT"},
		{"server unread 5", "there are 7"},
		{"killed ended exit status 0", "killed ended: SIGPIPE"},
		{"server line accept(", "server stands at p/server.c:4: recv(call, heard, 5, 0);"},
		{"client sings loudly", "nothing can be expected with \"sings\""},
	};
	/* clang-format on */
	char found[256];
	Tape *tape = tape_new(NULL);
	for (size_t i = 0; i < sizeof conversation / sizeof *conversation; i++)
		add(tape, conversation[i]);
	for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
		ck_assert(!holds(tape, said[i][0], found));
		ck_assert_msg(strncmp(found, said[i][1], strlen(said[i][1])) == 0, "%s: %s", said[i][0], found);
	}
	tape_free(tape);
}
END_TEST

START_TEST(the_last_that_was_heard)
{
	char found[256];
	Tape *tape = tape_new(NULL);
	for (size_t i = 0; i < 13; i++) /* as far as the data */
		add(tape, conversation[i]);
	ck_assert(holds(tape, "client heard HELLO\\n", found));
	ck_assert(!holds(tape, "client heard HELLO", found));
	ck_assert(!holds(tape, "server heard HELLO\\n", found));
	tape_free(tape);
}
END_TEST

Suite *expect_suite(void)
{
	Suite *suite = suite_create("expect");
	TCase *tcase = tcase_create("expect");
	tcase_add_loop_test(tcase, true_and_false, 0, sizeof cases / sizeof *cases);
	tcase_add_test(tcase, on_an_empty_tape_nothing_has_happened);
	tcase_add_test(tcase, what_was_found_is_said);
	tcase_add_test(tcase, the_last_that_was_heard);
	suite_add_tcase(suite, tcase);
	return suite;
}
