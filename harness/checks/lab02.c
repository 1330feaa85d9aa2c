/*
 * lab02.c: the conversation. One call, many sentences.
 *
 * What the server does once the call has ended is lab 04, and nothing here asks it.
 */
#include "checks/common.h"

static const CheckInfo *const checks[] = {&server_answers_in_upper_case,
                                          &server_answers_every_message,
                                          &server_leaves_nothing_behind_after_300_messages,
                                          &server_keeps_every_other_byte,
                                          &server_takes_1024_bytes,
                                          &server_answers_in_one_piece,
                                          &server_waits_for_the_caller,
                                          &server_prints_what_it_hears,
                                          &server_says_who_calls,
                                          &server_binds_loopback_only,
                                          &server_default_port_is_9000,
                                          &server_says_that_the_port_is_taken,
                                          &server_wrong_usage_exits_2,
                                          &server_is_clean_under_sanitizers,
                                          &client_asks_with_the_prompt,
                                          &client_sends_what_is_typed,
                                          &client_sends_utf8,
                                          &client_sends_1024_bytes,
                                          &client_prints_each_reply_at_once,
                                          &client_waits_for_each_reply,
                                          &client_works_in_a_pipe,
                                          &client_works_from_a_file,
                                          &client_ends_at_end_of_input,
                                          &client_leaves_nothing_behind_after_300_messages,
                                          &client_says_that_nobody_answers,
                                          &client_calls_the_host_it_is_given,
                                          &client_default_address,
                                          &client_wrong_usage_exits_2,
                                          &client_is_clean_under_sanitizers,
                                          NULL};

const Lab lab02 = {2, "conversation", (const char *const[]){"server", "client", NULL}, checks};
