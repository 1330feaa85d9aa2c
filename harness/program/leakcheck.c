/*
 * leakcheck.c: ask a program for its leaks without ending it.
 *
 * LeakSanitizer looks when a program exits, and a server never does. This file is linked into the sanitized
 * build of a student's program: SIGUSR2 makes it look at once, say what it found on stderr, and go on.
 * The last line is always LEAKCHECK_DONE, so that who asked knows when the answer is complete.
 *
 * Send it only to a program that waits in a call: the search is not safe in the middle of malloc().
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#define LEAKCHECK_DONE "leakcheck: done\n"

int __lsan_do_recoverable_leak_check(void);

static void look_for_leaks(int sig)
{
	int before = errno;

	(void)sig;
	__lsan_do_recoverable_leak_check();
	ssize_t written = write(STDERR_FILENO, LEAKCHECK_DONE, sizeof LEAKCHECK_DONE - 1);
	(void)written;
	errno = before;
}

__attribute__((constructor)) static void answer_to_sigusr2(void)
{
	struct sigaction action = {.sa_handler = look_for_leaks, .sa_flags = SA_RESTART};

	sigaction(SIGUSR2, &action, NULL);
}
