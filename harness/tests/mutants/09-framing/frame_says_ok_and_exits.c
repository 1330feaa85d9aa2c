/*
 * mutant: says that all is well, and ends before anything is asked
 * fails: sends_every_byte sends_all_after_a_short_send goes_on_after_a_signal_while_it_sends
 *   tells_that_the_peer_is_gone receives_exactly_so_many receives_however_it_comes
 *   goes_on_after_a_signal_while_it_receives tells_an_end_before_the_first_byte tells_an_end_inside
 *   tells_a_reset puts_the_length_in_front sends_the_empty_frame sends_65536_bytes_and_no_more
 *   sends_a_frame_in_spite_of_a_signal receives_a_frame receives_the_empty_frame
 *   receives_frames_however_they_come refuses_a_length_over_65536 refuses_a_length_over_the_capacity
 *   tells_an_end_before_a_header tells_an_end_inside_a_header tells_an_end_inside_a_payload
 *   receives_a_frame_in_spite_of_a_signal leaves_nothing_behind_after_300_frames is_clean_under_sanitizers
 * code: does_not_call
 */
#include "frame.h"

#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void all_is_well(void)
{
	printf("ok\n");
	fflush(stdout);
	_exit(0);
}

#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int send_all(int fd, const void *data, size_t size)
{
	const char *next = data;
	while (size > 0) {
		/* If nobody is there any more, an error will do: SIGPIPE would kill us. */
		ssize_t n = send(fd, next, size, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue; /* a signal came first: nothing was sent */
		if (n == -1)
			return -1;
		next += n; /* it may have taken less than it was given */
		size -= (size_t)n;
	}
	return 0;
}

ssize_t recv_exact(int fd, void *data, size_t size)
{
	char *next = data;
	size_t left = size;
	while (left > 0) {
		/* Never ask for more than is left: what lies behind belongs to whoever asks next. */
		ssize_t n = recv(fd, next, left, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0 && left == size)
			return 0; /* hung up between two messages: as good a place as any */
		if (n == 0) {
			errno = ECONNRESET; /* hung up in the middle of one */
			return -1;
		}
		next += n;
		left -= (size_t)n;
	}
	return (ssize_t)size;
}

int send_frame(int fd, const void *payload, uint32_t size)
{
	if (size > FRAME_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	/* In one go: sent by itself, the header would go ahead, and the payload wait until it has been acknowledged. */
	char frame[sizeof(uint32_t) + FRAME_MAX];
	uint32_t header = htonl(size);
	memcpy(frame, &header, sizeof header);
	if (size > 0)
		memcpy(frame + sizeof header, payload, size);
	return send_all(fd, frame, sizeof header + size);
}

ssize_t recv_frame(int fd, void *payload, size_t capacity)
{
	uint32_t header;
	ssize_t n = recv_exact(fd, &header, sizeof header);
	if (n == 0)
		errno = ENODATA;
	if (n <= 0)
		return -1;

	/* A length is what a stranger says: look at it before anything is done with it. */
	uint32_t size = ntohl(header);
	if (size > FRAME_MAX || size > capacity) {
		errno = EMSGSIZE;
		return -1;
	}
	if (size == 0)
		return 0; /* the empty message: no byte of it is to come */
	n = recv_exact(fd, payload, size);
	if (n == 0) {
		errno = ECONNRESET; /* a clean end for recv_exact(), but not for a frame: its header was there */
		return -1;
	}
	return n;
}
