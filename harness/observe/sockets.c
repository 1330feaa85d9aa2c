#define _GNU_SOURCE
#include "observe/sockets.h"

#include "observe/tcp_counts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int sockets_open(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}

static void add(SocketList *list, const struct nlmsghdr *head)
{
	const struct inet_diag_msg *m = NLMSG_DATA(head);
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 32;
		Socket *grown = realloc(list->socket, room * sizeof *grown);
		if (grown == NULL)
			abort();
		list->socket = grown;
		list->room = room;
	}
	Socket *s = &list->socket[list->count++];
	*s = (Socket){
	    .state = m->idiag_state,
	    .v6 = m->idiag_family == AF_INET6,
	    .port = ntohs(m->id.idiag_sport),
	    .remote_port = ntohs(m->id.idiag_dport),
	    .rqueue = m->idiag_rqueue,
	    .wqueue = m->idiag_wqueue,
	    .inode = m->idiag_inode,
	    .timer = m->idiag_timer,
	};
	memcpy(&s->address, m->id.idiag_src, sizeof s->address);
	memcpy(&s->remote, m->id.idiag_dst, sizeof s->remote);
	unsigned left = head->nlmsg_len - NLMSG_LENGTH(sizeof *m);
	for (const struct rtattr *a = (const struct rtattr *)(m + 1); RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == INET_DIAG_INFO)
			tcp_counts_read(s, RTA_DATA(a), RTA_PAYLOAD(a));
}

static bool ask(int diag, int family)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 request;
	} message = {
	    .head = {.nlmsg_len = sizeof message,
	             .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	             .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	    .request = {.sdiag_family = (__u8)family,
	                .sdiag_protocol = IPPROTO_TCP,
	                .idiag_ext = 1 << (INET_DIAG_INFO - 1),
	                .idiag_states = ~0U},
	};
	return send(diag, &message, sizeof message, 0) == (ssize_t)sizeof message;
}

/*
 * Both families in one dump, and so in half the time: a dump costs a walk over the kernel's whole table of connections (one
 * table for all network namespaces, 262144 lines on a small machine). The request of the older kind has no family
 * (inet_diag_dump_compat(), net/ipv4/inet_diag.c); the answer is the same.
 */
static bool ask_both(int diag, uint32_t states)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req request;
	} message = {
	    .head = {.nlmsg_len = sizeof message,
	             .nlmsg_type = TCPDIAG_GETSOCK,
	             .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	    .request = {.idiag_family = AF_INET, .idiag_ext = 1 << (INET_DIAG_INFO - 1), .idiag_states = states},
	};
	return send(diag, &message, sizeof message, 0) == (ssize_t)sizeof message;
}

/* Reads one dump to its end. */
static bool collect(int diag, SocketList *list)
{
	for (;;) {
		_Alignas(struct nlmsghdr) char buffer[32768];
		ssize_t n = recv(diag, buffer, sizeof buffer, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		size_t left = (size_t)n;
		for (struct nlmsghdr *h = (struct nlmsghdr *)buffer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return true;
			if (h->nlmsg_type == NLMSG_ERROR) {
				errno = -((struct nlmsgerr *)NLMSG_DATA(h))->error;
				return errno == ENOENT; /* no such family in this kernel: then it has no sockets */
			}
			add(list, h);
		}
	}
}

bool sockets_look(int diag, SocketList *list)
{
	list->count = 0;
	if (ask_both(diag, ~0U) && collect(diag, list))
		return true;
	list->count = 0;
	return ask(diag, AF_INET) && collect(diag, list) && ask(diag, AF_INET6) && collect(diag, list);
}

bool sockets_look_for_listeners(int diag, SocketList *list)
{
	list->count = 0;
	return (ask_both(diag, 1U << TCP_LISTEN) && collect(diag, list)) || sockets_look(diag, list);
}

void sockets_free(SocketList *list)
{
	free(list->socket);
	*list = (SocketList){0};
}

const char *sockets_state_name(int state)
{
	static const char *const names[] = {
	    [TCP_ESTABLISHED] = "ESTABLISHED",
	    [TCP_SYN_SENT] = "SYN_SENT",
	    [TCP_SYN_RECV] = "SYN_RECV",
	    [TCP_FIN_WAIT1] = "FIN_WAIT1",
	    [TCP_FIN_WAIT2] = "FIN_WAIT2",
	    [TCP_TIME_WAIT] = "TIME_WAIT",
	    [TCP_CLOSE] = "CLOSED",
	    [TCP_CLOSE_WAIT] = "CLOSE_WAIT",
	    [TCP_LAST_ACK] = "LAST_ACK",
	    [TCP_LISTEN] = "LISTEN",
	    [TCP_CLOSING] = "CLOSING",
	    [12] = "SYN_RECV",
	};
	return state > 0 && state < (int)(sizeof names / sizeof *names) ? names[state] : "unknown";
}

/* The socket at the other end, if it is in this room. */
static const Socket *other_end(const SocketList *list, const Socket *s)
{
	for (size_t i = 0; i < list->count; i++) {
		const Socket *o = &list->socket[i];
		if (o->port == s->remote_port && o->remote_port == s->port && o->state != TCP_LISTEN)
			return o;
	}
	return NULL;
}

/* All that was sent has come in at the other end, and so has the FIN if there was one. */
static bool has_arrived(const SocketList *list, const Socket *s)
{
	const Socket *o = other_end(list, s);
	if (o == NULL || !s->counted || s->unsent > 0)
		return false;
	bool farewell = s->state == TCP_FIN_WAIT1 || s->state == TCP_CLOSING || s->state == TCP_LAST_ACK;
	bool taken = o->state == TCP_CLOSE_WAIT || o->state == TCP_LAST_ACK || o->state == TCP_CLOSING ||
	             o->state == TCP_TIME_WAIT;
	if (farewell && !taken)
		return false;
	/* Of a socket in TIME_WAIT nothing is counted, but it has had the FIN, and so all before it. */
	return o->state == TCP_TIME_WAIT || (o->counted && o->received >= s->sent);
}

/* The other side takes nothing: the kernel will probe its window, and hear no. */
static bool is_shut_out(const Socket *s)
{
	return s->timer == 4 && s->window == 0;
}

bool sockets_in_flight(const SocketList *list, const Socket *s)
{
	switch (s->state) {
	case TCP_LISTEN:
	case TCP_TIME_WAIT:
		return false;
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
	case 12: /* TCP_NEW_SYN_RECV, a request socket */
		return true;
	case TCP_FIN_WAIT1:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		return !is_shut_out(s) && !has_arrived(list, s);
	default:
		return s->wqueue > 0 && !is_shut_out(s) && !has_arrived(list, s);
	}
}

const Socket *sockets_by_inode(const SocketList *list, uint64_t inode)
{
	for (size_t i = 0; inode != 0 && i < list->count; i++)
		if (list->socket[i].inode == inode)
			return &list->socket[i];
	return NULL;
}

const Socket *sockets_listener(const SocketList *list, in_port_t port)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->socket[i].state == TCP_LISTEN && list->socket[i].port == port)
			return &list->socket[i];
	return NULL;
}

const char *sockets_address(const Socket *s, char *text)
{
	return inet_ntop(s->v6 ? AF_INET6 : AF_INET, &s->address, text, INET6_ADDRSTRLEN);
}

bool sockets_is_loopback(const Socket *s)
{
	char text[INET6_ADDRSTRLEN];
	sockets_address(s, text);
	return strcmp(text, "127.0.0.1") == 0 || strcmp(text, "::ffff:127.0.0.1") == 0;
}
