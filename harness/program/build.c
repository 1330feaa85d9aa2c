#include "program/build.h"

#include "program/command.h"
#include "program/crew.h"
#include "program/words.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

enum {
	SOURCE_BYTES = 4 << 20, /* as much of a source as is searched for main() */
	TEXT_BYTES = 16 << 10,  /* as much of the compiler's talk about a file as anybody reads */
	FILES_MOST = 4096,      /* files of a folder whose changes are noticed */
	DEPTH_MOST = 8,         /* and folders in folders */
	CPU_SECONDS = 10,       /* limits that no honest source comes near */
	BACKSTOP_SECONDS = 300,
	OUTPUT_BYTES = 128 << 20,
};
static const rlim_t memory_bytes = 2ULL << 30;

typedef enum { PLAIN, SANITIZED, KINDS } Kind;

static const char *const flags_of_all[] = {
    "-std=gnu17", "-g", "-O0", "-fno-omit-frame-pointer", "-pipe", "-fdiagnostics-color=never", NULL};
static const char *const flags_of[KINDS][4] = {
    {"-Wall", "-Wextra", NULL}, {"-w", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", NULL}};
static const char *const libraries[] = {"-Wl,--as-needed", "-lreadline", NULL};
static const char *const libraries_from_10[] = {"-ljansson", "-lcrypto", NULL};

/* A source to be compiled, or a program to be linked: one run of the compiler. */
typedef struct {
	size_t plan; /* whose it is */
	Kind kind;
	const char *source;  /* "client.c", or one of our own */
	const char *program; /* or the program to be linked */
	bool ended_well;
} Unit;
/* Our own sources, ROOT/harness/program/NAME.c: known by their address, for a student may have files of these names. */
static const char LEAKCHECK[] = "leakcheck", FRAME_DRIVER[] = "frame_driver";
static const char *const own_sources[] = {LEAKCHECK, FRAME_DRIVER, NULL};

/* The one "program" that has no main() of its own: frame.c, which is a part of the others, and is judged by itself. */
static const char FRAME[] = "frame";

/* One Build in the making. */
typedef struct {
	Build *build;
	char *version; /* .../graded/FOLDER/VERSION */
	char *making;  /* where that is made; NULL when nothing is to be done */
	Words sources, helpers;
	char *odd; /* the name of something in the folder that a compiler must not open: a pipe, a device */
	const char *trouble;
} Plan;

typedef struct {
	const char *root;
	char *graded;   /* ROOT/build/graded, or our temporary folder */
	char *making;   /* where versions are made; NULL as long as there is none */
	bool temporary; /* graded is ours alone, and goes when we go */
	Words compiler; /* "gcc"; empty: there is none */
	bool shut_in;   /* bubblewrap works here */
	Plan *plans;
	size_t count;
	Unit *units;
	size_t unit_count;
} Workshop;

static Workshop shop;

/* ---- what the outcome depends on ---- */

static uint64_t hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return h;
}

static void note_file(FILE *stamp, const char *path, const char *name)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return;
	fprintf(stamp, "%s %o %lld %lld.%09ld %lld.%09ld %llu\n", name, st.st_mode, (long long)st.st_size,
	        (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec,
	        (unsigned long long)st.st_ino);
}

static void note_folder(FILE *stamp, const char *folder, int depth, int *left, char **odd)
{
	struct dirent **entries;
	int n = depth < DEPTH_MOST ? scandir(folder, &entries, NULL, alphasort) : -1;

	for (int i = 0; i < n; i++) {
		struct stat st;
		char *path = words_print("%s/%s", folder, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && --*left > 0 && lstat(path, &st) == 0) {
			if (S_ISDIR(st.st_mode))
				note_folder(stamp, path, depth + 1, left, odd);
			else
				note_file(stamp, path, path);
			if (!*odd && !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
				*odd = words_print("%s", entries[i]->d_name);
		}
		free(path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static char *own_path(const char *name)
{
	return words_print("%s/harness/program/%s.c", shop.root, name);
}

/* All that decides what is built, as one text. */
static char *stamp_of(const Build *build, char **odd)
{
	char *text = NULL;
	size_t size;
	int left = FILES_MOST;
	FILE *stamp = open_memstream(&text, &size);

	if (!stamp)
		return words_print("%d", getpid());
	fprintf(stamp, "1 %s %d %d\n", build->shown, build->number, build->plain);
	for (const char *const *p = build->programs; *p; p++)
		fprintf(stamp, "%s\n", *p);
	for (const char *const *f = flags_of_all; *f; f++)
		fprintf(stamp, "%s\n", *f);
	for (int kind = 0; kind < KINDS; kind++)
		for (const char *const *f = flags_of[kind]; *f; f++)
			fprintf(stamp, "%s\n", *f);
	for (size_t i = 0; i < shop.compiler.count; i++)
		fprintf(stamp, "%s\n", shop.compiler.word[i]);
	if (shop.compiler.count > 0) {
		char *real = realpath(shop.compiler.word[0], NULL);
		note_file(stamp, real ? real : "", "compiler");
		free(real);
	}
	for (const char *const *own = own_sources; *own; own++) {
		char *path = own_path(*own);
		note_file(stamp, path, *own);
		free(path);
	}
	note_folder(stamp, build->folder, 0, &left, odd);
	fclose(stamp);
	return text;
}

/* ---- folders ---- */

static void remove_folder(const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, NULL);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		char *path = words_print("%s/%s", folder, name);
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && unlink(path) == -1 && errno == EISDIR)
			remove_folder(path);
		free(path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	rmdir(folder);
}

/* Says that the folder is in use as long as we live. False: somebody is about to remove it. */
static bool hold(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat here, held;

	if (fd == -1)
		return false;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0 && fstat(fd, &held) == 0 && stat(folder, &here) == 0 &&
	    here.st_ino == held.st_ino)
		return true;
	close(fd);
	return false;
}

/* Removes the folders in `folder` that nobody holds. */
static void remove_unused(const char *folder, const char *prefix)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, NULL);

	for (int i = 0; i < n; i++) {
		char *path = words_print("%s/%s", folder, entries[i]->d_name);
		int fd = -1;
		if (entries[i]->d_name[0] != '.' && strncmp(entries[i]->d_name, prefix, strlen(prefix)) == 0)
			fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_folder(path);
		if (fd != -1)
			close(fd);
		free(path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static bool make_folder(const char *path)
{
	return mkdir(path, 0777) == 0 || errno == EEXIST;
}

/* ROOT/build/graded where that can be written. */
static void open_shop(const char *root)
{
	shop = (Workshop){.root = root};
	char *build = words_print("%s/build", root);
	shop.graded = words_print("%s/build/graded", root);
	if (make_folder(build) && make_folder(shop.graded) && access(shop.graded, W_OK | X_OK) == 0) {
		free(build);
		return;
	}
	const char *tmp = getenv("TMPDIR");
	shop.graded = words_print("%s/dialtone.XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	if (mkdtemp(shop.graded)) {
		shop.temporary = true;
		crew_remove_when_stopped(shop.graded);
	}
	free(build);
}

void build_end(void)
{
	if (!shop.temporary)
		return;
	remove_folder(shop.graded);
	crew_removed(shop.graded);
	shop.temporary = false;
}

/* ---- the compiler ---- */

static void find_compiler(void)
{
	const char *asked = getenv("CC");
	wordexp_t words;

	if (asked && *asked && wordexp(asked, &words, WRDE_NOCMD) == 0) {
		for (size_t i = 0; i < words.we_wordc; i++)
			words_add(&shop.compiler, "%s", words.we_wordv[i]);
		wordfree(&words);
	}
	if (shop.compiler.count > 0) {
		char *found = command_find(shop.compiler.word[0]);
		if (found)
			shop.compiler.word[0] = found;
		return; /* what was asked for and is not there is trouble, to be named */
	}
	char *found = command_find("gcc");
	if (!found)
		found = command_find("cc");
	if (found)
		words_add(&shop.compiler, "%s", found);
}

static const char *compiler_trouble(void)
{
	if (shop.compiler.count == 0)
		return "there is no C compiler: neither gcc nor cc is in PATH";
	if (access(shop.compiler.word[0], X_OK) == -1)
		return words_print("the compiler that CC names cannot be run: %s", shop.compiler.word[0]);
	return NULL;
}

/* bubblewrap's part of the command line, up to the compiler. */
static void shut_in(Words *words, const char *folder, const char *making)
{
	static const char *const shown[] = {
	    "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/etc/ld.so.cache", "/etc/alternatives"};

	words_add_all(words, "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--setenv",
	              "PATH", "/usr/local/bin:/usr/bin:/bin", "--setenv", "LC_ALL", "C", "--ro-bind", "/usr", "/usr",
	              NULL);
	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
		words_add_all(words, "--ro-bind-try", shown[i], shown[i], NULL);
	words_add_all(words, "--size", "268435456", "--tmpfs", "/tmp", NULL);
	if (shop.compiler.count > 0 && strncmp(shop.compiler.word[0], "/usr/", 5) != 0) {
		char *where = words_print("%s", shop.compiler.word[0]);
		*strrchr(where, '/') = '\0';
		words_add_all(words, "--ro-bind-try", where, where, NULL);
	}
	for (const char *const *own = own_sources; *own; own++) {
		words_add_all(words, "--ro-bind", NULL);
		words_add(words, "%s", own_path(*own));
		words_add(words, "/%s.c", *own);
	}
	if (folder)
		words_add_all(words, "--ro-bind", folder, "/submission", "--bind", making, "/made", "--chdir", "/made",
		              NULL);
}

static void limit(int resource, rlim_t most)
{
	struct rlimit now;

	if (getrlimit(resource, &now) == 0 && (now.rlim_max == RLIM_INFINITY || now.rlim_max > most))
		setrlimit(resource, &(struct rlimit){most, most});
}

static void try_bubblewrap(size_t i, void *context)
{
	Words words = {0};

	(void)i;
	(void)context;
	shut_in(&words, NULL, NULL);
	words_add_all(&words, "true", NULL);
	int nothing = open("/dev/null", O_WRONLY);
	if (nothing != -1)
		dup2(nothing, STDERR_FILENO);
	execvp(words.word[0], words.word);
	_exit(127);
}

static void note_bubblewrap(size_t i, int status, void *context)
{
	(void)i;
	(void)context;
	shop.shut_in = status == 0;
}

/* ---- one run of the compiler ---- */

static char *made(const Unit *unit, const char *folder, const char *suffix)
{
	return words_print("%s/%s%s%s", folder, unit->program ? unit->program : unit->source,
	                   unit->kind == SANITIZED ? ".sanitized" : "", suffix);
}

static char *object(const char *folder, const char *source, Kind kind)
{
	return made(&(Unit){.source = source, .kind = kind}, folder, ".o");
}

static void add_all(Words *words, const char *const *list)
{
	for (; *list; list++)
		words_add(words, "%s", *list);
}

static bool is_frame(const char *program)
{
	return strcmp(program, FRAME) == 0;
}

static bool is_own(const char *source)
{
	return source == LEAKCHECK || source == FRAME_DRIVER;
}

static void add_objects(Words *words, const Unit *unit, const Plan *plan, const char *made_in)
{
	if (is_frame(unit->program))
		words_add(words, "%s", object(made_in, FRAME_DRIVER, unit->kind));
	else
		words_add(words, "%s", object(made_in, words_print("%s.c", unit->program), unit->kind));
	for (size_t i = 0; i < plan->helpers.count; i++)
		words_add(words, "%s", object(made_in, plan->helpers.word[i], unit->kind));
	if (unit->kind == SANITIZED)
		words_add(words, "%s", object(made_in, LEAKCHECK, unit->kind));
}

static Words command_line(const Unit *unit)
{
	const Plan *plan = &shop.plans[unit->plan];
	const char *folder = shop.shut_in ? "/submission" : plan->build->folder;
	const char *made_in = shop.shut_in ? "/made" : plan->making;
	Words words = {0};

	if (shop.shut_in)
		shut_in(&words, plan->build->folder, plan->making);
	add_all(&words, (const char *const *)shop.compiler.word);
	add_all(&words, flags_of_all);
	add_all(&words, flags_of[unit->kind]);
	if (unit->program) {
		add_objects(&words, unit, plan, made_in);
		words_add_all(&words, "-pthread", NULL);
		add_all(&words, libraries);
		if (plan->build->number >= 10)
			add_all(&words, libraries_from_10);
		words_add_all(&words, "-o", made(unit, made_in, ""), NULL);
		return words;
	}
	words_add(&words, "-ffile-prefix-map=%s=%s", folder, plan->build->shown);
	words_add_all(&words, "-c", NULL);
	if (is_own(unit->source))
		words_add(&words, "%s", shop.shut_in ? words_print("/%s.c", unit->source) : own_path(unit->source));
	else
		words_add(&words, "%s/%s", folder, unit->source);
	words_add_all(&words, "-o", made(unit, made_in, ".o"), NULL);
	return words;
}

static void run_compiler(size_t i, void *context)
{
	const Unit *unit = &((const Unit *)context)[i];
	const Plan *plan = &shop.plans[unit->plan];
	Words words = command_line(unit);
	char *text = made(unit, plan->making, ".text");

	int fd = open(text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd == -1 || dup2(fd, STDOUT_FILENO) == -1 || dup2(fd, STDERR_FILENO) == -1 || chdir(plan->making) == -1)
		_exit(127);
	setenv("LC_ALL", "C", 1);
	umask(022); /* the room may run it as nobody */
	limit(RLIMIT_CPU, CPU_SECONDS);
	limit(RLIMIT_AS, memory_bytes);
	limit(RLIMIT_FSIZE, OUTPUT_BYTES);
	limit(RLIMIT_CORE, 0);
	alarm(BACKSTOP_SECONDS); /* a source that is a pipe is never read to its end */
	execvp(words.word[0], words.word);
	fprintf(stderr, "%s: %s\n", words.word[0], strerror(errno));
	_exit(127);
}

static void note_end(size_t i, int status, void *context)
{
	Unit *unit = &((Unit *)context)[i];
	Plan *plan = &shop.plans[unit->plan];

	unit->ended_well = status == 0;
	if (status == 0)
		return;
	char *said = words_from_file(made(unit, plan->making, ".text"), TEXT_BYTES);
	if (said && strncmp(said, "bwrap: ", 7) == 0) {
		plan->trouble = words_print("the compiler could not be shut in: %.200s", said);
	} else if (status == -1 || (WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
		plan->trouble = "the compiler could not be started";
	} else if (WIFSIGNALED(status) || WEXITSTATUS(status) > 128) {
		FILE *text = fopen(made(unit, plan->making, ".text"), "a");
		int sig = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) - 128;
		if (text) {
			fprintf(text, "error: the compiler was stopped: %s\n", strsignal(sig));
			fclose(text);
		}
	}
	free(said);
}

static void run_units(size_t jobs)
{
	Crew crew = {
	    .count = shop.unit_count, .jobs = jobs, .work = run_compiler, .done = note_end, .context = shop.units};
	crew_run(&crew);
}

static void add_unit(Unit unit)
{
	Unit *units = realloc(shop.units, (shop.unit_count + 1) * sizeof *units);

	if (!units) {
		shop.plans[unit.plan].trouble = "no memory";
		return;
	}
	units[shop.unit_count++] = unit;
	shop.units = units;
}

/* ---- which files make which program ---- */

static size_t skip_literal(const char *s, char quote)
{
	size_t i = 1;

	while (s[i] && s[i] != quote && s[i] != '\n')
		i += s[i] == '\\' && s[i + 1] ? 2 : 1;
	return s[i] ? i + 1 : i;
}

static size_t skip_comment(const char *s)
{
	const char *end = s[1] == '/' ? strchr(s, '\n') : strstr(s + 2, "*/");

	return end ? (size_t)(end - s) + (s[1] == '/' ? 1 : 2) : strlen(s);
}

bool build_defines_main(const char *s)
{
	int depth = 0;
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	while (*s) {
		size_t word = strspn(s, letters);
		if (word > 0) {
			const char *next = s + word + strspn(s + word, " \t\r\n");
			if (word == 4 && memcmp(s, "main", 4) == 0 && *next == '(' && depth == 0)
				return true;
			s += word;
		} else if (*s == '/' && (s[1] == '/' || s[1] == '*')) {
			s += skip_comment(s);
		} else if (*s == '"' || *s == '\'') {
			s += skip_literal(s, *s);
		} else {
			depth += *s == '{';
			depth -= *s == '}' && depth > 0;
			s++;
		}
	}
	return false;
}

static bool is_source(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n > 2 && strcmp(name + n - 2, ".c") == 0;
}

static bool is_program(const Build *build, const char *source)
{
	for (const char *const *p = build->programs; *p; p++)
		if (strlen(source) == strlen(*p) + 2 && strncmp(source, *p, strlen(*p)) == 0)
			return true;
	return false;
}

static void sort_out(Plan *plan)
{
	struct dirent **entries;
	int n = scandir(plan->build->folder, &entries, NULL, alphasort);

	if (n == -1)
		plan->trouble = words_print("%s: %s", plan->build->shown, strerror(errno));
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		if (is_source(name)) {
			char *path = words_print("%s/%s", plan->build->folder, name), *text = NULL;
			bool program = is_program(plan->build, name);
			if (!program)
				text = words_from_file(path, SOURCE_BYTES);
			if (program) {
				words_add(&plan->sources, "%s", name);
				if (strcmp(name, "frame.c") == 0)
					words_add(&plan->helpers, "%s", name); /* of itself and of all the others */
			} else if (text && !build_defines_main(text)) {
				words_add(&plan->sources, "%s", name);
				words_add(&plan->helpers, "%s", name);
			}
			free(text);
			free(path);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* ---- a version: planned, made, put in its place, read ---- */

static bool make_workplace(Plan *plan, size_t i)
{
	if (!shop.making) {
		remove_unused(shop.graded, "making.");
		/* Held under a name that no other grader removes, before it gets one that one might. */
		char *unheld = words_print("%s/.making.XXXXXX", shop.graded);
		bool held = mkdtemp(unheld) && hold(unheld);
		shop.making = words_print("%s/%s", shop.graded, strrchr(unheld, '/') + 2);
		held = held && rename(unheld, shop.making) == 0;
		free(unheld);
		if (!held) {
			plan->trouble = words_print("%s: %s", shop.making, strerror(errno));
			shop.making = NULL;
			return false;
		}
		crew_remove_when_stopped(shop.making);
	}
	plan->making = words_print("%s/%zu", shop.making, i);
	if (mkdir(plan->making, 0777) == 0)
		return true;
	plan->trouble = words_print("%s: %s", plan->making, strerror(errno));
	plan->making = NULL;
	return false;
}

/* How many kinds of it are wanted. */
static Kind kinds_of(const Build *build)
{
	return build->plain ? PLAIN + 1 : KINDS;
}

static void plan_build(size_t i)
{
	Plan *plan = &shop.plans[i];
	const Build *build = plan->build;
	char *stamp = stamp_of(build, &plan->odd);

	plan->version = words_print("%s/%016llx/%016llx", shop.graded, (unsigned long long)hash(build->folder),
	                            (unsigned long long)hash(stamp));
	free(stamp);
	if (hold(plan->version))
		return;
	plan->trouble = compiler_trouble();
	if (plan->trouble || !make_workplace(plan, i))
		return;
	sort_out(plan);
	for (Kind kind = PLAIN; kind < kinds_of(build) && !plan->odd; kind++)
		for (size_t s = 0; s < plan->sources.count; s++)
			add_unit((Unit){.plan = i, .kind = kind, .source = plan->sources.word[s]});
	if (!plan->odd && !build->plain)
		add_unit((Unit){.plan = i, .kind = SANITIZED, .source = LEAKCHECK});
	for (Kind kind = PLAIN; kind < kinds_of(build) && !plan->odd && is_program(build, "frame.c"); kind++)
		add_unit((Unit){.plan = i, .kind = kind, .source = FRAME_DRIVER});
}

static bool is_there(const char *folder, const char *name)
{
	char *path = words_print("%s/%s", folder, name);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

/* A program is linked when all that it is made of compiled. */
static void plan_links(const Unit *compiled, size_t count)
{
	for (size_t i = 0; i < shop.count; i++) {
		const Plan *plan = &shop.plans[i];
		for (const char *const *p = plan->build->programs; plan->making && *p; p++) {
			char *source = words_print("%s.c", *p);
			bool ready[KINDS] = {words_have(&plan->sources, source) && !plan->odd};
			ready[SANITIZED] = ready[PLAIN];
			for (size_t u = 0; u < count; u++)
				if (compiled[u].plan == i && !compiled[u].ended_well &&
				    (is_own(compiled[u].source) || strcmp(compiled[u].source, source) == 0 ||
				     words_have(&plan->helpers, compiled[u].source)))
					ready[compiled[u].kind] = false;
			for (Kind kind = PLAIN; kind < kinds_of(plan->build); kind++)
				if (ready[kind])
					add_unit((Unit){.plan = i, .kind = kind, .program = *p});
			free(source);
		}
	}
}

/* Copies what the compiler said, true folders replaced by what a person would type. */
static void copy_text(FILE *out, const Plan *plan, const char *text)
{
	char *folder = words_print("%s/", shop.shut_in ? "/submission" : plan->build->folder);
	char *made_in = words_print("%s/", shop.shut_in ? "/made" : plan->making);

	while (*text) {
		if (strncmp(text, folder, strlen(folder)) == 0) {
			fprintf(out, "%s/", plan->build->shown);
			text += strlen(folder);
		} else if (strncmp(text, made_in, strlen(made_in)) == 0) {
			text += strlen(made_in); /* the linker's way to name an object */
		} else {
			fputc(*text++, out);
		}
	}
	free(folder);
	free(made_in);
}

static void copy_talk(FILE *out, const Plan *plan, const char *name)
{
	char *path = words_print("%s/%s", plan->making, name), *text = words_from_file(path, TEXT_BYTES);

	if (text && strncmp(text, "bwrap: ", 7) != 0)
		copy_text(out, plan, text);
	if (text && strlen(text) == TEXT_BYTES)
		fputs("\n[there is more]\n", out);
	free(text);
	free(path);
}

static void remove_made(const Plan *plan, const char *source)
{
	for (Kind kind = PLAIN; kind < KINDS; kind++) {
		Unit unit = {.source = source, .kind = kind};
		unlink(made(&unit, plan->making, ".o"));
		unlink(made(&unit, plan->making, ".text"));
	}
}

/* The compiler's talk about all plain builds becomes the file "said"; what nobody needs any more goes. */
static void finish(Plan *plan)
{
	char *path = words_print("%s/said", plan->making);
	FILE *said = fopen(path, "w");

	if (!said) {
		plan->trouble = words_print("%s: %s", path, strerror(errno));
		return;
	}
	if (plan->odd)
		fprintf(said, "%s/%s: error: neither a file nor a folder\n", plan->build->shown, plan->odd);
	for (size_t i = 0; i < plan->sources.count; i++)
		copy_talk(said, plan, words_print("%s.text", plan->sources.word[i]));
	for (const char *const *p = plan->build->programs; *p; p++)
		copy_talk(said, plan, words_print("%s.text", *p));
	if (fclose(said) != 0)
		plan->trouble = words_print("%s: %s", path, strerror(errno));

	for (size_t i = 0; i < plan->sources.count; i++)
		remove_made(plan, plan->sources.word[i]);
	for (const char *const *own = own_sources; *own; own++)
		remove_made(plan, *own);
}

/* Moves it to its place; somebody else may have been faster, with the same. */
static void put_in_place(Plan *plan)
{
	char *folder = words_print("%s/%016llx", shop.graded, (unsigned long long)hash(plan->build->folder));

	make_folder(folder);
	hold(plan->making);
	if (rename(plan->making, plan->version) == -1 && !hold(plan->version))
		plan->trouble = words_print("%s: %s", plan->version, strerror(errno));
	remove_unused(folder, "");
	free(folder);
}

/* The first error in the compiler's words about this program; the whole is in `output`. */
static const char *first_error(const char *said, const char *program)
{
	char *source = words_print("/%s.c:", program);
	const char *error = NULL;

	for (const char *line = said; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		size_t n = strcspn(line, "\n");
		char *text = words_print("%.*s", (int)n, line);
		bool is_error = strstr(text, "error: ") || strstr(text, "undefined reference");
		if (is_error && (!error || strstr(text, source)))
			error = text;
		if (is_error && strstr(text, source))
			break;
	}
	return error ? words_print("it does not compile: %s", error) : "it does not compile";
}

static void judge_program(const Plan *plan, Subject *subject, const char *program)
{
	const Build *build = plan->build;
	Words argv = {0}, visible = {0};
	char *source = words_print("%s.c", program), *sanitized = words_print("%s.sanitized", program);

	*subject = (Subject){.name = program, .sources = build->folder, .shown = build->shown};
	words_add(&argv, "%s/%s", plan->version, program);
	words_add(&visible, "%s", argv.word[0]);
	subject->argc = argv.count;
	subject->argv = argv.word;
	if (plan->trouble) {
		subject->broken = plan->trouble;
	} else if (!is_there(build->folder, source)) {
		subject->broken = words_print("there is no %s in %s", source, build->shown);
		subject->broken_code = "missing_program";
	} else if (!is_there(plan->version, program)) {
		subject->broken = first_error(build->output, program);
		subject->broken_code = "does_not_compile";
	} else if (is_there(plan->version, sanitized)) {
		subject->sanitized = words_add(&visible, "%s/%s", plan->version, sanitized);
	}
	subject->visible = visible.word;
	free(source);
	free(sanitized);
}

static void answer(Plan *plan)
{
	Build *build = plan->build;

	while (build->programs[build->count])
		build->count++;
	build->subjects = calloc(build->count + 1, sizeof *build->subjects);
	build->output = plan->trouble ? NULL : words_from_file(words_print("%s/said", plan->version), 1 << 20);
	if (!build->output)
		build->output = "";
	if (!build->subjects)
		build->count = 0;
	for (size_t i = 0; i < build->count; i++) {
		judge_program(plan, &build->subjects[i], build->programs[i]);
		const char *code = build->subjects[i].broken_code;
		build->failed |= code && strcmp(code, "does_not_compile") == 0;
	}
}

static void make_all(size_t jobs)
{
	Crew probe = {.count = 1, .jobs = 1, .work = try_bubblewrap, .done = note_bubblewrap};

	crew_run(&probe);
	run_units(jobs);
	Unit *compiled = shop.units;
	size_t count = shop.unit_count;
	shop.units = NULL;
	shop.unit_count = 0;
	plan_links(compiled, count);
	run_units(jobs);
	free(compiled);
	free(shop.units);
	for (size_t i = 0; i < shop.count; i++) {
		if (shop.plans[i].making && !shop.plans[i].trouble)
			finish(&shop.plans[i]);
		if (shop.plans[i].making && !shop.plans[i].trouble)
			put_in_place(&shop.plans[i]);
	}
}

void build_all(Build *builds, size_t count, const char *root, size_t jobs)
{
	open_shop(root);
	find_compiler();
	shop.plans = calloc(count + 1, sizeof *shop.plans);
	if (!shop.plans)
		return;
	shop.count = count;
	for (size_t i = 0; i < count; i++) {
		shop.plans[i].build = &builds[i];
		plan_build(i);
	}
	if (shop.making) {
		make_all(jobs);
		remove_folder(shop.making);
		crew_removed(shop.making);
	}
	for (size_t i = 0; i < count; i++)
		answer(&shop.plans[i]);
	free(shop.plans);
	shop.plans = NULL;
}
