#define _GNU_SOURCE
#include "fakes.h"

static FakeStory *story;
static jmp_buf way_out;
static int left_with;
static int complaints = STDERR_FILENO; /* standard error, which the fuzzers close to the programs */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	complaints = dup(STDERR_FILENO);
	return 0;
}

void fake_expect(bool holds, const char *what, const char *file, int line)
{
	if (holds)
		return;
	dprintf(complaints, "%s:%d: this should hold: %s\n", file, line, what);
	abort();
}

uint64_t fake_random(uint64_t *seed)
{
	/* splitmix64 */
	uint64_t z = *seed += 0x9e3779b97f4a7c15U;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

void fake_begin(FakeStory *next)
{
	static uint8_t *said[FAKE_CALLERS];
	for (int i = 0; i < next->callers || i == 0; i++) {
		if (said[i] == NULL)
			said[i] = malloc(FAKE_SAID);
		expect(said[i] != NULL);
		next->caller[i].said = said[i];
		next->caller[i].room = FAKE_SAID;
		next->caller[i].said_size = 0;
	}
	story = next;
}

/* Whatever files the program has left open when it was gone from in the middle. */
static void close_from(int first)
{
	close_range((unsigned)first, ~0U, 0);
}

/* --- memory --- */

enum { MOST_HELD = 4096 };

static void *held[MOST_HELD];
size_t fake_held;
static FILE *opened;

void *fake_realloc(void *memory, size_t size)
{
	size_t i = 0;
	while (memory != NULL && i < fake_held && held[i] != memory)
		i++;
	if (memory == NULL)
		i = fake_held++;
	expect(i < fake_held && fake_held < MOST_HELD);
	held[i] = realloc(memory, size);
	expect(held[i] != NULL);
	return held[i];
}

void *fake_malloc(size_t size)
{
	return fake_realloc(NULL, size);
}

void fake_free(void *memory)
{
	size_t i = 0;
	while (memory != NULL && i < fake_held && held[i] != memory)
		i++;
	expect(memory == NULL || i < fake_held);
	if (memory != NULL)
		held[i] = held[--fake_held];
	free(memory);
}

static void take_all_away(void)
{
	while (fake_held > 0)
		free(held[--fake_held]);
	if (opened != NULL)
		fclose(opened);
	opened = NULL;
}

int fake_run(int (*program)(int, char **), int argc, char **argv)
{
	int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
	expect(first != -1);
	static int base;
	base = first;
	take_all_away();
	if (setjmp(way_out) == 0)
		left_with = program(argc, argv);
	close_from(base);
	return left_with;
}

_Noreturn void fake_exit(int status)
{
	left_with = status;
	longjmp(way_out, 1);
}

void fake_append(FakeCaller *caller, const void *bytes, size_t size)
{
	if (caller->room - caller->said_size < size) {
		expect(caller->room != FAKE_SAID); /* a program that has said so much never ends */
		caller->room = 2 * caller->room + size;
		caller->said = realloc(caller->said, caller->room);
		expect(caller->said != NULL);
	}
	if (size > 0)
		memcpy(caller->said + caller->said_size, bytes, size);
	caller->said_size += size;
}

bool fake_said(const FakeCaller *caller, const void *bytes, size_t size)
{
	return caller->said_size == size && (size == 0 || memcmp(caller->said, bytes, size) == 0);
}

/* --- the kernel --- */

static FakeCaller *caller_of(int fd)
{
	expect(fd > FAKE_CALL && fd <= FAKE_CALL + FAKE_CALLERS);
	FakeCaller *caller = &story->caller[fd - FAKE_CALL - 1];
	expect(caller->answered && !caller->closed);
	return caller;
}

static bool a_signal_comes(void)
{
	if (!story->signals || fake_random(&story->seed) % 8 != 0)
		return false;
	errno = EINTR;
	return true;
}

static size_t piece_of(size_t size)
{
	if (size <= 1 || story->most == 0)
		return size;
	size_t piece = 1 + fake_random(&story->seed) % story->most;
	return piece < size ? piece : size;
}

int fake_socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	return FAKE_CALL;
}

int fake_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	expect(fd == FAKE_CALL && address != NULL && size >= sizeof *address);
	return 0;
}

int fake_listen(int fd, int most)
{
	expect(fd == FAKE_CALL && most > 0);
	return 0;
}

/* A client: the phone itself becomes the call. So its descriptor is that of the first caller. */
int fake_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	expect(fd == FAKE_CALL && address != NULL && size >= sizeof *address);
	story->caller[0].answered = true;
	return 0;
}

int fake_accept(int fd, struct sockaddr *address, socklen_t *size)
{
	expect(fd == FAKE_CALL);
	while (story->accepted == story->callers || !story->caller[story->accepted].rings) {
		if (story->more == NULL)
			fake_exit(FAKE_ENDED);
		errno = EAGAIN; /* whoever has such a story has a phone that does not wait */
		return -1;
	}
	if (a_signal_comes())
		return -1;
	FakeCaller *caller = &story->caller[story->accepted++];
	caller->answered = true;
	if (address != NULL) {
		struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		expect(*size >= sizeof from);
		memcpy(address, &from, sizeof from);
		*size = sizeof from;
	}
	return FAKE_CALL + story->accepted;
}

int fake_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	(void)level, (void)name;
	expect(fd >= FAKE_CALL && value != NULL && size > 0);
	return 0;
}

int fake_setrlimit(int what, const struct rlimit *limit)
{
	(void)what;
	expect(limit != NULL);
	return 0;
}

/* A client speaks into its phone. */
static FakeCaller *line_of(int fd)
{
	if (fd != FAKE_CALL)
		return caller_of(fd);
	expect(story->caller[0].answered && !story->caller[0].closed);
	return &story->caller[0];
}

ssize_t fake_recv(int fd, void *bytes, size_t size, int flags)
{
	FakeCaller *caller = line_of(fd);
	if (a_signal_comes())
		return -1;
	size_t left = caller->size - caller->at;
	if (left == 0 && caller->reset) {
		errno = ECONNRESET;
		return -1;
	}
	if (left == 0 && caller->ended)
		return 0;
	if (left == 0) {
		expect((flags & MSG_DONTWAIT) != 0); /* it would wait, and nobody speaks */
		errno = EAGAIN;
		return -1;
	}
	size_t n = piece_of(left < size ? left : size);
	memcpy(bytes, caller->bytes + caller->at, n);
	caller->at += n;
	return (ssize_t)n;
}

ssize_t fake_send(int fd, const void *bytes, size_t size, int flags)
{
	FakeCaller *caller = line_of(fd);
	expect((flags & MSG_NOSIGNAL) != 0);
	if (a_signal_comes())
		return -1;
	if (caller->reset && caller->at == caller->size) {
		errno = EPIPE;
		return -1;
	}
	size_t n = piece_of(size < caller->window ? size : caller->window);
	if (n == 0 && size > 0) {
		expect((flags & MSG_DONTWAIT) != 0); /* it would wait, and nobody listens */
		errno = EAGAIN;
		return -1;
	}
	fake_append(caller, bytes, n);
	caller->window -= n;
	return (ssize_t)n;
}

/* What is to be told of this descriptor now. */
static short news_of(const struct pollfd *p)
{
	if (p->fd == FAKE_CALL) {
		bool rings = story->accepted < story->callers && story->caller[story->accepted].rings;
		return rings ? p->events & POLLIN : 0;
	}
	const FakeCaller *c = caller_of(p->fd);
	short news = 0;
	if (c->at < c->size || c->ended || c->reset)
		news |= POLLIN;
	if (c->ended || c->reset)
		news |= POLLRDHUP;
	if (c->window > 0 || c->reset)
		news |= POLLOUT;
	return (short)((news & p->events) | (c->reset ? POLLHUP | POLLERR : 0));
}

int fake_poll(struct pollfd *polled, nfds_t count, int timeout_ms)
{
	story->polls++;
	story->now_ms += story->polls == story->late_at_poll ? 3600 * 1000 : 1;
	if (a_signal_comes())
		return -1;
	for (;;) {
		int ready = 0;
		for (nfds_t i = 0; i < count; i++) {
			polled[i].revents = polled[i].fd < 0 ? 0 : news_of(&polled[i]);
			ready += polled[i].revents != 0;
		}
		if (ready > 0 || timeout_ms == 0)
			return ready;
		if (story->more != NULL && story->more())
			continue;
		if (timeout_ms < 0)
			fake_exit(FAKE_ENDED);
		story->now_ms += timeout_ms;
		return 0;
	}
}

int fake_close(int fd)
{
	if (fd < FAKE_CALL)
		return close(fd);
	if (fd > FAKE_CALL)
		caller_of(fd)->closed = true;
	else
		story->caller[0].closed = true;
	return 0;
}

ssize_t fake_getrandom(void *bytes, size_t size, unsigned flags)
{
	(void)flags;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)bytes)[i] = (uint8_t)fake_random(&story->seed);
	return (ssize_t)size;
}

int fake_clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	*now = (struct timespec){.tv_sec = story->now_ms / 1000, .tv_nsec = story->now_ms % 1000 * 1000000};
	return 0;
}

FILE *fake_fopen(const char *path, const char *mode)
{
	expect(path != NULL && mode[0] == 'r');
	if (story->file == NULL) {
		errno = ENOENT;
		return NULL;
	}
	/* fmemopen() takes no empty buffer. */
	opened = story->file_size > 0 ? fmemopen((void *)(uintptr_t)story->file, story->file_size, "rb")
	                              : fopen("/dev/null", "rb");
	return opened;
}

int fake_fclose(FILE *file)
{
	expect(file == opened);
	opened = NULL;
	return fclose(file);
}

char *fake_readline(const char *prompt)
{
	expect(prompt != NULL);
	if (*story->lines == NULL)
		return NULL;
	size_t size = strlen(*story->lines) + 1;
	return memcpy(fake_malloc(size), *story->lines++, size);
}
