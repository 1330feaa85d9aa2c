#define _GNU_SOURCE
#include "peer/line.h"

#include "peer/story.h"
#include "program/files.h"
#include "program/trouble.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_LINES = 4096 };

static Line *lines[MOST_LINES];
static size_t line_count;
static bool shut_window, small_buffers;
static void (*greeting)(Line *line);

/* What a buffer would hold that every message so far had been written to the start of: stale tails come from there. */
static unsigned char residue[1100];
static size_t residue_size;

static void need(bool done, const char *what)
{
	if (!done)
		trouble("%s: %s", what, strerror(errno));
}

/* --- who is on the phone --- */

static const char *ended_how(const Line *line)
{
	if (line->was_reset)
		return "the call was reset";
	if (line->ended)
		return "the other side has hung up";
	return "";
}

/* Our callers, for the story's end. */
static int tell_lines(Stand *stand, int most)
{
	Room *room = room_now();
	int told = 0;
	for (size_t i = line_count > 4 ? line_count - 4 : 0; i < line_count && told < most; i++) {
		const Line *l = lines[i];
		if (l->fd == -1)
			continue;
		stand[told] = (Stand){.reference = true};
		record_text(stand[told].who, "%s", l->who);
		const Socket *ours = NULL;
		for (size_t k = 0; l->port != 0 && k < room->scene.sockets.count; k++) {
			const Socket *s = &room->scene.sockets.socket[k];
			if (s->port == l->port && s->remote_port == l->remote_port)
				ours = s;
		}
		record_text(stand[told].where.call, "recv");
		const char *news = l->ended     ? ended_how(l)
		                   : l->in_size ? "has heard more than expected"
		                                : "nothing to read";
		if (l->port == 0)
			record_text(stand[told].state, "%s", news);
		else
			record_text(stand[told].state, "%s%s%s", ours ? sockets_state_name(ours->state) : "CLOSED",
			            ours ? ", " : "", ours ? news : "");
		told++;
	}
	return told;
}

static Line *new_line(int fd, Party *party, bool we_called)
{
	static const char *const names[] = {"alice", "bob", "carol"};
	Line *line = calloc(1, sizeof *line);
	need(line != NULL && line_count < MOST_LINES, "one more call");
	*line = (Line){.fd = fd, .party = party, .we_called = we_called, .deaf = shut_window};
	if (!we_called)
		snprintf(line->who, sizeof line->who, "server");
	else if (line_count < 3)
		snprintf(line->who, sizeof line->who, "%s", names[line_count]);
	else
		snprintf(line->who, sizeof line->who, "caller %zu", line_count + 1);
	lines[line_count++] = line;
	story_tell_stands(tell_lines);
	return line;
}

static Line *new_tcp_line(int fd, Party *party, bool we_called)
{
	Line *line = new_line(fd, party, we_called);
	struct sockaddr_in us, them;
	socklen_t size = sizeof us;
	if (getsockname(fd, (struct sockaddr *)&us, &size) == 0)
		line->port = ntohs(us.sin_port);
	size = sizeof them;
	if (getpeername(fd, (struct sockaddr *)&them, &size) == 0)
		line->remote_port = ntohs(them.sin_port);
	int on = 1;
	need(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
	return line;
}

Line *const *line_all(size_t *count)
{
	*count = line_count;
	return lines;
}

/* --- calling --- */

void line_greet_with(void (*greet)(Line *line))
{
	greeting = greet;
}

void keep_window_shut(void)
{
	shut_window = true;
}

void keep_buffers_small(bool small)
{
	small_buffers = small;
}

static void apply_window(int fd)
{
	int frame = 1460, in = 8192, out = 65536;
	need(!small_buffers || (setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &frame, sizeof frame) == 0 &&
	                        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &in, sizeof in) == 0 &&
	                        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &out, sizeof out) == 0),
	     "small buffers");
	int least = 1; /* the kernel makes it as small as it can be: man 7 socket, SO_RCVBUF */
	need(!shut_window || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least) == 0, "SO_RCVBUF");
	/* The other side's buffer for sending grows with the size of a segment: with the loopback's 64 KiB to some megabytes,
	 * with these to some ten KiB (tcp_sndbuf_expand(), net/ipv4/tcp_input.c). */
	int segment = 536;
	need(!shut_window || setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment) == 0, "TCP_MAXSEG");
}

static bool has_connected(void *context)
{
	struct pollfd look = {.fd = *(int *)context, .events = POLLOUT};
	return poll(&look, 1, 0) == 1;
}

/* Where the system allows a thousand descriptors and more, we want them: each caller is one. */
static void allow_many_descriptors(void)
{
	static bool done;
	struct rlimit limit;
	if (!done && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	done = true;
}

Line *dial(Party *server)
{
	if (server->path[0] != '\0')
		return dial_path(server, server->path);
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(server->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	allow_many_descriptors();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	need(fd != -1, "socket");
	apply_window(fd);
	Outcome outcome = WATCH_DONE;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == -1 && errno == EINPROGRESS &&
	    !has_connected(&fd))
		outcome = party_watch(has_connected, &fd, WATCH_PATIENT, fd);
	int error = 0;
	socklen_t size = sizeof error;
	need(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0, "SO_ERROR");
	struct sockaddr_in them;
	size = sizeof them;
	bool through = outcome == WATCH_DONE && error == 0 && getpeername(fd, (struct sockaddr *)&them, &size) == 0;
	if (!through) {
		story_add("somebody calls: %s", error ? strerror(error) : "nobody answers");
		/* Let it come to its end, if it is at it: how it ended is what there is to say. */
		party_watch(NULL, NULL, WATCH_PATIENT, -1);
		story_fail_watch(WATCH_STILL, "stops_serving", server, "the server should take the call");
	}
	Line *line = new_tcp_line(fd, server, true);
	story_add("%s dials", line->who);
	if (greeting != NULL)
		greeting(line);
	return line;
}

Line *dial_path(Party *server, const char *name)
{
	pid_t caller;
	int fd = party_dial_path(name, &caller);
	if (fd == -1) {
		int error = errno;
		story_add("somebody calls at %s: %s", name, strerror(error));
		party_watch(NULL, NULL, WATCH_PATIENT, -1);
		story_fail_watch(WATCH_STILL, "stops_serving", server, "the server should take the call at its path");
	}
	Line *line = new_line(fd, server, true);
	line->caller_pid = caller;
	story_add("%s calls at %s", line->who, name);
	return line;
}

Phone *phone_on(in_port_t port)
{
	return phone_on_host("127.0.0.1", port);
}

/* A socket that listens there, or -1. */
static int listen_at(const char *host, in_port_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	need(fd != -1, "socket");
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(host)};
	apply_window(fd);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0)
		return fd;
	close(fd);
	return -1;
}

Phone *phone_on_host(const char *host, in_port_t port)
{
	Phone *phone = calloc(1, sizeof *phone);
	need(phone != NULL, "memory");
	*phone = (Phone){.port = port ? port : room_port()};
	phone->fd = listen_at(host, phone->port);
	need(phone->fd != -1, "a phone for the client to call");
	/* Who forgets htons() calls this number. If it is taken, the mistake is told in other words. */
	phone->swapped = listen_at(host, htons(phone->port));
	return phone;
}

Phone *phone_at_path(const char *name)
{
	Phone *phone = calloc(1, sizeof *phone);
	need(phone != NULL, "memory");
	*phone = (Phone){.swapped = -1, .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
	snprintf(phone->path, sizeof phone->path, "%s", name);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = room_file(name);
	need(phone->fd != -1 && strlen(path) < sizeof address.sun_path, "a phone at a path");
	memcpy(address.sun_path, path, strlen(path) + 1);
	need(bind(phone->fd, (struct sockaddr *)&address, sizeof address) == 0 && chmod(path, 0777) == 0 &&
	         listen(phone->fd, 8) == 0,
	     "a phone at a path");
	return phone;
}

void phone_mind_own_number(Phone *phone)
{
	if (phone->swapped != -1)
		close(phone->swapped);
	phone->swapped = -1;
}

void phone_off(Phone *phone)
{
	phone_mind_own_number(phone);
	close(phone->fd);
	phone->fd = -1;
}

static bool somebody_called(void *context)
{
	const Phone *phone = context;
	struct pollfd look[2] = {{.fd = phone->fd, .events = POLLIN}, {.fd = phone->swapped, .events = POLLIN}};
	return poll(look, 2, 0) > 0;
}

/* The call came at the number with its two bytes the other way round. */
static void fail_if_swapped(const Phone *phone, Party *client)
{
	struct pollfd look = {.fd = phone->swapped, .events = POLLIN};
	if (poll(&look, 1, 0) == 1)
		story_fail("port_byte_order", client,
		           "the client should call port %u, but it calls %u: the same two bytes the other way round.",
		           phone->port, htons(phone->port));
}

Line *answer_untold(Phone *phone, Party *client)
{
	Outcome outcome = party_watch(somebody_called, phone, WATCH_PATIENT | WATCH_START, phone->fd);
	fail_if_swapped(phone, client);
	if (outcome != WATCH_DONE) {
		char place[48];
		if (phone->path[0] != '\0')
			snprintf(place, sizeof place, "at the path %s", phone->path);
		else
			snprintf(place, sizeof place, "127.0.0.1 port %u", phone->port);
		if (client->ended && !client->start_error && !WIFSIGNALED(client->status))
			story_fail("does_not_call", client, "the client should call %s, but it never called there.",
			           place);
		story_fail_watch(outcome, "does_not_call", client, "the client should call %s", place);
	}
	int fd = accept4(phone->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	need(fd != -1, "accept");
	phone->line = phone->path[0] != '\0' ? new_line(fd, client, false) : new_tcp_line(fd, client, false);
	return phone->line;
}

Line *answer(Phone *phone, Party *client)
{
	answer_untold(phone, client);
	story_add("the client calls, and the server (reference) answers");
	if (greeting != NULL)
		greeting(phone->line);
	return phone->line;
}

/* --- speaking --- */

void line_remember(Line *line, const void *bytes, size_t size)
{
	line->said_size = size < sizeof line->said ? size : sizeof line->said;
	memcpy(line->said, bytes, line->said_size);
}

static void listen_in(Line *line);

/* While we wait to speak we go on listening, or both sides might wait for the other to read. */
static bool can_send(void *context)
{
	Line *line = context;
	if (!line->deaf)
		listen_in(line);
	struct pollfd look = {.fd = line->fd, .events = POLLOUT};
	return poll(&look, 1, 0) == 1;
}

/* Whatever becomes of it: what the other side does with it is for hear() to find out. */
size_t transmit(Line *line, const void *all, size_t size)
{
	const unsigned char *bytes = all;
	size_t sent = 0;
	while (sent < size && line->fd != -1) {
		ssize_t n = send(line->fd, bytes + sent, size - sent, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN) {
			if (party_watch(can_send, line, WATCH_PATIENT, -1) != WATCH_DONE)
				break; /* it does not read */
			continue;
		}
		if (n == -1) {
			bool reset = errno == ECONNRESET;
			listen_in(line); /* what it said before is still there */
			line->ended = true;
			line->was_reset = line->was_reset || reset;
			break;
		}
		sent += (size_t)n;
	}
	return sent;
}

static bool is_read(void *context)
{
	const Line *line = context;
	static SocketList list;
	int waits = 0;
	if (line->fd == -1)
		return true;
	/* man 7 unix, SIOCOUTQ: what the other side has not read yet. TCP's is only what it has not acknowledged. */
	if (line->port == 0)
		return ioctl(line->fd, SIOCOUTQ, &waits) == -1 || waits == 0;
	struct tcp_info ours;
	socklen_t size = sizeof ours;
	if (getsockopt(line->fd, IPPROTO_TCP, TCP_INFO, &ours, &size) == -1 || ours.tcpi_notsent_bytes > 0 ||
	    !sockets_look(room_now()->scene.diag, &list))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const Socket *s = &list.socket[i];
		if (s->port == line->remote_port && s->remote_port == line->port)
			return s->rqueue == 0 && s->counted &&
			       s->received >= ours.tcpi_bytes_sent - ours.tcpi_bytes_retrans;
	}
	return true; /* it has gone */
}

void let_them_read(Line *line)
{
	party_watch(is_read, line, 0, -1);
}

static const char *quoted(const void *bytes, size_t size)
{
	/* Two may stand in one sentence. */
	static char texts[2][128];
	static unsigned next;
	return record_visible(texts[next++ % 2], sizeof texts[0], bytes, size);
}

void say_bytes(Line *line, const void *bytes, size_t size)
{
	if (size > 64)
		story_add("%s says %zu bytes: \"%s\"", line->who, size, quoted(bytes, size));
	else
		story_add("%s says \"%s\"", line->who, quoted(bytes, size));
	line_remember(line, bytes, size);
	transmit(line, bytes, size);
}

void say(Line *line, const char *text)
{
	say_bytes(line, text, strlen(text));
}

void say_in_pieces(Line *line, const void *bytes, size_t size, size_t piece)
{
	const unsigned char *at = bytes;
	story_add("%s says \"%s\" in pieces of %zu", line->who, quoted(bytes, size), piece);
	line_remember(line, bytes, size);
	for (size_t from = 0; from < size; from += piece) {
		transmit(line, at + from, size - from < piece ? size - from : piece);
		/* The next piece only when this one has been taken in: then it came by itself for certain. */
		party_watch(NULL, NULL, 0, -1);
	}
}

void say_slowly(Line *line, const char *text)
{
	say_in_pieces(line, text, strlen(text), 1);
}

void say_together(Line *line, const char *const *texts)
{
	char all[4096];
	size_t size = 0;
	for (; *texts != NULL; texts++) {
		size_t n = strlen(*texts);
		need(size + n <= sizeof all, "say_together");
		memcpy(all + size, *texts, n);
		size += n;
	}
	story_add("%s says all at once: \"%s\"", line->who, quoted(all, size));
	line_remember(line, all, size);
	transmit(line, all, size);
}

/* --- hearing --- */

/* Takes in what has come, without waiting. */
static void listen_in(Line *line)
{
	while (line->fd != -1 && !line->ended) {
		if (line->in_room - line->in_size < 4096) {
			line->in_room = 2 * line->in_room + 8192;
			line->in = realloc(line->in, line->in_room);
			need(line->in != NULL, "memory");
		}
		ssize_t n = recv(line->fd, line->in + line->in_size, line->in_room - line->in_size, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n > 0) {
			line->in_size += (size_t)n;
			/* Acknowledge at once, so that nothing is in flight for the 40 ms of a delayed ACK (man 7 tcp). */
			int on = 1;
			setsockopt(line->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
			continue;
		}
		line->ended = true;
		line->was_reset = n == -1;
	}
}

bool has_news(Line *line)
{
	listen_in(line);
	return line->in_size > 0 || line->ended;
}

typedef struct {
	Line *line;
	size_t enough;
} Hope;

static bool has_come(void *context)
{
	Hope *hope = context;
	listen_in(hope->line);
	return hope->line->in_size >= hope->enough || hope->line->ended;
}

/* Without the spaces at both ends. */
static size_t stripped(const unsigned char **bytes, size_t size)
{
	while (size > 0 && (*bytes)[0] == ' ') {
		(*bytes)++;
		size--;
	}
	while (size > 0 && (*bytes)[size - 1] == ' ')
		size--;
	return size;
}

static bool same_but_for_spaces(const unsigned char *a, size_t a_size, const unsigned char *b, size_t b_size)
{
	a_size = stripped(&a, a_size);
	b_size = stripped(&b, b_size);
	return a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* More came than was expected: `rest` begins behind what was. */
static const char *mistake_of_more(const Line *line, size_t size, const unsigned char *rest, size_t more)
{
	if (more == 1 && rest[0] == 0)
		return "sends_trailing_nul";
	if ((more == 1 && rest[0] == '\n') || (more == 2 && rest[0] == '\r' && rest[1] == '\n'))
		return "sends_newline";
	if (residue_size > size &&
	    memcmp(residue + size, rest, more < residue_size - size ? more : residue_size - size) == 0)
		return "stale_tail";
	bool printable = true;
	for (size_t i = 0; i < more; i++)
		printable = printable && (rest[i] >= ' ' || rest[i] == '\n');
	if (!line->we_called && printable)
		return "sends_ahead";
	return printable ? "wrong_bytes" : "pads_message";
}

/* As long as it should be, and yet another: a letter that stayed small, or a byte that should have stayed as it was? */
static const char *mistake_of_letters(const Line *line, const unsigned char *want, const unsigned char *got)
{
	for (size_t i = 0; i < line->said_size; i++) {
		bool letter = line->said[i] >= 'a' && line->said[i] <= 'z';
		if (got[i] != want[i] && !letter)
			return "mangles_bytes";
		if (got[i] != want[i] && got[i] != line->said[i])
			return "wrong_bytes";
	}
	return "not_upper_case";
}

/* The name of the mistake that turns one into the other. */
static const char *mistake(const Line *line, const unsigned char *want, size_t size, const unsigned char *got,
                           size_t got_size)
{
	size_t common = 0;
	while (common < size && common < got_size && want[common] == got[common])
		common++;
	if (!line->we_called && got_size != size && same_but_for_spaces(want, size, got, got_size))
		return got_size < size ? "strips_spaces" : "keeps_spaces";
	if (common == size && got_size > size)
		return mistake_of_more(line, size, got + size, got_size - size);
	if (common == got_size && common + 1 == size && want[common] == '\n')
		return "forgets_newline";
	if (common == got_size)
		return want[common] == 0 ? "stops_at_nul" : "truncates";
	if (line->we_called && got_size == size && line->said_size == size && size <= sizeof line->said)
		return mistake_of_letters(line, want, got);
	return "wrong_bytes";
}

static const char *thing_heard(const Line *line)
{
	return line->we_called ? "the reply" : "the message";
}

static _Noreturn void fail_bytes(Line *line, const void *want, size_t size)
{
	/* More may belong to it: the evidence is what there is when all has come to rest. */
	Hope everything = {.line = line, .enough = (size_t)-1};
	party_watch(has_come, &everything, WATCH_EVIDENCE, line->fd);
	story_bytes(thing_heard(line), want, size, line->in, line->in_size);
	story_add("%s hears \"%s\"", line->who, quoted(line->in, line->in_size));
	const char *code = mistake(line, want, size, line->in, line->in_size);
	story_fail(code, line->party, "%s should be \"%s\", but it is not.", thing_heard(line), quoted(want, size));
}

static _Noreturn void fail_silence(Line *line, Outcome outcome, const void *want, size_t size)
{
	const char *code = line->we_called ? "answers_nothing" : "sends_nothing";
	if (line->in_size > 0)
		fail_bytes(line, want, size);
	if (line->ended && !line->party->ended) {
		/* It may be about to end altogether; its end says more. */
		party_watch(NULL, NULL, 0, -1);
		if (!line->party->ended)
			story_fail("hangs_up_early", line->party, "the %s should %s \"%s\", but it hung up instead.",
			           line->party->who, line->we_called ? "answer" : "send", quoted(want, size));
	}
	story_fail_watch(outcome, code, line->party, "the %s should %s \"%s\"", line->party->who,
	                 line->we_called ? "answer" : "send", quoted(want, size));
}

static Outcome wait_for_bytes(Line *line, size_t size)
{
	Hope hope = {.line = line, .enough = size};
	Outcome outcome = has_come(&hope) ? WATCH_DONE : party_watch(has_come, &hope, WATCH_PATIENT, line->fd);
	if (line->in_size >= size)
		listen_in(line); /* what came together with it */
	return outcome;
}

static void consume(Line *line, size_t size)
{
	line->last_size = size < sizeof line->last ? size : sizeof line->last;
	memcpy(line->last, line->in, line->last_size);
	memcpy(residue, line->last, line->last_size);
	residue_size = residue_size > line->last_size ? residue_size : line->last_size;
	memmove(line->in, line->in + size, line->in_size - size);
	line->in_size -= size;
}

void hear_bytes(Line *line, const void *bytes, size_t size)
{
	Outcome outcome = wait_for_bytes(line, size);
	if (line->in_size < size)
		fail_silence(line, outcome, bytes, size);
	if (line->in_size > size || memcmp(line->in, bytes, size) != 0)
		fail_bytes(line, bytes, size);
	story_add("%s hears \"%s\"", line->who, quoted(bytes, size));
	consume(line, size);
}

void hear(Line *line, const char *text)
{
	hear_bytes(line, text, strlen(text));
}

const char *hear_either(Line *line, const char *text, const char *other)
{
	size_t shorter = strlen(text) < strlen(other) ? strlen(text) : strlen(other);
	Outcome outcome = wait_for_bytes(line, shorter);
	if (line->in_size < shorter)
		fail_silence(line, outcome, text, strlen(text));
	const char *forms[] = {text, other};
	for (int i = 0; i < 2; i++)
		if (line->in_size == strlen(forms[i]) && memcmp(line->in, forms[i], line->in_size) == 0) {
			story_add("%s hears \"%s\"", line->who, quoted(forms[i], strlen(forms[i])));
			consume(line, line->in_size);
			return forms[i];
		}
	fail_bytes(line, text, strlen(text));
}

void hear_some(Line *line, void *bytes, size_t size)
{
	Outcome outcome = wait_for_bytes(line, size);
	if (line->in_size < size) {
		story_add("%s hears %zu bytes", line->who, line->in_size);
		story_fail_watch(outcome,
		                 line->in_size > 0 ? "truncates"
		                 : line->we_called ? "answers_nothing"
		                                   : "sends_nothing",
		                 line->party, "the %s should send %zu bytes", line->party->who, size);
	}
	memcpy(bytes, line->in, size);
	story_add("%s hears \"%s\"", line->who, quoted(bytes, size));
	consume(line, size);
}

/* --- frames --- */

void frame_header(unsigned char header[FRAME_HEADER], uint32_t size)
{
	uint32_t big = htonl(size);
	memcpy(header, &big, sizeof big);
}

/* A frame as it goes over the wire; ours to free. */
static unsigned char *framed(const void *payload, size_t size)
{
	unsigned char *wire = malloc(FRAME_HEADER + size);
	need(wire != NULL, "memory");
	frame_header(wire, (uint32_t)size);
	memcpy(wire + FRAME_HEADER, payload, size);
	return wire;
}

void say_frame(Line *line, const void *payload, size_t size)
{
	unsigned char *wire = framed(payload, size);
	story_add("%s says the frame \"%s\", %zu bytes", line->who, quoted(payload, size), size);
	line_remember(line, wire, FRAME_HEADER + size);
	transmit(line, wire, FRAME_HEADER + size);
	free(wire);
}

void say_frame_text(Line *line, const char *text)
{
	say_frame(line, text, strlen(text));
}

/* What is wrong with a frame, where it is its header; NULL: something else. */
static const char *mistake_of_header(const Line *line, const unsigned char *payload, size_t size)
{
	const unsigned char *in = line->in;
	uint32_t length;
	if (size > 0 && line->in_size == size && memcmp(in, payload, size) == 0)
		return "sends_no_length";
	if (line->in_size < FRAME_HEADER)
		return NULL;
	memcpy(&length, in, sizeof length);
	if (size > 0 && length == (uint32_t)size && length != htonl((uint32_t)size))
		return "length_byte_order";
	length = ntohl(length);
	bool one_more = line->in_size == FRAME_HEADER + size + 1 && length == size + 1;
	if (one_more && memcmp(in + FRAME_HEADER, payload, size) == 0 && in[FRAME_HEADER + size] == '\0')
		return "sends_trailing_nul";
	if (one_more && memcmp(in + FRAME_HEADER, payload, size) == 0 && in[FRAME_HEADER + size] == '\n')
		return "sends_newline";
	bool all_there = line->in_size == FRAME_HEADER + size && memcmp(in + FRAME_HEADER, payload, size) == 0;
	if (all_there && length == size + FRAME_HEADER)
		return "length_counts_itself";
	return all_there ? "wrong_length" : NULL;
}

void hear_frame(Line *line, const void *payload, size_t size)
{
	unsigned char *wire = framed(payload, size);
	size_t all = FRAME_HEADER + size;
	Outcome outcome = wait_for_bytes(line, all);
	if (line->in_size != all || memcmp(line->in, wire, all) != 0) {
		const char *code = NULL;
		if (line->in_size > 0) {
			Hope everything = {.line = line, .enough = (size_t)-1};
			party_watch(has_come, &everything, WATCH_EVIDENCE, line->fd);
			code = mistake_of_header(line, payload, size);
		}
		if (code != NULL) {
			story_bytes("the frame", wire, all, line->in, line->in_size);
			story_fail(code, line->party,
			           "the %s should send the frame \"%s\" with its length %zu in front.",
			           line->party->who, quoted(payload, size), size);
		}
		if (line->in_size < all)
			fail_silence(line, outcome, wire, all);
		fail_bytes(line, wire, all);
	}
	story_add("%s hears the frame \"%s\", %zu bytes", line->who, quoted(payload, size), size);
	consume(line, all);
	free(wire);
}

void hear_frame_text(Line *line, const char *text)
{
	hear_frame(line, text, strlen(text));
}

size_t hear_any_frame(Line *line, void *payload, size_t room)
{
	unsigned char header[FRAME_HEADER];
	hear_some(line, header, sizeof header);
	uint32_t size;
	memcpy(&size, header, sizeof size);
	size = ntohl(size);
	if (size > FRAME_MOST || size > room)
		story_fail("wrong_length", line->party, "the %s should send a frame, but its length reads %u.",
		           line->party->who, size);
	if (size > 0)
		hear_some(line, payload, size);
	return size;
}

static void fail_unasked(Line *line)
{
	story_bytes(thing_heard(line), "", 0, line->in, line->in_size);
	story_add("%s hears \"%s\"", line->who, quoted(line->in, line->in_size));
	const char *code = line->we_called ? (line->said_size == 0 ? "speaks_first" : "wrong_bytes") : "sends_ahead";
	if (!line->we_called && line->in_size == line->last_size && memcmp(line->in, line->last, line->in_size) == 0)
		code = "repeats_message";
	story_fail(code, line->party, "the %s should say nothing now, but it does.", line->party->who);
}

void hear_nothing(Line *line)
{
	Hope anything = {.line = line, .enough = 1};
	Outcome outcome = party_watch(has_come, &anything, 0, line->fd);
	if (line->in_size > 0)
		fail_unasked(line);
	if (line->ended)
		story_fail("hangs_up_early", line->party, "the %s should stay on the line, but %s.", line->party->who,
		           ended_how(line));
	if (outcome == WATCH_SPINNING || outcome == WATCH_GONE)
		story_fail_watch(outcome, "hangs", line->party, "the %s should wait", line->party->who);
	story_add("%s hears nothing", line->who);
}

void hear_no_more(Line *line)
{
	Hope anything = {.line = line, .enough = 1};
	if (!line->ended)
		party_watch(has_come, &anything, 0, line->fd);
	if (line->in_size > 0)
		fail_unasked(line);
	story_add("%s hears no more", line->who);
}

void hear_hang_up(Line *line)
{
	Hope anything = {.line = line, .enough = 1};
	Outcome outcome = party_watch(has_come, &anything, WATCH_PATIENT, line->fd);
	if (line->in_size > 0)
		fail_unasked(line);
	if (!line->ended)
		story_fail_watch(outcome, "does_not_hang_up", line->party, "the %s should hang up", line->party->who);
	story_add("%s hears that the %s has hung up", line->who, line->party->who);
}

/* --- ending --- */

void half_close(Line *line)
{
	story_add("%s has no more to say, and listens on", line->who);
	shutdown(line->fd, SHUT_WR); /* ENOTCONN where the other side was quicker */
	line->half_closed = true;
	story_somebody_hung_up();
}

void hang_up(Line *line)
{
	listen_in(line); /* unread bytes would turn the farewell into a reset */
	story_add("%s hangs up", line->who);
	close(line->fd);
	line->fd = -1;
	story_somebody_hung_up();
}

void reset_call(Line *line)
{
	/* SO_LINGER with 0 seconds: close() sends RST in place of FIN (man 7 socket). */
	struct linger abrupt = {.l_onoff = 1, .l_linger = 0};
	need(setsockopt(line->fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt) == 0, "SO_LINGER");
	story_add("%s resets the call", line->who);
	close(line->fd);
	line->fd = -1;
	story_somebody_hung_up();
}

unsigned segments_heard(Line *line)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof info;
	need(getsockopt(line->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0, "TCP_INFO");
	return info.tcpi_data_segs_in;
}
