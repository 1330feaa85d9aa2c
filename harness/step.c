/*
 * step.c: `build/step`: plays a demo, one socket call at a time.
 *
 *	step [--auto] [--from labs] [--record FILE] [--packets FILE] [--html PAGE] LAB|SCRIPT
 *	step --replay FILE [--html PAGE]
 *
 * At a terminal it steps, and `help` there tells how. --replay looks at a record again.
 * --html writes a page that shows it all: alone, with --replay, no terminal is needed.
 * --auto plays it by itself and prints what happened; exit status 0 only if every expectation of the script came true.
 */
#include "program/crew.h"
#include "program/words.h"
#include "report/page.h"
#include "report/tape.h"
#include "step/console.h"
#include "step/play.h"
#include "step/view.h"

#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
	bool automatic, quiet;
	const char *from, *record, *packets, *replay, *html, *script;
} Asked;

static _Noreturn void usage(FILE *out, int status)
{
	fputs("usage: step [--auto] [--quiet] [--from labs] [--record FILE] [--packets FILE] [--html PAGE]\n"
	      "            LAB|SCRIPT\n"
	      "       step --replay FILE [--html PAGE]\n",
	      out);
	exit(status);
}

static Asked read_arguments(int argc, char **argv)
{
	static const struct option options[] = {{"auto", no_argument, NULL, 'a'},
	                                        {"quiet", no_argument, NULL, 'q'},
	                                        {"from", required_argument, NULL, 'f'},
	                                        {"record", required_argument, NULL, 'r'},
	                                        {"packets", required_argument, NULL, 'p'},
	                                        {"replay", required_argument, NULL, 'R'},
	                                        {"html", required_argument, NULL, 'H'},
	                                        {"help", no_argument, NULL, 'h'},
	                                        {0}};
	Asked asked = {0};
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case 'a':
			asked.automatic = true;
			break;
		case 'q':
			asked.quiet = true;
			break;
		case 'f':
			asked.from = optarg;
			break;
		case 'r':
			asked.record = optarg;
			break;
		case 'p':
			asked.packets = optarg;
			break;
		case 'H':
			asked.html = optarg;
			break;
		case 'R':
			asked.replay = optarg;
			break;
		case 'h':
			usage(stdout, 0);
		default:
			usage(stderr, 2);
		}
	}
	if (optind + (asked.replay == NULL) != argc)
		usage(stderr, 2);
	asked.script = argv[optind];
	return asked;
}

/* The project's folder: build/step stands in it. */
static char *find_root(void)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(path, '/');
		if (slash)
			*slash = '\0';
	}
	return path;
}

/* 3, 03 or lab03 is labs/03-…/demo; anything else is a file. */
static const char *find_script(const char *asked, const char *root, int *lab)
{
	const char *digits = strncmp(asked, "lab", 3) == 0 ? asked + 3 : asked;
	char *end;
	long number = strtol(digits, &end, 10);
	if (*digits == '\0' || *end != '\0' || number < 1 || number > 99) {
		const char *folder = strrchr(asked, '/');
		while (folder != NULL && folder > asked && folder[-1] != '/')
			folder--;
		*lab = folder != NULL ? atoi(folder) : 0;
		return asked;
	}
	glob_t found;
	char *pattern = words_print("%s/labs/%02ld-*/demo", root, number);
	if (glob(pattern, 0, NULL, &found) != 0) {
		fprintf(stderr, "step: lab %02ld has no demo\n", number);
		exit(2);
	}
	*lab = (int)number;
	return found.gl_pathv[0];
}

static void print_line(const json_t *event)
{
	char *line = view_line(event);
	if (*line)
		puts(line);
	free(line);
}

static int play_by_itself(const Asked *asked, Tape *tape)
{
	size_t shown = 0;
	Played played;
	do {
		played = play_next();
		for (; shown < tape_count(tape); shown++)
			if (!asked->quiet || (tape_is(tape_event(tape, shown), "expects") &&
			                      !json_is_true(json_object_get(tape_event(tape, shown), "held"))))
				print_line(tape_event(tape, shown));
	} while (played != PLAY_OVER);
	return play_failures() > 0;
}

/* The page, if one was asked for. An exit status. */
static int write_page(const Tape *tape, const char *html)
{
	if (html == NULL || page_write(tape, html))
		return 0;
	fprintf(stderr, "step: %s: %s\n", html, strerror(errno));
	return 3;
}

static int look_again(const char *path, const char *html)
{
	char why[512];
	Tape *tape = tape_load(path, why, sizeof why);
	if (tape == NULL) {
		fprintf(stderr, "step: %s\n", why);
		return 2;
	}
	int status = write_page(tape, html);
	if (html == NULL)
		console(tape, false);
	tape_free(tape);
	return status;
}

int main(int argc, char **argv)
{
	char why[8192];
	int status, lab;
	Asked asked = read_arguments(argc, argv);
	setlocale(LC_ALL, "");
	if (asked.replay != NULL)
		return look_again(asked.replay, asked.html);
	const char *root = find_root(), *script = find_script(asked.script, root, &lab);
	Tape *tape = tape_new(asked.record);
	crew_begin();
	PlayWhere where = {.root = root, .from = asked.from, .packets = asked.packets, .lab = lab};
	if (!play_open(script, where, tape, why, sizeof why, &status)) {
		fprintf(stderr, "step: %s\n", why);
		return status;
	}
	if (asked.automatic) {
		status = play_by_itself(&asked, tape);
	} else {
		console(tape, true);
		status = 0;
	}
	play_close();
	if (write_page(tape, asked.html) != 0)
		status = 3;
	if (*tape_trouble(tape)) {
		fprintf(stderr, "step: %s\n", tape_trouble(tape));
		status = 3;
	}
	tape_free(tape);
	return status;
}
