/*
 * mutant: waits as long as it was told, in each recv()
 * fails: gives_up_a_reply_that_trickles
 * code: waits_too_long
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "client: %s: %s\n", call, strerror(errno));
	exit(1);
}

/* A clock that nobody sets: the time of day may jump. */
static long long now_ms(void)
{
	struct timespec now;
	if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
		die("clock_gettime");
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int main(int argc, char *argv[])
{
	struct sockaddr_in number = {.sin_family = AF_INET};
	char *port_end = "", *timeout_end = "";
	long port = argc > 2 ? strtol(argv[2], &port_end, 10) : 0;
	long timeout_ms = argc > 3 ? strtol(argv[3], &timeout_end, 10) : 0;
	if (argc != 4 || *port_end != '\0' || port < 1 || port > 65535 || *timeout_end != '\0' || timeout_ms < 1 ||
	    timeout_ms > INT_MAX || inet_pton(AF_INET, argv[1], &number.sin_addr) != 1) {
		fprintf(stderr, "usage: client HOST PORT TIMEOUT_MS, HOST as in 127.0.0.1\n");
		return 2;
	}
	number.sin_port = htons((in_port_t)port);

	/* Buy a phone that never waits: each call does what can be done at once. */
	int phone = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (phone == -1)
		die("socket");

	/* Dial. It only begins here: EINPROGRESS. Until it is decided we wait, and no longer than we were told.
	   Decided is not done: which of the two it is, SO_ERROR says. */
	if (connect(phone, (struct sockaddr *)&number, sizeof number) == -1) {
		if (errno != EINPROGRESS)
			die("connect");
		struct pollfd ring = {.fd = phone, .events = POLLOUT};
		int ready = poll(&ring, 1, (int)timeout_ms);
		if (ready == -1)
			die("poll");
		int error = ETIMEDOUT;
		socklen_t size = sizeof error;
		if (ready == 1 && getsockopt(phone, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
			die("getsockopt");
		if (error != 0) {
			errno = error;
			die("connect");
		}
	}

	char reply[4096 + 1]; /* a line and its newline */
	size_t have = 0;      /* so many bytes of it are here */
	char *line;
	rl_bind_key('\t', rl_insert); /* Tab is a character here: no file names to complete */
	while ((line = readline(">>: ")) != NULL) {
		/* Nothing to say: say nothing, and do not wait for the answer to it. */
		char *text = line + strspn(line, " \t");
		size_t length = strlen(text);
		while (length > 0 && strchr(" \t", text[length - 1]) != NULL)
			length--;
		if (length == 0) {
			free(line);
			continue;
		}
		add_history(line);

		/* Speak. The newline takes the place of the '\0', which is no part of the line. */
		text[length++] = '\n';
		ssize_t n;
		/* The reply has its time from here on, all of it: a byte now and then does not put this moment off. */
		long long reply_due = now_ms() + timeout_ms;
		/* send() may take less than it is given, and says how much: go on from there.
		   If nobody is there, an error will do: SIGPIPE would kill us. */
		for (size_t sent = 0; sent < length; sent += (size_t)n) {
			long long left = reply_due - now_ms();
			struct pollfd mouth = {.fd = phone, .events = POLLOUT};
			if (poll(&mouth, 1, left < 0 ? 0 : (int)left) == 0) {
				fprintf(stderr, "client: send: timed out\n");
				return 1;
			}
			n = send(phone, text + sent, length - sent, MSG_NOSIGNAL);
			if (n == -1 && errno == EAGAIN)
				n = 0;
			if (n == -1)
				die("send");
		}
		free(line);

		/* Listen, until the end of the reply is here. */
		char *newline;
		while ((newline = memchr(reply, '\n', have)) == NULL) {
			if (have == sizeof reply) { /* with no room left, recv() would return 0 */
				fprintf(stderr, "client: recv: a reply without an end\n");
				return 1;
			}
			struct pollfd ear = {.fd = phone, .events = POLLIN};
			int ready = poll(&ear, 1, (int)timeout_ms);
			if (ready == -1)
				die("poll");
			if (ready == 0) {
				fprintf(stderr, "client: recv: timed out\n");
				return 1;
			}
			n = recv(phone, reply + have, sizeof reply - have, 0);
			if (n == -1 && errno == EAGAIN)
				continue; /* poll() was mistaken, which happens (its man page, BUGS) */
			if (n == -1)
				die("recv");
			if (n == 0) {
				fprintf(stderr, "client: recv: server hung up\n");
				return 1;
			}
			have += (size_t)n;
		}
		length = (size_t)(newline - reply) + 1;
		fwrite(reply, 1, length, stdout);
		fflush(stdout); /* in a pipe, too, before the next question */

		/* What is behind the newline, if anything, is of the next reply: to the front with it. */
		have -= length;
		memmove(reply, reply + length, have);
	}

	/* Hang up. */
	if (close(phone) == -1)
		die("close");
	return 0;
}
