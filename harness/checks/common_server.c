/*
 * common_server.c: the checks that servers of several labs share.
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/start.h"
#include "checks/transfer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>

SHARED_CHECK(0, server, wrong_usage_exits_2, 4, "refuses a wrong command line",
             "What should a program do with a port like `abc`, or with one word too many?",
             "strtol() tells where the number ended; a port is from 1 to 65535. Count argc, too.",
             "fprintf(stderr, \"usage: server [PORT]\\n\"); return 2; — before the first socket call.")
{
	if (is_transfer()) {
		refuses_no_letter();
		return;
	}
	refuses((const char *const *const[]){(const char *const[]){"abc", NULL}, (const char *const[]){"0", NULL},
	                                     (const char *const[]){"65536", NULL}, (const char *const[]){"-1", NULL},
	                                     (const char *const[]){"20001", "20002", NULL}, NULL});
}
END_CHECK

SHARED_CHECK(
    0, server, binds_loopback_only, 4, "listens at 127.0.0.1, on the port that it was given",
    "Who can call a server that is bound to 0.0.0.0?",
    "The address in the sockaddr_in decides from where calls can come. Port and address are in network byte order.",
    "address.sin_port = htons(port); address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);")
{
	Party *server = a_server();
	const SocketList *list = &room_now()->scene.sockets;
	still_look(&room_now()->scene);
	for (size_t i = 0; i < list->count; i++) {
		const Socket *s = &list->socket[i];
		char address[INET6_ADDRSTRLEN];
		if (!sockets_listens(s))
			continue;
		if (s->port != server->port)
			story_fail("listens_on_wrong_port", server,
			           "the server listens on port %u as well, which nobody asked for.", s->port);
		if (!sockets_is_loopback(s))
			story_fail("binds_every_address", server,
			           "the server should listen at 127.0.0.1, but it listens at %s.",
			           sockets_address(s, address));
	}
}
END_CHECK

SHARED_CHECK(NEEDS_PRIVATE_ROOM, server, default_port_is_9000, 2, "listens on port 9000 if it is not told another",
             "What is argv[1] when argc is 1?", "A port that is left out is 9000.",
             "int port = argc > 1 ? number(argv[1]) : 9000;")
{
	Party *server = the_program((StartAs){0}, NULL);
	server->port = 9000;
	is_up(server);
}
END_CHECK

SHARED_CHECK(0, server, says_that_the_port_is_taken, 4, "says so when its port is taken, and ends",
             "What does bind() return when another program has the number?",
             "A server that goes on after a failed bind() listens on a random port, or not at all.",
             "if (bind(...) == -1) { perror(\"server: bind\"); exit(1); }")
{
	Phone *other = a_phone();
	phone_mind_own_number(other);
	story_add("another server holds port %u", other->port);
	Party *server = the_program((StartAs){0}, server_line(other->port));
	server->port = other->port;
	gives_up_the_port(server, "ignores_bind_failure");
}
END_CHECK

/* Messages that fill the buffer to the brim, hold a byte of every kind, and are short after long. */
static void converse(Party *server)
{
	if (is_transfer()) {
		fetch_in_every_way(server);
		return;
	}
	char full[4097] = "", bytes[256];
	int longest = message_form() == FORM_BARE ? 1024 : 4096;
	for (int i = 0; i < longest; i++)
		full[i] = (char)('a' + i % 26);
	Line *alice = dial(server);
	say_message(alice, full);
	hear_message(alice, upper(full));
	if (lab_now->number > 1) {
		size_t size = every_byte(bytes);
		say_message_bytes(alice, bytes, size);
		upper_bytes(bytes, size);
		hear_message_bytes(alice, bytes, size);
		say_message(alice, "bye");
		hear_message(alice, "BYE");
	}
	if (message_form() == FORM_LINES) {
		/* Another check says what must become of it; here, what it does to memory. */
		say(alice, full);
		say(alice, "!");
		party_watch(NULL, NULL, 0, -1);
	}
	if (message_form() == FORM_FRAMES) {
		char longest_frame[FRAME_MOST];
		memset(longest_frame, 'a', sizeof longest_frame);
		/* As for lines: here, what it does to memory. */
		say_frame(alice, longest_frame, sizeof longest_frame);
		for (size_t heard = (size_t)-1; heard != alice->in_size;) {
			heard = alice->in_size;
			party_watch(NULL, NULL, 0, alice->fd);
			has_news(alice); /* and it may send on */
		}
		say_bytes(alice, "\377\377\377\377!", 5);
		party_watch(NULL, NULL, 0, -1);
	}
	hang_up(alice);
}

SHARED_CHECK(
    NEEDS_SOURCES, server, is_clean_under_sanitizers, 6, "uses only memory that is its own, and gives it back",
    "How many bytes does your buffer have, and how many does recv() put into it at most?",
    "buffer[n] = 0 writes behind the buffer when the message fills it. What malloc() gives, free() takes back.",
    "Receive into the whole buffer and use only its first n bytes, without a NUL; or make it one byte larger.")
{
	Party *server = a_sanitized_server();
	converse(server);
	if (lab_now->number >= 5) {
		converse(server);
		converse(server);
		asks_for_leaks(server);
	} else if (lab_now->number == 1 || lab_now->number == 4) {
		comes_to_its_end(server);
	}
	is_clean(server);
}
END_CHECK

SHARED_CHECK(0, server, answers_in_upper_case, 8, "answers in upper-case",
             "What has your server in its buffer when recv() returns, and how many bytes of it?",
             "Turn each of the n bytes that came into upper-case, and send those n bytes back.",
             "for (i = 0; i < n; i++) if (b[i] >= 'a' && b[i] <= 'z') b[i] -= 32; then send(call, b, n, 0).")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say_message(alice, "hello");
	hear_message(alice, "HELLO");
}
END_CHECK

SHARED_CHECK(0, server, keeps_every_other_byte, 6, "leaves every other byte as it is",
             "What happens in your server to a byte that is no letter? To a NUL?",
             "strlen() and %s stop at a NUL; toupper() of a char above 127 is undefined. Bytes are not text.",
             "Count with what recv() returned, and change only 'a' to 'z'.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	char bytes[256];
	size_t size = every_byte(bytes);
	say_message_bytes(alice, bytes, size);
	upper_bytes(bytes, size);
	hear_message_bytes(alice, bytes, size);
}
END_CHECK

SHARED_CHECK(0, server, takes_1024_bytes, 6, "takes a message of 1024 bytes, and one of 1",
             "How long may a message be?",
             "A buffer of 1024 bytes, all of it offered to recv(), takes the longest one whole.",
             "char buffer[1024]; recv(call, buffer, sizeof buffer, 0)")
{
	char full[1025];
	for (int i = 0; i < 1024; i++)
		full[i] = (char)('z' - i % 26);
	full[1024] = '\0';
	Party *server = a_server();
	Line *alice = dial(server);
	say_message(alice, full);
	hear_message(alice, upper(full));
	if (lab_now->number > 1) {
		say_message(alice, "x");
		hear_message(alice, "X");
	}
}
END_CHECK

SHARED_CHECK(0, server, answers_in_one_piece, 4, "sends each answer in one piece",
             "How many send()s make one answer in your server?",
             "In these labs the caller takes what one recv() gives as the whole answer.",
             "Build the answer first, then send() it once.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say_message(alice, "in one piece, please");
	hear_in_one_piece(alice, "IN ONE PIECE, PLEASE");
}
END_CHECK

/* With stdout at a terminal stdio sends each line on: so is it not printed at all, or only kept back? */
static _Noreturn void fail_not_printed(Party *server, const char *text)
{
	char first[RECORD_BYTES];
	record_text(first, "%s", server->out.size ? server->out.text : "");
	if (server->out.size > 0 && strcasestr(first, text) != NULL)
		story_fail("prints_wrong", server,
		           "the server should print \"%s\" on a line of its own, as it was said; it prints:\n%s", text,
		           first);
	party_kill(server);
	Party *again = a_server_at_a_terminal();
	Line *bob = dial(again);
	say_message(bob, text);
	hear_message(bob, upper(text));
	if (prints_line(again, text))
		story_fail(
		    "does_not_flush", again,
		    "the server prints \"%s\" at a terminal, but into a pipe it does not come out while the call goes on.",
		    text);
	story_fail("does_not_print", again, "the server should print \"%s\" on a line of its own, but it does not.",
	           text);
}

SHARED_CHECK(
    0, server, prints_what_it_hears, 6, "prints each message on a line of its own, at once",
    "When does what printf() was given appear, if stdout is a pipe?",
    "Print the n bytes that came and a newline. Into a pipe, stdio keeps them back until 4 KiB have come together.",
    "fwrite(buffer, 1, n, stdout); putchar('\\n'); fflush(stdout);")
{
	Party *server = a_server();
	Line *alice = dial(server);
	const char *const texts[] = {"good morning", "how are you", NULL};
	for (int i = 0; texts[i] != NULL && (i == 0 || lab_now->number > 1); i++) {
		say_message(alice, texts[i]);
		hear_message(alice, upper(texts[i]));
		if (!prints_line(server, texts[i]))
			fail_not_printed(server, texts[i]);
		story_add("the server prints \"%s\"", texts[i]);
	}
}
END_CHECK

SHARED_CHECK(0, server, waits_for_the_caller, 4, "waits for the caller to speak", "Who speaks first?",
             "After accept() the server has nothing to say; it waits in recv().",
             "No send() before the first recv(), and no close() before the caller has spoken.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	hear_nothing(alice);
	say_message(alice, "hello");
	hear_message(alice, "HELLO");
}
END_CHECK

SHARED_CHECK(0, server, says_who_calls, 3, "prints who calls", "Which call tells the address of the one who rang?",
             "accept() fills in a struct sockaddr_in if you give it one, and its size.",
             "accept(phone, (struct sockaddr *)&caller, &size); then inet_ntop(AF_INET, &caller.sin_addr, …).")
{
	Party *server = a_server_at_a_terminal();
	Line *alice = dial(server);
	say_message(alice, "hello");
	hear_message(alice, "HELLO");
	prints_somewhere(server, "call from 127.0.0.1");
}
END_CHECK

SHARED_CHECK(0, server, answers_every_message, 8, "answers message after message, each with its own answer",
             "What does your server do after it has answered once?",
             "recv() and send() stand in a loop. What is in the buffer from the last message must not come out again.",
             "for (;;) { n = recv(…); …; send(call, buffer, n, 0); } — n of this round, not strlen().")
{
	Party *server = a_server();
	Line *alice = dial(server);
	const char *const texts[] = {"a rather long first message", "short", "x", "and a longer one again", NULL};
	for (const char *const *text = texts; *text != NULL; text++) {
		say_message(alice, *text);
		hear_message(alice, upper(*text));
	}
	hear_nothing(alice);
}
END_CHECK

static void exchange(Line *line, const char *text)
{
	say_message(line, text);
	hear_message(line, upper(text));
}

static void say_once(void *line)
{
	exchange(line, "one message of many");
}

SHARED_CHECK(0, server, leaves_nothing_behind_after_300_messages, 4,
             "takes nothing for good, however many messages come",
             "What does your server take for each message: memory, descriptors, threads?",
             "Whatever is taken for one message is given back when it is answered.",
             "free() and close() in the same round of the loop.")
{
	Party *server = a_server();
	leaves_nothing_behind(server, 300, "messages", say_once, dial(server));
}
END_CHECK

/* --- 05 and 06: the service goes on --- */

static void a_call(Party *server, const char *text)
{
	/* Who goes with a caller shall be gone when the next one dials, and not be met on the way out. After a few
	 * calls it has shown that it does not. */
	static int calls;
	if (calls++ < 4)
		party_watch(NULL, NULL, 0, -1);
	if (is_transfer()) {
		fetch_letter(server);
		return;
	}
	Line *line = dial(server);
	exchange(line, text);
	hang_up(line);
}

SHARED_CHECK(0, server, serves_the_next_caller, 8, "serves the next caller, and the one after",
             "What does your server do when a caller has hung up?",
             "A loop around accept(): when the one call is over, the next is taken.",
             "for (;;) { int call = accept(…); …; close(call); }")
{
	Party *server = a_server();
	a_call(server, "i am alice");
	a_call(server, "i am bob");
	a_call(server, "i am carol");
	rests(server);
}
END_CHECK

SHARED_CHECK(0, server, serves_a_caller_who_had_to_wait, 6, "serves a caller who rang while another was served",
             "Where is a caller whom nobody has accepted yet?",
             "The kernel has already connected him: he waits in the backlog, and what he says waits too.",
             "After close() of the one call, accept() gives you the next that waits.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	exchange(alice, "i am first");
	Line *bob = dial(server);
	say_message(bob, "i can wait");
	party_watch(NULL, NULL, 0, -1); /* whatever the server does about Bob meanwhile, it has done now */
	exchange(alice, "i take my time");
	hang_up(alice);
	hear_message(bob, "I CAN WAIT");
	exchange(bob, "thank you");
	hang_up(bob);
	a_call(server, "and me");
}
END_CHECK

SHARED_CHECK(0, server, survives_a_hang_up_without_a_word, 5, "does not mind a caller who says nothing and hangs up",
             "What does recv() return when the caller hangs up at once?",
             "0, the first time it is asked. That ends this call only.", "n == 0: close(call), and back to accept().")
{
	Party *server = a_server();
	Line *alice = dial(server);
	hang_up(alice);
	a_call(server, "still there?");
}
END_CHECK

SHARED_CHECK(0, server, survives_a_reset, 6, "does not mind a caller who resets the call",
             "What does recv() return when the call was reset, and what does errno say?",
             "-1 and ECONNRESET: one caller's trouble. exit() there takes the phone away from everybody else.",
             "n == -1: perror(\"server: recv\"), close(call), and back to accept().")
{
	Party *server = a_server();
	Line *alice = dial(server);
	exchange(alice, "hello");
	reset_call(alice);
	a_call(server, "still there?");
	/* And one whose call is reset before the server has even picked up. */
	party_freeze(server);
	Line *carol = dial(server);
	reset_call(carol);
	party_thaw(server);
	a_call(server, "and now?");
}
END_CHECK

/* The server is frozen while Alice calls, speaks and leaves, so by its answer she is surely gone. */
SHARED_CHECK(0, server, survives_a_caller_gone_before_the_answer, 8,
             "does not mind a caller who is gone before the answer",
             "What happens to a program that writes to a call which the other side has torn down?",
             "The kernel sends it SIGPIPE, which ends it without a word, unless it is told not to.",
             "send(call, buffer, n, MSG_NOSIGNAL); then -1 with EPIPE ends this call only.")
{
	Party *server = a_server();
	party_freeze(server);
	Line *alice = dial(server);
	say_message(alice, "hello");
	half_close(alice);
	reset_call(alice);
	party_thaw(server);
	party_watch(NULL, NULL, 0, -1); /* who serves many at once might else answer Bob first */
	a_call(server, "still there?");
}
END_CHECK

SHARED_CHECK(0, server, hangs_up_when_the_caller_does, 5, "hangs up when the caller does",
             "When does the caller's side learn that your server has done with the call?",
             "close() sends the FIN. Without it the call stays in CLOSE_WAIT, and its descriptor is lost.",
             "close(call) on every way out of the conversation.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	exchange(alice, "hello");
	half_close(alice);
	hear_hang_up(alice);
}
END_CHECK

static void call_once(void *server)
{
	a_call(server, "hello");
}

SHARED_CHECK(
    0, server, leaves_nothing_behind_after_200_calls, 8, "leaves nothing behind after 200 calls",
    "What does each accept() give you that you must give back?",
    "Descriptors, children, threads, memory: whatever is taken for a call ends with the call.",
    "close(call); and for children waitpid(), for threads pthread_detach() or pthread_join(), free() for malloc().")
{
	Party *server = a_server();
	leaves_nothing_behind(server, 200, "calls", call_once, server);
}
END_CHECK
