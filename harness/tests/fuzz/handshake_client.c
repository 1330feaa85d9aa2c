/*
 * handshake_client.c: lab 12's client, and a server that may say anything.
 *
 * What the client says, and how it ends, follows from what it hears: the digest of the first 32 bytes, then a frame for each
 * line, as long as whole replies come.
 *
 * Bytes: the longest piece; 1 for signals, 2 for a reset at the end; which lines are typed; the seed; the key's size; the key
 * file; then what the server says.
 */
#include "fakes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <readline/history.h>
#include <readline/readline.h>

#include "fakes_on.h"

#include "../../../solutions/12-secret-handshake/client.c"
#include "../../../solutions/12-secret-handshake/frame.c"
#include "fakes_off.h"

enum { HEAD = 5 };

static FakeStory story;
static char too_long[65536 + 2], just_fits[65536 + 1];

static void say(FakeCaller *to, const void *bytes, uint32_t size)
{
	uint32_t header = htonl(size);
	fake_append(to, &header, sizeof header);
	fake_append(to, bytes, size);
}

/* What it should say to the server; returns how it should end. */
static int right_end(FakeCaller *says, const uint8_t *key, size_t key_size, const uint8_t *heard, size_t size,
                     const char *const *lines)
{
	char digit[3];
	unsigned char digest[DIGEST];
	if (size < CHALLENGE)
		return 1;
	expect(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_size, heard, CHALLENGE, digest, sizeof digest,
	                 NULL) != NULL);
	for (size_t i = 0; i < sizeof digest; i++) {
		snprintf(digit, sizeof digit, "%02x", digest[i]);
		fake_append(says, digit, 2);
	}
	for (size_t at = CHALLENGE; *lines != NULL; lines++) {
		if (strlen(*lines) > FRAME_MAX)
			return 1;
		say(says, *lines, (uint32_t)strlen(*lines));
		if (size - at < 4)
			return 1;
		uint32_t length = (uint32_t)heard[at] << 24 | (uint32_t)heard[at + 1] << 16 |
		                  (uint32_t)heard[at + 2] << 8 | heard[at + 3];
		if (length > 65536 || size - at - 4 < length)
			return 1;
		at += 4 + length;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FakeCaller right;
	memset(too_long, 'x', sizeof too_long - 1);
	memset(just_fits, 'y', sizeof just_fits - 1);
	static const char *const talks[4][5] = {{"hello", "", "how are you", "bye", NULL},
	                                        {NULL},
	                                        {just_fits, "", "x", NULL},
	                                        {"hello", too_long, "never", NULL}};
	if (size < HEAD || size - HEAD < data[4])
		return 0;
	const uint8_t *head = data, *file = data + HEAD, *heard = file + head[4];
	size_t file_size = head[4], key_size = file_size - (file_size > 0 && file[file_size - 1] == '\n');
	size_t heard_size = size - HEAD - file_size;
	/* The long ones not in small pieces: they would take all the time there is. */
	const char *const *lines = talks[head[2] % (head[0] == 0 ? 4 : 2)];
	story = (FakeStory){.seed = head[3],
	                    .most = head[0],
	                    .signals = head[1] & 1,
	                    .callers = 1,
	                    .file = (head[1] & 4) != 0 ? NULL : file,
	                    .file_size = file_size,
	                    .lines = lines};
	story.caller[0] = (FakeCaller){
	    .bytes = heard, .size = heard_size, .ended = true, .reset = (head[1] & 2) != 0, .window = (size_t)-1};
	fake_begin(&story);
	char *argv[] = {"client", "127.0.0.1", "9000", "key", NULL};
	int status = fake_run(program_main, 4, argv);
	const FakeCaller *caller = &story.caller[0];
	if (story.file == NULL || key_size == 0) {
		expect(status == 1 && !caller->answered);
		return 0;
	}
	right.said_size = 0;
	int end = right_end(&right, file, key_size, heard, heard_size, lines);
	if (caller->reset) { /* it may have been stopped anywhere, but it has said nothing wrong */
		expect(status == 1 || (status == 0 && end == 0));
		expect(caller->said_size <= right.said_size && fake_said(caller, right.said, caller->said_size));
		return 0;
	}
	expect(status == end);
	expect(fake_said(caller, right.said, right.said_size));
	return 0;
}
