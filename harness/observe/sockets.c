#define _GNU_SOURCE
#include "observe/sockets.h"

#include "observe/tcp_counts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * All states but one: since Linux 6.8 who asks for TCP_BOUND_INACTIVE (13: bound, and neither listening nor calling) is told of these, too, and
 * for that the kernel walks the table of bound ports, which is one for all network namespaces and has 65536 lines: five sixths of the time of a
 * dump (92 us, and 14 without). Nobody here wants to know.
 */
static const uint32_t ALL_STATES = (1U << 13) - 1;

int sockets_open(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}

static Socket *one_more(SocketList *list)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 32;
		Socket *grown = realloc(list->socket, room * sizeof *grown);
		if (grown == NULL)
			abort();
		list->socket = grown;
		list->room = room;
	}
	return &list->socket[list->count++];
}

/* The answer to a request with a family (inet_diag.h); its kind is known from the question alone. */
static void add_inet(SocketList *list, const struct nlmsghdr *head, SocketKind kind)
{
	const struct inet_diag_msg *m = NLMSG_DATA(head);
	Socket *s = one_more(list);
	*s = (Socket){
	    .kind = kind,
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

/* A name of the abstract namespace begins with a NUL, and a path ends with one (man 7 unix). */
static void read_path(Socket *s, const char *name, size_t size)
{
	size = size < sizeof s->path - 1 ? size : sizeof s->path - 1;
	memcpy(s->path, name, size);
	if (size > 0 && s->path[0] == '\0')
		s->path[0] = '@';
}

static void add_unix(SocketList *list, const struct nlmsghdr *head)
{
	const struct unix_diag_msg *m = NLMSG_DATA(head);
	struct unix_diag_rqlen queues;
	uint32_t peer;
	Socket *s = one_more(list);
	*s = (Socket){.kind = SOCKET_UNIX, .state = m->udiag_state, .type = m->udiag_type, .inode = m->udiag_ino};
	unsigned left = head->nlmsg_len - NLMSG_LENGTH(sizeof *m);
	for (const struct rtattr *a = (const struct rtattr *)(m + 1); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == UNIX_DIAG_NAME) {
			read_path(s, RTA_DATA(a), RTA_PAYLOAD(a));
		} else if (a->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(a) == sizeof peer) {
			memcpy(&peer, RTA_DATA(a), sizeof peer);
			s->peer = peer;
		} else if (a->rta_type == UNIX_DIAG_RQLEN && RTA_PAYLOAD(a) == sizeof queues) {
			memcpy(&queues, RTA_DATA(a), sizeof queues);
			s->rqueue = queues.udiag_rqueue;
			s->wqueue = queues.udiag_wqueue;
		}
	}
}

static bool ask_unix(int diag)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req request;
	} message = {
	    .head = {.nlmsg_len = sizeof message,
	             .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	             .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	    .request = {.sdiag_family = AF_UNIX,
	                .udiag_states = ~0U,
	                .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN},
	};
	return send(diag, &message, sizeof message, 0) == (ssize_t)sizeof message;
}

static bool ask(int diag, int family, int protocol)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 request;
	} message = {
	    .head = {.nlmsg_len = sizeof message,
	             .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	             .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	    .request = {.sdiag_family = (__u8)family,
	                .sdiag_protocol = (__u8)protocol,
	                .idiag_ext = protocol == IPPROTO_TCP ? 1 << (INET_DIAG_INFO - 1) : 0,
	                .idiag_states = ALL_STATES},
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

/* Reads one dump to its end. False with errno, ENOENT: the kernel knows nothing of that family or protocol. */
static bool collect(int diag, SocketList *list, SocketKind kind)
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
				return false;
			}
			if (kind == SOCKET_UNIX)
				add_unix(list, h);
			else
				add_inet(list, h, kind);
		}
	}
}

/* A family that is not in this kernel has no sockets. */
static bool add_family(int diag, SocketList *list, int family, int protocol, SocketKind kind)
{
	return ask(diag, family, protocol) && (collect(diag, list, kind) || errno == ENOENT);
}

static bool add_tcp(int diag, SocketList *list)
{
	size_t before = list->count;
	if (ask_both(diag, ALL_STATES) && collect(diag, list, SOCKET_TCP))
		return true;
	list->count = before;
	return add_family(diag, list, AF_INET, IPPROTO_TCP, SOCKET_TCP) &&
	       add_family(diag, list, AF_INET6, IPPROTO_TCP, SOCKET_TCP);
}

/* The kernel can do without udp_diag, and there may be UDP sockets all the same. */
static bool add_udp(int diag, SocketList *list)
{
	list->no_udp = false;
	if (!ask(diag, AF_INET, IPPROTO_UDP))
		return false;
	if (!collect(diag, list, SOCKET_UDP)) {
		list->no_udp = errno == ENOENT;
		return list->no_udp;
	}
	return add_family(diag, list, AF_INET6, IPPROTO_UDP, SOCKET_UDP);
}

static bool add_all_unix(int diag, SocketList *list)
{
	return ask_unix(diag) && (collect(diag, list, SOCKET_UNIX) || errno == ENOENT);
}

bool sockets_look(int diag, SocketList *list)
{
	list->count = 0;
	return add_tcp(diag, list) && add_udp(diag, list) && add_all_unix(diag, list);
}

bool sockets_look_for_listeners(int diag, SocketList *list)
{
	list->count = 0;
	return (ask_both(diag, 1U << TCP_LISTEN) && collect(diag, list, SOCKET_TCP)) ||
	       sockets_look_for(diag, list, SOCKET_TCP);
}

bool sockets_look_for(int diag, SocketList *list, SocketKind kind)
{
	list->count = 0;
	switch (kind) {
	case SOCKET_TCP:
		return add_tcp(diag, list);
	case SOCKET_UDP:
		return add_udp(diag, list);
	default:
		return add_all_unix(diag, list);
	}
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
		if (o->kind == SOCKET_TCP && o->port == s->remote_port && o->remote_port == s->port &&
		    o->state != TCP_LISTEN)
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

/* The other side takes nothing: the kernel will probe its window, and hear no. But one that has read all there was has opened it
 * again, and the news of that is on its way, or comes with the next probe. */
static bool is_shut_out(const SocketList *list, const Socket *s)
{
	const Socket *o = other_end(list, s);
	return s->timer == 4 && s->window == 0 && (o == NULL || o->rqueue > 0);
}

bool sockets_in_flight(const SocketList *list, const Socket *s)
{
	if (s->kind != SOCKET_TCP)
		return false;
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
		return !is_shut_out(list, s) && !has_arrived(list, s);
	default:
		return s->wqueue > 0 && !is_shut_out(list, s) && !has_arrived(list, s);
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
		if (sockets_listens(&list->socket[i]) && list->socket[i].port == port)
			return &list->socket[i];
	return NULL;
}

const Socket *sockets_mailbox(const SocketList *list, in_port_t port)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->socket[i].kind == SOCKET_UDP && list->socket[i].port == port)
			return &list->socket[i];
	return NULL;
}

const Socket *sockets_listener_at(const SocketList *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++) {
		const Socket *s = &list->socket[i];
		if (s->kind == SOCKET_UNIX && s->state == TCP_LISTEN && strcmp(s->path, path) == 0)
			return s;
	}
	return NULL;
}

bool sockets_listens(const Socket *s)
{
	return s->kind == SOCKET_TCP && s->state == TCP_LISTEN;
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
