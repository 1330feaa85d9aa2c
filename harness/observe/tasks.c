#define _GNU_SOURCE
#include "observe/tasks.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Reads a whole small file of /proc; the text is ended by a NUL. False: it is not there, or denied. */
static bool slurp(const char *path, char *text, size_t size)
{
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

static void add_process(TaskList *list, pid_t pid)
{
	for (size_t i = 0; i < list->processes; i++)
		if (list->process[i] == pid)
			return;
	if (list->processes == list->process_room) {
		size_t room = list->process_room ? 2 * list->process_room : 32;
		pid_t *grown = realloc(list->process, room * sizeof *grown);
		if (grown == NULL)
			abort();
		list->process = grown;
		list->process_room = room;
	}
	list->process[list->processes++] = pid;
}

/* Where the kernel was built without CONFIG_PROC_CHILDREN: everybody whose parent is in the list. */
static void add_children_by_parent(TaskList *list, pid_t root)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool grew = false;
	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		char path[64], text[1024];
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof path, "/proc/%.16s/stat", entry->d_name);
		char *rest = slurp(path, text, sizeof text) ? strrchr(text, ')') : NULL;
		int parent;
		char state;
		if (rest == NULL || sscanf(rest, ") %c %d", &state, &parent) != 2)
			continue;
		bool ours = parent == root;
		for (size_t i = 0; !ours && i < list->processes; i++)
			ours = list->process[i] == parent;
		size_t before = list->processes;
		if (ours)
			add_process(list, atoi(entry->d_name));
		grew = grew || list->processes > before;
	}
	if (proc != NULL)
		closedir(proc);
	if (grew)
		add_children_by_parent(list, root);
}

static void add_children(TaskList *list, pid_t pid)
{
	char path[64], text[16384];
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *threads = opendir(path);
	struct dirent *entry;
	while (threads != NULL && (entry = readdir(threads)) != NULL) {
		char children[96];
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(children, sizeof children, "/proc/%d/task/%.16s/children", pid, entry->d_name);
		if (!slurp(children, text, sizeof text))
			continue;
		for (char *at = text, *next; *at; at = next) {
			long child = strtol(at, &next, 10);
			if (next == at)
				break;
			add_process(list, (pid_t)child);
		}
	}
	if (threads != NULL)
		closedir(threads);
}

static bool kernel_lists_children(void)
{
	static int known = -1;
	if (known == -1)
		known = access("/proc/thread-self/children", R_OK) == 0;
	return known;
}

/* State, CPU time and switches. schedstat: ns on a CPU, ns waiting for one, how often it got one. */
static bool read_counters(Task *task, const char *folder)
{
	char path[96], text[1024];
	snprintf(path, sizeof path, "%s/stat", folder);
	if (!slurp(path, text, sizeof text))
		return false;
	const char *rest = strrchr(text, ')');
	unsigned long user = 0, system = 0;
	if (rest == NULL ||
	    sscanf(rest, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &task->state, &user, &system) != 3)
		return false;
	snprintf(path, sizeof path, "%s/schedstat", folder);
	unsigned long long cpu, waited, times;
	if (slurp(path, text, sizeof text) && sscanf(text, "%llu %llu %llu", &cpu, &waited, &times) == 3) {
		task->cpu_ns = cpu;
		task->switches = times;
		return true;
	}
	/* No scheduler statistics in this kernel: clock ticks, and the two counts of /proc/PID/status. */
	task->cpu_ns = (user + system) * (1000000000UL / (unsigned long)sysconf(_SC_CLK_TCK));
	snprintf(path, sizeof path, "%s/status", folder);
	char status[4096];
	const char *line = slurp(path, status, sizeof status) ? strstr(status, "\nvoluntary_ctxt_switches:") : NULL;
	unsigned long long own = 0, forced = 0;
	if (line != NULL)
		sscanf(line, "\nvoluntary_ctxt_switches: %llu\nnonvoluntary_ctxt_switches: %llu", &own, &forced);
	task->switches = own + forced;
	return true;
}

/* "running", or "NR ARG1..ARG6 SP PC" (a number of -1: asleep in the kernel, but in no call). */
static void read_call(Task *task, const char *folder)
{
	char path[96], text[256];
	unsigned long long a[6], sp, pc;
	snprintf(path, sizeof path, "%s/syscall", folder);
	if (!slurp(path, text, sizeof text))
		return;
	task->known = true;
	if (sscanf(text, "%ld %llx %llx %llx %llx %llx %llx %llx %llx", &task->call, &a[0], &a[1], &a[2], &a[3], &a[4],
	           &a[5], &sp, &pc) != 9)
		return;
	task->in_call = true;
	for (int i = 0; i < 6; i++)
		task->arg[i] = a[i];
	task->pc = pc;
}

static void add_threads(TaskList *list, pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *threads = opendir(path);
	struct dirent *entry;
	while (threads != NULL && (entry = readdir(threads)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		Task task = {.pid = pid, .tid = atoi(entry->d_name)};
		char folder[80];
		snprintf(folder, sizeof folder, "/proc/%d/task/%d", pid, task.tid);
		/* The counters last: had the thread run after its call was read, they would show it. */
		read_call(&task, folder);
		if (!read_counters(&task, folder))
			continue;
		if (list->count == list->room) {
			size_t room = list->room ? 2 * list->room : 32;
			Task *grown = realloc(list->task, room * sizeof *grown);
			if (grown == NULL)
				abort();
			list->task = grown;
			list->room = room;
		}
		list->task[list->count++] = task;
	}
	if (threads != NULL)
		closedir(threads);
}

static void add_descendants(TaskList *list, pid_t root)
{
	if (!kernel_lists_children()) {
		add_children_by_parent(list, root);
		return;
	}
	add_children(list, root);
	for (size_t i = 0; i < list->processes; i++)
		add_children(list, list->process[i]);
}

static bool any_has_ended(const TaskList *list, size_t from)
{
	for (size_t i = from; i < list->processes; i++) {
		bool lives = false;
		for (size_t k = 0; !lives && k < list->count; k++)
			lives = list->task[k].tid == list->process[i] && list->task[k].state != 'Z' &&
			        list->task[k].state != 'X';
		if (!lives)
			return true;
	}
	return false;
}

void tasks_look(TaskList *list, pid_t root)
{
	list->count = list->processes = 0;
	size_t seen;
	do {
		seen = list->processes;
		add_descendants(list, root);
		for (size_t i = seen; i < list->processes; i++)
			add_threads(list, list->process[i]);
		/* Who ended meanwhile has left its children to `root`, whose children we had read by then: once more. */
	} while (list->processes > seen && any_has_ended(list, seen));
}

void tasks_free(TaskList *list)
{
	free(list->task);
	free(list->process);
	*list = (TaskList){0};
}

uint64_t tasks_cpu_ns(pid_t pid)
{
	TaskList one = {0};
	uint64_t sum = 0;
	add_threads(&one, pid);
	for (size_t i = 0; i < one.count; i++)
		sum += one.task[i].cpu_ns;
	tasks_free(&one);
	return sum;
}

int tasks_descriptors(pid_t pid, bool sockets_only)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	DIR *folder = opendir(path);
	if (folder == NULL)
		return -1;
	int count = 0;
	struct dirent *entry;
	while ((entry = readdir(folder)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    (!sockets_only || tasks_socket_inode(pid, atoi(entry->d_name)) != 0))
			count++;
	closedir(folder);
	return count;
}

size_t tasks_private_bytes(pid_t pid)
{
	char path[64], text[4096];
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	if (!slurp(path, text, sizeof text))
		return 0;
	/* Both say too much by themselves: the first counts pages of a file in memory that the process has mapped, the second what a child
	 * still shares with its parent. */
	const char *dirty = strstr(text, "Private_Dirty:"), *anonymous = strstr(text, "\nAnonymous:");
	size_t kib = 0, other = 0;
	if (dirty != NULL)
		sscanf(dirty, "Private_Dirty: %zu kB", &kib);
	if (anonymous != NULL && sscanf(anonymous, "\nAnonymous: %zu kB", &other) == 1 && other < kib)
		kib = other;
	return kib * 1024;
}

uint64_t tasks_socket_inode(pid_t pid, int fd)
{
	char path[64], target[64];
	snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
	ssize_t n = readlink(path, target, sizeof target - 1);
	unsigned long long inode = 0;
	if (n <= 0)
		return 0;
	target[n] = '\0';
	return sscanf(target, "socket:[%llu]", &inode) == 1 ? inode : 0;
}

size_t tasks_socket_inodes(pid_t pid, uint64_t *inode, size_t most)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	DIR *folder = opendir(path);
	size_t count = 0;
	struct dirent *entry;
	while (folder != NULL && count < most && (entry = readdir(folder)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		inode[count] = tasks_socket_inode(pid, atoi(entry->d_name));
		count += inode[count] != 0;
	}
	if (folder != NULL)
		closedir(folder);
	return count;
}

bool tasks_memory(pid_t pid, uint64_t address, void *copy, size_t size)
{
	struct iovec ours = {.iov_base = copy, .iov_len = size};
	struct iovec theirs = {.iov_base = (void *)(uintptr_t)address, .iov_len = size};
	return process_vm_readv(pid, &ours, 1, &theirs, 1, 0) == (ssize_t)size;
}
