/*
 * mailbox.h: the datagrams that wait at a UDP socket: how many, and of how many bytes.
 *
 * The kernel tells only the memory that it has given them (sockets.h), and an empty datagram takes some, too. So it is counted: what
 * went over the wire to the socket's port waits there, until a call has taken it or the kernel says that none is there. A datagram
 * that the kernel threw away for want of room is counted as waiting until then.
 *
 * What is told in one step is settled at its end: a program's recv() may be told before the packet that it took. Ownership: one a process.
 */
#ifndef STEP_MAILBOX_H
#define STEP_MAILBOX_H

#include "observe/sockets.h"

/* A datagram went over the wire, from port to port. */
void mailbox_sent(in_port_t from, in_port_t to, size_t size);

/* A call of this process has taken a datagram from this socket. */
void mailbox_taken(uint64_t inode);

/* The end of a step: the sockets as they are now. */
void mailbox_settle(const SocketList *list);

/* What waits at this socket. False: it is not known (no packets can be seen here, or the socket is not a traced program's). */
bool mailbox_waiting(const Socket *s, size_t *count, size_t *bytes);

#endif
