/*
 * header.h: what is told of a header, and what must hold of the folder afterwards: for labs 10 and 11.
 *
 * Whatever a server says, either there is one new file in DIR, which has a name that is one, and is as long as the header says; or
 * the client ends with 1 and DIR is as it was. And nothing outside DIR is touched.
 *
 * Bytes: the longest piece; 1 for signals, 2 for a reset at the end, 4 for a stream without a frame of ours; the seed; the
 * size of the header, in two bytes; the header; then the content. A row of 32 M in the header becomes the content's MD5,
 * a row of 64 S its SHA-256.
 */
#ifndef TESTS_FUZZ_HEADER_H
#define TESTS_FUZZ_HEADER_H

#include "fakes.h"

#include <jansson.h>
#include <openssl/evp.h>

enum { HEADER_HEAD = 5, HEADER_MOST = 1 << 17 };

/* Runs the program on these bytes and looks at the folder. `unfinished` is the program's own, which a new run finds unset. */
void header_try(const uint8_t *data, size_t size, int (*program)(int, char **), const char **unfinished, bool digests);

#endif
