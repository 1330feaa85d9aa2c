/*
 * tasks.h: the threads of the programs in a room, and what each of them is doing.
 *
 * Everything is read from /proc (man 5 proc), as it is at that moment; nothing is stopped. What a
 * single look says of a running system is worth little: still.h compares two.
 *
 * A thread that ends while it is being looked at is left out. Where /proc/PID/task/TID/syscall
 * is denied (a program under another uid, some containers), `known` is false and the call is not
 * to be had; the state and the counters are read all the same.
 *
 * Ownership: a TaskList is the caller's and can be used again and again; tasks_free() at the end.
 * Units: cpu_ns in nanoseconds of CPU time.
 */
#ifndef OBSERVE_TASKS_H
#define OBSERVE_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct {
	pid_t pid, tid;
	char state;        /* R S D T t Z X, as in /proc/PID/stat */
	bool known;        /* the call below could be read */
	bool in_call;      /* it sleeps in system call `call`; else it runs, or is about to */
	long call;         /* SYS_... */
	uint64_t arg[6];   /* the call's arguments, as registers */
	uint64_t pc;       /* where in the program the call was made */
	uint64_t cpu_ns;   /* CPU time so far */
	uint64_t switches; /* how often it was given a CPU: the same count twice means that it did not run between */
} Task;

typedef struct {
	Task *task;
	size_t count, room;
	pid_t *process; /* every process, zombies included */
	size_t processes, process_room;
} TaskList;

/* All processes below `root` (root itself left out) and their threads. */
void tasks_look(TaskList *list, pid_t root);
void tasks_free(TaskList *list);

/* CPU time that a process has used so far, in ns; 0 when it is gone. */
uint64_t tasks_cpu_ns(pid_t pid);

/* How many descriptors a process holds; with sockets_only, how many of them are sockets. -1: it is gone. */
int tasks_descriptors(pid_t pid, bool sockets_only);

/* Private memory in bytes (what the process alone would give back), from smaps_rollup; 0 where unknown. */
size_t tasks_private_bytes(pid_t pid);

/* Inode of the socket behind a descriptor; 0: none, or no socket. */
uint64_t tasks_socket_inode(pid_t pid, int fd);

/* Inodes of all the sockets that a process holds, up to `most`; how many there are. */
size_t tasks_socket_inodes(pid_t pid, uint64_t *inode, size_t most);

/* Reads another process's memory; false where that is denied. */
bool tasks_memory(pid_t pid, uint64_t address, void *copy, size_t size);

#endif
