/*
 * lab12.c: the secret handshake. Is the caller one of us?
 *
 * Time. The contract has one here: TIMEOUT_MS. Wherever it is not judged it is a minute, so that no machine is too slow
 * for it. Where it is, it is short. That a program waited too little is seen by the clock; that it waits too much only if
 * the kernel says so as well: that it asked for a longer wait, or that it went on listening when it had been awake since.
 *
 * Not judged: whether digests are compared in constant time (over a socket nobody could tell), and whether a challenge
 * that looks random came from getrandom().
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/patience.h"
#include "checks/secret.h"
#include "checks/start.h"
#include "observe/calls.h"
#include "peer/cut.h"
#include "program/files.h"
#include "program/trouble.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* The names are common.h's; what is asked here is not. */
#define server_wrong_usage_exits_2       server_wants_a_key_file
#define client_wrong_usage_exits_2       client_wants_a_key_file
#define server_is_clean_under_sanitizers server_refuses_cleanly

/* What the file "key" holds, unless a check puts something else there. */
static const char key_file[] = "a sunny day in the park";

typedef struct {
	const void *bytes;
	size_t size;
} File;

static File key_now = {key_file, sizeof key_file - 1};

static void put_key(const void *bytes, size_t size)
{
	key_now = (File){bytes, size};
	file_put("key", bytes, size);
}

static const char *digest_now(const unsigned char challenge[CHALLENGE])
{
	static char digest[DIGEST + 1];
	secret_digest(key_now.bytes, secret_key_size(key_now.bytes, key_now.size), challenge, digest);
	return digest;
}

/* --- the server's handshake, from the caller's side --- */

typedef struct {
	Line *line;
	size_t enough;
	int64_t until; /* now_ms(); 0: for as long as it takes */
} Hope;

static bool has_come(void *context)
{
	Hope *hope = context;
	has_news(hope->line);
	return hope->line->in_size >= hope->enough || hope->line->ended || (hope->until > 0 && now_ms() >= hope->until);
}

static Outcome wait_for(Line *line, size_t enough)
{
	Hope hope = {.line = line, .enough = enough};
	return party_watch(has_come, &hope, WATCH_PATIENT, line->fd);
}

/* The end of the call. */
static Outcome wait_for_the_end(Line *line)
{
	return wait_for(line, (size_t)-1);
}

static void hear_challenge(Line *line, unsigned char challenge[CHALLENGE])
{
	Outcome outcome = wait_for(line, CHALLENGE);
	if (line->in_size < CHALLENGE) {
		story_add("%s hears %zu bytes", line->who, line->in_size);
		if (line->ended)
			party_watch(NULL, NULL, 0, -1); /* it may be about to end altogether */
		if (line->ended && !line->party->ended)
			story_fail("sends_no_challenge", line->party,
			           "the server should send a challenge of 32 bytes, but it hangs up.");
		story_fail_watch(outcome, "sends_no_challenge", line->party,
		                 "the server should send a challenge of 32 bytes");
	}
	memcpy(challenge, line->in, CHALLENGE);
	memmove(line->in, line->in + CHALLENGE, line->in_size - CHALLENGE);
	line->in_size -= CHALLENGE;
	story_add("%s hears the challenge %02x%02x%02x%02x…", line->who, challenge[0], challenge[1], challenge[2],
	          challenge[3]);
}

static void say_digest(Line *line, const char *digest, const char *what)
{
	story_add("%s sends %s: %.12s…%s", line->who, what, digest, digest + strlen(digest) - 4);
	transmit(line, digest, strlen(digest));
}

/* Which wrong key does it believe in? NULL: none that we know. */
static const char *key_believed_in(Party *server)
{
	const void *key;
	size_t size;
	const char *what;
	for (int i = 0; secret_wrong_key(i, key_now.bytes, key_now.size, &key, &size, &what); i++) {
		if (size == 0 && i != 7)
			continue;
		unsigned char challenge[CHALLENGE];
		char digest[DIGEST + 1];
		Line *line = dial(server);
		hear_challenge(line, challenge);
		secret_digest(key, size, challenge, digest);
		transmit(line, digest, DIGEST);
		let_them_read(line);
		transmit(line, "\0\0\0\2hi", 6);
		wait_for(line, 6);
		bool believed = line->in_size == 6 && memcmp(line->in, "\0\0\0\2HI", 6) == 0;
		hang_up(line);
		if (believed)
			return what;
	}
	return NULL;
}

/* Says the digest and a first frame, and hears the answer to it. */
static void prove(Line *line, const unsigned char challenge[CHALLENGE])
{
	say_digest(line, digest_now(challenge), "the right digest");
	let_them_read(line); /* what comes of a frame in the same piece is asked by itself */
	say_frame_text(line, "it is me");
	wait_for(line, FRAME_HEADER + 8);
	if (line->in_size == 0 && line->ended && !line->party->ended) {
		party_watch(NULL, NULL, 0, -1); /* it may be about to end altogether */
		const char *why = line->party->ended ? NULL : key_believed_in(line->party);
		if (why != NULL)
			story_fail("wrong_key", line->party,
			           "the server should believe the digest for the key in its key file, but %s.", why);
		if (!line->party->ended)
			story_fail("refuses_right_digest", line->party,
			           "the server should believe the right digest, but it hangs up.");
	}
	hear_frame_text(line, "IT IS ME");
}

/* --- the client's, from the server's side --- */

/* Nothing that a string could stop at, and nothing that looks like a digit. */
static const unsigned char plain_challenge[CHALLENGE] = {
    0xc9, 0x82, 0xf1, 0x93, 0xa4, 0xb5, 0xe6, 0x87, 0xd8, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    0x80, 0x91, 0xb2, 0xa3, 0xf4, 0xc5, 0x96, 0xe7, 0xb8, 0xd9, 0x8a, 0x9b, 0xfc, 0xad, 0xce, 0xdf};

static void ask(Line *server, const unsigned char challenge[CHALLENGE])
{
	story_add("the server (reference) sends the challenge %02x%02x%02x%02x…", challenge[0], challenge[1],
	          challenge[2], challenge[3]);
	transmit(server, challenge, CHALLENGE);
}

/* The right digest comes; `alone`: nothing comes with it, for nothing was typed yet. */
static void hear_digest(Line *server, const unsigned char challenge[CHALLENGE], bool alone)
{
	const char *right = digest_now(challenge), *code = "wrong_digest";
	Outcome outcome = wait_for(server, DIGEST);
	Hope everything = {.line = server, .enough = (size_t)-1};
	bool begins_right = server->in_size >= DIGEST && memcmp(server->in, right, DIGEST) == 0;
	if (!server->ended && (alone || !begins_right))
		party_watch(has_come, &everything, 0, server->fd);
	if (begins_right && (server->in_size == DIGEST || !alone)) {
		memmove(server->in, server->in + DIGEST, server->in_size - DIGEST);
		server->in_size -= DIGEST;
		story_add("the server (reference) hears the right digest");
		return;
	}
	if (server->in_size == 0)
		story_fail_watch(outcome, server->party->ended ? "exits_early" : "sends_no_digest", server->party,
		                 "the client should answer the challenge with 64 hex digits");
	story_bytes("the digest", right, DIGEST, server->in, server->in_size);
	const char *what =
	    secret_wrong_digest(key_now.bytes, key_now.size, challenge, server->in, server->in_size, &code);
	if (what != NULL)
		story_fail(
		    code, server->party,
		    "the client should answer with HMAC-SHA256(key, challenge) in 64 lower-case hex digits, but %s.",
		    what);
	story_fail(
	    server->in_size < DIGEST ? "truncates" : code, server->party,
	    "the client should answer with HMAC-SHA256(key, challenge) in 64 lower-case hex digits; what it sends, "
	    "%zu bytes, is not that.",
	    server->in_size);
}

/* With this, every line of the shared checks begins: what they ask comes behind the handshake. */
static void shake_hands(Line *line)
{
	unsigned char challenge[CHALLENGE];
	if (line->we_called) {
		hear_challenge(line, challenge);
		say_digest(line, digest_now(challenge), "the right digest");
		let_them_read(line);
		return;
	}
	ask(line, plain_challenge);
	hear_digest(line, plain_challenge, false);
}

void secret_room(void)
{
	file_put("key", key_now.bytes, key_now.size);
	line_greet_with(shake_hands);
}

/* A server with this time, or NULL for none. Its lines begin without a handshake: the checks here make it themselves. */
static Party *a_guarded_server(const char *timeout_ms)
{
	path_text("key"); /* opens the room */
	line_greet_with(NULL);
	in_port_t port = room_port();
	Party *server = the_program((StartAs){0}, (const char *const[]){port_text(port), "key", timeout_ms, NULL});
	server->port = port;
	is_up(server);
	return server;
}

/* A caller who has been asked. */
static Line *a_caller(Party *server, unsigned char challenge[CHALLENGE])
{
	Line *line = dial(server);
	hear_challenge(line, challenge);
	return line;
}

static void serves_the_next(Party *server)
{
	unsigned char challenge[CHALLENGE];
	Line *line = a_caller(server, challenge);
	prove(line, challenge);
	hang_up(line);
}

/* The caller is hung up on and hears nothing more. */
static void is_refused(Line *line, const char *what)
{
	Outcome outcome = wait_for_the_end(line);
	static const char believed[] = "IT IS ME";
	if (line->in_size > 0) {
		story_bytes("what the caller hears", "", 0, line->in, line->in_size);
		bool answered = memmem(line->in, line->in_size, believed, sizeof believed - 1) != NULL;
		story_fail(answered ? "believes_wrong_digest" : "tells_a_stranger", line->party,
		           answered ? "the server should hang up on %s, but it takes it for right and answers."
		                    : "the server should hang up on %s and say nothing more, but it says something.",
		           what);
	}
	if (!line->ended)
		story_fail_watch(outcome, "does_not_hang_up", line->party, "the server should hang up on %s", what);
	story_add("%s hears that the server has hung up", line->who);
	hang_up(line);
}

/* Sends these digits and a frame that only one who is believed gets an answer to. */
static void is_refused_with(Line *line, const char *digest, const char *what)
{
	say_digest(line, digest, what);
	say_frame_text(line, "it is me");
	is_refused(line, what);
}

CHECK(server, asks_whoever_calls, 4, "sends 32 bytes to whoever calls, and waits for the digest",
      "Who speaks first in this lab?", "The server asks: 32 random bytes, as soon as it has answered the call.",
      "After accept(): getrandom(challenge, 32, 0); send_all(call, challenge, 32); then receive 64 bytes.")
{
	unsigned char challenge[CHALLENGE];
	Party *server = a_guarded_server("60000");
	Line *alice = a_caller(server, challenge);
	Hope anything = {.line = alice, .enough = 1};
	party_watch(has_come, &anything, 0, alice->fd);
	if (alice->in_size > 0)
		story_fail("tells_a_stranger", server,
		           "the server should wait for the digest after its 32 bytes, but it says %zu bytes more.",
		           alice->in_size);
	hear_nothing(alice);
}
END_CHECK

CHECK(
    server, serves_who_knows_the_key, 6, "serves whoever answers with the right digest",
    "What does the server compare the 64 bytes with?",
    "HMAC-SHA256(key, challenge) is 32 bytes; in hex, lower-case, they are 64 digits. The key is the file less one newline.",
    "EVP_Q_mac(NULL, \"HMAC\", NULL, \"SHA256\", NULL, key, n, challenge, 32, digest, 32, NULL), then \"%02x\" each.")
{
	unsigned char challenge[CHALLENGE];
	Party *server = a_guarded_server("60000");
	Line *alice = a_caller(server, challenge);
	prove(alice, challenge);
	say_frame_text(alice, "hello");
	hear_frame_text(alice, "HELLO");
	say_frame_text(alice, "");
	hear_frame_text(alice, "");
	hear_nothing(alice);
}
END_CHECK

/* --- fresh, and for nobody to foretell --- */

enum { SERVERS = 4, ASKED = 27 };

static unsigned in_common(const unsigned char *a, const unsigned char *b)
{
	unsigned n = 0;
	for (size_t i = 0; i < CHALLENGE; i++)
		n += a[i] == b[i];
	return n;
}

/* Random bytes of 32 places agree in twelve once in 10^20 pairs. */
static void are_unlike(Party *server, unsigned char challenges[][CHALLENGE], size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++) {
			unsigned n = in_common(challenges[i], challenges[k]);
			if (n < 12)
				continue;
			story_bytes("the challenge", challenges[k], CHALLENGE, challenges[i], CHALLENGE);
			story_fail(
			    "repeats_challenge", server,
			    "each challenge should be new, but the %zuth and the %zuth have %u of their 32 bytes in "
			    "common.",
			    k + 1, i + 1, n);
		}
	bool seen[256] = {false};
	unsigned kinds = 0;
	for (size_t i = 0; i < count * CHALLENGE; i++) {
		kinds += !seen[challenges[i / CHALLENGE][i % CHALLENGE]];
		seen[challenges[i / CHALLENGE][i % CHALLENGE]] = true;
	}
	/* 864 random bytes have 248 of the 256 values, give or take three. */
	if (kinds < 200)
		story_fail(
		    "foreseeable_challenge", server,
		    "a challenge should be 32 random bytes, but in %zu of them only %u values of a byte come up: they "
		    "are drawn from a smaller set.",
		    count, kinds);
}

CHECK(
    server, asks_something_new_each_time, 6, "asks each caller something new that nobody could foretell",
    "What can somebody do who has listened to a call, if its challenge comes again?",
    "Send the old answer. rand() gives the same after every start; seeded with time or pid, what others can work out.",
    "getrandom(challenge, sizeof challenge, 0) after each accept(), or RAND_bytes() of OpenSSL.")
{
	unsigned char challenges[ASKED][CHALLENGE];
	Party *server = NULL;
	for (size_t i = 0; i < ASKED; i++) {
		/* The first have a server each; the last of these servers takes all other calls. */
		if (i < SERVERS) {
			if (server != NULL)
				party_kill(server);
			time_t from = time(NULL);
			server = a_guarded_server("60000");
			Line *line = a_caller(server, challenges[i]);
			const char *how = secret_generator(challenges[i], server->inner, from, time(NULL));
			if (how != NULL)
				story_fail("foreseeable_challenge", server,
				           "a challenge should be 32 random bytes that nobody can foretell, but %s.",
				           how);
			hang_up(line);
		} else {
			hang_up(a_caller(server, challenges[i]));
		}
	}
	are_unlike(server, challenges, ASKED);
}
END_CHECK

/* --- wrong digests --- */

CHECK(server, refuses_another_key, 5, "hangs up on a digest for another key, and answers nothing",
      "What happens in your server when the digests differ?",
      "A comparison alone keeps nobody out: what is wrong must end the call, before any frame is read.",
      "if (CRYPTO_memcmp(answer, right, 64) != 0) { close(call); continue; }")
{
	unsigned char challenge[CHALLENGE];
	char digest[DIGEST + 1];
	Party *server = a_guarded_server("60000");
	Line *carol = a_caller(server, challenge);
	secret_digest("another key", 11, challenge, digest);
	is_refused_with(carol, digest, "a digest for another key");
	serves_the_next(server);
}
END_CHECK

/* Another hex digit than it was. */
static void spoil(char *digest, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		digest[i] = digest[i] == 'f' ? '0' : digest[i] == '9' ? 'a' : (char)(digest[i] + 1);
}

/* The right digest with these digits of it spoilt. */
static void is_refused_spoilt(Party *server, size_t from, size_t to, const char *what)
{
	unsigned char challenge[CHALLENGE];
	char digest[DIGEST + 1];
	Line *line = a_caller(server, challenge);
	memcpy(digest, digest_now(challenge), sizeof digest);
	spoil(digest, from, to);
	is_refused_with(line, digest, what);
}

CHECK(server, refuses_a_digest_right_at_its_start, 4, "refuses a digest that is right only at its start",
      "How many bytes does your server compare?", "All 64. Whoever compares fewer can be guessed: 16 tries a digit.",
      "CRYPTO_memcmp(answer, right, 64), and no strncmp() with a length that came from elsewhere.")
{
	Party *server = a_guarded_server("60000");
	is_refused_spoilt(server, 63, 64, "a digest whose last digit is wrong");
	is_refused_spoilt(server, 62, 64, "a digest whose last byte is wrong");
	is_refused_spoilt(server, 32, 64, "a digest of which only the first half is right");
	is_refused_spoilt(server, 1, 64, "a digest of which only the first digit is right");
	serves_the_next(server);
}
END_CHECK

CHECK(server, refuses_a_digest_right_at_its_end, 2, "refuses a digest that is right only at its end",
      "Is a digest right whose first digit is wrong?", "No digit may differ, wherever it stands.",
      "One difference anywhere, and it is wrong: do not overwrite a difference with what comes after it.")
{
	Party *server = a_guarded_server("60000");
	is_refused_spoilt(server, 0, 1, "a digest whose first digit is wrong");
	is_refused_spoilt(server, 0, 32, "a digest of which only the second half is right");
	is_refused_spoilt(server, 31, 32, "a digest with one wrong digit in its middle");
	serves_the_next(server);
}
END_CHECK

CHECK(server, refuses_upper_case, 2, "refuses a digest in upper-case", "Are `AB` and `ab` the same 64 bytes?",
      "The answer is lower-case hex: one way to write it, and no other.",
      "Compare the bytes, not strcasecmp(), and do not turn the hex back into bytes with sscanf(\"%x\").")
{
	unsigned char challenge[CHALLENGE];
	char digest[DIGEST + 1];
	Party *server = a_guarded_server("60000");
	Line *line = a_caller(server, challenge);
	memcpy(digest, digest_now(challenge), sizeof digest);
	upper_bytes(digest, DIGEST);
	is_refused_with(line, digest, "the right digest in upper-case");
	serves_the_next(server);
}
END_CHECK

CHECK(server, refuses_zeros, 2, "refuses a digest that is all zero",
      "What stands in the buffer of the right digest before it is worked out?",
      "Zeros, often. If working it out fails, or comes too late, zeros are right.",
      "Work out the digest first, look whether that went well, then compare.")
{
	unsigned char challenge[CHALLENGE];
	Party *server = a_guarded_server("60000");
	char zeros[DIGEST + 1] = "";
	memset(zeros, '0', DIGEST);
	is_refused_with(a_caller(server, challenge), zeros, "64 times the digit 0");
	Line *line = a_caller(server, challenge);
	memset(zeros, 0, DIGEST);
	story_add("%s sends 64 NULs", line->who);
	transmit(line, zeros, DIGEST);
	say_frame_text(line, "it is me");
	is_refused(line, "64 NULs");
	serves_the_next(server);
}
END_CHECK

CHECK(server, refuses_a_replay, 4, "refuses the right digest of an earlier call",
      "Somebody has listened to a whole call, and says the same again. What is different this time?",
      "The challenge. The digest must be that of the challenge of this very call.",
      "Work out the right digest anew after each accept(), from the challenge that was sent on that call.")
{
	unsigned char challenge[CHALLENGE];
	char first[DIGEST + 1], refused[DIGEST + 1];
	Party *server = a_guarded_server("60000");
	Line *alice = a_caller(server, challenge);
	memcpy(first, digest_now(challenge), sizeof first);
	prove(alice, challenge);
	hang_up(alice);
	is_refused_with(a_caller(server, challenge), first, "the right digest of an earlier call");
	/* That one was never sent; it is as old now. */
	memcpy(refused, digest_now(challenge), sizeof refused);
	is_refused_with(a_caller(server, challenge), refused, "the digest that the call before should have had");
	serves_the_next(server);
}
END_CHECK

CHECK(server, refuses_a_digest_cut_off, 4, "refuses a digest that is cut off",
      "The caller sends 63 digits, or none, and then an end of stream. What does your server compare?",
      "Less than 64 bytes is no digest, however right they are so far: recv() returning 0 ends the call.",
      "if (recv_exact(call, answer, 64) != 64) refuse — and never memcmp(answer, right, n) with the n that came.")
{
	unsigned char challenge[CHALLENGE];
	Party *server = a_guarded_server("60000");
	for (const size_t *n = (const size_t[]){0, 32, 63, DIGEST}; *n < DIGEST; n++) {
		Line *line = a_caller(server, challenge);
		story_add("%s sends the first %zu digits of the right digest, and no more", line->who, *n);
		transmit(line, digest_now(challenge), *n);
		half_close(line);
		is_refused(line, "a digest that is cut off");
	}
	/* A server that takes what has come for all of it would go on to the frame. */
	for (const size_t *n = (const size_t[]){1, 32, 63, DIGEST}; *n < DIGEST; n++) {
		Line *line = a_caller(server, challenge);
		story_add("%s sends the first %zu digits of the right digest", line->who, *n);
		transmit(line, digest_now(challenge), *n);
		party_watch(NULL, NULL, 0, -1);
		say_frame_text(line, "it is me");
		half_close(line);
		is_refused(line, "a digest that is cut off, with a frame behind it");
	}
	serves_the_next(server);
}
END_CHECK

CHECK(server, gives_no_second_try, 2, "gives nobody a second try",
      "The first 64 bytes were wrong. What may be said after that?", "Nothing. The call is over.",
      "Wrong: close(call), and on to the next accept(). No loop around the comparison.")
{
	unsigned char challenge[CHALLENGE];
	char digest[DIGEST + 1];
	Party *server = a_guarded_server("60000");
	Line *carol = a_caller(server, challenge);
	secret_digest("guess", 5, challenge, digest);
	say_digest(carol, digest, "a digest for another key");
	is_refused_with(carol, digest_now(challenge), "a right digest after a wrong one");
	serves_the_next(server);
}
END_CHECK

CHECK(server, answers_no_frame_before_the_digest, 4, "answers no frame that comes before the digest",
      "What do the first 64 bytes on a call mean?", "They are the digest, whatever they look like.",
      "Receive 64 bytes and compare them before the first recv_frame().")
{
	unsigned char challenge[CHALLENGE];
	Party *server = a_guarded_server("60000");
	Line *carol = a_caller(server, challenge);
	say_frame_text(carol, "it is me");
	Hope anything = {.line = carol, .enough = 1};
	party_watch(has_come, &anything, 0, carol->fd);
	if (carol->in_size > 0)
		story_fail("believes_wrong_digest", server,
		           "the server should answer no frame before it has got the digest, but it does.");
	/* The frame was the beginning of the 64 bytes; here is their end, and once more a frame. */
	if (!carol->ended) {
		story_add("%s sends as many digits of the right digest as make it 64 bytes", carol->who);
		transmit(carol, digest_now(challenge), DIGEST - FRAME_HEADER - 8);
		say_frame_text(carol, "it is me");
	}
	is_refused(carol, "a frame in front of the digest");
	/* The same in one segment. */
	Line *again = a_caller(server, challenge);
	static const char frame[] = "\0\0\0\10it is me";
	char all[12 + DIGEST + 12];
	memcpy(all, frame, 12);
	memcpy(all + 12, digest_now(challenge), DIGEST);
	memcpy(all + 12 + DIGEST, frame, 12);
	say_bytes(again, all, sizeof all);
	is_refused(again, "a frame in front of the digest");
	serves_the_next(server);
}
END_CHECK

/* --- a stream is a stream here, too --- */

CHECK(server, answers_what_comes_with_the_digest, 4, "answers frames that come together with the digest",
      "How much did your server ask recv() for, when it wanted the digest?",
      "If it asks for more than 64 bytes it gets the frame behind the digest as well, and loses it.",
      "recv_exact(call, answer, 64): ask for no byte more than the digest has.")
{
	unsigned char challenge[CHALLENGE], all[256], answer[64];
	Party *server = a_guarded_server("60000");
	Line *alice = a_caller(server, challenge);
	static const char frames[] = "\0\0\0\5hello\0\0\0\0\0\0\0\2hi", answers[] = "\0\0\0\5HELLO\0\0\0\0\0\0\0\2HI";
	enum { SIZE = sizeof frames - 1 };
	memcpy(all, digest_now(challenge), DIGEST);
	memcpy(all + DIGEST, frames, SIZE);
	story_add("%s says the right digest and three frames, all in one segment", alice->who);
	transmit(alice, all, DIGEST + SIZE);
	Outcome outcome = wait_for(alice, SIZE);
	if (alice->in_size < SIZE && !alice->party->ended) {
		story_bytes("the reply", answers, SIZE, alice->in, alice->in_size);
		story_fail_watch(outcome, "swallows_what_follows", server,
		                 "the server should answer the frames that came together with the digest");
	}
	hear_some(alice, answer, SIZE);
	story_bytes("the reply", answers, SIZE, answer, SIZE);
	if (memcmp(answer, answers, SIZE) != 0)
		story_fail("swallows_what_follows", server,
		           "the server should answer each of the frames that came together with the digest.");
}
END_CHECK

static void in_this_cut(const Cut *cut, void *server)
{
	unsigned char challenge[CHALLENGE];
	char bytes[256], answers[1024];
	size_t size = every_byte(bytes), expected = 0;
	Speech speech = {0};
	Line *line = a_caller(server, challenge);
	speech_bytes(&speech, digest_now(challenge), DIGEST, 20);
	const File payloads[] = {{"hello", 5}, {"", 0}, {bytes, size}, {"good bye", 8}};
	for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
		speech_frame(&speech, payloads[i].bytes, payloads[i].size);
		frame_header((unsigned char *)answers + expected, (uint32_t)payloads[i].size);
		memcpy(answers + expected + FRAME_HEADER, payloads[i].bytes, payloads[i].size);
		upper_bytes(answers + expected + FRAME_HEADER, payloads[i].size);
		expected += FRAME_HEADER + payloads[i].size;
	}
	say_speech(line, &speech, cut);
	hear_bytes(line, answers, expected);
	hang_up(line);
	speech_free(&speech);
}

CHECK(server, takes_all_in_any_pieces, 4, "takes the digest and the frames in whatever pieces they come",
      "How many recv()s does a digest of 64 bytes take?",
      "One, or 64: the stream knows nothing of digests and frames. Ask until all is there.",
      "recv_exact(call, answer, 64), or a loop that counts; then recv_frame().")
{
	in_every_cut(in_this_cut, a_guarded_server("60000"));
}
END_CHECK

/* --- in time --- */

/* The longest wait, in ms, that a thread of the program has asked the kernel for as we look. */
static int64_t longest_wait_ms(void)
{
	uint64_t longest = 0;
	const TaskList *list = &room_now()->scene.tasks;
	for (size_t i = 0; i < list->count; i++) {
		Wait wait = calls_wait(&list->task[i]);
		uint64_t ns = wait.kind == WAIT_TIMED     ? wait.ns
		              : wait.kind == WAIT_ENDLESS ? calls_socket_timeout(&list->task[i])
		                                          : 0;
		longest = ns > longest ? ns : longest;
	}
	return (int64_t)(longest / 1000000);
}

/* It may take a little less: clocks are read in whole ms. */
enum { SHORT_MS = 200, SLACK_MS = 5, SURELY_MS = 100, LATE_MS = 1000 };

/* The caller is hung up on after so many ms; `since` is a moment before it was answered. */
static void is_hung_up_on_in_time(Line *line, int64_t since, int64_t ms)
{
	int64_t wanted = 0;
	Outcome outcome = WATCH_DONE;
	let_time_pass(line, now_ms() + ms + SURELY_MS);
	while (outcome == WATCH_DONE && !line->ended) {
		/* It is late; so from time to time we see what it waits for. */
		bool late = now_ms() - since > ms + LATE_MS;
		if (late && wanted > ms + LATE_MS / 2)
			break;
		Hope hope = {.line = line, .enough = (size_t)-1, .until = late ? 0 : now_ms() + ms / 3};
		outcome = party_watch(has_come, &hope, WATCH_PATIENT, line->fd);
		int64_t wait = line->ended ? 0 : longest_wait_ms();
		wanted = wait > wanted ? wait : wanted;
	}
	int64_t took = now_ms() - since;
	if (line->in_size > 0)
		story_fail("tells_a_stranger", line->party, "the server should say nothing to a silent caller.");
	if (!line->ended && outcome == WATCH_DONE)
		story_fail("waits_too_long", line->party,
		           "the server should hang up on a silent caller after %lld ms, but it waits for %lld.",
		           (long long)ms, (long long)wanted);
	if (!line->ended)
		story_fail_watch(outcome, "waits_for_ever", line->party,
		                 "the server should hang up on a caller who sends no digest within %lld ms",
		                 (long long)ms);
	if (took + SLACK_MS < ms)
		story_fail("hangs_up_early", line->party,
		           "the server should give a caller %lld ms, but it hangs up after %lld.", (long long)ms,
		           (long long)took);
	story_add("%s hears that the server has hung up", line->who);
}

CHECK(server, hangs_up_on_a_silent_caller, 3, "hangs up on a caller who sends no digest in time",
      "How long does recv() wait for a caller who says nothing?",
      "For ever, unless it is told: poll() in front of it takes a time, and SO_RCVTIMEO sets one.",
      "poll(&(struct pollfd){.fd = call, .events = POLLIN}, 1, milliseconds left): 0 means too late.")
{
	unsigned char challenge[CHALLENGE];
	Party *server = a_guarded_server("200");
	int64_t since = now_ms();
	Line *alice = a_caller(server, challenge);
	is_hung_up_on_in_time(alice, since, SHORT_MS);
	hang_up(alice);
	since = now_ms();
	Line *bob = a_caller(server, challenge);
	is_hung_up_on_in_time(bob, since, SHORT_MS);
	hang_up(bob);
}
END_CHECK

CHECK(server, waits_two_seconds_by_itself, 1, "gives a caller 2000 ms if it is told no other time",
      "What is argv[3] when argc is 3?", "A time that is left out is 2000 ms.",
      "long timeout = argc > 3 ? number(argv[3]) : 2000;")
{
	unsigned char challenge[CHALLENGE];
	Party *server = a_guarded_server(NULL);
	int64_t since = now_ms();
	Line *alice = a_caller(server, challenge);
	/* That it keeps to the time that it asks for is judged with a shorter one. */
	Hope hope = {.line = alice, .enough = 1, .until = now_ms() + SHORT_MS};
	while (!has_come(&hope)) {
		still_look(&room_now()->scene);
		int64_t wait = longest_wait_ms(), gone = now_ms() - since;
		if (wait <= 2000 + SLACK_MS && wait + gone + SLACK_MS >= 2000) {
			story_add("the server waits for the digest, for no longer than 2000 ms in all");
			return;
		}
		Hope moment = {.line = alice, .enough = 1, .until = now_ms() + 2};
		party_watch(has_come, &moment, 0, alice->fd);
	}
	/* It has other ways to keep the time: then we must wait, too. */
	is_hung_up_on_in_time(alice, since, 2000);
	hang_up(alice);
}
END_CHECK

CHECK(
    server, a_trickle_buys_no_time, 4, "hangs up in time on a caller who sends a digit now and then",
    "When does the time begin that your server gives to a caller: once, or with every recv()?",
    "A time for each recv() begins anew with every byte. One deadline for all 64 bytes does not.",
    "deadline = now + timeout, once; before each recv() poll() for what is left of it, clock_gettime(CLOCK_MONOTONIC).")
{
	unsigned char challenge[CHALLENGE];
	enum { AFTER = 6 }; /* so many more bytes it may have read when its time was over, and not one more */
	Party *server = a_guarded_server("200");
	Line *alice = a_caller(server, challenge);
	int64_t over = now_ms() + SHORT_MS;
	const char *digest = digest_now(challenge);
	story_add("alice sends the right digest, a digit now and then");
	int after = 0;
	for (size_t i = 0; i < DIGEST - 1 && !alice->ended && after <= AFTER; i++) {
		after += now_ms() > over;
		transmit(alice, digest + i, 1);
		let_them_read(alice); /* it has been awake: had it looked at a clock, it would know */
		let_time_pass(alice, now_ms() + SHORT_MS / 3);
	}
	if (alice->in_size > 0)
		story_fail("tells_a_stranger", server, "the server should say nothing to such a caller.");
	if (!alice->ended) {
		Outcome outcome = wait_for_the_end(alice);
		if (!alice->ended && outcome == WATCH_STILL)
			story_fail_watch(
			    outcome, "waits_for_ever", server,
			    "the server should hang up on a caller who has not sent all of the digest within 200 ms");
		story_fail(
		    "deadline_moves", server,
		    "the server should hang up on a caller who has not sent all of the digest within 200 ms, but it "
		    "goes on reading, a digit at a time.");
	}
	story_add("alice hears that the server has hung up");
	hang_up(alice);
}
END_CHECK

CHECK(server, keeps_nobody_out, 2, "asks the next caller when the one before has had its time",
      "Where does your server stand while a caller is silent, and who is waiting behind it?",
      "With one call at a time everybody waits for the silent one: it must have an end.",
      "Too late: close(call), and back to accept().")
{
	unsigned char challenge[CHALLENGE];
	Party *server = a_guarded_server("200");
	Line *alice = a_caller(server, challenge);
	Line *bob = dial(server);
	story_add("alice says nothing");
	let_time_pass(bob, now_ms() + SHORT_MS + SURELY_MS);
	Outcome outcome = wait_for(bob, CHALLENGE);
	if (bob->in_size < CHALLENGE && !bob->ended)
		story_fail_watch(outcome, "waits_for_ever", server,
		                 "the server should hang up on alice after 200 ms and ask bob");
	hear_challenge(bob, challenge);
	hang_up(alice);
	hang_up(bob);
}
END_CHECK

/* On a busy machine 200 ms may be over before we have spoken: then we try again. */
static Line *a_caller_in_time(Party *server)
{
	for (int turn = 0; turn < 10; turn++) {
		unsigned char challenge[CHALLENGE];
		Line *line = a_caller(server, challenge);
		transmit(line, digest_now(challenge), DIGEST);
		let_them_read(line);
		transmit(line, "\0\0\0\2hi", 6);
		wait_for(line, 6);
		if (line->in_size > 0) {
			story_add("%s sends the right digest and a frame", line->who);
			hear_frame_text(line, "HI");
			return line;
		}
		hang_up(line);
	}
	story_fail("refuses_right_digest", server, "the server should believe the right digest, but it hangs up.");
}

CHECK(server, lets_who_is_known_be_silent, 3, "lets a caller who has proved who it is be silent",
      "What has your server set on the call so that recv() would not wait for ever, and does it know when to stop?",
      "SO_RCVTIMEO stays on the socket. The time is for the digest only; the conversation has none.",
      "After the digest set SO_RCVTIMEO back to {0, 0}; or use poll() for the digest, and leave the socket alone.")
{
	Party *server = a_guarded_server("200");
	Line *alice = a_caller_in_time(server);
	let_time_pass(alice, now_ms() + SHORT_MS + SURELY_MS);
	if (alice->ended)
		party_watch(NULL, NULL, 0, -1);
	if (alice->ended && !server->ended)
		story_fail("hangs_up_early", server,
		           "the server should let alice be silent now that it knows her, but it hangs up on her.");
	story_add("alice is silent for a while");
	say_frame_text(alice, "still here");
	hear_frame_text(alice, "STILL HERE");
}
END_CHECK

/* --- the key --- */

static char long_key[5001];

/* What key files hold, and how to call them. */
static const struct {
	const char *bytes;
	size_t size;
	const char *what;
} key_files[] = {
    {"open sesame", 11, "without a newline at its end"},
    {"open sesame\n", 12, "with a newline at its end"},
    {"open sesame\n\n", 13, "with two newlines at its end"},
    {"open sesame\r\n", 13, "with a carriage return and a newline at its end"},
    {" open\nsesame \n", 14, "of two lines, with spaces around them"},
    {"\x80open\0sesame\xff", 13, "of binary bytes, a NUL among them"},
    {"k", 1, "of one byte"},
    {long_key, 100, "of 100 bytes, which is more than a block of SHA-256"},
    {long_key, sizeof long_key, "of 5000 bytes and a newline"},
};

enum { KEY_FILES = sizeof key_files / sizeof *key_files };

static void put_key_file(size_t i)
{
	for (size_t k = 0; k < sizeof long_key - 1; k++)
		long_key[k] = (char)(file_byte(k * 7 + 1) | 1);
	long_key[sizeof long_key - 1] = '\n';
	put_key(key_files[i].bytes, key_files[i].size);
	story_add("the key file is one %s", key_files[i].what);
}

CHECK(server, takes_the_bytes_of_the_key_file, 4, "takes as the key the bytes of the file, less one newline at its end",
      "Which bytes of the key file are the key?",
      "All of them, NULs and newlines too, however many; only one newline at the very end is none of it.",
      "fread() until there is no more; if (n > 0 && key[n - 1] == '\\n') n--; and never strlen().")
{
	for (size_t i = 0; i < KEY_FILES; i++) {
		path_text("key");
		put_key_file(i);
		Party *server = a_guarded_server("60000");
		serves_the_next(server);
		party_kill(server);
	}
}
END_CHECK

/* The program ends with exit status 1, and has said why. */
static void gives_up_on_key(const char *program, const char *file, const char *reason)
{
	Phone *phone = NULL;
	if (strcmp(program, "client") == 0)
		phone = a_phone();
	const char *port = port_text(phone != NULL ? phone->port : room_port());
	Party *party = the_program((StartAs){0}, phone != NULL ? (const char *const[]){"127.0.0.1", port, file, NULL}
	                                                       : (const char *const[]){port, file, NULL});
	party->port = phone != NULL ? phone->port : 0;
	has_exited(party, 1, "takes_an_empty_key");
	if (party->err.size == 0 || (reason != NULL && !complains_as(party, reason)))
		story_fail("wrong_error_message", party,
		           "the %s should say on stderr what is wrong with its key file%s%s.", program,
		           reason != NULL ? ": " : "", reason != NULL ? reason : "");
}

static void wants_a_key(const char *program)
{
	path_text("key");
	line_greet_with(NULL);
	story_add("the key file is empty");
	put_key("", 0);
	gives_up_on_key(program, "key", NULL);
	story_add("the key file is one newline");
	put_key("\n", 1);
	gives_up_on_key(program, "key", NULL);
	story_add("there is no key file");
	gives_up_on_key(program, "no-such-file", "No such file or directory");
	story_add("the key file is a folder");
	file_make_folder("folder");
	gives_up_on_key(program, "folder", NULL);
}

CHECK(server, starts_with_no_empty_key, 2, "does not start without a key", "Who knows the key, if it is empty?",
      "Everybody. A file that is empty, or one newline, or not there is an error.",
      "if (n == 0) { fprintf(stderr, \"server: the key is empty\\n\"); exit(1); }")
{
	wants_a_key("server");
}
END_CHECK

/* --- the conversation of lab 09 --- */

CHECK(server, takes_the_longest_frame, 2, "answers the longest frame, and ends a call that announces a longer one",
      "How long may a frame be?", "65 536 bytes. For a longer one nothing is waited for: that call is over.",
      "frame.c of lab 09 does both: recv_frame() with a buffer of FRAME_MAX bytes.")
{
	static char longest[FRAME_MOST];
	unsigned char challenge[CHALLENGE];
	Party *server = a_guarded_server("60000");
	Line *alice = a_caller(server, challenge);
	prove(alice, challenge);
	for (size_t i = 0; i < sizeof longest; i++)
		longest[i] = (char)('a' + i % 26);
	say_frame(alice, longest, sizeof longest);
	upper_bytes(longest, sizeof longest);
	hear_frame(alice, longest, sizeof longest);
	say_bytes(alice, "\0\1\0\1x", 5);
	hear_hang_up(alice);
	hang_up(alice);
	serves_the_next(server);
}
END_CHECK

CHECK(server, ends_a_call_that_ends_inside_a_frame, 2, "answers all that came whole, and nothing that did not",
      "A caller has done with speaking. What of its frames has your server still to answer?",
      "Each that came whole, even if the caller hears only; and nothing that breaks off inside a header or payload.",
      "recv_frame() returns -1 for either end; until then answer as ever.")
{
	unsigned char challenge[CHALLENGE];
	Party *server = a_guarded_server("60000");
	for (const size_t *n = (const size_t[]){0, 2, 4, 7, 9}; *n < 9; n++) {
		Line *line = a_caller(server, challenge);
		prove(line, challenge);
		say_bytes(line, "\0\0\0\3one\0\0\0\3two", 14);
		say_bytes(line, "\0\0\0\5three", *n);
		half_close(line);
		hear_bytes(line, "\0\0\0\3ONE\0\0\0\3TWO", 14);
		hear_hang_up(line);
		hang_up(line);
	}
}
END_CHECK

CHECK(
    server, outlives_rude_callers, 3, "does not mind callers who reset, or are gone before the answer",
    "Where in the handshake can the caller go away?",
    "Before the challenge, in the digest, behind it, before the answer. Each ends that call only; a write to it raises SIGPIPE.",
    "send(…, MSG_NOSIGNAL), and after any -1: close(call), back to accept().")
{
	unsigned char challenge[CHALLENGE];
	Party *server = a_guarded_server("60000");
	story_add("the server is frozen while somebody dials and resets");
	party_freeze(server);
	Line *first = dial(server);
	half_close(first);
	reset_call(first);
	party_thaw(server);
	serves_the_next(server);
	Line *second = a_caller(server, challenge);
	transmit(second, digest_now(challenge), 20);
	reset_call(second);
	serves_the_next(server);
	Line *third = a_caller(server, challenge);
	party_freeze(server);
	say_digest(third, digest_now(challenge), "the right digest");
	say_frame_text(third, "and good bye");
	say_frame_text(third, "and good bye");
	half_close(third);
	reset_call(third);
	party_thaw(server);
	serves_the_next(server);
	Line *fourth = a_caller(server, challenge);
	prove(fourth, challenge);
	reset_call(fourth);
	serves_the_next(server);
	rests(server);
}
END_CHECK

CHECK(server, asks_a_caller_who_had_to_wait, 2, "serves a caller who rang while another was served",
      "Where is a caller whom nobody has accepted yet?",
      "In the backlog. Its time begins when it is answered, not when it rang.",
      "After close() of the one call, accept() gives you the next; the deadline is made after accept().")
{
	unsigned char challenge[CHALLENGE];
	Party *server = a_guarded_server("60000");
	Line *alice = a_caller(server, challenge);
	prove(alice, challenge);
	Line *bob = dial(server);
	party_watch(NULL, NULL, 0, -1); /* whatever the server does about Bob meanwhile, it has done now */
	say_frame_text(alice, "i take my time");
	hear_frame_text(alice, "I TAKE MY TIME");
	hang_up(alice);
	hear_challenge(bob, challenge);
	prove(bob, challenge);
	hang_up(bob);
	serves_the_next(server);
}
END_CHECK

static void call_and_be_refused(void *server)
{
	static unsigned turn;
	unsigned char challenge[CHALLENGE];
	Line *line = a_caller(server, challenge);
	if (turn++ % 3 == 0) {
		transmit(line, digest_now(challenge), 32);
		half_close(line);
	} else {
		char digest[DIGEST + 1];
		secret_digest("guess", 5, challenge, digest);
		transmit(line, digest, DIGEST);
	}
	is_refused(line, "a wrong digest");
	static bool rested; /* see common_server.c, a_call() */
	if (!rested)
		party_watch(NULL, NULL, 0, -1);
	rested = true;
}

CHECK(server, leaves_nothing_behind_after_200_refusals, 3, "leaves nothing behind after 200 callers that it refused",
      "Which way out of the handshake forgets to give something back?",
      "Each way out needs its close(), and its free() of what OpenSSL gave.",
      "One function that only says yes or no, and one close(call) behind it for either.")
{
	Party *server = a_guarded_server("60000");
	leaves_nothing_behind(server, 200, "refusals", call_and_be_refused, server);
}
END_CHECK

CHECK_NEEDING(
    NEEDS_SOURCES, server, is_clean_under_sanitizers, 4, "uses only memory that is its own, and gives it back",
    "How many bytes does \"%02x\" print, and how many has your array for 64 digits?",
    "The last digit has a NUL behind it: 65. And what OpenSSL gives (EVP_MAC_CTX_new) has a free() of its own.",
    "char right[65]; EVP_MAC_CTX_free() and EVP_MAC_free(), or EVP_Q_mac(), which leaves nothing behind.")
{
	static char bytes[FRAME_MOST];
	unsigned char challenge[CHALLENGE];
	Party *server = a_sanitized_server();
	line_greet_with(NULL);
	for (int i = 0; i < 3; i++) {
		Line *alice = a_caller(server, challenge);
		prove(alice, challenge);
		every_byte(bytes);
		say_frame(alice, bytes, sizeof bytes);
		upper_bytes(bytes, sizeof bytes);
		hear_frame(alice, bytes, sizeof bytes);
		hang_up(alice);
		is_refused_spoilt(server, 0, 64, "a wrong digest");
		Line *line = a_caller(server, challenge);
		transmit(line, digest_now(challenge), 20);
		half_close(line);
		is_refused(line, "a digest that is cut off");
	}
	asks_for_leaks(server);
	is_clean(server);
}
END_CHECK

CHECK(server, wrong_usage_exits_2, 2, "refuses a wrong command line",
      "What should a server do without a KEYFILE, or with a time of `0`?",
      "PORT and KEYFILE must be given; TIMEOUT_MS is a positive number. Count argc, look where strtol() stopped.",
      "fprintf(stderr, \"usage: server PORT KEYFILE [TIMEOUT_MS]\\n\"); return 2; — before the first socket call.")
{
	refuses((const char *const *const[]){
	    (const char *const[]){NULL}, (const char *const[]){"20001", NULL},
	    (const char *const[]){"abc", "key", NULL}, (const char *const[]){"0", "key", NULL},
	    (const char *const[]){"65536", "key", NULL}, (const char *const[]){"20001", "key", "0", NULL},
	    (const char *const[]){"20001", "key", "-1", NULL}, (const char *const[]){"20001", "key", "soon", NULL},
	    (const char *const[]){"20001", "key", "2000", "20002", NULL}, NULL});
}
END_CHECK

/* --- the client --- */

/* A client that calls us, and nothing said yet. */
static Party *a_guest(StartAs as, Line **server)
{
	path_text("key");
	line_greet_with(NULL);
	Phone *phone = a_phone();
	Party *client = the_program(as, client_line("127.0.0.1", phone->port));
	client->port = phone->port;
	*server = answer(phone, client);
	return client;
}

CHECK(client, answers_the_challenge, 6, "answers the challenge with its digest, 64 digits and no more",
      "What does the server want to hear, and who has all that is needed for it?",
      "HMAC-SHA256(key, challenge), in lower-case hex: 64 bytes, with no newline and no NUL behind them.",
      "EVP_Q_mac(NULL, \"HMAC\", NULL, \"SHA256\", NULL, key, n, challenge, 32, digest, 32, NULL), then \"%02x\" each.")
{
	Line *server;
	Party *client = a_guest((StartAs){.input = INPUT_TERMINAL}, &server);
	ask(server, plain_challenge);
	hear_digest(server, plain_challenge, true);
	type_line(client, "hello");
	hear_frame_text(server, "hello");
	say_frame_text(server, "HELLO");
	reads(client, "HELLO");
}
END_CHECK

CHECK(client, waits_for_the_challenge, 2, "says nothing before it is asked",
      "What can the client say before it knows the challenge?", "Nothing that would be true.",
      "recv_exact(phone, challenge, 32) right after connect().")
{
	Line *server;
	a_guest((StartAs){0}, &server);
	Hope anything = {.line = server, .enough = 1};
	party_watch(has_come, &anything, 0, server->fd);
	if (server->in_size > 0) {
		story_bytes("the message", "", 0, server->in, server->in_size);
		story_fail("speaks_first", server->party,
		           "the client should say nothing before it has heard the challenge, but it does.");
	}
	hear_nothing(server);
}
END_CHECK

CHECK(client, takes_any_challenge, 3, "answers a challenge with NULs in it, and one of newlines",
      "What does strlen() say of 32 random bytes?",
      "Where the first NUL is: in one challenge of eight there is one. A challenge is 32 bytes and no string.",
      "Give EVP_Q_mac the number 32, and receive with recv_exact(), not with fgets().")
{
	for (const int *at = (const int[]){0, 5, 31, -2, -1}; *at != -1; at++) {
		Line *server;
		unsigned char challenge[CHALLENGE];
		memcpy(challenge, plain_challenge, CHALLENGE);
		if (*at >= 0)
			challenge[*at] = 0;
		else
			memset(challenge, '\n', CHALLENGE);
		Party *client = a_guest((StartAs){0}, &server);
		ask(server, challenge);
		hear_digest(server, challenge, true);
		party_kill(client);
		hang_up(server);
	}
}
END_CHECK

static void ask_in_this_cut(const Cut *cut, void *context)
{
	(void)context;
	Line *server;
	Speech speech = {0};
	Party *client = a_guest((StartAs){0}, &server);
	speech_bytes(&speech, plain_challenge, CHALLENGE, 20);
	say_speech(server, &speech, cut);
	speech_free(&speech);
	hear_digest(server, plain_challenge, true);
	party_input(client, "hello\n", 6);
	hear_frame_text(server, "hello");
	speech_frame(&speech, "HELLO THERE", 11);
	say_speech(server, &speech, cut);
	speech_free(&speech);
	reads(client, "HELLO THERE");
	party_kill(client);
	hang_up(server);
}

CHECK(client, takes_all_in_any_pieces, 4, "takes the challenge and the replies in whatever pieces they come",
      "How many recv()s do 32 bytes take?", "One, or 32. Whoever hashes what the first one gave has hashed a part.",
      "recv_exact(phone, challenge, 32), then recv_frame().")
{
	in_every_cut(ask_in_this_cut, NULL);
}
END_CHECK

CHECK(client, takes_the_bytes_of_the_key_file, 4, "takes as the key the bytes of the file, less one newline at its end",
      "Which bytes of the key file are the key?",
      "All of them, NULs and newlines too, however many; only one newline at the very end is none of it.",
      "fread() until there is no more; if (n > 0 && key[n - 1] == '\\n') n--; and never strlen().")
{
	for (size_t i = 0; i < KEY_FILES; i++) {
		Line *server;
		path_text("key");
		put_key_file(i);
		Party *client = a_guest((StartAs){0}, &server);
		ask(server, plain_challenge);
		hear_digest(server, plain_challenge, true);
		party_kill(client);
		hang_up(server);
	}
}
END_CHECK

CHECK(client, calls_with_no_empty_key, 2, "does not go on without a key", "Who knows the key, if it is empty?",
      "Everybody. A file that is empty, or one newline, or not there is an error.",
      "if (n == 0) { fprintf(stderr, \"client: the key is empty\\n\"); exit(1); }")
{
	wants_a_key("client");
}
END_CHECK

CHECK(client, keeps_the_key_to_itself, 5, "never sends the key itself", "Who can read what goes over the wire?",
      "Everybody on the way. The digest proves that one has the key, and does not give it away.",
      "Only the digest goes through send(), never the key, in no form.")
{
	static const char key[] = "a key to be kept from all wires, and never to be said";
	static unsigned char sent[16384];
	path_text("key");
	put_key(key, sizeof key - 1);
	Line *server;
	Party *client = a_guest((StartAs){0}, &server);
	ask(server, plain_challenge);
	feed(client, (const char *const[]){"hello", NULL});
	Hope everything = {.line = server, .enough = (size_t)-1};
	party_watch(has_come, &everything, WATCH_START, server->fd);
	transmit(server, "\0\0\0\5HELLO", 9);
	end_input(client);
	party_watch(has_come, &everything, 0, server->fd);
	size_t size = server->in_size < sizeof sent ? server->in_size : sizeof sent;
	memcpy(sent, server->in, size);
	const char *form = secret_is_in(sent, size, key, sizeof key - 1);
	if (form != NULL) {
		story_bytes("what goes over the wire", "", 0, sent, size);
		story_fail("gives_the_key_away", client,
		           "the client should keep the key to itself, but it sends it, %s.", form);
	}
	story_add("in %zu bytes there is no key, neither as it is nor in hex nor in base64", size);
}
END_CHECK

/* --- refused --- */

static void says_refused(Party *client)
{
	has_exited(client, 1, "ignores_hang_up");
	if (complains(client, "client: refused"))
		return;
	static const char right[] = "client: refused";
	const char *said = client->err.size > 0 ? client->err.text : "";
	story_bytes("what it says on stderr", right, strlen(right), said, strcspn(said, "\n"));
	story_fail("wrong_error_message", client, "the client should say on stderr: %s", right);
}

/* At the latest with the first line that is typed it must know. */
static void types_if_need_be(Party *client)
{
	party_watch(NULL, NULL, 0, -1);
	if (!client->ended)
		type_line(client, "anybody there?");
}

static Party *a_guest_who_answered(StartAs as, Line **server)
{
	Party *client = a_guest(as, server);
	ask(*server, plain_challenge);
	hear_digest(*server, plain_challenge, true);
	return client;
}

CHECK(client, says_that_it_is_refused, 5, "says `client: refused` when the server hangs up on its digest",
      "How does the client learn that the server does not believe it?",
      "Nobody says so: the call ends where the first reply should be. That is an end with exit status 1.",
      "Before the first reply: recv_frame() returns -1: fprintf(stderr, \"client: refused\\n\"); exit(1);")
{
	Line *server;
	Party *client = a_guest_who_answered((StartAs){.input = INPUT_TERMINAL}, &server);
	hang_up(server);
	types_if_need_be(client);
	says_refused(client);
}
END_CHECK

CHECK(client, says_so_in_place_of_a_reply, 3, "says it too when the end comes in place of the first reply",
      "The line is sent, and then the server resets the call. What does recv() return?",
      "-1 and ECONNRESET: the server closed the call with the line unread. Before the first reply that means refused.",
      "Treat ENODATA, ECONNRESET and EPIPE alike until the first reply has come.")
{
	Line *server;
	Party *client = a_guest_who_answered((StartAs){.input = INPUT_TERMINAL}, &server);
	type_line(client, "hello");
	hear_frame_text(server, "hello");
	hang_up(server);
	says_refused(client);
	client = a_guest_who_answered((StartAs){.input = INPUT_TERMINAL}, &server);
	type_line(client, "hello");
	hear_frame_text(server, "hello");
	reset_call(server);
	says_refused(client);
}
END_CHECK

CHECK(client, says_so_without_a_challenge, 2, "says it too when there is no challenge, or half of one",
      "The server hangs up before all 32 bytes were sent. What is there to answer?",
      "Nothing: the call is over before it began.",
      "if (recv_exact(phone, challenge, 32) != 32) { fprintf(stderr, \"client: refused\\n\"); exit(1); }")
{
	for (const size_t *n = (const size_t[]){0, 20, CHALLENGE}; *n < CHALLENGE; n++) {
		Line *server;
		Party *client = a_guest((StartAs){.input = INPUT_TERMINAL}, &server);
		story_add("the server (reference) sends %zu bytes of a challenge", *n);
		transmit(server, plain_challenge, *n);
		hang_up(server);
		types_if_need_be(client);
		says_refused(client);
	}
}
END_CHECK

/* FIN first and then RST: the next send() meets a call that is closed in both directions, and that raises SIGPIPE. */
CHECK(client, survives_a_refusal_while_it_types, 3, "survives sending a line to a server that has refused it",
      "What happens to a program that writes to a call which the other side has torn down?",
      "The kernel sends it SIGPIPE, which ends it without a word, unless it is told not to.",
      "send(…, MSG_NOSIGNAL); -1 with EPIPE before the first reply: client: refused.")
{
	Line *server;
	Party *client = a_guest_who_answered((StartAs){.input = INPUT_TERMINAL}, &server);
	party_freeze(client);
	half_close(server);
	reset_call(server);
	party_thaw(client);
	types_if_need_be(client);
	says_refused(client);
}
END_CHECK

CHECK(client, ends_well_if_nothing_was_typed, 2, "ends well if the input ends before it could notice",
      "The server has hung up, and then Ctrl-D is typed: what is left to do?", "Nothing was lost. Hang up and end.",
      "The end of input comes before send(): nothing is written to the dead call.")
{
	Line *server;
	Party *client = a_guest_who_answered((StartAs){.input = INPUT_TERMINAL}, &server);
	hang_up(server);
	party_watch(NULL, NULL, 0, -1);
	if (!client->ended)
		end_input(client);
	has_exited_with(client, 0, 1, "does_not_exit");
}
END_CHECK

/* --- and the conversation of lab 09 --- */

CHECK(client, says_the_empty_line, 2, "sends the empty line as an empty frame", "Can an empty line be said now?",
      "A frame of length 0 is four bytes, so there is something to hear, and an answer to it.",
      "send_frame(phone, line, 0), and an empty line printed for the empty reply.")
{
	Line *server;
	Party *client = a_guest_who_answered((StartAs){.input = INPUT_PIPE}, &server);
	feed(client, (const char *const[]){"", "bye", NULL});
	hear_frame_text(server, "");
	say_frame_text(server, "");
	hear_frame_text(server, "bye");
	say_frame_text(server, "BYE");
	reads(client, "");
	reads(client, "BYE");
}
END_CHECK

CHECK(client, minds_a_reply_that_lies, 2, "ends with an error on a reply that is too long, or cut off",
      "What does recv_frame() return for a length over 65 536?", "-1 and EMSGSIZE: nothing behind it can be believed.",
      "if (recv_frame(…) == -1) { perror(\"client: recv\"); exit(1); }")
{
	Line *server;
	Party *client = a_guest_who_answered((StartAs){.input = INPUT_PIPE}, &server);
	feed(client, (const char *const[]){"hello", NULL});
	hear_frame_text(server, "hello");
	say_bytes(server, "\0\1\0\1", 4);
	has_exited(client, 1, "believes_any_length");
	client = a_guest_who_answered((StartAs){.input = INPUT_PIPE}, &server);
	feed(client, (const char *const[]){"hello", NULL});
	hear_frame_text(server, "hello");
	say_bytes(server, "\0\0\0\5HEL", 7);
	half_close(server);
	has_exited(client, 1, "ignores_hang_up");
}
END_CHECK

CHECK(client, wrong_usage_exits_2, 2, "refuses a wrong command line", "What should a client do without a KEYFILE?",
      "HOST, PORT and KEYFILE must all be given, and nothing more.",
      "if (argc != 4 || …) { fprintf(stderr, \"usage: client HOST PORT KEYFILE\\n\"); return 2; }")
{
	refuses((const char *const *const[]){(const char *const[]){NULL}, (const char *const[]){"127.0.0.1", NULL},
	                                     (const char *const[]){"127.0.0.1", "20001", NULL},
	                                     (const char *const[]){"127.0.0.1", "abc", "key", NULL},
	                                     (const char *const[]){"127.0.0.1", "0", "key", NULL},
	                                     (const char *const[]){"127.0.0.1", "65536", "key", NULL},
	                                     (const char *const[]){"127.0.0.1", "20001", "key", "one", NULL}, NULL});
}
END_CHECK

static const CheckInfo *const checks[] = {&server_asks_whoever_calls,
                                          &server_serves_who_knows_the_key,
                                          &server_asks_something_new_each_time,
                                          &server_refuses_another_key,
                                          &server_refuses_a_digest_right_at_its_start,
                                          &server_refuses_a_digest_right_at_its_end,
                                          &server_refuses_upper_case,
                                          &server_refuses_zeros,
                                          &server_refuses_a_replay,
                                          &server_refuses_a_digest_cut_off,
                                          &server_gives_no_second_try,
                                          &server_answers_no_frame_before_the_digest,
                                          &server_answers_what_comes_with_the_digest,
                                          &server_takes_all_in_any_pieces,
                                          &server_hangs_up_on_a_silent_caller,
                                          &server_a_trickle_buys_no_time,
                                          &server_keeps_nobody_out,
                                          &server_lets_who_is_known_be_silent,
                                          &server_waits_two_seconds_by_itself,
                                          &server_takes_the_bytes_of_the_key_file,
                                          &server_starts_with_no_empty_key,
                                          &server_takes_the_longest_frame,
                                          &server_ends_a_call_that_ends_inside_a_frame,
                                          &server_outlives_rude_callers,
                                          &server_asks_a_caller_who_had_to_wait,
                                          &server_leaves_nothing_behind_after_200_calls,
                                          &server_leaves_nothing_behind_after_200_refusals,
                                          &server_prints_what_it_hears,
                                          &server_binds_loopback_only,
                                          &server_says_that_the_port_is_taken,
                                          &server_wrong_usage_exits_2,
                                          &server_is_clean_under_sanitizers,
                                          &client_answers_the_challenge,
                                          &client_waits_for_the_challenge,
                                          &client_takes_any_challenge,
                                          &client_takes_all_in_any_pieces,
                                          &client_takes_the_bytes_of_the_key_file,
                                          &client_calls_with_no_empty_key,
                                          &client_keeps_the_key_to_itself,
                                          &client_says_that_it_is_refused,
                                          &client_says_so_in_place_of_a_reply,
                                          &client_says_so_without_a_challenge,
                                          &client_survives_a_refusal_while_it_types,
                                          &client_ends_well_if_nothing_was_typed,
                                          &client_sends_what_is_typed,
                                          &client_says_the_empty_line,
                                          &client_minds_a_reply_that_lies,
                                          &client_asks_with_the_prompt,
                                          &client_sends_utf8,
                                          &client_prints_each_reply_at_once,
                                          &client_waits_for_each_reply,
                                          &client_works_in_a_pipe,
                                          &client_works_from_a_file,
                                          &client_ends_at_end_of_input,
                                          &client_notices_a_hang_up_at_the_prompt,
                                          &client_notices_a_hang_up_instead_of_a_reply,
                                          &client_notices_a_reset,
                                          &client_leaves_nothing_behind_after_300_messages,
                                          &client_says_that_nobody_answers,
                                          &client_calls_the_host_it_is_given,
                                          &client_wrong_usage_exits_2,
                                          &client_is_clean_under_sanitizers,
                                          NULL};

const Lab lab12 = {12, "secret-handshake", (const char *const[]){"server", "client", NULL}, checks};
