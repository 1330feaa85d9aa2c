/*
 * handshake_server.c: lab 12's server, and a caller who may say anything, with the right digest before it or a wrong one.
 *
 * Whatever is said, the server must say what the contract has it say and not a byte more: to nobody but who has
 * sent the right 64 bytes in time.
 *
 * Bytes: the longest piece; 1 for signals, 2 for a reset at the end; which digest goes before; where it is wrong; when the
 * clock jumps; the key's size; the key file; then what the caller says.
 */
#include "fakes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "fakes_on.h"

#include "../../../solutions/12-secret-handshake/frame.c"
#include "../../../solutions/12-secret-handshake/server.c"
#include "fakes_off.h"

enum { HEAD = 6, MOST_SAID = 1 << 19 };

static FakeStory story;
static uint8_t stream[ANSWER + MOST_SAID];

static void digest_of(const uint8_t *secret, size_t size, const uint8_t *challenge, uint8_t answer[ANSWER])
{
	unsigned char mac[DIGEST];
	expect(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret, size, challenge, CHALLENGE, mac, sizeof mac,
	                 NULL) != NULL);
	for (size_t i = 0; i < sizeof mac; i++) {
		answer[2 * i] = (uint8_t) "0123456789abcdef"[mac[i] >> 4];
		answer[2 * i + 1] = (uint8_t) "0123456789abcdef"[mac[i] & 15];
	}
}

/* What the server has to say to this: a challenge, and an answer to each whole frame behind the right digest. */
static void check(const uint8_t *challenge, const uint8_t *right, size_t size, bool in_time)
{
	static FakeCaller wanted;
	wanted.said_size = 0;
	fake_append(&wanted, challenge, CHALLENGE);
	bool believed = in_time && size >= ANSWER && memcmp(stream, right, ANSWER) == 0;
	for (size_t at = ANSWER; believed && size - at >= 4;) {
		uint32_t length = (uint32_t)stream[at] << 24 | (uint32_t)stream[at + 1] << 16 |
		                  (uint32_t)stream[at + 2] << 8 | stream[at + 3];
		if (length > 65536 || size - at - 4 < length)
			break;
		size_t from = wanted.said_size + 4;
		fake_append(&wanted, stream + at, 4 + length);
		for (size_t i = from; i < wanted.said_size; i++)
			if (wanted.said[i] >= 'a' && wanted.said[i] <= 'z')
				wanted.said[i] = (uint8_t)(wanted.said[i] - 32);
		at += 4 + length;
	}
	const FakeCaller *caller = &story.caller[0];
	expect(caller->closed);
	expect(caller->said_size >= CHALLENGE && memcmp(caller->said, challenge, CHALLENGE) == 0);
	if (caller->reset && believed) /* what was not sent before the reset came is nobody's loss */
		expect(caller->said_size <= wanted.said_size && fake_said(caller, wanted.said, caller->said_size));
	else
		expect(fake_said(caller, wanted.said, wanted.said_size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD || size - HEAD < data[5] || size > MOST_SAID / 2)
		return 0;
	const uint8_t *head = data, *file = data + HEAD;
	size_t file_size = head[5], key_size = file_size - (file_size > 0 && file[file_size - 1] == '\n');
	story = (FakeStory){.seed = head[3],
	                    .most = head[0],
	                    .signals = head[1] & 1,
	                    .callers = 1,
	                    .late_at_poll = head[4],
	                    .file = file,
	                    .file_size = file_size};

	/* The challenge that it will make: the same seed gives the same bytes. With signals about, nobody knows how many
	 * were drawn before; so the digest is right only without. */
	uint8_t challenge[CHALLENGE], right[ANSWER];
	uint64_t seed = story.seed;
	for (size_t i = 0; i < CHALLENGE; i++)
		challenge[i] = (uint8_t)fake_random(&seed);
	digest_of(file, key_size, challenge, right);

	size_t before = 0;
	if (head[2] % 4 != 0) {
		memcpy(stream, right, ANSWER);
		before = head[2] % 4 == 3 ? head[3] % ANSWER : ANSWER; /* 3: cut off */
		if (head[2] % 4 == 2)
			stream[head[3] % ANSWER] ^= (uint8_t)(1 << head[2] % 7);
	}
	size_t said = size - HEAD - file_size;
	memcpy(stream + before, file + file_size, said);
	story.caller[0] = (FakeCaller){.bytes = stream,
	                               .size = before + said,
	                               .rings = true,
	                               .ended = true,
	                               .reset = (head[1] & 2) != 0,
	                               .window = (size_t)-1};
	fake_begin(&story);
	char *argv[] = {"server", "9000", "key", "1000", NULL};
	int status = fake_run(program_main, 4, argv);
	if (key_size == 0) {
		expect(status == 1 && !story.caller[0].answered);
		return 0;
	}
	expect(status == FAKE_ENDED);
	const FakeCaller *caller = &story.caller[0];
	if (caller->said_size < CHALLENGE) { /* it was reset before */
		expect(caller->reset && caller->closed);
		return 0;
	}
	/* Where the clock jumps while the digest is being read, who is right and in time is not known here; but whoever has sent
	 * too little or the wrong bytes hears nothing in either case. */
	digest_of(file, key_size, caller->said, right);
	bool in_time = head[4] == 0 || caller->said_size > CHALLENGE || story.polls < story.late_at_poll;
	check(caller->said, right, before + said, in_time);
	return 0;
}
