/* test_wire.c: is what went over the wire told as it was, and can others read the file? */
#define _GNU_SOURCE
#include "guests.h"
#include "observe/wire.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *wire_suite(void);

static char path[32];
static in_port_t port;
static int phone;
static bool wired; /* where the machine's loopback is shared, nobody may listen to it: passed over */

static struct sockaddr_in number(in_port_t of)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons(of), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int bound(int type, in_port_t to)
{
	struct sockaddr_in here = number(to);
	int one = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
	return fd;
}

static void enter(void)
{
	char why[256];
	guests_enter();
	snprintf(path, sizeof path, "/tmp/wire-XXXXXX");
	close(mkstemp(path));
	port = room_port();
	phone = bound(SOCK_STREAM, port);
	ck_assert_int_eq(listen(phone, 5), 0);
	wired = room_is_private() && wire_open(path, why, sizeof why);
	ck_assert_msg(wired || !room_is_private(), "%s", why);
}

static void leave(void)
{
	wire_close();
	close(phone);
	unlink(path);
}

/* A call from this port to the phone, and its other end. */
static int dial(in_port_t from, int *answer)
{
	struct sockaddr_in there = number(port);
	int call = bound(SOCK_STREAM, from);
	ck_assert_int_eq(connect(call, (struct sockaddr *)&there, sizeof there), 0);
	*answer = accept4(phone, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ne(*answer, -1);
	return call;
}

/* The next packet, as a line: ACKs that carry nothing are passed over, for they come when they come. */
static const char *next(in_port_t caller)
{
	static char line[256];
	char flags[40];
	WirePacket p;
	while (wire_next(&p)) {
		bool out = p.from == caller;
		if (!p.udp && !p.icmp && p.flags == WIRE_ACK && p.size == 0)
			continue;
		snprintf(line, sizeof line, "%s %s seq %u ack %u \"%.*s\" %zu", out ? ">" : "<",
		         p.udp    ? "UDP"
		         : p.icmp ? "ICMP"
		                  : wire_flags(p.flags, flags),
		         p.sequence, p.acknowledged, (int)p.data_size, (const char *)p.data, p.size);
		return line;
	}
	return "(none)";
}

static void say(int call, const char *text)
{
	ck_assert_int_eq(send(call, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void hear(int call, const char *text)
{
	char heard[64];
	ssize_t n = recv(call, heard, sizeof heard, 0);
	ck_assert_int_eq(n, (ssize_t)strlen(text));
	ck_assert_int_eq(memcmp(heard, text, (size_t)n), 0);
}

START_TEST(a_call_from_beginning_to_end)
{
	int answer, call;
	in_port_t from = room_port();
	if (!wired)
		return;
	call = dial(from, &answer);
	ck_assert_str_eq(next(from), "> SYN seq 0 ack 0 \"\" 0");
	ck_assert_str_eq(next(from), "< SYN, ACK seq 0 ack 1 \"\" 0");
	say(call, "hello");
	hear(answer, "hello");
	ck_assert_str_eq(next(from), "> PSH, ACK seq 1 ack 1 \"hello\" 5");
	say(answer, "HELLO!");
	hear(call, "HELLO!");
	ck_assert_str_eq(next(from), "< PSH, ACK seq 1 ack 6 \"HELLO!\" 6");
	close(call);
	ck_assert_str_eq(next(from), "> FIN, ACK seq 6 ack 7 \"\" 0");
	close(answer);
	ck_assert_str_eq(next(from), "< FIN, ACK seq 7 ack 7 \"\" 0");
	ck_assert_str_eq(next(from), "(none)");
}
END_TEST

START_TEST(a_call_that_nobody_takes)
{
	in_port_t from = room_port(), nobody = room_port();
	struct sockaddr_in there = number(nobody);
	if (!wired)
		return;
	int call = bound(SOCK_STREAM, from);
	ck_assert_int_eq(connect(call, (struct sockaddr *)&there, sizeof there), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	ck_assert_str_eq(next(from), "> SYN seq 0 ack 0 \"\" 0");
	/* No SYN of its own came before: it counts as if one had, as others count it. */
	ck_assert_str_eq(next(from), "< RST, ACK seq 1 ack 1 \"\" 0");
	close(call);
}
END_TEST

START_TEST(a_reset)
{
	int answer, call;
	in_port_t from = room_port();
	if (!wired)
		return;
	call = dial(from, &answer);
	say(answer, "unread");
	close(call); /* with bytes that were not read: a reset */
	next(from);
	next(from);
	ck_assert_str_eq(next(from), "< PSH, ACK seq 1 ack 1 \"unread\" 6");
	ck_assert_str_eq(next(from), "> RST, ACK seq 1 ack 7 \"\" 0");
	close(answer);
}
END_TEST

/* The same two ports again: another call, that counts from its own beginning. */
START_TEST(the_same_ports_again)
{
	in_port_t from = room_port();
	for (int turn = 0; wired && turn < 3; turn++) {
		int answer, call = dial(from, &answer);
		struct linger at_once = {1, 0};
		say(call, "again");
		setsockopt(call, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		close(call);
		close(answer);
		ck_assert_str_eq(next(from), "> SYN seq 0 ack 0 \"\" 0");
		ck_assert_str_eq(next(from), "< SYN, ACK seq 0 ack 1 \"\" 0");
		ck_assert_str_eq(next(from), "> PSH, ACK seq 1 ack 1 \"again\" 5");
		ck_assert_str_eq(next(from), "> RST, ACK seq 6 ack 1 \"\" 0");
	}
}
END_TEST

/* what if there are more calls than there is room for? The newest count right. */
START_TEST(more_calls_than_there_is_room_for)
{
	enum { CALLS = 400 };
	for (int i = 0; wired && i < CALLS; i++) {
		/* Whichever place a port may be kept at, one of these has the same as the phone's. */
		in_port_t from = i < CALLS - 1 ? (in_port_t)(33000 + i) : (in_port_t)(port % 256 + 256 * 140);
		int answer, call = dial(from, &answer);
		say(call, "one");
		hear(answer, "one");
		close(call);
		close(answer);
		ck_assert_str_eq(next(from), "> SYN seq 0 ack 0 \"\" 0");
		ck_assert_str_eq(next(from), "< SYN, ACK seq 0 ack 1 \"\" 0");
		ck_assert_str_eq(next(from), "> PSH, ACK seq 1 ack 1 \"one\" 3");
		ck_assert_str_eq(next(from), "> FIN, ACK seq 4 ack 1 \"\" 0");
		ck_assert_str_eq(next(from), "< FIN, ACK seq 1 ack 5 \"\" 0");
	}
}
END_TEST

START_TEST(a_long_message)
{
	static char text[20000], heard[sizeof text];
	int answer, call;
	size_t told = 0;
	WirePacket p;
	in_port_t from = room_port();
	if (!wired)
		return;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i % 26);
	call = dial(from, &answer);
	ck_assert_int_eq(send(call, text, sizeof text, 0), sizeof text);
	ck_assert_int_eq(recv(answer, heard, sizeof heard, MSG_WAITALL), sizeof heard);
	while (wire_next(&p))
		if (p.from == from && p.size > 0) {
			ck_assert_uint_eq(p.sequence, told + 1);
			ck_assert_uint_eq(p.size, p.data_size);
			ck_assert_int_eq(memcmp(p.data, text + told, p.size), 0);
			told += p.size;
		}
	ck_assert_uint_eq(told, sizeof text);
}
END_TEST

START_TEST(postcards)
{
	WirePacket p;
	in_port_t from = room_port(), to = room_port(), nobody = room_port();
	struct sockaddr_in there = number(to), nowhere = number(nobody);
	if (!wired)
		return;
	int writer = bound(SOCK_DGRAM, from), reader = bound(SOCK_DGRAM, to);
	ck_assert_int_eq(sendto(writer, "card", 4, 0, (struct sockaddr *)&there, sizeof there), 4);
	ck_assert(wire_next(&p) && p.udp && !p.icmp && p.from == from && p.to == to);
	ck_assert(p.size == 4 && memcmp(p.data, "card", 4) == 0);
	ck_assert(p.from_address == INADDR_LOOPBACK && p.to_address == INADDR_LOOPBACK);
	ck_assert_int_eq(sendto(writer, "", 0, 0, (struct sockaddr *)&there, sizeof there), 0);
	ck_assert(wire_next(&p) && p.udp && p.size == 0);
	/* And the kernel's notice that nobody is there, about the card. */
	ck_assert_int_eq(sendto(writer, "lost", 4, 0, (struct sockaddr *)&nowhere, sizeof nowhere), 4);
	ck_assert(wire_next(&p) && p.udp && p.to == nobody);
	ck_assert(wire_next(&p) && p.icmp && !p.udp && p.to == from && p.from == nobody && p.size == 0);
	ck_assert(!wire_next(&p));
	close(writer);
	close(reader);
}
END_TEST

/* --- the file --- */

static uint32_t word(const unsigned char *bytes)
{
	uint32_t value;
	memcpy(&value, bytes, sizeof value);
	return value;
}

/* draft-ietf-opsawg-pcapng: each block says its length twice; a section, an interface, then the packets. */
START_TEST(the_file_is_pcapng)
{
	static unsigned char file[65536];
	int answer, call;
	size_t told = 0, blocks = 0;
	WirePacket p;
	in_port_t from = room_port();
	if (!wired)
		return;
	call = dial(from, &answer);
	say(call, "odd"); /* its block must be filled up */
	close(call);
	close(answer);
	while (wire_next(&p))
		told++;
	wire_close();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, file, sizeof file);
	close(fd);
	for (size_t i = 0; i < (size_t)size; blocks++) {
		const unsigned char *block = file + i;
		uint32_t type = word(block), length = word(block + 4);
		ck_assert(length % 4 == 0 && length >= 12 && i + length <= (size_t)size);
		ck_assert_uint_eq(word(block + length - 4), length);
		ck_assert_uint_eq(type, blocks == 0 ? 0x0a0d0d0a : blocks == 1 ? 1 : 6);
		if (blocks == 0)
			ck_assert_uint_eq(word(block + 8), 0x1a2b3c4d);
		if (blocks == 1)
			ck_assert_uint_eq(word(block + 8), 1); /* Ethernet */
		if (blocks > 1)
			ck_assert(word(block + 20) <= length - 32 && word(block + 20) == word(block + 24));
		i += length;
	}
	ck_assert_uint_eq(blocks, told + 2);
	ck_assert_ptr_nonnull(memmem(file, (size_t)size, "odd", 3));
}
END_TEST

START_TEST(a_file_that_cannot_be_written)
{
	char why[256] = "";
	WirePacket p;
	if (!wired)
		return;
	wire_close();
	ck_assert(!wire_open("/nowhere/packets", why, sizeof why));
	ck_assert_str_eq(why, "/nowhere/packets cannot be written");
	ck_assert(!wire_next(&p)); /* it is closed */
}
END_TEST

START_TEST(names_of_flags)
{
	char text[40];
	ck_assert_str_eq(wire_flags(0, text), "");
	ck_assert_str_eq(wire_flags(WIRE_SYN, text), "SYN");
	ck_assert_str_eq(wire_flags(WIRE_ACK | WIRE_SYN, text), "SYN, ACK");
	ck_assert_str_eq(wire_flags(0xff, text), "SYN, FIN, RST, PSH, ACK");
}
END_TEST

Suite *wire_suite(void)
{
	Suite *suite = suite_create("wire");
	TCase *tcase = tcase_create("wire");
	tcase_add_unchecked_fixture(tcase, guests_build, guests_unbuild);
	tcase_add_checked_fixture(tcase, enter, leave);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_call_from_beginning_to_end);
	tcase_add_test(tcase, a_call_that_nobody_takes);
	tcase_add_test(tcase, a_reset);
	tcase_add_test(tcase, the_same_ports_again);
	tcase_add_test(tcase, more_calls_than_there_is_room_for);
	tcase_add_test(tcase, a_long_message);
	tcase_add_test(tcase, postcards);
	tcase_add_test(tcase, the_file_is_pcapng);
	tcase_add_test(tcase, a_file_that_cannot_be_written);
	tcase_add_test(tcase, names_of_flags);
	suite_add_tcase(suite, tcase);
	return suite;
}
