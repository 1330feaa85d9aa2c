#define _GNU_SOURCE
#include "observe/datagrams.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A mark that has not come by then is lost: the queue was full. We shall try again. */
enum { MARK_WITHIN_MS = 1000, ROUNDS = 2 };

/* Reads a file of our network namespace; the text is ended by a NUL. */
static bool slurp(const char *name, char *text, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/thread-self/net/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	size_t have = 0;
	ssize_t n;
	while (have + 1 < size && (n = read(fd, text + have, size - 1 - have)) > 0)
		have += (size_t)n;
	close(fd);
	text[have] = '\0';
	return have > 0;
}

/* Two lines: the names of all columns, and their values. */
static bool delivered_v4(int64_t *count)
{
	char text[8192];
	char *names = slurp("snmp", text, sizeof text) ? strstr(text, "Ip:") : NULL;
	char *values = names != NULL ? strstr(names + 1, "\nIp:") : NULL;
	if (values == NULL)
		return false;
	*values++ = '\0';
	char *name_at = NULL, *value_at = NULL;
	char *name = strtok_r(names, " ", &name_at), *value = strtok_r(values, " \n", &value_at);
	while (name != NULL && value != NULL && strcmp(name, "InDelivers") != 0) {
		name = strtok_r(NULL, " ", &name_at);
		value = strtok_r(NULL, " \n", &value_at);
	}
	if (name == NULL || value == NULL)
		return false;
	*count = strtoll(value, NULL, 10);
	return true;
}

/* A line each. A kernel without IPv6 has no such file, and delivers none. */
static int64_t delivered_v6(void)
{
	static const char name[] = "Ip6InDelivers";
	char text[8192];
	const char *line = slurp("snmp6", text, sizeof text) ? strstr(text, name) : NULL;
	return line != NULL ? strtoll(line + strlen(name), NULL, 10) : 0;
}

/* False: another interface has received something too, which is counted as delivered like the rest. */
static bool packets_of_lo(int64_t *count)
{
	char text[8192], *at = NULL;
	bool found = false;
	if (!slurp("dev", text, sizeof text))
		return false;
	for (const char *line = strtok_r(text, "\n", &at); line != NULL; line = strtok_r(NULL, "\n", &at)) {
		char name[32];
		long long packets;
		if (sscanf(line, " %31[^:|]: %*s %lld", name, &packets) != 2)
			continue; /* the two lines of the head */
		if (strcmp(name, "lo") == 0) {
			*count = packets;
			found = true;
		} else if (packets != 0) {
			return false;
		}
	}
	return found;
}

bool datagrams_count(int64_t *packets, int64_t *difference)
{
	int64_t delivered;
	if (!delivered_v4(&delivered))
		return false;
	delivered += delivered_v6();
	if (!packets_of_lo(packets))
		return false;
	*difference = *packets - delivered;
	return true;
}

/* A socket that hears nobody but itself; -1. */
static int open_mark(void)
{
	struct sockaddr_in self = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof self;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && (bind(fd, (struct sockaddr *)&self, sizeof self) == -1 ||
	                 getsockname(fd, (struct sockaddr *)&self, &size) == -1 ||
	                 connect(fd, (struct sockaddr *)&self, size) == -1)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool pass_one_mark(int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};
	char byte = 0;
	return send(fd, &byte, 1, 0) == 1 && poll(&look, 1, MARK_WITHIN_MS) == 1 &&
	       recv(fd, &byte, 1, MSG_DONTWAIT) == 1;
}

/* One on each CPU that we may use, and so may the programs; returns how many, or -1. */
static int pass_marks(void)
{
	cpu_set_t ours;
	int fd = open_mark(), passed = 0;
	if (fd == -1 || sched_getaffinity(0, sizeof ours, &ours) == -1) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	for (int i = 0; i < ROUNDS * CPU_SETSIZE && passed >= 0; i++) {
		cpu_set_t one;
		if (!CPU_ISSET(i % CPU_SETSIZE, &ours))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i % CPU_SETSIZE, &one);
		if (sched_setaffinity(0, sizeof one, &one) == -1)
			continue; /* it has just been switched off: another has its queue */
		passed = pass_one_mark(fd) ? passed + 1 : -1;
	}
	sched_setaffinity(0, sizeof ours, &ours);
	close(fd);
	return passed;
}

bool datagrams_have_landed(Datagrams *d)
{
	int64_t packets = 0, difference = 0, later;
	bool told = datagrams_count(&packets, &difference);
	if (told && difference == d->lost) {
		d->packets = packets;
		return true;
	}
	/* As a rule it is on its way, and there at the next look. */
	bool twice = packets == d->packets && difference == d->last;
	d->packets = packets;
	d->last = difference;
	if (told && !twice)
		return false;
	d->marks++;
	int passed = pass_marks();
	if (passed <= 0)
		return false;
	/* If ours were the only packets since, then nothing is on its way now, and the difference is what was lost. */
	if (told && datagrams_count(&later, &difference) && later == packets + passed)
		d->lost = difference;
	return true;
}
