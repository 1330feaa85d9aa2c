/*
 * lab01.c: the phone call. One call, one sentence.
 */
#include "checks/common.h"
#include "checks/start.h"

CHECK(server, hangs_up_after_the_answer, 6, "hangs up after the answer",
      "How does the caller learn that the call is over?", "close() of the call's descriptor sends the farewell (FIN).",
      "close(call); — that of the call, not only that of the phone.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say(alice, "hello");
	hear(alice, "HELLO");
	hear_hang_up(alice);
}
END_CHECK

CHECK(server, exits_0_after_the_call, 6, "ends with exit status 0 after the call",
      "What is left to do after the one call?", "Nothing: the phone is put away, and main() returns 0.",
      "close(phone); return 0;")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say(alice, "hello");
	hear(alice, "HELLO");
	hear_hang_up(alice);
	hang_up(alice);
	has_exited(server, 0, "does_not_exit");
}
END_CHECK

/* The server of this lab answers and hangs up; so that it can be seen whether the client does so too, ours hangs up by half. */
static void answer_and_hang_up(Line *server, const char *text)
{
	say(server, upper(text));
	half_close(server);
}

/* A client of this lab says one sentence, which stands on its command line. */
static Party *a_client_saying(Line **server, const char *message)
{
	Phone *phone = a_phone();
	Party *client =
	    the_program((StartAs){0}, (const char *const[]){"127.0.0.1", port_text(phone->port), message, NULL});
	client->port = phone->port;
	*server = answer(phone, client);
	return client;
}

CHECK(client, sends_the_message_given, 10, "sends the message that it was given",
      "Which bytes exactly leave your client?",
      "The message's own, and none behind them: no newline, no NUL, no rest of a buffer.",
      "send(call, message, strlen(message), 0)")
{
	Line *server;
	a_client_saying(&server, "good morning, it is 7 — grüße");
	hear_in_one_piece(server, "good morning, it is 7 — grüße");
	hear_no_more(server);
}
END_CHECK

CHECK(client, sends_hello_by_default, 4, "says hello if it was given no message", "What is argv[3] when argc is 3?",
      "A message that is left out is `hello`.", "const char *message = argc > 3 ? argv[3] : \"hello\";")
{
	Line *server;
	a_client_saying(&server, NULL);
	hear(server, "hello");
}
END_CHECK

CHECK(client, sends_a_long_message, 4, "sends a message of 1024 bytes", "How long may a message be?",
      "1024 bytes, and none of them is left behind.", "Send from argv itself; there is no need for a copy.")
{
	char text[1025];
	for (int i = 0; i < 1024; i++)
		text[i] = (char)('a' + i % 26);
	text[1024] = '\0';
	Line *server;
	a_client_saying(&server, text);
	hear(server, text);
}
END_CHECK

CHECK(client, prints_the_reply, 8, "prints the reply on a line of its own",
      "What do you do with the n bytes that recv() gave?", "Print them, and a newline.",
      "printf(\"%.*s\\n\", (int)n, reply);")
{
	Line *server;
	Party *client = a_client_saying(&server, "how are you");
	hear(server, "how are you");
	answer_and_hang_up(server, "how are you");
	comes_to_its_end(client);
	reads(client, "HOW ARE YOU");
}
END_CHECK

CHECK(client, prints_a_long_reply, 4, "prints a reply of 1024 bytes whole", "How long may a reply be?",
      "1024 bytes; and a NUL behind them needs one more, or none if you print by count.",
      "char reply[1024]; n = recv(call, reply, sizeof reply, 0); fwrite(reply, 1, n, stdout);")
{
	char text[1025];
	for (int i = 0; i < 1024; i++)
		text[i] = (char)('z' - i % 26);
	text[1024] = '\0';
	Line *server;
	Party *client = a_client_saying(&server, text);
	hear(server, text);
	answer_and_hang_up(server, text);
	comes_to_its_end(client);
	reads(client, upper(text));
}
END_CHECK

CHECK(client, hangs_up_and_exits_0, 6, "hangs up after the reply and ends with exit status 0",
      "What is left to do when the reply is printed?", "Hang up, and end: close(), return 0.", "close(call); return 0;")
{
	Line *server;
	Party *client = a_client_saying(&server, "hello");
	hear(server, "hello");
	answer_and_hang_up(server, "hello");
	hear_hang_up(server);
	has_exited(client, 0, "does_not_exit");
}
END_CHECK

static const CheckInfo *const checks[] = {&server_answers_in_upper_case,
                                          &server_keeps_every_other_byte,
                                          &server_takes_1024_bytes,
                                          &server_answers_in_one_piece,
                                          &server_waits_for_the_caller,
                                          &server_hangs_up_after_the_answer,
                                          &server_exits_0_after_the_call,
                                          &server_prints_what_it_hears,
                                          &server_says_who_calls,
                                          &server_binds_loopback_only,
                                          &server_default_port_is_9000,
                                          &server_says_that_the_port_is_taken,
                                          &server_wrong_usage_exits_2,
                                          &server_is_clean_under_sanitizers,
                                          &client_sends_the_message_given,
                                          &client_sends_hello_by_default,
                                          &client_sends_a_long_message,
                                          &client_prints_the_reply,
                                          &client_prints_a_long_reply,
                                          &client_hangs_up_and_exits_0,
                                          &client_says_that_nobody_answers,
                                          &client_calls_the_host_it_is_given,
                                          &client_default_address,
                                          &client_wrong_usage_exits_2,
                                          &client_is_clean_under_sanitizers,
                                          NULL};

const Lab lab01 = {1, "phone-call", (const char *const[]){"server", "client", NULL}, checks};
