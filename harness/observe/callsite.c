#define _GNU_SOURCE
#include "observe/callsite.h"

#include "observe/snapshot.h"
#include "observe/tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_PROGRAMS = 256, MOST_SITES = 1024, LOOK_WORDS = 512 };

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

/* The executable mapping of the file that the process was started from. */
static bool map_of(pid_t pid, Program *p)
{
	char path[64], line[512];
	struct stat s;
	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	if (stat(path, &s) == -1)
		return false;
	*p = (Program){.pid = pid, .device = s.st_dev, .inode = s.st_ino};
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
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

static const Program *program_of(pid_t pid)
{
	for (size_t i = 0; i < program_count; i++)
		if (programs[i].pid == pid)
			return &programs[i];
	Program *p = &programs[program_count < MOST_PROGRAMS ? program_count : (size_t)pid % MOST_PROGRAMS];
	if (!map_of(pid, p))
		return NULL;
	program_count += program_count < MOST_PROGRAMS;
	return p;
}

void callsite_forget(pid_t pid)
{
	for (size_t i = 0; i < program_count; i++)
		if (programs[i].pid == pid)
			programs[i--] = programs[--program_count];
}

/* The first word on the stack that points into the program. */
static bool sign_of(const TraceEvent *event, const Program *program, Site *site)
{
	static uint64_t stack[LOOK_WORDS];
	size_t words = LOOK_WORDS;
	/* Near the stack's end there is less to read. */
	while (words > 8 && !tasks_memory(event->pid, event->sp, stack, words * sizeof *stack))
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

static bool look_up(const TraceEvent *event, const char *sources, const char *shown, Where *where)
{
	Snapshot *picture = malloc(sizeof *picture);
	bool found = picture != NULL && snapshot_take(picture, event->pid, event->tid) &&
	             snapshot_locate(picture, sources, shown, where);
	free(picture);
	return found;
}

bool callsite_find(const TraceEvent *event, const char *sources, const char *shown, Where *where)
{
	Site site;
	where->file[0] = where->function[0] = '\0';
	where->line = 0;
	const Program *program = program_of(event->pid);
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
