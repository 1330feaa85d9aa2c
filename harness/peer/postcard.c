#define _GNU_SOURCE
#include "peer/postcard.h"

#include "peer/story.h"
#include "program/trouble.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_BOXES = 512 };

static Box *boxes[MOST_BOXES];
static size_t box_count, callers;

static void need(bool done, const char *what)
{
	if (!done)
		trouble("%s: %s", what, strerror(errno));
}

static int tell_boxes(Stand *stand, int most)
{
	int told = 0;
	for (size_t i = box_count > 4 ? box_count - 4 : 0; i < box_count && told < most; i++) {
		if (boxes[i]->fd == -1)
			continue;
		stand[told] = (Stand){.reference = true};
		record_text(stand[told].who, "%s", boxes[i]->who);
		record_text(stand[told].where.call, "recvfrom");
		record_text(stand[told].state, "UDP port %u, %s", boxes[i]->port,
		            box_has_news(boxes[i]) ? "a datagram more than expected" : "nothing to read");
		told++;
	}
	return told;
}

static Box *new_box(in_port_t port)
{
	Box *box = calloc(1, sizeof *box);
	need(box != NULL && box_count < MOST_BOXES, "one more letter box");
	*box = (Box){.port = port ? port : room_port(), .in = malloc(POSTCARD_MOST + 1)};
	box->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(box->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	need(box->in != NULL && box->fd != -1 && bind(box->fd, (struct sockaddr *)&address, sizeof address) == 0,
	     "a letter box");
	/* Room for several of the largest: a postcard that finds the box full is thrown away. */
	int room = 4 * 1024 * 1024;
	setsockopt(box->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	boxes[box_count++] = box;
	story_tell_stands(tell_boxes);
	return box;
}

Box *a_box(Party *server)
{
	static const char *const names[] = {"alice", "bob", "carol"};
	Box *box = new_box(0);
	box->party = server;
	box->remote = server->port;
	if (callers < 3)
		snprintf(box->who, sizeof box->who, "%s", names[callers]);
	else
		snprintf(box->who, sizeof box->who, "caller %zu", callers + 1);
	callers++;
	return box;
}

Box *a_box_at(in_port_t port)
{
	Box *box = new_box(port);
	snprintf(box->who, sizeof box->who, "server");
	return box;
}

void box_off(Box *box)
{
	close(box->fd);
	box->fd = -1;
}

static const char *quoted(const void *bytes, size_t size)
{
	static char texts[2][128];
	static unsigned next;
	return record_visible(texts[next++ % 2], sizeof texts[0], bytes, size);
}

void post_to(Box *box, in_port_t port, const void *bytes, size_t size)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (size > 64)
		story_add("%s posts %zu bytes: \"%s\"", box->who, size, quoted(bytes, size));
	else
		story_add("%s posts \"%s\"", box->who, quoted(bytes, size));
	box->said_size = size;
	memcpy(box->said, bytes, size < sizeof box->said ? size : sizeof box->said);
	ssize_t n = sendto(box->fd, bytes, size, 0, (struct sockaddr *)&address, sizeof address);
	/* A postcard to nobody is lost, and the socket hears of it with the next one (man 7 udp, ECONNREFUSED is for connected
	 * ones): no trouble of ours. */
	need(n == (ssize_t)size || errno == ECONNREFUSED, "a postcard");
}

void post(Box *box, const void *bytes, size_t size)
{
	post_to(box, box->remote, bytes, size);
}

void post_text(Box *box, const char *text)
{
	post(box, text, strlen(text));
}

bool box_has_news(Box *box)
{
	if (box->full || box->fd == -1)
		return box->full;
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	ssize_t n = recvfrom(box->fd, box->in, POSTCARD_MOST + 1, 0, (struct sockaddr *)&from, &size);
	if (n == -1)
		return false;
	box->in_size = (size_t)n;
	box->remote = ntohs(from.sin_port);
	box->full = true;
	return true;
}

static bool has_come(void *box)
{
	return box_has_news(box);
}

/* The name of the mistake that turns one into the other. */
static const char *mistake(const Box *box, const unsigned char *want, size_t size)
{
	bool to_server = strcmp(box->who, "server") == 0;
	const unsigned char *got = box->in;
	size_t common = 0;
	while (common < size && common < box->in_size && want[common] == got[common])
		common++;
	if (common == size && box->in_size == size + 1 && got[size] == '\0')
		return "sends_trailing_nul";
	if (common == size && box->in_size == size + 1 && got[size] == '\n')
		return "sends_newline";
	if (common == box->in_size && box->in_size < size)
		return want[common] == 0 ? "stops_at_nul" : "truncates";
	if (common == size)
		return "stale_tail";
	if (!to_server && box->in_size == size && box->said_size == size && common < sizeof box->said) {
		bool letter = box->said[common] >= 'a' && box->said[common] <= 'z';
		if (got[common] == box->said[common])
			return "not_upper_case";
		return letter ? "wrong_bytes" : "mangles_bytes";
	}
	return "wrong_bytes";
}

void collect(Box *box, const void *bytes, size_t size)
{
	const char *what = box->party->serves || strcmp(box->who, "server") != 0 ? "answer" : "send";
	in_port_t expected = strcmp(box->who, "server") == 0 ? 0 : box->party->port;
	Outcome outcome = has_come(box) ? WATCH_DONE : party_watch(has_come, box, WATCH_PATIENT | WATCH_START, box->fd);
	if (outcome != WATCH_DONE && !box->full)
		story_fail_watch(outcome, strcmp(what, "send") == 0 ? "sends_nothing" : "answers_nothing", box->party,
		                 "the %s should %s the datagram \"%s\" (%zu bytes)", box->party->who, what,
		                 quoted(bytes, size), size);
	if (box->in_size != size || memcmp(box->in, bytes, size) != 0) {
		story_bytes("the datagram", bytes, size, box->in, box->in_size);
		story_add("%s collects \"%s\", %zu bytes", box->who, quoted(box->in, box->in_size), box->in_size);
		story_fail(mistake(box, bytes, size), box->party,
		           "the datagram should be \"%s\" (%zu bytes), but it is \"%s\" (%zu bytes).",
		           quoted(bytes, size), size, quoted(box->in, box->in_size), box->in_size);
	}
	if (expected != 0 && box->remote != expected)
		story_fail("answers_from_elsewhere", box->party,
		           "the answer should come from port %u, to which was written, but it comes from port %u.",
		           expected, box->remote);
	story_add("%s collects \"%s\"%s", box->who, quoted(bytes, size), size == 0 ? ", a datagram of 0 bytes" : "");
	box->full = false;
}

void collect_text(Box *box, const char *text)
{
	collect(box, text, strlen(text));
}

void collect_nothing(Box *box)
{
	Outcome outcome = party_watch(has_come, box, 0, box->fd);
	if (box->full) {
		story_bytes("the datagram", "", 0, box->in, box->in_size);
		story_add("%s collects \"%s\", %zu bytes", box->who, quoted(box->in, box->in_size), box->in_size);
		story_fail(strcmp(box->who, "server") == 0 ? "sends_ahead" : "wrong_bytes", box->party,
		           "the %s should send nothing now, but it does.", box->party->who);
	}
	if (outcome == WATCH_SPINNING || outcome == WATCH_GONE)
		story_fail_watch(outcome, "hangs", box->party, "the %s should wait", box->party->who);
	story_add("%s collects nothing", box->who);
}
