/*
 * lab16.c: patience. Times that are kept, neither sooner nor (much) later.
 *
 * How a time is judged on a machine that may be busy:
 *
 *	too soon    by the clock, and strictly: from before we gave the program cause to wait until after we saw that it had
 *	            given up. A program that keeps the time can only look later than it was. Where we have to go on
 *	            speaking meanwhile, it counts only if nobody was kept from a CPU (Pace).
 *	never       not by the clock: every thread sleeps, without a limit of its own, and no timer is armed (timers_of).
 *	too late    what the kernel says that it waits for is a multiple of what it was told; or that much has passed since it
 *	            was first seen asleep, not counting what it wanted a CPU for and did not get one, and it sleeps again.
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/patience.h"
#include "checks/start.h"
#include "observe/calls.h"
#include "program/trouble.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The names are common.h's, the command lines are not. */
#define server_wrong_usage_exits_2 server_refuses_a_wrong_line
#define client_wrong_usage_exits_2 client_refuses_a_wrong_line

enum {
	TIMEOUT_MS = 300, /* what the programs are told, where it matters */
	IDLE_MS = 200,
	TOLERANCE_MS = 5, /* clocks that are read in whole milliseconds */
	LATE = 6,         /* so many times what it was told is too late */
	TRIES = 4,        /* of what a busy machine may spoil */
	LATE_LOOKS = 3    /* at sleepers, after it is too late */
};

static const uint64_t MS = 1000000;

static void need(bool done, const char *what)
{
	if (!done)
		trouble("%s: %s", what, strerror(errno));
}

/* --- what can wake a program whose calls have no limit --- */

/* It has a handler for SIGALRM: setitimer() shows nowhere in /proc, but its signal must be caught to be of use. */
static bool catches_alarm(pid_t pid)
{
	char path[64], line[256];
	uint64_t caught = 0;
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *status = fopen(path, "re");
	while (status != NULL && fgets(line, sizeof line, status) != NULL)
		if (sscanf(line, "SigCgt: %" SCNx64, &caught) == 1)
			break;
	if (status != NULL)
		fclose(status);
	return caught & (1U << (SIGALRM - 1));
}

static bool has_posix_timer(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/timers", (int)pid);
	FILE *timers = fopen(path, "re");
	bool any = timers != NULL && fgetc(timers) != EOF;
	if (timers != NULL)
		fclose(timers);
	return any;
}

static bool has_timerfd(pid_t pid)
{
	char path[64], target[64];
	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *folder = opendir(path);
	bool any = false;
	for (struct dirent *e; folder != NULL && !any && (e = readdir(folder)) != NULL;) {
		ssize_t n = readlinkat(dirfd(folder), e->d_name, target, sizeof target - 1);
		target[n > 0 ? n : 0] = '\0';
		any = strstr(target, "timerfd") != NULL;
	}
	if (folder != NULL)
		closedir(folder);
	return any;
}

static bool timers_of(const TaskList *list)
{
	for (size_t i = 0; i < list->processes; i++)
		if (catches_alarm(list->process[i]) || has_posix_timer(list->process[i]) ||
		    has_timerfd(list->process[i]))
			return true;
	return false;
}

/* --- until it gives up, or is known to wait too long --- */

typedef enum { IT_IS_OVER, WAITS_FOR_EVER, WAITS_TOO_LONG } Verdict16;

typedef struct {
	bool (*over)(void *context);
	void *context;
	bool (*pause)(void *context); /* we have something to do meanwhile; NULL: never */
	int64_t since_ms;             /* when it got cause to wait */
	int told_ms;                  /* for how long it may */

	unsigned looks;         /* of the last look that was thought about */
	bool asleep;            /* everybody was, then */
	uint64_t wait;          /* the shortest wait of anybody, in ns; 0: not known. UINT64_MAX: nobody's has an end */
	int64_t rests_since_ms; /* when everybody was first seen asleep; 0: not yet */
	uint64_t starved_ns;    /* how long it had waited for a CPU, until the watch began */
	int late;               /* looks at which everybody slept when it was too late */
	bool noted;             /* one of these since we last did something */
	bool decided;
	Verdict16 verdict;
} Patience;

/* How long the threads of the room's programs have waited for a CPU that they wanted (man 5 proc, schedstat). */
static uint64_t starved_ns(void)
{
	const TaskList *list = &room_now()->scene.tasks;
	uint64_t sum = 0;
	for (size_t i = 0; i < list->count; i++) {
		char path[64];
		uint64_t ran, waited;
		snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", (int)list->task[i].pid,
		         (int)list->task[i].tid);
		FILE *stat = fopen(path, "re");
		if (stat != NULL && fscanf(stat, "%" SCNu64 " %" SCNu64, &ran, &waited) == 2)
			sum += waited;
		if (stat != NULL)
			fclose(stat);
	}
	return sum;
}

/* Nobody had a CPU between the last two looks. */
static bool nobody_ran(const Scene *scene)
{
	const TaskList *a = &scene->before, *b = &scene->tasks;
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->task[i].tid != b->task[i].tid || a->task[i].switches != b->task[i].switches ||
		    a->task[i].cpu_ns != b->task[i].cpu_ns || b->task[i].state != 'S')
			return false;
	return true;
}

/* Bytes, handshakes and farewells that are on their way, and may wake somebody. A SYN that nobody acknowledges wakes nobody. */
static bool anything_in_flight(const SocketList *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->socket[i].state != TCP_SYN_SENT && sockets_in_flight(list, &list->socket[i]))
			return true;
	return false;
}

/* Later than the look; so it holds only if the next look finds that nobody ran meanwhile. */
static void survey(Patience *p, const TaskList *list)
{
	p->asleep = list->count > 0;
	p->wait = UINT64_MAX;
	for (size_t i = 0; i < list->count; i++) {
		const Task *t = &list->task[i];
		Wait wait = calls_wait(t);
		uint64_t ns = wait.kind == WAIT_TIMED ? wait.ns : UINT64_MAX;
		p->asleep = p->asleep && t->state == 'S' && wait.kind != WAIT_NOT;
		if (wait.kind == WAIT_UNKNOWN)
			ns = 0;
		if (wait.kind == WAIT_ENDLESS && calls_socket_timeout(t) > 0)
			ns = calls_socket_timeout(t);
		p->wait = ns < p->wait ? ns : p->wait;
	}
	if (p->wait == UINT64_MAX && timers_of(list))
		p->wait = 0;
}

static bool decide(Patience *p, Verdict16 verdict)
{
	p->verdict = verdict;
	p->decided = true;
	return true;
}

/* Counted from when it was seen to wait, and without the time for which it was kept from a CPU. */
static bool is_late(const Patience *p)
{
	uint64_t starved = starved_ns();
	int64_t kept = starved > p->starved_ns ? (int64_t)((starved - p->starved_ns) / MS) : 0;
	return now_ms() - p->rests_since_ms > (int64_t)p->told_ms * LATE + kept;
}

static bool knows(void *context)
{
	Patience *p = context;
	const Scene *scene = &room_now()->scene;
	if (p->over(p->context))
		return decide(p, IT_IS_OVER);
	if (scene->looks != p->looks) {
		bool holds = p->looks + 1 == scene->looks && p->asleep && nobody_ran(scene) &&
		             !anything_in_flight(&scene->before_sockets) && !anything_in_flight(&scene->sockets);
		if (holds && p->wait == UINT64_MAX)
			return decide(p, WAITS_FOR_EVER);
		if (holds && p->wait > (uint64_t)p->told_ms * LATE * MS)
			return decide(p, WAITS_TOO_LONG);
		if (holds && p->rests_since_ms == 0)
			p->rests_since_ms = now_ms();
		/* With bytes coming now and then: it took one, could have known the time, and sleeps again. */
		bool late = holds && !p->noted && is_late(p);
		p->noted = p->noted || (late && p->pause != NULL);
		p->late += late;
		if (p->late >= LATE_LOOKS)
			return decide(p, WAITS_TOO_LONG);
		p->looks = scene->looks;
		survey(p, &scene->tasks);
	}
	return p->pause != NULL && p->pause(p->context);
}

/* Watches until something is decided, or `pause` wants the floor; then p->decided is false. */
static void watch_patience(Patience *p, Party *party)
{
	p->decided = p->asleep = p->noted = false; /* what was seen before says nothing of now */
	if (p->rests_since_ms == 0)
		p->starved_ns = starved_ns();
	for (;;) {
		Outcome outcome = party_watch(knows, p, WATCH_PATIENT | WATCH_START, -1);
		if (outcome == WATCH_DONE)
			return;
		if (p->over(p->context)) {
			decide(p, IT_IS_OVER);
			return;
		}
		if (outcome == WATCH_SPINNING || outcome == WATCH_GONE || outcome == WATCH_CLOCK)
			story_fail_watch(outcome, "waits_for_ever", party, "the %s should give up", party->who);
	}
}

static void fail_if_too_late(const Patience *p, Party *party, const char *what)
{
	if (p->verdict != IT_IS_OVER)
		story_is_at_rest();
	if (p->verdict == WAITS_FOR_EVER)
		story_fail("waits_for_ever", party,
		           "the %s should give up %s after %d ms, but nothing will ever end its waiting.", party->who,
		           what, p->told_ms);
	if (p->verdict == WAITS_TOO_LONG && p->wait > (uint64_t)p->told_ms * LATE * MS)
		story_fail("waits_too_long", party,
		           "the %s should give up %s after %d ms, but it waits for %" PRIu64 " ms.", party->who, what,
		           p->told_ms, p->wait / MS);
	if (p->verdict == WAITS_TOO_LONG)
		story_fail("waits_too_long", party,
		           "the %s should give up %s after %d ms; %" PRId64 " have passed, and it waits on.",
		           party->who, what, p->told_ms, now_ms() - p->since_ms);
}

static void fail_if_too_soon(const Patience *p, Party *party, const char *what)
{
	int64_t passed = now_ms() - p->since_ms;
	if (p->verdict == IT_IS_OVER && passed < p->told_ms - TOLERANCE_MS)
		story_fail("gives_up_early", party,
		           "the %s should wait for %s for %d ms, but after %" PRId64 " it has given up.", party->who,
		           what, p->told_ms, passed);
	if (p->verdict == IT_IS_OVER)
		story_add("the %s has waited for %s for %d ms", party->who, what, p->told_ms);
}

static bool has_ended(void *context)
{
	return ((Party *)context)->ended;
}

static bool is_hung_up_on(void *context)
{
	Line *line = context;
	has_news(line);
	return line->ended;
}

/* --- speaking at a pace --- */

/*
 * Who speaks at a pace must not fall silent for longer than it means to, or the program rightly takes it for silence. A
 * busy machine may keep us from a CPU, or the program: then what follows proves nothing (`spoilt`), and is tried again.
 */
typedef struct {
	Party *party;
	bool (*over)(void *context);
	void *context;
	int64_t next_ms, said_ms; /* when to speak; when we last did, or before */
	uint64_t starved_ns;      /* how long the program had to wait for a CPU, until then */
	int every_ms, silence_ms; /* the pace; what counts as silence */
	bool spoilt;
} Pace;

static bool pace_over(void *context)
{
	const Pace *pace = context;
	return pace->over(pace->context);
}

static bool pace_is_due(void *context)
{
	return now_ms() >= ((const Pace *)context)->next_ms;
}

/* How long it may have seemed since we last spoke: our own silence, and what it did not have a CPU for. */
static void note_silence(Pace *pace)
{
	uint64_t starved = starved_ns();
	uint64_t kept = starved > pace->starved_ns ? (starved - pace->starved_ns) / MS : 0;
	if (now_ms() - pace->said_ms + (int64_t)kept > pace->silence_ms * 3 / 4)
		pace->spoilt = true;
	pace->starved_ns = starved;
}

static void speak(Pace *pace, Line *line, const char *bytes, size_t size)
{
	int64_t before = now_ms();
	note_silence(pace);
	transmit(line, bytes, size);
	pace->said_ms = before;
	pace->next_ms = before + pace->every_ms;
}

static Pace begin_pace(Party *party, bool (*over)(void *), void *context, int silence_ms)
{
	return (Pace){.party = party,
	              .over = over,
	              .context = context,
	              .next_ms = now_ms(),
	              .said_ms = now_ms(),
	              .starved_ns = starved_ns(),
	              .silence_ms = silence_ms,
	              .every_ms = silence_ms / 5};
}

/* A byte now and then, none of them a newline, until the program has had enough of it. */
static void trickle(Pace *pace, Patience *patience, Line *line)
{
	story_add("%s says a byte every %d ms, and never a newline", line->who, pace->every_ms);
	for (;;) {
		patience->over = pace_over;
		patience->pause = pace_is_due;
		patience->context = pace;
		watch_patience(patience, pace->party);
		if (patience->decided)
			break;
		speak(pace, line, "x", 1);
	}
	if (patience->verdict == IT_IS_OVER)
		note_silence(pace);
}

/* --- the client --- */

static Party *client_with(Phone *phone, StartAs as, int timeout_ms)
{
	static char ms[16];
	snprintf(ms, sizeof ms, "%d", timeout_ms);
	Party *client = the_program(as, (const char *const[]){"127.0.0.1", port_text(phone->port), ms, NULL});
	client->port = phone->port;
	return client;
}

/* Its backlog is full: the kernel drops every further SYN without a word, and connect() hangs. */
static Phone *a_phone_that_is_busy(void)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof info;
	Phone *phone = a_phone();
	need(listen(phone->fd, 0) == 0, "listen");
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(phone->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	/* Of a listening socket these are how many wait to be accepted, and how many may. */
	while (info.tcpi_unacked <= info.tcpi_sacked) {
		int caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		need(caller != -1 && connect(caller, (struct sockaddr *)&address, sizeof address) == 0, "a caller");
		need(getsockopt(phone->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0, "TCP_INFO");
	}
	story_add("at port %u so many callers wait that no more get through", phone->port);
	return phone;
}

static Patience until_it_ends(Party *client, int64_t since_ms)
{
	Patience p = {.over = has_ended, .context = client, .since_ms = since_ms, .told_ms = TIMEOUT_MS};
	watch_patience(&p, client);
	return p;
}

static Patience calls_in_vain(Party **client)
{
	Phone *phone = a_phone_that_is_busy();
	int64_t since = now_ms();
	*client = client_with(phone, (StartAs){0}, TIMEOUT_MS);
	return until_it_ends(*client, since);
}

/* It has asked, and nobody answers. */
static Patience asks_in_vain(Party **client)
{
	Phone *phone = a_phone();
	*client = client_with(phone, (StartAs){0}, TIMEOUT_MS);
	Line *server = answer(phone, *client);
	int64_t since = now_ms();
	feed(*client, (const char *const[]){"hello", NULL});
	hear_message(server, "hello");
	return until_it_ends(*client, since);
}

CHECK(
    client, gives_up_a_call_that_does_not_come_through, 12, "gives up a call that does not come through",
    "How long does connect() wait if nobody says yes or no?",
    "The kernel sends its SYN again and again, for more than two minutes. A non-blocking socket does not wait at all: "
    "connect() gives EINPROGRESS, and poll() waits as long as you say until the socket is writable.",
    "if (poll(&ring, 1, timeout_ms) == 0) { errno = ETIMEDOUT; perror(\"client: connect\"); exit(1); }")
{
	Party *client;
	Patience p = calls_in_vain(&client);
	fail_if_too_late(&p, client, "the call");
	gives_up(client, "client: connect: Connection timed out", "waits_for_ever");
}
END_CHECK

CHECK(client, waits_for_the_call_as_long_as_it_is_told, 6, "waits for the call as long as it is told",
      "Of which unit is the number that you give to poll(), to setsockopt(), to select()?",
      "poll() wants milliseconds; a struct timeval seconds and microseconds. EINPROGRESS is no failure.",
      "tv_sec = ms / 1000, tv_usec = ms % 1000 * 1000")
{
	Party *client;
	Patience p = calls_in_vain(&client);
	fail_if_too_soon(&p, client, "the call");
}
END_CHECK

CHECK(client, gives_up_waiting_for_a_reply, 10, "gives up waiting for a reply",
      "How long does recv() wait for one who never answers?",
      "For ever. Whoever waits has to say for how long: poll() before recv(), or SO_RCVTIMEO.",
      "if (poll(&ear, 1, left) == 0) { fprintf(stderr, \"client: recv: timed out\\n\"); exit(1); }")
{
	Party *client;
	Patience p = asks_in_vain(&client);
	fail_if_too_late(&p, client, "the reply");
	gives_up(client, "client: recv: timed out", "waits_for_ever");
}
END_CHECK

CHECK(client, waits_for_a_reply_as_long_as_it_is_told, 6, "waits for a reply as long as it is told",
      "From which moment on does the time of a reply run?",
      "From its question on, and it is over when TIMEOUT_MS have passed.",
      "long long reply_due = now_ms() + timeout_ms; — before send().")
{
	Party *client;
	Patience p = asks_in_vain(&client);
	fail_if_too_soon(&p, client, "the reply");
}
END_CHECK

CHECK(
    client, gives_up_a_reply_that_trickles, 10, "gives up a reply that comes a byte now and then and is never whole",
    "Your client waits TIMEOUT_MS in each recv(). How long does it wait for a reply of 100 bytes, one at a time?",
    "100 times as long. The time belongs to the whole reply: measure it from the question, and wait only for what is left.",
    "left = reply_due - now_ms(); poll(&ear, 1, left < 0 ? 0 : left); — the moment reply_due does not move.")
{
	Phone *phone = a_phone();
	for (int i = 0; i < TRIES; i++) {
		Party *client = client_with(phone, (StartAs){0}, TIMEOUT_MS);
		Line *server = answer(phone, client);
		Patience p = {.since_ms = now_ms(), .told_ms = TIMEOUT_MS};
		feed(client, (const char *const[]){"hello", NULL});
		hear_message(server, "hello");
		Pace pace = begin_pace(client, has_ended, client, TIMEOUT_MS);
		trickle(&pace, &p, server);
		fail_if_too_late(&p, client, "a reply that is never whole");
		gives_up(client, "client: recv: timed out", "waits_too_long");
		/* If we fell silent for so long, it may have been that what it gave up for. */
		if (!pace.spoilt)
			return;
	}
}
END_CHECK

static bool is_time(void *context)
{
	return now_ms() >= *(int64_t *)context;
}

typedef struct {
	Party *client;
	unsigned looks;
} Listening;

/* It waits for the reply, or has given it up: what is said from now on is not there before it looks. */
static bool listens_or_has_ended(void *context)
{
	Listening *l = context;
	const Scene *scene = &room_now()->scene;
	if (l->client->ended)
		return true;
	if (scene->looks == l->looks)
		return false;
	l->looks = scene->looks;
	bool asleep = scene->tasks.count > 0;
	for (size_t i = 0; i < scene->tasks.count; i++)
		asleep =
		    asleep && scene->tasks.task[i].state == 'S' && calls_wait(&scene->tasks.task[i]).kind != WAIT_NOT;
	return asleep;
}

/* Two questions, and between them longer than it may wait for a reply nobody asks anything. False: a reply came too late, by our fault or
 * for want of a CPU, and what it did then proves nothing. */
static bool has_patience_for_two(Phone *phone, int told_ms)
{
	Party *client = client_with(phone, (StartAs){0}, told_ms);
	Line *server = answer(phone, client);
	for (int i = 0; i < 2; i++) {
		Pace pace = begin_pace(client, has_ended, client, told_ms);
		feed(client, (const char *const[]){"hello", NULL});
		hear_message(server, "hello");
		Listening listening = {client, room_now()->scene.looks};
		party_watch(listens_or_has_ended, &listening, WATCH_PATIENT, -1);
		if (!client->ended)
			say_message(server, "HELLO");
		note_silence(&pace);
		party_watch(NULL, NULL, 0, -1);
		if (client->ended && pace.spoilt)
			return false;
		if (client->ended)
			story_fail(
			    "gives_up_early", client,
			    "the client should wait for a reply for %d ms; it would have come sooner, but the client has given up.",
			    told_ms);
		int64_t then = now_ms() + told_ms * 5 / 4;
		story_add("nobody types anything for %d ms", told_ms * 5 / 4);
		while (!is_time(&then) && !client->ended)
			party_watch(is_time, &then, WATCH_PATIENT, -1);
		if (client->ended)
			story_fail("gives_up_early", client,
			           "the client should wait at the prompt, but it has given up.");
	}
	return true;
}

CHECK(client, has_new_patience_for_each_reply, 6, "has new patience for each reply, however long one types",
      "Whose time runs while nobody has asked anything?",
      "Nobody's: the client waits at the keyboard. The time of a reply begins with its question.",
      "reply_due is worked out anew for each line, behind readline().")
{
	Phone *phone = a_phone();
	int told_ms = TIMEOUT_MS;
	/* Where the machine was too slow, twice the time is given. */
	for (int i = 0; i < TRIES && !has_patience_for_two(phone, told_ms); i++)
		told_ms *= 2;
}
END_CHECK

CHECK(client, wrong_usage_exits_2, 4, "refuses a wrong command line",
      "What is a time of 0 ms, or of -5? What if the time is left out?",
      "HOST, PORT and TIMEOUT_MS must all be given; a time is a positive number.",
      "fprintf(stderr, \"usage: client HOST PORT TIMEOUT_MS\\n\"); return 2; — before the first socket call.")
{
	refuses((const char *const *const[]){(const char *const[]){NULL},
	                                     (const char *const[]){"127.0.0.1", "20001", NULL},
	                                     (const char *const[]){"127.0.0.1", "abc", "300", NULL},
	                                     (const char *const[]){"127.0.0.1", "0", "300", NULL},
	                                     (const char *const[]){"127.0.0.1", "65536", "300", NULL},
	                                     (const char *const[]){"127.0.0.1", "20001", "abc", NULL},
	                                     (const char *const[]){"127.0.0.1", "20001", "0", NULL},
	                                     (const char *const[]){"127.0.0.1", "20001", "-5", NULL},
	                                     (const char *const[]){"127.0.0.1", "20001", "300", "400", NULL}, NULL});
}
END_CHECK

/* --- the server --- */

static Party *a_server_with(int idle_ms)
{
	static char ms[16];
	path_text(""); /* opens the room */
	snprintf(ms, sizeof ms, "%d", idle_ms);
	in_port_t port = room_port();
	Party *server = the_program((StartAs){0}, (const char *const[]){port_text(port), ms, NULL});
	server->port = port;
	is_up(server);
	return server;
}

static Patience until_it_hangs_up(Line *line, int64_t since_ms)
{
	Patience p = {.over = is_hung_up_on, .context = line, .since_ms = since_ms, .told_ms = IDLE_MS};
	watch_patience(&p, line->party);
	return p;
}

/* Alice calls, says this (or nothing), hears this, and falls silent. */
static Patience falls_silent(const char *words, const char *answers)
{
	Party *server = a_server_with(IDLE_MS);
	int64_t since = now_ms();
	Line *alice = dial(server);
	if (*words != '\0') {
		since = now_ms();
		say(alice, words);
	}
	if (*answers != '\0')
		hear(alice, answers);
	story_add("%s falls silent", alice->who);
	return until_it_hangs_up(alice, since);
}

static void is_hung_up_on_for_silence(const char *words, const char *answers)
{
	Patience p = falls_silent(words, answers);
	size_t count;
	Line *alice = line_all(&count)[0];
	fail_if_too_late(&p, alice->party, "a caller who is silent");
	hear_hang_up(alice);
}

CHECK(server, hangs_up_on_a_silent_caller, 10, "hangs up on a caller who says nothing",
      "How long does recv() wait for a caller who never says a word?",
      "For ever, and with it everybody who comes after. poll() in front of recv() waits only as long as it is told.",
      "if (poll(&ear, 1, idle_ms) == 0) the caller was silent: close(call), and back to accept().")
{
	is_hung_up_on_for_silence("", "");
}
END_CHECK

CHECK(server, hangs_up_on_a_caller_who_falls_silent, 6, "hangs up on a caller who falls silent after a line",
      "Does your server measure the silence after an answer as well?",
      "Every wait for the caller has its limit, not only the first.",
      "poll() stands in front of recv(), inside the loop.")
{
	is_hung_up_on_for_silence("hello\n", "HELLO\n");
}
END_CHECK

CHECK(server, hangs_up_on_a_caller_who_falls_silent_inside_a_line, 6,
      "hangs up on a caller who falls silent in the middle of a line",
      "What does your server wait for when half a line is there?",
      "For the other half, and for no longer than for anything else.", "The same poll(), whatever is in the buffer.")
{
	is_hung_up_on_for_silence("hello\nand now i", "HELLO\n");
}
END_CHECK

CHECK(server, waits_for_a_silent_caller_as_long_as_it_is_told, 6, "waits for a silent caller as long as it is told",
      "Of which unit is the number that you give to poll(), to setsockopt(), to select()?",
      "poll() wants milliseconds; a struct timeval seconds and microseconds.",
      "tv_sec = ms / 1000, tv_usec = ms % 1000 * 1000")
{
	Patience p = falls_silent("hello\n", "HELLO\n");
	fail_if_too_soon(&p, line_all(&(size_t){0})[0]->party, "a caller who is silent");
}
END_CHECK

CHECK(server, waits_for_a_call_as_long_as_it_takes, 4, "waits for a call for as long as it takes",
      "Which of the two is silent: a caller who says nothing, or a telephone that does not ring?",
      "Only a caller can be silent. A service waits for its next caller for ever.",
      "No time limit on accept(), and none on the socket that listens: SO_RCVTIMEO would limit accept() as well.")
{
	Party *server = a_server_with(IDLE_MS);
	int64_t then = now_ms() + IDLE_MS * 3 / 2;
	story_add("nobody calls for %d ms", IDLE_MS * 3 / 2);
	while (!is_time(&then) && !server->ended)
		party_watch(is_time, &then, WATCH_PATIENT, -1);
	Line *alice = dial(server);
	say_message(alice, "are you there?");
	hear_message(alice, "ARE YOU THERE?");
}
END_CHECK

static bool has_come(void *line)
{
	return has_news(line);
}

CHECK(server, serves_the_next_caller_after_a_silent_one, 8, "serves the next caller, whoever is silent before",
      "Whose trouble is it that Alice says nothing?", "Hers alone: her call ends, the service goes on.",
      "When the time is up: close(call), and back to accept(); not exit().")
{
	Party *server = a_server_with(IDLE_MS);
	Line *alice = dial(server);
	Line *bob = dial(server);
	int64_t since = now_ms();
	say_message(bob, "i am not silent");
	Patience p = {.over = has_come, .context = bob, .since_ms = since, .told_ms = IDLE_MS};
	watch_patience(&p, server);
	fail_if_too_late(&p, server, "the silent caller, and serve the next,");
	hear_message(bob, "I AM NOT SILENT");
	hang_up(bob);
	hear_hang_up(alice);
}
END_CHECK

/* Until the server has had enough of one who trickles. False: a busy machine has spoilt it. */
static bool trickles(Party *server, Patience *p)
{
	*p = (Patience){.since_ms = now_ms(), .told_ms = 4 * IDLE_MS};
	Line *alice = dial(server);
	Pace pace = begin_pace(server, is_hung_up_on, alice, IDLE_MS);
	trickle(&pace, p, alice);
	return !pace.spoilt;
}

CHECK(server, hangs_up_on_a_caller_who_trickles, 10,
      "hangs up on a caller who sends a byte now and then and never a whole line",
      "A byte every IDLE_MS / 2, and never a newline: when is that caller silent?",
      "Never, and yet he keeps the server. So the line has a time of its own, which no byte puts off: 4 * IDLE_MS.",
      "line_due = now_ms() + 4 * idle_ms; at the start and behind each line; poll() waits for the smaller of the two.")
{
	for (int i = 0; i < TRIES; i++) {
		Patience p;
		Party *server = a_server_with(IDLE_MS);
		bool proves = trickles(server, &p);
		fail_if_too_late(&p, server, "a line that is never finished");
		if (proves)
			return;
		party_kill(server);
	}
}
END_CHECK

CHECK(server, gives_a_line_four_times_as_long, 6, "gives a line that comes slowly 4 * IDLE_MS",
      "How long may a line take whose bytes come one by one?",
      "4 * IDLE_MS from its first byte or from the line before. Each byte ends the silence.",
      "Two times: idle_ms from the last byte, 4 * idle_ms from the last line.")
{
	for (int i = 0; i < TRIES; i++) {
		Patience p;
		Party *server = a_server_with(IDLE_MS);
		if (trickles(server, &p)) {
			fail_if_too_soon(&p, server, "a line that comes slowly");
			return;
		}
		party_kill(server);
	}
}
END_CHECK

/* Says lines in pieces, for longer than a single one may take. False: a busy machine has spoilt it. */
static bool goes_on(Party *server)
{
	static const char *const pieces[] = {"sl", "ow", "ly", "\n"};
	enum { MORE_THAN_FOUR = 27 }; /* pieces of a fifth of IDLE_MS each */
	Line *line = dial(server);
	Pace pace = begin_pace(server, is_hung_up_on, line, IDLE_MS);
	int64_t since = now_ms();
	story_add("%s says \"slowly\" again and again, a piece every %d ms", line->who, pace.every_ms);
	for (int i = 0; i < MORE_THAN_FOUR; i++) {
		while (!pace_is_due(&pace) && !is_hung_up_on(line))
			party_watch(pace_is_due, &pace, WATCH_PATIENT, line->fd);
		if (is_hung_up_on(line))
			break;
		speak(&pace, line, pieces[i % 4], strlen(pieces[i % 4]));
	}
	note_silence(&pace);
	if (pace.spoilt)
		return false;
	if (line->ended)
		story_fail("gives_up_early", server,
		           "the server should stay with a caller who finishes one line after the other, but after "
		           "%" PRId64 " ms it has hung up.",
		           now_ms() - since);
	hear(line, "SLOWLY\nSLOWLY\nSLOWLY\nSLOWLY\nSLOWLY\nSLOWLY\n");
	return true;
}

CHECK(server, stays_with_a_caller_who_finishes_lines, 8, "stays with a caller who goes on finishing lines, slowly",
      "How long may a whole conversation take?", "As long as it likes, if no silence and no single line is too long.",
      "Behind each line that is answered: line_due = now_ms() + 4 * idle_ms;")
{
	for (int i = 0; i < TRIES; i++) {
		Party *server = a_server_with(IDLE_MS);
		if (goes_on(server))
			return;
		party_kill(server);
	}
}
END_CHECK

CHECK(server, wrong_usage_exits_2, 4, "refuses a wrong command line",
      "What is a time of 0 ms, or of -5? What if the time is left out?",
      "PORT and IDLE_MS must both be given; a time is a positive number.",
      "fprintf(stderr, \"usage: server PORT IDLE_MS\\n\"); return 2; — before the first socket call.")
{
	refuses((const char *const *const[]){
	    (const char *const[]){NULL}, (const char *const[]){"20001", NULL},
	    (const char *const[]){"abc", "200", NULL}, (const char *const[]){"0", "200", NULL},
	    (const char *const[]){"65536", "200", NULL}, (const char *const[]){"20001", "abc", NULL},
	    (const char *const[]){"20001", "0", NULL}, (const char *const[]){"20001", "-5", NULL},
	    (const char *const[]){"20001", "200", "300", NULL}, NULL});
}
END_CHECK

static const CheckInfo *const checks[] = {LINE_SERVER_CHECKS,
                                          &server_hangs_up_on_a_silent_caller,
                                          &server_hangs_up_on_a_caller_who_falls_silent,
                                          &server_hangs_up_on_a_caller_who_falls_silent_inside_a_line,
                                          &server_waits_for_a_silent_caller_as_long_as_it_is_told,
                                          &server_serves_the_next_caller_after_a_silent_one,
                                          &server_waits_for_a_call_as_long_as_it_takes,
                                          &server_hangs_up_on_a_caller_who_trickles,
                                          &server_gives_a_line_four_times_as_long,
                                          &server_stays_with_a_caller_who_finishes_lines,
                                          &server_binds_loopback_only,
                                          &server_says_that_the_port_is_taken,
                                          &server_wrong_usage_exits_2,
                                          LINE_CLIENT_CHECKS,
                                          &client_gives_up_a_call_that_does_not_come_through,
                                          &client_waits_for_the_call_as_long_as_it_is_told,
                                          &client_gives_up_waiting_for_a_reply,
                                          &client_waits_for_a_reply_as_long_as_it_is_told,
                                          &client_gives_up_a_reply_that_trickles,
                                          &client_has_new_patience_for_each_reply,
                                          &client_says_that_nobody_answers,
                                          &client_calls_the_host_it_is_given,
                                          &client_wrong_usage_exits_2,
                                          NULL};

const Lab lab16 = {16, "patience", (const char *const[]){"server", "client", NULL}, checks};
