/*
 * common_client.c: the checks that clients of several labs share.
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/start.h"
#include "checks/transfer.h"

#include <string.h>

SHARED_CHECK(0, client, wrong_usage_exits_2, 4, "refuses a wrong command line",
             "What should a program do with a port like `abc`, or with one word too many?",
             "strtol() tells where the number ended; a port is from 1 to 65535. Count argc, too.",
             "fprintf(stderr, \"usage: client [HOST [PORT]]\\n\"); return 2; — before the first socket call.")
{
	bool one_more = lab_now->number == 1 || is_transfer();
	refuses((const char *const *const[]){
	    (const char *const[]){"127.0.0.1", "abc", NULL}, (const char *const[]){"127.0.0.1", "0", NULL},
	    (const char *const[]){"127.0.0.1", "65536", NULL}, (const char *const[]){"127.0.0.1", "-1", NULL},
	    (const char *const[]){"127.0.0.1", "20001", "one", one_more ? "two" : NULL, NULL}, NULL});
}
END_CHECK

SHARED_CHECK(0, client, says_that_nobody_answers, 5, "says so when nobody answers, and ends",
             "What does connect() return when no server is there?",
             "Without a call there is nothing to send to. Look at what connect() returned before going on.",
             "if (connect(...) == -1) { perror(\"client: connect\"); exit(1); }")
{
	Phone *phone = a_phone();
	phone_off(phone);
	Party *client = the_program((StartAs){0}, client_line("127.0.0.1", phone->port));
	client->port = phone->port;
	gives_up(client, "client: connect: Connection refused", "ignores_connect_failure");
}
END_CHECK

SHARED_CHECK(0, client, calls_the_host_it_is_given, 3, "calls the host that it is given",
             "Where does your client get the address from that it calls?",
             "127.0.0.2 is this machine, too, and another address.",
             "inet_pton(AF_INET, host, &address.sin_addr), host being argv[1].")
{
	Phone *phone = a_phone_elsewhere("127.0.0.2");
	Party *client = the_program((StartAs){0}, client_line("127.0.0.2", phone->port));
	client->port = phone->port;
	answer(phone, client);
}
END_CHECK

SHARED_CHECK(NEEDS_PRIVATE_ROOM, client, default_address, 2, "calls 127.0.0.1 port 9000 if it is not told another",
             "What is argv[1] when argc is 1?",
             "A host that is left out is 127.0.0.1, a port that is left out is 9000.",
             "const char *host = argc > 1 ? argv[1] : \"127.0.0.1\";")
{
	Phone *phone = a_phone_at(9000);
	Party *client = the_program((StartAs){0}, NULL);
	client->port = 9000;
	answer(phone, client);
}
END_CHECK

/* The peer answers as the lab's server would: in upper-case. */
static void reply(Line *server, const char *text)
{
	say_message(server, upper(text));
}

static void long_line(char text[4097])
{
	int longest = message_form() == FORM_BARE ? 1024 : 4096;
	memset(text, 0, 4097);
	for (int i = 0; i < longest; i++)
		text[i] = (char)('a' + i % 26);
}

/* The line comes, and no other before it has been answered. */
static void hear_alone(Line *server, const char *text)
{
	hear_message(server, text);
	hear_nothing(server);
	reply(server, text);
}

SHARED_CHECK(
    NEEDS_SOURCES, client, is_clean_under_sanitizers, 6, "uses only memory that is its own, and gives it back",
    "How many bytes does your buffer for the reply have, and how many does recv() put into it at most?",
    "buffer[n] = 0 writes behind the buffer when the reply fills it. What readline() gives, free() takes back.",
    "Print the first n bytes with fwrite() or %.*s, without a NUL; free(line) at the end of each round.")
{
	if (is_transfer()) {
		fetch_all_kinds();
		return;
	}
	char text[4097];
	long_line(text);
	Line *server;
	Party *client;
	if (lab_now->number == 1) {
		client = a_sanitized_client(&server, text);
		hear_message(server, text);
		reply(server, text);
		half_close(server);
	} else {
		client = a_sanitized_client(&server, NULL);
		const char *const texts[] = {"hello", text, "bye", NULL};
		feed(client, texts);
		for (const char *const *line = texts; *line != NULL; line++)
			hear_alone(server, *line);
		/* Whether it minds them is for other checks to say; here, what it does to memory meanwhile. */
		if (lab_now->number >= 3)
			feed(client, (const char *const[]){"", "   ", NULL});
		for (int i = 0; message_form() == FORM_FRAMES && i < 2; i++) { /* there they are said */
			size_t size = hear_any_frame(server, text, sizeof text);
			say_frame(server, text, size);
		}
		end_input(client);
	}
	comes_to_its_end(client);
	is_clean(client);
}
END_CHECK

/* --- 02 and later: a conversation at the keyboard --- */

SHARED_CHECK(0, client, asks_with_the_prompt, 3, "asks with the prompt `>>: `",
             "How does one who sits at your client know that it is their turn?",
             "readline() shows the prompt that it is given.", "char *line = readline(\">>: \");")
{
	Line *server;
	Party *client = a_client_at_a_terminal(&server);
	reads_prompt(client);
	rests(client);
}
END_CHECK

SHARED_CHECK(0, client, sends_what_is_typed, 8, "sends what is typed",
             "Which bytes exactly leave your client when `hello` is typed?",
             "The newline, a NUL, the rest of the buffer: none of them is part of the message.",
             "send(call, line, strlen(line), 0), the line being without its newline.")
{
	Line *server;
	Party *client = a_client_at_a_terminal(&server);
	type_line(client, "good  morning, it is 7");
	if (message_form() == FORM_BARE)
		hear_in_one_piece(server, "good  morning, it is 7");
	else
		hear_message(server, "good  morning, it is 7");
	reply(server, "good  morning, it is 7");
	if (lab_now->number == 2) {
		type_line(client, "  as typed ");
		hear_message(server, "  as typed ");
		reply(server, "  as typed ");
	}
	type_line(client, "bye");
	hear_message(server, "bye");
}
END_CHECK

SHARED_CHECK(0, client, sends_utf8, 4, "sends UTF-8 as it is typed", "How many bytes has an `ü`?",
             "Bytes above 127 are part of the message like any other.",
             "Nothing special is needed: strlen() counts bytes, and send() sends bytes.")
{
	Line *server;
	Party *client = a_client_at_a_terminal(&server);
	type_line(client, "grüße 你好");
	hear_message(server, "grüße 你好");
	reply(server, "grüße 你好");
	reads(client, upper("grüße 你好"));
}
END_CHECK

SHARED_CHECK(0, client, sends_1024_bytes, 5, "sends a line of 1024 bytes, and prints as long a reply",
             "How long may a line be, and how long a reply?", "The buffers must hold 1024 bytes of message.",
             "readline() has no limit of its own; char reply[1024] for recv().")
{
	char text[4097];
	long_line(text);
	Line *server;
	Party *client = a_client_in_a_pipe(&server);
	feed(client, (const char *const[]){text, NULL});
	hear_message(server, text);
	reply(server, text);
	end_input(client);
	comes_to_its_end(client);
	reads(client, upper(text));
}
END_CHECK

SHARED_CHECK(0, client, prints_each_reply_at_once, 8, "prints each reply at once, on a line of its own",
             "What has your client printed before it asks for the next line?",
             "After recv(), the n bytes and a newline go to stdout, and out of its buffer.",
             "printf(\"%.*s\\n\", (int)n, reply); fflush(stdout);")
{
	Line *server;
	Party *client = a_client_at_a_terminal(&server);
	const char *const texts[] = {"a long question to begin with", "short", "how are you", NULL};
	for (const char *const *text = texts; *text != NULL; text++) {
		type_line(client, *text);
		hear_message(server, *text);
		reply(server, *text);
		reads(client, upper(*text));
	}
}
END_CHECK

SHARED_CHECK(0, client, waits_for_each_reply, 5, "waits for each reply before it sends more",
             "What does the server's recv() give if two messages are sent before it looks?",
             "A line, its reply, the next line: one after the other.",
             "recv() stands after send(), inside the same loop.")
{
	Line *server;
	Party *client = a_client_in_a_pipe(&server);
	feed(client, (const char *const[]){"first", "second", NULL});
	hear_message(server, "first");
	hear_nothing(server);
	reply(server, "first");
	hear_message(server, "second");
	reply(server, "second");
}
END_CHECK

/* Three lines, three replies, and a clean end. */
static void converse_to_the_end(Party *client, Line *server, const char *const *texts)
{
	for (const char *const *text = texts; *text != NULL; text++)
		hear_alone(server, *text);
	hear_hang_up(server);
	hang_up(server); /* as the server would: the client may wait for it */
	has_exited(client, 0, "does_not_exit");
	for (const char *const *text = texts; *text != NULL; text++)
		reads(client, upper(*text));
}

SHARED_CHECK(0, client, works_in_a_pipe, 5, "works when its input is a pipe",
             "What does your client do when the input ends?",
             "Every line is sent and answered, then comes the end of input.",
             "readline() returns NULL, getline() -1, fgets() NULL at the end: hang up, return 0.")
{
	Line *server;
	Party *client = a_client_in_a_pipe(&server);
	const char *const texts[] = {"one", "two words", "and three", NULL};
	feed(client, texts);
	end_input(client);
	converse_to_the_end(client, server, texts);
}
END_CHECK

SHARED_CHECK(0, client, works_from_a_file, 4, "works when its input is a file",
             "What is different when standard input is a file?", "Nothing: lines come until the end.",
             "Do not ask whether stdin is a terminal; read lines until there is none.")
{
	Phone *phone = a_phone();
	Party *client = a_client(phone, (StartAs){.input = INPUT_FILE, .file = "one\ntwo words\nand three\n"});
	story_add("its input is a file of three lines");
	converse_to_the_end(client, phone->line, (const char *const[]){"one", "two words", "and three", NULL});
}
END_CHECK

SHARED_CHECK(0, client, ends_at_end_of_input, 6, "hangs up and ends at the end of input",
             "What does readline() return when Ctrl-D is typed?", "NULL: there is no line, and there will be none.",
             "if (line == NULL) break; then close(call); return 0;")
{
	Line *server;
	Party *client = a_client_at_a_terminal(&server);
	type_line(client, "hello");
	hear_message(server, "hello");
	reply(server, "hello");
	reads(client, "HELLO");
	end_input(client);
	hear_hang_up(server);
	hang_up(server); /* as the server would: the client may wait for it */
	has_exited(client, 0, "does_not_exit");
}
END_CHECK

typedef struct {
	Party *client;
	Line *server;
} Conversation;

static void ask_once(void *context)
{
	Conversation *c = context;
	party_input(c->client, "one line of many\n", strlen("one line of many\n"));
	hear_message(c->server, "one line of many");
	reply(c->server, "one line of many");
}

SHARED_CHECK(0, client, leaves_nothing_behind_after_300_messages, 4,
             "takes nothing for good, however many lines are typed",
             "What does your client take for each line: memory, descriptors, threads?",
             "readline() and getline() take memory for a line; free() gives it back.",
             "free(line) at the end of each round.")
{
	Conversation c;
	c.client = a_client_in_a_pipe(&c.server);
	leaves_nothing_behind(c.client, 300, "lines", ask_once, &c);
}
END_CHECK

/* --- 03 and later: the empty line --- */

/* Types it, sees that nothing leaves, and that the next line does. */
static void says_nothing_on(const char *nothing)
{
	Line *server;
	Party *client = a_client_at_a_terminal(&server);
	type_line(client, "hello");
	hear_message(server, "hello");
	reply(server, "hello");
	reads(client, "HELLO");
	type_line(client, nothing);
	says_nothing_and_asks_again(client, server);
	type_line(client, "still here");
	hear_message(server, "still here");
	reply(server, "still here");
	reads(client, "STILL HERE");
}

SHARED_CHECK(
    0, client, says_nothing_on_an_empty_line, 10, "says nothing on an empty line",
    "What does send() put on the wire when it is given no bytes?",
    "Nothing. The server waits for a message that never comes, your client for its answer: look at where each of them stands.",
    "Before send(): if the line is empty, free it and `continue` — ask again.")
{
	says_nothing_on("");
}
END_CHECK

SHARED_CHECK(0, client, says_nothing_on_spaces, 5, "says nothing on a line of spaces",
             "What is left of a line of spaces?",
             "When the spaces around a line are taken away, nothing is left: an empty line.",
             "Skip the spaces first, then look whether anything is left.")
{
	says_nothing_on("   ");
}
END_CHECK

SHARED_CHECK(0, client, skips_empty_lines_in_a_pipe, 4, "passes over empty lines in a pipe",
             "Is an empty line the end of the input?", "An empty line says nothing; the one after it does.",
             "`continue`, not `break`.")
{
	Line *server;
	Party *client = a_client_in_a_pipe(&server);
	story_before_failing(blames_the_empty_line);
	feed(client, (const char *const[]){"one", "", "   ", "", "two", NULL});
	end_input(client);
	converse_to_the_end(client, server, (const char *const[]){"one", "two", NULL});
}
END_CHECK

/* --- 04 and later: the server has gone --- */

/* The words of the contract, or the reason of the call that failed. */
static void reports_the_loss(Party *client)
{
	static const char *const reasons[] = {"server hung up",
	                                      "Connection reset by peer",
	                                      "Broken pipe",
	                                      "Transport endpoint is not connected",
	                                      "Software caused connection abort",
	                                      NULL};
	has_exited(client, 1, "ignores_hang_up");
	for (const char *const *reason = reasons; *reason != NULL; reason++)
		if (complains_as(client, *reason))
			return;
	const char *said = client->err.size > 0 ? client->err.text : "";
	story_bytes("what it says on stderr", "client: recv: server hung up", strlen("client: recv: server hung up"),
	            said, strcspn(said, "\n"));
	story_fail("wrong_error_message", client, "the client should say on stderr: client: recv: server hung up");
}

static Party *a_client_in_conversation(Line **server)
{
	Party *client = a_client_at_a_terminal(server);
	type_line(client, "hello");
	hear_message(*server, "hello");
	reply(*server, "hello");
	reads(client, "HELLO");
	return client;
}

/* At the latest with the next line that is typed it must know. */
static void types_once_more_if_need_be(Party *client)
{
	party_watch(NULL, NULL, 0, -1);
	if (!client->ended)
		type_line(client, "anybody there?");
}

SHARED_CHECK(0, client, notices_a_hang_up_at_the_prompt, 8, "notices at the next line that the server has hung up",
             "What does recv() return when the server has hung up?",
             "0, every time. That is no reply: the conversation is over.",
             "if (n == 0) { fprintf(stderr, \"client: recv: server hung up\\n\"); exit(1); }")
{
	Line *server;
	Party *client = a_client_in_conversation(&server);
	hang_up(server);
	types_once_more_if_need_be(client);
	reports_the_loss(client);
}
END_CHECK

SHARED_CHECK(0, client, notices_a_hang_up_instead_of_a_reply, 8, "notices a hang-up instead of a reply",
             "What does recv() return when the server hangs up instead of answering?",
             "0: no reply came, and none will.",
             "n == 0 is an end, not an empty reply: say so on stderr and exit with 1.")
{
	Line *server;
	Party *client = a_client_in_conversation(&server);
	type_line(client, "are you there?");
	hear_message(server, "are you there?");
	hang_up(server);
	reports_the_loss(client);
}
END_CHECK

SHARED_CHECK(0, client, notices_a_hang_up_inside_a_reply, 6, "notices a hang-up in the middle of a reply",
             "Half a reply has come, and recv() returns 0. What will become of the other half?",
             "It will never come: 0 is the end of the stream, wherever in a message it is met.",
             "The test for n == 0 stands in the loop that receives, behind each recv().")
{
	Line *server;
	Party *client = a_client_in_conversation(&server);
	type_line(client, "are you there?");
	hear_message(server, "are you there?");
	say(server, "ARE YO");
	hang_up(server);
	types_once_more_if_need_be(client);
	reports_the_loss(client);
}
END_CHECK

SHARED_CHECK(0, client, notices_a_reset, 5, "notices that the call was reset",
             "What does recv() return when the call was torn down?", "-1, and errno is ECONNRESET.",
             "if (n == -1) { perror(\"client: recv\"); exit(1); }")
{
	Line *server;
	Party *client = a_client_in_conversation(&server);
	type_line(client, "are you there?");
	hear_message(server, "are you there?");
	reset_call(server);
	reports_the_loss(client);
}
END_CHECK

/* FIN first and then RST: the next send() meets a call that is closed in both directions, and that raises SIGPIPE. */
SHARED_CHECK(0, client, survives_writing_to_a_closed_call, 8, "survives writing to a call that is no more",
             "What happens to a program that writes to a call which the other side has torn down?",
             "The kernel sends it SIGPIPE, which ends it without a word, unless it is told not to.",
             "send(call, line, strlen(line), MSG_NOSIGNAL); -1 with EPIPE: perror(), exit(1).")
{
	Line *server;
	Party *client = a_client_in_conversation(&server);
	party_freeze(client);
	half_close(server);
	reset_call(server);
	party_thaw(client);
	types_once_more_if_need_be(client);
	reports_the_loss(client);
}
END_CHECK

SHARED_CHECK(0, client, ends_quietly_if_the_input_ends_first, 4, "ends well if the input ends before it could notice",
             "The server has hung up, and then Ctrl-D is typed: what is left to do?",
             "Nothing was lost. Hang up and end.",
             "The end of input comes before send(): nothing is written to the dead call.")
{
	Line *server;
	Party *client = a_client_in_conversation(&server);
	hang_up(server);
	party_watch(NULL, NULL, 0, -1);
	if (!client->ended)
		end_input(client);
	has_exited_with(client, 0, 1, "does_not_exit");
}
END_CHECK
