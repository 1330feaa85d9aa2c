/*
 * lab09_frame.c: frame.c by itself, each function at one end of a pair of sockets, the check at the other.
 *
 * The program that is judged is frame_driver.c with the student's frame.c: it calls what it is told to, and reports. The other
 * end is an ordinary Line (peer/line.h), so what goes over it is said and heard, cut and reset as with any peer. A check reads:
 *
 *	call_function("recv_exact", NULL, 10);   now it is in there
 *	waits();                                 and stays, for nothing has come
 *	say_bytes(peer, bytes, 10);
 *	returns(10);
 *	got(bytes, 10);
 *
 * Short sends and EINTR are the kernel's own: a signal while the function waits (and it waits for certain: the room is still)
 * ends a send() that has done a part with that part, and one that has done nothing with EINTR. What is said to a
 * function that receives is random: it can be known from the socket and from nowhere else.
 */
#define _GNU_SOURCE
#include "checks/lab09.h"

#include "checks/common.h"
#include "checks/start.h"
#include "peer/cut.h"
#include "program/trouble.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FILL = 0xa5, TOKENS = 64 }; /* frame_driver.c */

typedef struct {
	char call[80]; /* "recv_exact(fd, data, 10)" */
	char verb[16];
	size_t asked;
	char token[20];
} Call;

/* What the driver told of a call. */
typedef struct {
	long value;
	int error, signals;
	const unsigned char *bytes; /* of the buffer, and of what lies behind it */
	size_t size;
} Report;

/* Each check is a process: there is one driver, one peer, and what was called and has not returned yet. */
static Party *driver;
static Phone *phone;
static Line *peer;
static Call calls[TOKENS];
static unsigned called, returned;
static size_t reports_read;
static Report report;

/* --- a call --- */

static void command(const char *verb, const void *bytes, size_t size)
{
	Call *call = &calls[called++ % TOKENS];
	uint64_t chance;
	char line[80];

	if (called - returned > TOKENS || getrandom(&chance, sizeof chance, 0) != sizeof chance)
		trouble("no token for a call");
	*call = (Call){.asked = size};
	record_text(call->verb, "%s", verb);
	record_text(call->token, "%016llx", (unsigned long long)chance);
	record_text(call->call, "%s(fd, %s, %zu)", verb, strstr(verb, "frame") ? "payload" : "data", size);
	int n = snprintf(line, sizeof line, "%s %s %zu\n", call->token, verb, size);
	party_input(driver, line, (size_t)n);
	if (bytes != NULL)
		party_input(driver, bytes, size);
}

/* Calls a function of frame.c; it need not return. */
static void call_function(const char *verb, const void *bytes, size_t size)
{
	command(verb, bytes, size);
	story_add("%s is called", calls[(called - 1) % TOKENS].call);
}

/* The report of the oldest call that has not been heard of yet. */
static bool has_returned(void *context)
{
	(void)context;
	const Call *call = &calls[returned % TOKENS];
	const char *text = driver->out.size > reports_read ? driver->out.text + reports_read : "";
	const char *newline = strchr(text, '\n');
	int n = 0;

	if (newline == NULL)
		return false;
	char token[20];
	if (sscanf(text, "%19s %ld %d %d %zu%n", token, &report.value, &report.error, &report.signals, &report.size,
	           &n) < 5 ||
	    text + n != newline || strcmp(token, call->token) != 0)
		story_fail("tampers_with_the_judge", driver,
		           "what should be the driver's report of %s is something else.", call->call);
	report.bytes = (const unsigned char *)newline + 1;
	return driver->out.size - reports_read >= (size_t)(newline + 1 - text) + report.size;
}

static const char *error_name(int error)
{
	const char *name = strerrorname_np(error);
	return error == 0 ? "none" : name != NULL ? name : "no such error";
}

/* Waits until the function is back. */
static const Call *is_back(void)
{
	const Call *call = &calls[returned % TOKENS];
	Outcome outcome = party_watch(has_returned, NULL, WATCH_PATIENT, -1);

	if (!has_returned(NULL))
		story_fail_watch(outcome, "hangs", driver, "%s should return", call->call);
	reports_read = (size_t)((const char *)report.bytes - driver->out.text) + report.size;
	returned++;
	return call;
}

static void tell_return(const Call *call)
{
	if (report.value == -1)
		story_add("%s returns -1, errno %s", call->call, error_name(report.error));
	else
		story_add("%s returns %ld", call->call, report.value);
}

/* Nobody may touch what lies behind the buffer. */
static void leaves_the_rest_alone(const Call *call)
{
	for (size_t i = call->asked; i < report.size; i++)
		if (report.bytes[i] != FILL)
			story_fail("overruns_buffer", driver, "%s has room for %zu bytes, and wrote behind them.",
			           call->call, call->asked);
}

static const char *mistake_of_return(const Call *call, long wanted)
{
	bool receives = strncmp(call->verb, "recv", 4) == 0;

	if (report.value == -1 && report.error == EINTR)
		return "gives_up_on_a_signal";
	if (receives && report.value > 0 && report.value < wanted)
		return "short_read";
	return "wrong_result";
}

static void returns(long wanted)
{
	const Call *call = is_back();
	tell_return(call);
	leaves_the_rest_alone(call);
	if (report.value == wanted)
		return;
	const char *code = mistake_of_return(call, wanted);
	if (report.value == -1)
		story_fail(code, driver, "%s should return %ld, but it returned -1, errno being %s.", call->call,
		           wanted, error_name(report.error));
	story_fail(code, driver, "%s should return %ld, but it returned %ld.", call->call, wanted, report.value);
}

/* -1, and errno is this or that one. `code` names what it means if it returns something else, or nothing. */
static void returns_error(int error, int other, const char *code)
{
	const Call *call = &calls[returned % TOKENS];
	Outcome outcome = party_watch(has_returned, NULL, WATCH_PATIENT, -1);

	if (!has_returned(NULL))
		story_fail_watch(outcome, code, driver, "%s should return -1, errno %s", call->call, error_name(error));
	is_back();
	tell_return(call);
	leaves_the_rest_alone(call);
	if (report.value != -1)
		story_fail(code, driver, "%s should return -1, errno %s, but it returned %ld.", call->call,
		           error_name(error), report.value);
	if (report.error != error && report.error != other)
		story_fail("wrong_errno", driver, "%s returned -1, and errno should be %s, but it is %s.", call->call,
		           error_name(error), error_name(report.error));
}

/* What was received is what was said. */
static void got(const void *bytes, size_t size)
{
	const Call *call = &calls[(returned - 1) % TOKENS];

	if (size == 0 || memcmp(report.bytes, bytes, size) == 0)
		return;
	story_bytes("what was received", bytes, size, report.bytes, size);
	story_fail("wrong_bytes", driver, "%s returned %ld, but the bytes that it received are others than were sent.",
	           call->call, report.value);
}

/* It is in its function, and has nothing to do. */
static void waits(void)
{
	const Call *call = &calls[returned % TOKENS];
	Outcome outcome = party_watch(has_returned, NULL, 0, -1);

	if (!has_returned(NULL) && outcome != WATCH_SPINNING && !driver->ended)
		return;
	if (!has_returned(NULL))
		story_fail_watch(outcome, "hangs", driver, "%s should wait", call->call);
	is_back();
	tell_return(call);
	bool short_send = strncmp(call->verb, "send", 4) == 0 && report.value >= 0;
	story_fail(short_send ? "short_send" : mistake_of_return(call, (long)call->asked), driver,
	           report.value == -1 ? "%s should wait for the rest, but it returned %ld, errno being %s."
	                              : "%s should wait for the rest, but it returned %ld.",
	           call->call, report.value, error_name(report.error));
}

/* A signal with a handler, and without SA_RESTART, while it waits. */
static void is_interrupted(void)
{
	waits();
	party_signal(driver, SIGUSR1);
	story_add("a signal comes while it waits");
	waits();
}

/* The other end gets these bytes, all of them, and nothing else. The function may be waiting for us to read. */
typedef struct {
	size_t size;
} Wanted;

static bool is_sent(void *context)
{
	const Wanted *wanted = context;
	has_news(peer); /* takes in what there is */
	return (peer->in_size >= wanted->size && has_returned(NULL)) || peer->ended;
}

static void sends(const void *bytes, size_t size, const char *code)
{
	const Call *call = &calls[returned % TOKENS];
	Wanted wanted = {.size = size};
	Outcome outcome = party_watch(is_sent, &wanted, WATCH_PATIENT, peer->fd);
	bool same = memcmp(peer->in, bytes, peer->in_size < size ? peer->in_size : size) == 0;

	if (same && peer->in_size < size && has_returned(NULL) && report.value >= 0)
		story_fail(code, driver, "%s returned %ld, but only %zu of %zu bytes have come.", call->call,
		           report.value, peer->in_size, size);
	if (!has_returned(NULL) || driver->ended)
		story_fail_watch(outcome, "hangs", driver, "%s should send its bytes and return", call->call);
	returns(0);
	if (peer->in_size == size && same) {
		peer->in_size = 0;
		story_add("%zu bytes come, as they should be", size);
		return;
	}
	story_bytes("what was sent", bytes, size, peer->in, peer->in_size);
	story_fail(same && peer->in_size < size ? "truncates" : "wrong_bytes", driver,
	           "%s returned 0, but what has come is not what it was given.", call->call);
}

/* --- the pair --- */

static void new_peer(void)
{
	peer = answer_untold(phone, driver);
	record_text(peer->who, "the peer");
	story_add("two ends of a %s: one for your functions, one for the peer",
	          phone->path[0] != '\0' ? "pair of sockets" : "TCP connection");
}

static void a_driver(StartAs as, const char *address)
{
	driver = the_program(as, (const char *const[]){address, NULL});
	driver->drives = true;
	record_text(driver->who, "function");
	new_peer();
}

/* The driver on a pair of sockets, or on a call over TCP. */
static void a_pair(StartAs as)
{
	const char *path = path_text("pair");
	phone = phone_at_path("pair");
	a_driver(as, path);
}

static void a_call(void)
{
	phone = a_phone();
	a_driver((StartAs){0}, port_text(phone->port));
}

/* The same again, with a new pair: the old one is of no use any more. */
static void another_pair(void)
{
	command("dial", NULL, 0);
	new_peer();
	is_back();
}

/* Letters, for these are shown where something goes wrong; but which, nobody knows. */
static void random_bytes(void *bytes, size_t size)
{
	unsigned char *at = bytes;
	for (size_t have = 0; have < size;) {
		ssize_t n = getrandom(at + have, size - have, 0);
		if (n <= 0)
			trouble("getrandom: %s", strerror(errno));
		have += (size_t)n;
	}
	for (size_t i = 0; i < size; i++)
		at[i] = (unsigned char)('a' + at[i] % 26);
}

/* As say_bytes() and say_frame(); but random bytes are no reading. */
static void say_some(const void *bytes, size_t size)
{
	story_add("the peer sends %zu byte%s", size, size == 1 ? "" : "s");
	transmit(peer, bytes, size);
}

static void say_some_frame(const void *payload, size_t size)
{
	unsigned char header[FRAME_HEADER];
	frame_header(header, (uint32_t)size);
	story_add("the peer sends a frame of %zu byte%s", size, size == 1 ? "" : "s");
	transmit(peer, header, sizeof header);
	/* A long one is in two pieces for certain, and not by chance. */
	size_t first = size > 10000 ? size / 2 : 0;
	transmit(peer, payload, first);
	if (first > 0)
		party_watch(NULL, NULL, 0, -1);
	transmit(peer, (const char *)payload + first, size - first);
}

static void say_header(uint32_t size)
{
	unsigned char header[FRAME_HEADER];
	frame_header(header, size);
	story_add("the peer sends a header that says %u bytes", size);
	transmit(peer, header, sizeof header);
}

#define FRAME_CHECK(name, points, title, hint1, hint2, hint3) \
	SHARED_CHECK(NEEDS_C, frame, name, points, title, hint1, hint2, hint3)

/* --- send_all --- */

FRAME_CHECK(sends_every_byte, 3, "send_all() sends every byte, and returns 0",
            "What does send() return, and what send_all()?",
            "send() says how much it took; send_all() returns 0, for it has sent all or failed.",
            "while (size > 0) { n = send(fd, data, size, MSG_NOSIGNAL); …; data += n; size -= n; } return 0;")
{
	char bytes[256];
	every_byte(bytes);
	a_pair((StartAs){0});
	call_function("send_all", bytes, sizeof bytes);
	sends(bytes, sizeof bytes, "short_send");
	call_function("send_all", "x", 1);
	sends("x", 1, "short_send");
	call_function("send_all", "", 0);
	returns(0);
	call_function("send_all", "bye", 3);
	sends("bye", 3, "short_send");
}
END_CHECK

FRAME_CHECK(sends_all_after_a_short_send, 4, "send_all() goes on after a send() that took only a part",
            "What does send() return if it could not take all it was given?",
            "The number of bytes that it took. What is left begins behind them, and goes into the next send().",
            "Move the pointer on by n, take n from the size, and send() again until nothing is left.")
{
	static unsigned char bytes[100000];
	random_bytes(bytes, sizeof bytes);
	a_pair((StartAs){0});
	call_function("send_all", bytes, sizeof bytes);
	waits();
	party_signal(driver, SIGUSR1);
	story_add("a signal comes while it waits: send() returns with what it has sent so far");
	party_watch(NULL, NULL, 0, -1);
	sends(bytes, sizeof bytes, "short_send");
}
END_CHECK

FRAME_CHECK(goes_on_after_a_signal_while_it_sends, 2, "send_all() goes on after a signal",
            "send() returned -1, and errno is EINTR. What went wrong?",
            "Nothing: a signal came before a byte was sent. The same call again will do.",
            "if (n == -1 && errno == EINTR) continue;")
{
	a_pair((StartAs){0});
	command("fill", NULL, 0);
	is_back();
	size_t before = (size_t)report.value;
	unsigned char *all = calloc(1, before + 10);
	if (all == NULL)
		trouble("no memory");
	memcpy(all + before, "and so on.", 10);
	story_add("the peer does not read, until the socket takes no more");
	call_function("send_all", all + before, 10);
	is_interrupted();
	sends(all, before + 10, "short_send");
}
END_CHECK

FRAME_CHECK(tells_that_the_peer_is_gone, 3,
            "send_all() and send_frame() return -1 when the peer is gone, and raise no signal",
            "What happens to a program that writes to a call which the other side has closed?",
            "SIGPIPE, which ends it without a word; with MSG_NOSIGNAL send() returns -1, and errno is EPIPE.",
            "send(fd, data, size, MSG_NOSIGNAL); if (n == -1 && errno != EINTR) return -1;")
{
	a_pair((StartAs){0});
	hang_up(peer);
	call_function("send_all", "anybody there?", 14);
	returns_error(EPIPE, ECONNRESET, "ignores_hang_up");
	another_pair();
	hang_up(peer);
	call_function("send_frame", "anybody there?", 14);
	returns_error(EPIPE, ECONNRESET, "ignores_hang_up");
}
END_CHECK

/* --- recv_exact --- */

FRAME_CHECK(receives_exactly_so_many, 3, "recv_exact() takes exactly so many bytes, and not one of those behind them",
            "How many bytes may recv() give you, if you ask for 1024 and want 30?",
            "All that are there, up to 1024: 30 of yours, and what belongs to whoever asks next.",
            "Never ask recv() for more than is still missing: recv(fd, next, left, 0).")
{
	unsigned char bytes[200];
	static const size_t parts[] = {30, 1, 100, 69};
	size_t at = 0;
	random_bytes(bytes, sizeof bytes);
	a_pair((StartAs){0});
	say_some(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; at += parts[i++]) {
		call_function("recv_exact", NULL, parts[i]);
		returns((long)parts[i]);
		got(bytes + at, parts[i]);
	}
}
END_CHECK

typedef struct {
	Speech speech;
	size_t size[4]; /* of its messages, as recv_exact() or recv_frame() has them; to be ended by 0 for recv_exact */
} Cuttable;

static void receive_in_this_cut(const Cut *cut, void *context)
{
	const Cuttable *said = context;
	if (!cut_is_kind(cut))
		another_pair();
	for (size_t i = 0; i < said->speech.messages; i++)
		call_function("recv_exact", NULL, said->size[i]);
	say_speech(peer, &said->speech, cut);
	for (size_t i = 0; i < said->speech.messages; i++) {
		returns((long)said->size[i]);
		got(said->speech.bytes + said->speech.begin[i], said->size[i]);
	}
}

FRAME_CHECK(receives_however_it_comes, 4, "recv_exact() waits until all has come, in however many pieces",
            "recv() was asked for 100 bytes and returned 1. What does that mean?",
            "That one byte was there. The others come later: ask again, for what is left.",
            "while (left > 0) { n = recv(fd, next, left, 0); …; next += n; left -= n; }")
{
	static Cuttable said = {.size = {4, 100, 1, 60}};
	unsigned char bytes[165];
	size_t at = 0;
	random_bytes(bytes, sizeof bytes);
	for (size_t i = 0; i < 4; at += said.size[i++])
		speech_bytes(&said.speech, bytes + at, said.size[i], said.size[i] / 2);
	a_pair((StartAs){0});
	in_every_cut(receive_in_this_cut, &said);
}
END_CHECK

FRAME_CHECK(goes_on_after_a_signal_while_it_receives, 2, "recv_exact() goes on after a signal",
            "recv() returned -1, and errno is EINTR. What went wrong?",
            "Nothing: a signal came before a byte did. The same call again will do, and what has come already stays.",
            "if (n == -1 && errno == EINTR) continue;")
{
	unsigned char bytes[10];
	random_bytes(bytes, sizeof bytes);
	a_pair((StartAs){0});
	call_function("recv_exact", NULL, sizeof bytes);
	is_interrupted();
	say_some(bytes, 4);
	is_interrupted();
	say_some(bytes + 4, 6);
	returns(sizeof bytes);
	got(bytes, sizeof bytes);
}
END_CHECK

FRAME_CHECK(tells_an_end_before_the_first_byte, 2, "recv_exact() returns 0 when the stream ends before the first byte",
            "What does recv() return when they have hung up?",
            "0. Between two messages that is no error: recv_exact() returns 0 as well.",
            "if (n == 0 && left == size) return 0;")
{
	unsigned char bytes[10];
	random_bytes(bytes, sizeof bytes);
	a_pair((StartAs){0});
	call_function("recv_exact", NULL, sizeof bytes);
	say_some(bytes, sizeof bytes);
	returns(sizeof bytes);
	got(bytes, sizeof bytes);
	call_function("recv_exact", NULL, sizeof bytes);
	waits();
	hang_up(peer);
	returns(0);
}
END_CHECK

FRAME_CHECK(tells_an_end_inside, 3, "recv_exact() returns -1 (ECONNRESET) when the stream ends inside",
            "3 of 10 bytes have come, and recv() returns 0. How many will come?",
            "None. Something was begun and not finished: that is an error, and recv() itself set no errno for it.",
            "if (n == 0 && left < size) { errno = ECONNRESET; return -1; }")
{
	unsigned char bytes[10];
	random_bytes(bytes, sizeof bytes);
	a_pair((StartAs){0});
	call_function("recv_exact", NULL, sizeof bytes);
	say_some(bytes, 3);
	waits();
	half_close(peer);
	returns_error(ECONNRESET, ECONNRESET, "ignores_hang_up");
}
END_CHECK

FRAME_CHECK(tells_a_reset, 2, "recv_exact() and recv_frame() return -1 (ECONNRESET) when the call is reset",
            "What does recv() return when the call was torn down?",
            "-1, and errno says why: that is for the caller to see.", "if (n == -1 && errno != EINTR) return -1;")
{
	a_call();
	call_function("recv_exact", NULL, 10);
	waits();
	reset_call(peer);
	returns_error(ECONNRESET, ECONNRESET, "ignores_hang_up");
	another_pair();
	call_function("recv_frame", NULL, 10);
	waits();
	reset_call(peer);
	returns_error(ECONNRESET, ECONNRESET, "ignores_hang_up");
}
END_CHECK

/* --- send_frame --- */

static void pattern(unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i % 251);
}

static unsigned char payload[FRAME_MOST + 1];

static void sends_the_frame(size_t size)
{
	call_function("send_frame", payload, size);
	hear_frame(peer, payload, size);
	returns(0);
}

FRAME_CHECK(puts_the_length_in_front, 4, "send_frame() puts the length in front, in network byte order",
            "Which four bytes stand in front of `hello`?",
            "00 00 00 05: the big end first, whatever the machine has. They count the payload, and not themselves.",
            "uint32_t header = htonl(size); and then the header's four bytes, and the payload's.")
{
	static const size_t sizes[] = {5, 1, 300, 4096};
	pattern(payload, sizeof payload);
	memcpy(payload, "hello", 5);
	a_pair((StartAs){0});
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		sends_the_frame(sizes[i]);
}
END_CHECK

FRAME_CHECK(sends_the_empty_frame, 2, "send_frame() sends the empty frame",
            "What of the empty message goes over the wire?", "Its length: four bytes of 0.",
            "A payload of 0 bytes is no error: send the header, and no more.")
{
	memcpy(payload, "hello", 5);
	a_pair((StartAs){0});
	sends_the_frame(0);
	sends_the_frame(5);
}
END_CHECK

FRAME_CHECK(sends_65536_bytes_and_no_more, 3,
            "send_frame() sends 65,536 bytes, and of 65,537 nothing at all (EMSGSIZE)", "Which is the longest frame?",
            "65,536 bytes of payload, four more on the wire. One more is refused before anything is sent.",
            "if (size > FRAME_MAX) { errno = EMSGSIZE; return -1; } at the very beginning.")
{
	pattern(payload, sizeof payload);
	a_pair((StartAs){0});
	sends_the_frame(FRAME_MOST);
	call_function("send_frame", payload, FRAME_MOST + 1);
	has_news(peer);
	Wanted anything = {.size = 1};
	party_watch(is_sent, &anything, 0, peer->fd);
	if (peer->in_size > 0)
		story_fail("sends_too_much", driver,
		           "of a frame of 65,537 bytes nothing should be sent, but something has come.");
	returns_error(EMSGSIZE, EMSGSIZE, "sends_too_much");
}
END_CHECK

FRAME_CHECK(sends_a_frame_in_spite_of_a_signal, 2, "send_frame() sends all of it, whatever send() takes at a time",
            "Does send_frame() look at what send() returns?",
            "Either part may go out by and by: that is what send_all() is for.",
            "send_all(fd, header, 4) and then send_all(fd, payload, size), or both from one buffer.")
{
	enum { SIZE = 50000 };
	random_bytes(payload, SIZE);
	a_pair((StartAs){0});
	call_function("send_frame", payload, SIZE);
	is_interrupted();
	is_interrupted();
	/* Whether the header is right is asked elsewhere. */
	Wanted all = {.size = SIZE + FRAME_HEADER};
	party_watch(is_sent, &all, WATCH_PATIENT, peer->fd);
	returns(0);
	if (peer->in_size < SIZE)
		story_fail("short_send", driver, "the frame has %d bytes of payload, but only %zu bytes have come.",
		           SIZE, peer->in_size);
	if (memcmp(peer->in + peer->in_size - SIZE, payload, SIZE) != 0)
		story_fail("wrong_bytes", driver, "what has come is not the payload that send_frame() was given.");
}
END_CHECK

/* --- recv_frame --- */

static void receives_the_frame(size_t size, size_t capacity)
{
	random_bytes(payload, size);
	for (size_t i = 3; i < size; i += 7)
		payload[i] = (unsigned char)i; /* and a byte of every other kind, NUL too */
	call_function("recv_frame", NULL, capacity);
	say_some_frame(payload, size);
	returns((long)size);
	got(payload, size);
}

FRAME_CHECK(receives_a_frame, 4, "recv_frame() gives the payload, and returns its size",
            "What do the first four bytes say?",
            "How many follow. ntohl() turns them into a number, and so many are the payload.",
            "recv_exact(fd, &header, 4), size = ntohl(header), recv_exact(fd, payload, size), return size.")
{
	static const size_t sizes[] = {5, 1, 300, FRAME_MOST};
	a_pair((StartAs){0});
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		receives_the_frame(sizes[i], FRAME_MOST);
}
END_CHECK

FRAME_CHECK(receives_the_empty_frame, 2, "recv_frame() returns 0 for the empty frame",
            "How is the empty frame told from the end of the stream?",
            "It is four bytes, all of them 0, and recv_frame() returns 0. The end of the stream is -1 and ENODATA.",
            "After the header: if the size is 0, return 0, and no recv() for the payload.")
{
	a_pair((StartAs){0});
	receives_the_frame(0, 10);
	receives_the_frame(5, 10);
	receives_the_frame(0, 0);
}
END_CHECK

static void receive_frames_in_this_cut(const Cut *cut, void *context)
{
	const Cuttable *said = context;
	if (!cut_is_kind(cut))
		another_pair();
	for (size_t i = 0; i < said->speech.messages; i++)
		call_function("recv_frame", NULL, 1000);
	say_speech(peer, &said->speech, cut);
	for (size_t i = 0; i < said->speech.messages; i++) {
		returns((long)said->size[i]);
		got(said->speech.bytes + said->speech.begin[i] + FRAME_HEADER, said->size[i]);
	}
}

FRAME_CHECK(receives_frames_however_they_come, 4, "recv_frame() waits for all of a header and a payload, in any pieces",
            "Can the four bytes of the length come one by one?", "Yes, as any others; and two frames may come at once.",
            "recv_exact() for the header as well, and for the payload: nothing else reads from the stream.")
{
	static Cuttable said = {.size = {5, 0, 90, 1}};
	unsigned char bytes[96];
	size_t at = 0;
	random_bytes(bytes, sizeof bytes);
	for (size_t i = 0; i < 4; at += said.size[i++])
		speech_frame(&said.speech, bytes + at, said.size[i]);
	a_pair((StartAs){0});
	in_every_cut(receive_frames_in_this_cut, &said);
}
END_CHECK

FRAME_CHECK(refuses_a_length_over_65536, 4, "recv_frame() refuses a length over 65,536 at once (EMSGSIZE)",
            "Who says how long the frame is?",
            "A stranger does. Look at the number before you take memory or wait for so much.",
            "if (size > FRAME_MAX || size > capacity) { errno = EMSGSIZE; return -1; }")
{
	static const uint32_t lengths[] = {65537, 0x7fffffff, 0x80000000, 0xffffffff};
	a_pair((StartAs){0});
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		if (i > 0)
			another_pair();
		call_function("recv_frame", NULL, 100000);
		say_header(lengths[i]);
		returns_error(EMSGSIZE, EMSGSIZE, "trusts_length");
	}
}
END_CHECK

FRAME_CHECK(refuses_a_length_over_the_capacity, 3, "recv_frame() refuses a length over the capacity (EMSGSIZE)",
            "The buffer has room for 10 bytes and the frame has 11. Where would the last one go?",
            "Into memory that is somebody else's. So it is refused, as one over 65,536 is.",
            "Compare with the capacity as well, before the payload is received. One that just fits is no error.")
{
	unsigned char bytes[40];
	random_bytes(bytes, sizeof bytes);
	a_pair((StartAs){0});
	receives_the_frame(10, 10);
	call_function("recv_frame", NULL, 10);
	say_some_frame(bytes, 11);
	returns_error(EMSGSIZE, EMSGSIZE, "trusts_length");
	another_pair();
	call_function("recv_frame", NULL, 0);
	say_header(1);
	returns_error(EMSGSIZE, EMSGSIZE, "trusts_length");
}
END_CHECK

FRAME_CHECK(tells_an_end_before_a_header, 2, "recv_frame() returns -1 (ENODATA) when the stream ends before a header",
            "They have hung up after their last frame: is that an error?",
            "It is the end, which must be told from the empty frame: -1, and errno ENODATA.",
            "if (recv_exact(fd, &header, 4) == 0) { errno = ENODATA; return -1; }")
{
	a_pair((StartAs){0});
	receives_the_frame(5, 10);
	call_function("recv_frame", NULL, 10);
	waits();
	hang_up(peer);
	returns_error(ENODATA, ENODATA, "ignores_hang_up");
}
END_CHECK

FRAME_CHECK(tells_an_end_inside_a_header, 2,
            "recv_frame() returns -1 (ECONNRESET) when the stream ends inside a header",
            "Two of the four bytes have come, and then the end. What is the length?",
            "Nobody knows. A frame was begun and not finished: ECONNRESET.",
            "What recv_exact() says of an end inside is right here, too.")
{
	unsigned char header[FRAME_HEADER];
	frame_header(header, 5);
	a_pair((StartAs){0});
	for (size_t n = 1; n < FRAME_HEADER; n++) {
		if (n > 1)
			another_pair();
		call_function("recv_frame", NULL, 10);
		say_some(header, n);
		waits();
		half_close(peer);
		returns_error(ECONNRESET, ECONNRESET, "ignores_hang_up");
	}
}
END_CHECK

FRAME_CHECK(tells_an_end_inside_a_payload, 3,
            "recv_frame() returns -1 (ECONNRESET) when the stream ends inside a payload",
            "The header has come, it says 5, and then the end. What does recv_exact() return for the payload?",
            "0, if not a byte of it came: a clean end for recv_exact(), but not for a frame whose header was there.",
            "if (recv_exact(fd, payload, size) == 0) { errno = ECONNRESET; return -1; }, where size is not 0.")
{
	static const size_t parts[] = {4, 0};
	unsigned char bytes[10];
	random_bytes(bytes, sizeof bytes);
	a_pair((StartAs){0});
	for (size_t i = 0; i < 2; i++) {
		if (i > 0)
			another_pair();
		call_function("recv_frame", NULL, sizeof bytes);
		say_header(sizeof bytes);
		if (parts[i] > 0)
			say_some(bytes, parts[i]);
		waits();
		half_close(peer);
		returns_error(ECONNRESET, ECONNRESET, "ignores_hang_up");
	}
}
END_CHECK

FRAME_CHECK(receives_a_frame_in_spite_of_a_signal, 2, "recv_frame() goes on after a signal",
            "A signal comes after the header. Where does your function go on?", "Where it was: what has come has come.",
            "recv_exact() for header and payload: it goes on from EINTR by itself.")
{
	unsigned char header[FRAME_HEADER], bytes[10];
	random_bytes(bytes, sizeof bytes);
	frame_header(header, sizeof bytes);
	a_pair((StartAs){0});
	call_function("recv_frame", NULL, 100);
	is_interrupted();
	say_some(header, 2);
	is_interrupted();
	say_some(header + 2, 2);
	is_interrupted();
	say_some(bytes, 5);
	is_interrupted();
	say_some(bytes + 5, 5);
	returns(sizeof bytes);
	got(bytes, sizeof bytes);
}
END_CHECK

/* --- what it takes --- */

static void a_frame_there_and_back(void *context)
{
	(void)context;
	unsigned char bytes[40], back[FRAME_HEADER + sizeof bytes];
	random_bytes(bytes, sizeof bytes);
	frame_header(back, sizeof bytes);
	memcpy(back + FRAME_HEADER, bytes, sizeof bytes);
	command("recv_frame", NULL, sizeof bytes);
	transmit(peer, back, sizeof back);
	is_back();
	command("send_frame", bytes, sizeof bytes);
	Wanted all = {.size = sizeof back};
	party_watch(is_sent, &all, WATCH_PATIENT, peer->fd);
	is_back();
	peer->in_size = 0; /* whether it is right is asked elsewhere */
}

FRAME_CHECK(leaves_nothing_behind_after_300_frames, 2, "takes nothing for good, however many frames go to and fro",
            "What does a function of yours take for each frame: memory, descriptors?",
            "What malloc() gave, free() takes back, on every way out.",
            "A buffer on the stack needs no free(): char frame[4 + FRAME_MAX].")
{
	a_pair((StartAs){0});
	leaves_nothing_behind(driver, 300, "frames", a_frame_there_and_back, NULL);
}
END_CHECK

SHARED_CHECK(NEEDS_SOURCES, frame, is_clean_under_sanitizers, 3, "uses only memory that is its own, and gives it back",
             "How much room has each buffer, and how much goes into it at most?",
             "A header is 4 bytes; a payload has as many as its length says, and never more than the capacity.",
             "uint32_t header; recv_exact(fd, &header, sizeof header); compare, and only then receive the payload.")
{
	static const size_t sizes[] = {0, 1, 5, 300, FRAME_MOST};
	a_pair((StartAs){.sanitized = true});
	story_before_failing(is_clean);
	random_bytes(payload, sizeof payload);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		/* Whether it is right is asked elsewhere; here, what it does to memory meanwhile. */
		if (i > 0)
			another_pair();
		command("recv_frame", NULL, sizes[i]);
		say_some_frame(payload, sizes[i]);
		half_close(peer);
		is_back();
		command("send_frame", payload, sizes[i]);
		Wanted all = {.size = FRAME_HEADER + sizes[i]};
		party_watch(is_sent, &all, WATCH_PATIENT, peer->fd);
		is_back();
	}
	another_pair();
	command("recv_frame", NULL, 10);
	say_some_frame(payload, 300);
	half_close(peer);
	is_back();
	asks_for_leaks(driver);
	is_clean(driver);
}
END_CHECK
