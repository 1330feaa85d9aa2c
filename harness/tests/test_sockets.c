/*
 * test_sockets.c: does the kernel's dump say of each socket what its owner knows of it?
 *
 * In whatever network namespace we are: sockets of others may be there, so ours are found by their inodes and ports.
 */
#include "observe/datagrams.h"
#include "observe/sockets.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

Suite *sockets_suite(void);

static int diag;
static SocketList list;
static struct sockaddr_in here; /* where `phone` listens */
static int phone, caller, callee;

static void listen_somewhere(void)
{
	socklen_t size = sizeof here;
	diag = sockets_open();
	ck_assert_int_ne(diag, -1);
	here = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	phone = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(phone, (struct sockaddr *)&here, sizeof here), 0);
	ck_assert_int_eq(listen(phone, 3), 0);
	ck_assert_int_eq(getsockname(phone, (struct sockaddr *)&here, &size), 0);
}

static int call(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0);
	int done = connect(fd, (struct sockaddr *)&here, sizeof here);
	ck_assert(done == 0 || (errno == EINPROGRESS && flags == SOCK_NONBLOCK));
	return fd;
}

static void talk(void)
{
	caller = call(0);
	callee = accept(phone, NULL, NULL);
	ck_assert_int_ne(callee, -1);
}

static const Socket *see(int fd)
{
	struct stat s;
	ck_assert_int_eq(fstat(fd, &s), 0);
	ck_assert(sockets_look(diag, &list));
	const Socket *found = sockets_by_inode(&list, s.st_ino);
	ck_assert_ptr_nonnull(found);
	return found;
}

/* What was done on one side shows on the other when the kernel has come to it: at once, as a rule. */
static void until_state(int fd, int state)
{
	while (see(fd)->state != state)
		;
}

/* The connection's end of that port, whoever holds it; NULL: it has gone. */
static const Socket *see_port(in_port_t port, in_port_t remote)
{
	ck_assert(sockets_look(diag, &list));
	for (size_t i = 0; i < list.count; i++)
		if (list.socket[i].port == port && list.socket[i].remote_port == remote)
			return &list.socket[i];
	return NULL;
}

/* ---- States and queues ---- */

START_TEST(it_listens)
{
	const Socket *s = see(phone);
	ck_assert_int_eq(s->state, TCP_LISTEN);
	ck_assert_uint_eq(s->port, ntohs(here.sin_port));
	ck_assert_uint_eq(s->remote_port, 0);
	ck_assert_uint_eq(s->rqueue, 0);
	ck_assert_uint_eq(s->wqueue, 3);
	ck_assert(!s->v6 && sockets_is_loopback(s) && !sockets_in_flight(&list, s));
	ck_assert_ptr_eq(sockets_listener(&list, ntohs(here.sin_port)), s);
	ck_assert_ptr_null(sockets_listener(&list, 0));
	ck_assert_ptr_null(sockets_by_inode(&list, 0));
	ck_assert(sockets_look_for_listeners(diag, &list));
	ck_assert_ptr_nonnull(sockets_listener(&list, ntohs(here.sin_port)));
}
END_TEST

START_TEST(callers_wait_to_be_accepted)
{
	caller = call(0);
	call(0);
	while (see(phone)->rqueue < 2)
		;
	int accepted = 0, waiting = 0;
	for (size_t i = 0; i < list.count; i++)
		if (list.socket[i].port == ntohs(here.sin_port) && list.socket[i].state == TCP_ESTABLISHED)
			list.socket[i].inode == 0 ? waiting++ : accepted++;
	ck_assert_int_eq(waiting, 2);
	ck_assert_int_eq(accepted, 0);
	/* A port of a connection is no listener. */
	ck_assert_int_eq(sockets_listener(&list, ntohs(here.sin_port))->state, TCP_LISTEN);
}
END_TEST

START_TEST(they_talk)
{
	talk();
	const Socket *s = see(caller);
	ck_assert_int_eq(s->state, TCP_ESTABLISHED);
	ck_assert_uint_eq(s->remote_port, ntohs(here.sin_port));
	ck_assert_uint_eq(s->rqueue + s->wqueue, 0);
	ck_assert(!sockets_in_flight(&list, s));
	ck_assert_int_eq(see(callee)->state, TCP_ESTABLISHED);

	ck_assert_int_eq(send(caller, "hello", 5, 0), 5);
	while ((s = see(callee))->rqueue < 5)
		;
	ck_assert_uint_eq(s->rqueue, 5);
	char bytes[8];
	ck_assert_int_eq(recv(callee, bytes, 2, 0), 2);
	ck_assert_uint_eq(see(callee)->rqueue, 3);
	ck_assert_int_eq(recv(callee, bytes, sizeof bytes, 0), 3);
	ck_assert_uint_eq(see(callee)->rqueue, 0);
	if (s->counted)
		ck_assert_uint_eq(see(callee)->received, 5);
}
END_TEST

START_TEST(one_hangs_up)
{
	talk();
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	getsockname(caller, (struct sockaddr *)&from, &size);
	in_port_t ours = ntohs(from.sin_port), theirs = ntohs(here.sin_port);
	shutdown(caller, SHUT_WR);
	until_state(callee, TCP_CLOSE_WAIT);
	until_state(caller, TCP_FIN_WAIT2);
	ck_assert(!sockets_in_flight(&list, see(caller)) && !sockets_in_flight(&list, see(callee)));
	close(caller);
	close(callee);
	const Socket *s;
	while ((s = see_port(ours, theirs)) == NULL || s->state != TCP_TIME_WAIT)
		ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(s->inode, 0);
	ck_assert(!sockets_in_flight(&list, s));
	ck_assert_ptr_null(see_port(theirs, ours));
}
END_TEST

START_TEST(one_resets)
{
	talk();
	struct linger now = {.l_onoff = 1};
	setsockopt(callee, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	getsockname(caller, (struct sockaddr *)&from, &size);
	close(callee);
	while (see_port(ntohs(from.sin_port), ntohs(here.sin_port)) != NULL)
		;
	ck_assert_int_eq(recv(caller, &size, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

/* ---- What is on its way ---- */

START_TEST(a_call_that_is_not_taken)
{
	for (int i = 0; i < 4; i++) /* the queue is for three, and the kernel adds one */
		call(0);
	while (see(phone)->rqueue < 4)
		;
	caller = call(SOCK_NONBLOCK);
	const Socket *s = see(caller);
	ck_assert_int_eq(s->state, TCP_SYN_SENT);
	ck_assert(sockets_in_flight(&list, s));
}
END_TEST

/* A window that stays shut: there are bytes, but they are not on their way. */
START_TEST(nobody_reads)
{
	static char bytes[1 << 16];
	talk();
	fcntl(caller, F_SETFL, O_NONBLOCK);
	const Socket *s;
	do
		while (send(caller, bytes, sizeof bytes, 0) > 0)
			;
	while ((s = see(caller))->timer != 4 || s->window > 0);
	ck_assert_uint_gt(s->unsent, 0);
	ck_assert(!sockets_in_flight(&list, s));
	/* It says goodbye behind them: that is not on its way either. */
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	getsockname(caller, (struct sockaddr *)&from, &size);
	close(caller);
	s = see_port(ntohs(from.sin_port), ntohs(here.sin_port));
	ck_assert(s != NULL && s->state == TCP_FIN_WAIT1);
	ck_assert(!sockets_in_flight(&list, s));
}
END_TEST

/* The kernel keeps back what may grow (MSG_MORE): that will come. */
START_TEST(bytes_that_are_kept_back)
{
	talk();
	ck_assert_int_eq(send(caller, "ab", 2, MSG_MORE), 2);
	const Socket *s = see(caller);
	if (s->wqueue == 0)
		return; /* we were not looked at for 200 ms */
	ck_assert_uint_eq(s->unsent, 2);
	ck_assert(sockets_in_flight(&list, s));
}
END_TEST

/* Nagle: the second small write waits until the first is acknowledged, and the acknowledgement is delayed. */
START_TEST(arrived_and_not_yet_acknowledged)
{
	char bytes[8];
	int seen = 0;
	talk();
	for (int tries = 0; tries < 20 && !seen; tries++) {
		int off = 0;
		setsockopt(callee, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
		send(caller, "a", 1, 0);
		while (see(callee)->rqueue < 1)
			;
		const Socket *s = see(caller);
		seen = s->counted && s->wqueue == 1;
		if (seen)
			ck_assert(!sockets_in_flight(&list, s));
		send(caller, "b", 1, 0);
		s = see(caller);
		if (s->wqueue == 2 && s->unsent == 1)
			ck_assert(sockets_in_flight(&list, s));
		while (see(callee)->rqueue < 2)
			;
		ck_assert_int_eq(recv(callee, bytes, sizeof bytes, 0), 2);
	}
	ck_assert_msg(seen || !see(caller)->counted, "not once in 20 times was an acknowledgement delayed");
}
END_TEST

/* ---- Both families ---- */

START_TEST(a_listener_of_both_families)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
	socklen_t size = sizeof any;
	char text[INET6_ADDRSTRLEN];
	int off = 0, six = socket(AF_INET6, SOCK_STREAM, 0);
	if (six == -1 || setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == -1 ||
	    bind(six, (struct sockaddr *)&any, sizeof any) == -1)
		return; /* no IPv6 on this machine */
	ck_assert_int_eq(listen(six, 3), 0);
	getsockname(six, (struct sockaddr *)&any, &size);
	const Socket *s = see(six);
	ck_assert(s->v6 && s->state == TCP_LISTEN && !sockets_is_loopback(s));
	ck_assert_str_eq(sockets_address(s, text), "::");
	ck_assert(sockets_look_for_listeners(diag, &list));
	ck_assert_ptr_nonnull(sockets_listener(&list, ntohs(any.sin6_port)));

	here.sin_port = any.sin6_port;
	caller = call(0);
	callee = accept(six, NULL, NULL);
	s = see(callee);
	ck_assert_str_eq(sockets_address(s, text), "::ffff:127.0.0.1");
	ck_assert(s->v6 && sockets_is_loopback(s));
	ck_assert(!see(caller)->v6);
	/* The two families' ends belong together: what arrived at the one has left the other. */
	send(caller, "x", 1, 0);
	while (see(callee)->rqueue < 1)
		;
	ck_assert(!sockets_in_flight(&list, see(caller)));
}
END_TEST

/* ---- Datagrams ---- */

static struct sockaddr_in mailbox_of(int fd)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	return address;
}

START_TEST(a_mailbox)
{
	char bytes[8];
	int fd = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in address = mailbox_of(fd);
	in_port_t at = ntohs(address.sin_port);
	const Socket *s = see(fd);
	ck_assert_int_eq(s->kind, SOCKET_UDP);
	ck_assert_int_eq(s->state, TCP_CLOSE);
	ck_assert_uint_eq(s->port, at);
	ck_assert(!s->v6 && sockets_is_loopback(s) && s->rqueue == 0 && !sockets_listens(s));
	ck_assert_ptr_eq(sockets_mailbox(&list, at), s);
	/* A number of one kind is none of the other. */
	ck_assert_ptr_null(sockets_listener(&list, at));
	ck_assert_ptr_null(sockets_mailbox(&list, ntohs(here.sin_port)));

	/* The empty one waits to be read like any other. */
	ck_assert_int_eq(connect(from, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(send(from, "", 0, 0), 0);
	while ((s = see(fd))->rqueue == 0)
		;
	ck_assert(!sockets_in_flight(&list, s));
	ck_assert_int_eq(recv(fd, bytes, sizeof bytes, 0), 0);
	ck_assert_uint_eq(see(fd)->rqueue, 0);
	s = see(from);
	ck_assert(s->kind == SOCKET_UDP && s->state == TCP_ESTABLISHED && s->remote_port == at);

	ck_assert(sockets_look_for(diag, &list, SOCKET_UDP));
	ck_assert_ptr_nonnull(sockets_mailbox(&list, at));
	ck_assert_ptr_null(sockets_listener(&list, ntohs(here.sin_port)));
	ck_assert(!list.no_udp);
}
END_TEST

START_TEST(a_mailbox_of_the_other_family)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	socklen_t size = sizeof any;
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&any, sizeof any) == -1)
		return; /* no IPv6 on this machine */
	getsockname(fd, (struct sockaddr *)&any, &size);
	const Socket *s = see(fd);
	ck_assert(s->kind == SOCKET_UDP && s->v6 && s->port == ntohs(any.sin6_port));
}
END_TEST

/* ---- AF_UNIX ---- */

static struct sockaddr_un path_of(int fd, bool abstract)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int size = snprintf(name.sun_path + abstract, sizeof name.sun_path - 1, "/tmp/sockets-%d", getpid());
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
	unlink(name.sun_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, length), 0);
	return name;
}

START_TEST(a_path_to_call)
{
	char bytes[8], path[110];
	bool abstract = _i == 1;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un name = path_of(fd, abstract);
	snprintf(path, sizeof path, "%s%s", abstract ? "@" : "", name.sun_path + abstract);
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + !abstract);
	ck_assert_ptr_null(sockets_listener_at(&list, path));
	ck_assert_int_eq(see(fd)->state, TCP_CLOSE);
	ck_assert_int_eq(listen(fd, 3), 0);
	const Socket *s = see(fd);
	ck_assert(s->kind == SOCKET_UNIX && s->state == TCP_LISTEN && s->type == SOCK_STREAM && s->port == 0);
	ck_assert_str_eq(s->path, path);
	ck_assert(s->rqueue == 0 && s->wqueue == 3 && !sockets_listens(s));
	ck_assert_ptr_eq(sockets_listener_at(&list, path), s);
	ck_assert_ptr_null(sockets_listener_at(&list, ""));
	ck_assert_ptr_null(sockets_listener(&list, 0));

	/* Called, and not yet accepted; then accepted, and talking. */
	caller = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(caller, (struct sockaddr *)&name, length), 0);
	ck_assert_uint_eq(see(fd)->rqueue, 1);
	s = see(caller);
	ck_assert(s->state == TCP_ESTABLISHED && s->peer == 0);
	callee = accept(fd, NULL, NULL);
	struct stat inode;
	fstat(callee, &inode);
	ck_assert_uint_eq(see(caller)->peer, inode.st_ino);
	ck_assert_str_eq(sockets_by_inode(&list, inode.st_ino)->path, path);
	ck_assert_int_eq(send(caller, "hello", 5, 0), 5);
	ck_assert_uint_eq(see(callee)->rqueue, 5); /* at once */
	s = see(caller);
	ck_assert(s->wqueue > 0 && !sockets_in_flight(&list, s));
	ck_assert_int_eq(recv(callee, bytes, sizeof bytes, 0), 5);
	ck_assert(see(callee)->rqueue == 0 && see(caller)->wqueue == 0);

	ck_assert(sockets_look_for(diag, &list, SOCKET_UNIX));
	ck_assert_ptr_nonnull(sockets_listener_at(&list, path));
	unlink(name.sun_path);
}
END_TEST

START_TEST(states_have_names)
{
	ck_assert_str_eq(sockets_state_name(TCP_CLOSE_WAIT), "CLOSE_WAIT");
	ck_assert_str_eq(sockets_state_name(TCP_TIME_WAIT), "TIME_WAIT");
	ck_assert_str_eq(sockets_state_name(TCP_CLOSE), "CLOSED");
	ck_assert_str_eq(sockets_state_name(12), "SYN_RECV");
	ck_assert_str_eq(sockets_state_name(0), "unknown");
	ck_assert_str_eq(sockets_state_name(13), "unknown");
	ck_assert_str_eq(sockets_state_name(-1), "unknown");
}
END_TEST

/* what if the kernel does not answer? */
START_TEST(nobody_to_ask)
{
	close(diag);
	ck_assert(!sockets_look(diag, &list));
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

/* ---- What has arrived, by the counts alone ---- */

/* clang-format off */
static const struct {
	Socket ours, theirs; /* ours sends from port 1 to theirs, at port 2 */
	bool in_flight;
} counts[] = {
	/* All is acknowledged. */
	{{.state = TCP_ESTABLISHED, .counted = true, .sent = 5}, {.state = TCP_ESTABLISHED, .counted = true, .received = 5}, false},
	/* Not acknowledged: arrived; not yet; half of it. */
	{{.state = TCP_ESTABLISHED, .wqueue = 5, .timer = 1, .counted = true, .sent = 5},
	 {.state = TCP_ESTABLISHED, .counted = true, .received = 5, .rqueue = 5}, false},
	{{.state = TCP_ESTABLISHED, .wqueue = 5, .timer = 1, .counted = true, .sent = 9},
	 {.state = TCP_ESTABLISHED, .counted = true, .received = 4}, true},
	{{.state = TCP_ESTABLISHED, .wqueue = 5, .unsent = 1, .timer = 1, .counted = true, .sent = 4},
	 {.state = TCP_ESTABLISHED, .counted = true, .received = 4}, true},
	/* Nothing is counted: then only the acknowledgement tells. */
	{{.state = TCP_ESTABLISHED, .wqueue = 5, .timer = 1}, {.state = TCP_ESTABLISHED, .received = 5}, true},
	/* A window that is shut; one that was, and whose owner has read all there was; one that is not. */
	{{.state = TCP_ESTABLISHED, .wqueue = 5, .unsent = 5, .timer = 4, .counted = true}, {.state = TCP_ESTABLISHED, .rqueue = 7}, false},
	{{.state = TCP_ESTABLISHED, .wqueue = 5, .unsent = 5, .timer = 4, .counted = true}, {.state = TCP_ESTABLISHED}, true},
	{{.state = TCP_ESTABLISHED, .wqueue = 5, .unsent = 5, .timer = 4, .counted = true, .window = 9}, {.state = TCP_ESTABLISHED}, true},
	/* A farewell: heard; not yet. */
	{{.state = TCP_FIN_WAIT1, .timer = 1, .counted = true, .sent = 5}, {.state = TCP_CLOSE_WAIT, .counted = true, .received = 6}, false},
	{{.state = TCP_FIN_WAIT1, .timer = 1, .counted = true, .sent = 5}, {.state = TCP_ESTABLISHED, .counted = true, .received = 5}, true},
	{{.state = TCP_LAST_ACK, .timer = 1, .counted = true, .sent = 5}, {.state = TCP_TIME_WAIT}, false},
	{{.state = TCP_LAST_ACK, .timer = 1, .counted = true, .sent = 5}, {.state = TCP_FIN_WAIT2}, true},
	/* Handshakes. */
	{{.state = TCP_SYN_SENT}, {.state = TCP_LISTEN}, true},
	{{.state = TCP_SYN_RECV}, {.state = TCP_ESTABLISHED}, true},
	{{.state = 12}, {.state = TCP_ESTABLISHED}, true},
};
/* clang-format on */
enum { COUNTS = sizeof counts / sizeof *counts };

START_TEST(what_has_arrived_is_not_on_its_way)
{
	Socket two[2] = {counts[_i].ours, counts[_i].theirs};
	two[0].port = two[1].remote_port = 1;
	two[0].remote_port = two[1].port = 2;
	SocketList both = {.socket = two, .count = 2};
	ck_assert_int_eq(sockets_in_flight(&both, &two[0]), counts[_i].in_flight);
}
END_TEST

/* ---- Datagrams on their way ---- */

static Datagrams datagrams;

/* In a network of our own, where nobody else sends anything. False: we may not. */
static bool go_away_from_others(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	if (unshare(CLONE_NEWNET) == -1 && unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
		return false;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
	return true;
}

/* Calls, bytes by the million, postcards big and empty, and to nobody. */
static void make_traffic(int family)
{
	static char much[65507];
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} there = {.any.sa_family = (sa_family_t)family};
	socklen_t size = family == AF_INET ? sizeof there.four : sizeof there.six;
	if (family == AF_INET)
		there.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		there.six.sin6_addr = in6addr_loopback;
	there.four.sin_port = htons(7007);

	int door = socket(family, SOCK_STREAM, 0), box = socket(family, SOCK_DGRAM, 0);
	int out = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0), pen = socket(family, SOCK_DGRAM, 0);
	if (bind(door, &there.any, size) == -1 || bind(box, &there.any, size) == -1)
		return; /* no such family here */
	listen(door, 3);
	connect(out, &there.any, size);
	int in = accept(door, NULL, NULL);
	for (int i = 0; i < 50; i++) {
		ssize_t n = send(out, much, sizeof much, 0);
		while (n > 0)
			n -= recv(in, much, sizeof much, 0);
		/* Bigger ones would go in pieces with IPv6, whose header is longer. */
		sendto(pen, much, i % 2 ? 0 : family == AF_INET ? sizeof much : 60000, 0, &there.any, size);
		recv(box, much, sizeof much, 0);
	}
	for (int i = 0; i < 400; i++) /* more than it holds: the rest is thrown away */
		sendto(pen, much, 5000, 0, &there.any, size);
	close(box);
	sendto(pen, "?", 1, 0, &there.any, size);
	close(in);
	close(out);
	close(pen);
	close(door);
}

START_TEST(nothing_is_lost_on_the_way)
{
	if (!go_away_from_others())
		return;
	ck_assert(datagrams_have_landed(&datagrams));
	for (int i = 0; i < 5; i++) {
		make_traffic(i % 2 ? AF_INET6 : AF_INET);
		/* The kernel may have put off the last of it. */
		int64_t packets = 0, difference = 1;
		while (difference != 0)
			ck_assert(datagrams_count(&packets, &difference));
		ck_assert(packets > 100 && datagrams_have_landed(&datagrams));
	}
	ck_assert(datagrams.marks == 0 && datagrams.lost == 0);
}
END_TEST

/* what if a packet gets lost? Then marks are needed once, and not again. */
START_TEST(what_was_lost_is_learnt)
{
	struct {
		struct iphdr head;
		char text[4];
	} nonsense = {.head = {.version = 4,
	                       .ihl = 5,
	                       .ttl = 9,
	                       .protocol = 253, /* one that nobody speaks: RFC 3692 */
	                       .saddr = htonl(INADDR_LOOPBACK),
	                       .daddr = htonl(INADDR_LOOPBACK)}};
	if (!go_away_from_others())
		return;
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	struct sockaddr_in there = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (int lost = 1; lost <= 3; lost++) {
		int64_t packets, difference = 0;
		ck_assert_int_eq(sendto(raw, &nonsense, sizeof nonsense, 0, (struct sockaddr *)&there, sizeof there),
		                 sizeof nonsense);
		while (difference != lost) /* the ICMP error that it earns is delivered */
			ck_assert(datagrams_count(&packets, &difference));
		ck_assert(!datagrams_have_landed(&datagrams)); /* for all it knows, it may yet come */
		for (int i = 0; i < 3; i++)
			ck_assert(datagrams_have_landed(&datagrams));
		ck_assert_uint_eq(datagrams.marks, (unsigned)lost);
		ck_assert_int_eq(datagrams.lost, lost);
	}
	make_traffic(AF_INET);
	ck_assert(datagrams_have_landed(&datagrams));
}
END_TEST

/* Where other interfaces receive too, the counts tell nothing, and marks must do: on every CPU that we may use. */
START_TEST(marks_leave_everything_as_it_was)
{
	cpu_set_t before, after;
	ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
	int landed = 0;
	for (int i = 0; i < 10; i++)
		landed += datagrams_have_landed(&datagrams);
	ck_assert(landed > 0 && datagrams.marks > 0);
	ck_assert_int_eq(sched_getaffinity(0, sizeof after, &after), 0);
	ck_assert(CPU_EQUAL(&before, &after));
}
END_TEST

Suite *sockets_suite(void)
{
	Suite *suite = suite_create("sockets");
	TCase *tcase = tcase_create("sockets");
	tcase_add_checked_fixture(tcase, listen_somewhere, NULL);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, it_listens);
	tcase_add_test(tcase, callers_wait_to_be_accepted);
	tcase_add_test(tcase, they_talk);
	tcase_add_test(tcase, one_hangs_up);
	tcase_add_test(tcase, one_resets);
	tcase_add_test(tcase, a_call_that_is_not_taken);
	tcase_add_test(tcase, nobody_reads);
	tcase_add_test(tcase, bytes_that_are_kept_back);
	tcase_add_test(tcase, arrived_and_not_yet_acknowledged);
	tcase_add_test(tcase, a_listener_of_both_families);
	tcase_add_test(tcase, a_mailbox);
	tcase_add_test(tcase, a_mailbox_of_the_other_family);
	tcase_add_loop_test(tcase, a_path_to_call, 0, 2);
	tcase_add_test(tcase, states_have_names);
	tcase_add_test(tcase, nobody_to_ask);
	tcase_add_loop_test(tcase, what_has_arrived_is_not_on_its_way, 0, COUNTS);
	tcase_add_test(tcase, nothing_is_lost_on_the_way);
	tcase_add_test(tcase, what_was_lost_is_learnt);
	tcase_add_test(tcase, marks_leave_everything_as_it_was);
	suite_add_tcase(suite, tcase);
	return suite;
}
