/*
 * lab08.c: sticky packets. TCP is a stream: a message needs an end that the receiver can see.
 *
 * Labs 15 and 16 ask most of this again, and list it (common.h).
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/start.h"
#include "peer/cut.h"
#include "program/trouble.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { LONGEST = 4096 };

/* A line of so many bytes, without its newline, from a on or from z back; ours until the check ends. */
static char *letters(size_t size, char first)
{
	char *text = malloc(size + 1);
	if (text == NULL)
		trouble("no memory");
	for (size_t i = 0; i < size; i++)
		text[i] = (char)(first == 'z' ? 'z' - (i + i / 26) % 26 : 'a' + (i + i / 26) % 26);
	text[size] = '\0';
	return text;
}

/* --- the server --- */

typedef struct {
	Line *line;
	size_t size;
} Wanted;

static bool is_all_there(void *context)
{
	Wanted *wanted = context;
	return (has_news(wanted->line) && wanted->line->in_size >= wanted->size) || wanted->line->ended;
}

/* These answers come. Whole lines that are missing, and an answer to what is no line yet, have names of their own. */
static void hear_lines(Line *line, const char *answers)
{
	Wanted wanted = {.line = line, .size = strlen(answers)};
	party_watch(is_all_there, &wanted, WATCH_PATIENT, line->fd);
	has_news(line);
	size_t size = line->in_size, common = size < wanted.size ? size : wanted.size;
	if (common > 0 && memcmp(line->in, answers, common) == 0 && size != wanted.size) {
		if (size > wanted.size) {
			story_bytes("the reply", answers, wanted.size, line->in, size);
			story_fail("answers_unfinished_line", line->party,
			           "the server should answer whole lines, but it answers one that is not finished.");
		}
		if (line->in[size - 1] == '\n') {
			story_bytes("the reply", answers, wanted.size, line->in, size);
			story_fail("loses_lines", line->party,
			           "every line should be answered, but the last answers are missing.");
		}
	}
	hear(line, answers);
}

/* What was said is the beginning of a line: no answer yet. */
static void hear_no_answer_yet(Line *line)
{
	party_watch(NULL, NULL, 0, -1);
	if (has_news(line) && line->in_size > 0) {
		story_bytes("the reply", "", 0, line->in, line->in_size);
		story_fail("answers_unfinished_line", line->party,
		           "the server should wait for the end of the line, but it answers what there is of it.");
	}
	hear_nothing(line);
}

SHARED_CHECK(
    0, server, answers_lines_that_come_together, 8, "answers every line of several that come together",
    "Two lines are sent, one right after the other. How many recv()s does the server need for them?",
    "Perhaps one: TCP keeps the bytes and their order, and nothing else. After each recv() there may be no line "
    "in the buffer, or several.",
    "while ((newline = memchr(heard, '\\n', have)) != NULL) { answer up to it; move the rest to the front; }")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say_together(alice, (const char *const[]){"one\n", "two words\n", "three\n", NULL});
	hear_lines(alice, "ONE\nTWO WORDS\nTHREE\n");
}
END_CHECK

SHARED_CHECK(0, server, waits_for_the_end_of_a_line, 8, "answers a line when it is whole, and not before",
             "What is `hel`: a message, or the beginning of one?",
             "It has no newline yet. Keep it, and receive the rest behind it.",
             "recv(call, heard + have, sizeof heard - have, 0); have += n; — heard and have outlive the single recv().")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say(alice, "hel");
	hear_no_answer_yet(alice);
	say(alice, "lo\n");
	hear(alice, "HELLO\n");
}
END_CHECK

SHARED_CHECK(0, server, keeps_the_beginning_of_the_next_line, 8,
             "keeps the beginning of the next line, if it comes with the end of this one",
             "One recv() gives `one`, a newline, and `tw`. What becomes of the `tw`?",
             "It is the beginning of the next line. What is behind the newline moves to the front and stays.",
             "have -= length; memmove(heard, heard + length, have);")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say(alice, "one\ntw");
	hear_lines(alice, "ONE\n");
	hear_no_answer_yet(alice);
	say(alice, "o\nthree\n");
	hear_lines(alice, "TWO\nTHREE\n");
}
END_CHECK

/* The same bytes in every cut, on a call of its own each. */
static void answers_the_speech(const Cut *cut, void *server)
{
	static Speech speech;
	static char *answers;
	if (answers == NULL) {
		speech_line(&speech, "grüße");
		speech_bytes(&speech, "nul\0inside\n", strlen("nul?inside\n"), 3);
		speech_line(&speech, letters(90, 'z'));
		speech_line(&speech, letters(2000, 'a'));
		speech_line(&speech, letters(3000, 'a'));
		speech_line(&speech, "the last");
		answers = malloc(speech.size);
		if (answers == NULL)
			trouble("no memory");
		memcpy(answers, speech.bytes, speech.size);
		upper_bytes(answers, speech.size);
	}
	Line *line = dial(server);
	say_speech(line, &speech, cut);
	hear_bytes(line, answers, speech.size);
	half_close(line);
	hear_hang_up(line);
	hang_up(line);
}

SHARED_CHECK(
    0, server, answers_the_same_however_it_comes, 12, "answers the same, however the bytes come",
    "Which of your answers depend on where one recv() ends and the next begins?",
    "None should. The same bytes are sent line by line, together, byte by byte, and cut elsewhere: what is in the "
    "buffer after each recv() differs, what is in the stream does not.",
    "A buffer that outlives recv(), new bytes behind the old, and a loop that takes every whole line out of it.")
{
	in_every_cut(answers_the_speech, a_server());
}
END_CHECK

SHARED_CHECK(0, server, answers_the_empty_line, 4, "answers an empty line with an empty line",
             "What is sent for an empty line, now that each line has its newline?",
             "One byte, the newline: that is a message, and its answer is a newline.",
             "A length of 0 before the newline is no end: do not break, do not skip it.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say(alice, "\n");
	hear(alice, "\n");
	say(alice, "\n\nand on\n");
	hear_lines(alice, "\n\nAND ON\n");
}
END_CHECK

SHARED_CHECK(0, server, takes_a_line_of_4096_bytes, 5, "takes a line of 4096 bytes, and one of 1",
             "How many bytes must the buffer hold for the longest line?",
             "4096 and the newline. How many recv()s it takes to fill it is another question.", "char heard[4096 + 1];")
{
	char *longest = letters(LONGEST, 'z');
	Party *server = a_server();
	Line *alice = dial(server);
	say_message(alice, longest);
	hear_message(alice, upper(longest));
	say(alice, "x\n");
	hear(alice, "X\n");
}
END_CHECK

static bool has_ended(void *line)
{
	has_news(line);
	return ((Line *)line)->ended;
}

/* These answers come, and to the line that is not whole none; then the call ends. */
static void is_hung_up_on_after(Line *line, const char *answers, const char *code, const char *what)
{
	if (party_watch(has_ended, line, WATCH_PATIENT, line->fd) != WATCH_DONE && line->in_size <= strlen(answers))
		story_fail("does_not_hang_up", line->party, "the server should hang up on %s, but it does not.", what);
	if (line->in_size > strlen(answers) && memcmp(line->in, answers, strlen(answers)) == 0) {
		story_bytes("the reply", answers, strlen(answers), line->in, line->in_size);
		story_fail(code, line->party, "the server should send no answer to %s, but it does.", what);
	}
	if (*answers != '\0')
		hear(line, answers);
	hear_hang_up(line);
}

SHARED_CHECK(
    0, server, hangs_up_on_a_line_without_end, 6, "hangs up when 4097 bytes have come without a newline",
    "What does your server do with a caller who sends letters for ever, and no newline?",
    "A line has at most 4096 bytes; with the 4097th that is no newline the call is over, and there is no answer "
    "to it.",
    "if (have == sizeof heard) break; — after the loop that takes out the whole lines.")
{
	char *long_line = letters(LONGEST + 1, 'a');
	Party *server = a_server();
	Line *alice = dial(server);
	say_message(alice, "hello");
	hear_message(alice, "HELLO");
	say(alice, long_line);
	is_hung_up_on_after(alice, "", "answers_unfinished_line", "a line of more than 4096 bytes");
	hang_up(alice);
	/* With a newline behind it, it is still too long. */
	Line *bob = dial(server);
	say_message(bob, long_line);
	is_hung_up_on_after(bob, "", "takes_too_long_a_line", "a line of 4097 bytes");
	hang_up(bob);
	Line *carol = dial(server);
	say_message(carol, "and i");
	hear_message(carol, "AND I");
}
END_CHECK

SHARED_CHECK(0, server, does_not_answer_an_unfinished_line, 6, "sends no answer to a line that is never finished",
             "The caller says `one`, a newline, and `tw`, and says no more. How many lines were that?",
             "One, and the beginning of one. The end of the stream is no newline.",
             "recv() has returned 0: what is left in the buffer is no line; close(call).")
{
	Party *server = a_server();
	Line *alice = dial(server);
	party_freeze(server); /* so it finds the lines and the end of the stream together */
	say(alice, "one\ntwo");
	half_close(alice);
	party_thaw(server);
	is_hung_up_on_after(alice, "ONE\n", "answers_unfinished_line", "a line that is never finished");
	hang_up(alice);
	Line *bob = dial(server);
	say(bob, "only the beginning");
	half_close(bob);
	is_hung_up_on_after(bob, "", "answers_unfinished_line", "a line that is never finished");
	hang_up(bob);
	Line *carol = dial(server);
	say_message(carol, "and i");
	hear_message(carol, "AND I");
}
END_CHECK

SHARED_CHECK(0, server, keeps_the_callers_apart, 5, "does not take the rest of one call for the beginning of the next",
             "Alice hangs up in the middle of a line. Where is the beginning of it when Bob is served?",
             "What is left of a call ends with it.", "size_t have = 0; — behind accept(), for each call anew.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say(alice, "i am al");
	hear_no_answer_yet(alice);
	hang_up(alice);
	Line *bob = dial(server);
	say(bob, "i am bob\n");
	hear(bob, "I AM BOB\n");
}
END_CHECK

/* The server is frozen meanwhile, so it finds the lines and the end of the stream together. */
SHARED_CHECK(0, server, answers_after_a_half_close, 8, "answers everything to a caller who has stopped sending",
             "What does it mean that recv() returns 0: that the caller is gone, or that no more will come from there?",
             "Only the latter. The caller may well still listen: `printf 'hi\\n' | nc -N` does.",
             "Answer every line that has come before you look at the end of the stream; then close(call).")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say_message(alice, "hello");
	hear_message(alice, "HELLO");
	party_freeze(server);
	char *longest = letters(LONGEST, 'a');
	say(alice, "one\ntwo\n");
	say_message(alice, longest);
	say(alice, "three\n");
	half_close(alice);
	party_thaw(server);
	char *all = NULL;
	if (asprintf(&all, "ONE\nTWO\n%s\nTHREE\n", upper(longest)) == -1)
		trouble("no memory");
	hear(alice, all);
	hear_hang_up(alice);
}
END_CHECK

static bool can_take_more(void *line)
{
	struct pollfd look = {.fd = ((Line *)line)->fd, .events = POLLOUT};
	return poll(&look, 1, 0) == 1;
}

/* Sends as much of it as the other side takes while nobody reads its answers. Returns how much that was. */
static size_t say_until_stuck(Line *line, const char *bytes, size_t size)
{
	size_t said = 0;
	while (said < size) {
		ssize_t n = send(line->fd, bytes + said, size - said, MSG_NOSIGNAL);
		if (n > 0)
			said += (size_t)n;
		else if (n == -1 && errno != EAGAIN && errno != EINTR)
			break;
		else if (party_watch(can_take_more, line, 0, -1) != WATCH_DONE)
			break;
	}
	return said;
}

SHARED_CHECK(
    0, server, sends_everything, 8, "sends everything, to a slow reader as well",
    "What does send() return, and what does that number mean?",
    "It may take less than it is given: from a socket that does not wait, or when a signal comes in. What it did "
    "not take must be sent again.",
    "for (sent = 0; sent < length; sent += n) n = send(call, line + sent, length - sent, MSG_NOSIGNAL);")
{
	enum { LINES = 300, SIZE = 1001 };
	Party *server = a_server();
	keep_window_shut();
	Line *alice = dial(server);
	char *all = malloc(LINES * SIZE + 1);
	if (all == NULL)
		trouble("no memory");
	for (size_t i = 0; i < LINES; i++) {
		snprintf(all + i * SIZE, 6, "%05zu", i);
		memcpy(all + i * SIZE + 5, letters(SIZE - 5, 'a'), SIZE - 5);
		all[i * SIZE + SIZE - 1] = '\n';
	}
	int small = 1;
	setsockopt(alice->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small); /* ours, so that theirs fills up */
	story_add("%s says %d lines of %d bytes, and reads no answer meanwhile", alice->who, LINES, SIZE - 1);
	size_t said = say_until_stuck(alice, all, LINES * SIZE);
	story_add("%s reads again", alice->who);
	alice->deaf = false;
	int large = 1 << 20;
	setsockopt(alice->fd, SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
	setsockopt(alice->fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
	setsockopt(alice->fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &large, sizeof large);
	transmit(alice, all + said, LINES * SIZE - said);
	half_close(alice);
	upper_bytes(all, LINES * SIZE);
	hear_bytes(alice, all, LINES * SIZE);
	hear_hang_up(alice);
}
END_CHECK

SHARED_CHECK(0, server, prints_each_line_whole, 4, "prints a line whole, however it comes",
             "What does your server print: what recv() gave it, or a line?", "A line, when it is whole.",
             "fwrite(line, 1, length, stdout); — where the answer is made.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say(alice, "good mor");
	hear_no_answer_yet(alice);
	say(alice, "ning\nhow are you\n");
	hear_lines(alice, "GOOD MORNING\nHOW ARE YOU\n");
	const char *const texts[] = {"good morning", "how are you", NULL};
	for (const char *const *text = texts; *text != NULL; text++) {
		if (!prints_line(server, *text))
			story_fail(server->out.size > 0 ? "prints_wrong" : "does_not_print", server,
			           "the server should print \"%s\" on a line of its own, but it does not.", *text);
		story_add("the server prints \"%s\"", *text);
	}
}
END_CHECK

/* --- the client --- */

SHARED_CHECK(0, client, sends_4096_bytes, 5, "sends a line of 4096 bytes, and prints as long a reply",
             "How long may a line be, and how long a reply?", "4096 bytes each, and the newline behind them.",
             "readline() has no limit of its own; char reply[4096 + 1] for recv().")
{
	char *longest = letters(LONGEST, 'z');
	Line *server;
	Party *client = a_client_in_a_pipe(&server);
	feed(client, (const char *const[]){longest, NULL});
	hear_message(server, longest);
	say_message(server, upper(longest));
	end_input(client);
	comes_to_its_end(client);
	reads(client, upper(longest));
}
END_CHECK

SHARED_CHECK(0, client, reads_a_reply_in_two_pieces, 8, "reads a reply that comes in two pieces as one",
             "One recv() gives `HEL`. Is that the reply?",
             "Its newline is not there yet: receive on, behind what you have, until it is.",
             "while (memchr(reply, '\\n', have) == NULL) have += recv(call, reply + have, sizeof reply - have, 0);")
{
	Line *server;
	Party *client = a_client_at_a_terminal(&server);
	type_line(client, "hello");
	hear_message(server, "hello");
	say(server, "HEL");
	hear_nothing(server);
	say(server, "LO\n");
	reads(client, "HELLO");
	type_line(client, "again");
	hear_message(server, "again");
	say(server, "AGAIN\n");
	reads(client, "AGAIN");
}
END_CHECK

typedef struct {
	Party *client;
	Line *server;
} Talk;

/* One reply at a time: for what nobody has asked yet there is no answer. */
static void reads_the_replies(const Cut *cut, void *context)
{
	Talk *talk = context;
	const char *const texts[] = {"a question with ü", letters(600, 'a'), "x", NULL};
	for (const char *const *text = texts; *text != NULL; text++) {
		Speech reply = {0};
		size_t size = strlen(*text);
		char *answer = NULL;
		if (asprintf(&answer, "%s\n", upper(*text)) == -1)
			trouble("no memory");
		speech_bytes(&reply, answer, size + 1, (size + 1) / 2);
		type_line(talk->client, *text);
		hear_message(talk->server, *text);
		say_speech(talk->server, &reply, cut);
		reads(talk->client, upper(*text));
		speech_free(&reply);
		free(answer);
	}
}

SHARED_CHECK(0, client, reads_a_reply_however_it_comes, 10, "reads a reply, however the bytes come",
             "Where does a reply end?",
             "At its newline, and nowhere else. It may take one recv() until there, or a hundred.",
             "Receive behind what is there, until memchr() finds the newline; then print up to it.")
{
	Talk talk;
	talk.client = a_client_at_a_terminal(&talk.server);
	in_every_cut(reads_the_replies, &talk);
}
END_CHECK

SHARED_CHECK(0, client, prints_a_nul_byte, 4, "prints a reply with a NUL in it whole",
             "Where does a reply end that has a NUL in the middle?",
             "At its newline. printf(\"%s\") and strlen() stop at the NUL.", "fwrite(reply, 1, length, stdout);")
{
	Line *server;
	Party *client = a_client_in_a_pipe(&server);
	feed(client, (const char *const[]){"hello", NULL});
	hear_message(server, "hello");
	say_message_bytes(server, "HEL\0LO", 6);
	end_input(client);
	hear_hang_up(server);
	hang_up(server);
	has_exited(client, 0, "does_not_exit");
	if (client->out.size == 0 || memmem(client->out.text, client->out.size, "HEL\0LO\n", 7) == NULL) {
		const char *at = client->out.size > 0 ? strstr(client->out.text, "HEL") : NULL;
		size_t size = at ? strnlen(at, (size_t)(client->out.text + client->out.size - at)) : 0;
		story_bytes("what it prints", "HEL\0LO", 6, at, size);
		story_fail(at ? "stops_at_nul" : "does_not_print", client,
		           "the client should print the reply whole, the NUL and what is behind it as well.");
	}
	story_add("the client prints \"HEL\\0LO\"");
}
END_CHECK

static const CheckInfo *const checks[] = {LINE_SERVER_CHECKS,
                                          &server_binds_loopback_only,
                                          &server_default_port_is_9000,
                                          &server_says_that_the_port_is_taken,
                                          &server_wrong_usage_exits_2,
                                          LINE_CLIENT_CHECKS,
                                          &client_says_that_nobody_answers,
                                          &client_calls_the_host_it_is_given,
                                          &client_default_address,
                                          &client_wrong_usage_exits_2,
                                          NULL};

const Lab lab08 = {8, "sticky-packets", (const char *const[]){"server", "client", NULL}, checks};
