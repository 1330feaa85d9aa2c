/*
 * grade: judges the programs of the labs.
 *
 * The command line becomes an Asked (what, of which labs, in which form); the programs are built or, where
 * --program names them, found; their checks are run, and each lab is reported as soon as it is complete.
 *
 * Exit status: 0 all passed, 1 some failed, 2 the command line was wrong, 3 something could not be judged. What could
 * not be judged weighs most, for then the rest is not the whole truth.
 */
#include "checks/hint.h"
#include "checks/run.h"
#include "checks/suite.h"
#include "program/build.h"
#include "program/command.h"
#include "program/crew.h"
#include "program/doctor.h"
#include "program/room.h"
#include "program/words.h"
#include "report/report.h"
#include "step/recorder.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef DIALTONE_VERSION
#define DIALTONE_VERSION "0.1"
#endif

enum { EXIT_PASSED, EXIT_FAILED, EXIT_USAGE, EXIT_TROUBLE };
enum { LABS_MOST = 64, PROGRAMS_MOST = 32, CHECKS_MOST = 64, JOBS_MOST = 1024 };
typedef enum { GRADE, HINT, LIST, DOCTOR } Mode;
typedef enum { TERMINAL, JSON } Format;

typedef struct {
	Mode mode;
	const Lab *labs[LABS_MOST];
	size_t lab_count;
	const char *from;                    /* as typed; NULL: the project's labs */
	const char *programs[PROGRAMS_MOST]; /* NAME=COMMAND, as typed */
	size_t program_count;
	const char *checks[CHECKS_MOST + 1]; /* only these; none: all */
	size_t check_count;
	const char *out;
	Format format;
	size_t jobs;
	bool all;
} Asked;

/* What is wanted while the labs are judged. */
typedef struct {
	const Asked *asked;
	const char *root;
	ReportStyle style;
	bool own_labs; /* the student's folder: hints are noted */
	Score sum;
	bool trouble;
} Session;

static const char usage[] =
    "usage: grade [option]... LAB...\n"
    "\n"
    "LAB is 04, 4 or lab04; several may be given.\n"
    "\n"
    "  --from DIR              judge the C sources in DIR/NN-name/ (default: labs)\n"
    "  --program NAME=COMMAND  judge this command as program NAME of the lab (server, client, ...),\n"
    "                          in whatever language; only the programs so named are judged then\n"
    "  --check NAME            ask only the check of this name (may be given several times)\n"
    "  --format terminal|json  for a person (default), or one JSON object a lab, on a line\n"
    "  --out DIR               write each lab's report into DIR too (NN-name.txt or .json)\n"
    "  --jobs N                do so much at once (default: two a processor, for they wait)\n"
    "  --all                   tell every failure in full, not only the first of each mistake\n"
    "  --hint LAB              one more hint for the first check that failed when LAB was last run\n"
    "  --list [LAB]...         the labs, or the checks of a lab\n"
    "  --doctor                try what this machine can do, and say what it cannot\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 all passed, 1 some failed, 2 the command line was wrong,\n"
    "3 something could not be judged (never counted against the student).\n";

/* ---- the command line ---- */

__attribute__((format(printf, 1, 2))) static _Noreturn void wrong(const char *format, ...)
{
	va_list arguments;

	fputs("grade: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("\n", stderr);
	exit(EXIT_USAGE);
}

static void add_lab(Asked *asked, const char *word)
{
	const char *digits = strncmp(word, "lab", 3) == 0 ? word + 3 : word;
	size_t n = strlen(digits);
	const Lab *lab = NULL;

	if (n > 0 && n < 4 && strspn(digits, "0123456789") == n)
		lab = lab_by_number(atoi(digits));
	if (!lab)
		wrong("there is no lab \"%s\" (`grade --list` shows them all)", word);
	for (size_t i = 0; i < asked->lab_count; i++)
		if (asked->labs[i] == lab)
			return;
	if (asked->lab_count < LABS_MOST)
		asked->labs[asked->lab_count++] = lab;
}

static size_t parse_jobs(const char *text)
{
	char *end;
	errno = 0;
	long jobs = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end || jobs < 1 || jobs > JOBS_MOST)
		wrong("--jobs: \"%s\" is no number from 1 to %d", text, JOBS_MOST);
	return (size_t)jobs;
}

static Format parse_format(const char *text)
{
	if (strcmp(text, "terminal") == 0)
		return TERMINAL;
	if (strcmp(text, "json") == 0)
		return JSON;
	wrong("--format: \"%s\" is neither terminal nor json", text);
}

static void add_program(Asked *asked, const char *text)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		wrong("--program: \"%s\" is not NAME=COMMAND", text);
	for (size_t i = 0; i < asked->program_count; i++)
		if (strncmp(asked->programs[i], text, (size_t)(equals - text) + 1) == 0)
			wrong("--program: %.*s is given twice", (int)(equals - text), text);
	if (asked->program_count == PROGRAMS_MOST)
		wrong("--program: too many");
	asked->programs[asked->program_count++] = text;
}

static void parse_option(Asked *asked, int option)
{
	switch (option) {
	case 'f':
		asked->from = optarg;
		break;
	case 'p':
		add_program(asked, optarg);
		break;
	case 'F':
		asked->format = parse_format(optarg);
		break;
	case 'o':
		asked->out = optarg;
		break;
	case 'c':
		if (asked->check_count == CHECKS_MOST)
			wrong("--check: too many");
		asked->checks[asked->check_count++] = optarg;
		break;
	case 'j':
		asked->jobs = parse_jobs(optarg);
		break;
	case 'a':
		asked->all = true;
		break;
	case 't':
		asked->mode = HINT;
		break;
	case 'l':
		asked->mode = LIST;
		break;
	case 'd':
		asked->mode = DOCTOR;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(EXIT_PASSED);
	case 'v':
		puts("dialtone " DIALTONE_VERSION);
		exit(EXIT_PASSED);
	default:
		fputs("Try `grade --help`.\n", stderr);
		exit(EXIT_USAGE);
	}
}

static Asked parse(int argc, char **argv)
{
	static const struct option options[] = {
	    {"from", required_argument, NULL, 'f'},
	    {"program", required_argument, NULL, 'p'},
	    {"format", required_argument, NULL, 'F'},
	    {"out", required_argument, NULL, 'o'},
	    {"check", required_argument, NULL, 'c'},
	    {"jobs", required_argument, NULL, 'j'},
	    {"all", no_argument, NULL, 'a'},
	    {"hint", no_argument, NULL, 't'},
	    {"list", no_argument, NULL, 'l'},
	    {"doctor", no_argument, NULL, 'd'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'v'},
	    {0},
	};
	/* Now and then each job waits for something: a third of the time, for two. */
	Asked asked = {.jobs = 2 * crew_processors()};
	int option;

	while ((option = getopt_long(argc, argv, "j:h", options, NULL)) != -1)
		parse_option(&asked, option);
	for (; optind < argc; optind++)
		add_lab(&asked, argv[optind]);
	if (asked.lab_count == 0 && asked.mode != LIST && asked.mode != DOCTOR)
		wrong("which lab? For instance: grade 01 (`grade --list` shows them all, `grade --help` the rest)");
	return asked;
}

/* ---- what is to be judged ---- */

/* build/grade is in the project: its root is one up, wherever we are called from. */
static char *find_root(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n == -1) {
		perror("grade: /proc/self/exe");
		exit(EXIT_TROUBLE);
	}
	path[n] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(path, '/');
		if (slash)
			*slash = '\0';
	}
	return words_print("%s", *path ? path : "/");
}

static bool is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The folder that --from names: here, or else in the project. To be kept. */
static char *find_from(const char *typed, const char *root)
{
	char *in_project = words_print("%s/%s", root, typed ? typed : "labs");
	const char *found = typed && is_folder(typed) ? typed : *(typed ? typed : "") != '/' ? in_project : NULL;

	if (!found || !is_folder(found))
		wrong("--from: there is no folder \"%s\"", typed ? typed : in_project);
	char *path = realpath(found, NULL);
	if (!path)
		wrong("--from: %s: %s", found, strerror(errno));
	free(in_project);
	return path;
}

/* "./labs/" is shown as "labs". To be kept. */
static char *shown_name(const char *typed)
{
	while (strncmp(typed, "./", 2) == 0)
		typed += 2 + strspn(typed + 2, "/");
	size_t n = strlen(typed);
	while (n > 1 && typed[n - 1] == '/')
		n--;
	return n > 0 ? words_print("%.*s", (int)n, typed) : words_print(".");
}

static bool is_asked(const Asked *asked, const char *check)
{
	for (size_t c = 0; c < asked->check_count; c++)
		if (strcmp(asked->checks[c], check) == 0)
			return true;
	return asked->check_count == 0;
}

/* Some check that is to be asked needs the programs built with sanitizers. */
static bool asks_sanitizers(const Asked *asked, const Lab *lab)
{
	for (const CheckInfo *const *check = lab->checks; *check; check++)
		if ((*check)->needs & NEEDS_SOURCES && is_asked(asked, (*check)->name))
			return true;
	return false;
}

static void build_programs(const Asked *asked, Session *session, LabRun *runs)
{
	Build *builds = calloc(asked->lab_count, sizeof *builds);
	char *from = find_from(asked->from, session->root), *own = words_print("%s/labs", session->root);
	char *shown = shown_name(asked->from ? asked->from : "labs");

	if (!builds)
		exit(EXIT_TROUBLE);
	for (size_t i = 0; i < asked->lab_count; i++) {
		const Lab *lab = asked->labs[i];
		builds[i] =
		    (Build){.number = lab->number, .programs = lab->programs, .plain = !asks_sanitizers(asked, lab)};
		builds[i].folder = words_print("%s/%02d-%s", from, lab->number, lab->name);
		builds[i].shown = words_print("%s/%02d-%s", shown, lab->number, lab->name);
		if (!is_folder(builds[i].folder))
			wrong("there is no folder %s", builds[i].shown);
	}
	build_all(builds, asked->lab_count, session->root, asked->jobs);
	for (size_t i = 0; i < asked->lab_count; i++) {
		runs[i] = (LabRun){.lab = asked->labs[i],
		                   .subjects = builds[i].subjects,
		                   .subject_count = builds[i].count,
		                   .record = {.folder = builds[i].shown,
		                              .compiler_output = builds[i].output,
		                              .compile_failed = builds[i].failed}};
	}
	session->own_labs = strcmp(from, own) == 0;
	free(own);
	free(builds);
}

static bool has_program(const Lab *lab, const char *name)
{
	for (const char *const *p = lab->programs; *p; p++)
		if (strcmp(*p, name) == 0)
			return true;
	return false;
}

static void find_programs(const Asked *asked, const Session *session, LabRun *runs)
{
	Subject commands[PROGRAMS_MOST];
	char why[512];

	for (size_t p = 0; p < asked->program_count; p++) {
		const char *equals = strchr(asked->programs[p], '=');
		char *name = words_print("%.*s", (int)(equals - asked->programs[p]), asked->programs[p]);
		bool known = false;
		for (size_t i = 0; i < asked->lab_count; i++)
			known |= has_program(asked->labs[i], name);
		if (!known)
			wrong("--program: %s is no program of %s", name,
			      asked->lab_count == 1 ? "this lab" : "these labs");
		if (!command_parse(&commands[p], name, equals + 1, session->root, why, sizeof why))
			wrong("--program %s: %s", name, why);
	}
	if (asked->from)
		free(find_from(asked->from, session->root));
	for (size_t i = 0; i < asked->lab_count; i++) {
		Subject *subjects = calloc(asked->program_count, sizeof *subjects);
		size_t count = 0;
		for (size_t p = 0; subjects && p < asked->program_count; p++)
			if (has_program(asked->labs[i], commands[p].name))
				subjects[count++] = commands[p];
		runs[i] = (LabRun){.lab = asked->labs[i], .subjects = subjects, .subject_count = count};
	}
}

/* A name that is misspelt must not pass for a check that passed. */
static void look_for_checks(const Asked *asked)
{
	for (size_t c = 0; c < asked->check_count; c++) {
		bool known = false;
		for (size_t i = 0; i < asked->lab_count; i++)
			for (const CheckInfo *const *check = asked->labs[i]->checks; *check; check++)
				known |= strcmp((*check)->name, asked->checks[c]) == 0;
		if (!known)
			wrong("--check: there is no check \"%s\" (`grade --list LAB` shows them)", asked->checks[c]);
	}
}

/* ---- records ---- */

/* What the first failed check of a lab saw, for `make replayNN`; none, where nothing failed. */
static void record_failure(const Session *session, LabRun *run)
{
	size_t k = 0;
	while (k < run->record.count &&
	       (run->record.checks[k].verdict->status != VERDICT_FAIL || run->asked[k]->needs & NEEDS_SOURCES))
		k++;
	char *path = words_print("%s/build/state/lab%02d.record", session->root, run->lab->number);
	remove(path);
	if (k < run->record.count) {
		recorder_path = path;
		run_again(run, k, recorder_begin);
		recorder_path = NULL;
	}
	free(path);
}

/* ---- reports ---- */

static void make_folders(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p == '/') {
			*p = '\0';
			mkdir(path, 0777);
			*p = '/';
		}
	}
	if (mkdir(path, 0777) == -1 && errno != EEXIST)
		wrong("--out: %s: %s", path, strerror(errno));
	if (!is_folder(path))
		wrong("--out: %s is no folder", path);
	if (access(path, W_OK | X_OK) == -1)
		wrong("--out: %s: %s", path, strerror(errno));
}

static void write_out(Session *session, const LabRecord *lab)
{
	const Asked *asked = session->asked;
	ReportStyle plain = {.columns = 80, .all = asked->all};
	char *path =
	    words_print("%s/%02d-%s.%s", asked->out, lab->number, lab->name, asked->format == JSON ? "json" : "txt");
	FILE *out = fopen(path, "we");

	if (out && asked->format == JSON)
		report_json(out, lab);
	else if (out)
		report_terminal(out, lab, &plain);
	bool bad = !out || ferror(out);
	if ((out && fclose(out) != 0) || bad) {
		fprintf(stderr, "grade: %s: %s\n", path, strerror(errno));
		session->trouble = true;
	}
	free(path);
}

static void report(const LabRecord *lab, void *context)
{
	Session *session = context;
	Score score = report_score(lab);

	report_add(&session->sum, &score);
	if (session->asked->format == JSON)
		report_json(stdout, lab);
	else
		report_terminal(stdout, lab, &session->style);
	fflush(stdout);
	if (session->asked->out)
		write_out(session, lab);
	if (session->own_labs && session->asked->format == TERMINAL && session->asked->check_count == 0)
		hint_note(session->root, lab);
}

static int exit_status(const Session *session)
{
	if (session->sum.not_judged > 0 || session->trouble)
		return EXIT_TROUBLE;
	return session->sum.failed > 0 ? EXIT_FAILED : EXIT_PASSED;
}

static int grade(const Asked *asked, const char *root)
{
	Session session = {.asked = asked, .root = root, .style = report_style_for(STDOUT_FILENO)};
	LabRun *runs = calloc(asked->lab_count, sizeof *runs);
	char why[512];

	if (!runs)
		return EXIT_TROUBLE;
	look_for_checks(asked);
	if (asked->out)
		make_folders(words_print("%s", asked->out));
	if (asked->program_count > 0)
		find_programs(asked, &session, runs);
	else
		build_programs(asked, &session, runs);
	session.style.all = asked->all;
	session.style.hints = session.own_labs;
	if (!room_prepare(why, sizeof why)) {
		fprintf(stderr, "grade: %s\n", why);
		session.trouble = true;
	} else {
		if (*room_missing())
			fprintf(stderr, "grade: %s\n", room_missing());
		for (size_t i = 0; asked->check_count > 0 && i < asked->lab_count; i++)
			runs[i].only = asked->checks;
		session.trouble |= !run_labs(runs, asked->lab_count, asked->jobs, report, &session);
		for (size_t i = 0; session.own_labs && asked->format == TERMINAL && i < asked->lab_count; i++)
			record_failure(&session, &runs[i]);
		room_cleanup();
	}
	build_end();
	if (asked->format == TERMINAL && asked->lab_count > 1)
		report_sum(stdout, asked->lab_count, &session.sum, &session.style);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "grade: stdout: %s\n", strerror(errno));
		session.trouble = true;
	}
	return exit_status(&session);
}

static int list(const Asked *asked)
{
	for (const Lab *const *lab = all_labs; asked->lab_count == 0 && *lab; lab++) {
		printf("%02d %-14s", (*lab)->number, (*lab)->name);
		for (const char *const *p = (*lab)->programs; *p; p++)
			printf(" %s", *p);
		printf("\n");
	}
	for (size_t i = 0; i < asked->lab_count; i++) {
		const Lab *lab = asked->labs[i];
		printf("%02d %s\n", lab->number, lab->name);
		for (const CheckInfo *const *c = lab->checks; *c; c++)
			printf("  %-8s %3d  %-40s %s\n", (*c)->program, (*c)->points, (*c)->name, (*c)->title);
	}
	return EXIT_PASSED;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], DOCTOR_GUEST) == 0)
		return doctor_guest(argc, argv);

	Asked asked = parse(argc, argv);
	char *root = find_root();

	switch (asked.mode) {
	case LIST:
		return list(&asked);
	case DOCTOR:
		return doctor(stdout);
	case HINT:
		for (size_t i = 0; i < asked.lab_count; i++)
			hint_tell(stdout, root, asked.labs[i]);
		return EXIT_PASSED;
	case GRADE:
		break;
	}
	crew_begin();
	return grade(&asked, root);
}
