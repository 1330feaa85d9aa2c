#define _GNU_SOURCE
#include "step/stage.h"

#include "observe/calls.h"
#include "observe/callsite.h"
#include "observe/decode.h"
#include "observe/stop.h"
#include "observe/wire.h"
#include "peer/line.h"
#include "peer/story.h"
#include "program/trouble.h"
#include "step/mailbox.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_ACTORS = 16, MOST_THREADS = 64, MOST_NEWS = 4096, MOST_PORTS = 256 };

typedef struct {
	pid_t pid, tid;
	char name[48]; /* "server", "server.1" */
	bool gone;
	unsigned held_since; /* the step in which it came to be held, and its rank there; 0: it is not */
	bool blocked_told;
	bool aside;  /* the call that it is in is one about the terminal alone */
	Where asked; /* where that was made: only who is held can be asked */
} Thread;

struct Actor {
	char name[32];
	const Subject *program;
	const char *const *arguments;
	InputKind input;
	Party *party;
	Thread thread[MOST_THREADS];
	size_t threads;
	size_t out_told, err_told; /* so much of its output is on the tape */
	bool ended_told;
	bool crowded; /* it has more threads than there is room for */
};

/* What happened in one step, before it is put in order. */
typedef struct {
	Actor *actor;
	size_t thread, order;
	json_t *event;
} News;

static Actor actors[MOST_ACTORS];
static size_t actor_count;
static Tape *tape;
static int step_number;
static unsigned ranks;
static News news[MOST_NEWS];
static size_t news_count;
static int child_news = -1;
static bool following; /* nobody is held */
static struct {
	in_port_t port;
	const Actor *actor;
} owners[MOST_PORTS];
static size_t owner_count;

/* --- the tape --- */

static void put(const char *text, json_t *event, const char *field)
{
	json_t *as_it_is = json_string(text); /* NULL: not UTF-8 */
	char *safe = tape_bytes(text, strlen(text));
	json_object_set_new(event, field, as_it_is != NULL ? as_it_is : json_string(safe));
	free(safe);
}

static json_t *new_event(const char *kind)
{
	json_t *event = json_object();
	json_object_set_new(event, "event", json_string(kind));
	json_object_set_new(event, "step", json_integer(step_number));
	return event;
}

static void note(Actor *actor, size_t thread, json_t *event)
{
	if (following) {
		json_object_set_new(event, "who", json_string(actor->name));
		json_object_set_new(event, "thread", json_string(actor->thread[thread].name));
		tape_add(tape, event);
		return;
	}
	if (news_count == MOST_NEWS) {
		json_decref(event); /* a program that makes thousands of calls on its terminal: the rest is not told */
		return;
	}
	json_object_set_new(event, "who", json_string(actor->name));
	json_object_set_new(event, "thread", json_string(actor->thread[thread].name));
	news[news_count] = (News){actor, thread, news_count, event};
	news_count++;
}

/* --- threads --- */

static Thread *find_thread(pid_t tid, Actor **actor, size_t *index)
{
	for (size_t a = 0; a < actor_count; a++)
		for (size_t i = 0; i < actors[a].threads; i++)
			if (actors[a].thread[i].tid == tid && !actors[a].thread[i].gone) {
				*actor = &actors[a];
				*index = i;
				return &actors[a].thread[i];
			}
	return NULL;
}

/* False: there is no room for it. It runs unseen then, and that is told once. */
static bool add_thread(Actor *actor, pid_t pid, pid_t tid)
{
	if (actor->threads == MOST_THREADS) {
		char text[128];
		json_t *event = new_event("warns");
		snprintf(text, sizeof text, "%s has more than %d threads and processes: the others are not shown",
		         actor->name, MOST_THREADS);
		put(text, event, "text");
		if (!actor->crowded)
			tape_add(tape, event);
		else
			json_decref(event);
		actor->crowded = true;
		return false;
	}
	Thread *t = &actor->thread[actor->threads];
	char name[sizeof actor->name];
	memcpy(name, actor->name, sizeof name);
	*t = (Thread){.pid = pid, .tid = tid};
	if (actor->threads == 0)
		snprintf(t->name, sizeof t->name, "%s", name);
	else
		snprintf(t->name, sizeof t->name, "%s.%u", name, (unsigned)actor->threads % 1000);
	actor->threads++;
	return true;
}

/* --- calls --- */

static bool is_terminal(int fd)
{
	return fd >= 0 && fd <= 2;
}

/* A call about the terminal alone. */
static bool is_aside(const TraceEvent *e, const Decoded *d)
{
	switch (e->call) {
	case SYS_read:
	case SYS_readv:
	case SYS_write:
	case SYS_writev:
		return is_terminal(d->fd);
	case SYS_exit_group:
		return true;
	default:
		break;
	}
	/* Who waits for the keyboard, and for nothing else. */
	return strncmp(d->text, "select({0}, ", 12) == 0 || strncmp(d->text, "poll({0:in}, ", 13) == 0 ||
	       strncmp(d->text, "ppoll({0:in}, ", 14) == 0;
}

static bool find_place(const Actor *actor, const TraceEvent *e, Where *where)
{
	where->line = 0;
	return actor->party->sources != NULL && callsite_find(e, actor->party->sources, actor->party->shown, where);
}

static void put_place(json_t *event, const Where *where)
{
	put(where->file, event, "file");
	json_object_set_new(event, "line", json_integer(where->line));
	put(where->function, event, "function");
}

static void add_place(json_t *event, const Actor *actor, const TraceEvent *e)
{
	Where where;
	if (find_place(actor, e, &where))
		put_place(event, &where);
}

static json_t *call_event(const char *kind, const TraceEvent *e, const Decoded *d)
{
	json_t *event = new_event(kind);
	json_object_set_new(event, "call", json_string(d->name));
	put(d->text, event, "text");
	if (d->fd >= 0)
		json_object_set_new(event, "fd", json_integer(d->fd));
	(void)e;
	return event;
}

static void note_entering(Actor *actor, size_t thread, const TraceEvent *e, const Decoded *d)
{
	json_t *event = call_event("enters", e, d);
	add_place(event, actor, e);
	note(actor, thread, event);
}

static void note_returning(Actor *actor, size_t thread, const TraceEvent *e, const Decoded *d)
{
	char result[96];
	json_t *event = call_event("returns", e, d);
	json_object_set_new(event, "result", json_integer(e->result < 0 ? -1 : e->result));
	put(decode_result(e, result), event, "says");
	if (e->result < 0)
		json_object_set_new(event, "errno", json_string(strerrorname_np((int)-e->result)));
	if (d->size > 0) {
		char *data = tape_bytes(d->data, d->kept);
		json_object_set_new(event, "data", json_string(data));
		json_object_set_new(event, "size", json_integer((json_int_t)d->size));
		free(data);
	}
	add_place(event, actor, e);
	note(actor, thread, event);
}

static void entered(const TraceEvent *e)
{
	static Decoded d;
	Actor *actor;
	size_t i;
	Thread *t = find_thread(e->tid, &actor, &i);
	if (t == NULL) {
		trace_go(e->tid); /* one thread too many */
		return;
	}
	decode_call(e, &d);
	t->blocked_told = false;
	t->aside = is_aside(e, &d);
	if (t->aside) {
		if (e->call != SYS_exit_group)
			find_place(actor, e, &t->asked);
		trace_go(e->tid);
		return;
	}
	note_entering(actor, i, e, &d);
	if (following)
		trace_go(e->tid);
	else
		t->held_since = ++ranks;
}

/* The socket behind a descriptor, as it was at the last look; NULL: none, or one that is not in any list yet. */
static const Socket *socket_of(const TraceEvent *e, const Decoded *d)
{
	uint64_t inode = d->fd >= 0 ? tasks_socket_inode(e->pid, d->fd) : 0;
	return inode != 0 ? sockets_by_inode(&room_now()->scene.sockets, inode) : NULL;
}

/* A datagram that was looked at with MSG_PEEK stays where it is. */
static bool takes_a_datagram(const TraceEvent *e, const Decoded *d)
{
	bool peeks =
	    (e->call == SYS_recvfrom && (e->arg[3] & MSG_PEEK)) || (e->call == SYS_recvmsg && (e->arg[2] & MSG_PEEK));
	const Socket *s = d->hears && e->result >= 0 && !peeks ? socket_of(e, d) : NULL;
	return s != NULL && s->kind == SOCKET_UDP;
}

static void returned(const TraceEvent *e)
{
	static Decoded d;
	Actor *actor;
	size_t i;
	Thread *t = find_thread(e->tid, &actor, &i);
	if (t != NULL && !t->aside) {
		decode_call(e, &d);
		note_returning(actor, i, e, &d);
		if (takes_a_datagram(e, &d))
			mailbox_taken(socket_of(e, &d)->inode);
	}
	trace_go(e->tid);
}

static void born(const TraceEvent *e)
{
	Actor *actor;
	size_t i;
	if (find_thread(e->by, &actor, &i) == NULL)
		return;
	bool thread = e->tid != e->pid;
	if (!add_thread(actor, e->pid, e->tid))
		return;
	json_t *event = new_event(thread ? "thread" : "process");
	json_object_set_new(event, "by", json_string(actor->thread[i].name));
	note(actor, actor->threads - 1, event);
}

static void ended(const TraceEvent *e)
{
	Actor *actor;
	size_t i;
	Thread *t = find_thread(e->tid, &actor, &i);
	if (t == NULL)
		return;
	t->gone = true;
	t->held_since = 0;
	json_t *event = new_event("ends");
	char text[96];
	if (e->tid != e->pid)
		snprintf(text, sizeof text, "the thread ends");
	else if (WIFSIGNALED(e->status))
		snprintf(text, sizeof text, "SIG%s", sigabbrev_np(WTERMSIG(e->status)));
	else
		snprintf(text, sizeof text, "exit status %d", WEXITSTATUS(e->status));
	json_object_set_new(event, "how", json_string(text));
	note(actor, i, event);
}

/* Of the end of a child only who has asked for it is told: to others nothing happens. */
static bool is_heard(const TraceEvent *e)
{
	long long caught = e->signal == SIGCHLD ? stop_status_field(e->tid, "SigCgt", 16) : -1;
	return caught == -1 || (caught >> (SIGCHLD - 1) & 1) != 0;
}

static void signalled(const TraceEvent *e)
{
	Actor *actor;
	size_t i;
	char text[32];
	if (!is_heard(e) || find_thread(e->tid, &actor, &i) == NULL)
		return;
	snprintf(text, sizeof text, "SIG%s", sigabbrev_np(e->signal));
	json_t *event = new_event("signal");
	json_object_set_new(event, "signal", json_string(text));
	note(actor, i, event);
}

/* What the tracer has to tell. A call that has returned is let go on at once, to the next. */
static bool pump(void)
{
	TraceEvent e;
	bool any = false;
	struct signalfd_siginfo info[8];
	while (child_news != -1 && read(child_news, info, sizeof info) > 0)
		;
	while (trace_pump(&e)) {
		any = true;
		switch (e.kind) {
		case TRACE_ENTERS:
			entered(&e);
			break;
		case TRACE_RETURNS:
			returned(&e);
			break;
		case TRACE_BORN:
			born(&e);
			break;
		case TRACE_EXECS:
			callsite_forget(e.pid);
			break;
		case TRACE_SIGNAL:
			signalled(&e);
			break;
		case TRACE_ENDS:
			ended(&e);
			break;
		}
	}
	return any;
}

/* --- after a step --- */

static int by_part(const void *a, const void *b)
{
	const News *x = a, *y = b;
	if (x->actor != y->actor)
		return x->actor < y->actor ? -1 : 1;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Whoever made the step first, then the others by their parts; each one's own events in their order. */
static void tell_news(const Actor *mover, size_t moving_thread)
{
	News *first = malloc((news_count + 1) * sizeof *first);
	size_t n = 0;
	if (first == NULL)
		trouble("no memory");
	for (size_t i = 0; i < news_count; i++)
		if (news[i].actor == mover && news[i].thread == moving_thread)
			first[n++] = news[i];
	size_t moved = n;
	for (size_t i = 0; i < news_count; i++)
		if (news[i].actor != mover || news[i].thread != moving_thread)
			first[n++] = news[i];
	qsort(first + moved, n - moved, sizeof *first, by_part);
	for (size_t i = 0; i < n; i++)
		tape_add(tape, first[i].event);
	free(first);
	news_count = 0;
}

/* Who came to be held in this step is ranked in the order of telling, and not in that of the kernel. */
static void rank_again(const Actor *mover, size_t moving_thread, unsigned before)
{
	Thread *held[MOST_ACTORS * MOST_THREADS];
	size_t n = 0;
	for (int turn = 0; turn < 2; turn++)
		for (size_t a = 0; a < actor_count; a++)
			for (size_t i = 0; i < actors[a].threads; i++) {
				bool moved = &actors[a] == mover && i == moving_thread;
				if (actors[a].thread[i].held_since > before && moved == (turn == 0))
					held[n++] = &actors[a].thread[i];
			}
	for (size_t i = 0; i < n; i++)
		held[i]->held_since = before + 1 + (unsigned)i;
	ranks = before + (unsigned)n;
}

static const char *waits_for(const TraceEvent *e, const Decoded *d)
{
	const Socket *s = d->hears ? socket_of(e, d) : NULL;
	switch (e->call) {
	case SYS_accept:
	case SYS_accept4:
		return "for somebody to call";
	case SYS_connect:
		return "for an answer to its SYN";
	case SYS_wait4:
	case SYS_waitid:
		return "for a child to end";
#ifdef SYS_pause
	case SYS_pause:
		return "for a signal";
#endif
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_write:
	case SYS_writev:
		return "for room: the other side does not read";
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_read:
		return s != NULL && s->kind == SOCKET_UDP ? "for a datagram"
		       : is_terminal(d->fd)               ? "for input"
		                                          : "for bytes from the other side";
	default:
		return "for something to happen";
	}
}

/* Whoever is in a call and has not come back is blocked in it. */
static void tell_blocked(void)
{
	static Decoded d;
	for (size_t a = 0; a < actor_count; a++)
		for (size_t i = 0; i < actors[a].threads; i++) {
			Thread *t = &actors[a].thread[i];
			TraceEvent e;
			if (t->gone || t->blocked_told || !trace_is_in_call(t->tid, &e))
				continue;
			decode_call(&e, &d);
			json_t *event = call_event("blocks", &e, &d);
			json_object_set_new(event, "for", json_string(t->aside ? "for input" : waits_for(&e, &d)));
			json_object_set_new(event, "who", json_string(actors[a].name));
			json_object_set_new(event, "thread", json_string(t->name));
			/* What it says of the place was told when it entered; a keyboard's was not. */
			if (t->aside && t->asked.line > 0)
				put_place(event, &t->asked);
			tape_add(tape, event);
			t->blocked_told = true;
		}
}

static void tell_output(Actor *actor, const Output *out, size_t *told, const char *stream)
{
	if (out->size <= *told)
		return;
	json_t *event = new_event("prints");
	json_object_set_new(event, "who", json_string(actor->name));
	json_object_set_new(event, "stream", json_string(stream));
	char *text = tape_bytes(out->text + *told, out->size - *told);
	json_object_set_new(event, "text", json_string(text));
	free(text);
	*told = out->size;
	tape_add(tape, event);
}

/* --- sockets and packets --- */

static const Actor *owner_of_port(in_port_t port)
{
	for (size_t i = owner_count; i > 0; i--)
		if (owners[i - 1].port == port)
			return owners[i - 1].actor;
	return NULL;
}

static void own_port(in_port_t port, const Actor *actor)
{
	if (port == 0 || owner_of_port(port) == actor)
		return;
	size_t i = owner_count < MOST_PORTS ? owner_count++ : (size_t)port % MOST_PORTS;
	owners[i].port = port;
	owners[i].actor = actor;
}

/* Who holds the socket, and as which descriptor. The first part's, where a child has it too. */
static const Actor *holder(const Socket *s, int *fd)
{
	*fd = -1;
	if (s->inode == 0)
		return owner_of_port(s->port);
	for (size_t a = 0; a < actor_count; a++)
		for (size_t i = 0; i < actors[a].threads; i++) {
			const Thread *t = &actors[a].thread[i];
			char path[64];
			if (t->gone || t->tid != t->pid)
				continue;
			snprintf(path, sizeof path, "/proc/%d/fd", t->pid);
			DIR *list = opendir(path);
			for (struct dirent *entry; list != NULL && *fd == -1 && (entry = readdir(list)) != NULL;)
				if (entry->d_name[0] != '.' &&
				    tasks_socket_inode(t->pid, atoi(entry->d_name)) == s->inode)
					*fd = atoi(entry->d_name);
			if (list != NULL)
				closedir(list);
			if (*fd != -1)
				return &actors[a];
		}
	return owner_of_port(s->port);
}

/* Whose port it is: an actor's, or that of one of the reference peer's lines; NULL: nobody's that we know. */
static const char *name_of_port(in_port_t port)
{
	const Actor *actor = owner_of_port(port);
	size_t count = 0;
	Line *const *lines = line_all(&count);
	for (size_t i = count; actor == NULL && i > 0; i--)
		if (lines[i - 1]->port == port && port != 0)
			return lines[i - 1]->who;
	return actor != NULL ? actor->name : NULL;
}

static json_t *name_or_null(const char *name)
{
	return name != NULL ? json_string(name) : json_null();
}

static void describe_ports(json_t *socket, const Socket *s)
{
	json_object_set_new(socket, "port", json_integer(s->port));
	json_object_set_new(socket, "remote_port", json_integer(s->remote_port));
}

/* The FIN counts as a byte that nobody can read (rcv_nxt - copied_seq, net/ipv4/tcp_diag.c). */
static void describe_tcp(json_t *socket, const Socket *s)
{
	bool farewell = s->state == TCP_CLOSE_WAIT || s->state == TCP_LAST_ACK || s->state == TCP_CLOSING;
	describe_ports(socket, s);
	json_object_set_new(socket, "receive_queue", json_integer(s->rqueue - (farewell && s->rqueue > 0)));
	json_object_set_new(socket, "send_queue", json_integer(s->wqueue));
}

static void describe_udp(json_t *socket, const Socket *s)
{
	size_t count, bytes;
	bool known = mailbox_waiting(s, &count, &bytes);
	describe_ports(socket, s);
	json_object_set_new(socket, "receive_queue", json_integer(known ? (json_int_t)bytes : s->rqueue));
	json_object_set_new(socket, "send_queue", json_integer(0)); /* what is sent is in the other's queue, or lost */
	json_object_set_new(socket, "datagrams", known ? json_integer((json_int_t)count) : json_null());
}

/* The path, which its caller has none of, and who has the other end. */
static void describe_unix(json_t *socket, const Socket *s)
{
	int fd;
	const Socket *peer = s->peer != 0 ? sockets_by_inode(&room_now()->scene.sockets, s->peer) : NULL;
	const Actor *other = peer != NULL ? holder(peer, &fd) : NULL;
	put(s->path, socket, "path");
	json_object_set_new(socket, "peer", name_or_null(other != NULL ? other->name : NULL));
	json_object_set_new(socket, "receive_queue", json_integer(s->rqueue));
	json_object_set_new(socket, "send_queue", json_integer(0)); /* what is sent is in the other's queue */
}

/* NULL: the harness's own, and of no interest. */
static json_t *describe(const Socket *s)
{
	static const char *const protocols[] = {[SOCKET_TCP] = "TCP", [SOCKET_UDP] = "UDP", [SOCKET_UNIX] = "UNIX"};
	int fd;
	const Actor *actor = holder(s, &fd);
	const char *name = actor != NULL ? actor->name : name_of_port(s->port);
	if (s->kind == SOCKET_UNIX && actor == NULL)
		return NULL;
	if (actor != NULL)
		own_port(s->port, actor);
	bool no_calls = s->kind == SOCKET_UDP || (s->kind == SOCKET_UNIX && s->type == SOCK_DGRAM);
	json_t *socket = json_object();
	json_object_set_new(socket, "who", name_or_null(name));
	json_object_set_new(socket, "fd", fd != -1 ? json_integer(fd) : json_null());
	json_object_set_new(socket, "protocol", json_string(protocols[s->kind]));
	json_object_set_new(socket, "state", json_string(no_calls ? protocols[s->kind] : sockets_state_name(s->state)));
	if (s->kind == SOCKET_TCP)
		describe_tcp(socket, s);
	else if (s->kind == SOCKET_UDP)
		describe_udp(socket, s);
	else
		describe_unix(socket, s);
	if (s->state == TCP_LISTEN)
		json_object_set_new(socket, "backlog", json_integer(s->wqueue));
	return socket;
}

/* Ports that the kernel chose are other ones each time: they are told in the order in which they were first seen. */
static size_t age_of_port(const json_t *socket, const char *field)
{
	size_t i = 0;
	while (i < owner_count && owners[i].port != tape_number(socket, field))
		i++;
	return i;
}

static long long rank_of_fd(const json_t *socket)
{
	return json_is_integer(json_object_get(socket, "fd")) ? tape_number(socket, "fd") : INT_MAX;
}

static int by_owner(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int order = strcmp(tape_text(y, "who"), tape_text(x, "who")); /* server before client */
	if (order != 0)
		return order;
	if (rank_of_fd(x) != rank_of_fd(y))
		return rank_of_fd(x) < rank_of_fd(y) ? -1 : 1;
	static const char *const ports[] = {"port", "remote_port"};
	for (size_t i = 0; i < 2; i++) {
		size_t p = age_of_port(x, ports[i]), q = age_of_port(y, ports[i]);
		if (p != q)
			return p < q ? -1 : 1;
	}
	return strcmp(tape_text(x, "protocol"), tape_text(y, "protocol"));
}

static json_t *sockets_now(void)
{
	const SocketList *list = &room_now()->scene.sockets;
	still_look(&room_now()->scene);
	mailbox_settle(list);
	json_t **each = calloc(list->count + 1, sizeof *each), *all = json_array();
	size_t n = 0;
	for (size_t i = 0; each != NULL && i < list->count; i++)
		if ((each[n] = describe(&list->socket[i])) != NULL)
			n++;
	if (n > 0)
		qsort(each, n, sizeof *each, by_owner);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, each[i]);
	free(each);
	return all;
}

/* The packets of this step, from port to port. Whose those are is known when the sockets have been looked at. */
static json_t *packets_seen;

static void take_packets(void)
{
	WirePacket p;
	char flags[40];
	if (packets_seen == NULL)
		packets_seen = json_array();
	while (wire_next(&p)) {
		json_t *event = new_event("packet");
		json_object_set_new(event, "protocol", json_string(p.icmp ? "ICMP" : p.udp ? "UDP" : "TCP"));
		json_object_set_new(event, "from", json_null());
		json_object_set_new(event, "from_port", json_integer(p.from));
		json_object_set_new(event, "to", json_null());
		json_object_set_new(event, "to_port", json_integer(p.to));
		if (p.udp)
			mailbox_sent(p.from, p.to, p.size);
		if (!p.udp && !p.icmp) {
			json_object_set_new(event, "flags", json_string(wire_flags(p.flags, flags)));
			json_object_set_new(event, "sequence", json_integer(p.sequence));
			json_object_set_new(event, "acknowledged", json_integer(p.acknowledged));
			json_object_set_new(event, "window", json_integer(p.window));
		}
		if (p.icmp) {
			char says[48] = "port unreachable";
			if (p.type != 3 || p.code != 3)
				snprintf(says, sizeof says, "type %u, code %u", p.type, p.code);
			json_object_set_new(event, "says", json_string(says));
		}
		json_object_set_new(event, "size", json_integer((json_int_t)p.size));
		char *data = tape_bytes(p.data, p.data_size < DECODE_DATA ? p.data_size : DECODE_DATA);
		if (p.size > 0)
			json_object_set_new(event, "data", json_string(data));
		free(data);
		json_array_append_new(packets_seen, event);
	}
}

static void tell_packets(void)
{
	size_t i;
	json_t *event;
	json_array_foreach(packets_seen, i, event)
	{
		in_port_t from = (in_port_t)tape_number(event, "from_port"),
			  to = (in_port_t)tape_number(event, "to_port");
		const char *speaker = name_of_port(from), *hearer = name_of_port(to);
		if (speaker == NULL && hearer == NULL && !room_is_private())
			continue; /* the machine's own business */
		json_object_set_new(event, "from", name_or_null(speaker));
		json_object_set_new(event, "to", name_or_null(hearer));
		tape_add(tape, json_incref(event));
	}
	json_array_clear(packets_seen);
}

/* What a step has led to, but for the calls. */
static void tell_the_rest(void)
{
	tell_blocked();
	for (size_t a = 0; a < actor_count; a++) {
		if (actors[a].party == NULL)
			continue;
		tell_output(&actors[a], &actors[a].party->out, &actors[a].out_told, "out");
		tell_output(&actors[a], &actors[a].party->err, &actors[a].err_told, "err");
	}
	take_packets();
	json_t *sockets = sockets_now(); /* they tell whose ports the packets' are */
	tell_packets();
	json_t *event = new_event("sockets");
	json_object_set_new(event, "sockets", sockets);
	tape_add(tape, event);
}

/* Something has been sent, or a farewell, that the other side's kernel has not acknowledged yet. */
static bool owes_an_ack(const SocketList *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const Socket *s = &list->socket[i];
		bool shut = s->timer == 4 && s->window == 0;
		bool farewell = s->state == TCP_FIN_WAIT1 || s->state == TCP_CLOSING || s->state == TCP_LAST_ACK;
		bool calls = s->state == TCP_LISTEN || s->state == TCP_SYN_SENT;
		if ((farewell || (!calls && s->wqueue > 0)) && !shut)
			return true;
	}
	return false;
}

/* An ACK may come 40 ms late (man 7 tcp, TCP_QUICKACK), and belongs to this step all the same. Where the wire cannot be heard,
 * nobody sees it either. */
static void let_acks_come(void)
{
	enum { MOST_MS = 1000 }; /* of one packet: twice what RFC 1122, 4.2.3.2 allows an ACK */
	do {
		take_packets(); /* what comes from now on, wakes us */
		still_look(&room_now()->scene);
	} while (owes_an_ack(&room_now()->scene.sockets) && wire_wait(MOST_MS));
}

/* All that follows from what was just done happens, and goes on the tape. */
static void settle(const Actor *mover, size_t thread)
{
	unsigned before = ranks;
	party_also_pump(pump);
	party_watch(NULL, NULL, WATCH_START | WATCH_UNHEARD, child_news);
	let_acks_come();
	rank_again(mover, thread, before);
	tell_news(mover, thread);
	tell_the_rest();
}

static void open_wire(const char *packets)
{
	char why[256], text[320];
	if (wire_open(packets, why, sizeof why))
		return;
	snprintf(text, sizeof text, "packets cannot be shown here: %s", why);
	json_t *event = new_event("warns");
	put(text, event, "text");
	tape_add(tape, event);
}

/* --- following --- */

static void follow(Party *party)
{
	char name[32];
	if (actor_count == MOST_ACTORS)
		return;
	snprintf(name, sizeof name, "%s", party->who);
	for (int number = 2; stage_actor(name) != NULL && number < 100; number++)
		snprintf(name, sizeof name, "%.24s-%d", party->who, number);
	Actor *actor = stage_cast(name, NULL, NULL, party->kind);
	actor->party = party;
	add_thread(actor, party->pid, party->pid);
}

/* The reference peer's lines have parts, too. */
static void cast_reference(void)
{
	static size_t told;
	size_t count;
	Line *const *lines = line_all(&count);
	for (; told < count; told++) {
		json_t *event = new_event("party");
		json_object_set_new(event, "who", json_string(lines[told]->who));
		json_object_set_new(event, "program", json_string("(reference)"));
		tape_add(tape, event);
	}
}

/* A line of the story: what it led to up to now belongs to the line before. */
static void story_goes_on(const char *line)
{
	if (room_now() == NULL)
		return;
	pump();
	cast_reference();
	if (step_number > 0)
		tell_the_rest();
	else
		open_wire(NULL);
	step_number++;
	json_t *event = new_event("step");
	json_object_set_new(event, "does", json_string("story"));
	put(line, event, "text");
	tape_add(tape, event);
}

void stage_follow(Tape *t)
{
	tape = t;
	following = true;
	party_trace_all(follow);
	party_also_pump(pump);
	story_also_tell(story_goes_on);
}

/* --- the verbs --- */

void stage_open(Tape *t, const char *packets, char *const *visible)
{
	sigset_t child;
	tape = t;
	room_open(visible);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	child_news = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	open_wire(packets);
}

Actor *stage_cast(const char *name, const Subject *program, const char *const *arguments, InputKind input)
{
	if (actor_count == MOST_ACTORS)
		trouble("too many parts");
	Actor *actor = &actors[actor_count++];
	*actor = (Actor){.program = program, .arguments = arguments, .input = input};
	snprintf(actor->name, sizeof actor->name, "%s", name);
	return actor;
}

Actor *stage_actor(const char *name)
{
	for (size_t i = 0; i < actor_count; i++)
		if (strcmp(actors[i].name, name) == 0)
			return &actors[i];
	return NULL;
}

Actor *stage_actor_at(size_t i)
{
	return i < actor_count ? &actors[i] : NULL;
}

const char *stage_name(const Actor *actor)
{
	return actor->name;
}

static json_t *begin_step(const char *does, const Actor *actor)
{
	step_number++;
	json_t *event = new_event("step");
	json_object_set_new(event, "does", json_string(does));
	json_object_set_new(event, "who", json_string(actor->name));
	return event;
}

void stage_start(Actor *actor)
{
	json_t *event = begin_step("start", actor), *command = json_array();
	json_array_append_new(command, json_string(actor->program->name));
	for (const char *const *a = actor->arguments; a != NULL && *a != NULL; a++)
		json_array_append_new(command, json_string(*a));
	json_object_set_new(event, "command", command);
	tape_add(tape, event);
	/* Before it is traced: its first events are about a thread that must have a name by then. */
	StartAs as = {.input = actor->input, .traced = true};
	actor->party = party_start(actor->name, actor->program->argv, actor->arguments, as);
	actor->party->sources = actor->party->shown = actor->program->shown;
	actor->threads = 0;
	add_thread(actor, actor->party->pid, actor->party->pid);
	if (actor->party->start_error != 0)
		trouble("%s: %s", actor->program->argv[0], strerror(actor->party->start_error));
	settle(actor, 0);
}

/* In one piece: else whoever is woken by the first key may or may not find the others. */
void stage_type(Actor *actor, const char *text, bool enter)
{
	char *all;
	const char *end = !enter ? "" : actor->input == INPUT_TERMINAL ? "\r" : "\n";
	json_t *event = begin_step(enter ? "type" : "keys", actor);
	put(text, event, "text");
	tape_add(tape, event);
	if (asprintf(&all, "%s%s", text, end) == -1)
		trouble("no memory");
	party_input(actor->party, all, strlen(all));
	free(all);
	settle(actor, 0);
}

void stage_end_input(Actor *actor)
{
	tape_add(tape, begin_step("end of input", actor));
	party_end_input(actor->party);
	settle(actor, 0);
}

void stage_signal(Actor *actor, int signal)
{
	char text[32];
	snprintf(text, sizeof text, "SIG%s", sigabbrev_np(signal));
	json_t *event = begin_step("signal", actor);
	json_object_set_new(event, "signal", json_string(text));
	tape_add(tape, event);
	party_signal(actor->party, signal);
	settle(actor, 0);
}

static Thread *longest_held(const Actor *only, Actor **whose)
{
	Thread *found = NULL;
	for (size_t a = 0; a < actor_count; a++)
		for (size_t i = 0; i < actors[a].threads && (only == NULL || only == &actors[a]); i++) {
			Thread *t = &actors[a].thread[i];
			if (!t->gone && t->held_since > 0 && (found == NULL || t->held_since < found->held_since)) {
				found = t;
				*whose = &actors[a];
			}
		}
	return found;
}

bool stage_step(Actor *actor)
{
	Actor *whose;
	Thread *t = longest_held(actor, &whose);
	if (t == NULL)
		return false;
	json_t *event = begin_step("call", actor);
	json_object_set_new(event, "thread", json_string(t->name));
	tape_add(tape, event);
	t->held_since = 0;
	trace_go(t->tid);
	settle(actor, (size_t)(t - actor->thread));
	return true;
}

Actor *stage_next(void)
{
	Actor *whose = NULL;
	longest_held(NULL, &whose);
	return whose;
}

Standing stage_stands(const Actor *actor, const char **call)
{
	Standing best = actor->party == NULL ? STANDS_OFF : STANDS_ENDED;
	*call = "";
	for (size_t i = 0; i < actor->threads; i++) {
		const Thread *t = &actor->thread[i];
		TraceEvent e;
		if (t->gone)
			continue;
		if (t->held_since > 0 && trace_holds(t->tid, &e)) {
			*call = decode_name(&e);
			return STANDS_BEFORE;
		}
		if (trace_is_in_call(t->tid, &e)) {
			if (best != STANDS_IN)
				*call = decode_name(&e);
			best = STANDS_IN;
		} else if (best != STANDS_IN) {
			best = STANDS_RUNNING;
		}
	}
	return best;
}

void stage_close(void)
{
	party_also_pump(NULL);
	TraceEvent e;
	pid_t pid;
	/* All of them, those without a part too; and those that were born meanwhile. */
	do
		for (size_t i = 0; i < trace_count(); i++) {
			trace_thread(i, &pid);
			kill(pid, SIGKILL);
		}
	while (trace_count() > 0 && trace_wait(&e));
	wire_close();
	json_decref(packets_seen);
	packets_seen = NULL;
}
