#include "program/command.h"

#include "program/words.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wordexp.h>

enum { LINKS = 16, INTERPRETERS = 4 }; /* longer chains are somebody's joke */

static const char *const system_folders[] = {"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/lib32/", "/etc/"};

typedef struct {
	const char *root, *home;
	Words visible;
} View;

static bool is_of_the_system(const char *path)
{
	for (size_t i = 0; i < sizeof system_folders / sizeof system_folders[0]; i++)
		if (strncmp(path, system_folders[i], strlen(system_folders[i])) == 0)
			return true;
	return false;
}

/* Whether `path` is `folder` or lies in it. */
static bool is_within(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	while (n > 0 && folder[n - 1] == '/')
		n--;
	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* "dir/./a//../b" stays as it is named, but for the dots: links are not followed. To be kept. */
static char *absolute(const char *path)
{
	char *here = *path == '/' ? words_print("%s", "") : getcwd(NULL, 0);
	char *whole = words_print("%s/%s", here ? here : "", path), *out = words_print("%s", whole);
	size_t used = 0;

	for (char *part = strtok(whole, "/"); part; part = strtok(NULL, "/")) {
		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			while (used > 0 && out[--used] != '/')
				;
			continue;
		}
		out[used++] = '/';
		memcpy(out + used, part, strlen(part));
		used += strlen(part);
	}
	if (used == 0)
		out[used++] = '/';
	out[used] = '\0';
	free(whole);
	free(here);
	return out;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash && slash != path ? (size_t)(slash - path) : 1;

	return words_print("%.*s", (int)n, path);
}

static bool may_be_shown_whole(const View *view, const char *folder)
{
	struct stat st;
	char real[PATH_MAX];

	if (!realpath(folder, real) || stat(real, &st) == -1)
		return false;
	if (strcmp(real, "/") == 0 || is_within(view->root, real) || (view->home && is_within(view->home, real)))
		return false;
	return !((st.st_mode & S_ISVTX) && (st.st_mode & S_IWOTH));
}

static void show(View *view, const char *path)
{
	if (is_of_the_system(path))
		return;
	for (size_t i = 0; i < view->visible.count; i++)
		if (is_within(path, view->visible.word[i]))
			return;
	words_add(&view->visible, "%s", path);
}

/* A file, and what stands next to it; a folder itself. */
static void show_with_its_folder(View *view, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (may_be_shown_whole(view, path))
			show(view, path);
		return;
	}
	char *folder = folder_of(path);
	show(view, may_be_shown_whole(view, folder) ? folder : path);
}

/* The next link of the chain that begins here, absolute; NULL when it is none. */
static char *link_behind(const char *path)
{
	char to[PATH_MAX];
	ssize_t n = readlink(path, to, sizeof to - 1);

	if (n <= 0)
		return NULL;
	to[n] = '\0';
	if (to[0] == '/')
		return absolute(to);
	char *folder = folder_of(path), *whole = words_print("%s/%s", folder, to);
	return absolute(whole);
}

/* P for P/bin/X and P/shims/X: an interpreter keeps its libraries in P. NULL: it is no such place. */
static char *prefix_of(const View *view, const char *path)
{
	char *folder = folder_of(path);
	const char *last = strrchr(folder, '/');

	if (!last || (strcmp(last, "/bin") != 0 && strcmp(last, "/shims") != 0))
		return NULL;
	char *prefix = folder_of(folder);
	return may_be_shown_whole(view, prefix) ? prefix : NULL;
}

/* What a script's first line says it is run by; NULL for anything but a script. */
static char *interpreter_of(const char *path)
{
	char *text = words_from_file(path, 256), *found = NULL;

	if (text && strncmp(text, "#!", 2) == 0) {
		text[strcspn(text, "\n")] = '\0';
		char *word = strtok(text + 2, " \t");
		const char *slash = word ? strrchr(word, '/') : NULL;
		if (slash && strcmp(slash, "/env") == 0) {
			while ((word = strtok(NULL, " \t")) && (*word == '-' || strchr(word, '=')))
				;
			found = word ? command_find(word) : NULL;
		} else if (word && *word == '/') {
			found = absolute(word);
		}
	}
	free(text);
	return found;
}

static void show_executable(View *view, const char *path, int depth)
{
	char *here = words_print("%s", path);

	for (int i = 0; here && i < LINKS; i++, here = link_behind(here)) {
		if (is_of_the_system(here))
			continue; /* but it may lead out: /etc/alternatives, /usr/local/bin */
		char *prefix = prefix_of(view, here);
		if (prefix)
			show(view, prefix);
		else
			show_with_its_folder(view, here);
	}
	char *interpreter = depth < INTERPRETERS ? interpreter_of(path) : NULL;
	if (interpreter)
		show_executable(view, interpreter, depth + 1);
}

static void show_file(View *view, const char *path)
{
	char *here = words_print("%s", path);

	for (int i = 0; here && i < LINKS; i++, here = link_behind(here))
		show_with_its_folder(view, here);
}

char *command_find(const char *program)
{
	struct stat st;
	const char *path = getenv("PATH");

	if (strchr(program, '/'))
		return stat(program, &st) == 0 ? absolute(program) : NULL;
	char *folders = words_print("%s", path ? path : "/usr/local/bin:/usr/bin:/bin"), *rest = folders;
	for (char *folder; (folder = strsep(&rest, ":"));) {
		char *whole = words_print("%s/%s", *folder ? folder : ".", program);
		if (stat(whole, &st) == 0 && S_ISREG(st.st_mode) && access(whole, X_OK) == 0)
			return absolute(whole);
		free(whole);
	}
	return NULL;
}

static const char *why_not_split(int result)
{
	switch (result) {
	case WRDE_BADCHAR:
		return "it has one of | & ; < > ( ) { } or a new line outside quotes: one program is judged, not a "
		       "shell's script (for that: sh -c '...')";
	case WRDE_CMDSUB:
		return "it would have to run another command first ($(...) or `...`)";
	case WRDE_SYNTAX:
		return "a quote or a brace is not closed";
	default:
		return "it cannot be taken apart";
	}
}

static bool find_executable(Subject *subject, char *why, size_t why_size)
{
	struct stat st;
	const char *asked = subject->argv[0];
	char *found = command_find(asked);

	if (!found)
		snprintf(why, why_size, "%s: %s", asked,
		         strchr(asked, '/') ? "no such file" : "no such program in PATH");
	else if (stat(found, &st) == -1)
		snprintf(why, why_size, "%s: %s", asked, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		snprintf(why, why_size, "%s: not a program", asked);
	else if (access(found, X_OK) == -1)
		snprintf(why, why_size, "%s: not executable (chmod +x, or name its interpreter)", asked);
	else
		return subject->argv[0] = found, true;
	return false;
}

bool command_parse(Subject *subject, const char *name, const char *command, const char *root, char *why,
                   size_t why_size)
{
	wordexp_t split;
	Words words = {0};
	View view = {.root = root, .home = getenv("HOME")};
	struct stat st;

	int result = wordexp(command, &split, WRDE_NOCMD);
	if (result != 0) {
		snprintf(why, why_size, "%s", why_not_split(result));
		return false;
	}
	for (size_t i = 0; i < split.we_wordc; i++)
		words_add(&words, "%s", split.we_wordv[i]);
	wordfree(&split);
	if (words.count == 0 || words.word[0][0] == '\0') {
		snprintf(why, why_size, "there is no command in it");
		return false;
	}
	*subject = (Subject){.name = name, .argv = words.word, .argc = words.count};
	if (!find_executable(subject, why, why_size))
		return false;

	if (view.home && (*view.home != '/' || strcmp(view.home, "/") == 0))
		view.home = NULL;
	show_executable(&view, words.word[0], 0);
	for (size_t i = 1; i < words.count; i++) {
		if (words.word[i][0] == '-' || words.word[i][0] == '\0' || stat(words.word[i], &st) == -1)
			continue;
		words.word[i] = absolute(words.word[i]);
		show_file(&view, words.word[i]);
	}
	subject->visible = view.visible.word ? view.visible.word : calloc(1, sizeof *subject->visible);
	return subject->visible != NULL;
}
