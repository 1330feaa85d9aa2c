#include "observe/snapshot.h"

#include <ctype.h>
#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	RED_ZONE = 128,      /* x86-64: what a leaf function keeps below its stack pointer */
	FRAMES = 512,        /* deeper than this before the student's first leads nowhere */
	READING_CPU_S = 2,   /* then reading debug information is given up */
	READING_MIB = 1024,  /* likewise: compressed sections can grow without end */
	READING_WALL_S = 20, /* the backstop for a reader that waits for ever, for a disk say */
};

/* ---- Taking it ---- */

/* Sorts what PTRACE_GETREGSET gave into DWARF's order. */
static bool sort_registers(Snapshot *snapshot, const struct user_regs_struct *r)
{
#if defined __x86_64__
	const uint64_t in_order[] = {r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp, r->rsp, r->r8,
	                             r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip};
	memcpy(snapshot->registers, in_order, sizeof in_order);
	snapshot->pc = r->rip;
	snapshot->stack_pointer = r->rsp;
	return true;
#elif defined __aarch64__
	memcpy(snapshot->registers, r->regs, sizeof r->regs);
	snapshot->registers[31] = r->sp;
	snapshot->pc = r->pc;
	snapshot->stack_pointer = r->sp;
	return true;
#else
	(void)snapshot, (void)r;
	return false;
#endif
}

/*
 * The readable mapping that holds `address`, or the next one above it: a stack that has overflowed
 * has its pointer below itself.
 */
static bool find_stack(pid_t pid, uint64_t address, uint64_t *start, uint64_t *end)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	FILE *maps = fopen(path, "re");
	if (!maps)
		return false;

	bool found = false;
	char *text = NULL, readable;
	size_t room = 0;
	while (!found && getline(&text, &room, maps) != -1)
		found = sscanf(text, "%" SCNx64 "-%" SCNx64 " %c", start, end, &readable) == 3 && readable == 'r' &&
		        *end > address;
	free(text);
	fclose(maps);
	return found;
}

bool snapshot_take(Snapshot *snapshot, pid_t pid, pid_t tid)
{
	struct user_regs_struct registers;
	struct iovec all = {&registers, sizeof registers};
	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &all) == -1 || all.iov_len != sizeof registers ||
	    !sort_registers(snapshot, &registers))
		return false;
	snapshot->pid = pid;

	uint64_t from = snapshot->stack_pointer - RED_ZONE, start, end;
	if (!find_stack(pid, from, &start, &end))
		return false;
	if (from < start)
		from = start;

	char path[64];
	snprintf(path, sizeof path, "/proc/%d/mem", tid);
	int memory = open(path, O_RDONLY | O_CLOEXEC);
	if (memory == -1)
		return false;
	size_t size = end - from < SNAPSHOT_STACK ? end - from : SNAPSHOT_STACK;
	ssize_t n = pread(memory, snapshot->stack, size, (off_t)from);
	close(memory);
	snapshot->stack_at = from;
	snapshot->stack_size = n > 0 ? (size_t)n : 0;
	return true;
}

/* ---- Whose file is it? ---- */

/* Takes "." and ".." out of a path, by its text alone. */
static void straighten(char *path)
{
	char *to = path;
	bool absolute = *path == '/';
	for (char *from = path, *next; *from; from = next) {
		from += strspn(from, "/");
		size_t length = strcspn(from, "/");
		next = from + length;
		if (length == 0 || (length == 1 && from[0] == '.'))
			continue;
		char *last = memrchr(path, '/', (size_t)(to - path));
		const char *last_name = last ? last + 1 : path;
		if (length == 2 && !memcmp(from, "..", 2) && to > path &&
		    !(to - last_name == 2 && !memcmp(last_name, "..", 2))) {
			to = last ? last : path;
			continue;
		}
		if (to > path || absolute)
			*to++ = '/';
		memmove(to, from, length);
		to += length;
	}
	*to = '\0';
}

/* A folder's length without the slashes at its end. */
static size_t folder_length(const char *folder)
{
	size_t length = strlen(folder);
	while (length > 0 && folder[length - 1] == '/')
		length--;
	return length;
}

/*
 * Where the name goes on behind the student's folder ("/client.c"), or NULL. A relative folder may
 * stand anywhere in it: the debug information has it behind the folder of the compilation.
 */
static const char *behind(const char *name, const char *folder)
{
	size_t length = folder_length(folder);
	if (length == 0)
		return NULL;
	for (const char *at = name;;) {
		if (!strncmp(at, folder, length) && at[length] == '/')
			return at + length;
		const char *slash = strchr(at, '/');
		if (!slash || *folder == '/')
			return NULL;
		at = slash + 1;
	}
}

/* The same, for the name as it is said and as it is meant. */
static const char *behind_either(const char *name, const char *straight_name, const char *folder)
{
	char straight[PATH_MAX];
	snprintf(straight, sizeof straight, "%s", folder);
	straighten(straight);
	const char *rest = behind(straight_name, straight);
	return rest ? rest : behind(name, folder);
}

/* Writes the name as a person would type it; false: the file is not the student's own. */
static bool show_own(char *text, size_t size, const char *name, const char *sources, const char *shown)
{
	char path[PATH_MAX], here[PATH_MAX];
	snprintf(path, sizeof path, "%s", name);
	straighten(path);
	if (sources) {
		const char *rest = behind_either(name, path, sources);
		if (!rest && shown)
			rest = behind_either(name, path, shown);
		if (!rest)
			return false;
		const char *front = shown ? shown : sources;
		snprintf(text, size, "%.*s%s", (int)folder_length(front), front, rest);
		return true;
	}
	if (!strncmp(path, "/usr/", 5))
		return false;
	const char *rest = getcwd(here, sizeof here) ? behind(path, here) : NULL;
	snprintf(text, size, "%.*s", (int)size - 1, rest ? rest + 1 : path);
	return true;
}

/* ---- Reading the debug information; all of this runs in the reader's process ---- */

typedef struct {
	const Snapshot *snapshot;
	const char *sources, *shown;
	char program[PATH_MAX]; /* the executable as /proc/PID/maps names it */
	int frames;
	Where where;
} Search;

/* libdwfl hands no argument to find_elf. The reader is one process for one search, so: */
static const Search *current;

/* The kernel maps the same vdso into every process: ours will do for theirs. */
static Elf *open_vdso(void)
{
	const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);
	uint64_t start, end;
	if (!vdso || !find_stack(getpid(), (uintptr_t)vdso, &start, &end))
		return NULL;
	char *copy = malloc(end - start);
	return copy ? elf_memory(memcpy(copy, vdso, end - start), end - start) : NULL;
}

static int find_elf(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base, char **file, Elf **elf)
{
	(void)module, (void)data, (void)base;
	char path[PATH_MAX];
	if (!strncmp(name, "[vdso", 5)) {
		*elf = open_vdso();
		return -1;
	}
	if (!strcmp(name, current->program))
		snprintf(path, sizeof path, "/proc/%d/exe", current->snapshot->pid);
	else if (snprintf(path, sizeof path, "/proc/%d/root%s", current->snapshot->pid, name) >= PATH_MAX)
		return -1;

	struct stat is;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a FIFO must not make us wait */
	if (fd != -1 && (fstat(fd, &is) == -1 || !S_ISREG(is.st_mode))) {
		close(fd);
		fd = -1;
	}
	if (fd != -1)
		*file = strdup(name);
	return fd;
}

static int find_no_debuginfo(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base, const char *file,
                             const char *link, GElf_Word checksum, char **found)
{
	(void)module, (void)data, (void)name, (void)base, (void)file, (void)link, (void)checksum, (void)found;
	return -1;
}

static pid_t only_thread(Dwfl *dwfl, void *data, void **thread)
{
	(void)dwfl;
	const Search *search = data;
	if (*thread)
		return 0;
	*thread = data;
	return search->snapshot->pid;
}

static bool initial_registers(Dwfl_Thread *thread, void *data)
{
	const Snapshot *snapshot = ((const Search *)data)->snapshot;
#if defined __x86_64__
	return dwfl_thread_state_registers(thread, 0, 17, snapshot->registers);
#else
	dwfl_thread_state_register_pc(thread, snapshot->pc);
	return dwfl_thread_state_registers(thread, 0, 32, snapshot->registers);
#endif
}

static bool read_stack(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *word, void *data)
{
	(void)dwfl;
	const Snapshot *snapshot = ((const Search *)data)->snapshot;
	if (snapshot->stack_size < sizeof *word || address < snapshot->stack_at ||
	    address - snapshot->stack_at > snapshot->stack_size - sizeof *word)
		return false;
	memcpy(word, snapshot->stack + (address - snapshot->stack_at), sizeof *word);
	return true;
}

static bool note(Search *search, const char *file, int line, const char *function)
{
	Where *where = &search->where;
	if (!file || line <= 0 || !show_own(where->file, sizeof where->file, file, search->sources, search->shown))
		return false;
	where->line = line;
	snprintf(where->function, sizeof where->function, "%s", function ? function : "");
	return true;
}

/* The place where an inlined function was called from. */
static void call_site(Dwarf_Die *cu, Dwarf_Die *inlined, const char **file, int *line)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number = 0, index = 0;
	Dwarf_Files *files;
	size_t count;
	dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &number);
	*line = (int)number;
	*file = NULL;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &index) == 0 &&
	    dwarf_getsrcfiles(cu, &files, &count) == 0 && index < count)
		*file = dwarf_filesrc(files, index, NULL, NULL);
}

/*
 * Looks at one address: at its line, and where that belongs to a function that was inlined and is
 * not the student's (with _FORTIFY_SOURCE recv() is such a one), at where it was called, outward.
 */
static bool look_at(Search *search, Dwfl_Module *module, Dwarf_Addr pc)
{
	int line = 0;
	Dwfl_Line *record = dwfl_module_getsrc(module, pc);
	const char *file = record ? dwfl_lineinfo(record, NULL, &line, NULL, NULL, NULL) : NULL;
	if (!file)
		return false;

	Dwarf_Addr bias;
	Dwarf_Die *cu = dwfl_module_addrdie(module, pc, &bias), *scopes = NULL, *nest = NULL;
	int depth = cu ? dwarf_getscopes(cu, pc - bias, &scopes) : 0, i = 0;
	while (i < depth && dwarf_tag(&scopes[i]) != DW_TAG_subprogram &&
	       dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine)
		i++;
	/* Behind an inlined function come its definition's scopes: we want those of its call. */
	depth = i < depth ? dwarf_getscopes_die(&scopes[i], &nest) : 0;
	if (depth <= 0)
		return note(search, file, line, dwfl_module_addrname(module, pc));

	bool found = false;
	for (i = 0; i < depth && !found; i++) {
		int tag = dwarf_tag(&nest[i]);
		if (tag != DW_TAG_subprogram && tag != DW_TAG_inlined_subroutine)
			continue;
		found = note(search, file, line, dwarf_diename(&nest[i]));
		if (tag == DW_TAG_subprogram)
			break;
		call_site(cu, &nest[i], &file, &line);
	}
	free(nest);
	free(scopes);
	return found;
}

static int visit(Dwfl_Frame *frame, void *data)
{
	Search *search = data;
	Dwarf_Addr pc;
	bool interrupted; /* else a call returns to here, and the call itself is what is meant */
	if (++search->frames > FRAMES || !dwfl_frame_pc(frame, &pc, &interrupted))
		return DWARF_CB_ABORT;
	pc -= !interrupted;

	Dwfl_Module *module = dwfl_addrmodule(dwfl_thread_dwfl(dwfl_frame_thread(frame)), pc);
	const char *name = module ? dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL) : NULL;
	if (!name || (!search->sources && strcmp(name, search->program) != 0))
		return DWARF_CB_OK;
	return look_at(search, module, pc) ? DWARF_CB_ABORT : DWARF_CB_OK;
}

static void search_stack(Search *search)
{
	static const Dwfl_Callbacks files = {.find_elf = find_elf, .find_debuginfo = find_no_debuginfo};
	static const Dwfl_Thread_Callbacks thread = {
	    .next_thread = only_thread,
	    .memory_read = read_stack,
	    .set_initial_registers = initial_registers,
	};
	char path[64];
	pid_t pid = search->snapshot->pid;
	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	ssize_t n = readlink(path, search->program, sizeof search->program - 1);
	if (n == -1)
		return;
	search->program[n] = '\0';
	current = search;

	elf_version(EV_CURRENT);
	int program = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf = program == -1 ? NULL : elf_begin(program, ELF_C_READ_MMAP, NULL);
	Dwfl *dwfl = dwfl_begin(&files);
	if (elf && dwfl && dwfl_linux_proc_report(dwfl, pid) == 0 && dwfl_report_end(dwfl, NULL, NULL) == 0 &&
	    dwfl_attach_state(dwfl, elf, pid, &thread, search))
		dwfl_getthread_frames(dwfl, pid, visit, search);
	/* Nothing is freed: the process ends here. */
}

/* ---- The reader's process ---- */

/* From here on: files opened for reading, memory, and `out`. All else fails with EPERM. */
static bool shut_in(int out)
{
	static const int allowed[] = {
	    SCMP_SYS(read),         SCMP_SYS(pread64), SCMP_SYS(readlink),   SCMP_SYS(readlinkat),
	    SCMP_SYS(close),        SCMP_SYS(fstat),   SCMP_SYS(newfstatat), SCMP_SYS(lseek),
	    SCMP_SYS(fcntl),        SCMP_SYS(getcwd),  SCMP_SYS(mmap),       SCMP_SYS(munmap),
	    SCMP_SYS(mprotect),     SCMP_SYS(mremap),  SCMP_SYS(madvise),    SCMP_SYS(brk),
	    SCMP_SYS(futex),        SCMP_SYS(getpid),  SCMP_SYS(sysinfo),    SCMP_SYS(exit_group),
	    SCMP_SYS(rt_sigreturn),
	};
	const struct rlimit cpu = {READING_CPU_S, READING_CPU_S}, none = {0, 0};
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* which takes 16 TiB of addresses for itself */
	const struct rlimit memory = {(rlim_t)READING_MIB << 20, (rlim_t)READING_MIB << 20};
	setrlimit(RLIMIT_AS, &memory);
#endif
	prctl(PR_SET_PDEATHSIG, SIGKILL);

	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool good = filter != NULL;
	for (size_t i = 0; good && i < sizeof allowed / sizeof *allowed; i++)
		good = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
	good = good &&
	       seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
	                        SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)) == 0 &&
	       seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)out)) ==
	           0 &&
	       seccomp_load(filter) == 0;
	if (filter)
		seccomp_release(filter);
	return good;
}

static _Noreturn void read_and_tell(const Snapshot *snapshot, const char *sources, const char *shown, int out)
{
	static Search search;
	search = (Search){.snapshot = snapshot, .sources = sources, .shown = shown};
	if (shut_in(out))
		search_stack(&search);
	/* At most PIPE_BUF bytes: all or nothing. */
	_exit(write(out, &search.where, sizeof search.where) == sizeof search.where ? 0 : 1);
}

/* How many bytes the UTF-8 character here has; 0: it is none, or a control character. */
static int character(const unsigned char *at)
{
	int length = at[0] < 0x20 || at[0] == 0x7f ? 0
	             : at[0] < 0x80                ? 1
	             : at[0] < 0xc2                ? 0
	             : at[0] < 0xe0                ? 2
	             : at[0] < 0xf0                ? 3
	             : at[0] < 0xf5                ? 4
	                                           : 0;
	for (int i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

/* What came from the reader may be anything: names get an end, and no terminal sequences. */
static void clean(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (unsigned char *at = (unsigned char *)text; *at;) {
		int length = character(at);
		if (length == 0)
			*at = '?';
		at += length ? length : 1;
	}
}

bool snapshot_locate(const Snapshot *snapshot, const char *sources, const char *shown, Where *where)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) == -1)
		return false;
	pid_t reader = fork();
	if (reader == 0)
		read_and_tell(snapshot, sources, shown, ends[1]);
	close(ends[1]);

	Where told;
	ssize_t n = -1;
	if (reader != -1) {
		struct pollfd end = {.fd = ends[0], .events = POLLIN};
		int ready;
		while ((ready = poll(&end, 1, READING_WALL_S * 1000)) == -1 && errno == EINTR)
			continue;
		if (ready == 1)
			n = read(ends[0], &told, sizeof told);
		kill(reader, SIGKILL);
		while (waitpid(reader, NULL, 0) == -1 && errno == EINTR)
			continue;
	}
	close(ends[0]);
	if (n != sizeof told || told.line <= 0 || !told.file[0])
		return false;

	clean(told.file, sizeof told.file);
	clean(told.function, sizeof told.function);
	memcpy(where->file, told.file, sizeof where->file);
	memcpy(where->function, told.function, sizeof where->function);
	where->line = told.line;
	return true;
}
