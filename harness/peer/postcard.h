/*
 * postcard.h: the reference peer's end of datagrams.
 *
 * A letter box is a UDP socket of ours. Towards a server: a_box(), post, collect. Towards a client: a_box_at() the port that
 * it is told, collect_from (whoever it is), post back. The first box of a check belongs to alice, then come bob and carol;
 * one that a client writes to is the server's.
 *
 * A box collects only what comes from where it was expected: the wrong datagram, one too many and none at all fail the check.
 *
 * Time: a verb returns when it is done, or when the room is known never to let it be done (still.h).
 * Ownership: boxes live until the process ends. Units: sizes in bytes, at most POSTCARD_MOST, UDP's largest over IPv4.
 */
#ifndef PEER_POSTCARD_H
#define PEER_POSTCARD_H

#include "program/party.h"

#include <netinet/in.h>
#include <stddef.h>

enum { POSTCARD_MOST = 65507 };

typedef struct {
	char who[16];
	int fd;
	in_port_t port;
	in_port_t remote; /* where the last postcard that was collected came from */
	Party *party;     /* with whom */
	unsigned char *in;
	size_t in_size;
	bool full; /* a postcard lies in `in` and has not been collected */
	unsigned char said[1100];
	size_t said_size; /* more than `said` holds: only its start was kept */
} Box;

/* A box of a caller, at a port of its own. */
Box *a_box(Party *server);

/* The box to which a client is told to write: at this port of 127.0.0.1, 0: a free one. The client comes later: box->party. */
Box *a_box_at(in_port_t port);

/* Takes it off again: who writes there learns ECONNREFUSED. */
void box_off(Box *box);

/* Sends one datagram: to the server's port; for a client, to where the last one came from. */
void post(Box *box, const void *bytes, size_t size);
void post_text(Box *box, const char *text);
void post_to(Box *box, in_port_t port, const void *bytes, size_t size);

/* The next datagram is exactly this, and comes from the server's port; for a client, from anywhere. */
void collect(Box *box, const void *bytes, size_t size);
void collect_text(Box *box, const char *text);

/* Until the room is still, nothing comes. */
void collect_nothing(Box *box);

/* Whether something has come, without waiting. */
bool box_has_news(Box *box);

#endif
