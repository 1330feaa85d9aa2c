/*
 * tcp_counts.h: how many bytes a connection has carried, out of the kernel's struct tcp_info.
 *
 * A file of its own, for <linux/tcp.h>, whose struct has the counts, and <netinet/tcp.h>, which has the names of the
 * states, cannot be included together.
 */
#ifndef OBSERVE_TCP_COUNTS_H
#define OBSERVE_TCP_COUNTS_H

#include "observe/sockets.h"

/* Reads INET_DIAG_INFO of `size` bytes into the socket; an older kernel's is shorter, and leaves it uncounted. */
void tcp_counts_read(Socket *s, const void *info, size_t size);

#endif
