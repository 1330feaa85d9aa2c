/*
 * lab06.c: the same number. `Address already in use`.
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/start.h"

#include <netinet/tcp.h>

CHECK(
    server, restarts_in_the_middle_of_a_call, 12, "starts again at once when it was stopped in the middle of a call",
    "Who keeps a port pair in TIME_WAIT, and for how long?",
    "The side that closed first, for a minute. bind() refuses the number meanwhile, unless it is told to pass over that.",
    "setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) — on this socket, before bind().")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say(alice, "hello");
	hear(alice, "HELLO");
	party_kill(server);
	story_add("the server is stopped in the middle of the call");
	hear_hang_up(alice);
	hang_up(alice);
	story_add("started again: server %u", server->port);
	Party *again = the_program((StartAs){0}, (const char *const[]){port_text(server->port), NULL});
	again->port = server->port;
	is_up_again(again);
	Line *bob = dial(again);
	say(bob, "hello again");
	hear(bob, "HELLO AGAIN");
}
END_CHECK

CHECK(
    server, does_not_share_its_port, 8, "does not share its port with a second server",
    "What should happen if your server is started twice?",
    "The second says `server: bind: Address already in use` and exits with 1. SO_REUSEPORT would let both have the number.",
    "SO_REUSEADDR and not SO_REUSEPORT.")
{
	Party *first = a_server();
	Party *second = the_program((StartAs){0}, (const char *const[]){port_text(first->port), NULL});
	record_text(second->who, "second server");
	second->port = first->port;
	gives_up_the_port(second, "ignores_bind_failure");
	Line *alice = dial(first);
	say(alice, "are you still mine?");
	hear(alice, "ARE YOU STILL MINE?");
}
END_CHECK

static const CheckInfo *const checks[] = {&server_restarts_in_the_middle_of_a_call, &server_does_not_share_its_port,
                                          SERVER_CHECKS_FROM_05, CLIENT_CHECKS_FROM_04, NULL};

const Lab lab06 = {6, "same-number", (const char *const[]){"server", "client", NULL}, checks};
