#include "checks/hint.h"

#include "program/words.h"
#include "report/report.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HINTS = 3 };

static char *note_path(const char *root, int number)
{
	return words_print("%s/build/state/lab%02d.json", root, number);
}

static const char *text_of(const json_t *note, const char *key)
{
	const char *text = json_string_value(json_object_get(note, key));
	return text ? text : "";
}

/* Whole or not at all: two graders may write at once. */
static void write_note(const char *root, int number, const json_t *note)
{
	char *folder = words_print("%s/build/state", root), *path = note_path(root, number);
	char *draft = words_print("%s.%d", path, (int)getpid());

	if (mkdir(folder, 0777) == -1 && errno == ENOENT) {
		char *build = words_print("%s/build", root);
		mkdir(build, 0777);
		mkdir(folder, 0777);
		free(build);
	}
	if (json_dump_file(note, draft, JSON_INDENT(1)) == -1 || rename(draft, path) == -1)
		unlink(draft);
	free(folder);
	free(draft);
	free(path);
}

static json_t *read_note(const char *root, int number)
{
	char *path = note_path(root, number);
	json_t *note = json_load_file(path, 0, NULL);

	free(path);
	return note;
}

void hint_note(const char *root, const LabRecord *lab)
{
	const CheckRecord *first = NULL;
	for (size_t i = 0; i < lab->count && !first; i++)
		if (lab->checks[i].verdict->status == VERDICT_FAIL)
			first = &lab->checks[i];

	const char *check = first ? first->name : "", *program = first ? first->program : "";
	const char *code = first ? first->verdict->code : "";
	json_t *before = read_note(root, lab->number);
	json_int_t told = 0;
	if (strcmp(text_of(before, "check"), check) == 0 && strcmp(text_of(before, "program"), program) == 0)
		told = json_integer_value(json_object_get(before, "told"));
	json_t *note = json_pack("{s:s, s:s, s:s, s:b, s:I}", "program", program, "check", check, "code", code,
	                         "compiles", !lab->compile_failed, "told", told);
	if (note)
		write_note(root, lab->number, note);
	json_decref(note);
	json_decref(before);
}

static const CheckInfo *noted_check(const Lab *lab, const json_t *note)
{
	for (const CheckInfo *const *c = lab->checks; *c; c++)
		if (strcmp((*c)->name, text_of(note, "check")) == 0 &&
		    strcmp((*c)->program, text_of(note, "program")) == 0)
			return *c;
	return NULL;
}

static void tell_one(FILE *out, const CheckInfo *check, int i)
{
	ReportStyle style = report_style_for(fileno(out));
	char *text = words_print("hint %d of %d: %s", i + 1, HINTS, check->hints[i]);

	report_prose(out, 2, text, &style);
	free(text);
}

void hint_tell(FILE *out, const char *root, const Lab *lab)
{
	json_t *note = read_note(root, lab->number);
	const CheckInfo *check = noted_check(lab, note);
	const char *code = text_of(note, "code");

	if (!note) {
		fprintf(out, "lab%02d has not been run yet: run `make lab%02d` first.\n", lab->number, lab->number);
	} else if (!json_is_true(json_object_get(note, "compiles"))) {
		fprintf(out,
		        "It does not compile yet: `make lab%02d` shows the compiler's words. Begin with the first.\n",
		        lab->number);
	} else if (strcmp(code, "missing_program") == 0) {
		fprintf(out, "%s.c is not there: it belongs into labs/%02d-%s/.\n", text_of(note, "program"),
		        lab->number, lab->name);
	} else if (!check) {
		fprintf(out, "Nothing failed when lab%02d was last run. Changed something? `make lab%02d`\n",
		        lab->number, lab->number);
	} else {
		json_int_t told = json_integer_value(json_object_get(note, "told"));
		fprintf(out, "lab%02d %s: %s\n", lab->number, check->program, check->title);
		for (int i = 0; told >= HINTS && i < HINTS; i++)
			tell_one(out, check, i);
		if (told >= 0 && told < HINTS) {
			tell_one(out, check, (int)told);
			json_object_set_new(note, "told", json_integer(told + 1));
			write_note(root, lab->number, note);
		}
	}
	json_decref(note);
}
