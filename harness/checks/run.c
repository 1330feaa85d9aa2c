#include "run.h"

#include "peer/story.h"
#include "program/crew.h"
#include "program/room.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LAST_RESORT_SECONDS = 600, CHECKS_A_TURN = 4 };

Verdict *verdict_now;
const Subject *subject_now;
const Lab *lab_now;
const CheckInfo *check_now;
bool crash_watch_now;

static void (*check_begins)(void); /* run_again() */

extern char **environ;

/* One worker's work: some checks of one program of one lab. */
typedef struct {
	LabRun *run;
	const Subject *subject;
	size_t first, end; /* these of the lab's, as far as they are that program's */
} Turn;

typedef struct {
	LabRun *runs;
	size_t count, told;
	Turn *turns;
	size_t turn_count;
	size_t *open; /* turns of each run that are not done */
	double began;
	void (*done)(const LabRecord *record, void *context);
	void *context;
} Running;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- in a worker ---- */

/* In the test's own process: it ends with its worker. */
static void die_with_the_worker(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (check_begins)
		check_begins();
}

static void conclude(Verdict *v, int result, const char *message)
{
	bool said = v->message[0] != '\0';

	if (result == CK_PASS) {
		if (!said && v->status == VERDICT_NOT_JUDGED)
			v->status = VERDICT_PASS;
	} else if (result == CK_FAILURE) {
		if (v->status == VERDICT_FAIL || v->status == VERDICT_SKIPPED ||
		    (v->status == VERDICT_NOT_JUDGED && said))
			return;
		v->status = VERDICT_FAIL;
		record_text(v->code, "%s", check_now->name);
		record_text(v->message, "%s", message);
	} else {
		v->status = VERDICT_NOT_JUDGED;
		char before[sizeof v->message];
		record_text(before, "%s", v->message);
		record_text(v->message, "the check itself came to grief: %s%s%s", message,
		            said ? "; before that: " : "", before);
	}
}

static void judge(const CheckInfo *check, Verdict *verdict)
{
	Suite *suite = suite_create(lab_now->name);
	TCase *tcase = tcase_create(check->name);
	double began = now();

	verdict_now = verdict;
	check_now = check;
	verdict->status = VERDICT_NOT_JUDGED;
	verdict->message[0] = '\0';
	story_begin(verdict);
	tcase_add_checked_fixture(tcase, die_with_the_worker, NULL);
	tcase_set_timeout(tcase, LAST_RESORT_SECONDS);
	tcase_add_test(tcase, check->test);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_FORK);
	srunner_run_all(runner, CK_SILENT);
	TestResult **results = srunner_results(runner);
	if (srunner_ntests_run(runner) == 1 && results)
		conclude(verdict, tr_rtype(results[0]), tr_msg(results[0]));
	else
		record_text(verdict->message, "the check did not run");
	free(results);
	srunner_free(runner);
	verdict->seconds = now() - began;
	sweep();
}

/* To watch for a crash slows a program down and shows it to a tracer: so only one that has crashed is watched. */
static void find_crash(const CheckInfo *check, Verdict *verdict)
{
	static Verdict *again;
	bool crashed = strcmp(verdict->code, "crashes") == 0 || strcmp(verdict->code, "dies_of_sigpipe") == 0;

	if (verdict->status != VERDICT_FAIL || !crashed || verdict->where.line != 0 || !subject_now->sources)
		return;
	if (!again)
		again = mmap(NULL, sizeof *again, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (again == MAP_FAILED)
		return;
	*again = (Verdict){0};
	crash_watch_now = true;
	judge(check, again);
	crash_watch_now = false;
	if (again->status != VERDICT_FAIL || strcmp(again->code, verdict->code) != 0 || again->where.line == 0)
		return;
	double seconds = verdict->seconds + again->seconds;
	*verdict = *again;
	verdict->seconds = seconds;
}

/* A student's environment changes nothing: Check listens to CK_RUN_CASE, CK_TIMEOUT_MULTIPLIER and more. */
static void forget_checks_variables(void)
{
	for (char **e = environ; *e;) {
		size_t n = strcspn(*e, "=");
		char *name = strncmp(*e, "CK_", 3) == 0 ? strndup(*e, n) : NULL;
		if (name && unsetenv(name) == 0)
			e = environ;
		else
			e++;
		free(name);
	}
}

static void work(size_t i, void *context)
{
	const Running *running = context;
	const Turn *turn = &running->turns[i];

	forget_checks_variables();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	room_enter_hall();
	lab_now = turn->run->lab;
	subject_now = turn->subject;
	for (size_t k = turn->first; k < turn->end; k++) {
		const CheckInfo *check = turn->run->asked[k];
		Verdict *verdict = &turn->run->verdicts[k];
		if (strcmp(check->program, subject_now->name) == 0 && verdict->status == VERDICT_NOT_JUDGED) {
			judge(check, verdict);
			find_crash(check, verdict);
		}
	}
}

/* ---- in ours ---- */

static const Subject *subject_of(const LabRun *run, const CheckInfo *check)
{
	for (size_t i = 0; i < run->subject_count; i++)
		if (strcmp(run->subjects[i].name, check->program) == 0)
			return &run->subjects[i];
	return NULL;
}

/* What is known before any program has run. */
static void judge_unasked(const CheckInfo *check, const Subject *subject, Verdict *v)
{
	v->status = VERDICT_NOT_JUDGED;
	if (subject->broken) {
		v->status = subject->broken_code ? VERDICT_FAIL : VERDICT_NOT_JUDGED;
		record_text(v->code, "%s", subject->broken_code ? subject->broken_code : "");
		record_text(v->message, "%s", subject->broken);
	} else if ((check->needs & (NEEDS_SOURCES | NEEDS_C)) && !subject->sources) {
		v->status = VERDICT_SKIPPED;
		record_text(v->message, "needs the C sources");
	} else if ((check->needs & NEEDS_SOURCES) && !subject->sanitized) {
		v->status = VERDICT_SKIPPED;
		record_text(v->message, "needs a build with sanitizers, which could not be made here");
	} else if ((check->needs & NEEDS_PRIVATE_ROOM) && !room_is_private()) {
		v->status = VERDICT_SKIPPED;
		record_text(v->message, "needs the private room");
	} else {
		record_text(v->message, "the check was never asked");
	}
}

static bool is_wanted(const LabRun *run, const CheckInfo *check)
{
	const char *const *name = run->only;

	while (name && *name && strcmp(*name, check->name) != 0)
		name++;
	return !name || *name;
}

static bool make_record(LabRun *run)
{
	LabRecord *record = &run->record;
	size_t all = 0;

	while (run->lab->checks[all])
		all++;
	CheckRecord *checks = calloc(all + 1, sizeof *checks);
	Verdict *verdicts =
	    mmap(NULL, (all + 1) * sizeof *verdicts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run->asked = calloc(all + 1, sizeof *run->asked);
	if (!checks || !run->asked || verdicts == MAP_FAILED)
		return false;
	record->number = run->lab->number;
	record->name = run->lab->name;
	record->checks = checks;
	run->verdicts = verdicts;
	for (size_t i = 0; i < all; i++) {
		const CheckInfo *check = run->lab->checks[i];
		const Subject *subject = subject_of(run, check);
		if (!subject || !is_wanted(run, check))
			continue;
		judge_unasked(check, subject, &verdicts[record->count]);
		checks[record->count] = (CheckRecord){.name = check->name,
		                                      .program = check->program,
		                                      .title = check->title,
		                                      .points = check->points,
		                                      .verdict = &verdicts[record->count]};
		run->asked[record->count++] = check;
	}
	return true;
}

static bool is_to_be_asked(const LabRun *run, const Subject *subject, size_t k)
{
	return strcmp(run->record.checks[k].program, subject->name) == 0 &&
	       run->record.checks[k].verdict->status == VERDICT_NOT_JUDGED && !subject->broken;
}

static void tell(Running *running)
{
	while (running->told < running->count && running->open[running->told] == 0) {
		LabRun *run = &running->runs[running->told++];
		run->record.seconds = now() - running->began;
		running->done(&run->record, running->context);
	}
}

static void turn_done(size_t i, int status, void *context)
{
	Running *running = context;
	const Turn *turn = &running->turns[i];

	for (size_t k = turn->first; status != 0 && k < turn->end; k++) {
		Verdict *v = &turn->run->verdicts[k];
		bool ours = strcmp(turn->run->asked[k]->program, turn->subject->name) == 0;
		if (!ours || v->status != VERDICT_NOT_JUDGED)
			continue;
		if (status == -1)
			record_text(v->message, "no process could be made for it");
		else if (WIFSIGNALED(status))
			record_text(v->message, "its worker was ended by a signal: %s", strsignal(WTERMSIG(status)));
		else
			record_text(v->message, "its worker ended with status %d", WEXITSTATUS(status));
	}
	running->open[turn->run - running->runs]--;
	tell(running);
}

/* A program's checks, cut into turns short enough that no worker is left with a long one when the others are done. */
static size_t cut(LabRun *run, const Subject *subject, Turn *turns)
{
	size_t count = 0, taken = 0;

	for (size_t k = 0; k < run->record.count; k++) {
		if (!is_to_be_asked(run, subject, k))
			continue;
		if (taken % CHECKS_A_TURN == 0)
			turns[count++] = (Turn){.run = run, .subject = subject, .first = k};
		taken++;
		turns[count - 1].end = k + 1;
	}
	return count;
}

static void plan(Running *running)
{
	for (size_t r = 0; r < running->count; r++) {
		LabRun *run = &running->runs[r];
		for (size_t s = 0; s < run->subject_count; s++) {
			size_t turns = cut(run, &run->subjects[s], running->turns + running->turn_count);
			running->turn_count += turns;
			running->open[r] += turns;
		}
	}
}

bool run_labs(LabRun *runs, size_t count, size_t jobs, void (*done)(const LabRecord *record, void *context),
              void *context)
{
	Running running = {.runs = runs, .count = count, .began = now(), .done = done, .context = context};
	size_t most = 1;

	for (size_t i = 0; i < count; i++) {
		if (!make_record(&runs[i]))
			return false;
		most += runs[i].subject_count + runs[i].record.count / CHECKS_A_TURN;
	}
	running.turns = calloc(most, sizeof *running.turns);
	running.open = calloc(count + 1, sizeof *running.open);
	if (!running.turns || !running.open)
		return false;
	plan(&running);
	tell(&running);
	crew_run(
	    &(Crew){.count = running.turn_count, .jobs = jobs, .work = work, .done = turn_done, .context = &running});
	free(running.turns);
	free(running.open);
	return true;
}

static void ask_again(size_t k, void *context)
{
	LabRun *run = context;
	static Verdict verdict; /* this process's own: nobody else hears of it */

	(void)k;
	forget_checks_variables();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	room_enter_hall();
	lab_now = run->lab;
	subject_now = run->again.subject;
	judge(run->again.check, &verdict);
}

void run_again(LabRun *run, size_t k, void (*begins)(void))
{
	run->again.check = run->asked[k];
	run->again.subject = subject_of(run, run->asked[k]);
	check_begins = begins;
	crew_run(&(Crew){.count = 1, .jobs = 1, .work = ask_again, .context = run});
	check_begins = NULL;
}
