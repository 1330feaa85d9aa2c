#define _GNU_SOURCE
#include "observe/callsite.h"

#include "observe/snapshot.h"
#include "observe/tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { MOST_PROGRAMS = 256, MOST_SITES = 1024, LOOK_WORDS = 512, MOST_UNDER_WAY = 64 };

/* Where the code of a process's own program lies. */
typedef struct {
	pid_t pid;
	uint64_t from, to;
	dev_t device;
	ino_t inode;
} Program;

typedef struct {
	dev_t device;
	ino_t inode;
	uint64_t pc_offset, place, distance; /* place: from the start of the program's code */
	Where where;
	bool found;
} Site;

static Program programs[MOST_PROGRAMS];
static size_t program_count;
static Site sites[MOST_SITES];
static size_t site_count;

/* A call returns to where it was made: what was found for the last one of each thread. */
static struct {
	TraceEvent entered;
	Where where;
	bool found;
} under_way[MOST_UNDER_WAY];

/* The executable mapping of the file that the process was started from. */
static bool map_of(pid_t pid, pid_t tid, Program *p)
{
	char path[64], line[512];
	struct stat s;
	snprintf(path, sizeof path, "/proc/%d/exe", tid); /* the first thread, whose number is pid, may have left */
	if (stat(path, &s) == -1)
		return false;
	*p = (Program){.pid = pid, .device = s.st_dev, .inode = s.st_ino};
	snprintf(path, sizeof path, "/proc/%d/maps", tid);
	FILE *maps = fopen(path, "re");
	while (maps != NULL && p->to == 0 && fgets(line, sizeof line, maps) != NULL) {
		unsigned long from, to, inode;
		char rights[8];
		if (sscanf(line, "%lx-%lx %7s %*x %*x:%*x %lu", &from, &to, rights, &inode) == 4 && rights[2] == 'x' &&
		    inode == s.st_ino) {
			p->from = from;
			p->to = to;
		}
	}
	if (maps != NULL)
		fclose(maps);
	return p->to != 0;
}

static const Program *program_of(pid_t pid, pid_t tid)
{
	for (size_t i = 0; i < program_count; i++)
		if (programs[i].pid == pid)
			return &programs[i];
	Program *p = &programs[program_count < MOST_PROGRAMS ? program_count : (size_t)pid % MOST_PROGRAMS];
	if (!map_of(pid, tid, p))
		return NULL;
	program_count += program_count < MOST_PROGRAMS;
	return p;
}

void callsite_forget(pid_t pid)
{
	for (size_t i = 0; i < program_count; i++)
		if (programs[i].pid == pid)
			programs[i--] = programs[--program_count];
	for (size_t i = 0; i < MOST_UNDER_WAY; i++)
		if (under_way[i].entered.pid == pid)
			under_way[i].entered.tid = 0;
}

/* The first word on the stack that points into the program: near its top, as a rule. */
static bool sign_in(const TraceEvent *event, const Program *program, size_t words, Site *site)
{
	static uint64_t stack[LOOK_WORDS];
	/* Near the stack's end there is less to read. */
	while (words > 8 && !tasks_memory(event->tid, event->sp, stack, words * sizeof *stack))
		words /= 2;
	for (size_t i = 0; words > 8 && i < words; i++)
		if (stack[i] >= program->from && stack[i] < program->to) {
			*site = (Site){.device = program->device,
			               .inode = program->inode,
			               .pc_offset = event->pc & 0xfff, /* libc's place changes, its pages do not */
			               .place = stack[i] - program->from,
			               .distance = i};
			return true;
		}
	return false;
}

/*
 * Where glibc makes the call that makes a thread it tells debuggers nothing of the stack, for the thread's own is empty
 * then (sysdeps/unix/sysv/linux/x86_64/clone3.S). But its caller's address is on top of it: we look from there.
 */
static bool step_out_of_clone(Snapshot *picture, const TraceEvent *event)
{
#ifdef __x86_64__
	enum { RSP = 7, RIP = 16 }; /* DWARF's numbers */
	uint64_t at = picture->stack_pointer - picture->stack_at;
	if ((event->call != SYS_clone3 && event->call != SYS_clone) || at + sizeof at > picture->stack_size)
		return false;
	memcpy(&picture->pc, picture->stack + at, sizeof picture->pc);
	picture->stack_pointer += sizeof picture->pc;
	picture->registers[RIP] = picture->pc;
	picture->registers[RSP] = picture->stack_pointer;
	return true;
#else
	(void)picture, (void)event;
	return false;
#endif
}

static bool sign_of(const TraceEvent *event, const Program *program, Site *site)
{
	return sign_in(event, program, 64, site) || sign_in(event, program, LOOK_WORDS, site);
}

static bool look_up(const TraceEvent *event, const char *sources, const char *shown, Where *where)
{
	Snapshot *picture = malloc(sizeof *picture);
	bool taken = picture != NULL && snapshot_take(picture, event->tid, event->tid);
	bool found = taken && snapshot_locate(picture, sources, shown, where);
	if (taken && !found && step_out_of_clone(picture, event))
		found = snapshot_locate(picture, sources, shown, where);
	free(picture);
	return found;
}

static bool find(const TraceEvent *event, const char *sources, const char *shown, Where *where)
{
	Site site;
	where->file[0] = where->function[0] = '\0';
	where->line = 0;
	const Program *program = program_of(event->pid, event->tid);
	bool known = program != NULL && sign_of(event, program, &site);
	for (size_t i = 0; known && i < site_count; i++) {
		const Site *s = &sites[i];
		if (s->inode == site.inode && s->device == site.device && s->pc_offset == site.pc_offset &&
		    s->place == site.place && s->distance == site.distance) {
			*where = s->where;
			return s->found;
		}
	}
	bool found = look_up(event, sources, shown, where);
	if (known) {
		site.where = *where;
		site.found = found;
		sites[site_count < MOST_SITES ? site_count++ : (size_t)event->pc % MOST_SITES] = site;
	}
	return found;
}

bool callsite_find(const TraceEvent *event, const char *sources, const char *shown, Where *where)
{
	size_t slot = (size_t)event->tid % MOST_UNDER_WAY;
	const TraceEvent *entered = &under_way[slot].entered;
	if (event->kind == TRACE_RETURNS && entered->tid == event->tid && entered->call == event->call &&
	    entered->pc == event->pc && entered->sp == event->sp &&
	    memcmp(entered->arg, event->arg, sizeof event->arg) == 0) {
		*where = under_way[slot].where;
		return under_way[slot].found;
	}
	bool found = find(event, sources, shown, where);
	under_way[slot].entered = *event;
	under_way[slot].where = *where;
	under_way[slot].found = found;
	return found;
}
