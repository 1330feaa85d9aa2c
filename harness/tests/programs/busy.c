/*
 * busy.c: work for the tracer's bench.
 *
 *	busy calls N      N calls that nobody looks at, of the kinds that programs make
 *	busy nothing N    N calls of the one that does least
 *	busy ping N       N messages to a child of its own and back, over a connected pair of sockets
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int ping(long times)
{
	int pair[2];
	char byte = 'x';
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1)
		return 1;
	pid_t child = fork();
	if (child == 0) {
		close(pair[0]);
		while (recv(pair[1], &byte, 1, 0) == 1)
			send(pair[1], &byte, 1, 0);
		_exit(0);
	}
	close(pair[1]);
	for (long i = 0; i < times; i++)
		if (send(pair[0], &byte, 1, 0) != 1 || recv(pair[0], &byte, 1, 0) != 1)
			return 1;
	close(pair[0]);
	return waitpid(child, NULL, 0) != child;
}

int main(int argc, char **argv)
{
	long times = argc > 2 ? atol(argv[2]) : 0;
	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "ping") == 0)
		return ping(times);
	struct stat about;
	char byte;
	for (long i = 0; i < times; i++)
		switch (strcmp(argv[1], "nothing") == 0 ? 0 : i % 5) {
		case 0:
			syscall(SYS_getppid);
			break;
		case 1:
			lseek(0, 0, SEEK_CUR);
			break;
		case 2:
			fstat(0, &about);
			break;
		case 3:
			stat("/etc/passwd", &about);
			break;
		case 4:
			syscall(SYS_getrandom, &byte, 1, 0);
			break;
		}
	return 0;
}
