/*
 * guest.c: a program in the room, that does what its first argument names, for the tests of the room and of party.h.
 *
 *	guest WAY [ARGUMENT]...
 *
 * It says on standard output what it found.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static char **arguments;

/* Each of the paths that can be seen. */
static int sees(void)
{
	for (char **path = arguments; *path != NULL; path++)
		if (access(*path, F_OK) == 0)
			printf("%s ", *path);
	puts("seen");
	return 0;
}

/* Each of the paths at which a file can be made. */
static int writes(void)
{
	for (char **path = arguments; *path != NULL; path++)
		if (open(*path, O_CREAT | O_EXCL | O_WRONLY, 0600) != -1)
			printf("%s ", *path);
	puts("written");
	return 0;
}

/* What it holds and may do. (The bounding set is what it could gain by an exec: "no new privileges" rules that out.) */
static int is(void)
{
	char line[256];
	FILE *status = fopen("/proc/self/status", "r");

	printf("uid %d pid %d leader %d ", getuid(), getpid(), getsid(0) == getpid());
	while (status != NULL && fgets(line, sizeof line, status) != NULL)
		if (strncmp(line, "Cap", 3) == 0 && strncmp(line, "CapBnd", 6) != 0)
			printf("%s", strtoull(strchr(line, ':') + 1, NULL, 16) == 0 ? "" : line);
	fclose(status);
	printf("privileges %d open", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
	for (int fd = 0; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			printf(" %d", fd);
	sigset_t blocked;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (int sig = 1; sig < 32; sig++)
		if (sigismember(&blocked, sig) || signal(sig, SIG_DFL) == SIG_IGN)
			printf(" signal %d", sig);
	puts("");
	return 0;
}

static int becomes_root(void)
{
	puts(setuid(0) == 0 && getuid() == 0 ? "root" : "not root");
	return 0;
}

/* Forks until it is refused. */
static int forks(void)
{
	int gate[2], count = 0;

	if (pipe(gate) == -1)
		return 1;
	for (; count < 5000; count++) {
		pid_t pid = fork();
		if (pid == -1)
			break;
		if (pid == 0) {
			char byte;
			close(gate[1]);
			_exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
		}
	}
	close(gate[1]);
	while (wait(NULL) != -1)
		;
	printf("%d processes\n", count);
	return 0;
}

/* Takes memory until it is refused; it is never touched, so it costs nobody anything. */
static int takes_memory(void)
{
	int count = 0;

	while (count < 4096 &&
	       mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		count++;
	printf("%d MiB\n", count);
	return 0;
}

static int opens(void)
{
	int count = 0;

	while (count < 5000 && dup(0) != -1)
		count++;
	printf("%d descriptors\n", count + 3);
	return 0;
}

/* Fills the folder with files of 40 MiB. */
static int fills(void)
{
	char name[16];
	int count = 0;

	for (; count < 10; count++) {
		snprintf(name, sizeof name, "file%d", count);
		int fd = open(name, O_CREAT | O_WRONLY, 0600);
		if (fd == -1 || posix_fallocate(fd, 0, 40 * MIB) != 0)
			break;
	}
	printf("%d files\n", count);
	return 0;
}

/* Writes one byte far out in a file: by default the signal ends it. */
static int writes_far(void)
{
	int fd = open("far", O_CREAT | O_WRONLY, 0600);

	return pwrite(fd, "x", 1, (off_t)65 * MIB) == 1 ? 0 : 1;
}

static int floods(void)
{
	static char page[4096];

	memset(page, 'x', sizeof page);
	for (;;)
		if (write(1, page, sizeof page) == -1)
			return 1;
}

/* Leaves its parent, its group and its session, takes no offence at signals, and never ends. */
static int runs_away(void)
{
	if (fork() != 0)
		return 0;
	setsid();
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_IGN);
	if (fork() != 0)
		return 0;
	puts("away");
	fflush(stdout);
	for (;;)
		pause();
}

static int has_message_queue(void)
{
	puts(msgget((key_t)strtol(arguments[0], NULL, 10), 0600) == -1 ? "no queue" : "a queue");
	return 0;
}

/* Reads to the end, then tells how much it was and what. */
static int reads(void)
{
	static char text[1 << 20];
	size_t size = 0;
	ssize_t n;

	while ((n = read(0, text + size, sizeof text - 1 - size)) > 0)
		size += (size_t)n;
	printf("%zu bytes: %.40s\n", size, text);
	return 0;
}

/* Line by line, until the end of input: what it hears on stdout, what it thinks of it on stderr. */
static int repeats(void)
{
	char line[256];

	printf("%d%d%d\n", isatty(0), isatty(1), isatty(2));
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		printf("heard %s", line);
		fflush(stdout);
		fprintf(stderr, "thought %s", line);
	}
	puts("end");
	return 0;
}

static int prints_much(void)
{
	for (int i = 0; i < 100000; i++)
		printf("line %d\n", i);
	return 0;
}

static int ends(void)
{
	return atoi(arguments[0]);
}

static int dies(void)
{
	signal(atoi(arguments[0]), SIG_DFL);
	raise(atoi(arguments[0]));
	return 0;
}

static void *counts(void *unused)
{
	static volatile unsigned count;

	for (;;)
		count++;
	return unused;
}

/* Three threads and two children that never rest, until its input ends. */
static int is_busy(void)
{
	pthread_t thread;
	char byte;

	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			counts(NULL);
	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, counts, NULL);
	puts("busy");
	fflush(stdout);
	if (read(0, &byte, 1) != 0)
		return 1;
	puts("end");
	fflush(stdout);
	kill(0, SIGKILL);
	return 0;
}

static int tells_variable(void)
{
	const char *value = getenv(arguments[0]);

	puts(value != NULL ? value : "not set");
	return 0;
}

static int tells_folder(void)
{
	char *folder = getcwd(NULL, 0);

	puts(folder != NULL ? folder : "nowhere");
	return 0;
}

static int has_terminal(void)
{
	puts(open("/dev/tty", O_RDWR) != -1 ? "a terminal" : "no terminal");
	return 0;
}

/* clang-format off */
static const struct {
	const char *way;
	int (*go)(void);
} ways[] = {
	{"sees", sees}, {"writes", writes}, {"is", is}, {"becomes_root", becomes_root}, {"forks", forks},
	{"takes_memory", takes_memory}, {"opens", opens}, {"fills", fills}, {"writes_far", writes_far}, {"floods", floods},
	{"runs_away", runs_away}, {"has_message_queue", has_message_queue}, {"reads", reads}, {"repeats", repeats},
	{"prints_much", prints_much}, {"ends", ends}, {"dies", dies}, {"is_busy", is_busy}, {"has_terminal", has_terminal},
	{"tells_variable", tells_variable}, {"tells_folder", tells_folder},
};
/* clang-format on */

int main(int argc, char **argv)
{
	arguments = argv + 2;
	for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++)
		if (strcmp(argv[1], ways[i].way) == 0)
			return ways[i].go();
	return 99;
}
