/*
 * frame.c: lab 09's parser of frames, under any bytes in any pieces.
 *
 * What recv_frame() makes of a stream is compared with what a frame is, and what send_frame() puts on it too.
 *
 * Bytes: the longest piece; 1 for signals; which capacity; the seed; then the stream.
 */
#include "fakes.h"
#include "fakes_on.h"

#include "../../../solutions/09-framing/frame.c"
#include "fakes_off.h"

static FakeStory story;

static void tell(const uint8_t *stream, size_t size, const uint8_t *how)
{
	story = (FakeStory){.seed = how[3], .most = how[0], .signals = how[1] & 1, .callers = 1};
	story.caller[0] = (FakeCaller){.bytes = stream,
	                               .size = size,
	                               .ended = true,
	                               .reset = (how[1] & 2) != 0,
	                               .answered = true,
	                               .window = (size_t)-1};
	fake_begin(&story);
}

/* What a frame is, said once more. Returns the payload's size, or -1 with errno. */
static ssize_t next_frame(const uint8_t *stream, size_t size, size_t *at, size_t capacity, bool reset)
{
	size_t left = size - *at;
	errno = reset || left > 0 ? ECONNRESET : ENODATA;
	if (left < 4)
		return -1;
	uint32_t length = (uint32_t)stream[*at] << 24 | (uint32_t)stream[*at + 1] << 16 |
	                  (uint32_t)stream[*at + 2] << 8 | stream[*at + 3];
	*at += 4;
	if (length > 65536 || length > capacity) {
		errno = EMSGSIZE;
		return -1;
	}
	errno = ECONNRESET;
	if (left - 4 < length)
		return -1;
	*at += length;
	return (ssize_t)length;
}

static void receive_all(const uint8_t *stream, size_t size, const uint8_t *how)
{
	static const size_t capacities[] = {65536, 0, 1, 10, 255, 65535, 70000, 4096};
	size_t capacity = capacities[how[2] % 8], at = 0;
	const FakeCaller *caller = &story.caller[0];
	tell(stream, size, how);
	for (;;) {
		/* No larger than it must be, so that a byte too many is seen. */
		uint8_t *payload = malloc(1 + (capacity < size ? capacity : size));
		expect(payload != NULL);
		size_t before = at;
		ssize_t right = next_frame(stream, size, &at, capacity, caller->reset);
		int why = errno;
		ssize_t n = recv_frame(FAKE_CALL, payload + 1, capacity);
		expect(n == right && (n != -1 || errno == why));
		expect(n <= 0 || memcmp(payload + 1, stream + before + 4, (size_t)n) == 0);
		/* Not one byte behind the frame has been taken. */
		expect(caller->at == at || (n == -1 && why != EMSGSIZE));
		free(payload);
		if (n == -1)
			return;
	}
}

static void send_and_receive(const uint8_t *stream, size_t size, const uint8_t *how)
{
	static uint8_t payload[FRAME_MAX + 16];
	const FakeCaller *caller = &story.caller[0];
	/* Mostly the stream itself; the largest sizes only now and then, for they take their time. */
	bool large = how[2] >= 250 && how[0] == 0;
	uint32_t length = large ? FRAME_MAX - 2 + how[2] % 6 : (uint32_t)(size < FRAME_MAX ? size : FRAME_MAX);
	if (!large && size > 0)
		memcpy(payload, stream, length);
	tell(stream, size, how);
	int done = send_frame(FAKE_CALL, payload, length);
	if (length > FRAME_MAX)
		expect(done == -1 && errno == EMSGSIZE && caller->said_size == 0);
	else if (caller->reset && size == 0)
		expect(done == -1 && errno == EPIPE);
	else
		expect(done == 0 && caller->said_size == 4 + length &&
		       (length == 0 || memcmp(caller->said + 4, payload, length) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 4)
		return 0;
	receive_all(data + 4, size - 4, data);
	send_and_receive(data + 4, size - 4, data);
	return 0;
}
