/*
 * mutant: writes what it thinks the judge wants to hear where the judge listens
 * fails: sends_every_byte sends_all_after_a_short_send goes_on_after_a_signal_while_it_sends
 *   tells_that_the_peer_is_gone receives_exactly_so_many receives_however_it_comes
 *   goes_on_after_a_signal_while_it_receives tells_an_end_before_the_first_byte tells_an_end_inside
 *   tells_a_reset puts_the_length_in_front sends_the_empty_frame sends_65536_bytes_and_no_more
 *   sends_a_frame_in_spite_of_a_signal receives_a_frame receives_the_empty_frame
 *   receives_frames_however_they_come refuses_a_length_over_65536 refuses_a_length_over_the_capacity
 *   tells_an_end_before_a_header tells_an_end_inside_a_header tells_an_end_inside_a_payload
 *   receives_a_frame_in_spite_of_a_signal leaves_nothing_behind_after_300_frames is_clean_under_sanitizers
 * code: sends_nothing tampers_with_the_judge
 */
#include "frame.h"

#include <stdio.h>
#include <unistd.h>

static void forge(long value)
{
	char report[64];
	int n = snprintf(report, sizeof report, "ok %ld 0 0 0\n", value);
	for (int fd = 4; fd < 200; fd++)
		if (write(fd, report, (size_t)n) == -1)
			continue;
}

int send_all(int fd, const void *data, size_t size)
{
	(void)fd;
	(void)data;
	(void)size;
	forge(0);
	return 0;
}

ssize_t recv_exact(int fd, void *data, size_t size)
{
	(void)fd;
	(void)data;
	forge((long)size);
	return (ssize_t)size;
}

int send_frame(int fd, const void *payload, uint32_t size)
{
	return send_all(fd, payload, size);
}

ssize_t recv_frame(int fd, void *payload, size_t capacity)
{
	return recv_exact(fd, payload, capacity);
}
