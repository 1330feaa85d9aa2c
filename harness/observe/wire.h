/*
 * wire.h: the packets on the room's `lo`, as libpcap has them.
 *
 * Opened in the room's network namespace, before anything is sent. What is sent over the loopback is captured in the same step of
 * the kernel in which it is delivered (dev_queue_xmit_nit(), net/core/dev.c): once the room is still, all of it is here.
 *
 * Sequence numbers are told relative to the start of the call, as tcpdump and Wireshark do: the SYN is 0, the first byte 1.
 * What cannot be had (no right to capture: the shared room as an ordinary user) leaves the wire closed: there are no packets.
 *
 * Ownership: one wire a process. Units: bytes; seconds since the epoch, for the file.
 */
#ifndef OBSERVE_WIRE_H
#define OBSERVE_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_SYN = 2, WIRE_FIN = 1, WIRE_RST = 4, WIRE_PSH = 8, WIRE_ACK = 16 };

typedef struct {
	bool udp, icmp; /* neither: TCP */
	in_port_t from, to;
	uint32_t from_address, to_address; /* host byte order */
	unsigned flags;
	unsigned type,
	    code; /* ICMP: 3, 3 says that nobody has that port; `from` and `to` are as if its owner had written */
	uint32_t sequence, acknowledged; /* relative */
	unsigned window;                 /* as it stands in the header: not scaled */
	size_t size;                     /* of the payload; `data` may hold less */
	const unsigned char *data;
	size_t data_size;
	double at; /* seconds since the epoch */
} WirePacket;

/* Begins to listen. `save` (or NULL): a pcapng file, that Wireshark opens. False, with a reason: cannot be had. */
bool wire_open(const char *save, char *why, size_t why_size);

/* The next packet; valid until the next call. False: none there. */
bool wire_next(WirePacket *packet);

/* Waits until there is a next packet. False: none has come for so long, or there is no wire. */
bool wire_wait(int milliseconds);

void wire_close(void);

/* "SYN, ACK"; text has 40 bytes. */
const char *wire_flags(unsigned flags, char *text);

#endif
