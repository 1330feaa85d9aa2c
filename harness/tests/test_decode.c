/* test_decode.c: does a call read as a person would write it, before and after? */
#define _GNU_SOURCE
#include "guests.h"
#include "observe/decode.h"
#include "tracing.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

Suite *decode_suite(void);

/* --- each call once, by a program that is held at it --- */

/* clang-format off */
static const char *const lines[] = {
	"socket(AF_INET, SOCK_STREAM, 0)",
	"socket(AF_INET, SOCK_STREAM, 0) = 3",
	"socket(AF_INET, SOCK_STREAM, 0)",
	"socket(AF_INET, SOCK_STREAM, 0) = 4",
	"setsockopt(3, SO_REUSEADDR, 1)",
	"setsockopt(3, SO_REUSEADDR, 1) = 0",
	"bind(3, 127.0.0.1:P)",
	"bind(3, 127.0.0.1:P) = 0",
	"listen(3, 5)",
	"listen(3, 5) = 0",
	"setsockopt(4, TCP_NODELAY, 1)",
	"setsockopt(4, TCP_NODELAY, 1) = 0",
	"setsockopt(4, SO_RCVTIMEO, 1500 ms)",
	"setsockopt(4, SO_RCVTIMEO, 1500 ms) = 0",
	"setsockopt(4, SO_LINGER, {1, 0})",
	"setsockopt(4, SO_LINGER, {1, 0}) = 0",
	"bind(4, 127.0.0.1:Q)",
	"bind(4, 127.0.0.1:Q) = 0",
	"connect(4, 127.0.0.1:P)",
	"connect(4, 127.0.0.1:P) = 0",
	"accept(3)",
	"accept(3, 127.0.0.1:Q) = 5",
	"send(4, \"hello\\n\", 6, MSG_NOSIGNAL)",
	"send(4, \"hello\\n\", 6, MSG_NOSIGNAL) = 6  6 bytes said",
	"recv(5, …, 64, MSG_PEEK)",
	"recv(5, \"hello\\n\", 64, MSG_PEEK) = 6  6 bytes heard",
	"recv(5, …, 64, 0)",
	"recv(5, \"hello\\n\", 64, 0) = 6  6 bytes heard",
	"recv(5, …, 64, MSG_DONTWAIT)",
	"recv(5, …, 64, MSG_DONTWAIT) = -1 EAGAIN (Resource temporarily unavailable)",
	"write(4, \"\\x01\\xff\\\"\\\\\", 4)",
	"write(4, \"\\x01\\xff\\\"\\\\\", 4) = 4  4 bytes said",
	"read(5, …, 64)",
	"read(5, \"\\x01\\xff\\\"\\\\\", 64) = 4  4 bytes heard",
	"writev(4, \"one two\", 7)",
	"writev(4, \"one two\", 7) = 7  7 bytes said",
	"readv(5, …)",
	"readv(5, \"one two\") = 7  7 bytes heard",
	"sendmsg(4, \"one two\", 7)",
	"sendmsg(4, \"one two\", 7) = 7  7 bytes said",
	"recvmsg(5, …)",
	"recvmsg(5, \"one two\") = 7  7 bytes heard",
	"send(4, ?, 5, 0)",
	"send(4, ?, 5, 0) = -1 EFAULT (Bad address)",
	"poll({4:in, 5:inout}, 250 ms)",
	"poll({4, 5:out}, 250 ms) = 1",
	"select({4, 5}, out{4}, for ever)",
	"select({}, out{4}, for ever) = 1",
	"epoll_create1()",
	"epoll_create1() = 6",
	"epoll_ctl(6, EPOLL_CTL_ADD, 4)",
	"epoll_ctl(6, EPOLL_CTL_ADD, 4) = 0",
	"epoll_wait(6, 0 ms)",
	"epoll_wait(6, 0 ms) = 0",
	"getsockopt(4, SO_ERROR)",
	"getsockopt(4, SO_ERROR, 0) = 0",
	"shutdown(4, SHUT_WR)",
	"shutdown(4, SHUT_WR) = 0",
	"recv(5, …, 4, 0)",
	"recv(5, …, 4, 0) = 0",
	"close(5)",
	"close(5) = 0",
	"socket(AF_INET, SOCK_DGRAM, 0)",
	"socket(AF_INET, SOCK_DGRAM, 0) = 5",
	"socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)",
	"socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) = 6",
	"bind(5, 127.0.0.1:Q)",
	"bind(5, 127.0.0.1:Q) = 0",
	"bind(6, 127.0.0.1:P)",
	"bind(6, 127.0.0.1:P) = 0",
	"sendto(5, \"card\", 4, 0, 127.0.0.1:P)",
	"sendto(5, \"card\", 4, 0, 127.0.0.1:P) = 4  4 bytes said",
	"recvfrom(6, …, 8, 0)",
	"recvfrom(6, \"card\", 8, 0, 127.0.0.1:Q) = 4  4 bytes heard",
	"socket(AF_UNIX, SOCK_STREAM, 0)",
	"socket(AF_UNIX, SOCK_STREAM, 0) = 7",
	"connect(7, \"/nowhere\")",
	"connect(7, \"/nowhere\") = -1 ENOENT (No such file or directory)",
	"send(99, \"x\", 1, 0)",
	"send(99, \"x\", 1, 0) = -1 EBADF (Bad file descriptor)",
	"pthread_create()",
	"pthread_create() = N",
	"fork()",
	"fork() = N",
	"waitpid(any child)",
	"waitpid(any child) = N",
	"exit(0)",
};
/* clang-format on */

static char *transcript;
static size_t transcript_size;

/* P and Q for the two ports, N for a number that is another one each time. */
static void print_line(FILE *out, const char *text, const char *p, const char *q)
{
	for (const char *at = text; *at != '\0';) {
		const char *port = strncmp(at, p, strlen(p)) == 0 ? p : strncmp(at, q, strlen(q)) == 0 ? q : NULL;
		if (port == NULL) {
			fputc(*at++, out);
			continue;
		}
		fputc(port == p ? 'P' : 'Q', out);
		at += strlen(port);
	}
}

static void print_event(FILE *out, const TraceEvent *e, const char *p, const char *q)
{
	static Decoded d;
	char says[96];
	decode_call(e, &d);
	print_line(out, d.text, p, q);
	if (e->kind == TRACE_RETURNS) {
		bool makes = strcmp(d.name, "fork") == 0 || strcmp(d.name, "pthread_create") == 0 ||
		             strcmp(d.name, "waitpid") == 0;
		fprintf(out, " = %s", makes && e->result > 0 ? "N" : decode_result(e, says));
		if (d.size > 0)
			fprintf(out, "  %zu bytes %s", d.size, d.speaks ? "said" : "heard");
	}
	fputc('\n', out);
}

START_TEST(each_call_once)
{
	char p[8], q[8];
	TraceEvent e;
	FILE *out = open_memstream(&transcript, &transcript_size);
	snprintf(p, sizeof p, "%u", room_port());
	snprintf(q, sizeof q, "%u", room_port());
	pid_t first = tracing_start("each", p, q, NULL)->pid;
	while (tracing_next(&e)) {
		if (e.tid == first && (e.kind == TRACE_ENTERS || e.kind == TRACE_RETURNS))
			print_event(out, &e, p, q);
		trace_go(e.tid);
	}
	fclose(out);
	char *rest = transcript;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		char *line = strsep(&rest, "\n");
		ck_assert_str_eq(line ? line : "(no more)", lines[i]);
	}
	ck_assert_str_eq(rest ? rest : "", "");
}
END_TEST

/* --- what no program of ours does: calls as if by us, whose memory they then name --- */

static TraceEvent call_of(TraceKind kind, long call, int64_t result)
{
	return (TraceEvent){.kind = kind, .pid = getpid(), .tid = getpid(), .call = call, .result = result};
}

static TraceEvent with(TraceEvent e, int at, uint64_t argument)
{
	e.arg[at] = argument;
	return e;
}

static uint64_t at(const void *memory)
{
	return (uint64_t)(uintptr_t)memory;
}

static Decoded decoded;

static void reads(TraceEvent e, const char *text)
{
	decode_call(&e, &decoded);
	ck_assert_str_eq(decoded.text, text);
}

static TraceEvent sends(TraceKind kind, const void *bytes, size_t size, int64_t result)
{
	return with(with(with(call_of(kind, SYS_sendto, result), 0, 3), 1, at(bytes)), 2, size);
}

/* what if less is sent than was asked for, or nothing? The text is what was asked for, the data what was sent. */
START_TEST(what_was_asked_for_and_what_was_sent)
{
	reads(sends(TRACE_ENTERS, "hello", 5, 0), "send(3, \"hello\", 5, 0)");
	ck_assert(decoded.speaks && !decoded.hears && decoded.size == 5 && decoded.kept == 5);
	reads(sends(TRACE_RETURNS, "hello", 5, 2), "send(3, \"hello\", 5, 0)");
	ck_assert(decoded.size == 2 && decoded.kept == 2 && memcmp(decoded.data, "he", 2) == 0);
	reads(sends(TRACE_RETURNS, "hello", 5, -ECONNRESET), "send(3, \"hello\", 5, 0)");
	ck_assert(decoded.size == 0 && decoded.kept == 0);
	reads(sends(TRACE_ENTERS, (void *)(uintptr_t)8, 5, 0), "send(3, ?, 5, 0)");
	reads(sends(TRACE_RETURNS, "", 0, 0), "send(3, \"\", 0, 0)");
}
END_TEST

START_TEST(what_is_long_is_cut)
{
	static char text[10000];
	memset(text, 'x', sizeof text);
	reads(sends(TRACE_ENTERS, text, sizeof text, 0),
	      "send(3, \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"…, 10000, 0)");
	ck_assert(decoded.size == sizeof text && decoded.kept == DECODE_DATA);
	reads(sends(TRACE_RETURNS, text, sizeof text, 10000),
	      "send(3, \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"…, 10000, 0)");
	ck_assert(decoded.size == sizeof text && decoded.kept == DECODE_DATA);
	reads(sends(TRACE_ENTERS, text, 40, 0), "send(3, \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", 40, 0)");
	/* Not in the middle of a letter. */
	memcpy(text + 39, "\xc3\xbc", 2);
	reads(sends(TRACE_ENTERS, text, 41, 0), "send(3, \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxü\", 41, 0)");
}
END_TEST

START_TEST(flags_have_names)
{
	TraceEvent e = sends(TRACE_ENTERS, "x", 1, 0);
	reads(with(e, 3, MSG_NOSIGNAL | MSG_DONTWAIT), "send(3, \"x\", 1, MSG_NOSIGNAL | MSG_DONTWAIT)");
	reads(with(e, 3, 0x10000000), "send(3, \"x\", 1, 0x10000000)");
	reads(with(e, 3, MSG_MORE | 0x10000000), "send(3, \"x\", 1, MSG_MORE | 0x10000000)");
	reads(with(with(call_of(TRACE_ENTERS, SYS_shutdown, 0), 0, 4), 1, SHUT_RDWR), "shutdown(4, SHUT_RDWR)");
	reads(with(with(call_of(TRACE_ENTERS, SYS_shutdown, 0), 0, 4), 1, 7), "shutdown(4, 7)");
	e = with(with(call_of(TRACE_ENTERS, SYS_socket, 0), 0, AF_INET6), 1, SOCK_STREAM | SOCK_NONBLOCK);
	reads(e, "socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0)");
	reads(with(e, 0, 99), "socket(99, SOCK_STREAM | SOCK_NONBLOCK, 0)");
	e = with(with(with(call_of(TRACE_ENTERS, SYS_getsockopt, 0), 0, 4), 1, 77), 2, 5);
	reads(e, "getsockopt(4, level 77, option 5)");
}
END_TEST

START_TEST(addresses)
{
	struct sockaddr_in6 six = {
	    .sin6_family = AF_INET6, .sin6_port = htons(9000), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(9000)};
	struct sockaddr odd = {.sa_family = AF_PACKET};
	TraceEvent e = with(call_of(TRACE_ENTERS, SYS_connect, 0), 0, 3);
	reads(with(with(e, 1, at(&six)), 2, sizeof six), "connect(3, [::1]:9000)");
	reads(with(with(e, 1, at(&four)), 2, sizeof four), "connect(3, 0.0.0.0:9000)");
	reads(with(with(e, 1, at(&odd)), 2, sizeof odd), "connect(3, family 17)");
	reads(with(with(e, 1, 8), 2, sizeof four), "connect(3, ?)");
	reads(e, "connect(3, NULL)");
	/* Whoever asked for no address is told none. */
	reads(with(call_of(TRACE_RETURNS, SYS_accept4, 5), 0, 3), "accept(3)");
}
END_TEST

START_TEST(times)
{
	struct pollfd list[40] = {{.fd = 3, .events = POLLIN}, {.fd = 4, .revents = POLLHUP}};
	struct timespec time = {.tv_sec = 1, .tv_nsec = 500000000};
	TraceEvent e = with(with(call_of(TRACE_ENTERS, SYS_ppoll, 0), 0, at(list)), 1, 2);
	reads(e, "ppoll({3:in, 4}, for ever)");
	reads(with(e, 2, at(&time)), "ppoll({3:in, 4}, 1500 ms)");
	reads(with(e, 2, 8), "ppoll({3:in, 4}, ?)");
	e.kind = TRACE_RETURNS;
	reads(e, "ppoll({3, 4:hup}, for ever)");
	decode_call(&(TraceEvent){.kind = TRACE_ENTERS, .tid = getpid(), .call = SYS_ppoll, .arg = {at(list), 40}},
	            &decoded);
	ck_assert_msg(strstr(decoded.text, ", …}") != NULL, "%s", decoded.text);
#ifdef SYS_select
	fd_set in;
	struct timeval wait = {.tv_usec = 20000};
	FD_ZERO(&in);
	FD_SET(0, &in);
	FD_SET(5, &in);
	e = with(with(call_of(TRACE_ENTERS, SYS_select, 0), 0, 6), 1, at(&in));
	reads(with(e, 4, at(&wait)), "select({0, 5}, 20 ms)");
	reads(e, "select({0, 5}, for ever)");
#endif
	reads(with(with(call_of(TRACE_ENTERS, SYS_epoll_pwait, 0), 0, 6), 3, (uint64_t)-1), "epoll_wait(6, for ever)");
}
END_TEST

START_TEST(names_of_calls)
{
	struct clone_args make = {.flags = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND};
	reads(with(call_of(TRACE_ENTERS, SYS_clone3, 0), 0, at(&make)), "pthread_create()");
	make.flags = 0;
	reads(with(call_of(TRACE_ENTERS, SYS_clone3, 0), 0, at(&make)), "fork()");
	reads(with(call_of(TRACE_ENTERS, SYS_clone, 0), 0, SIGCHLD), "fork()");
	reads(with(call_of(TRACE_ENTERS, SYS_wait4, 0), 0, 77), "waitpid(77)");
	reads(with(call_of(TRACE_ENTERS, SYS_exit_group, 0), 0, 3), "exit(3)");
#ifdef SYS_epoll_create
	reads(with(call_of(TRACE_ENTERS, SYS_epoll_create, 0), 0, 10), "epoll_create()");
	ck_assert_int_eq(decoded.fd, -1); /* how many are expected is no descriptor */
#endif
}
END_TEST

START_TEST(results_in_words)
{
	char text[96];
	TraceEvent e = call_of(TRACE_RETURNS, SYS_connect, -ECONNREFUSED);
	ck_assert_str_eq(decode_result(&e, text), "-1 ECONNREFUSED (Connection refused)");
	e.result = 0;
	ck_assert_str_eq(decode_result(&e, text), "0");
	e.result = 1 << 20;
	ck_assert_str_eq(decode_result(&e, text), "1048576");
}
END_TEST

Suite *decode_suite(void)
{
	Suite *suite = suite_create("decode");
	TCase *tcase = tcase_create("decode");
	tcase_add_unchecked_fixture(tcase, guests_build, guests_unbuild);
	tcase_add_checked_fixture(tcase, guests_enter, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, each_call_once);
	suite_add_tcase(suite, tcase);
	TCase *alone = tcase_create("alone");
	tcase_add_test(alone, what_was_asked_for_and_what_was_sent);
	tcase_add_test(alone, what_is_long_is_cut);
	tcase_add_test(alone, flags_have_names);
	tcase_add_test(alone, addresses);
	tcase_add_test(alone, times);
	tcase_add_test(alone, names_of_calls);
	tcase_add_test(alone, results_in_words);
	suite_add_tcase(suite, alone);
	return suite;
}
