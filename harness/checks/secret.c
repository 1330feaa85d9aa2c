#define _GNU_SOURCE
#include "checks/secret.h"

#include "program/trouble.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t secret_key_size(const void *file, size_t size)
{
	return size > 0 && ((const char *)file)[size - 1] == '\n' ? size - 1 : size;
}

/* --- digests --- */

static void to_hex(const void *bytes, size_t size, char *hex)
{
	for (size_t i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", ((const unsigned char *)bytes)[i]);
}

static size_t hmac(const char *hash, const void *key, size_t key_size, const void *data, size_t size,
                   unsigned char out[EVP_MAX_MD_SIZE])
{
	size_t n = 0;
	if (EVP_Q_mac(NULL, "HMAC", NULL, hash, NULL, key_size > 0 ? key : "", key_size, data, size, out,
	              EVP_MAX_MD_SIZE, &n) == NULL)
		trouble("OpenSSL has no HMAC-%s", hash);
	return n;
}

void secret_digest(const void *key, size_t key_size, const unsigned char challenge[CHALLENGE], char digest[DIGEST + 1])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	hmac("SHA256", key, key_size, challenge, CHALLENGE, mac);
	to_hex(mac, DIGEST / 2, digest);
}

/* --- keys --- */

enum { KEY_MOST = 16384 };

bool secret_wrong_key(int i, const void *file, size_t size, const void **key, size_t *key_size, const char **what)
{
	static const size_t buffers[] = {15,  16,  31,  32,  63,  64,   99,   100,  127,
	                                 128, 255, 256, 511, 512, 1023, 1024, 4095, 4096};
	static const char *const whats[] = {
	    "it takes the newline at the end of the key file for a part of the key",
	    "it takes the key to end at the first NUL: a key is bytes and no string",
	    "it takes only the first line of the key file",
	    "it takes all white space off the ends of the key, and not one newline",
	    "it takes every newline off the end of the key, and not one",
	    "it takes \\r\\n off the end of the key, and not one newline",
	    "it takes the last byte of the key file away, newline or not",
	    "its key is empty",
	};
	static char copy[KEY_MOST];
	enum { WAYS = sizeof whats / sizeof *whats, BUFFERS = sizeof buffers / sizeof *buffers };
	if (i >= WAYS + BUFFERS || size > sizeof copy)
		return false;
	memcpy(copy, file, size);
	const char *start = copy;
	size_t right = secret_key_size(file, size), n = right;
	const char *newline = memchr(copy, '\n', size);
	switch (i) {
	case 0:
		n = size;
		break;
	case 1:
		n = strnlen(copy, right);
		break;
	case 2:
		n = newline != NULL ? (size_t)(newline - copy) : right;
		break;
	case 3:
		for (; n > 0 && isspace((unsigned char)start[n - 1]); n--)
			;
		for (; n > 0 && isspace((unsigned char)*start); n--)
			start++;
		break;
	case 4:
		for (; n > 0 && start[n - 1] == '\n'; n--)
			;
		break;
	case 5:
		n -= n > 0 && right < size && start[n - 1] == '\r';
		break;
	case 6:
		n = size > 0 ? size - 1 : 0;
		break;
	case 7:
		n = 0;
		break;
	default:
		n = n < buffers[i - WAYS] ? n : buffers[i - WAYS];
	}
	bool other = n != right || memcmp(start, file, n) != 0;
	*key = start;
	*key_size = other || i == 7 ? n : 0;
	*what = i < WAYS ? whats[i] : "it takes only the beginning of the key, as much as its buffer holds";
	return true;
}

/* --- wrong digests --- */

typedef struct {
	const unsigned char *heard;
	size_t size;
	const char **code;
} Suspect;

/* It is these bytes, in hex of either case or as they are, and perhaps cut to 64 digits. */
static bool is_hex_of(const Suspect *s, const unsigned char *mac, size_t size)
{
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	to_hex(mac, size, hex);
	size_t n = strlen(hex) < s->size ? strlen(hex) : s->size;
	return n >= 32 && strncasecmp(hex, (const char *)s->heard, n) == 0;
}

static const char *told(const Suspect *s, const char *code, const char *what)
{
	*s->code = code;
	return what;
}

/* The right bytes, written in another way. */
static const char *other_form(const Suspect *s, const unsigned char *mac)
{
	char hex[DIGEST + 1];
	to_hex(mac, DIGEST / 2, hex);
	if (s->size == DIGEST / 2 && memcmp(s->heard, mac, DIGEST / 2) == 0)
		return told(s, "wrong_digest", "it is the digest's 32 bytes as they are, and not their 64 hex digits");
	if (s->size == DIGEST && strncasecmp((const char *)s->heard, hex, DIGEST) == 0)
		return told(s, "wrong_digest", "it is in upper-case");
	if (s->size < DIGEST && memcmp(s->heard, hex, s->size) == 0)
		return told(s, "truncates", "it is only the beginning of it");
	if (s->size <= DIGEST || memcmp(s->heard, hex, DIGEST) != 0)
		return NULL;
	if (s->heard[DIGEST] == '\n' || s->heard[DIGEST] == '\r')
		return told(s, "sends_newline", "a newline is behind it");
	if (s->heard[DIGEST] == '\0')
		return told(s, "sends_trailing_nul", "a NUL is behind it");
	return told(s, "sends_ahead", "something is behind it, and nothing was typed yet");
}

/* Another way to put key and challenge together. */
static const char *other_arithmetic(const Suspect *s, const void *key, size_t key_size,
                                    const unsigned char challenge[CHALLENGE])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	static const char *const hashes[] = {"MD5", "SHA1", "SHA224", "SHA384", "SHA512"};
	for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
		size_t n = hmac(hashes[i], key, key_size, challenge, CHALLENGE, mac);
		if (is_hex_of(s, mac, n))
			return told(s, "wrong_digest", "it was made with another hash than SHA-256");
	}
	hmac("SHA256", challenge, CHALLENGE, key, key_size, mac);
	if (is_hex_of(s, mac, 32))
		return told(s, "wrong_digest", "key and challenge have changed places");
	char hex[2 * CHALLENGE + 1];
	to_hex(challenge, CHALLENGE, hex);
	hmac("SHA256", key, key_size, hex, strlen(hex), mac);
	if (is_hex_of(s, mac, 32))
		return told(s, "wrong_digest", "it was made of the challenge's hex digits, and not of its bytes");
	unsigned char *both = malloc(key_size + CHALLENGE);
	if (both == NULL)
		trouble("no memory");
	bool plain = false;
	for (int turn = 0; turn < 2 && !plain; turn++) {
		memcpy(both + (turn ? CHALLENGE : 0), key, key_size);
		memcpy(both + (turn ? 0 : key_size), challenge, CHALLENGE);
		plain = EVP_Q_digest(NULL, "SHA256", NULL, both, key_size + CHALLENGE, mac, NULL) == 1 &&
		        is_hex_of(s, mac, 32);
	}
	free(both);
	return plain ? told(s, "wrong_digest", "it is a hash of key and challenge in a row, and no HMAC") : NULL;
}

/* Only a part of the challenge, or more than there is of it. */
static const char *other_length(const Suspect *s, const void *key, size_t key_size,
                                const unsigned char challenge[CHALLENGE])
{
	unsigned char mac[EVP_MAX_MD_SIZE], longer[2048] = {0};
	memcpy(longer, challenge, CHALLENGE);
	size_t string = strnlen((const char *)challenge, CHALLENGE);
	for (size_t n = 0; n <= sizeof longer; n = n < 100 ? n + 1 : n < 128 ? 128 : 2 * n) {
		hmac("SHA256", key, key_size, longer, n, mac);
		if (n == CHALLENGE || !is_hex_of(s, mac, 32))
			continue;
		if (n == string)
			return told(s, "stops_at_nul", "it was made of the challenge's bytes up to the first NUL");
		return told(s, n < CHALLENGE ? "depends_on_arrival" : "wrong_digest",
		            n < CHALLENGE ? "it was made of the first part of the challenge"
		                          : "it was made of the whole buffer, and not of the challenge's 32 bytes");
	}
	return NULL;
}

const char *secret_wrong_digest(const void *file, size_t file_size, const unsigned char challenge[CHALLENGE],
                                const unsigned char *heard, size_t size, const char **code)
{
	Suspect s = {.heard = heard, .size = size, .code = code};
	size_t key_size = secret_key_size(file, file_size);
	unsigned char mac[EVP_MAX_MD_SIZE];
	hmac("SHA256", file, key_size, challenge, CHALLENGE, mac);
	const char *what = other_form(&s, mac);
	what = what != NULL ? what : other_arithmetic(&s, file, key_size, challenge);
	what = what != NULL ? what : other_length(&s, file, key_size, challenge);
	const void *key;
	const char *reading;
	for (int i = 0; what == NULL && secret_wrong_key(i, file, file_size, &key, &key_size, &reading); i++) {
		hmac("SHA256", key, key_size, challenge, CHALLENGE, mac);
		if ((key_size > 0 || i == 7) && is_hex_of(&s, mac, 32))
			what = told(&s, "wrong_key", reading);
	}
	return what;
}

/* --- challenges that could be foretold --- */

static bool is_made_of(const unsigned char challenge[CHALLENGE], unsigned seed, int recipe)
{
	srand(seed);
	for (int i = 0; i < CHALLENGE; i++) {
		int r = rand(); /* random() gives the same */
		unsigned char byte = (unsigned char)(recipe == 0   ? r
		                                     : recipe == 1 ? r % 255
		                                     : recipe == 2 ? r % 255 + 1
		                                     : recipe == 3 ? r >> 8
		                                                   : r >> 16);
		if (recipe < 5 && challenge[i] != byte)
			return false;
		if (recipe == 5 && i % 4 == 0 && memcmp(challenge + i, &r, 4) != 0)
			return false;
		i += recipe == 5 ? 3 : 0;
	}
	return true;
}

const char *secret_generator(const unsigned char challenge[CHALLENGE], pid_t pid, time_t from, time_t to)
{
	const unsigned p = (unsigned)pid;
	for (int recipe = 0; recipe <= 5; recipe++) {
		if (is_made_of(challenge, 1, recipe))
			return "they are what rand() gives when nobody has called srand(): the same after every start";
		if (is_made_of(challenge, p, recipe))
			return "they are what rand() gives after srand(getpid())";
		for (time_t t = from - 1; t <= to + 1; t++) {
			const unsigned s = (unsigned)t, seeds[] = {s, s ^ p, s + p, s * p, s - p};
			for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
				if (is_made_of(challenge, seeds[i], recipe))
					return "they are what rand() gives after srand(time(NULL)): whoever looks at a "
					       "clock can foretell them";
		}
	}
	return NULL;
}

/* --- the key on the wire --- */

static bool holds(const void *bytes, size_t size, const char *text, size_t text_size)
{
	return memmem(bytes, size, text, text_size) != NULL;
}

const char *secret_is_in(const void *bytes, size_t size, const void *key, size_t key_size)
{
	char text[2 * KEY_MOST + 1];
	if (2 * key_size > KEY_MOST)
		trouble("too long a key");
	if (holds(bytes, size, key, key_size))
		return "as it is";
	to_hex(key, key_size, text);
	if (holds(bytes, size, text, 2 * key_size))
		return "in hex";
	for (size_t i = 0; i < 2 * key_size; i++)
		text[i] = (char)toupper((unsigned char)text[i]);
	if (holds(bytes, size, text, 2 * key_size))
		return "in hex";
	/* Of base64 what does not depend on what comes behind the key. */
	int n = EVP_EncodeBlock((unsigned char *)text, key, (int)(key_size - key_size % 3));
	return n > 0 && holds(bytes, size, text, (size_t)n) ? "in base64" : NULL;
}
