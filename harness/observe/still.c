#define _GNU_SOURCE
#include "observe/still.h"

#include "observe/calls.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

static const uint64_t MS = 1000000, SECOND = 1000000000;

/* CPU time without any effect that makes a spinner; while an interpreter starts, more is usual. */
static const uint64_t SPIN_NS = 1000000000, SPIN_START_NS = 4000000000;
/* Longer sleeps than this are not waited for. */
static const uint64_t LONG_SLEEP_NS = 10000000000;
static const uint64_t PATIENCE_NS = 5000000000, RESTLESS_NS = 2000000000, ALARM_NS = 2000000000,
		      BACKSTOP_NS = 20000000000, BACKSTOP_READY_NS = 200000000000, GUESS_NS = 1000000000;

enum { MOST_SLEEPERS = 64, IDLE_ROUNDS = 2, RESTLESS_ROUNDS = 3 };

/* Threads that a time will wake soon, and how often each had been given a CPU. */
typedef struct {
	struct {
		pid_t tid;
		uint64_t switches;
	} one[MOST_SLEEPERS];
	unsigned count;
} Sleepers;

typedef struct {
	bool runs;    /* somebody does, or will in a moment */
	bool guessed; /* somebody sleeps, in who knows what */
	bool alive;   /* somebody is no zombie */
	bool ready;   /* somebody has a CPU, or wants one */
	bool alarmed; /* somebody may have set an alarm, which may never come */
	Sleepers sleepers;
} Survey;

/* What one watch has learnt so far. */
typedef struct {
	unsigned flags;
	uint64_t began_ns, changed_ns; /* on the wall: the start, and the last change of any socket or process */
	uint64_t cpu_then, cpu_first;  /* the programs' CPU time at that change, and at the start */
	uint64_t print;                /* fingerprint of sockets and processes */
	uint64_t quiet_ns;             /* on the wall: since when no thread has run */
	unsigned rounds;               /* how often every sleeper has woken since the last change */
	Sleepers asleep;               /* as they were when the last round ended */
	bool changed;                  /* something has, since all sleepers were last seen asleep and awake */
	unsigned acts;                 /* how often every sleeper has woken, and something has changed */
	Sleepers acting;               /* as they were when that was last seen */
	uint64_t acting_ns;            /* on the wall: since when we count the acts */
	bool ready, stirred;           /* what we wait on between looks has news; and had none before */
	Survey survey;                 /* of the last look */
	bool settled;                  /* in it nobody runs, and after it no datagram was on its way */
	bool fresh;                    /* no look yet */
} Watch;

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void drop_strangers(Scene *scene)
{
	size_t kept = 0;
	for (size_t i = 0; i < scene->sockets.count; i++)
		if (scene->mine(scene->context, &scene->sockets.socket[i]))
			scene->sockets.socket[kept++] = scene->sockets.socket[i];
	scene->sockets.count = kept;
}

/* After a stop and a continue some calls show as restart_syscall, with the arguments of the call proper. */
static void name_restarted(Scene *scene)
{
	for (size_t i = 0; i < scene->tasks.count; i++) {
		Task *t = &scene->tasks.task[i];
		if (!t->in_call)
			continue;
		Restart *known = NULL;
		for (unsigned k = 0; k < scene->restarts; k++)
			if (scene->restart[k].tid == t->tid)
				known = &scene->restart[k];
		if (t->call == SYS_restart_syscall) {
			if (known != NULL && known->pc == t->pc)
				t->call = known->call;
			continue;
		}
		if (known == NULL)
			known = &scene->restart[scene->restarts < 64 ? scene->restarts++ : (unsigned)t->tid % 64];
		*known = (Restart){.tid = t->tid, .pc = t->pc, .call = t->call};
	}
}

void still_look(Scene *scene)
{
	TaskList tasks = scene->before;
	SocketList sockets = scene->before_sockets;
	scene->before = scene->tasks;
	scene->before_sockets = scene->sockets;
	scene->tasks = tasks;
	scene->sockets = sockets;
	scene->looks++;
	if (scene->look != NULL) {
		scene->look(scene->context, &scene->tasks, &scene->sockets);
		return;
	}
	tasks_look(&scene->tasks, scene->root);
	name_restarted(scene);
	if (!sockets_look(scene->diag, &scene->sockets))
		scene->sockets.count = 0;
	if (scene->mine != NULL)
		drop_strangers(scene);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * 1099511628211U; /* FNV-1a, a word at a time */
}

static uint64_t fingerprint(const Scene *scene)
{
	uint64_t hash = 14695981039346656037U;
	for (size_t i = 0; i < scene->sockets.count; i++) {
		const Socket *s = &scene->sockets.socket[i];
		hash = mix(hash, (uint64_t)s->state << 32 | (uint64_t)s->port << 16 | s->remote_port);
		hash = mix(hash, (uint64_t)s->rqueue << 32 | s->wqueue);
		hash = mix(hash, s->inode);
		/* What comes and is read between two looks leaves both queues as they were. */
		hash = mix(hash, s->sent << 32 ^ s->received);
	}
	for (size_t i = 0; i < scene->tasks.count; i++)
		hash = mix(hash, (uint64_t)scene->tasks.task[i].tid);
	return scene->mine == NULL ? mix(hash, (uint64_t)scene->datagrams.packets) : hash; /* all are ours, or not */
}

static uint64_t cpu_total(const TaskList *tasks)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < tasks->count; i++)
		sum += tasks->task[i].cpu_ns;
	return sum;
}

static bool has_not_run(const Task *a, const Task *b)
{
	/* The CPU time tells of one that was on its way to sleep in the first look, and turned round: that is no switch. */
	if (a->tid != b->tid || a->switches != b->switches || a->cpu_ns != b->cpu_ns || a->state != b->state)
		return false;
	/* The call is read before the counters: it may be the one before. */
	return a->in_call == b->in_call && a->call == b->call && memcmp(a->arg, b->arg, sizeof a->arg) == 0;
}

/* The same processes, and no thread of them has had a CPU since. */
static bool nobody_ran(const TaskList *a, const TaskList *b)
{
	if (a->count != b->count || a->processes != b->processes)
		return false;
	for (size_t i = 0; i < a->processes; i++)
		if (a->process[i] != b->process[i])
			return false;
	for (size_t i = 0; i < a->count; i++)
		if (!has_not_run(&a->task[i], &b->task[i]))
			return false;
	return true;
}

/* So many wait to be accepted that the kernel lets nobody else in (sk_acceptq_is_full(), include/net/sock.h). */
static bool is_unheard(const SocketList *list, const Socket *s)
{
	const Socket *phone = s->state == TCP_SYN_SENT ? sockets_listener(list, s->remote_port) : NULL;
	return phone != NULL && phone->kind == SOCKET_TCP && phone->rqueue > phone->wqueue;
}

static bool anything_in_flight(const SocketList *list, unsigned flags)
{
	for (size_t i = 0; i < list->count; i++) {
		const Socket *s = &list->socket[i];
		if (sockets_in_flight(list, s) && !((flags & WATCH_UNHEARD) && is_unheard(list, s)))
			return true;
	}
	return false;
}

static bool has_mailbox(const SocketList *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->socket[i].kind == SOCKET_UDP)
			return true;
	return list->no_udp;
}

static void add_sleeper(Sleepers *sleepers, const Task *task)
{
	if (sleepers->count == MOST_SLEEPERS)
		return; /* so many of them speak for the rest */
	sleepers->one[sleepers->count].tid = task->tid;
	sleepers->one[sleepers->count++].switches = task->switches;
}

static bool wakes_soon(Wait wait)
{
	return wait.kind == WAIT_TIMED && wait.ns < LONG_SLEEP_NS;
}

/* A process whose timers we cannot see: each of its threads may be woken, by any of them. */
static void add_alarmed(Survey *s, const TaskList *tasks)
{
	for (size_t i = 0; i < tasks->processes; i++) {
		if (!calls_may_be_alarmed(tasks->process[i]))
			continue;
		s->alarmed = true;
		for (size_t k = 0; k < tasks->count; k++)
			if (tasks->task[k].pid == tasks->process[i])
				add_sleeper(&s->sleepers, &tasks->task[k]);
	}
}

/* This reads the programs' memory and asks their sockets: later than the look, when they may have gone on. So it
 * holds only if the next look finds that nobody ran. */
static Survey survey(const TaskList *tasks)
{
	Survey s = {0};
	for (size_t i = 0; i < tasks->count; i++) {
		const Task *t = &tasks->task[i];
		Wait wait = calls_limit(t);
		s.alive = s.alive || wait.kind != WAIT_DEAD;
		s.runs = s.runs || wait.kind == WAIT_NOT;
		s.ready = s.ready || (wait.kind == WAIT_NOT && t->state == 'R');
		s.guessed = s.guessed || wait.kind == WAIT_UNKNOWN;
		if (wakes_soon(wait))
			add_sleeper(&s.sleepers, t);
	}
	if (!s.runs && s.alive)
		add_alarmed(&s, tasks);
	return s;
}

/* Takes down what has changed since the look before; true: a socket or a process has. */
static bool note_changes(const Scene *scene, Watch *w, uint64_t now, bool news)
{
	uint64_t print = fingerprint(scene);
	uint64_t cpu = cpu_total(&scene->tasks);
	if (w->fresh) {
		w->cpu_first = cpu;
		w->fresh = false;
	} else if (print != w->print || news || w->stirred) {
		w->changed = true;
		w->rounds = 0;
		w->asleep.count = 0;
	}
	if (print == w->print)
		return false;
	w->print = print;
	w->changed_ns = now;
	w->cpu_then = cpu;
	return true;
}

static bool spins(const Scene *scene, const Watch *w, const Survey *s)
{
	uint64_t cpu = cpu_total(&scene->tasks);
	uint64_t limit = w->flags & WATCH_START ? SPIN_START_NS : SPIN_NS;
	/* Who changes something at every turn spins as well, if it goes on for long. */
	return s->ready && (cpu > w->cpu_then + limit || cpu > w->cpu_first + 2 * limit);
}

/* Each of them has been given a CPU since it was noted down; who was not, is so now. */
static bool all_woke(Sleepers *then, const Sleepers *now)
{
	bool all = true;
	for (unsigned i = 0; i < now->count; i++) {
		unsigned k = 0;
		while (k < then->count && then->one[k].tid != now->one[i].tid)
			k++;
		all = all && k < then->count && then->one[k].switches != now->one[i].switches;
		if (k == then->count && k < MOST_SLEEPERS)
			then->one[then->count++] = now->one[i];
	}
	return all;
}

/* Everybody is asleep, some of them for a time. True when they have shown that they will do nothing. */
static bool idles(Watch *w, const Survey *s, uint64_t now)
{
	if (all_woke(&w->asleep, &s->sleepers)) {
		w->rounds++;
		w->asleep = s->sleepers;
	}
	uint64_t patience = w->flags & WATCH_PATIENT ? PATIENCE_NS : 0;
	if (s->alarmed && now - w->changed_ns >= (patience ? patience : ALARM_NS))
		return true; /* if there is an alarm at all, it is not one to be waited for */
	return w->rounds >= IDLE_ROUNDS && now - w->changed_ns >= patience;
}

/* The same, true when they have shown that they will go on doing something. Nobody else acts while all are asleep: what has
 * changed by the time they are asleep again, is their doing. */
static bool is_restless(const Scene *scene, Watch *w, const Survey *s, uint64_t now)
{
	if (w->acting_ns == 0) {
		w->acting_ns = now;
		w->acting = s->sleepers;
		w->changed = false;
	} else if (all_woke(&w->acting, &s->sleepers)) {
		w->acts += w->changed;
		w->changed = false;
		w->acting = s->sleepers;
	}
	uint64_t patience = w->flags & WATCH_PATIENT                       ? PATIENCE_NS
	                    : w->flags & WATCH_EVIDENCE || scene->restless ? 0
	                                                                   : RESTLESS_NS;
	return w->acts >= RESTLESS_ROUNDS && now - w->acting_ns >= patience;
}

/* One look and what follows from it; WATCH_DONE stands for "go on looking". */
static Outcome judge(Scene *scene, Watch *w, bool news)
{
	Survey before = w->survey;
	bool settled = w->settled;
	scene->guessed = false;
	still_look(scene);
	uint64_t now = now_ns();
	bool first = w->fresh;
	bool changed = note_changes(scene, w, now, news);
	w->survey = survey(&scene->tasks);
	bool told = scene->told == NULL || scene->told(scene->context);
	if (!w->survey.alive)
		return told ? WATCH_GONE : WATCH_DONE;
	if (spins(scene, w, &w->survey))
		return WATCH_SPINNING;
	w->settled = !w->survey.runs && (!has_mailbox(&scene->sockets) || datagrams_have_landed(&scene->datagrams));
	/* What the pump has just taken in was printed before the look before, for nobody ran since; and whom our reading has let
	 * go on (its pipe was full) is awake, and seen to be. But of what has been taken from a socket only the socket tells: it
	 * may have opened a window, and the kernel fills it, and shuts it again, with nobody awake. */
	bool quiet = told && !first && settled && !changed && nobody_ran(&scene->before, &scene->tasks) &&
	             !anything_in_flight(&scene->before_sockets, w->flags) &&
	             !anything_in_flight(&scene->sockets, w->flags);
	if (!quiet) {
		w->quiet_ns = now;
		return WATCH_DONE;
	}
	/* Nobody ran since the look before: what was found out after it, holds. */
	if (before.guessed && now - w->quiet_ns < GUESS_NS)
		return WATCH_DONE;
	scene->guessed = before.guessed;
	if (before.sleepers.count == 0)
		return WATCH_STILL;
	if (idles(w, &before, now))
		return WATCH_IDLE;
	return is_restless(scene, w, &before, now) ? WATCH_RESTLESS : WATCH_DONE;
}

/* Waits for news, or for a moment; true: there was news. */
static bool pause_for(Scene *scene, uint64_t ns)
{
	struct pollfd wake[64];
	size_t count = scene->wake != NULL ? scene->wake(scene->context, wake, 64) : 0;
	struct timespec moment = {.tv_nsec = (long)ns};
	return ppoll(wake, (nfds_t)count, &moment, NULL) > 0;
}

/* A look costs more than most answers take to come. So for the first millisecond `done` alone is asked. */
static bool comes_soon(Scene *scene, bool (*done)(void *), void *context)
{
	for (uint64_t moment = MS / 20; moment < MS / 2; moment += moment / 2) {
		if (scene->pump != NULL)
			scene->pump(scene->context);
		if (done(context))
			return true;
		pause_for(scene, moment);
	}
	return false;
}

Outcome still_watch(Scene *scene, bool (*done)(void *), void *context, unsigned flags)
{
	Watch w = {.flags = flags, .fresh = true};
	w.began_ns = w.changed_ns = w.quiet_ns = now_ns();
	uint64_t moment = MS / 10;
	if (done != NULL && comes_soon(scene, done, context))
		return WATCH_DONE;
	for (;;) {
		bool news = scene->pump != NULL && scene->pump(scene->context);
		if (done != NULL && done(context))
			return WATCH_DONE;
		Outcome outcome = judge(scene, &w, news);
		/* Who wants a CPU and does not get one is not to blame for the time. */
		if (outcome == WATCH_DONE && now_ns() - w.began_ns > (w.survey.ready ? BACKSTOP_READY_NS : BACKSTOP_NS))
			outcome = WATCH_CLOCK;
		if (outcome != WATCH_DONE) {
			/* What came between the pump and the look is not lost. */
			if (scene->pump != NULL && scene->pump(scene->context) && outcome != WATCH_SPINNING &&
			    outcome != WATCH_CLOCK)
				continue;
			if (done != NULL && done(context))
				return WATCH_DONE;
			scene->restless = scene->restless || outcome == WATCH_RESTLESS;
			return outcome;
		}
		if (news)
			moment = MS / 10;
		bool ready = pause_for(scene, moment);
		w.stirred = ready && !w.ready;
		w.ready = ready;
		moment = moment < 5 * MS ? moment + moment / 2 : moment;
	}
}

void still_free(Scene *scene)
{
	tasks_free(&scene->tasks);
	tasks_free(&scene->before);
	sockets_free(&scene->sockets);
	sockets_free(&scene->before_sockets);
}

const char *still_outcome_name(Outcome outcome)
{
	static const char *const names[] = {"done", "still", "idle", "restless", "spinning", "gone", "clock"};
	return names[outcome];
}
