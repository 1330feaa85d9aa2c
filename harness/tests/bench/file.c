/*
 * file.c: lab 10's programs against what one would otherwise take: how many bytes of one file go over the loopback in a second.
 * `make bench` builds and runs it.
 *
 * First the servers: this process is the caller, reads all there is and keeps none of it. Then whole transfers, from a file to
 * a file, by programs of one kind on both sides. Each sends the same file of MIB mebibytes, which lies in memory (/dev/shm, where
 * that is) as does what is received, so that no disk is measured. A server is started before the clock is; when the last byte
 * has come, or the receiving program has ended, the time is taken and the length is looked at. They take turns, ROUNDS times, so
 * that whatever else the machine does falls on all of them; what is shown is the median of the rounds, and the ratio to the
 * best of the others; and for the servers, which of them was how much at work for it: their CPU time, in all rounds.
 *
 *	server, client   the solutions, as `make build` builds them
 *	nc               nc -N -l < FILE, and nc > FILE (OpenBSD's)
 *	http.server      python3 -m http.server; to receive, urllib and shutil.copyfileobj
 *
 * What is not installed is told and left out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5, MIB = 256, START_SECONDS = 10, WAYS = 3 };
static const off_t file_size = (off_t)MIB << 20;

/* Commands for sh, in the folder of the file: $1 is the port, $2 the project. */
typedef struct {
	const char *name, *needs, *server, *client, *received;
	const char *request; /* what a caller has to say first */
	bool absent;
	double rate[2][ROUNDS]; /* bytes a second: the server alone, and both sides */
	double cpu;             /* seconds that the server worked, in all rounds of the former */
} Way;

static Way ways[WAYS] = {
    {.name = "lab 10",
     .server = "exec \"$2/build/solutions/10-file-transfer/server\" $1 file",
     .client = "exec \"$2/build/solutions/10-file-transfer/client\" 127.0.0.1 $1 out",
     .received = "out/file"},
    {.name = "nc",
     .needs = "nc -h 2>&1 | grep -q OpenBSD",
     .server = "exec nc -N -l 127.0.0.1 $1 <file",
     .client = "exec nc 127.0.0.1 $1 >out/by-nc </dev/null",
     .received = "out/by-nc"},
    {.name = "http.server",
     .needs = "command -v python3",
     .server = "exec python3 -m http.server --bind 127.0.0.1 $1",
     .client = "exec python3 -c 'import shutil, sys, urllib.request as u\n"
               "with u.urlopen(f\"http://127.0.0.1:{sys.argv[1]}/file\") as a, open(\"out/by-http\", \"wb\") as b:\n"
               "    shutil.copyfileobj(a, b)' $1",
     .received = "out/by-http",
     .request = "GET /file HTTP/1.0\r\n\r\n"},
};

static char folder[64], project[PATH_MAX];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double median(const double *values)
{
	double sorted[ROUNDS];
	memcpy(sorted, values, sizeof sorted);
	qsort(sorted, ROUNDS, sizeof *sorted, by_size);
	return sorted[ROUNDS / 2];
}

static struct sockaddr_in address_of(int port)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons((in_port_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A port that was free a moment ago. */
static int free_port(void)
{
	struct sockaddr_in address = address_of(0);
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&address, size) == -1 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) == -1)
		die("a free port");
	close(fd);
	return ntohs(address.sin_port);
}

static pid_t start(const char *command, int port)
{
	char number[8];
	snprintf(number, sizeof number, "%d", port);
	pid_t pid = fork();
	if (pid == -1)
		die("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int nothing = open("/dev/null", O_RDWR);
	if (chdir(folder) == -1 || nothing == -1)
		_exit(127);
	for (int fd = 0; fd < 3; fd++)
		dup2(nothing, fd);
	execl("/bin/sh", "sh", "-c", command, "sh", number, project, (char *)NULL);
	_exit(127);
}

static int finish(pid_t pid)
{
	int status = -1;
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return status;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	finish(pid);
}

/* Whether somebody listens there, seen without ringing: nc would take that for its only caller. */
static bool is_up(int port)
{
	char line[256];
	bool found = false;
	FILE *table = fopen("/proc/net/tcp", "r");
	if (table == NULL)
		die("/proc/net/tcp");
	while (!found && fgets(line, sizeof line, table) != NULL) {
		unsigned address, local, state;
		found = sscanf(line, " %*d: %x:%x %*x:%*x %x", &address, &local, &state) == 3 &&
		        local == (unsigned)port && state == 10;
	}
	fclose(table);
	return found;
}

/* CPU time of a process and all of its threads so far, in seconds; one that has ended and was not waited for will do. */
static double cpu_time(pid_t pid)
{
	char path[64];
	unsigned long user = 0, system = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "r");
	/* man 5 proc: the name in parentheses has no spaces here */
	if (file == NULL ||
	    fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		die(path);
	fclose(file);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static pid_t start_server(const Way *way, int port)
{
	pid_t pid = start(way->server, port);
	for (double began = now(); !is_up(port); sched_yield())
		if (now() - began > START_SECONDS) {
			stop(pid);
			fprintf(stderr, "bench: %s does not come up\n", way->name);
			exit(1);
		}
	return pid;
}

/* Calls it, and reads to the end. What comes before the content is short, whatever it is. */
static double time_server(Way *way)
{
	static char buffer[1 << 18];
	int port = free_port();
	pid_t pid = start_server(way, port);
	struct sockaddr_in address = address_of(port);
	off_t heard = 0;
	ssize_t n;
	double worked = cpu_time(pid), began = now();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&address, sizeof address) == -1)
		die("connect");
	if (way->request != NULL && send(fd, way->request, strlen(way->request), MSG_NOSIGNAL) == -1)
		die("send");
	while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0)
		heard += n;
	double took = now() - began;
	way->cpu += cpu_time(pid) - worked;
	close(fd);
	stop(pid);
	if (heard < file_size || heard > file_size + 4096) {
		fprintf(stderr, "bench: %s sent %lld bytes\n", way->name, (long long)heard);
		exit(1);
	}
	return took;
}

static double time_both(const Way *way)
{
	char path[PATH_MAX];
	struct stat is;
	int port = free_port();
	snprintf(path, sizeof path, "%s/%s", folder, way->received);
	unlink(path);
	pid_t pid = start_server(way, port);
	double began = now();
	int status = finish(start(way->client, port));
	double took = now() - began;
	stop(pid);
	if (status != 0 || stat(path, &is) == -1 || is.st_size != file_size) {
		fprintf(stderr, "bench: %s did not receive the file\n", way->name);
		exit(1);
	}
	unlink(path);
	return took;
}

static void make_file(void)
{
	static char block[1 << 20];
	char path[PATH_MAX];
	snprintf(folder, sizeof folder, "%s/dialtone-bench.XXXXXX",
	         access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(folder) == NULL)
		die("mkdtemp");
	snprintf(path, sizeof path, "%s/out", folder);
	if (mkdir(path, 0700) == -1)
		die("mkdir");
	snprintf(path, sizeof path, "%s/file", folder);
	FILE *file = fopen(path, "w");
	for (size_t i = 0; i < sizeof block; i++)
		block[i] = (char)(i * 2654435761U >> 13);
	for (int i = 0; i < MIB && file != NULL; i++)
		if (fwrite(block, sizeof block, 1, file) != 1)
			die(path);
	if (file == NULL || fclose(file) != 0)
		die(path);
}

static int remove_one(const char *path, const struct stat *is, int type, struct FTW *where)
{
	(void)is;
	(void)type;
	(void)where;
	return remove(path);
}

static void remove_file(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void stopped(int signal)
{
	remove_file();
	_exit(128 + signal);
}

static void show(int what, const char *title)
{
	double others = 0;
	for (const Way *w = ways + 1; w < ways + WAYS; w++)
		if (!w->absent && median(w->rate[what]) > others)
			others = median(w->rate[what]);
	printf("\n%-26s   MB/s   to the best of the others%s\n", title,
	       what == 0 ? "   CPU time of the server for a GB" : "");
	for (const Way *w = ways; w < ways + WAYS; w++) {
		if (w->absent)
			continue;
		printf("  %-20s%11.0f", w->name, median(w->rate[what]) / 1e6);
		if (others > 0)
			printf("   x %-*.2f", what == 0 ? 24 : 0, median(w->rate[what]) / others);
		if (what == 0)
			printf("   %6.0f ms", w->cpu * 1e12 / ((double)file_size * ROUNDS));
		printf("\n");
	}
	fflush(stdout);
}

int main(void)
{
	/* The project is two folders above this program. */
	if (readlink("/proc/self/exe", project, sizeof project - 1) == -1)
		die("/proc/self/exe");
	*strrchr(project, '/') = '\0';
	*strrchr(project, '/') = '\0';
	for (Way *w = ways; w < ways + WAYS; w++) {
		char command[128];
		snprintf(command, sizeof command, "(%s) >/dev/null 2>&1", w->needs != NULL ? w->needs : "true");
		w->absent = system(command) != 0;
		if (w->absent)
			printf("%s is not installed, and left out\n", w->name);
	}
	make_file();
	atexit(remove_file);
	signal(SIGINT, stopped);
	signal(SIGTERM, stopped);
	printf("lab 10: a file of %d MiB; the median of %d rounds\n", MIB, ROUNDS);
	for (int round = 0; round < ROUNDS; round++)
		for (Way *w = ways; w < ways + WAYS; w++)
			if (!w->absent)
				w->rate[0][round] = (double)file_size / time_server(w);
	show(0, "the server");
	for (int round = 0; round < ROUNDS; round++)
		for (Way *w = ways; w < ways + WAYS; w++)
			if (!w->absent)
				w->rate[1][round] = (double)file_size / time_both(w);
	show(1, "from a file to a file");
	return 0;
}
