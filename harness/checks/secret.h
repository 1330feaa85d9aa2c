/*
 * secret.h: lab 12's arithmetic, right and wrong.
 *
 * What is right is HMAC-SHA256(key, challenge) in lower-case hex. What is wrong is mostly wrong in a way that others were
 * wrong in before, and can be told: by working it out in that way, too.
 *
 * Errors: trouble() where OpenSSL fails. Nothing is to be freed.
 */
#ifndef CHECKS_SECRET_H
#define CHECKS_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

enum { CHALLENGE = 32, DIGEST = 64 };

/* How large the key is in a file of these bytes: one newline at the end is none of it. */
size_t secret_key_size(const void *file, size_t size);

/* The right digest, and a NUL. */
void secret_digest(const void *key, size_t key_size, const unsigned char challenge[CHALLENGE], char digest[DIGEST + 1]);

/* The key that people take from such a file who read it in their i-th wrong way. False: there is no such way; a size of 0:
 * this file has no such key. `what` says what they did. The key is in memory that the next call uses again. */
bool secret_wrong_key(int i, const void *file, size_t size, const void **key, size_t *key_size, const char **what);

/* What somebody did who sent these bytes as the digest, and the mistake's code; NULL: nobody knows. */
const char *secret_wrong_digest(const void *file, size_t file_size, const unsigned char challenge[CHALLENGE],
                                const unsigned char *heard, size_t size, const char **code);

/* How a program of this pid, started between these times, made its first challenge, if it was by rand(); NULL: it was not. */
const char *secret_generator(const unsigned char challenge[CHALLENGE], pid_t pid, time_t from, time_t to);

/* The bytes hold this key: raw, in hex, or in base64. What form, or NULL. */
const char *secret_is_in(const void *bytes, size_t size, const void *key, size_t key_size);

#endif
