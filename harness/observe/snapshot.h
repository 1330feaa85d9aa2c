/*
 * snapshot.h: a stopped thread's registers and stack, and the source line that they lead to.
 *
 * A thread has to be stopped to be asked where it is, and what stops it disturbs it. So it is
 * stopped only while its registers and the top of its stack are copied (0.1 ms); what takes
 * longer, unwinding the copy and reading debug information, is done when it has long gone on.
 *
 * Debug information is as little to be trusted as the program that it comes with, and libdw was
 * not written against an enemy. So it is read in a process of its own, which can open files for
 * reading and write to one pipe, and nothing else (seccomp), for two seconds of CPU time. When
 * that process crashes or is killed, the line is unknown, and nothing worse. Nothing is looked
 * for outside the program's own file: not under /usr/lib/debug, not on the network (debuginfod).
 *
 * The program may live in another mount namespace, so its file is opened through /proc/PID/exe,
 * its libraries through /proc/PID/root. Known on x86-64 and aarch64; elsewhere nothing is.
 *
 * Cost: snapshot_take 0.05 ms, snapshot_locate 1 to 2 ms. Ownership: a Snapshot is the caller's,
 * and large: malloc() it. Nothing in it needs freeing.
 */
#ifndef OBSERVE_SNAPSHOT_H
#define OBSERVE_SNAPSHOT_H

#include "report/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	SNAPSHOT_STACK = 256 * 1024, /* bytes; the frames above the student's own are few */
	SNAPSHOT_REGISTERS = 32,
};

typedef struct {
	pid_t pid;
	uint64_t registers[SNAPSHOT_REGISTERS]; /* in DWARF's order */
	uint64_t pc, stack_pointer;
	uint64_t stack_at; /* the address of stack[0] */
	size_t stack_size;
	unsigned char stack[SNAPSHOT_STACK];
} Snapshot;

/* Copies a thread of process `pid` that we trace and that stands in a ptrace-stop; else false. */
bool snapshot_take(Snapshot *snapshot, pid_t pid, pid_t tid);

/*
 * The innermost frame in the student's own files; see where.h for `sources` and `shown`. Fills
 * file, line and function and returns true, or leaves `where` alone. Process `pid` must still be
 * there.
 */
bool snapshot_locate(const Snapshot *snapshot, const char *sources, const char *shown, Where *where);

#endif
