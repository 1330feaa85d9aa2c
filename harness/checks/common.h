/*
 * common.h: the checks that several labs share.
 *
 * They are written once, in common_server.c and common_client.c, and listed by each lab that asks them. What
 * differs from lab to lab is asked of the lab: lab_now->number.
 */
#ifndef CHECKS_COMMON_H
#define CHECKS_COMMON_H

#include "checks/suite.h"
#include "peer/line.h"

/* every server */
extern const CheckInfo server_wrong_usage_exits_2, server_binds_loopback_only, server_default_port_is_9000,
    server_says_that_the_port_is_taken, server_is_clean_under_sanitizers, server_answers_in_upper_case,
    server_keeps_every_other_byte, server_takes_1024_bytes, server_answers_in_one_piece, server_prints_what_it_hears,
    server_waits_for_the_caller;
/* 01-03 */
extern const CheckInfo server_says_who_calls;
/* 02-06 */
extern const CheckInfo server_answers_every_message, server_leaves_nothing_behind_after_300_messages;
/* 05 and 06 */
extern const CheckInfo server_serves_the_next_caller, server_serves_a_caller_who_had_to_wait,
    server_survives_a_hang_up_without_a_word, server_survives_a_reset, server_survives_a_caller_gone_before_the_answer,
    server_hangs_up_when_the_caller_does, server_leaves_nothing_behind_after_200_calls;

/* every client */
extern const CheckInfo client_wrong_usage_exits_2, client_says_that_nobody_answers, client_default_address,
    client_calls_the_host_it_is_given, client_is_clean_under_sanitizers;
/* 02-06 */
extern const CheckInfo client_asks_with_the_prompt, client_sends_what_is_typed, client_sends_utf8,
    client_sends_1024_bytes, client_prints_each_reply_at_once, client_waits_for_each_reply, client_works_in_a_pipe,
    client_works_from_a_file, client_ends_at_end_of_input, client_leaves_nothing_behind_after_300_messages;
/* 03-06 */
extern const CheckInfo client_says_nothing_on_an_empty_line, client_says_nothing_on_spaces,
    client_skips_empty_lines_in_a_pipe;
/* 04-06 */
extern const CheckInfo client_notices_a_hang_up_at_the_prompt, client_notices_a_hang_up_instead_of_a_reply,
    client_notices_a_reset, client_survives_writing_to_a_closed_call, client_ends_quietly_if_the_input_ends_first;

/* What 05 asks of a server, and 06 again. */
#define SERVER_CHECKS_FROM_05                                                                         \
	&server_answers_in_upper_case, &server_answers_every_message, &server_serves_the_next_caller, \
	    &server_serves_a_caller_who_had_to_wait, &server_survives_a_hang_up_without_a_word,       \
	    &server_survives_a_reset, &server_survives_a_caller_gone_before_the_answer,               \
	    &server_hangs_up_when_the_caller_does, &server_leaves_nothing_behind_after_200_calls,     \
	    &server_leaves_nothing_behind_after_300_messages, &server_keeps_every_other_byte,         \
	    &server_takes_1024_bytes, &server_answers_in_one_piece, &server_waits_for_the_caller,     \
	    &server_prints_what_it_hears, &server_binds_loopback_only, &server_default_port_is_9000,  \
	    &server_says_that_the_port_is_taken, &server_wrong_usage_exits_2, &server_is_clean_under_sanitizers

/* What 04 asks of a client, and 05 and 06 again. */
#define CLIENT_CHECKS_FROM_04                                                                          \
	&client_sends_what_is_typed, &client_notices_a_hang_up_at_the_prompt,                          \
	    &client_notices_a_hang_up_instead_of_a_reply, &client_notices_a_reset,                     \
	    &client_survives_writing_to_a_closed_call, &client_ends_quietly_if_the_input_ends_first,   \
	    &client_says_nothing_on_an_empty_line, &client_says_nothing_on_spaces,                     \
	    &client_skips_empty_lines_in_a_pipe, &client_asks_with_the_prompt, &client_sends_utf8,     \
	    &client_sends_1024_bytes, &client_prints_each_reply_at_once, &client_waits_for_each_reply, \
	    &client_works_in_a_pipe, &client_works_from_a_file, &client_ends_at_end_of_input,          \
	    &client_leaves_nothing_behind_after_300_messages, &client_says_that_nobody_answers,        \
	    &client_calls_the_host_it_is_given, &client_default_address, &client_wrong_usage_exits_2,  \
	    &client_is_clean_under_sanitizers

/* 08, and 15 and 16 again (lab08.c) */
extern const CheckInfo server_answers_lines_that_come_together, server_waits_for_the_end_of_a_line,
    server_keeps_the_beginning_of_the_next_line, server_answers_the_same_however_it_comes,
    server_answers_the_empty_line, server_takes_a_line_of_4096_bytes, server_hangs_up_on_a_line_without_end,
    server_does_not_answer_an_unfinished_line, server_keeps_the_callers_apart, server_answers_after_a_half_close,
    server_sends_everything, server_prints_each_line_whole, client_sends_4096_bytes, client_reads_a_reply_in_two_pieces,
    client_reads_a_reply_however_it_comes, client_prints_a_nul_byte, client_notices_a_hang_up_inside_a_reply;

/* What 08 asks of a server's calls, whatever its command line and its address are. */
#define LINE_SERVER_CHECKS                                                                                            \
	&server_answers_in_upper_case, &server_answers_lines_that_come_together, &server_waits_for_the_end_of_a_line, \
	    &server_keeps_the_beginning_of_the_next_line, &server_answers_the_same_however_it_comes,                  \
	    &server_answers_the_empty_line, &server_takes_a_line_of_4096_bytes,                                       \
	    &server_hangs_up_on_a_line_without_end, &server_does_not_answer_an_unfinished_line,                       \
	    &server_answers_after_a_half_close, &server_sends_everything, &server_keeps_the_callers_apart,            \
	    &server_serves_the_next_caller, &server_serves_a_caller_who_had_to_wait,                                  \
	    &server_survives_a_hang_up_without_a_word, &server_survives_a_reset,                                      \
	    &server_survives_a_caller_gone_before_the_answer, &server_hangs_up_when_the_caller_does,                  \
	    &server_leaves_nothing_behind_after_200_calls, &server_leaves_nothing_behind_after_300_messages,          \
	    &server_keeps_every_other_byte, &server_waits_for_the_caller, &server_prints_what_it_hears,               \
	    &server_prints_each_line_whole, &server_is_clean_under_sanitizers

/* The same of a client's. */
#define LINE_CLIENT_CHECKS                                                                                        \
	&client_sends_what_is_typed, &client_reads_a_reply_in_two_pieces, &client_reads_a_reply_however_it_comes, \
	    &client_prints_a_nul_byte, &client_sends_4096_bytes, &client_notices_a_hang_up_at_the_prompt,         \
	    &client_notices_a_hang_up_instead_of_a_reply, &client_notices_a_hang_up_inside_a_reply,               \
	    &client_notices_a_reset, &client_survives_writing_to_a_closed_call,                                   \
	    &client_ends_quietly_if_the_input_ends_first, &client_says_nothing_on_an_empty_line,                  \
	    &client_says_nothing_on_spaces, &client_skips_empty_lines_in_a_pipe, &client_asks_with_the_prompt,    \
	    &client_sends_utf8, &client_prints_each_reply_at_once, &client_waits_for_each_reply,                  \
	    &client_works_in_a_pipe, &client_works_from_a_file, &client_ends_at_end_of_input,                     \
	    &client_leaves_nothing_behind_after_300_messages, &client_is_clean_under_sanitizers

/* The program refuses each of these command lines: usage on stderr, exit status 2. NULL ends a line, and the list. */
void refuses(const char *const *const *command_lines);

/* It ends with exit status 1 and this on stderr. */
void gives_up(Party *party, const char *complaint, const char *code);

/* As gives_up(), for a server whose port somebody else holds. `code` is for one that listens elsewhere instead. */
void gives_up_the_port(Party *server, const char *code);

/* What a sanitizer reported, if anything, fails the check. */
void is_clean(Party *party);

/* A sanitized program that never ends is asked for its leaks (leakcheck.c). */
void asks_for_leaks(Party *party);

/* Until it has ended, or is known never to. */
void comes_to_its_end(Party *party);

/* Of memory, seen three times: by more than `much` from each to the next, and by as much in the second stretch as in the first. */
bool common_grows(size_t first, size_t middle, size_t last, size_t much);

/* Does something so many times; descriptors, processes, threads and memory of the program do not grow with it. */
void leaves_nothing_behind(Party *party, int times, const char *what, void (*once)(void *context), void *context);

/* The reply comes, and it came in one segment. */
void hear_in_one_piece(Line *line, const char *text);

/* The client has sent nothing on the line that was typed last, and stands at its prompt again. */
void says_nothing_and_asks_again(Party *client, Line *server);

/* For story_before_failing(): the client has sent the empty line, or waits for an answer to it. */
void blames_the_empty_line(Party *client);

/* The line comes without the spaces around it. */
void hear_stripped(Line *line, const char *typed, const char *stripped);

/* It complains with this reason, as PROGRAM: CALL: REASON. */
bool complains_as(const Party *party, const char *reason);

/* It waits, and does not go round and round. */
void rests(Party *party);

/* It prints a line with this in it. */
void prints_somewhere(Party *party, const char *text);

/* A message as the lab has it: its bytes and no more (01-07), a line with its newline (08, 15, 16), a frame (09-14). */
typedef enum { FORM_BARE, FORM_LINES, FORM_FRAMES } MessageForm;
MessageForm message_form(void);
void say_message(Line *line, const char *text);
void say_message_bytes(Line *line, const void *bytes, size_t size);
void hear_message(Line *line, const char *text);
void hear_message_bytes(Line *line, const void *bytes, size_t size);

/* 256 bytes, each value once: letters at both ends, and a NUL among the last. A line has no newline in it, so there they
 * are 255. Returns how many. */
size_t every_byte(char bytes[256]);
void upper_bytes(char *bytes, size_t size);

/* Lab 12's room: the file "key" is in it, and from then on every line begins with the handshake. start.c calls it. */
void secret_room(void);

/* The text in upper-case, as the contract has it; ours until the check ends. */
const char *upper(const char *text);

#endif
