#define _GNU_SOURCE
#include "checks/start.h"

#include "checks/common.h"
#include "checks/transfer.h"
#include "observe/calls.h"

#include "program/files.h"
#include "program/trouble.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char sanitizers[] =
    "ASAN_OPTIONS=detect_leaks=1:exitcode=99:abort_on_error=0:color=never:detect_stack_use_after_return=1";

const char *port_text(in_port_t port)
{
	static char texts[8][8];
	static unsigned next;
	char *text = texts[next++ % 8];
	snprintf(text, sizeof texts[0], "%u", port);
	return text;
}

/* What the room has to show: what the command needs, the command's own files (who may read them decides as whom it runs),
 * and the sanitized program. */
static void open_room(void)
{
	enum { MOST = 64 };
	char *visible[MOST + 1];
	size_t count = 0;
	for (char **path = subject_now->visible; path != NULL && *path != NULL && count < MOST / 2; path++)
		visible[count++] = *path;
	for (char **word = subject_now->argv; word != NULL && *word != NULL && count < MOST - 1; word++)
		if ((*word)[0] == '/' && access(*word, F_OK) == 0)
			visible[count++] = *word;
	if (subject_now->sanitized != NULL)
		visible[count++] = subject_now->sanitized;
	visible[count] = NULL;
	room_open(visible);
	if (lab_now->number == 12)
		secret_room();
	if (is_transfer())
		letter_room();
}

static void tell_start(const char *const *arguments)
{
	char line[256];
	int n = snprintf(line, sizeof line, "started: %s", subject_now->name);
	for (; arguments != NULL && *arguments != NULL && n < (int)sizeof line; arguments++)
		n += snprintf(line + n, sizeof line - (size_t)n, " %.60s%s", *arguments,
		              strlen(*arguments) > 60 ? "…" : "");
	story_add("%s", line);
}

Party *the_program(StartAs as, const char *const *arguments)
{
	if (room_now() == NULL)
		open_room();
	char *const sanitized[] = {subject_now->sanitized, NULL};
	if (as.sanitized)
		as.environment = sanitizers;
	tell_start(arguments);
	Party *party = party_start(subject_now->name, as.sanitized ? sanitized : subject_now->argv, arguments, as);
	party->sources = subject_now->shown; /* how the compiler was told to name them */
	party->shown = subject_now->shown;
	if (crash_watch_now && !as.sanitized)
		party_watch_for_crash(party);
	return party;
}

/* The answers to one question about listening sockets of AF_UNIX: is one of them the file at that path? */
static bool is_among(const char *answers, size_t left, const struct stat *there, bool *end)
{
	for (const struct nlmsghdr *h = (const struct nlmsghdr *)answers; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		const struct unix_diag_msg *m = NLMSG_DATA(h);
		*end = *end || h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR;
		unsigned rest = *end ? 0 : h->nlmsg_len - NLMSG_LENGTH(sizeof *m);
		for (const struct rtattr *a = (const struct rtattr *)(m + 1); RTA_OK(a, rest); a = RTA_NEXT(a, rest)) {
			const struct unix_diag_vfs *file = RTA_DATA(a);
			if (a->rta_type == UNIX_DIAG_VFS && file->udiag_vfs_ino == (uint32_t)there->st_ino)
				return true;
		}
	}
	return false;
}

/* By the file and not by its name: the program may have bound it under another, and renamed it. */
bool path_has_listener(const char *name)
{
	struct stat there;
	if (stat(room_file(name), &there) == -1 || !S_ISSOCK(there.st_mode))
		return false;
	struct {
		struct nlmsghdr head;
		struct unix_diag_req request;
	} message = {
	    .head = {.nlmsg_len = sizeof message,
	             .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	             .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	    .request = {.sdiag_family = AF_UNIX, .udiag_states = 1U << TCP_LISTEN, .udiag_show = UDIAG_SHOW_VFS}};
	int diag = sockets_open();
	bool end = diag == -1 || send(diag, &message, sizeof message, 0) == -1, found = false;
	while (!end) {
		_Alignas(struct nlmsghdr) char answers[16384];
		ssize_t n = recv(diag, answers, sizeof answers, 0);
		end = n <= 0;
		found = (n > 0 && is_among(answers, (size_t)n, &there, &end)) || found;
	}
	if (diag != -1)
		close(diag);
	return found;
}

const char *path_text(const char *name)
{
	static char texts[4][192];
	static unsigned next;
	char *text = texts[next++ % 4];
	if (room_now() == NULL)
		open_room();
	snprintf(text, sizeof texts[0], "%s/%s", room_now()->folder, name);
	return text;
}

/* What the lab's section wants behind the address. A time is a long one: checks of their own make it short. */
static const char *last_argument(void)
{
	return lab_now->number == 16 ? "60000" : lab_now->number == 12 ? "key" : NULL;
}

const char *const *server_line(in_port_t port)
{
	static const char *line[4];
	line[0] = lab_now->number == 15 ? path_text("intercom") : port_text(port);
	line[1] = is_transfer() ? "letter" : last_argument();
	line[2] = lab_now->number == 12 ? "60000" : NULL;
	return line;
}

const char *const *client_line(const char *host, in_port_t port)
{
	static const char *line[4];
	line[0] = lab_now->number == 15 ? path_text("intercom") : host;
	line[1] = lab_now->number == 15 ? NULL : port_text(port);
	line[2] = lab_now->number == 14 ? "alice" : last_argument();
	return line;
}

static bool is_listening(void *context)
{
	const Party *server = context;
	static SocketList listeners;
	if (server->path[0] != '\0')
		return path_has_listener(server->path);
	return sockets_look_for_listeners(room_now()->scene.diag, &listeners) &&
	       sockets_listener(&listeners, server->port) != NULL;
}

void fails_if_port_is_swapped(Party *server)
{
	in_port_t swapped = htons(server->port);
	if (swapped != server->port && sockets_listener(&room_now()->scene.sockets, swapped) != NULL)
		story_fail(
		    "port_byte_order", server,
		    "the server should listen on port %u, but it listens on %u: the same two bytes the other way round.",
		    server->port, swapped);
}

/* It listens, but not where it should. */
static void fail_if_elsewhere(Party *server)
{
	const SocketList *list = &room_now()->scene.sockets;
	fails_if_port_is_swapped(server);
	for (size_t i = 0; i < list->count; i++)
		if (sockets_listens(&list->socket[i]))
			story_fail("listens_on_wrong_port", server,
			           "the server should listen on port %u, but it listens on %u.", server->port,
			           list->socket[i].port);
}

void is_up(Party *server)
{
	Outcome outcome = party_watch(is_listening, server, WATCH_PATIENT | WATCH_START, -1);
	if (outcome == WATCH_DONE) {
		server->serves = lab_now->number >= 5;
		return;
	}
	if (server->path[0] != '\0')
		story_fail_watch(outcome, "does_not_listen", server, "the server should listen at the path %s",
		                 server->path);
	if (!server->ended)
		fail_if_elsewhere(server);
	story_fail_watch(outcome, "does_not_listen", server, "the server should listen on port %u", server->port);
}

void is_up_again(Party *server)
{
	Outcome outcome = party_watch(is_listening, server, WATCH_PATIENT | WATCH_START, -1);
	if (outcome == WATCH_DONE)
		return;
	if (server->ended && complains(server, "Address already in use"))
		story_fail("no_reuseaddr", server,
		           "the server should start again at once, but bind() refuses port %u: Address already in use.",
		           server->port);
	is_up(server);
}

/* It waits at the keyboard, or in poll() and the like, where the keyboard may be one of several. */
static bool may_wait_for_input(const Task *task)
{
	static const char *const several[] = {"poll", "ppoll", "select", "epoll_wait", NULL};
	if (calls_descriptor(task) == 0)
		return true;
	for (const char *const *name = several; task->in_call && *name != NULL; name++)
		if (strcmp(calls_name(task->call), *name) == 0)
			return true;
	return false;
}

bool waits_on_a_call(const Party *party)
{
	const Scene *scene = &room_now()->scene;
	bool found = false;
	for (size_t i = 0; i < scene->tasks.count; i++) {
		const Task *t = &scene->tasks.task[i];
		if (t->pid != party->pid)
			continue;
		if (may_wait_for_input(t))
			return false;
		int fd = calls_descriptor(t);
		const Socket *s = fd < 0 ? NULL : sockets_by_inode(&scene->sockets, tasks_socket_inode(t->pid, fd));
		found = found || (s != NULL && s->state != TCP_LISTEN);
	}
	return found;
}

Party *a_server_on(in_port_t port, StartAs as)
{
	Party *server = the_program(as, server_line(port));
	if (lab_now->number == 15)
		snprintf(server->path, sizeof server->path, "intercom");
	else
		server->port = port;
	is_up(server);
	return server;
}

Party *a_server(void)
{
	if (room_now() == NULL)
		open_room();
	return a_server_on(room_port(), (StartAs){0});
}

Party *a_server_at_a_terminal(void)
{
	if (room_now() == NULL)
		open_room();
	return a_server_on(room_port(), (StartAs){.input = INPUT_TERMINAL});
}

Party *a_crowded_server(void)
{
	if (room_now() == NULL)
		open_room();
	return a_server_on(room_port(), (StartAs){.crowded = true});
}

Party *a_sanitized_server(void)
{
	if (room_now() == NULL)
		open_room();
	story_before_failing(is_clean);
	return a_server_on(room_port(), (StartAs){.sanitized = true});
}

Phone *a_phone_at(in_port_t port)
{
	if (room_now() == NULL)
		open_room();
	return phone_on(port);
}

Phone *a_phone_elsewhere(const char *host)
{
	if (room_now() == NULL)
		open_room();
	return phone_on_host(host, 0);
}

Phone *a_phone(void)
{
	if (room_now() == NULL)
		open_room();
	return lab_now->number == 15 ? phone_at_path("intercom") : phone_on(0);
}

Party *a_sanitized_client(Line **line, const char *message)
{
	Phone *phone = a_phone();
	story_before_failing(is_clean);
	const char *const said[] = {"127.0.0.1", port_text(phone->port), message, NULL};
	Party *client =
	    the_program((StartAs){.sanitized = true}, message != NULL ? said : client_line("127.0.0.1", phone->port));
	client->port = phone->port;
	*line = answer(phone, client);
	return client;
}

Party *a_client(Phone *phone, StartAs as)
{
	Party *client = the_program(as, client_line("127.0.0.1", phone->port));
	client->port = phone->port;
	answer(phone, client);
	return client;
}

static Party *a_client_as(Line **line, StartAs as)
{
	Phone *phone = a_phone();
	Party *client = a_client(phone, as);
	*line = phone->line;
	return client;
}

Party *a_client_at_a_terminal(Line **line)
{
	return a_client_as(line, (StartAs){.input = INPUT_TERMINAL});
}

Party *a_client_in_a_pipe(Line **line)
{
	return a_client_as(line, (StartAs){.input = INPUT_PIPE});
}
