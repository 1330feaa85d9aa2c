/*
 * decode.h: a traced call as a person would write it: `send(4, "HELLO", 5, MSG_NOSIGNAL) = 5`.
 *
 * Names are those of the C library's calls, as in the lessons: sendto without an address is send, openness of a variant (accept4,
 * epoll_pwait) is not shown. The program's memory is read while it is held (trace.h); what cannot be read shows as "?".
 *
 * Ownership: all is in the caller's struct. Units: sizes in bytes.
 */
#ifndef OBSERVE_DECODE_H
#define OBSERVE_DECODE_H

#include "observe/trace.h"

enum { DECODE_DATA = 4096 };

typedef struct {
	const char *name;   /* "recv" */
	char text[320];     /* "recv(4, 1024 bytes)" */
	int fd;             /* the descriptor it is about, or -1 */
	bool speaks, hears; /* it sends or receives */
	size_t size;        /* of the data: at ENTERS what is to be sent, at RETURNS what was */
	size_t kept;        /* so much of it is in `data` */
	unsigned char data[DECODE_DATA];
} Decoded;

void decode_call(const TraceEvent *event, Decoded *decoded);

/* "5", "-1 ECONNREFUSED (Connection refused)"; text has 96 bytes. */
const char *decode_result(const TraceEvent *event, char *text);

/* "recv" of a call. */
const char *decode_name(const TraceEvent *event);

#endif
