#define _GNU_SOURCE
#include "program/party.h"

#include "observe/stop.h"
#include "observe/trace.h"
#include "program/trouble.h"
#include "program/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum { MOST_PARTIES = 16 };

static Party *parties[MOST_PARTIES];
static size_t party_count;
static int wake_on = -1;

enum { MOST_HELD = 512 };

/* Threads that are frozen, and those that were and are ending: whoever traces a thread reaps it before its parent can. */
static struct {
	pid_t tid;
	int status;
	bool ending;
} held[MOST_HELD];
static size_t held_count;

static void need(bool done, const char *what)
{
	if (!done)
		trouble("%s: %s", what, strerror(errno));
}

/* --- output --- */

static bool take_in(Output *out)
{
	bool any = false;
	if (out->fd == -1)
		return false;
	if (out->other != -1) {
		/* Hand over what is on its way through the terminal, in this direction. */
		struct pollfd look = {.fd = out->fd, .events = POLLIN};
		poll(&look, 1, 0);
	}
	for (;;) {
		char bytes[16384];
		ssize_t n = read(out->fd, bytes, sizeof bytes);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return any;
		if (n <= 0) { /* the end; EIO where a terminal has nobody left at its other side */
			close(out->fd);
			out->fd = -1;
			return true;
		}
		any = true;
		if (out->size + (size_t)n > (size_t)ROOM_OUTPUT_MIB << 20) {
			out->flood = true;
			continue;
		}
		if (out->size + (size_t)n + 1 > out->room) {
			out->room = 2 * (out->size + (size_t)n + 1);
			out->text = realloc(out->text, out->room);
			need(out->text != NULL, "memory");
		}
		memcpy(out->text + out->size, bytes, (size_t)n);
		out->size += (size_t)n;
		out->text[out->size] = '\0';
	}
}

/* Lets what was typed reach the program's side of the terminal. */
static void hand_over_typing(const Party *p)
{
	if (p->kind == INPUT_TERMINAL && p->out.other != -1) {
		struct pollfd look = {.fd = p->out.other, .events = POLLIN};
		poll(&look, 1, 0);
	}
}

size_t party_unread_input(const Party *party)
{
	int waiting = 0;
	int fd = party->kind == INPUT_TERMINAL ? party->out.other : party->input;
	if (fd == -1)
		return 0;
	hand_over_typing(party);
	return ioctl(fd, FIONREAD, &waiting) == 0 && waiting > 0 ? (size_t)waiting : 0;
}

/* --- news of the warden --- */

static Party *by_inner(pid_t inner)
{
	for (size_t i = 0; i < party_count; i++)
		if (parties[i]->inner == inner && !parties[i]->ended)
			return parties[i];
	return NULL;
}

/* Programs of the room that are still alive, its warden not counted. */
static int count_alive(const Room *room)
{
	TaskList list = {0};
	tasks_look(&list, room->warden);
	int alive = 0;
	for (size_t i = 0; i < list.count; i++)
		alive += list.task[i].tid == list.task[i].pid && list.task[i].state != 'Z' && list.task[i].state != 'X';
	tasks_free(&list);
	return alive;
}

static void note_ending(const Room *room, const WardenEvent *event)
{
	Party *p = by_inner(event->pid);
	if (p == NULL)
		return;
	p->ended = true;
	p->status = event->status;
	int others = 0;
	for (size_t i = 0; i < party_count; i++)
		others += !parties[i]->ended && parties[i]->pid > 0;
	if (!p->killed_by_us && others == 0)
		p->leftovers = count_alive(room);
}

/* One message of the warden's, with the sender's pid as the kernel translates it, and the descriptor that came with it or -1.
 * False: none there. */
static bool hear_warden(const Room *room, WardenEvent *event, pid_t *sender, int *descriptor, int flags)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {.iov_base = event, .iov_len = sizeof *event};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
	ssize_t n;
	do
		n = recvmsg(room->control, &message, flags | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return false;
	if (n != (ssize_t)sizeof *event)
		trouble("the warden of the room is gone");
	struct ucred who = {0};
	*descriptor = -1;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head != NULL; head = CMSG_NXTHDR(&message, head)) {
		if (head->cmsg_type == SCM_CREDENTIALS)
			memcpy(&who, CMSG_DATA(head), sizeof who);
		else if (head->cmsg_type == SCM_RIGHTS)
			memcpy(descriptor, CMSG_DATA(head), sizeof *descriptor);
	}
	*sender = who.pid;
	return true;
}

static void reap_held(void)
{
	for (size_t i = 0; i < held_count;) {
		int status;
		if (stop_look(held[i].tid, &status) == STOP_GONE)
			held[i] = held[--held_count];
		else
			i++;
	}
}

static bool (*also_pump)(void);

void party_also_pump(bool (*pump)(void))
{
	also_pump = pump;
}

bool party_pump(void *context)
{
	reap_held();
	Room *room = context;
	bool any = also_pump != NULL && also_pump();
	WardenEvent event;
	pid_t sender;
	int none;
	while (hear_warden(room, &event, &sender, &none, MSG_DONTWAIT)) {
		any = true;
		if (event.kind == WARDEN_EXITED)
			note_ending(room, &event);
	}
	for (size_t i = 0; i < party_count; i++) {
		if (parties[i]->watch != NULL)
			crash_watch_pump(parties[i]->watch);
		hand_over_typing(parties[i]);
		any = take_in(&parties[i]->out) || any;
		any = take_in(&parties[i]->err) || any;
	}
	return any;
}

/* A thread of it was seen alive at the last look. */
static bool was_seen(const TaskList *list, pid_t pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->task[i].pid == pid && list->task[i].state != 'Z' && list->task[i].state != 'X')
			return true;
	return false;
}

/* Between the end of a program and our hearing of it the warden has to get a CPU: who is neither seen nor told of is
 * news to come. */
static bool all_told(void *context)
{
	const Room *room = context;
	for (size_t i = 0; i < party_count; i++)
		if (!parties[i]->ended && parties[i]->start_error == 0 &&
		    !was_seen(&room->scene.tasks, parties[i]->pid))
			return false;
	return true;
}

static size_t wake_list(void *context, struct pollfd *list, size_t most)
{
	Room *room = context;
	size_t count = 0;
	list[count++] = (struct pollfd){.fd = room->control, .events = POLLIN};
	if (wake_on != -1)
		list[count++] = (struct pollfd){.fd = wake_on, .events = POLLIN};
	for (size_t i = 0; i < party_count && count + 2 <= most; i++) {
		list[count++] = (struct pollfd){.fd = parties[i]->out.fd, .events = POLLIN};
		list[count++] = (struct pollfd){.fd = parties[i]->err.fd, .events = POLLIN};
	}
	return count;
}

/* A program of ours holds it. All that they hold is read once a look. */
static bool is_held_by_program(const Room *room, uint64_t inode)
{
	static struct {
		unsigned look;
		uint64_t inode[4096];
		size_t count;
	} seen;
	const TaskList *tasks = &room->scene.tasks;
	if (seen.look != room->scene.looks) {
		seen.look = room->scene.looks;
		seen.count = 0;
		for (size_t i = 0; i < tasks->processes; i++)
			seen.count += tasks_socket_inodes(tasks->process[i], seen.inode + seen.count,
			                                  sizeof seen.inode / sizeof *seen.inode - seen.count);
	}
	for (size_t i = 0; inode != 0 && i < seen.count; i++)
		if (seen.inode[i] == inode)
			return true;
	return false;
}

/* The shared room: ours is what a program of ours holds, what has a port of ours at either end, and what is bound in our
 * folder; of AF_UNIX also the other end. */
static bool is_mine(void *context, const Socket *s)
{
	Room *room = context;
	if (s->kind == SOCKET_UNIX)
		return strncmp(s->path, room->folder, strlen(room->folder)) == 0 ||
		       is_held_by_program(room, s->inode) || is_held_by_program(room, s->peer);
	for (size_t i = 0; i < party_count; i++)
		if (parties[i]->port != 0 && (s->port == parties[i]->port || s->remote_port == parties[i]->port))
			return true;
	return is_held_by_program(room, s->inode);
}

Outcome party_watch(bool (*done)(void *), void *context, unsigned flags, int wake_fd)
{
	Room *room = room_now();
	room->scene.pump = party_pump;
	room->scene.told = all_told;
	room->scene.wake = wake_list;
	room->scene.context = room;
	room->scene.mine = room->kind == ROOM_SHARED ? is_mine : NULL;
	wake_on = wake_fd;
	Outcome outcome = still_watch(&room->scene, done, context, flags);
	wake_on = -1;
	return outcome;
}

Party *const *party_all(size_t *count)
{
	*count = party_count;
	return parties;
}

/* --- starting --- */

static void open_pipe(int *ours, int *theirs, bool we_read)
{
	int ends[2];
	need(pipe2(ends, O_CLOEXEC) == 0, "pipe");
	*ours = ends[we_read ? 0 : 1];
	*theirs = ends[we_read ? 1 : 0];
	need(!we_read || fcntl(*ours, F_SETFL, O_NONBLOCK) == 0, "fcntl");
}

static void open_terminal(Output *out, int *theirs)
{
	struct winsize size = {.ws_row = PARTY_TERMINAL_ROWS, .ws_col = PARTY_TERMINAL_COLUMNS};
	need(openpty(&out->fd, theirs, NULL, NULL, &size) == 0, "openpty");
	struct termios settings;
	need(tcgetattr(*theirs, &settings) == 0, "tcgetattr");
	settings.c_iflag |= IUTF8;
	need(tcsetattr(*theirs, TCSANOW, &settings) == 0, "tcsetattr");
	out->other = fcntl(*theirs, F_DUPFD_CLOEXEC, 3);
	need(out->other != -1 && fcntl(out->fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(out->fd, F_SETFD, FD_CLOEXEC) == 0,
	     "fcntl");
}

static void open_file(Party *p, int *theirs, const char *content)
{
	*theirs = memfd_create("input", MFD_CLOEXEC);
	size_t size = strlen(content);
	need(*theirs != -1 && write(*theirs, content, size) == (ssize_t)size && lseek(*theirs, 0, SEEK_SET) == 0,
	     "memfd_create");
	p->input = -1;
}

static void open_streams(Party *p, StartAs as, int theirs[3])
{
	p->out.other = p->err.other = -1;
	p->kind = as.input;
	if (as.input == INPUT_TERMINAL) {
		open_terminal(&p->out, &theirs[0]);
		theirs[1] = theirs[0];
		p->input = p->out.fd;
		open_terminal(&p->err, &theirs[2]);
		return;
	}
	if (as.input == INPUT_FILE)
		open_file(p, &theirs[0], as.file);
	else
		open_pipe(&p->input, &theirs[0], false);
	open_pipe(&p->out.fd, &theirs[1], true);
	open_pipe(&p->err.fd, &theirs[2], true);
}

static void add_word(WardenStart *order, size_t *used, const char *word)
{
	size_t size = strlen(word) + 1;
	if (*used + size > sizeof order->text)
		trouble("a command line of more than %zu bytes", sizeof order->text);
	memcpy(order->text + *used, word, size);
	*used += size;
}

static size_t add_environment(WardenStart *order, size_t *used, const char *folder, const char *more)
{
	char path[4096], home[160];
	const char *known = getenv("PATH");
	snprintf(path, sizeof path, "PATH=%s", known ? known : "/usr/local/bin:/usr/bin:/bin");
	snprintf(home, sizeof home, "HOME=%s", folder);
	const char *const list[] = {path, home, "LANG=C.UTF-8", "TERM=xterm", "PYTHONDONTWRITEBYTECODE=1", more};
	size_t count = sizeof list / sizeof *list - (more == NULL);
	for (size_t i = 0; i < count; i++)
		add_word(order, used, list[i]);
	return count;
}

static size_t write_order(WardenStart *order, char *const *command, const char *const *arguments, StartAs as)
{
	const Room *room = room_now();
	*order = (WardenStart){.terminal = as.input == INPUT_TERMINAL,
	                       .uid = room->uid,
	                       .data_bytes = as.sanitized ? 0 : (uint64_t)ROOM_DATA_MIB << (as.crowded ? 22 : 20),
	                       .file_bytes = (uint64_t)ROOM_FILE_MIB << 20,
	                       .processes = room->kind == ROOM_SHARED ? 0 : ROOM_PROCESSES,
	                       .descriptors = ROOM_DESCRIPTORS * (as.crowded ? 4 : 1),
	                       .cpu_seconds = ROOM_CPU_SECONDS};
	size_t used = 0;
	add_word(order, &used, room->folder);
	for (; *command != NULL; command++, order->argc++)
		add_word(order, &used, *command);
	for (; arguments != NULL && *arguments != NULL; arguments++, order->argc++)
		add_word(order, &used, *arguments);
	order->envc = (uint32_t)add_environment(order, &used, room->folder, as.environment);
	return offsetof(WardenStart, text) + used;
}

static void send_order(const Room *room, WardenStart *order, size_t size, const int fds[4])
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = {0};
	const size_t bytes = (order->traced ? 4 : 3) * sizeof(int);
	struct iovec part = {.iov_base = order, .iov_len = size};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	message.msg_controllen = CMSG_SPACE(bytes);
	head->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(head), fds, bytes);
	need(sendmsg(room->control, &message, MSG_NOSIGNAL) == (ssize_t)size, "to the warden");
}

/* The child waits for it, and until then does nothing: so it is traced from its first step. */
static void hand_over_filter(pid_t child, int pipe)
{
	size_t size;
	const void *filter = trace_filter(&size);
	if (filter == NULL || !trace_begin(child))
		trouble("the program cannot be traced: %s", strerror(errno));
	need(write(pipe, filter, size) == (ssize_t)size, "the filter");
	close(pipe);
	/* Its exec stops it once, for us to hear of; nobody else can let it go on. */
	trace_until_exec(child);
}

static void (*trace_started)(Party *party);

void party_trace_all(void (*started)(Party *party))
{
	trace_started = started;
}

Party *party_start(const char *who, char *const *command, const char *const *arguments, StartAs as)
{
	static WardenStart order;
	Room *room = room_now();
	Party *p = calloc(1, sizeof *p);
	need(p != NULL && party_count < MOST_PARTIES, "one more program");
	as.traced = as.traced || trace_started != NULL;
	snprintf(p->who, sizeof p->who, "%s", who);
	int theirs[4], filter[2] = {-1, -1};
	open_streams(p, as, theirs);
	size_t size = write_order(&order, command, arguments, as);
	order.traced = as.traced;
	need(!as.traced || pipe2(filter, O_CLOEXEC) == 0, "a pipe");
	theirs[3] = filter[0];
	send_order(room, &order, size, theirs);
	if (as.traced)
		close(filter[0]);
	close(theirs[0]);
	if (theirs[1] != theirs[0])
		close(theirs[1]);
	close(theirs[2]);
	for (WardenEvent event = {0}; event.kind != WARDEN_STARTED && event.kind != WARDEN_FAILED;) {
		pid_t sender;
		int none;
		hear_warden(room, &event, &sender, &none, 0);
		if (event.kind == WARDEN_CHILD) {
			p->pid = sender;
			if (as.traced)
				hand_over_filter(sender, filter[1]);
		} else if (event.kind == WARDEN_EXITED) {
			note_ending(room, &event);
		}
		p->inner = event.pid;
		p->start_error = event.kind == WARDEN_FAILED ? event.error : 0;
	}
	if (p->start_error != 0) {
		p->ended = true;
		p->pid = -1;
	}
	parties[party_count++] = p;
	if (trace_started != NULL && p->start_error == 0)
		trace_started(p);
	room->scene.sockets.count = 0; /* what was seen before says nothing of this one */
	return p;
}

int party_dial_path(const char *name, pid_t *caller)
{
	Room *room = room_now();
	WardenDial order = {.uid = room->uid};
	int call = -1, n = name[0] == '/' ? snprintf(order.path, sizeof order.path, "%s", name)
	                                  : snprintf(order.path, sizeof order.path, "%s/%s", room->folder, name);
	if (n >= (int)sizeof order.path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	need(send(room->control, &order, sizeof order, MSG_NOSIGNAL) == (ssize_t)sizeof order, "to the warden");
	int error = EIO; /* of a caller that has died of something else */
	for (WardenEvent event = {0}; event.kind != WARDEN_DIALLED;) {
		pid_t sender;
		int came;
		hear_warden(room, &event, &sender, &came, 0);
		if (event.kind == WARDEN_EXITED)
			note_ending(room, &event);
		if (event.kind != WARDEN_CALL)
			continue;
		call = came;
		*caller = event.pid;
		error = event.error;
	}
	errno = error;
	return call;
}

void party_watch_for_crash(Party *party)
{
	if (party->pid > 0 && party->sources != NULL)
		party->watch = crash_watch(party->pid, party->sources, party->shown);
}

/* --- feeding --- */

static bool takes_input(void *context)
{
	struct pollfd look = {.fd = ((Party *)context)->input, .events = POLLOUT};
	return poll(&look, 1, 0) == 1;
}

void party_input(Party *party, const void *bytes, size_t size)
{
	const char *at = bytes;
	/* More than the pipe holds must wait until the program has read: watch the room meanwhile. */
	while (size > 0 && party->input != -1) {
		struct pollfd look = {.fd = party->input, .events = POLLOUT};
		if (poll(&look, 1, 0) == 1 && (look.revents & POLLOUT)) {
			size_t piece = size < 512 ? size : 512;
			ssize_t n = write(party->input, at, piece);
			if (n == -1 && (errno == EINTR || errno == EAGAIN))
				continue;
			if (n == -1)
				return; /* nobody reads any more: a finding for who expects an effect */
			at += n;
			size -= (size_t)n;
			hand_over_typing(party);
		} else if ((look.revents & POLLERR) || party_watch(takes_input, party, 0, -1) != WATCH_DONE) {
			return;
		}
	}
}

void party_end_input(Party *party)
{
	if (party->kind == INPUT_TERMINAL) {
		party_input(party, "\004", 1);
	} else if (party->input != -1) {
		close(party->input);
		party->input = -1;
	}
}

/* --- signals --- */

void party_signal(Party *party, int signal)
{
	if (!party->ended && kill(party->pid, signal) == -1 && errno != ESRCH)
		trouble("kill: %s", strerror(errno));
}

void party_signal_all(int signal)
{
	TaskList list = {0};
	tasks_look(&list, room_now()->warden);
	for (size_t i = 0; i < list.processes; i++)
		kill(list.process[i], signal);
	tasks_free(&list);
}

/* --- freezing --- */

static bool is_held(pid_t tid)
{
	for (size_t i = 0; i < held_count; i++)
		if (held[i].tid == tid)
			return true;
	return false;
}

/* Holds every thread that is not held yet; false: there was none. */
static bool hold_more(void)
{
	TaskList list = {0};
	bool any = false;
	tasks_look(&list, room_now()->warden);
	for (size_t i = 0; i < list.count && held_count < MOST_HELD; i++) {
		pid_t tid = list.task[i].tid;
		if (list.task[i].state == 'Z' || is_held(tid) || !stop_thread(tid, &held[held_count].status))
			continue;
		held[held_count].ending = false;
		held[held_count++].tid = tid;
		any = true;
	}
	tasks_free(&list);
	return any;
}

static bool all_in_state(bool stopped)
{
	TaskList list = {0};
	tasks_look(&list, room_now()->warden);
	bool all = true;
	for (size_t i = 0; i < list.count; i++) {
		char state = list.task[i].state;
		if (state != 'Z' && state != 'X')
			all = all && (state == 'T' || state == 't') == stopped;
	}
	tasks_free(&list);
	return all;
}

/* Where nobody may trace, or somebody does already: a signal, which takes effect a moment after kill() returns. */
static void signal_until(int signal)
{
	do {
		party_signal_all(signal); /* again: it may just have made a child */
		party_pump(room_now());
	} while (sched_yield() == 0 && !all_in_state(signal == SIGSTOP));
}

void party_freeze(Party *party)
{
	party->frozen = true;
	while (hold_more()) /* a thread that runs may make another, until it is held itself */
		;
	if (!all_in_state(true))
		signal_until(SIGSTOP);
	/* While it is stopped it still shows in which call; let go, some calls no longer do (Restart, still.h). */
	still_look(&room_now()->scene);
}

void party_thaw(Party *party)
{
	party->frozen = false;
	bool by_signal = held_count == 0;
	size_t ending = 0;
	for (size_t i = 0; i < held_count; i++)
		if (!held[i].ending && !stop_let_go(held[i].tid, held[i].status)) {
			held[ending] = held[i];
			held[ending++].ending = true;
		}
	held_count = ending;
	if (by_signal || !all_in_state(false))
		signal_until(SIGCONT);
}

static bool is_gone(void *context)
{
	const Party *party = context;
	TaskList list = {0};
	tasks_look(&list, room_now()->warden);
	bool gone = party->ended && list.processes == 0;
	tasks_free(&list);
	return gone;
}

void party_kill(Party *party)
{
	party->killed_by_us = true;
	party_signal_all(SIGKILL);
	/* When nobody is alive any more, an orphan may still wait for the warden to reap it. */
	while (party_watch(is_gone, party, 0, -1) == WATCH_GONE && !is_gone(party))
		sched_yield();
}
