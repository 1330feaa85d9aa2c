#define _GNU_SOURCE
#include "step/recorder.h"

#include "checks/run.h"
#include "program/words.h"
#include "step/stage.h"

#include <stdio.h>
#include <stdlib.h>

const char *recorder_path;

bool recorder_source(Tape *tape, const char *who, const char *folder, const char *shown, const char *name)
{
	char *path = words_print("%s/%s", folder, name), *line = NULL;
	FILE *file = fopen(path, "re");
	size_t room = 0;
	free(path);
	if (file == NULL)
		return false;
	json_t *lines = json_array();
	for (ssize_t n; (n = getline(&line, &room, file)) > 0;) {
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = '\0';
		json_t *text = json_string(line); /* NULL: no UTF-8 */
		json_array_append_new(lines, text != NULL ? text : json_string("?"));
	}
	fclose(file);
	free(line);
	path = words_print("%s/%s", shown, name);
	tape_add(tape, json_pack("{s:s, s:i, s:s, s:s, s:o}", "event", "source", "step", tape_steps(tape), "who", who,
	                         "file", path, "lines", lines));
	free(path);
	return true;
}

void recorder_begin(void)
{
	Tape *tape = tape_new(recorder_path);
	const char *program = subject_now->name;
	tape_add(tape, json_pack("{s:s, s:i, s:i, s:s}", "event", "tape", "version", 1, "lab", lab_now->number, "title",
	                         check_now->title));
	tape_add(tape, json_pack("{s:s, s:i, s:s, s:s}", "event", "party", "step", 0, "who", program, "program",
	                         subject_now->shown ? subject_now->shown : ""));
	if (subject_now->sources != NULL) {
		char *name = words_print("%s.c", program);
		recorder_source(tape, program, subject_now->sources, subject_now->shown, name);
		recorder_source(tape, program, subject_now->sources, subject_now->shown, "frame.c");
		free(name);
	}
	stage_follow(tape);
}
