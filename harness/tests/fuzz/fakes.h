/*
 * fakes.h: a solution's main() on the one side, the fuzzer's bytes on the other.
 *
 * A solution is a whole program that talks to the kernel. A target includes its source as it is, with main() under another
 * name, and with the calls that reach out of the process turned into the fakes below: no socket is opened, nothing sleeps, and
 * exit() comes back to whoever ran it. So a program is run some ten thousand times a second, and the same bytes
 * always have the same end.
 *
 *	#include "fakes.h"           the fakes, and the headers that the solution will ask for
 *	#include "fakes_on.h"        from here on socket() is fake_socket(), and so on
 *	#include "../../../solutions/12-secret-handshake/server.c"
 *	#include "fakes_off.h"
 *
 *	static FakeStory story;
 *	...
 *	fake_begin(&story);
 *	int status = fake_run(program_main, argc, argv);
 *
 * What comes and goes in pieces does so here too, in pieces that the story's seed decides, and now and then a signal
 * comes first (EINTR).
 *
 * Errors: expect() is how a target says what must hold; where it does not, the process aborts, and the fuzzer keeps the bytes.
 */
#ifndef TESTS_FUZZ_FAKES_H
#define TESTS_FUZZ_FAKES_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum {
	FAKE_CALL = 1000,    /* descriptors from here on are ours: the phone, or the client's one call */
	FAKE_CALLERS = 8,    /* at most, one after the other or at once */
	FAKE_ENDED = 256,    /* fake_run(): the story was over, and the program would have waited */
	FAKE_SAID = 4 << 20, /* bytes that a program may say to one caller */
};

typedef struct {
	const uint8_t *bytes; /* what the other side says to the program */
	size_t size, at;
	bool rings, answered; /* it has called; the program has taken the call */
	bool ended, reset;    /* it says no more: hung up; or the call was reset */
	bool closed;          /* the program has closed it */
	uint8_t *said;        /* what the program has said to it */
	size_t said_size, room;
	size_t window; /* so many bytes more the kernel would take from the program now */
} FakeCaller;

typedef struct {
	FakeCaller caller[FAKE_CALLERS];
	int callers;                  /* how many of them there are */
	int accepted;                 /* how many the program has taken */
	uint64_t seed;                /* of pieces, signals and random bytes */
	unsigned most;                /* the longest piece; 0: as long as was asked for */
	bool signals;                 /* EINTR now and then */
	int64_t now_ms, late_at_poll; /* the clock; at this poll (from 1) it jumps by an hour; 0: at none */
	int polls;
	const uint8_t *file; /* what fopen() finds; NULL: no such file */
	size_t file_size;
	const char *const *lines; /* what is typed; NULL ends */
	bool (*more)(void);       /* the program would wait: makes something happen, or returns false */
} FakeStory;

/* The story of the next run. */
void fake_begin(FakeStory *story);

/* The program's exit status, or FAKE_ENDED. */
int fake_run(int (*program)(int, char **), int argc, char **argv);

uint64_t fake_random(uint64_t *seed);

/* What goes to a caller, as if the program had said it. */
void fake_append(FakeCaller *caller, const void *bytes, size_t size);

/* It has been said these bytes and no others. */
bool fake_said(const FakeCaller *caller, const void *bytes, size_t size);

/* So many pieces of memory does the program still hold. They are taken away when it has ended. */
extern size_t fake_held;

/* Aborts, and says where. */
void fake_expect(bool holds, const char *what, const char *file, int line);
#define expect(holds) fake_expect((holds), #holds, __FILE__, __LINE__)

/* The target itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever fuzzes calls this once, before all. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* --- in the place of the kernel's --- */

int fake_socket(int domain, int type, int protocol);
int fake_bind(int fd, const struct sockaddr *address, socklen_t size);
int fake_listen(int fd, int most);
int fake_connect(int fd, const struct sockaddr *address, socklen_t size);
int fake_accept(int fd, struct sockaddr *address, socklen_t *size);
int fake_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int fake_setrlimit(int what, const struct rlimit *limit);
ssize_t fake_recv(int fd, void *bytes, size_t size, int flags);
ssize_t fake_send(int fd, const void *bytes, size_t size, int flags);
int fake_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int fake_close(int fd);
ssize_t fake_getrandom(void *bytes, size_t size, unsigned flags);
int fake_clock_gettime(clockid_t clock, struct timespec *now);
FILE *fake_fopen(const char *path, const char *mode);
int fake_fclose(FILE *file);
char *fake_readline(const char *prompt);
void *fake_malloc(size_t size);
void *fake_realloc(void *memory, size_t size);
void fake_free(void *memory);
_Noreturn void fake_exit(int status);

#endif
