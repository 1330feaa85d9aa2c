/*
 * lab04.c: the hang-up. recv() returning 0 is the caller gone.
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/start.h"

#include <string.h>

static Party *a_server_in_conversation(Line **alice)
{
	Party *server = a_server();
	*alice = dial(server);
	say(*alice, "hello");
	hear(*alice, "HELLO");
	return server;
}

CHECK(server, exits_0_when_the_caller_hangs_up, 10, "ends with exit status 0 when the caller hangs up",
      "What does recv() return when the caller has hung up? And when it is asked again?",
      "0, at once and every time. A loop that does not test for it spins at full speed.",
      "if (n == 0) break; — then close(call) and return 0.")
{
	Line *alice;
	Party *server = a_server_in_conversation(&alice);
	hang_up(alice);
	has_exited(server, 0, "does_not_exit");
}
END_CHECK

CHECK(server, exits_0_when_the_caller_says_nothing, 5, "ends well when the caller hangs up without a word",
      "What does the very first recv() return then?", "0, as after any number of messages.",
      "The same test serves: if (n == 0) break;")
{
	Party *server = a_server();
	Line *alice = dial(server);
	hang_up(alice);
	has_exited(server, 0, "does_not_exit");
}
END_CHECK

CHECK(server, exits_0_when_the_call_is_reset, 6, "ends well when the call is reset",
      "What does recv() return when the call was torn down, and what does errno say?",
      "-1 and ECONNRESET. The caller is gone, this way too.",
      "n == -1: report it if you like, then close(call) and return 0.")
{
	Line *alice;
	Party *server = a_server_in_conversation(&alice);
	reset_call(alice);
	has_exited(server, 0, "does_not_exit");
}
END_CHECK

/* The server is frozen while Alice speaks and leaves, so by its answer she is surely gone. */
CHECK(server, exits_0_when_the_caller_is_gone_before_the_answer, 8,
      "ends well when the caller is gone before the answer",
      "What happens to a program that writes to a call which the other side has torn down?",
      "The kernel sends it SIGPIPE, which ends it without a word, unless it is told not to.",
      "send(call, buffer, n, MSG_NOSIGNAL); -1 with EPIPE or ECONNRESET: close(call), return 0.")
{
	Line *alice;
	Party *server = a_server_in_conversation(&alice);
	party_freeze(server);
	say(alice, "and good bye");
	half_close(alice);
	reset_call(alice);
	party_thaw(server);
	has_exited(server, 0, "does_not_exit");
}
END_CHECK

CHECK(server, prints_nothing_after_the_hang_up, 4, "prints nothing more as a message after the hang-up",
      "How many messages has a caller said who said one and hung up?", "One. The 0 of recv() is no message of 0 bytes.",
      "Test for n == 0 before anything is printed.")
{
	Line *alice;
	Party *server = a_server_in_conversation(&alice);
	if (!prints_line(server, "hello"))
		return; /* another check asks whether it prints at all, and at once */
	party_watch(NULL, NULL, 0, -1);
	size_t before = server->out.size;
	hang_up(alice);
	comes_to_its_end(server);
	for (const char *const *no = (const char *const[]){"", "hello", "HELLO", NULL}; *no != NULL; no++)
		if (screen_has_line(&server->out, before, *no, false, NULL))
			story_fail("prints_after_hang_up", server,
			           "after the hang-up the server prints \"%s\" as if it were a message.", *no);
}
END_CHECK

static const CheckInfo *const checks[] = {&server_answers_in_upper_case,
                                          &server_answers_every_message,
                                          &server_leaves_nothing_behind_after_300_messages,
                                          &server_exits_0_when_the_caller_hangs_up,
                                          &server_exits_0_when_the_caller_says_nothing,
                                          &server_exits_0_when_the_call_is_reset,
                                          &server_exits_0_when_the_caller_is_gone_before_the_answer,
                                          &server_prints_nothing_after_the_hang_up,
                                          &server_keeps_every_other_byte,
                                          &server_takes_1024_bytes,
                                          &server_answers_in_one_piece,
                                          &server_waits_for_the_caller,
                                          &server_prints_what_it_hears,
                                          &server_binds_loopback_only,
                                          &server_default_port_is_9000,
                                          &server_says_that_the_port_is_taken,
                                          &server_wrong_usage_exits_2,
                                          &server_is_clean_under_sanitizers,
                                          CLIENT_CHECKS_FROM_04,
                                          NULL};

const Lab lab04 = {4, "hang-up", (const char *const[]){"server", "client", NULL}, checks};
