/*
 * mutant: leaves the path to atexit(), which no signal comes by; and removes it when it was not its own, too
 * fails: removes_its_path_on_sigint removes_its_path_on_sigterm says_that_the_path_is_in_use leaves_a_file_alone leaves_a_symbolic_link_alone
 * code: leaves_path_behind takes_a_live_path takes_what_is_not_its_own
 */
#define _GNU_SOURCE /* struct ucred */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

static const char *path;

/* The kernel leaves the path when we go: so we take it along. A handler may call only what signal-safety(7) lists. */
static void go(void)
{
	unlink(path);
}

int main(int argc, char *argv[])
{
	if (argc != 2 || argv[1][0] == '\0') {
		fprintf(stderr, "usage: server PATH\n");
		return 2;
	}
	path = argv[1];
	atexit(go);
	setvbuf(stdout, NULL, _IOLBF, 0); /* show each line at once, even in a pipe */

	/* Fit the number: a path, which has so much room and no more. Cut short, it would be somebody else's. */
	struct sockaddr_un number = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof number.sun_path) {
		errno = ENAMETOOLONG;
		die("bind");
	}
	memcpy(number.sun_path, path, strlen(path) + 1);

	/* Buy a phone, and one more to try the number with. */
	int phone = socket(AF_UNIX, SOCK_STREAM, 0);
	int trial = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (phone == -1 || trial == -1)
		die("socket");

	/* Something stands there already. Only if it is a socket, and no link to one, and nobody answers it, was it
	   left behind by a dead server, and is ours to take away. (A server whose backlog is full is alive: EAGAIN.) */
	int fitted = bind(phone, (struct sockaddr *)&number, sizeof number);
	if (fitted == -1 && errno == EADDRINUSE) {
		struct stat there;
		if (lstat(path, &there) == 0 && S_ISSOCK(there.st_mode) &&
		    connect(trial, (struct sockaddr *)&number, sizeof number) == -1 && errno == ECONNREFUSED) {
			if (unlink(path) == -1)
				die("unlink");
			fitted = bind(phone, (struct sockaddr *)&number, sizeof number);
		} else {
			errno = EADDRINUSE;
		}
	}
	if (fitted == -1)
		die("bind");
	close(trial);

	/* From here on the path is ours, and goes with us. */

	/* Switch it on. From here on it can ring, and up to 16 callers may wait. */
	if (listen(phone, 16) == -1)
		die("listen");

	for (;;) {
		/* Pick up. The phone stays on the wall: the call is a new descriptor. */
		int call = accept(phone, NULL, NULL);
		if (call == -1 && (errno == ECONNABORTED || errno == EINTR))
			continue; /* gone before we picked up: one caller's trouble, not ours */
		if (call == -1)
			die("accept");

		/* Who is it? A caller has no number here, but the kernel noted at connect() which process it was, and whose. */
		struct ucred who;
		socklen_t size = sizeof who; /* in: the room there is; out: the room it took */
		if (getsockopt(call, SOL_SOCKET, SO_PEERCRED, &who, &size) == -1)
			die("getsockopt");
		printf("call from pid %d, uid %u\n", (int)who.pid, (unsigned)who.uid);

		char heard[4096 + 1]; /* a line and its newline */
		size_t have = 0;      /* so many bytes are heard, and not yet answered */
		for (;;) {
			/* Listen. What comes goes behind what is there: half a line, or two and a half. */
			ssize_t n = recv(call, heard + have, sizeof heard - have, 0);
			if (n == -1)
				perror("server: recv"); /* cut off: as good as hung up */
			if (n <= 0)
				break; /* a line that is begun stays unfinished, and unanswered */
			have += (size_t)n;

			/* Answer every line that is whole. One recv() may have brought none, or many. */
			char *newline;
			while ((newline = memchr(heard, '\n', have)) != NULL) {
				size_t length = (size_t)(newline - heard) + 1;
				fwrite(heard, 1, length, stdout);

				/* Speak, in upper-case. (toupper() would ask the locale.) */
				for (size_t i = 0; i < length; i++)
					if (heard[i] >= 'a' && heard[i] <= 'z')
						heard[i] = (char)(heard[i] - 'a' + 'A');
				/* send() may take less than it is given, and says how much: go on from there.
				   If nobody is there any more, an error will do: SIGPIPE would kill us. */
				for (size_t sent = 0; sent < length; sent += (size_t)n) {
					n = send(call, heard + sent, length - sent, MSG_NOSIGNAL);
					if (n == -1) {
						perror("server: send");
						goto hang_up;
					}
				}

				/* What is behind the newline is of the next line: to the front with it. */
				have -= length;
				memmove(heard, heard + length, have);
			}
			if (have == sizeof heard)
				break; /* too long for a line. With no room left, recv() would return 0 */
		}

hang_up:
		/* Hang up. The phone stays switched on for the next caller. */
		if (close(call) == -1)
			die("close");
	}
}
