#define _GNU_SOURCE
#include "program/doctor.h"

#include "program/crew.h"
#include "program/doctor_probes.h"
#include "program/room.h"
#include "program/trouble.h"
#include "report/report.h"
#include "report/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LAST_RESORT_MS = 10000, NAME_COLUMN = 8, DETAIL_COLUMN = 28 };
enum { CAN, CANNOT }; /* exit status of a probe's process */

static Probing *now; /* the probe's, in its process */

/* --- one probe, in a process of its own --- */

static void not_to_be_had(const char *text)
{
	snprintf(now->detail, sizeof now->detail, "%s", text);
	room_cleanup();
	_exit(CANNOT);
}

/* The complaint of whatever it ran (bubblewrap, the compiler): the first line that says something. */
static void add_complaint(Probing *p, int complaints)
{
	char text[1024];
	ssize_t n = pread(complaints, text, sizeof text - 1, 0);

	if (n <= 0)
		return;
	text[n] = '\0';
	const char *error = strstr(text, "error:");
	const char *from = error ? error + 6 : text;
	int size = (int)strcspn(from += strspn(from, " \n"), "\n");
	size_t used = strlen(p->detail);
	snprintf(p->detail + used, sizeof p->detail - used, "%s%.*s", used ? "; " : "", size, from);
}

static _Noreturn void probe_here(Probing *p, bool (*have)(Probing *), int complaints)
{
	now = p;
	trouble_handler = not_to_be_had;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nothing == -1 || dup2(nothing, 0) == -1 || dup2(nothing, 1) == -1 || dup2(complaints, 2) == -1)
		trouble("/dev/null: %s", strerror(errno));
	bool can = have(p);
	room_cleanup();
	_exit(can ? CAN : CANNOT);
}

/* True: it can. The detail is in p->detail either way. */
static bool probe(Probing *p, bool (*have)(Probing *))
{
	int status = -1, complaints = memfd_create("complaints", MFD_CLOEXEC);
	p->detail[0] = '\0';
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		probe_here(p, have, complaints);
	struct pollfd ended = {.fd = pid == -1 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	if (ended.fd != -1 && poll(&ended, 1, LAST_RESORT_MS) == 0) {
		snprintf(p->detail, sizeof p->detail, "it hung, and was ended after %d s", LAST_RESORT_MS / 1000);
		kill(pid, SIGKILL);
	}
	if (pid != -1)
		waitpid(pid, &status, 0);
	close(ended.fd);
	if (WIFSIGNALED(status) && p->detail[0] == '\0')
		snprintf(p->detail, sizeof p->detail, "died of SIG%s", sigabbrev_np(WTERMSIG(status)));
	bool can = WIFEXITED(status) && WEXITSTATUS(status) == CAN;
	if (!can)
		add_complaint(p, complaints);
	close(complaints);
	sweep(); /* whatever it left */
	return can;
}

/* --- telling --- */

typedef struct {
	FILE *out;
	ReportStyle style;
	const char *good, *bad, *bold, *dim, *normal;
} Page;

static Page page_for(FILE *out)
{
	Page page = {out, report_style_for(fileno(out)), "", "", "", "", ""};
	if (page.style.colour)
		page = (Page){out, page.style, "\033[32m", "\033[1;31m", "\033[1m", "\033[2m", "\033[0m"};
	return page;
}

static void tell(const Page *page, const Probe *probe, bool can, const char *detail)
{
	int columns = page->style.columns > 0 ? page->style.columns : 80;
	char *clean = text_clean(detail, 0), text[1024];
	bool fits = DETAIL_COLUMN + text_width(clean) <= columns;

	fprintf(page->out, "  %s%-4s%s  %-*s%s%s%s\n", can ? page->good : page->bad, can ? "yes" : "no", page->normal,
	        fits ? DETAIL_COLUMN - NAME_COLUMN : 0, probe->name, page->dim, fits ? clean : "", page->normal);
	if (!fits)
		report_prose(page->out, NAME_COLUMN, clean, &page->style);
	free(clean);
	if (can)
		return;
	snprintf(text, sizeof text, "Lost: %s", probe->loses);
	report_prose(page->out, NAME_COLUMN, text, &page->style);
	snprintf(text, sizeof text, "To get it: %s", probe->cure());
	report_prose(page->out, NAME_COLUMN, text, &page->style);
}

static void tell_machine(const Page *page)
{
	struct utsname system = {0};
	size_t processors = crew_processors();

	uname(&system);
	fprintf(page->out, "%sWhat this machine can do for the judging%s\n", page->bold, page->normal);
	fprintf(page->out, "%s %s, %zu processor%s, uid %u\n", system.sysname, system.release, processors,
	        processors == 1 ? "" : "s", (unsigned)geteuid());
}

/* The last lines: which room, and why. */
static void tell_room(const Page *page, bool can, const char *detail)
{
	const char *forced = getenv("DIALTONE_ROOM");
	char text[512];

	if (!can)
		snprintf(text, sizeof text, "Programs cannot be judged here: %s", detail);
	else if (forced != NULL && *forced)
		snprintf(text, sizeof text, "Programs are judged in the %s room, because DIALTONE_ROOM=%s asks for it.",
		         detail, forced);
	else
		snprintf(text, sizeof text,
		         "Programs are judged in the %s room: the best of private, open and shared that can be had "
		         "here. DIALTONE_ROOM=private|open|shared asks for another.",
		         detail);
	fprintf(page->out, "\n%s", can ? page->bold : page->bad);
	report_prose(page->out, 0, text, &page->style);
	fputs(page->normal, page->out);
}

/* --- all of them --- */

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *where)
{
	(void)s, (void)type, (void)where;
	remove(path);
	return 0;
}

/* build/grade stands in the project: the folder above build/ is what must not be in sight. */
static void find_secret(char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s", room_tool(""));
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(path, '/');
		if (slash != NULL)
			*slash = '\0';
	}
	snprintf(path + strlen(path), PATH_MAX - strlen(path), "/harness");
}

int doctor(FILE *out)
{
	static char secret[PATH_MAX], work[64];
	const char *base = getenv("TMPDIR");
	Page page = page_for(out);
	Probing *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool judgeable = true;

	if (base == NULL || *base != '/' || strlen(base) > 40)
		base = "/tmp";
	snprintf(work, sizeof work, "%s/dialtone-doctor-XXXXXX", base);
	if (p == MAP_FAILED || mkdtemp(work) == NULL || chmod(work, 0755) == -1)
		trouble("a folder to try things in, %s: %s", work, strerror(errno));
	crew_begin();
	crew_remove_when_stopped(work);
	signal(SIGPIPE, SIG_IGN); /* who pipes us into `head` shall not keep us from tidying up */
	find_secret(secret);
	*p = (Probing){.work = work, .secret = secret};
	tell_machine(&page);
	for (const Probe *each = doctor_probes; each->name != NULL; each++) {
		if (each->title != NULL)
			fprintf(out, "\n%s%s%s\n", page.bold, each->title, page.normal);
		bool can = probe(p, each->have);
		judgeable = judgeable && (can || !each->needed);
		tell(&page, each, can, p->detail);
		fflush(out);
	}
	bool room = probe(p, doctor_room);
	tell_room(&page, room && judgeable, room && !judgeable ? "what is needed is missing, see above." : p->detail);
	nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	crew_remove_when_stopped(NULL);
	return room && judgeable ? 0 : 3;
}
