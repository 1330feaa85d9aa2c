/*
 * lab09.h: the checks of lab 09: of frame.c, which is judged by itself before the programs that use it, and of programs that
 * talk in frames, which later labs ask again.
 */
#ifndef CHECKS_LAB09_H
#define CHECKS_LAB09_H

#include "checks/suite.h"

extern const CheckInfo frame_sends_every_byte, frame_sends_all_after_a_short_send,
    frame_goes_on_after_a_signal_while_it_sends, frame_tells_that_the_peer_is_gone, frame_receives_exactly_so_many,
    frame_receives_however_it_comes, frame_goes_on_after_a_signal_while_it_receives,
    frame_tells_an_end_before_the_first_byte, frame_tells_an_end_inside, frame_tells_a_reset,
    frame_puts_the_length_in_front, frame_sends_the_empty_frame, frame_sends_65536_bytes_and_no_more,
    frame_sends_a_frame_in_spite_of_a_signal, frame_receives_a_frame, frame_receives_the_empty_frame,
    frame_receives_frames_however_they_come, frame_refuses_a_length_over_65536,
    frame_refuses_a_length_over_the_capacity, frame_tells_an_end_before_a_header, frame_tells_an_end_inside_a_header,
    frame_tells_an_end_inside_a_payload, frame_receives_a_frame_in_spite_of_a_signal,
    frame_leaves_nothing_behind_after_300_frames, frame_is_clean_under_sanitizers;

#define FRAME_CHECKS                                                                                                \
	&frame_sends_every_byte, &frame_sends_all_after_a_short_send, &frame_goes_on_after_a_signal_while_it_sends, \
	    &frame_tells_that_the_peer_is_gone, &frame_receives_exactly_so_many, &frame_receives_however_it_comes,  \
	    &frame_goes_on_after_a_signal_while_it_receives, &frame_tells_an_end_before_the_first_byte,             \
	    &frame_tells_an_end_inside, &frame_tells_a_reset, &frame_puts_the_length_in_front,                      \
	    &frame_sends_the_empty_frame, &frame_sends_65536_bytes_and_no_more,                                     \
	    &frame_sends_a_frame_in_spite_of_a_signal, &frame_receives_a_frame, &frame_receives_the_empty_frame,    \
	    &frame_receives_frames_however_they_come, &frame_refuses_a_length_over_65536,                           \
	    &frame_refuses_a_length_over_the_capacity, &frame_tells_an_end_before_a_header,                         \
	    &frame_tells_an_end_inside_a_header, &frame_tells_an_end_inside_a_payload,                              \
	    &frame_receives_a_frame_in_spite_of_a_signal, &frame_leaves_nothing_behind_after_300_frames,            \
	    &frame_is_clean_under_sanitizers

extern const CheckInfo server_answers_frames_that_come_together, server_waits_for_the_whole_frame,
    server_answers_frames_however_they_come, server_answers_the_empty_frame, server_takes_a_frame_of_65536_bytes,
    server_hangs_up_on_a_length_over_65536, server_takes_no_memory_for_a_false_length,
    server_does_not_answer_an_end_inside_a_header, server_does_not_answer_an_end_inside_a_payload,
    server_answers_frames_after_a_half_close, server_sends_every_frame_whole, server_prints_each_frame_whole,
    client_sends_an_empty_line, client_sends_empty_lines_in_a_pipe, client_reads_a_frame_however_it_comes,
    client_sends_65536_bytes, client_refuses_a_line_of_65537_bytes, client_refuses_a_reply_with_a_false_length,
    client_notices_a_reply_cut_off;

/* What is asked of a server's calls, whatever its command line is. */
#define FRAME_SERVER_CHECKS                                                                                           \
	&server_answers_in_upper_case, &server_answers_frames_that_come_together, &server_waits_for_the_whole_frame,  \
	    &server_answers_frames_however_they_come, &server_answers_the_empty_frame,                                \
	    &server_takes_a_frame_of_65536_bytes, &server_hangs_up_on_a_length_over_65536,                            \
	    &server_takes_no_memory_for_a_false_length, &server_does_not_answer_an_end_inside_a_header,               \
	    &server_does_not_answer_an_end_inside_a_payload, &server_answers_frames_after_a_half_close,               \
	    &server_sends_every_frame_whole, &server_serves_the_next_caller, &server_serves_a_caller_who_had_to_wait, \
	    &server_survives_a_hang_up_without_a_word, &server_survives_a_reset,                                      \
	    &server_survives_a_caller_gone_before_the_answer, &server_hangs_up_when_the_caller_does,                  \
	    &server_leaves_nothing_behind_after_200_calls, &server_leaves_nothing_behind_after_300_messages,          \
	    &server_keeps_every_other_byte, &server_waits_for_the_caller, &server_prints_what_it_hears,               \
	    &server_prints_each_frame_whole, &server_is_clean_under_sanitizers

/* The same of a client's. */
#define FRAME_CLIENT_CHECKS                                                                               \
	&client_sends_what_is_typed, &client_sends_an_empty_line, &client_sends_empty_lines_in_a_pipe,    \
	    &client_reads_a_frame_however_it_comes, &client_prints_a_nul_byte, &client_sends_65536_bytes, \
	    &client_refuses_a_line_of_65537_bytes, &client_refuses_a_reply_with_a_false_length,           \
	    &client_notices_a_reply_cut_off, &client_notices_a_hang_up_at_the_prompt,                     \
	    &client_notices_a_hang_up_instead_of_a_reply, &client_notices_a_reset,                        \
	    &client_survives_writing_to_a_closed_call, &client_ends_quietly_if_the_input_ends_first,      \
	    &client_asks_with_the_prompt, &client_sends_utf8, &client_prints_each_reply_at_once,          \
	    &client_waits_for_each_reply, &client_works_in_a_pipe, &client_works_from_a_file,             \
	    &client_ends_at_end_of_input, &client_leaves_nothing_behind_after_300_messages,               \
	    &client_is_clean_under_sanitizers

#endif
