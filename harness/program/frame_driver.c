/*
 * frame_driver.c: calls the functions of a student's frame.c, and tells what came of it.
 *
 * The program "frame" of lab 09 is this and the student's frame.c, linked together (build.c). It judges nothing and knows
 * nothing of what is right: it does what it is told, one call at a time, and repeats what it got. What a function must do
 * happens between it and the other end of the socket, which the check holds, with bytes that nobody could know before.
 * So whatever else is in frame.c (it may print, exit, or write where it should not) proves nothing in its own favour.
 *
 *	frame PATH      a connected pair of stream sockets of AF_UNIX: it calls the socket at PATH
 *	frame PORT      the same over TCP, where a call can be reset
 *
 * Commands come on standard input, each a line and then its bytes, reports go to standard output:
 *
 *	TOKEN send_all SIZE \n, SIZE bytes
 *	TOKEN send_frame SIZE \n, SIZE bytes
 *	TOKEN recv_exact SIZE \n
 *	TOKEN recv_frame CAPACITY \n
 *	TOKEN dial 0 \n         closes the socket, and calls once more
 *	TOKEN fill 0 \n         writes zeros until the socket takes no more; returns how many
 *	TOKEN RETURNED ERRNO SIGNALS SIZE \n, SIZE bytes
 *
 * SIGNALS is how many SIGUSR1 there were during the call: each ends a call that waits, with EINTR or with what it has done so
 * far. The bytes of a report are those of the buffer, and FRAME_DRIVER_GUARD behind them that nobody may touch; all of them were
 * FRAME_DRIVER_FILL before. (With sanitizers there is no guard: they watch the end of the buffer better.)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#define FRAME_DRIVER_FILL 0xa5
#ifdef __SANITIZE_ADDRESS__
#define FRAME_DRIVER_GUARD 0
#else
#define FRAME_DRIVER_GUARD 64
#endif

/* As frame.h has them; ours, for a student's may say anything. */
int send_all(int fd, const void *data, size_t size);
ssize_t recv_exact(int fd, void *data, size_t size);
int send_frame(int fd, const void *payload, uint32_t size);
ssize_t recv_frame(int fd, void *payload, size_t capacity);

static FILE *commands, *reports;
static volatile sig_atomic_t signals;

static void count_signal(int sig)
{
	(void)sig;
	signals++;
}

static _Noreturn void give_up(const char *what)
{
	perror(what);
	_exit(3);
}

/* What the student's code prints goes to standard error, and what it reads is nothing. */
static void hide_channels(void)
{
	int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100), out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
	int nothing = open("/dev/null", O_RDONLY);

	if (in == -1 || out == -1 || dup2(nothing == -1 ? STDERR_FILENO : nothing, STDIN_FILENO) == -1 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) == -1)
		give_up("frame: descriptors");
	if (nothing > STDERR_FILENO)
		close(nothing);
	commands = fdopen(in, "r");
	reports = fdopen(out, "w");
	if (!commands || !reports)
		give_up("frame: fdopen");
}

static int dial(const char *where)
{
	int least = 1; /* the kernel makes it as small as it can be: so that a long send() has to wait */
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	struct sockaddr_in number = {.sin_family = AF_INET,
	                             .sin_port = htons((in_port_t)atoi(where)),
	                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int at_path = strchr(where, '/') != NULL;

	if (at_path && strlen(where) < sizeof path.sun_path)
		memcpy(path.sun_path, where, strlen(where));
	int fd = socket(at_path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	if (fd == -1 || (at_path && setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least) == -1))
		give_up("frame: socket");
	if (connect(fd, at_path ? (struct sockaddr *)&path : (struct sockaddr *)&number,
	            at_path ? sizeof path : sizeof number) == -1)
		give_up("frame: connect");
	return fd;
}

static long fill(int fd)
{
	static const char zeros[512];
	long sum = 0;
	ssize_t n;

	while ((n = send(fd, zeros, sizeof zeros, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		sum += n;
	return sum;
}

static void report(const char *token, long value, int error, const void *bytes, size_t size)
{
	fprintf(reports, "%s %ld %d %d %zu\n", token, value, error, (int)signals, size);
	if (fwrite(bytes, 1, size, reports) != size || fflush(reports) != 0)
		give_up("frame: report");
}

static void obey(int *fd, const char *where, const char *token, const char *verb, size_t size)
{
	int sends = strncmp(verb, "send", 4) == 0, receives = strncmp(verb, "recv", 4) == 0;
	size_t room = receives ? size + FRAME_DRIVER_GUARD : size;
	unsigned char *buffer = malloc(room);
	long value = 0;

	if (!buffer)
		give_up("frame: malloc");
	memset(buffer, FRAME_DRIVER_FILL, room);
	if (sends && fread(buffer, 1, size, commands) != size)
		give_up("frame: command");
	signals = 0;
	errno = 0;
	if (strcmp(verb, "send_all") == 0) {
		value = send_all(*fd, buffer, size);
	} else if (strcmp(verb, "send_frame") == 0) {
		value = send_frame(*fd, buffer, (uint32_t)size);
	} else if (strcmp(verb, "recv_exact") == 0) {
		value = recv_exact(*fd, buffer, size);
	} else if (strcmp(verb, "recv_frame") == 0) {
		value = recv_frame(*fd, buffer, size);
	} else if (strcmp(verb, "dial") == 0) {
		close(*fd);
		*fd = dial(where);
	} else if (strcmp(verb, "fill") == 0) {
		value = fill(*fd);
	}
	report(token, value, errno, buffer, receives ? room : 0);
	free(buffer);
}

int main(int argc, char *argv[])
{
	char token[32], verb[32];
	size_t size;

	if (argc != 2)
		return 2;
	hide_channels();
	/* No SA_RESTART: the call that waits is over. */
	if (sigaction(SIGUSR1, &(struct sigaction){.sa_handler = count_signal}, NULL) == -1)
		give_up("frame: sigaction");
	int fd = dial(argv[1]);
	while (fscanf(commands, "%31s %31s %zu", token, verb, &size) == 3 && fgetc(commands) == '\n')
		obey(&fd, argv[1], token, verb, size);
	return 0;
}
