#include "report/report.h"
#include "report/text.h"

#include <jansson.h>
#include <stdlib.h>

static const char *const status_names[] = {
    [VERDICT_NOT_JUDGED] = "not-judged",
    [VERDICT_PASS] = "pass",
    [VERDICT_FAIL] = "fail",
    [VERDICT_SKIPPED] = "skipped",
};

static json_t *text_or_null(const char *text)
{
	if (!*text)
		return json_null();
	char *clean = text_clean(text, 1);
	json_t *value = json_string(clean);
	free(clean);
	return value;
}

static json_t *where_object(const Where *where)
{
	return json_pack("{s:o, s:o, s:o}", "file", text_or_null(where->file), "line",
	                 where->line > 0 ? json_integer(where->line) : json_null(), "call", text_or_null(where->call));
}

static json_t *check_object(const CheckRecord *check)
{
	const Verdict *v = check->verdict;
	json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:i}", "name", check->name, "program", check->program, "title",
	                           check->title, "status", status_names[v->status], "points", check->points);

	if (v->status == VERDICT_FAIL)
		json_object_set_new(object, "code", text_or_null(v->code));
	if (v->status != VERDICT_PASS)
		json_object_set_new(object, "message", text_or_null(v->message));
	if (v->status == VERDICT_FAIL) {
		json_object_set_new(object, "where", where_object(&v->where));
		if (v->by_the_clock)
			json_object_set_new(object, "by_the_clock", json_true());
	}
	json_object_set_new(object, "seconds", json_real((double)(long)(v->seconds * 1e6 + 0.5) / 1e6));
	return object;
}

void report_json(FILE *out, const LabRecord *lab)
{
	char number[16];
	json_t *checks = json_array();
	Score score = report_score(lab);

	for (size_t i = 0; i < lab->count; i++)
		json_array_append_new(checks, check_object(&lab->checks[i]));
	snprintf(number, sizeof number, "%02d", lab->number);
	json_t *object = json_pack("{s:s, s:s, s:i, s:i, s:o}", "lab", number, "name", lab->name, "score", score.score,
	                           "max", score.max, "checks", checks);
	if (object && lab->compiler_output && *lab->compiler_output)
		json_object_set_new(object, "compiler", text_or_null(lab->compiler_output));
	char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
	fprintf(out, "%s\n", line ? line : "{}");
	free(line);
	json_decref(object);
}
