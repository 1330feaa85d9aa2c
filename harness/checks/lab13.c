/*
 * lab13.c: many callers. Who says nothing keeps nobody waiting.
 *
 * Three programs give one service. So most checks are written once, as those of a `server`, and asked of each of the three:
 * at the end of this file they are copied for them.
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/lab09.h"
#include "checks/start.h"
#include "observe/tasks.h"
#include "peer/cut.h"
#include "program/trouble.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* --- what callers say --- */

/* "caller 17 asks", different for each; one of eight texts, used in turn. */
static const char *question(int number)
{
	static char texts[8][48];
	static unsigned next;
	char *text = texts[next++ % 8];
	snprintf(text, sizeof texts[0], "caller %d asks", number);
	return text;
}

static void exchange(Line *line, const char *text)
{
	say_frame_text(line, text);
	hear_frame_text(line, upper(text));
}

static bool has_news_of(void *line)
{
	return has_news(line);
}

/* The answer comes although somebody else (who: "alice says nothing") takes his time. */
static void hear_meanwhile(Line *line, const char *text, const char *who)
{
	Outcome outcome = has_news(line) ? WATCH_DONE : party_watch(has_news_of, line, WATCH_PATIENT, line->fd);
	if (outcome != WATCH_DONE)
		story_fail_watch(outcome, "keeps_others_waiting", line->party, "the %s should answer %s while %s",
		                 line->party->who, line->who, who);
	hear_frame_text(line, upper(text));
}

/* For callers who stay on the line: the server should have room for each more. */
static void exchange_meanwhile(Line *line, const char *text)
{
	say_frame_text(line, text);
	hear_meanwhile(line, text, "others are on the line");
}

CHECK(
    server, a_silent_caller_keeps_nobody_waiting, 6, "answers others while a caller says nothing",
    "In which call does your server stand while Alice says nothing, and who could end it?",
    "In recv() on her call, and she alone. Whoever waits there for one caller must not be the one who serves the others.",
    "A child or a thread for each call, or one poll() for all: no recv() that waits where accept() is called.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	party_watch(NULL, NULL, 0, -1); /* she has been picked up, and is waited for */
	Line *bob = dial(server);
	say_frame_text(bob, "am i next?");
	hear_meanwhile(bob, "am i next?", "alice says nothing");
	/* And one who stops in the middle of a frame, its length being there. */
	Line *carol = dial(server);
	say_bytes(carol, "\0\0\0\5hel", 7);
	party_watch(NULL, NULL, 0, -1);
	say_frame_text(bob, "and now?");
	hear_meanwhile(bob, "and now?", "carol is in the middle of a frame");
	exchange(alice, "at last");
	say_bytes(carol, "lo", 2);
	hear_frame_text(carol, "HELLO");
}
END_CHECK

CHECK(server, answers_200_callers_at_once, 8, "answers 200 callers at once",
      "How many callers can your server have at the same time, and what is the limit?",
      "A child, a thread, or a place in a table for each. Nothing may end when one of them resets his call.",
      "No table of fixed size without a look at its end; a failed fork() or pthread_create() costs one caller.")
{
	enum { CALLERS = 200, BLOCK = 10 };
	static Line *lines[CALLERS];
	Party *server = a_server();
	Line *silent = dial(server);
	Line *rude = dial(server);
	say_frame_text(rude, "i will be rude");
	hear_meanwhile(rude, "i will be rude", "alice says nothing");
	/* Ten at a time: no more of them need wait at once until they are picked up. */
	for (int i = 0; i < CALLERS; i++) {
		lines[i] = dial(server);
		say_frame_text(lines[i], question(i));
		for (int k = i + 1 - BLOCK; i % BLOCK == BLOCK - 1 && k <= i; k++)
			hear_meanwhile(lines[k], question(k), "others are on the line");
		if (i == CALLERS / 2)
			reset_call(rude);
	}
	/* Now all 200 are there: all at once. */
	for (int i = 0; i < CALLERS; i++)
		say_frame_text(lines[i], question(-i));
	for (int i = CALLERS - 1; i >= 0; i--)
		hear_meanwhile(lines[i], question(-i), "200 are on the line");
	exchange(silent, "my turn");
}
END_CHECK

CHECK(server, a_reset_costs_nobody_else_anything, 4, "loses nobody else's call when one caller resets his",
      "What ends when your server finds out that a call was reset: this call, or everything?",
      "exit() and SIGPIPE end a process, with all of its threads and calls.",
      "MSG_NOSIGNAL; on -1 close this call and end this thread or child, and nothing more.")
{
	Party *server = a_server();
	Line *alice = dial(server), *bob = dial(server), *carol = dial(server);
	exchange_meanwhile(alice, "i am alice");
	exchange_meanwhile(bob, "i am bob");
	exchange_meanwhile(carol, "i am carol");
	reset_call(alice);
	exchange(bob, "still here?");
	/* Frozen, so that Carol is surely gone by the time she is answered. */
	party_freeze(server);
	say_frame_text(carol, "and good bye");
	half_close(carol);
	reset_call(carol);
	party_thaw(server);
	party_watch(NULL, NULL, 0, -1);
	exchange(bob, "and now?");
	Line *dave = dial(server);
	exchange(dave, "and me?");
}
END_CHECK

/* --- frames in pieces --- */

typedef struct {
	Line *line;
	size_t enough;
} Hope;

static bool has_so_many(void *context)
{
	const Hope *hope = context;
	has_news(hope->line);
	return hope->line->in_size >= hope->enough || hope->line->ended;
}

enum { TALKERS = 4 };

CHECK(server, keeps_what_each_caller_says_apart, 6, "keeps apart what comes from several callers in pieces",
      "Where is the beginning of Alice's frame kept while Bob's comes in?",
      "Each call needs a buffer of its own, and counts of its own: nothing static, nothing shared.",
      "struct call { size_t have; char buffer[4 + FRAME_MAX]; }, one for each call; or the stack of its own thread.")
{
	Party *server = a_server();
	Line *line[TALKERS];
	Speech speech[TALKERS] = {0};
	char text[16];
	size_t said[TALKERS] = {0}, all = 0;
	for (int i = 0; i < TALKERS; i++) {
		line[i] = dial(server);
		exchange_meanwhile(line[i], question(i));
		snprintf(text, sizeof text, "%c%.*s", 'a' + i, i, "first");
		speech_frame(&speech[i], text, strlen(text));
		snprintf(text, sizeof text, "%.*s%c", TALKERS - 1 - i, "second", 'a' + i);
		speech_frame(&speech[i], text, strlen(text));
		all += speech[i].size;
	}
	story_add("four callers say two frames each, in turn, some bytes at a time");
	for (size_t turn = 0; all > 0; turn++) {
		int i = (int)(turn % TALKERS);
		/* Pieces of 1, 2, 3 bytes: the ends of headers and frames fall everywhere. */
		size_t piece = turn % 3 + 1, left = speech[i].size - said[i];
		piece = piece < left ? piece : left;
		transmit(line[i], speech[i].bytes + said[i], piece);
		let_them_read(line[i]);
		said[i] += piece;
		all -= piece;
	}
	for (int i = 0; i < TALKERS; i++) {
		size_t size = speech[i].size;
		upper_bytes((char *)speech[i].bytes, size);
		party_watch(has_so_many, &(Hope){line[i], size}, WATCH_PATIENT, line[i]->fd);
		if (line[i]->in_size > 0 &&
		    (line[i]->in_size < size || memcmp(line[i]->in, speech[i].bytes, size) != 0)) {
			story_bytes("the answers", speech[i].bytes, size, line[i]->in, line[i]->in_size);
			story_fail("mixes_up_callers", server,
			           "%s should hear the answers to what he said, and to that alone.", line[i]->who);
		}
		hear_bytes(line[i], speech[i].bytes, size);
		speech_free(&speech[i]);
	}
}
END_CHECK

/* --- who is gone, and what is left --- */

typedef struct {
	int zombies, threads, processes, descriptors;
	size_t memory;
} Holdings;

static Holdings holdings_now(void)
{
	party_watch(NULL, NULL, 0, -1);
	const TaskList *list = &room_now()->scene.tasks;
	Holdings h = {.processes = (int)list->processes};
	for (size_t i = 0; i < list->count; i++) {
		const Task *t = &list->task[i];
		h.zombies += t->state == 'Z' && t->pid == t->tid;
		h.threads += t->state != 'Z';
	}
	for (size_t i = 0; i < list->processes; i++) {
		int n = tasks_descriptors(list->process[i], false);
		h.descriptors += n > 0 ? n : 0;
		h.memory += tasks_private_bytes(list->process[i]);
	}
	h.processes -= h.zombies;
	return h;
}

/* Twenty more, who go while the server itself is stopped (its children are not): it hears of all of them at once. */
static void all_leave_at_once(Party *server)
{
	enum { CALLERS = 20 };
	Line *line[CALLERS];
	for (int i = 0; i < CALLERS; i++) {
		line[i] = dial(server);
		exchange_meanwhile(line[i], question(i));
	}
	party_signal(server, SIGSTOP);
	story_add("the server is stopped");
	party_watch(NULL, NULL, 0, -1);
	for (int i = 0; i < CALLERS; i++)
		hang_up(line[i]);
	party_watch(NULL, NULL, 0, -1);
	party_signal(server, SIGCONT);
	story_add("it goes on");
}

/* Twenty at once, who take their leave in four ways. */
static void a_wave(Party *server)
{
	enum { CALLERS = 20 };
	Line *line[CALLERS];
	for (int i = 0; i < CALLERS; i++) {
		line[i] = dial(server);
		if (i % 4 != 3)
			exchange_meanwhile(line[i], question(i));
	}
	for (int i = 0; i < CALLERS; i++) {
		if (i % 4 == 1) {
			reset_call(line[i]);
			continue;
		}
		if (i % 4 == 2) {
			half_close(line[i]);
			hear_hang_up(line[i]);
		}
		hang_up(line[i]);
	}
}

CHECK(
    server, leaves_nothing_behind_after_200_callers, 6,
    "has no zombie, thread or descriptor left when 200 callers have gone",
    "What did each call take: a child, a thread, a descriptor, memory? Who gives it back, and when?",
    "A child must be waited for even if nobody rings any more; a thread detached or joined; a descriptor closed on every "
    "way out.",
    "SIGCHLD: while (waitpid(-1, NULL, WNOHANG) > 0); pthread_detach(); close(call) after a hang-up and a reset alike.")
{
	enum { WAVES = 10, SLACK = 4, BYTES_A_CALLER = 2000, STRETCHES = 4 };
	Party *server = a_server();
	Line *first = dial(server);
	exchange(first, "i am the first");
	hang_up(first);
	/* What is taken once, for the first caller, may stay. */
	Holdings before = holdings_now(), early = {0}, middle = {0};
	for (int i = 1; i < WAVES; i++) {
		a_wave(server);
		if (i == 2)
			early = holdings_now();
		if (i == WAVES / 2 + 1)
			middle = holdings_now();
	}
	all_leave_at_once(server);
	Holdings after = holdings_now();
	const char *who = server->who;
	if (after.zombies > 0)
		story_fail(
		    "leaves_zombies", server,
		    "200 callers have come and gone, and %d children of the %s that have ended were never waited for.",
		    after.zombies, who);
	if (after.processes > before.processes)
		story_fail("leaves_process_behind", server,
		           "200 callers have come and gone, and the %s consists of %d processes, before it was %d.",
		           who, after.processes, before.processes);
	if (after.threads > before.threads + SLACK)
		story_fail("leaks_threads", server,
		           "200 callers have come and gone, and the %s has %d threads, before it had %d.", who,
		           after.threads, before.threads);
	if (after.descriptors > before.descriptors + SLACK)
		story_fail("leaks_descriptor", server,
		           "200 callers have come and gone, and the %s holds %d descriptors, before it held %d.", who,
		           after.descriptors, before.descriptors);
	/* What grows as much in each stretch as in the one before grows for ever: common.c, leaves_nothing_behind(). */
	const size_t much = 20 * (WAVES / 2 - 1) * BYTES_A_CALLER;
	for (int stretch = 1; common_grows(early.memory, middle.memory, after.memory, much); stretch++) {
		if (stretch == STRETCHES)
			story_fail(
			    "leaks_memory", server,
			    "the memory of the %s grows and grows: %zu KiB, %zu after 80 more callers, %zu after as many again.",
			    who, early.memory / 1024, middle.memory / 1024, after.memory / 1024);
		for (int i = 0; i < WAVES / 2 - 1; i++)
			a_wave(server);
		early = middle;
		middle = after;
		after = holdings_now();
	}
	story_add("200 callers later it holds no more than before");
}
END_CHECK

/* --- who does the work: from /proc and the kernel's table of sockets --- */

static pid_t parent_of(pid_t pid)
{
	char path[32], text[256] = "";
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *file = fopen(path, "r");
	size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
	const char *rest = n > 0 ? strrchr(text, ')') : NULL;
	int parent = 0;
	if (file != NULL)
		fclose(file);
	return rest != NULL && sscanf(rest, ") %*c %d", &parent) == 1 ? parent : 0;
}

typedef struct {
	int phones, calls; /* descriptors of each kind */
} Held;

static Held held_by(pid_t pid)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	Held held = {0};
	DIR *folder = opendir(path);
	for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
		uint64_t inode =
		    isdigit((unsigned char)entry->d_name[0]) ? tasks_socket_inode(pid, atoi(entry->d_name)) : 0;
		const Socket *s = sockets_by_inode(&room_now()->scene.sockets, inode);
		held.phones += s != NULL && s->state == TCP_LISTEN;
		held.calls += s != NULL && s->state != TCP_LISTEN;
	}
	if (folder != NULL)
		closedir(folder);
	return held;
}

/* The process at the phone. The program may have been started by another one (a shell, say); and a child that has not put the
 * phone away is not it: its parent has it too. */
static pid_t who_picks_up(Party *server)
{
	const TaskList *list = &room_now()->scene.tasks;
	for (size_t i = 0; i < list->processes; i++)
		if (held_by(list->process[i]).phones > 0 && held_by(parent_of(list->process[i])).phones == 0)
			return list->process[i];
	return server->pid;
}

static int children_of(pid_t parent, pid_t *children, int most)
{
	const TaskList *list = &room_now()->scene.tasks;
	int count = 0;
	for (size_t i = 0; i < list->processes && count < most; i++)
		if (parent_of(list->process[i]) == parent)
			children[count++] = list->process[i];
	return count;
}

static int threads_of(pid_t pid)
{
	const TaskList *list = &room_now()->scene.tasks;
	int count = 0;
	for (size_t i = 0; i < list->count; i++)
		count += list->task[i].pid == pid && list->task[i].state != 'Z';
	return count;
}

/* So many more callers, each of whom has been answered and stays on the line; the room is still. */
static void callers_stay(Party *server, int count)
{
	for (int i = 0; i < count; i++)
		exchange_meanwhile(dial(server), question(i));
	party_watch(NULL, NULL, 0, -1);
}

enum { SOME = 3, MOST_CHILDREN = 64 };

CHECK(server_fork, has_one_child_for_each_call, 6, "has one direct child for each call",
      "How many processes should there be when three callers are on the line?",
      "Four: the one that picks up, and a child for each call, which serves it and then ends.",
      "if ((child = fork()) == 0) { close(phone); talk(call); exit(0); } — after each accept(), and nowhere else.")
{
	pid_t children[MOST_CHILDREN];
	Party *server = a_server();
	callers_stay(server, SOME);
	pid_t parent = who_picks_up(server);
	int count = children_of(parent, children, MOST_CHILDREN);
	int processes = (int)room_now()->scene.tasks.processes, outside = 0;
	for (pid_t above = parent; above != server->pid && above > 1; above = parent_of(above))
		outside++;
	if (count != SOME)
		story_fail("not_one_child_a_call", server,
		           "%d callers are on the line, and the process that picks up has %d child%s.", SOME, count,
		           count == 1 ? "" : "ren");
	if (processes - outside != 1 + SOME)
		story_fail("not_one_child_a_call", server, "%d callers are on the line, and there are %d processes.",
		           SOME, processes - outside);
	story_add("%d callers, %d children", SOME, count);
}
END_CHECK

CHECK(server_fork, the_child_puts_the_phone_away, 4, "closes the listening socket in the child",
      "After fork(), how many processes hold the socket that listens?",
      "Two. As long as one child has it, the number is taken, even if the server itself is gone.",
      "In the child, first of all: close(phone).")
{
	pid_t children[MOST_CHILDREN];
	Party *server = a_server();
	callers_stay(server, SOME);
	int count = children_of(who_picks_up(server), children, MOST_CHILDREN);
	for (int i = 0; i < count; i++)
		if (held_by(children[i]).phones > 0)
			story_fail("child_keeps_the_phone", server,
			           "a child that serves a call holds the listening socket as well.");
	story_add("%d children, and none of them holds the phone", count);
}
END_CHECK

CHECK(
    server_fork, the_parent_puts_the_call_away, 4, "closes the call in the parent",
    "After fork(), how many processes hold the call?",
    "Two. The caller hears of no hang-up until both have closed it; and the parent's descriptors are used up one by one.",
    "In the parent, behind fork(): close(call).")
{
	Party *server = a_server();
	callers_stay(server, SOME);
	Held held = held_by(who_picks_up(server));
	if (held.calls > 0)
		story_fail("parent_keeps_the_call", server,
		           "%d callers are on the line, and the process that picks up holds %d of their calls as well.",
		           SOME, held.calls);
	story_add("the process at the phone holds no call");
}
END_CHECK

/* The parent alone is stopped, so that all the children end before it can hear of any. */
CHECK(server_fork, sees_off_children_that_end_together, 4, "leaves no zombie when twenty children end at the same time",
      "Twenty children end while the parent cannot be interrupted. How many SIGCHLD does it get then?",
      "One: a signal is pending or it is not. Who asks once for each signal leaves nineteen behind.",
      "while (waitpid(-1, NULL, WNOHANG) > 0); — until there is nobody more to be seen off.")
{
	Party *server = a_server();
	all_leave_at_once(server);
	Holdings after = holdings_now();
	if (after.zombies > 0)
		story_fail("leaves_zombies", server,
		           "twenty children have ended at the same time, and %d of them were never waited for.",
		           after.zombies);
	exchange_meanwhile(dial(server), "are you there?");
}
END_CHECK

CHECK(server_thread, has_one_thread_for_each_call, 8, "has one thread for each call, and no children",
      "How many threads should there be when three callers are on the line?",
      "One that picks up, and one more for each call, all in the same process.",
      "pthread_create(&thread, NULL, talk, …) after each accept(), and pthread_detach(thread).")
{
	Party *server = a_server();
	callers_stay(server, SOME);
	pid_t pid = who_picks_up(server);
	int few = threads_of(pid);
	callers_stay(server, SOME);
	int more = threads_of(pid);
	pid_t children[MOST_CHILDREN];
	if (children_of(pid, children, MOST_CHILDREN) > 0)
		story_fail("not_one_thread_a_call", server, "the %s has children, and should have threads.",
		           server->who);
	if (more - few != SOME || few <= SOME)
		story_fail("not_one_thread_a_call", server,
		           "with %d callers on the line the %s has %d threads, with %d it has %d.", SOME, server->who,
		           few, 2 * SOME, more);
	story_add("%d callers, %d threads; %d callers, %d threads", SOME, few, 2 * SOME, more);
}
END_CHECK

CHECK(server_poll, is_one_process_with_one_thread, 6, "is one process with one thread, however many callers there are",
      "Who waits for the callers, if not a child or a thread for each?",
      "poll() waits for all of them at once, and says which has news.",
      "poll(polled, count, -1), then recv(…, MSG_DONTWAIT) on those whose revents are not 0.")
{
	Party *server = a_server();
	callers_stay(server, 2 * SOME);
	pid_t pid = who_picks_up(server), children[MOST_CHILDREN];
	int count = children_of(pid, children, MOST_CHILDREN), threads = threads_of(pid);
	if (count > 0 || threads != 1)
		story_fail("more_than_one_thread", server,
		           "%d callers are on the line, and the %s has %d thread%s and %d child%s.", 2 * SOME,
		           server->who, threads, threads == 1 ? "" : "s", count, count == 1 ? "" : "ren");
	story_add("%d callers, one thread", 2 * SOME);
}
END_CHECK

/* --- a caller who does not read --- */

enum { PAYLOAD = 8192, MOST_FRAMES = 200 };

/* The frame that he says as his n-th. */
static void greedy_frame(unsigned char frame[FRAME_HEADER + PAYLOAD], size_t n)
{
	frame_header(frame, PAYLOAD);
	for (size_t i = 0; i < PAYLOAD; i++)
		frame[FRAME_HEADER + i] = (unsigned char)('a' + (i / 26 + i + n) % 26);
}

static bool can_take(void *line)
{
	struct pollfd look = {.fd = ((Line *)line)->fd, .events = POLLOUT};
	return poll(&look, 1, 0) == 1;
}

/* Says these bytes as far as they can be said; what is left of them. */
static size_t push(Line *line, const unsigned char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = send(line->fd, bytes, size, MSG_NOSIGNAL);
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			story_fail("hangs_up_early", line->party,
			           "the %s should stay on the line with %s, who does not read yet.", line->party->who,
			           line->who);
		if (n == -1 && errno == EAGAIN && party_watch(can_take, line, 0, line->fd) != WATCH_DONE)
			return size;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

typedef struct {
	Line *line;
	size_t frames, left; /* how many he has begun to say, and how many bytes of the last are still to be said */
} Greedy;

/* What he has said lies with the server, unread. */
static bool is_left_unread(const Line *line)
{
	party_watch(NULL, NULL, 0, -1);
	const SocketList *list = &room_now()->scene.sockets;
	for (size_t i = 0; i < list->count; i++)
		if (list->socket[i].port == line->remote_port && list->socket[i].remote_port == line->port)
			return list->socket[i].rqueue > 0;
	return false;
}

/* A caller who asks until nobody listens to him any more, and reads nothing. Who keeps all of his answers in memory
 * listens on; so there is an end to his questions. */
static Greedy a_caller_who_does_not_read(Party *server, bool to_the_last)
{
	unsigned char frame[FRAME_HEADER + PAYLOAD];
	keep_buffers_small(true);
	Greedy greedy = {.line = dial(server)};
	keep_buffers_small(false);
	greedy.line->deaf = true;
	while (greedy.left == 0 && greedy.frames < MOST_FRAMES) {
		/* He may stop before his own buffer is full: then the end of what he says gets through to the server. */
		if (!to_the_last && greedy.frames % 4 == 3 && is_left_unread(greedy.line))
			break;
		greedy_frame(frame, greedy.frames++);
		greedy.left = push(greedy.line, frame, sizeof frame);
	}
	story_add("%s says frame after frame of %d bytes, %zu of them, and reads no answer", greedy.line->who, PAYLOAD,
	          greedy.frames);
	return greedy;
}

/* Now he says what is left, and reads. */
static void reads_all_answers(Greedy *greedy, bool half_closed)
{
	unsigned char frame[FRAME_HEADER + PAYLOAD];
	Line *line = greedy->line;
	const char *who = line->party->who;
	line->deaf = false;
	greedy_frame(frame, greedy->frames - 1);
	transmit(line, frame + sizeof frame - greedy->left, greedy->left);
	if (half_closed) {
		half_close(line);
		party_watch(NULL, NULL, 0, -1); /* whatever the server makes of it, it has done now */
	}
	story_add("now %s reads", line->who);
	Hope hope = {.line = line, .enough = greedy->frames * sizeof frame};
	Outcome outcome = party_watch(has_so_many, &hope, WATCH_PATIENT, line->fd);
	for (size_t n = 0; n < greedy->frames; n++) {
		size_t at = n * sizeof frame;
		if (line->in_size < at + sizeof frame)
			story_fail_watch(
			    outcome, "loses_answers", line->party,
			    "%s has asked %zu times, and the %s should answer every time; only %zu answers came",
			    line->who, greedy->frames, who, n);
		greedy_frame(frame, n);
		upper_bytes((char *)frame, sizeof frame);
		if (memcmp(line->in + at, frame, sizeof frame) == 0)
			continue;
		story_bytes("the answer", frame, sizeof frame, line->in + at, sizeof frame);
		story_fail("loses_answers", line->party,
		           "the answers to %s should come whole and in order; the %zuth does not.", line->who, n + 1);
	}
	line->in_size -= hope.enough;
	story_add("%s hears all the %zu answers", line->who, greedy->frames);
	if (half_closed)
		hear_hang_up(line);
	else
		exchange(line, "and one more");
	rests(line->party);
}

CHECK(server_poll, a_caller_who_does_not_read_delays_nobody, 6, "lets nobody wait for a caller who does not read",
      "What does send() do when the other side's buffers are full?",
      "It waits until there is room, and everybody else with it. With MSG_DONTWAIT it says EAGAIN, or takes a part.",
      "send(…, MSG_DONTWAIT | MSG_NOSIGNAL); keep what is left, and ask poll() for POLLOUT on this call.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	exchange(alice, "i am here");
	Greedy greedy = a_caller_who_does_not_read(server, true);
	say_frame_text(alice, "am i forgotten?");
	hear_meanwhile(alice, "am i forgotten?", "another caller does not read his answers");
	Line *carol = dial(server);
	say_frame_text(carol, "may i?");
	hear_meanwhile(carol, "may i?", "another caller does not read his answers");
	/* Gone without having read anything: nobody's trouble but his. */
	reset_call(greedy.line);
	exchange(alice, "still here?");
}
END_CHECK

CHECK(server_poll, who_reads_late_gets_every_answer, 6, "keeps every answer for a caller who reads late",
      "send() took 5000 of 8196 bytes. Where are the others?",
      "With you. The rest of an answer is kept with its call, until poll() says POLLOUT; and so is how much has gone.",
      "n = send(fd, buffer + sent, ready - sent, MSG_DONTWAIT | MSG_NOSIGNAL); sent += n; — until sent == ready.")
{
	Party *server = a_server();
	Greedy greedy = a_caller_who_does_not_read(server, true);
	rests(server);
	reads_all_answers(&greedy, false);
}
END_CHECK

CHECK(server_poll, who_reads_late_gets_every_answer_after_a_half_close, 5,
      "keeps every answer for a caller who has done with speaking and reads late",
      "recv() says 0: has the caller gone?", "He has done with speaking, and may well be listening still.",
      "What was asked before the end is answered before close(): read only where no answer is left to send.")
{
	Party *server = a_server();
	Greedy greedy = a_caller_who_does_not_read(server, false);
	rests(server);
	reads_all_answers(&greedy, true);
}
END_CHECK

/* --- each of the three is asked what a server is asked --- */

static const char *const programs[] = {"server_fork", "server_thread", "server_poll", "client", NULL};
enum { SERVERS = 3 };

/* With the points that they are worth here. The program has been through labs 05 to 09: what is not about many callers
 * is asked once more, for it is written anew, but briefly. */
typedef struct {
	const CheckInfo *check;
	int points;
} Share;

static const Share of_each[] = {
    {&server_a_silent_caller_keeps_nobody_waiting, 4},
    {&server_answers_200_callers_at_once, 4},
    {&server_a_reset_costs_nobody_else_anything, 2},
    {&server_leaves_nothing_behind_after_200_callers, 4},
    {&server_keeps_what_each_caller_says_apart, 2},
    {&server_answers_frames_however_they_come, 2},
    {&server_answers_the_empty_frame, 1},
    {&server_takes_a_frame_of_65536_bytes, 1},
    {&server_hangs_up_on_a_length_over_65536, 1},
    {&server_takes_no_memory_for_a_false_length, 1},
    {&server_does_not_answer_an_end_inside_a_header, 1},
    {&server_does_not_answer_an_end_inside_a_payload, 1},
    {&server_answers_frames_after_a_half_close, 1},
    {&server_hangs_up_when_the_caller_does, 1},
    {&server_survives_a_caller_gone_before_the_answer, 2},
    {&server_leaves_nothing_behind_after_300_messages, 1},
    {&server_keeps_every_other_byte, 1},
    {&server_waits_for_the_caller, 1},
    {&server_prints_what_it_hears, 1},
    {&server_prints_each_frame_whole, 1},
    {&server_binds_loopback_only, 1},
    {&server_default_port_is_9000, 1},
    {&server_says_that_the_port_is_taken, 1},
    {&server_wrong_usage_exits_2, 1},
    {&server_is_clean_under_sanitizers, 1},
};
static const Share of_one[] = {
    {&server_fork_has_one_child_for_each_call, 4},
    {&server_fork_the_child_puts_the_phone_away, 2},
    {&server_fork_the_parent_puts_the_call_away, 2},
    {&server_fork_sees_off_children_that_end_together, 2},
    {&server_thread_has_one_thread_for_each_call, 4},
    {&server_poll_is_one_process_with_one_thread, 4},
    {&server_poll_a_caller_who_does_not_read_delays_nobody, 4},
    {&server_poll_who_reads_late_gets_every_answer, 3},
    {&server_poll_who_reads_late_gets_every_answer_after_a_half_close, 3},
};
/* The client is lab 09's. */
static const CheckInfo *const of_the_client[] = {FRAME_CLIENT_CHECKS, &client_says_that_nobody_answers,
                                                 &client_calls_the_host_it_is_given, &client_default_address,
                                                 &client_wrong_usage_exits_2};

enum {
	EACH = sizeof of_each / sizeof *of_each,
	ONE = sizeof of_one / sizeof *of_one,
	CLIENT = sizeof of_the_client / sizeof *of_the_client,
	ALL = SERVERS * EACH + ONE + CLIENT,
};
static CheckInfo copies[ALL];
static const CheckInfo *checks[ALL + 1];

static void ask(const CheckInfo *check, const char *program, int points)
{
	static size_t count;
	copies[count] = *check;
	copies[count].program = program;
	copies[count].points = points;
	checks[count] = &copies[count];
	count++;
}

/* Before main(), for a lab is there from the start. */
__attribute__((constructor)) static void ask_each_of_the_three(void)
{
	for (int s = 0; s < SERVERS; s++) {
		ask(of_each[0].check, programs[s], of_each[0].points);
		/* What is its own comes behind the first: a starter fails both. */
		for (size_t i = 0; i < ONE; i++)
			if (strcmp(of_one[i].check->program, programs[s]) == 0)
				ask(of_one[i].check, programs[s], of_one[i].points);
		for (size_t i = 1; i < EACH; i++)
			ask(of_each[i].check, programs[s], of_each[i].points);
	}
	for (size_t i = 0; i < CLIENT; i++)
		ask(of_the_client[i], "client", 1);
}

const Lab lab13 = {13, "many-callers", programs, checks};
