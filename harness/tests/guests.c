/* guests.c: see guests.h. */
#include "guests.h"

#include "program/crew.h"

#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[32]; /* holds the programs, and temporary/ */

void guests_build(void)
{
	static const char *const names[] = {"guest", "talker", "courier", "traced"};
	char command[512];

	snprintf(folder, sizeof folder, "/tmp/guests-XXXXXX");
	if (mkdtemp(folder) == NULL || chmod(folder, 0755) == -1)
		abort();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(
		    command, sizeof command,
		    "gcc -std=gnu17 -D_GNU_SOURCE= -Wall -Wextra -O0 -g -o %s harness/tests/programs/%s.c -pthread",
		    guests_path(names[i]), names[i]);
		if (system(command) != 0)
			abort();
	}
	snprintf(command, sizeof command, "%s/temporary", folder);
	if (mkdir(command, 0777) == -1 || chmod(command, 01777) == -1 || setenv("TMPDIR", command, 1) == -1)
		abort();
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a test leaves in the shared room comes to us */
}

void guests_unbuild(void)
{
	char command[96], left[256] = "";
	size_t used = 0;
	struct dirent *entry;

	sweep();
	room_cleanup();
	DIR *temporary = opendir(getenv("TMPDIR"));
	while (temporary != NULL && (entry = readdir(temporary)) != NULL)
		if (entry->d_name[0] != '.' && used < sizeof left)
			used += (size_t)snprintf(left + used, sizeof left - used, " %s", entry->d_name);
	if (temporary != NULL)
		closedir(temporary);
	unsetenv("TMPDIR");
	snprintf(command, sizeof command, "rm -r %s", folder);
	if (system(command) != 0)
		abort();
	if (used > 0)
		fprintf(stderr, "guests: left in the folder for what is temporary:%s\n", left);
}

char *guests_path(const char *name)
{
	static char paths[4][64];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

void guests_open(void)
{
	char *const visible[] = {guests_path("guest"), guests_path("talker"), guests_path("traced"), NULL};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	room_open(visible);
}

void guests_enter(void)
{
	char message[512];

	ck_assert_msg(room_prepare(message, sizeof message), "%s", message);
	guests_open();
	atexit(room_cleanup);
}

bool guests_prepare(RoomKind kind)
{
	char message[512];

	room_cleanup();
	setenv("DIALTONE_ROOM", room_kind_name(kind), 1);
	return room_prepare(message, sizeof message);
}

bool guests_enter_kind(RoomKind kind)
{
	if (!guests_prepare(kind))
		return false;
	guests_open();
	atexit(room_cleanup);
	return true;
}

Party *guests_start(StartAs as, const char *way, ...)
{
	const char *words[8] = {way};
	va_list more;

	va_start(more, way);
	for (size_t i = 1; i < 7 && (words[i] = va_arg(more, const char *)) != NULL; i++)
		;
	va_end(more);
	Party *party = party_start(way, (char *const[]){guests_path("guest"), NULL}, words, as);
	ck_assert_msg(party->start_error == 0, "%s: %s", way, strerror(party->start_error));
	return party;
}

static bool has_ended(void *party)
{
	return ((Party *)party)->ended;
}

const char *guests_answer(Party *party)
{
	Outcome outcome = party_watch(has_ended, party, WATCH_PATIENT, -1);

	ck_assert_msg(outcome == WATCH_DONE, "%s: it has not ended, it is %s", party->who, still_outcome_name(outcome));
	return party->out.size > 0 ? party->out.text : "";
}

typedef struct {
	const Party *party;
	const char *text;
} Wanted;

static bool is_said(void *context)
{
	const Wanted *wanted = context;

	return wanted->party->out.size > 0 && strstr(wanted->party->out.text, wanted->text) != NULL;
}

void guests_says(Party *party, const char *text)
{
	Wanted wanted = {party, text};
	Outcome outcome = party_watch(is_said, &wanted, WATCH_PATIENT, -1);

	ck_assert_msg(outcome == WATCH_DONE, "%s: %s, and it has not said \"%s\" but \"%s\"", party->who,
	              still_outcome_name(outcome), text, party->out.size > 0 ? party->out.text : "");
}
