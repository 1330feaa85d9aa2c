#define _GNU_SOURCE
#include "observe/decode.h"

#include "observe/calls.h"
#include "observe/tasks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

typedef struct {
	long value;
	const char *name;
} Name;

#define NAME(x)       \
	{             \
		x, #x \
	}

static const Name families[] = {NAME(AF_UNIX), NAME(AF_INET), NAME(AF_INET6), {0, NULL}};
static const Name types[] = {NAME(SOCK_STREAM), NAME(SOCK_DGRAM), NAME(SOCK_SEQPACKET), {0, NULL}};
static const Name hows[] = {NAME(SHUT_RD), NAME(SHUT_WR), NAME(SHUT_RDWR), {-1, NULL}};
static const Name message_flags[] = {NAME(MSG_NOSIGNAL), NAME(MSG_DONTWAIT), NAME(MSG_PEEK), NAME(MSG_WAITALL),
                                     NAME(MSG_MORE),     NAME(MSG_TRUNC),    NAME(MSG_OOB),  {0, NULL}};
static const Name socket_options[] = {NAME(SO_REUSEADDR), NAME(SO_REUSEPORT), NAME(SO_RCVTIMEO), NAME(SO_SNDTIMEO),
                                      NAME(SO_LINGER),    NAME(SO_KEEPALIVE), NAME(SO_RCVBUF),   NAME(SO_SNDBUF),
                                      NAME(SO_BROADCAST), NAME(SO_ERROR),     NAME(SO_PEERCRED), {0, NULL}};
static const Name tcp_options[] = {
    NAME(TCP_NODELAY), NAME(TCP_CORK), NAME(TCP_QUICKACK), NAME(TCP_DEFER_ACCEPT), {0, NULL}};

static const char *name_of(const Name *names, long value)
{
	for (; names->name != NULL; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

static void add(Decoded *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(Decoded *d, const char *format, ...)
{
	size_t used = strlen(d->text);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(d->text + used, sizeof d->text - used, format, arguments);
	va_end(arguments);
}

static void add_name(Decoded *d, const Name *names, long value)
{
	const char *name = name_of(names, value);
	if (name != NULL)
		add(d, "%s", name);
	else
		add(d, "%ld", value);
}

static void add_flags(Decoded *d, long flags)
{
	const char *between = "";
	if (flags == 0)
		add(d, "0");
	for (const Name *n = message_flags; n->name != NULL; n++)
		if (flags & n->value) {
			add(d, "%s%s", between, n->name);
			between = " | ";
			flags &= ~n->value;
		}
	if (flags != 0)
		add(d, "%s%#lx", between, flags);
}

static void add_address(Decoded *d, const TraceEvent *e, uint64_t at, uint64_t size)
{
	struct sockaddr_storage address = {0};
	char text[INET6_ADDRSTRLEN];
	size = size < sizeof address ? size : sizeof address;
	if (at == 0 || size == 0) {
		add(d, "NULL");
	} else if (!tasks_memory(e->tid, at, &address, size)) {
		add(d, "?");
	} else if (address.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&address;
		add(d, "%s:%u", inet_ntop(AF_INET, &in->sin_addr, text, sizeof text), ntohs(in->sin_port));
	} else if (address.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&address;
		add(d, "[%s]:%u", inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text), ntohs(in->sin6_port));
	} else if (address.ss_family == AF_UNIX) {
		const struct sockaddr_un *un = (const struct sockaddr_un *)&address;
		add(d, "\"%.100s\"", un->sun_path);
	} else {
		add(d, "family %d", address.ss_family);
	}
}

/* How many bytes the character has that is here, in UTF-8 (RFC 3629); 0: none, or none that can be shown. */
static size_t character(const unsigned char *at, size_t left)
{
	static const unsigned least[] = {0, ' ', 160, 0x800, 0x10000};
	size_t n = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
	if (n == 0 || n > left)
		return 0;
	unsigned c = n == 1 ? at[0] : at[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (at[i] & 0x3f);
	}
	return c < least[n] || c == 127 || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff ? 0 : n;
}

/* Bytes as C would write them, cut where it becomes long. */
static void add_bytes(Decoded *d)
{
	enum { MOST = 40 };
	if (d->kept == 0 && d->size > 0) {
		add(d, "?");
		return;
	}
	add(d, "\"");
	size_t i = 0;
	while (i < d->kept && i < MOST) {
		unsigned char c = d->data[i];
		size_t n = character(d->data + i, d->kept - i);
		if (c == '\n')
			add(d, "\\n");
		else if (c == '"' || c == '\\')
			add(d, "\\%c", c);
		else if (n == 0)
			add(d, "\\x%02x", c);
		else
			add(d, "%.*s", (int)n, (const char *)d->data + i);
		i += n > 0 ? n : 1;
	}
	add(d, "\"%s", d->size > i ? "…" : "");
}

static void keep(Decoded *d, const TraceEvent *e, uint64_t at, size_t size)
{
	size_t n = size < sizeof d->data - d->kept ? size : sizeof d->data - d->kept;
	if (n > 0 && tasks_memory(e->tid, at, d->data + d->kept, n))
		d->kept += n;
	d->size += size;
}

static void keep_vector(Decoded *d, const TraceEvent *e, uint64_t at, uint64_t parts, size_t most)
{
	struct iovec vector[16];
	parts = parts < 16 ? parts : 16;
	if (parts == 0 || !tasks_memory(e->tid, at, vector, parts * sizeof *vector))
		return;
	for (uint64_t i = 0; i < parts && most > 0; i++) {
		size_t n = vector[i].iov_len < most ? vector[i].iov_len : most;
		keep(d, e, (uint64_t)(uintptr_t)vector[i].iov_base, n);
		most -= n;
	}
}

/* The data: what is to be sent is there from the start, what is received only afterwards. */
static void keep_data(Decoded *d, const TraceEvent *e)
{
	struct msghdr message;
	bool returns = e->kind == TRACE_RETURNS;
	size_t most = returns && d->hears ? (e->result > 0 ? (size_t)e->result : 0) : SIZE_MAX;
	switch (e->call) {
	case SYS_sendto:
	case SYS_write:
	case SYS_recvfrom:
	case SYS_read:
		keep(d, e, e->arg[1], e->arg[2] < most ? e->arg[2] : most);
		break;
	case SYS_writev:
	case SYS_readv:
		keep_vector(d, e, e->arg[1], e->arg[2], most);
		break;
	case SYS_sendmsg:
	case SYS_recvmsg:
		if (tasks_memory(e->tid, e->arg[1], &message, sizeof message))
			keep_vector(d, e, (uint64_t)(uintptr_t)message.msg_iov, message.msg_iovlen, most);
		break;
	default:
		break;
	}
}

static void add_times(Decoded *d, const TraceEvent *e, uint64_t at, long unit)
{
	struct {
		int64_t whole, part;
	} time;
	if (at == 0)
		add(d, "for ever");
	else if (tasks_memory(e->tid, at, &time, sizeof time))
		add(d, "%lld ms", (long long)(time.whole * 1000 + time.part * unit / 1000000));
	else
		add(d, "?");
}

static void add_ms(Decoded *d, int ms)
{
	if (ms < 0)
		add(d, "for ever");
	else
		add(d, "%d ms", ms);
}

static void add_polled(Decoded *d, const TraceEvent *e)
{
	struct pollfd list[32];
	uint64_t n = e->arg[1] < 32 ? e->arg[1] : 32;
	add(d, "{");
	if (n > 0 && tasks_memory(e->tid, e->arg[0], list, n * sizeof *list))
		for (uint64_t i = 0; i < n; i++) {
			short events = e->kind == TRACE_RETURNS ? list[i].revents : list[i].events;
			add(d, "%s%d", i ? ", " : "", list[i].fd);
			if (events != 0)
				add(d, ":%s%s%s", events & POLLIN ? "in" : "", events & POLLOUT ? "out" : "",
				    events & POLLHUP     ? "hup"
				    : events & POLLERR   ? "err"
				    : events & POLLRDHUP ? "rdhup"
				                         : "");
		}
	add(d, "%s}", e->arg[1] > 32 ? ", …" : "");
}

static void add_selected(Decoded *d, const TraceEvent *e)
{
	fd_set set;
	for (int k = 0; k < 2; k++) {
		if (e->arg[k + 1] == 0 || !tasks_memory(e->tid, e->arg[k + 1], &set, sizeof set))
			continue;
		add(d, "%s{", k ? ", out" : "");
		const char *between = "";
		for (int fd = 0; fd < (int)e->arg[0] && fd < FD_SETSIZE; fd++)
			if (FD_ISSET(fd, &set)) {
				add(d, "%s%d", between, fd);
				between = ", ";
			}
		add(d, "}");
	}
}

/* What getsockopt() has told. */
static void add_told(Decoded *d, const TraceEvent *e, int level, int option)
{
	struct ucred who;
	int error;
	if (e->kind != TRACE_RETURNS || e->result != 0 || level != SOL_SOCKET)
		return;
	if (option == SO_PEERCRED && tasks_memory(e->tid, e->arg[3], &who, sizeof who))
		add(d, ", {pid %d, uid %u, gid %u}", (int)who.pid, (unsigned)who.uid, (unsigned)who.gid);
	else if (option == SO_ERROR && tasks_memory(e->tid, e->arg[3], &error, sizeof error))
		add(d, ", %s", error == 0 ? "0" : strerrorname_np(error));
}

static void add_option(Decoded *d, const TraceEvent *e)
{
	int level = (int)e->arg[1], option = (int)e->arg[2];
	const char *name = level == SOL_SOCKET    ? name_of(socket_options, option)
	                   : level == IPPROTO_TCP ? name_of(tcp_options, option)
	                                          : NULL;
	if (name != NULL)
		add(d, "%s", name);
	else
		add(d, "level %d, option %d", level, option);
	if (e->call != SYS_setsockopt) {
		add_told(d, e, level, option);
		return;
	}
	struct {
		int64_t whole, part;
	} time;
	struct linger linger;
	int value;
	if (level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO) &&
	    tasks_memory(e->tid, e->arg[3], &time, sizeof time))
		add(d, ", %lld ms", (long long)(time.whole * 1000 + time.part / 1000));
	else if (level == SOL_SOCKET && option == SO_LINGER && tasks_memory(e->tid, e->arg[3], &linger, sizeof linger))
		add(d, ", {%d, %d}", linger.l_onoff, linger.l_linger);
	else if (e->arg[4] >= sizeof value && tasks_memory(e->tid, e->arg[3], &value, sizeof value))
		add(d, ", %d", value);
}

static bool makes_a_thread(const TraceEvent *e)
{
	uint64_t flags = e->arg[0];
	if (e->call == SYS_clone3 && !tasks_memory(e->tid, e->arg[0], &flags, sizeof flags))
		flags = 0;
	return (flags & CLONE_THREAD) != 0;
}

const char *decode_name(const TraceEvent *e)
{
	switch (e->call) {
	case SYS_sendto:
		return e->arg[4] != 0 ? "sendto" : "send";
	case SYS_recvfrom:
		return e->arg[4] != 0 ? "recvfrom" : "recv";
	case SYS_clone:
	case SYS_clone3:
		return makes_a_thread(e) ? "pthread_create" : "fork";
#ifdef SYS_fork
	case SYS_fork:
	case SYS_vfork:
		return "fork";
#endif
	case SYS_exit_group:
		return "exit";
	case SYS_wait4:
		return "waitpid";
	default:
		return calls_name(e->call);
	}
}

/* What goes over a call, or to and from a file. */
static void add_talk(Decoded *d, const TraceEvent *e)
{
	bool returns = e->kind == TRACE_RETURNS;
	uint32_t length = 0;
	switch (e->call) {
	case SYS_sendto:
		add(d, "%d, ", d->fd);
		add_bytes(d);
		add(d, ", %llu, ", (unsigned long long)e->arg[2]);
		add_flags(d, (long)(int)e->arg[3]);
		if (e->arg[4] != 0) {
			add(d, ", ");
			add_address(d, e, e->arg[4], e->arg[5]);
		}
		break;
	case SYS_recvfrom:
		add(d, "%d, ", d->fd);
		if (returns && e->result > 0)
			add_bytes(d);
		else
			add(d, "…");
		add(d, ", %llu, ", (unsigned long long)e->arg[2]);
		add_flags(d, (long)(int)e->arg[3]);
		if (returns && e->result >= 0 && e->arg[4] != 0 &&
		    tasks_memory(e->tid, e->arg[5], &length, sizeof length)) {
			add(d, ", ");
			add_address(d, e, e->arg[4], length);
		}
		break;
	case SYS_write:
	case SYS_writev:
	case SYS_sendmsg:
		add(d, "%d, ", d->fd);
		add_bytes(d);
		add(d, ", %zu", d->size);
		break;
	case SYS_read:
	case SYS_readv:
	case SYS_recvmsg:
		add(d, "%d, ", d->fd);
		if (returns && e->result > 0)
			add_bytes(d);
		else
			add(d, "…");
		if (e->call == SYS_read)
			add(d, ", %llu", (unsigned long long)e->arg[2]);
		break;
	case SYS_sendfile:
		add(d, "%d, %d, …, %llu", d->fd, (int)e->arg[1], (unsigned long long)e->arg[3]);
		break;
	default:
		break;
	}
}

/* What waits for several, or for a child. */
static void add_wait(Decoded *d, const TraceEvent *e)
{
	switch (e->call) {
#ifdef SYS_poll
	case SYS_poll:
		add_polled(d, e);
		add(d, ", ");
		add_ms(d, (int)e->arg[2]);
		break;
	case SYS_select:
		add_selected(d, e);
		add(d, ", ");
		add_times(d, e, e->arg[4], 1000);
		break;
#endif
	case SYS_ppoll:
		add_polled(d, e);
		add(d, ", ");
		add_times(d, e, e->arg[2], 1);
		break;
	case SYS_pselect6:
		add_selected(d, e);
		add(d, ", ");
		add_times(d, e, e->arg[4], 1);
		break;
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
	case SYS_epoll_pwait:
		add(d, "%d, ", d->fd);
		add_ms(d, (int)e->arg[3]);
		break;
	case SYS_epoll_ctl:
		add(d, "%d, %s, %d", d->fd,
		    e->arg[1] == EPOLL_CTL_ADD   ? "EPOLL_CTL_ADD"
		    : e->arg[1] == EPOLL_CTL_DEL ? "EPOLL_CTL_DEL"
		                                 : "EPOLL_CTL_MOD",
		    (int)e->arg[2]);
		break;
	case SYS_wait4:
		if ((int)e->arg[0] == -1)
			add(d, "any child");
		else
			add(d, "%d", (int)e->arg[0]);
		break;
	default:
		break;
	}
}

static void add_arguments(Decoded *d, const TraceEvent *e)
{
	bool returns = e->kind == TRACE_RETURNS;
	uint32_t length = 0;
	switch (e->call) {
	case SYS_socket:
	case SYS_socketpair:
		add_name(d, families, (long)e->arg[0]);
		add(d, ", ");
		add_name(d, types, (long)(e->arg[1] & 0xf));
		add(d, "%s%s, %d", e->arg[1] & SOCK_NONBLOCK ? " | SOCK_NONBLOCK" : "",
		    e->arg[1] & SOCK_CLOEXEC ? " | SOCK_CLOEXEC" : "", (int)e->arg[2]);
		break;
	case SYS_bind:
	case SYS_connect:
		add(d, "%d, ", d->fd);
		add_address(d, e, e->arg[1], e->arg[2]);
		break;
	case SYS_listen:
		add(d, "%d, %d", d->fd, (int)e->arg[1]);
		break;
	case SYS_accept:
	case SYS_accept4:
		add(d, "%d", d->fd);
		if (returns && e->result >= 0 && e->arg[1] != 0 &&
		    tasks_memory(e->tid, e->arg[2], &length, sizeof length) && length > 0) {
			add(d, ", ");
			add_address(d, e, e->arg[1], length);
		}
		break;
	case SYS_shutdown:
		add(d, "%d, ", d->fd);
		add_name(d, hows, (long)e->arg[1]);
		break;
	case SYS_setsockopt:
	case SYS_getsockopt:
		add(d, "%d, ", d->fd);
		add_option(d, e);
		break;
	case SYS_close:
	case SYS_exit_group:
		add(d, "%d", (int)e->arg[0]);
		break;
	default:
		add_talk(d, e);
		add_wait(d, e);
		break;
	}
}

void decode_call(const TraceEvent *e, Decoded *d)
{
	d->text[0] = '\0';
	d->size = d->kept = 0;
	d->name = decode_name(e);
	switch (e->call) {
	case SYS_socket:
	case SYS_socketpair:
	case SYS_clone:
	case SYS_clone3:
#ifdef SYS_poll
	case SYS_poll:
	case SYS_select:
	case SYS_fork:
	case SYS_vfork:
	case SYS_pause:
#endif
	case SYS_ppoll:
	case SYS_pselect6:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_exit_group:
	case SYS_epoll_create1:
#ifdef SYS_epoll_create
	case SYS_epoll_create:
#endif
		d->fd = -1;
		break;
	default:
		d->fd = (int)e->arg[0];
	}
	d->speaks = e->call == SYS_sendto || e->call == SYS_sendmsg || e->call == SYS_write || e->call == SYS_writev ||
	            e->call == SYS_sendfile;
	d->hears = e->call == SYS_recvfrom || e->call == SYS_recvmsg || e->call == SYS_read || e->call == SYS_readv;
	if (d->speaks || (d->hears && e->kind == TRACE_RETURNS))
		keep_data(d, e);
	add(d, "%s(", d->name);
	add_arguments(d, e);
	add(d, ")");
	/* The text is what the program has asked for; the data is what was sent. */
	size_t sent = e->kind != TRACE_RETURNS ? SIZE_MAX : e->result > 0 ? (size_t)e->result : 0;
	if (d->speaks && d->size > sent)
		d->size = sent;
	if (d->speaks && d->kept > sent)
		d->kept = sent;
}

const char *decode_result(const TraceEvent *e, char *text)
{
	if (e->result < 0 && e->result > -4096)
		snprintf(text, 96, "-1 %s (%s)", strerrorname_np((int)-e->result), strerrordesc_np((int)-e->result));
	else
		snprintf(text, 96, "%lld", (long long)e->result);
	return text;
}
