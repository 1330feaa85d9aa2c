/*
 * doctor_guest.c: what the doctor runs in the room: small programs that say on standard output what they can do there.
 *
 * One line a program. It begins with "lacks " where something that a room promises does not hold.
 */
#include "program/doctor.h"
#include "program/room.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HALF_AND_MORE_MIB = ROOM_FILE_MIB * 5 / 8, MIB = 1 << 20 };

__attribute__((format(printf, 1, 2))) static int lacks(const char *format, ...)
{
	va_list arguments;

	fputs("lacks ", stdout);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	return 1;
}

/* Forks until it is refused; all of them are gone when this returns. */
static int count_processes(void)
{
	int gate[2], count = 0;

	if (pipe(gate) == -1)
		return -1;
	for (; count <= 2 * ROOM_PROCESSES; count++) {
		pid_t pid = fork();
		if (pid == -1)
			break;
		if (pid == 0) {
			char byte;
			close(gate[1]);
			_exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
		}
	}
	close(gate[1]); /* end of stream: each of them goes */
	while (wait(NULL) != -1 || errno == EINTR)
		;
	return count;
}

/* What of /room can be had: a file of 5/8 of its size, and no second one beside it. */
static int fill_the_folder(void)
{
	int first = open("first", O_CREAT | O_WRONLY, 0600), second = open("second", O_CREAT | O_WRONLY, 0600);

	if (first == -1 || second == -1)
		return lacks("its folder cannot be written: %s", strerror(errno));
	signal(SIGXFSZ, SIG_IGN); /* then it is EFBIG */
	if (pwrite(first, "x", 1, (off_t)ROOM_FILE_MIB * MIB) != -1 || errno != EFBIG)
		return lacks("a file may have more than %d MiB", ROOM_FILE_MIB);
	int error = posix_fallocate(first, 0, (off_t)HALF_AND_MORE_MIB * MIB);
	if (error != 0)
		return lacks("a file cannot have %d MiB: %s", HALF_AND_MORE_MIB, strerror(error));
	if (posix_fallocate(second, 0, (off_t)HALF_AND_MORE_MIB * MIB) != ENOSPC)
		return lacks("its folder holds more than %d MiB", ROOM_FILE_MIB);
	close(first);
	close(second);
	return unlink("first") == 0 && unlink("second") == 0 ? 0 : lacks("unlink: %s", strerror(errno));
}

/* Everything that bubblewrap is there for. `secret` is a folder that must not be in sight. */
static int see_the_limits(const char *secret)
{
	if (access(secret, F_OK) == 0)
		return lacks("%s is in sight", secret);
	if (open("/forbidden", O_CREAT | O_WRONLY, 0600) != -1 || errno != EROFS)
		return lacks("the root folder can be written");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return lacks("it may get new privileges");
	if (fcntl(3, F_GETFD) != -1)
		return lacks("descriptor 3 is open");
	if (fill_the_folder() != 0)
		return 1;
	int processes = count_processes();
	if (processes > ROOM_PROCESSES)
		return lacks("it may have more than %d processes", ROOM_PROCESSES);
	if (processes < ROOM_PROCESSES / 2)
		return lacks("it may have %d processes only", processes);
	printf("%d processes; files of %d MiB at most\n", processes, ROOM_FILE_MIB);
	return 0;
}

/* Leaves its parent, its group and its session, and never ends. */
static int run_away(void)
{
	if (fork() != 0)
		return 0;
	setsid();
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (fork() != 0)
		return 0;
	printf("away\n");
	fflush(stdout);
	for (;;)
		pause();
}

/* A server that waits for its first caller. */
static int wait_for_a_call(const char *port)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int phone = socket(AF_INET, SOCK_STREAM, 0);

	if (phone == -1 || bind(phone, (struct sockaddr *)&address, sizeof address) == -1 || listen(phone, 1) == -1)
		return lacks("%s", strerror(errno));
	return accept(phone, NULL, NULL) == -1;
}

/* At a terminal: says whether it is one, then says a line again. */
static int repeat_a_line(void)
{
	char line[64];

	if (!isatty(0) || !isatty(1) || !isatty(2))
		return lacks("isatty() says that it is none");
	if (fgets(line, sizeof line, stdin) == NULL)
		return lacks("no line came");
	printf("again: %s", line);
	return 0;
}

int doctor_guest(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "", *with = argc > 3 ? argv[3] : "";
	int status = 2;

	if (strcmp(what, "limits") == 0)
		status = see_the_limits(with);
	else if (strcmp(what, "runaway") == 0)
		status = run_away();
	else if (strcmp(what, "server") == 0)
		status = wait_for_a_call(with);
	else if (strcmp(what, "terminal") == 0)
		status = repeat_a_line();
	return fflush(stdout) == 0 ? status : 1;
}
