/*
 * mutant: forks twice, so that the one who serves is nobody it would have to wait for
 * fails: has_one_child_for_each_call
 * code: not_one_child_a_call
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void die(const char *call)
{
	fprintf(stderr, "server: %s: %s\n", call, strerror(errno));
	exit(1);
}

/* Sees off every child that is done. Several may have gone at once, and one signal comes for all of them. */
static void see_off(int signal)
{
	(void)signal;
	int before = errno; /* whoever was interrupted may be about to look at it */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	errno = before;
}

/* One caller, from the first word to the last. */
static void talk(int call)
{
	for (;;) {
		/* Listen. Room for the longest frame there may be, and a newline. */
		char heard[FRAME_MAX + 1];
		ssize_t n = recv_frame(call, heard, FRAME_MAX);
		if (n == -1 && errno != ENODATA)
			perror("server: recv"); /* cut off, or not talking in frames: as good as hung up */
		if (n == -1)
			return;
		/* In one piece, past stdio: many of us print at once, and no line shall fall into another. */
		heard[n] = '\n';
		if (write(STDOUT_FILENO, heard, (size_t)n + 1) == -1)
			die("write");

		/* Speak, in upper-case. (toupper() would ask the locale.) */
		for (ssize_t i = 0; i < n; i++)
			if (heard[i] >= 'a' && heard[i] <= 'z')
				heard[i] = (char)(heard[i] - 'a' + 'A');
		if (send_frame(call, heard, (uint32_t)n) == -1) {
			perror("server: send");
			return;
		}
	}
}

int main(int argc, char *argv[])
{
	char *end;
	long port = strtol(argc > 1 ? argv[1] : "9000", &end, 10);
	if (argc > 2 || *end != '\0' || port < 1 || port > 65535) {
		fprintf(stderr, "usage: server_fork [PORT]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* show each line at once, even in a pipe */

	/* A child that is done stays behind as a zombie until its parent has asked how it ended. */
	struct sigaction when_one_is_done = {.sa_handler = see_off, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
	if (sigaction(SIGCHLD, &when_one_is_done, NULL) == -1)
		die("sigaction");

	/* Buy a phone. */
	int phone = socket(AF_INET, SOCK_STREAM, 0);
	if (phone == -1)
		die("socket");

	/* What is left of our last calls need not keep us from the number. */
	int yes = 1;
	if (setsockopt(phone, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1)
		die("setsockopt");

	/* Fit the number. On the wire the big end comes first: htonl() and htons() see to it. */
	struct sockaddr_in number = {.sin_family = AF_INET};
	number.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	number.sin_port = htons((in_port_t)port);
	if (bind(phone, (struct sockaddr *)&number, sizeof number) == -1)
		die("bind");

	/* Switch it on. From here on it can ring, and as many may wait as the kernel allows. */
	if (listen(phone, SOMAXCONN) == -1)
		die("listen");

	for (;;) {
		/* Pick up. The phone stays on the wall: the call is a new descriptor. */
		struct sockaddr_in caller;
		socklen_t size = sizeof caller; /* in: the room there is; out: the room it took */
		int call = accept(phone, (struct sockaddr *)&caller, &size);
		if (call == -1 && (errno == ECONNABORTED || errno == EINTR))
			continue; /* gone before we picked up, or a child was seen off: neither is our trouble */
		if (call == -1)
			die("accept");
		char from[INET_ADDRSTRLEN];
		if (inet_ntop(AF_INET, &caller.sin_addr, from, sizeof from) == NULL)
			die("inet_ntop");
		printf("call from %s\n", from);

		/* From here on there are two of us, and both hold the phone and the call. */
		pid_t child = fork();
		if (child == 0) {
			/* The phone is the parent's. As long as we hold it too, nobody else can have its number. */
			if (close(phone) == -1)
				die("close");
			pid_t grandchild = fork();
			if (grandchild == -1)
				die("fork");
			if (grandchild > 0)
				_exit(0);
			talk(call);
			return 0; /* hangs up. Not back into the loop: only one of us picks up */
		}
		if (child == -1)
			perror("server: fork"); /* too many of us: this caller's trouble */

		/* The call is the child's. As long as we hold it too, nobody can hang it up. */
		if (close(call) == -1)
			die("close");
	}
}
