/*
 * sockets.h: every socket of a room, as the kernel has it: TCP, UDP and AF_UNIX.
 *
 * NETLINK_SOCK_DIAG dumps (man 7 sock_diag) tell the state of each and how many bytes wait in its two queues; nothing
 * has to be asked of the program, nor its port rung. Sockets
 * of the program and of the peer alike are in it: in a private room, everything is ours. In the
 * shared room `mine` picks out what belongs to us.
 *
 * The two queues mean something else for some:
 *
 *	TCP, AF_UNIX in LISTEN    rqueue is how many callers wait to be accepted, and wqueue how many may
 *	                          (net/ipv4/tcp_diag.c, net/unix/diag.c);
 *	UDP                       memory that the kernel has given to datagrams, and not bytes of theirs: an empty one counts
 *	                          too, and how many there are is not told (udp_rqueue_get(), include/net/udp.h);
 *	AF_UNIX                   rqueue is bytes to read (of datagrams those of the first), wqueue is memory of what the
 *	                          other side has not read yet.
 *
 * A UDP socket that is bound is CLOSED, and ESTABLISHED when connect() has given it a fixed peer. An AF_UNIX connection
 * that nobody has accepted yet is not in the list, its caller is.
 *
 * Time: a dump is a walk over the kernel's table, however few there are. TCP: 0.28 ms over the machine's own table,
 * 0.015 over a room's that was opened from the hall (room.h); UDP, both families: 0.03 and 0.003; AF_UNIX: 0.01.
 * Ownership: the list is the caller's, used again and again; sockets_free() at the end.
 */
#ifndef OBSERVE_SOCKETS_H
#define OBSERVE_SOCKETS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { SOCKET_TCP, SOCKET_UDP, SOCKET_UNIX } SocketKind;

typedef struct {
	SocketKind kind;
	int state; /* TCP_ESTABLISHED …, netinet/tcp.h; other kinds use the same names */
	bool v6;
	in_port_t port, remote_port;     /* host byte order */
	struct in6_addr address, remote; /* v4 addresses in the first four bytes, unless v6 */
	uint32_t rqueue, wqueue;
	uint64_t inode;          /* 0: nobody holds it (not yet accepted, or already closed) */
	bool counted;            /* the kernel told these three (since Linux 4.19) */
	uint64_t sent, received; /* bytes of data that have left for the other side; that have come in order from it */
	uint32_t unsent;         /* bytes that have not left yet */
	uint32_t window;         /* bytes that the other side would take; 0 also where the kernel is older than 5.4 */
	int timer;               /* what the kernel will do by itself: 0 nothing, 1 send again, 2 keepalive,
	                            3 TIME_WAIT, 4 probe a shut window, or send what it kept back */
	int type;                /* AF_UNIX: SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET */
	uint64_t peer;           /* AF_UNIX: the inode of its other end; 0: it has none, or nobody holds it */
	char path[110]; /* AF_UNIX: where it is bound, as bind() was told; "@name" in the abstract namespace; "" */
} Socket;

typedef struct {
	Socket *socket;
	size_t count, room;
	bool no_udp; /* this kernel tells nothing of UDP sockets: there may be some */
} SocketList;

/* A netlink socket in the calling thread's network namespace; -1 with errno. */
int sockets_open(void);

/* All sockets; false with errno where the kernel does not say. */
bool sockets_look(int diag, SocketList *list);

/* TCP sockets that listen, and perhaps others too: a tenth of the time, for the kernel keeps them apart. */
bool sockets_look_for_listeners(int diag, SocketList *list);

/* All sockets of one kind. */
bool sockets_look_for(int diag, SocketList *list, SocketKind kind);
void sockets_free(SocketList *list);

/* "ESTABLISHED" for TCP_ESTABLISHED. */
const char *sockets_state_name(int state);

/* Bytes are on their way from this socket, or a handshake or a farewell is: something will yet happen by itself. A shut
 * window (timer 4) does not count: it stays shut until its owner reads. But with room in the window that timer is for what
 * the kernel keeps back (MSG_MORE, TCP_CORK): it sends that within 200 ms. Nor does what has arrived, as the other
 * socket's count of bytes says, and only waits for its acknowledgement, which may be 40 ms (man 7 tcp, TCP_QUICKACK).
 * TCP alone: at AF_UNIX nothing is ever on its way (what is sent is in the other's queue when send() returns, and a farewell
 * when close() does), and of datagrams no socket knows: datagrams.h. */
bool sockets_in_flight(const SocketList *list, const Socket *s);

/* The socket with this inode, or NULL. */
const Socket *sockets_by_inode(const SocketList *list, uint64_t inode);

/* The TCP socket that listens on a port, or NULL. */
const Socket *sockets_listener(const SocketList *list, in_port_t port);

/* The UDP socket that is bound to a port, or NULL. */
const Socket *sockets_mailbox(const SocketList *list, in_port_t port);

/* The AF_UNIX socket that listens at a path, as bind() was told it, or NULL. */
const Socket *sockets_listener_at(const SocketList *list, const char *path);

/* A TCP socket that listens. */
bool sockets_listens(const Socket *s);

/* "127.0.0.1" of an address; text has INET6_ADDRSTRLEN bytes. */
const char *sockets_address(const Socket *s, char *text);

/* It is bound to 127.0.0.1, as such or mapped into IPv6. */
bool sockets_is_loopback(const Socket *s);

#endif
