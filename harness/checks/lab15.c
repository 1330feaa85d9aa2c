/*
 * lab15.c: the intercom. A path instead of an address, and who is calling.
 */
#define _GNU_SOURCE
#include "checks/common.h"
#include "checks/start.h"
#include "program/files.h"
#include "program/trouble.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void need(bool done, const char *what)
{
	if (!done)
		trouble("%s: %s", what, strerror(errno));
}

/* The names are common.h's, the command lines are not. */
#define server_wrong_usage_exits_2      server_refuses_a_wrong_line
#define client_wrong_usage_exits_2      client_refuses_a_wrong_line
#define client_says_that_nobody_answers client_says_that_the_socket_is_stale
#define client_notices_a_reset          client_notices_a_reset_at_a_path

/* --- what stands at a path --- */

/* A socket of ours that is the file of this name. Its path may be as long as a name can be: it is bound in the folder itself. */
static int bind_in_the_room(const char *name, bool listens)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int here = open(".", O_PATH | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	need(here != -1 && fd != -1 && strlen(name) < sizeof address.sun_path, "a socket in the room");
	memcpy(address.sun_path, name, strlen(name) + 1);
	need(chdir(room_file("")) == 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
	         chmod(name, 0777) == 0 && (!listens || listen(fd, 8) == 0) && fchdir(here) == 0,
	     "a socket in the room");
	close(here);
	return fd;
}

/* What a server that died has left: the file is there, and nobody listens. */
static void leave_a_stale_socket(const char *name)
{
	close(bind_in_the_room(name, true));
	story_add("a server that died has left the socket %s", name);
}

static Phone *phone_at_long_path(const char *name)
{
	Phone *phone = calloc(1, sizeof *phone);
	need(phone != NULL, "memory");
	*phone = (Phone){.fd = bind_in_the_room(name, true), .swapped = -1};
	snprintf(phone->path, sizeof phone->path, "of %zu bytes", strlen(path_text(name)));
	return phone;
}

/* A name whose absolute path has so many bytes: letters in turn, so that no part of it is like another. */
static const char *name_for_path_of(size_t bytes)
{
	static char name[112 + 40];
	size_t size = bytes - strlen(path_text(""));
	for (size_t i = 0; i < size; i++)
		name[i] = (char)('a' + i % 26);
	name[size] = '\0';
	return name;
}

enum { LONGEST = sizeof((struct sockaddr_un *)NULL)->sun_path - 1 }; /* and a NUL behind it */

typedef struct {
	struct stat stat;
	char target[64]; /* of a link */
	unsigned char *content;
	size_t size;
} Thing;

static Thing look_at(const char *name)
{
	Thing t = {0};
	if (lstat(room_file(name), &t.stat) == -1)
		return t;
	if (S_ISLNK(t.stat.st_mode))
		need(readlink(room_file(name), t.target, sizeof t.target - 1) != -1, "readlink");
	if (S_ISREG(t.stat.st_mode))
		t.content = file_get(name, &t.size);
	return t;
}

static bool same(const Thing *a, const Thing *b)
{
	return a->stat.st_ino == b->stat.st_ino && a->stat.st_mode == b->stat.st_mode && a->size == b->size &&
	       strcmp(a->target, b->target) == 0 && (a->size == 0 || memcmp(a->content, b->content, a->size) == 0);
}

/* A second server at a path that is not free: it must give up, and leave what is there. Returns the server. */
static Party *gives_up_the_path(const char *name, const char *what)
{
	Thing before = look_at(name);
	story_add("at the path there is %s", what);
	Party *server = the_program((StartAs){0}, (const char *const[]){path_text(name), NULL});
	/* Whatever it does about it, it has done now; if it does not end, that is the lesser evil. */
	comes_to_its_end(server);
	Thing after = look_at(name);
	if (!same(&before, &after))
		story_fail("takes_what_is_not_its_own", server,
		           "the server should leave %s at its path as it is, but it %s.", what,
		           after.stat.st_mode == 0                   ? "has removed it"
		           : after.stat.st_ino == before.stat.st_ino ? "has changed it"
		           : S_ISSOCK(after.stat.st_mode)            ? "has put its socket in its place"
		                                                     : "has put something else in its place");
	free(before.content);
	free(after.content);
	has_exited(server, 1, "ignores_bind_failure");
	return server;
}

CHECK(server, wrong_usage_exits_2, 4, "refuses a wrong command line", "How many arguments has this server?",
      "One, the path. It has no default: a server nobody has named a path for cannot know one.",
      "if (argc != 2) { fprintf(stderr, \"usage: server PATH\\n\"); return 2; }")
{
	refuses((const char *const *const[]){(const char *const[]){NULL},
	                                     (const char *const[]){path_text("one"), path_text("two"), NULL}, NULL});
}
END_CHECK

/* --- who calls --- */

/* The number stands there by itself: 12 is not in 123. */
static const char *find_number(const char *line, const char *end, long number)
{
	char text[24];
	snprintf(text, sizeof text, "%ld", number);
	size_t size = strlen(text);
	for (const char *at = line; at + size <= end; at++)
		if (memcmp(at, text, size) == 0 && (at == line || !isdigit((unsigned char)at[-1])) &&
		    (at + size == end || !isdigit((unsigned char)at[size])))
			return at;
	return NULL;
}

static bool has_line_with(const Output *out, long pid, long uid)
{
	for (const char *line = out->size ? out->text : "", *end; *line != '\0'; line = end + (*end != '\0')) {
		end = strchrnul(line, '\n');
		const char *first = find_number(line, end, pid);
		/* Where both are the same number, it stands there twice. */
		const char *from = first != NULL && pid == uid ? first + 1 : line;
		if (first != NULL && find_number(from, end, uid) != NULL)
			return true;
	}
	return false;
}

typedef struct {
	const Party *server;
	long pid, uid;
} Caller;

static bool is_told(void *context)
{
	const Caller *c = context;
	return has_line_with(&c->server->out, c->pid, c->uid) || has_line_with(&c->server->err, c->pid, c->uid);
}

static void tells_of(Party *server, const Line *line)
{
	Caller caller = {server, line->caller_pid, room_is_private() ? room_now()->uid : geteuid()};
	if (party_watch(is_told, &caller, WATCH_PATIENT, -1) != WATCH_DONE) {
		story_bytes("the caller", "", 0, "", 0);
		story_fail("wrong_caller", server,
		           "%s is process %ld of user %ld: the server should print both numbers on one line.",
		           line->who, caller.pid, caller.uid);
	}
	story_add("the server prints that process %ld of user %ld calls", caller.pid, caller.uid);
}

CHECK(server, says_pid_and_uid_of_the_caller, 10, "prints who calls: pid and uid on one line",
      "There is no address that could tell who calls. Who knows it all the same?",
      "The kernel notes at connect() which process it was and whose: getsockopt() with SO_PEERCRED, on the call.",
      "struct ucred who; socklen_t size = sizeof who; getsockopt(call, SOL_SOCKET, SO_PEERCRED, &who, &size);")
{
	Party *server = a_server_at_a_terminal();
	for (int i = 0; i < 2; i++) {
		Line *line = dial(server);
		say_message(line, "hello");
		hear_message(line, "HELLO");
		tells_of(server, line);
		hang_up(line);
	}
}
END_CHECK

/* --- what stands at the path already --- */

CHECK(server, replaces_a_stale_socket, 10, "replaces the socket that a dead server left",
      "What is left of a server that was killed? What does bind() say to it?",
      "The file stays, and bind() gives EADDRINUSE for ever. But connect() to it gives ECONNREFUSED: nobody is there.",
      "After EADDRINUSE: connect() with another socket; if that is refused, unlink() and bind() again.")
{
	path_text("");
	leave_a_stale_socket("intercom");
	Party *server = a_server();
	Line *alice = dial(server);
	say_message(alice, "anybody there?");
	hear_message(alice, "ANYBODY THERE?");
}
END_CHECK

CHECK(server, starts_again_after_it_was_killed, 4, "starts again after it was killed",
      "SIGKILL cannot be caught. Who removes the path then?",
      "Nobody: the next server finds its predecessor's socket, and has to see that nobody answers it.",
      "The same as for any stale socket.")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say_message(alice, "hello");
	hear_message(alice, "HELLO");
	party_kill(server);
	story_add("the server is killed");
	Party *again = a_server();
	Line *bob = dial(again);
	say_message(bob, "hello again");
	hear_message(bob, "HELLO AGAIN");
}
END_CHECK

CHECK(server, says_that_the_path_is_in_use, 10, "says so when another server answers at its path, and leaves it alone",
      "How do you tell a socket that somebody listens on from one that was left behind?",
      "By calling it: connect() succeeds where somebody listens. Such a path is taken, and not yours to remove.",
      "If connect() did not fail with ECONNREFUSED: server: bind: Address already in use, exit(1), and no unlink().")
{
	Party *first = a_server();
	Thing before = look_at("intercom");
	Party *second = the_program((StartAs){0}, server_line(0));
	record_text(second->who, "second server");
	comes_to_its_end(second);
	Thing after = look_at("intercom");
	if (!same(&before, &after))
		story_fail("takes_a_live_path", second,
		           "the second server should leave the path to the first, which is alive, but it %s.",
		           after.stat.st_mode == 0 ? "has removed it" : "has put its own socket there");
	has_exited(second, 1, "ignores_bind_failure");
	if (!complains(second, "Address already in use"))
		story_fail("wrong_error_message", second,
		           "the server should say on stderr: server: bind: Address already in use");
	Line *alice = dial(first);
	say_message(alice, "are you still mine?");
	hear_message(alice, "ARE YOU STILL MINE?");
}
END_CHECK

CHECK(server, leaves_a_file_alone, 8, "leaves alone what is no socket: a file, a folder, a FIFO",
      "What does `unlink(path)` before bind() do if the path is somebody's letter?",
      "It is gone. A server may remove what it knows to be a stale socket, and nothing else.",
      "struct stat s; lstat(path, &s) and S_ISSOCK(s.st_mode), before anything is removed.")
{
	path_text("");
	file_put_text("letter", "dear bob\n");
	gives_up_the_path("letter", "a file");
	file_make_folder("folder");
	gives_up_the_path("folder", "a folder");
	need(mkfifo(room_file("fifo"), 0666) == 0 && chmod(room_file("fifo"), 0666) == 0, "mkfifo");
	gives_up_the_path("fifo", "a FIFO");
}
END_CHECK

CHECK(
    server, leaves_a_symbolic_link_alone, 8, "leaves a symbolic link alone, even one to a stale socket",
    "What does stat() tell of a symbolic link? And lstat()?",
    "stat() tells what the link points at, and so does connect(). unlink() removes the link itself, which is no socket.",
    "lstat() and not stat().")
{
	path_text("");
	leave_a_stale_socket("stale");
	need(symlink("stale", room_file("link")) == 0, "symlink");
	gives_up_the_path("link", "a symbolic link to a stale socket");
	if (!file_is_there("stale"))
		story_fail("takes_what_is_not_its_own", NULL, "the socket behind the link is gone.");
	need(symlink("nowhere", room_file("dangling")) == 0, "symlink");
	gives_up_the_path("dangling", "a symbolic link to nowhere");
}
END_CHECK

/* --- how long a path may be --- */

static void leaves_nothing_in_the_room(Party *party)
{
	char *names = file_list("");
	if (names[0] != '\0')
		story_fail("cuts_the_path", party,
		           "the %s should take the path whole or not at all, but now there is \"%.40s…\" of %zu bytes.",
		           party->who, names, strlen(path_text("")) + strcspn(names, "\n"));
	free(names);
}

CHECK(server, refuses_a_path_that_is_too_long, 6, "refuses a path that is too long, and does not cut it short",
      "How many bytes has sun_path?",
      "108 on Linux, the NUL among them. strncpy() cuts without a word, and the server listens somewhere else.",
      "if (strlen(path) >= sizeof number.sun_path) { errno = ENAMETOOLONG; … exit(1); }")
{
	const size_t sizes[] = {LONGEST + 2, LONGEST + 40};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		const char *name = name_for_path_of(sizes[i]);
		Party *server = the_program((StartAs){0}, (const char *const[]){path_text(name), NULL});
		comes_to_its_end(server);
		leaves_nothing_in_the_room(server);
		has_exited(server, 1, "cuts_the_path");
	}
	/* One that fills sun_path without leaving room for a NUL is taken by the kernel: so whole, or not at all. */
	const char *brim = name_for_path_of(LONGEST + 1);
	Party *server = the_program((StartAs){0}, (const char *const[]){path_text(brim), NULL});
	comes_to_its_end(server);
	if (!server->ended && path_has_listener(brim))
		return;
	leaves_nothing_in_the_room(server);
	has_exited(server, 1, "cuts_the_path");
}
END_CHECK

CHECK(server, takes_a_path_of_107_bytes, 4, "takes a path of 107 bytes", "How many bytes has sun_path?",
      "108 on Linux: 107 and a NUL have room.",
      "Refuse from `strlen(path) >= sizeof number.sun_path` on, and not before.")
{
	const char *name = name_for_path_of(LONGEST);
	Party *server = the_program((StartAs){0}, (const char *const[]){path_text(name), NULL});
	memcpy(server->path, name, strlen(name) + 1);
	is_up(server);
	Line *alice = dial(server);
	say_message(alice, "a long way");
	hear_message(alice, "A LONG WAY");
}
END_CHECK

/* --- the end --- */

static bool is_gone(void *context)
{
	(void)context;
	return !file_is_there("intercom");
}

static void takes_its_path_along(int signal, const char *name)
{
	Party *server = a_server();
	Line *alice = dial(server);
	say_message(alice, "hello");
	hear_message(alice, "HELLO");
	party_watch(NULL, NULL, 0, -1); /* it is ready for a signal when it has come to rest */
	party_signal(server, signal);
	story_add("the server gets %s in the middle of a call", name);
	if (party_watch(is_gone, NULL, WATCH_PATIENT, -1) != WATCH_DONE && file_is_there("intercom"))
		story_fail("leaves_path_behind", server,
		           "the server should remove its path when it gets %s, but it is still there.", name);
	story_add("the path is gone");
}

CHECK(
    server, removes_its_path_on_sigint, 6, "removes its path on SIGINT (Ctrl-C)",
    "What is left at the path when your server has ended?",
    "The file of the socket: unlike a port, it stays until somebody removes it. close() does not.",
    "sigaction(SIGINT, …) with a handler that calls unlink(path) and _exit(); both may be called there (signal-safety(7)).")
{
	takes_its_path_along(SIGINT, "SIGINT");
}
END_CHECK

CHECK(server, removes_its_path_on_sigterm, 6, "removes its path on SIGTERM",
      "Which signal does `kill` send if it is not told another?",
      "SIGTERM: the usual way to ask a server to go. It may be handled just like SIGINT.",
      "The same handler for both signals.")
{
	takes_its_path_along(SIGTERM, "SIGTERM");
}
END_CHECK

/* AF_UNIX knows no RST: the kernel tells of a reset where one closes and leaves something unread. */
CHECK(server, survives_a_caller_who_does_not_listen, 5, "does not mind a caller who leaves without reading the answer",
      "What does recv() return when the caller is gone and has not read everything?",
      "-1 and ECONNRESET, on AF_UNIX too: one caller's trouble, and no reason to go.",
      "n == -1: perror(\"server: recv\"), close(call), and back to accept().")
{
	Party *server = a_server();
	Line *alice = dial(server);
	say_message(alice, "hello");
	party_watch(NULL, NULL, 0, -1); /* the answer is there, and nobody reads it */
	reset_call(alice);
	Line *bob = dial(server);
	say_message(bob, "still there?");
	hear_message(bob, "STILL THERE?");
	hang_up(bob);
}
END_CHECK

/* --- the client --- */

CHECK(client, wrong_usage_exits_2, 4, "refuses a wrong command line", "How many arguments has this client?",
      "One, the path. It has no default.", "if (argc != 2) { fprintf(stderr, \"usage: client PATH\\n\"); return 2; }")
{
	refuses((const char *const *const[]){(const char *const[]){NULL},
	                                     (const char *const[]){path_text("one"), path_text("two"), NULL}, NULL});
}
END_CHECK

CHECK(client, says_that_nobody_answers, 5, "says so when nobody answers at the path, and ends",
      "What does connect() return when the socket is there and its server is not?",
      "-1 and ECONNREFUSED, as with a port that nobody listens on.",
      "if (connect(...) == -1) { perror(\"client: connect\"); exit(1); }")
{
	path_text("");
	leave_a_stale_socket("intercom");
	Party *client = the_program((StartAs){0}, client_line(NULL, 0));
	gives_up(client, "client: connect: Connection refused", "ignores_connect_failure");
}
END_CHECK

CHECK(client, says_that_there_is_no_such_path, 4, "says so when there is no such path, and ends",
      "What does connect() say to a path where nothing is?", "ENOENT: No such file or directory.",
      "if (connect(...) == -1) { perror(\"client: connect\"); exit(1); }")
{
	Party *client = the_program((StartAs){0}, client_line(NULL, 0));
	gives_up(client, "client: connect: No such file or directory", "ignores_connect_failure");
}
END_CHECK

static bool has_called(void *context)
{
	int call = accept4(((Phone *)context)->fd, NULL, NULL, SOCK_CLOEXEC);
	return call != -1;
}

CHECK(client, refuses_a_path_that_is_too_long, 6, "refuses a path that is too long, and calls nobody else",
      "How many bytes has sun_path? Whom does a client call that cuts the path short?",
      "108 on Linux, the NUL among them. What is left after the cut may be somebody else's path.",
      "if (strlen(path) >= sizeof number.sun_path) { errno = ENAMETOOLONG; … exit(1); }")
{
	/* Others are at the paths that would be left after a cut. */
	path_text("");
	const size_t cut[] = {LONGEST, LONGEST - 1};
	const size_t sizes[] = {LONGEST + 1, LONGEST + 2, LONGEST + 40};
	Phone *other[2];
	for (size_t i = 0; i < 2; i++)
		other[i] = phone_at_long_path(name_for_path_of(cut[i]));
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		const char *path = path_text(name_for_path_of(sizes[i]));
		Party *client = the_program((StartAs){0}, (const char *const[]){path, NULL});
		comes_to_its_end(client);
		for (size_t k = 0; k < 2; k++)
			if (has_called(other[k]))
				story_fail(
				    "cuts_the_path", client,
				    "the path has %zu bytes; the client calls another one, which is its first %zu.",
				    sizes[i], cut[k]);
		has_exited(client, 1, "cuts_the_path");
	}
}
END_CHECK

CHECK(client, calls_a_path_of_107_bytes, 4, "calls a path of 107 bytes", "How many bytes has sun_path?",
      "108 on Linux: 107 and a NUL have room.",
      "Refuse from `strlen(path) >= sizeof number.sun_path` on, and not before.")
{
	path_text("");
	const char *name = name_for_path_of(LONGEST);
	Phone *phone = phone_at_long_path(name);
	Party *client = the_program((StartAs){0}, (const char *const[]){path_text(name), NULL});
	answer(phone, client);
}
END_CHECK

/* AF_UNIX knows no RST: the kernel tells of a reset where one closes and has left something unread. */
CHECK(client, notices_a_reset, 5, "notices that the call was reset",
      "What does recv() return when the other side is gone and has not read everything?",
      "-1, and errno is ECONNRESET.", "if (n == -1) { perror(\"client: recv\"); exit(1); }")
{
	Line *server;
	Party *client = a_client_at_a_terminal(&server);
	type_line(client, "are you there?");
	party_watch(NULL, NULL, 0, -1); /* it is said, and nobody hears it */
	reset_call(server);
	has_exited(client, 1, "ignores_hang_up");
	if (!complains_as(client, "Connection reset by peer") && !complains_as(client, "server hung up"))
		story_fail("wrong_error_message", client,
		           "the client should say on stderr: client: recv: Connection reset by peer");
}
END_CHECK

static const CheckInfo *const checks[] = {LINE_SERVER_CHECKS,
                                          &server_survives_a_caller_who_does_not_listen,
                                          &server_says_pid_and_uid_of_the_caller,
                                          &server_replaces_a_stale_socket,
                                          &server_starts_again_after_it_was_killed,
                                          &server_says_that_the_path_is_in_use,
                                          &server_leaves_a_file_alone,
                                          &server_leaves_a_symbolic_link_alone,
                                          &server_refuses_a_path_that_is_too_long,
                                          &server_takes_a_path_of_107_bytes,
                                          &server_removes_its_path_on_sigint,
                                          &server_removes_its_path_on_sigterm,
                                          &server_wrong_usage_exits_2,
                                          LINE_CLIENT_CHECKS,
                                          &client_says_that_nobody_answers,
                                          &client_says_that_there_is_no_such_path,
                                          &client_refuses_a_path_that_is_too_long,
                                          &client_calls_a_path_of_107_bytes,
                                          &client_wrong_usage_exits_2,
                                          NULL};

const Lab lab15 = {15, "intercom", (const char *const[]){"server", "client", NULL}, checks};
