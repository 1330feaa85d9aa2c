/*
 * lab07.c: the postcard. No call, no connection: each datagram has its sender on it.
 *
 * A client that waits for a minute waits, to our eyes, for ever (still.h): so it is told to wait that long where it
 * should not give up. Where it should, the time is short, and the contract names it.
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/patience.h"
#include "checks/start.h"
#include "observe/calls.h"
#include "observe/datagrams.h"
#include "peer/postcard.h"
#include "program/trouble.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONG  "60000"
#define SHORT "100"
enum { SHORT_MS = 100 };

/* --- what a check begins with --- */

static bool has_a_box(void *context)
{
	const Party *server = context;
	static SocketList boxes;
	return sockets_look_for(room_now()->scene.diag, &boxes, SOCKET_UDP) &&
	       sockets_mailbox(&boxes, server->port) != NULL;
}

static void has_put_up_its_box(Party *server)
{
	Outcome outcome = party_watch(has_a_box, server, WATCH_PATIENT | WATCH_START, -1);
	server->serves = outcome == WATCH_DONE;
	if (server->serves)
		return;
	const SocketList *list = &room_now()->scene.sockets;
	for (size_t i = 0; i < list->count && !server->ended; i++) {
		const Socket *s = &list->socket[i];
		if (s->kind == SOCKET_UDP && s->port == htons(server->port))
			story_fail(
			    "port_byte_order", server,
			    "the server should be at port %u, but it is at %u: the same two bytes the other way round.",
			    server->port, s->port);
		if (s->kind == SOCKET_UDP && s->port != 0)
			story_fail("listens_on_wrong_port", server, "the server should be at port %u, but it is at %u.",
			           server->port, s->port);
		if (sockets_listens(s))
			story_fail(
			    "does_not_listen", server,
			    "the server should have a UDP socket at port %u, but it listens for calls, on one of TCP.",
			    server->port);
	}
	story_fail_watch(outcome, "does_not_listen", server, "the server should bind a UDP socket to port %u",
	                 server->port);
}

/* Opens the check's room, with its first box in it: ours. */
static in_port_t a_free_port(void)
{
	Phone *phone = a_phone();
	phone_off(phone);
	return phone->port;
}

static Party *a_mail_server_as(StartAs as)
{
	in_port_t port = a_free_port();
	Party *server = the_program(as, (const char *const[]){port_text(port), NULL});
	server->port = port;
	has_put_up_its_box(server);
	return server;
}

static Party *a_mail_server(void)
{
	return a_mail_server_as((StartAs){0});
}

/* The client, and the box to which it is told to write; `ms` may be NULL. */
static Party *a_mail_client(Box **box, StartAs as, const char *ms)
{
	*box = a_box_at(a_free_port());
	Party *client = the_program(as, (const char *const[]){"127.0.0.1", port_text((*box)->port), ms, NULL});
	client->port = (*box)->port;
	(*box)->party = client;
	return client;
}

static Party *a_mail_client_at_a_terminal(Box **box, const char *ms)
{
	return a_mail_client(box, (StartAs){.input = INPUT_TERMINAL}, ms);
}

/* The longest datagram, of letters; ours until the check ends. */
static char *longest_letter(void)
{
	char *text = malloc(POSTCARD_MOST + 1);
	if (text == NULL)
		trouble("no memory");
	for (int i = 0; i < POSTCARD_MOST; i++)
		text[i] = (char)('a' + (i + i / 26) % 26);
	text[POSTCARD_MOST] = '\0';
	return text;
}

/* --- the server --- */

static void exchange_cards(Box *box, const char *text)
{
	post_text(box, text);
	collect_text(box, upper(text));
}

CHECK(server, answers_in_upper_case_by_datagram, 8, "answers a datagram in upper-case, with a datagram",
      "Which calls receive and send where there is no call?",
      "recvfrom() gives a datagram and its sender's address; sendto() sends one to an address.",
      "n = recvfrom(box, b, sizeof b, 0, &sender, &size); … sendto(box, b, n, 0, &sender, size); — with casts.")
{
	Party *server = a_mail_server();
	exchange_cards(a_box(server), "hello");
}
END_CHECK

CHECK(server, answers_every_datagram, 8, "answers datagram after datagram, each with its own answer",
      "When has a server of postcards done?", "Never: there is no call that could end. One loop, for ever.",
      "for (;;) { n = recvfrom(…); …; sendto(box, b, n, …); } — n of this round, and not strlen().")
{
	Party *server = a_mail_server();
	Box *alice = a_box(server);
	exchange_cards(alice, "a rather long first message");
	exchange_cards(alice, "short");
	exchange_cards(alice, "x");
	exchange_cards(alice, "and a longer one again");
	collect_nothing(alice);
}
END_CHECK

/* The server is frozen while they write, so all of it lies in its box when it looks. */
CHECK(
    server, answers_to_whom_it_came_from, 10, "answers each sender, whoever that is",
    "Three clients write at the same time. How does the server know where each answer goes?",
    "Each datagram has its sender on it: recvfrom() writes the address into the structure that it is given, each time.",
    "struct sockaddr_in sender; socklen_t size = sizeof sender; — in the loop, for recvfrom() changes both.")
{
	Party *server = a_mail_server();
	Box *alice = a_box(server), *bob = a_box(server), *carol = a_box(server);
	exchange_cards(alice, "i am first");
	party_watch(NULL, NULL, 0, -1); /* it is back at its box, and has done with the card before */
	party_freeze(server);
	post_text(bob, "i am bob");
	post_text(alice, "i am alice");
	post_text(carol, "i am carol");
	party_watch(NULL, NULL, 0, -1); /* all of it lies in the box by now */
	party_thaw(server);
	collect_text(alice, "I AM ALICE");
	collect_text(bob, "I AM BOB");
	collect_text(carol, "I AM CAROL");
	exchange_cards(bob, "bob again");
	exchange_cards(alice, "and alice");
	collect_nothing(carol);
}
END_CHECK

CHECK(server, answers_an_empty_datagram, 8, "answers an empty datagram with an empty one, and goes on",
      "What does recvfrom() returning 0 mean, where nobody can hang up?",
      "A datagram with nothing in it: a message like any other, and its answer is as empty.",
      "No `if (n == 0) break;`: sendto() of 0 bytes sends a datagram.")
{
	Party *server = a_mail_server();
	Box *alice = a_box(server);
	post_text(alice, "");
	collect_text(alice, "");
	exchange_cards(alice, "still there?");
	post_text(alice, "");
	collect_text(alice, "");
}
END_CHECK

CHECK(server, answers_65507_bytes, 8, "answers a datagram of up to 65507 bytes whole",
      "What becomes of a datagram that is longer than the buffer given to recvfrom()?",
      "The rest of it is thrown away, without an error. The longest over IPv4 has 65507 bytes.",
      "static char card[65507]; recvfrom(box, card, sizeof card, …)")
{
	char *text = longest_letter();
	Party *server = a_mail_server();
	Box *alice = a_box(server);
	static const size_t sizes[] = {1500, 9000, 65000, POSTCARD_MOST, 1};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		post(alice, text, sizes[i]);
		collect(alice, upper(text), sizes[i]);
	}
}
END_CHECK

CHECK(server, keeps_every_other_byte_of_a_datagram, 6, "leaves every other byte as it is",
      "What happens in your server to a byte that is no letter? To a NUL?",
      "strlen() and %s stop at a NUL; toupper() of a char above 127 is undefined. Bytes are not text.",
      "Count with what recvfrom() returned, and change only 'a' to 'z'.")
{
	Party *server = a_mail_server();
	Box *alice = a_box(server);
	char bytes[256];
	size_t size = every_byte(bytes);
	post(alice, bytes, size);
	upper_bytes(bytes, size);
	collect(alice, bytes, size);
	post_text(alice, "a newline\n");
	collect_text(alice, "A NEWLINE\n");
}
END_CHECK

CHECK(server, survives_a_sender_who_is_gone, 5, "does not mind a sender who is gone before the answer",
      "Alice writes, and takes her letter box down. What becomes of the answer?",
      "It is lost, and that is nobody else's trouble.", "If sendto() fails: perror(), and on to the next.")
{
	Party *server = a_mail_server();
	Box *alice = a_box(server), *bob = a_box(server);
	party_watch(NULL, NULL, 0, -1); /* it is back at its box, and has done with the card before */
	party_freeze(server);
	post_text(alice, "and good bye");
	box_off(alice);
	party_watch(NULL, NULL, 0, -1); /* all of it lies in the box by now */
	party_thaw(server);
	exchange_cards(bob, "still there?");
	exchange_cards(bob, "and now?");
}
END_CHECK

CHECK(server, prints_each_datagram, 6, "prints each message on a line of its own, at once",
      "When does what printf() was given appear, if stdout is a pipe?",
      "Print the n bytes that came and a newline. Into a pipe, stdio keeps them back until 4 KiB have come together.",
      "fwrite(card, 1, n, stdout); putchar('\\n'); fflush(stdout);")
{
	Party *server = a_mail_server();
	Box *alice = a_box(server);
	const char *const texts[] = {"good morning", "how are you", NULL};
	for (const char *const *text = texts; *text != NULL; text++) {
		exchange_cards(alice, *text);
		if (!prints_line(server, *text))
			story_fail(server->out.size > 0 ? "prints_wrong" : "does_not_print", server,
			           "the server should print \"%s\" on a line of its own, at once, but it does not.",
			           *text);
		story_add("the server prints \"%s\"", *text);
	}
}
END_CHECK

CHECK(server, has_its_box_on_loopback_only, 4, "is at 127.0.0.1, on the port that it was given",
      "Who can write to a server that is bound to 0.0.0.0?",
      "The address in the sockaddr_in decides from where cards can come. Port and address are in network byte order.",
      "address.sin_port = htons(port); address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);")
{
	Party *server = a_mail_server();
	exchange_cards(a_box(server), "hello"); /* it may put up more boxes than one */
	party_watch(NULL, NULL, 0, -1);
	const SocketList *list = &room_now()->scene.sockets;
	for (size_t i = 0; i < list->count; i++) {
		const Socket *s = &list->socket[i];
		char address[INET6_ADDRSTRLEN];
		if (s->kind == SOCKET_UDP && s->port == server->port && !sockets_is_loopback(s))
			story_fail("binds_every_address", server, "the server should be at 127.0.0.1, but it is at %s.",
			           sockets_address(s, address));
	}
}
END_CHECK

CHECK_NEEDING(NEEDS_PRIVATE_ROOM, server, has_its_box_at_9000_by_default, 2,
              "is at port 9000 if it is not told another", "What is argv[1] when argc is 1?",
              "A port that is left out is 9000.", "int port = argc > 1 ? number(argv[1]) : 9000;")
{
	Party *server = the_program((StartAs){0}, NULL);
	server->port = 9000;
	has_put_up_its_box(server);
}
END_CHECK

CHECK(server, says_that_the_box_is_taken, 4, "says so when its port is taken, and ends",
      "What does bind() return when another program has the number?",
      "-1, and errno is EADDRINUSE. Whoever goes on has a socket to which nobody writes.",
      "if (bind(...) == -1) { perror(\"server: bind\"); exit(1); }")
{
	Box *other = a_box_at(a_free_port());
	story_add("another server is at port %u", other->port);
	Party *server = the_program((StartAs){0}, (const char *const[]){port_text(other->port), NULL});
	server->port = other->port;
	gives_up(server, "server: bind: Address already in use", "ignores_bind_failure");
}
END_CHECK

static void post_once(void *box)
{
	exchange_cards(box, "one message of many");
}

CHECK(server, leaves_nothing_behind_after_300_datagrams, 4, "takes nothing for good, however many datagrams come",
      "What does your server take for each message: memory, descriptors, threads?",
      "Whatever is taken for one message is given back when it is answered.",
      "free() and close() in the same round of the loop.")
{
	Party *server = a_mail_server();
	leaves_nothing_behind(server, 300, "datagrams", post_once, a_box(server));
}
END_CHECK

CHECK_NEEDING(
    NEEDS_SOURCES, server, is_clean_with_datagrams, 6, "uses only memory that is its own, and gives it back",
    "How many bytes does your buffer have, and how many does recvfrom() put into it at most?",
    "buffer[n] = 0 writes behind the buffer when the message fills it. What malloc() gives, free() takes back.",
    "Receive into the whole buffer and use only its first n bytes, without a NUL; or make it one byte larger.")
{
	story_before_failing(is_clean);
	Party *server = a_mail_server_as((StartAs){.sanitized = true});
	Box *alice = a_box(server);
	char *text = longest_letter(), bytes[256];
	post(alice, text, POSTCARD_MOST);
	collect(alice, upper(text), POSTCARD_MOST);
	size_t size = every_byte(bytes);
	post(alice, bytes, size);
	upper_bytes(bytes, size);
	collect(alice, bytes, size);
	post_text(alice, "");
	collect_text(alice, "");
	exchange_cards(alice, "bye");
	asks_for_leaks(server);
	is_clean(server);
}
END_CHECK

/* --- the client --- */

/* One line, its datagram, the answer. */
static void ask(Party *client, Box *box, const char *text)
{
	type_line(client, text);
	collect_text(box, text);
	post_text(box, upper(text));
	reads(client, upper(text));
}

CHECK(client, sends_each_line_as_a_datagram, 8, "sends each line as one datagram",
      "Which bytes exactly leave your client when `hello` is typed?",
      "The newline, a NUL, the rest of the buffer: none of them is part of the message.",
      "send(box, line, strlen(line), 0), the line being without its newline.")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, LONG);
	ask(client, box, "good  morning, it is 7");
	type_line(client, "bye");
	collect_text(box, "bye");
	collect_nothing(box);
}
END_CHECK

CHECK(client, sends_utf8_in_a_datagram, 3, "sends UTF-8 as it is typed", "How many bytes has an `ü`?",
      "Bytes above 127 are part of the message like any other.",
      "Nothing special is needed: strlen() counts bytes, and send() sends bytes.")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, LONG);
	ask(client, box, "grüße 你好");
}
END_CHECK

CHECK(client, sends_the_empty_line_as_a_datagram, 8, "sends the empty line as an empty datagram",
      "Lab 03 said that the empty message cannot be sent. What is different here?",
      "send() of 0 bytes puts nothing on a stream; over UDP it sends a datagram with nothing in it.",
      "Leave out the test for the empty line: send(box, line, 0, 0) is all right.")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, LONG);
	ask(client, box, "hello");
	type_line(client, "");
	collect_text(box, "");
	post_text(box, "");
	ask(client, box, "and on");
}
END_CHECK

/* Lines that show nothing, since the last one was typed. */
static int empty_lines(const Party *client)
{
	int count = 0;
	size_t from = client->out.typed, end;
	while (from < client->out.size && screen_has_line(&client->out, from, "", true, &end)) {
		count++;
		from = end;
	}
	return count;
}

CHECK(client, prints_an_empty_reply, 5, "prints an empty reply as an empty line",
      "recv() returns 0. Has the server hung up?",
      "There is nothing to hang up: an empty datagram has come, and it is the reply.",
      "n == 0 is a reply of no bytes: print the newline.")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, LONG);
	ask(client, box, "hello");
	type_line(client, "");
	collect_text(box, "");
	party_watch(NULL, NULL, 0, -1);
	int before = empty_lines(client); /* what was typed, as the terminal or readline shows it */
	post_text(box, "");
	party_watch(NULL, NULL, 0, -1);
	if (client->ended)
		story_fail_watch(WATCH_GONE, "exits_early", client, "the client should print an empty line");
	if (empty_lines(client) == before)
		story_fail("does_not_print", client,
		           "the client should print an empty line for an empty reply, but it prints none.");
	story_add("the client prints an empty line");
}
END_CHECK

CHECK(client, prints_each_reply_on_a_line, 8, "prints each reply at once, on a line of its own",
      "What has your client printed before it asks for the next line?",
      "After recv(), the n bytes and a newline go to stdout, and out of its buffer.",
      "fwrite(card, 1, n, stdout); putchar('\\n'); fflush(stdout);")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, LONG);
	ask(client, box, "a long question to begin with");
	ask(client, box, "short");
	ask(client, box, "how are you");
}
END_CHECK

CHECK(client, takes_long_datagrams, 5, "sends a line of 20000 bytes as one datagram, and prints as long a reply",
      "What becomes of a datagram that is longer than the buffer given to recv()?",
      "The rest of it is thrown away, without an error. The longest over IPv4 has 65507 bytes.",
      "static char card[65507]; recv(box, card, sizeof card, 0)")
{
	char *text = longest_letter();
	text[20000] = '\0';
	Box *box;
	Party *client = a_mail_client(&box, (StartAs){0}, LONG);
	feed(client, (const char *const[]){text, NULL});
	collect_text(box, text);
	post_text(box, upper(text));
	end_input(client);
	comes_to_its_end(client);
	reads(client, upper(text));
}
END_CHECK

static bool has_given_up(void *client)
{
	const Output *out = &((Party *)client)->out;
	return screen_has_line(out, out->read, "no answer", true, NULL) || ((Party *)client)->ended;
}

/* The time that the client was told to wait goes by. An alarm(), which no thread waits for, is not to be seen: so where
 * all seems to stand still for ever, that time is given it once more. */
static void gives_up_waiting(Party *client, int ms)
{
	Outcome outcome = party_watch(has_given_up, client, WATCH_PATIENT, -1);
	if (outcome == WATCH_STILL && !has_given_up(client)) {
		let_time_pass(NULL, now_ms() + ms);
		outcome = party_watch(has_given_up, client, 0, -1);
	}
	if (outcome != WATCH_DONE && !has_given_up(client))
		story_fail_watch(outcome, "waits_for_ever", client,
		                 "no answer has come: after %d ms the client should print \"no answer\"", ms);
	if (client->ended && !screen_has_line(&client->out, client->out.read, "no answer", true, NULL))
		story_fail_watch(WATCH_GONE, "exits_early", client,
		                 "the client should print \"no answer\" and go on asking");
	reads(client, "no answer");
}

typedef struct {
	Party *client;
	/* The shortest time for which a thread of it has told the kernel that it will sleep; 0: none has. */
	double seconds;
} Patience;

static bool shows_its_patience(void *context)
{
	Patience *patience = context;
	static TaskList list; /* not the scene's: that is being watched */
	tasks_look(&list, room_now()->scene.root);
	patience->seconds = 0;
	for (size_t i = 0; i < list.count; i++) {
		const Task *t = &list.task[i];
		Wait wait = calls_wait(t);
		uint64_t ns = wait.kind == WAIT_TIMED     ? wait.ns
		              : wait.kind == WAIT_ENDLESS ? calls_socket_timeout(t)
		                                          : 0;
		double seconds = (double)ns / 1e9;
		if (t->pid == patience->client->pid && ns > 0 &&
		    (patience->seconds == 0 || seconds < patience->seconds))
			patience->seconds = seconds;
	}
	return patience->seconds > 0 || has_given_up(patience->client);
}

/* The question is asked, and for at most so long may the answer to it be waited for. What the client says to the kernel
 * is believed, and returned; one that sleeps for a moment again and again says nothing that way. */
static double has_no_more_patience_than(Party *client, int ms)
{
	Patience patience = {.client = client};
	party_watch(shows_its_patience, &patience, WATCH_PATIENT, -1);
	if (patience.seconds > 1.2 * ms / 1e3)
		story_fail("waits_too_long", client,
		           "the client should wait for %d ms, but it is about to wait for %.0f.", ms,
		           patience.seconds * 1e3);
	return patience.seconds;
}

/* Types it, and gives no answer. */
static void asks_in_vain(Party *client, Box *box, const char *text)
{
	int64_t before = now_ms();
	type_line(client, text);
	collect_text(box, text);
	has_no_more_patience_than(client, SHORT_MS);
	gives_up_waiting(client, SHORT_MS);
	/* Timers of a socket go by the kernel's ticks, of which there are a hundred a second at least. */
	if (now_ms() - before < SHORT_MS - 10)
		story_fail("gives_up_early", client, "the client was told to wait for %d ms, but it gave up after %ld.",
		           SHORT_MS, (long)(now_ms() - before));
}

CHECK(client, says_no_answer_in_time, 10, "prints `no answer` when none has come in time, and asks again",
      "A postcard may be lost, and so may the answer. Who tells the client?",
      "Nobody; only a clock can. Wait with a limit: poll() with a timeout before recv(), or SO_RCVTIMEO on the socket.",
      "struct pollfd news = {.fd = box, .events = POLLIN}; if (poll(&news, 1, ms) == 0) puts(\"no answer\");")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, SHORT);
	asks_in_vain(client, box, "one");
	asks_in_vain(client, box, "two");
	party_watch(NULL, NULL, 0, -1); /* the prompt comes a moment after */
	asks_again(client);
}
END_CHECK

CHECK(client, waits_a_second_by_default, 3, "waits for a second if it is not told how long",
      "What is argv[3] when argc is 3?", "A TIMEOUT_MS that is left out is 1000.",
      "long ms = argc > 3 ? number(argv[3]) : 1000;")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, NULL);
	int64_t before = now_ms();
	type_line(client, "hello");
	collect_text(box, "hello");
	double seconds = has_no_more_patience_than(client, 1000);
	if (seconds > 0.9) {
		story_add("the client is about to wait for %.0f ms", seconds * 1e3);
		return;
	}
	gives_up_waiting(client, 1000);
	if (now_ms() - before < 990)
		story_fail("gives_up_early", client,
		           "the client should wait for a second, but it gave up after %ld ms.",
		           (long)(now_ms() - before));
}
END_CHECK

CHECK(client, waits_as_long_as_it_is_told, 5, "waits for the answer as long as it is told",
      "Which argument says how long the client waits, and in what unit?",
      "TIMEOUT_MS, the third, in milliseconds: 60000 is a minute.",
      "poll(…, (int)ms), or tv_sec = ms / 1000 and tv_usec = ms % 1000 * 1000.")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, LONG);
	type_line(client, "hello");
	collect_text(box, "hello");
	/* It waits, and not for a second or so: that would be no stillness, and it would give up. */
	Outcome outcome = party_watch(has_given_up, client, WATCH_PATIENT, -1);
	if (outcome == WATCH_SPINNING)
		story_fail_watch(outcome, "spins", client, "the client should sleep until something comes");
	if (outcome == WATCH_DONE || has_given_up(client))
		story_fail("gives_up_early", client, "the client was told to wait for a minute, but it has given up.");
	post_text(box, "HELLO");
	reads(client, "HELLO");
}
END_CHECK

CHECK(client, says_no_answer_when_nobody_is_there, 8, "prints `no answer` when nobody is there at all, and asks again",
      "A connected UDP socket: what does recv() say when the other kernel has answered that nobody is at that port?",
      "-1, and errno is ECONNREFUSED. No answer will come to this question; to the next there may.",
      "if (n == -1 && errno == ECONNREFUSED) puts(\"no answer\"); — and on with the loop; of send() it is as true.")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, SHORT);
	in_port_t port = box->port;
	box_off(box);
	type_line(client, "anybody there?");
	gives_up_waiting(client, SHORT_MS);
	type_line(client, "really nobody?");
	gives_up_waiting(client, SHORT_MS);
	story_add("the server starts");
	Box *late = a_box_at(port);
	late->party = client;
	type_line(client, "and now?");
	collect_text(late, "and now?");
}
END_CHECK

/* A datagram from a socket of ours at this address and port (0: any) to where the last one came from. */
static void a_stranger_posts(Box *box, const char *host, in_port_t port, const char *text)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(host)};
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(box->remote), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd == -1 || bind(fd, (struct sockaddr *)&from, sizeof from) == -1)
		trouble("a stranger's letter box: %s", strerror(errno));
	story_add("somebody else, at %s, posts \"%s\" to the client", host, text);
	sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to);
	close(fd);
}

/* What somebody else wrote is no reply, and no reason to give up. */
static void takes_no_notice(Party *client, const char *text)
{
	Outcome outcome = party_watch(NULL, NULL, 0, -1);
	if (outcome == WATCH_SPINNING)
		story_fail_watch(outcome, "spins", client, "the client should sleep until something comes");
	if (screen_has_line(&client->out, client->out.read, text, true, NULL))
		story_fail("takes_any_sender", client,
		           "the client should ignore what does not come from the server, but it prints \"%s\".", text);
	if (has_given_up(client))
		story_fail(
		    "gives_up_early", client,
		    "the client should ignore what does not come from the server, and wait on; but it has given up.");
}

CHECK(client, ignores_strangers, 10, "ignores a datagram from anybody but the server",
      "Who can send a datagram to your client's port?",
      "Anybody. An answer is one only if it comes from the address and the port that were asked.",
      "connect(box, …) before the first send(): the kernel keeps others out. Or compare recvfrom()'s address.")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, LONG);
	ask(client, box, "hello");
	type_line(client, "who are you?");
	collect_text(box, "who are you?");
	a_stranger_posts(box, "127.0.0.1", 0, "I AM THE SERVER");
	takes_no_notice(client, "I AM THE SERVER");
	a_stranger_posts(box, "127.0.0.2", box->port, "NO IT IS ME");
	takes_no_notice(client, "NO IT IS ME");
	a_stranger_posts(box, "127.0.0.2", 0, "");
	takes_no_notice(client, "NO IT IS ME");
	post_text(box, "WHO ARE YOU?");
	reads(client, "WHO ARE YOU?");
}
END_CHECK

/* Every datagram has come, and been taken out or thrown away; and after that, it sleeps. */
static bool has_seen_all(void *context)
{
	const Party *client = context;
	static SocketList sockets;
	static TaskList tasks;
	static Datagrams datagrams;
	if (!datagrams_have_landed(&datagrams) || !sockets_look_for(room_now()->scene.diag, &sockets, SOCKET_UDP))
		return false;
	for (size_t i = 0; i < sockets.count; i++)
		if (sockets.socket[i].rqueue > 0)
			return false;
	tasks_look(&tasks, room_now()->scene.root);
	for (size_t i = 0; i < tasks.count; i++)
		if (tasks.task[i].pid == client->pid && calls_wait(&tasks.task[i]).kind == WAIT_NOT)
			return false;
	return true;
}

/* Twice the time has gone by when the last of them comes. Whoever sleeps on after it began to count anew with each. */
CHECK(
    client, strangers_do_not_prolong_the_wait, 4, "waits no longer because of datagrams from others",
    "A stranger writes every now and then, and your client begins to wait anew each time. For how long can that go on?",
    "For ever. The time runs from the question on: after a stranger's datagram only what is left of it is waited for.",
    "connect() the socket, and the kernel keeps them out; or have a deadline, and give poll() what is left until then.")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, SHORT);
	type_line(client, "hello");
	collect_text(box, "hello");
	int64_t end = now_ms() + 2 * SHORT_MS;
	while (now_ms() < end && !has_given_up(client)) {
		a_stranger_posts(box, "127.0.0.2", 0, "hi");
		let_time_pass(NULL, now_ms() + SHORT_MS / 4);
		party_pump(room_now());
	}
	a_stranger_posts(box, "127.0.0.2", 0, "hi");
	party_watch(has_seen_all, client, 0, -1);
	party_pump(room_now());
	if (screen_has_line(&client->out, client->out.read, "hi", true, NULL))
		story_fail("takes_any_sender", client,
		           "the client should ignore what does not come from the server, but it prints \"hi\".");
	if (!has_given_up(client))
		story_fail(
		    "waits_too_long", client,
		    "after %d ms there is no answer; but with each datagram of a stranger it begins to wait anew.",
		    SHORT_MS);
	reads(client, "no answer");
}
END_CHECK

static bool prints_the_late_reply(const Party *client)
{
	const Output *out = &client->out;
	return screen_has_line(out, out->typed, "ONE", true, NULL) ||
	       screen_has_line(out, out->typed, "ONE ONCE MORE", true, NULL);
}

static bool has_answered_two(void *client)
{
	return prints_the_late_reply(client) || has_given_up(client);
}

CHECK(
    client, forgets_a_late_reply, 10, "does not take a reply that came too late for the answer to the next question",
    "The answer to the last question arrives when nobody waits for it any more. Where is it when you ask the next one?",
    "In the socket's queue, in front of every answer to come: each would be printed one question late from then on.",
    "while (recv(box, card, sizeof card, MSG_DONTWAIT) != -1 || errno == ECONNREFUSED) ; — before send().")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, SHORT);
	type_line(client, "one");
	collect_text(box, "one");
	gives_up_waiting(client, SHORT_MS);
	post_text(box, "ONE");
	post_text(box, "ONE ONCE MORE");
	/* Now they lie in its socket, or it has taken them out. */
	type_line(client, "two");
	collect_text(box, "two");
	party_watch(has_answered_two, client, WATCH_PATIENT, -1);
	if (prints_the_late_reply(client))
		story_fail("prints_late_reply", client,
		           "the client asked \"two\", and prints the answer to \"one\", which came too late.");
	gives_up_waiting(client, SHORT_MS);
	story_add("the client does not take it for the answer to \"two\"");
}
END_CHECK

CHECK(client, waits_for_the_reply_before_it_asks, 5, "waits for each reply before it sends more",
      "Which of two replies belongs to which of two questions?",
      "Replies carry no number: a line, its reply, the next line.", "recv() stands after send(), inside the same loop.")
{
	Box *box;
	Party *client = a_mail_client(&box, (StartAs){0}, LONG);
	feed(client, (const char *const[]){"first", "second", NULL});
	collect_text(box, "first");
	collect_nothing(box);
	post_text(box, "FIRST");
	collect_text(box, "second");
	post_text(box, "SECOND");
}
END_CHECK

static void converse_by_card(Party *client, Box *box, const char *const *texts)
{
	for (const char *const *text = texts; *text != NULL; text++) {
		collect_text(box, *text);
		post_text(box, upper(*text));
	}
	has_exited(client, 0, "does_not_exit");
	for (const char *const *text = texts; *text != NULL; text++)
		reads(client, upper(*text));
}

CHECK(client, writes_cards_from_a_pipe, 5, "works when its input is a pipe",
      "What does your client do when the input ends?", "Every line is sent and answered, then comes the end of input.",
      "readline() returns NULL, getline() -1, fgets() NULL at the end: return 0.")
{
	Box *box;
	Party *client = a_mail_client(&box, (StartAs){0}, LONG);
	const char *const texts[] = {"one", "two words", "and three", NULL};
	feed(client, texts);
	end_input(client);
	converse_by_card(client, box, texts);
}
END_CHECK

CHECK(client, writes_cards_from_a_file, 3, "works when its input is a file",
      "What is different when standard input is a file?", "Nothing: lines come until the end.",
      "Do not ask whether stdin is a terminal; read lines until there is none.")
{
	Box *box;
	Party *client =
	    a_mail_client(&box, (StartAs){.input = INPUT_FILE, .file = "one\ntwo words\nand three\n"}, LONG);
	story_add("its input is a file of three lines");
	converse_by_card(client, box, (const char *const[]){"one", "two words", "and three", NULL});
}
END_CHECK

CHECK(client, ends_when_the_input_does, 5, "ends at the end of input",
      "What does readline() return when Ctrl-D is typed?", "NULL: there is no line, and there will be none.",
      "while ((line = readline(\">>: \")) != NULL) { … } return 0;")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, LONG);
	ask(client, box, "hello");
	end_input(client);
	has_exited(client, 0, "does_not_exit");
}
END_CHECK

CHECK(client, asks_for_a_line_with_the_prompt, 3, "asks with the prompt `>>: `",
      "How does one who sits at your client know that it is their turn?",
      "readline() shows the prompt that it is given.", "char *line = readline(\">>: \");")
{
	Box *box;
	Party *client = a_mail_client_at_a_terminal(&box, LONG);
	reads_prompt(client);
	rests(client);
}
END_CHECK

typedef struct {
	Party *client;
	Box *box;
} Correspondence;

static void ask_once(void *context)
{
	Correspondence *c = context;
	party_input(c->client, "one line of many\n", strlen("one line of many\n"));
	collect_text(c->box, "one line of many");
	post_text(c->box, "ONE LINE OF MANY");
}

CHECK(client, leaves_nothing_behind_after_300_cards, 4, "takes nothing for good, however many lines are typed",
      "What does your client take for each line: memory, descriptors, threads?",
      "A socket for each line is one descriptor for each line. What readline() gives, free() takes back.",
      "One socket for all lines; free(line) at the end of each round.")
{
	Correspondence c;
	c.client = a_mail_client(&c.box, (StartAs){0}, LONG);
	leaves_nothing_behind(c.client, 300, "lines", ask_once, &c);
}
END_CHECK

static bool can_be_read(void *context)
{
	return poll(&(struct pollfd){.fd = *(int *)context, .events = POLLIN}, 1, 0) == 1;
}

CHECK(client, writes_to_the_host_it_is_given, 3, "writes to the host that it is given",
      "Where does your client get the address from that it writes to?",
      "127.0.0.2 is this machine, too, and another address.",
      "inet_pton(AF_INET, host, &address.sin_addr), host being argv[1].")
{
	in_port_t port = a_free_port();
	struct sockaddr_in there = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr("127.0.0.2")};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&there, sizeof there) == -1)
		trouble("a letter box at 127.0.0.2: %s", strerror(errno));
	Party *client = the_program((StartAs){0}, (const char *const[]){"127.0.0.2", port_text(port), LONG, NULL});
	client->port = port;
	feed(client, (const char *const[]){"hello", NULL});
	Outcome outcome = party_watch(can_be_read, &fd, WATCH_PATIENT | WATCH_START, fd);
	if (outcome != WATCH_DONE)
		story_fail_watch(outcome, "calls_elsewhere", client, "the client should write to 127.0.0.2 port %u",
		                 port);
	close(fd);
}
END_CHECK

CHECK_NEEDING(NEEDS_PRIVATE_ROOM, client, writes_to_9000_by_default, 2,
              "writes to 127.0.0.1 port 9000 if it is not told another", "What is argv[1] when argc is 1?",
              "A host that is left out is 127.0.0.1, a port that is left out is 9000.",
              "const char *host = argc > 1 ? argv[1] : \"127.0.0.1\";")
{
	a_free_port();
	Box *box = a_box_at(9000);
	Party *client = the_program((StartAs){0}, NULL);
	client->port = 9000;
	box->party = client;
	feed(client, (const char *const[]){"hello", NULL});
	collect_text(box, "hello");
}
END_CHECK

CHECK(client, refuses_a_time_that_is_none, 3, "refuses a time that is no positive number",
      "What should a program do with a TIMEOUT_MS of 0, of -1, or of `soon`?",
      "None of them is a time to wait: usage on stderr, exit status 2.",
      "ms = strtol(argv[3], &end, 10); if (*end != '\\0' || ms < 1) — usage, return 2;")
{
	refuses((const char *const *const[]){(const char *const[]){"127.0.0.1", "20001", "0", NULL},
	                                     (const char *const[]){"127.0.0.1", "20001", "-1", NULL},
	                                     (const char *const[]){"127.0.0.1", "20001", "100", "more", NULL}, NULL});
}
END_CHECK

CHECK_NEEDING(
    NEEDS_SOURCES, client, is_clean_with_cards, 6, "uses only memory that is its own, and gives it back",
    "How many bytes does your buffer for the reply have, and how many does recv() put into it at most?",
    "buffer[n] = 0 writes behind the buffer when the reply fills it. What readline() gives, free() takes back.",
    "Print the first n bytes with fwrite(), without a NUL; free(line) at the end of each round.")
{
	char *text = longest_letter();
	story_before_failing(is_clean);
	Box *box;
	Party *client = a_mail_client(&box, (StartAs){.sanitized = true}, LONG);
	feed(client, (const char *const[]){"hello", NULL});
	collect_text(box, "hello");
	post(box, text, POSTCARD_MOST);
	feed(client, (const char *const[]){"", NULL});
	collect_text(box, "");
	post_text(box, "");
	feed(client, (const char *const[]){"bye", NULL});
	collect_text(box, "bye");
	post_text(box, "BYE");
	end_input(client);
	comes_to_its_end(client);
	is_clean(client);
}
END_CHECK

static const CheckInfo *const checks[] = {&server_answers_in_upper_case_by_datagram,
                                          &server_answers_every_datagram,
                                          &server_answers_to_whom_it_came_from,
                                          &server_answers_an_empty_datagram,
                                          &server_answers_65507_bytes,
                                          &server_keeps_every_other_byte_of_a_datagram,
                                          &server_survives_a_sender_who_is_gone,
                                          &server_prints_each_datagram,
                                          &server_leaves_nothing_behind_after_300_datagrams,
                                          &server_has_its_box_on_loopback_only,
                                          &server_has_its_box_at_9000_by_default,
                                          &server_says_that_the_box_is_taken,
                                          &server_wrong_usage_exits_2,
                                          &server_is_clean_with_datagrams,
                                          &client_sends_each_line_as_a_datagram,
                                          &client_prints_each_reply_on_a_line,
                                          &client_sends_the_empty_line_as_a_datagram,
                                          &client_prints_an_empty_reply,
                                          &client_says_no_answer_in_time,
                                          &client_waits_as_long_as_it_is_told,
                                          &client_waits_a_second_by_default,
                                          &client_says_no_answer_when_nobody_is_there,
                                          &client_ignores_strangers,
                                          &client_strangers_do_not_prolong_the_wait,
                                          &client_forgets_a_late_reply,
                                          &client_waits_for_the_reply_before_it_asks,
                                          &client_asks_for_a_line_with_the_prompt,
                                          &client_sends_utf8_in_a_datagram,
                                          &client_takes_long_datagrams,
                                          &client_writes_cards_from_a_pipe,
                                          &client_writes_cards_from_a_file,
                                          &client_ends_when_the_input_does,
                                          &client_leaves_nothing_behind_after_300_cards,
                                          &client_writes_to_the_host_it_is_given,
                                          &client_writes_to_9000_by_default,
                                          &client_wrong_usage_exits_2,
                                          &client_refuses_a_time_that_is_none,
                                          &client_is_clean_with_cards,
                                          NULL};

const Lab lab07 = {7, "postcard", (const char *const[]){"server", "client", NULL}, checks};
