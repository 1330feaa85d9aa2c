/* still_room.c: see still_room.h. */
#include "still_room.h"

#include "observe/calls.h"
#include "program/crew.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

in_port_t port;
int phone = -1;

static char built[64] = "/tmp/still-XXXXXX";

void still_build(void)
{
	static const char *const names[] = {"still_waits", "still_acts"};
	char command[512], message[256];
	if (mkdtemp(built) == NULL || chmod(built, 0755) == -1)
		abort();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(command, sizeof command,
		         "gcc -std=gnu17 -D_GNU_SOURCE= -Wall -Wextra -O0 -g -o %s/%s harness/tests/programs/%s.c "
		         "-lreadline -pthread",
		         built, names[i], names[i]);
		if (system(command) != 0)
			abort();
	}
	if (!room_prepare(message, sizeof message)) {
		fprintf(stderr, "%s\n", message);
		abort();
	}
	/* After a failed test nobody tears down: what it leaves in the shared room comes to us. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void still_unbuild(void)
{
	char command[96];
	sweep();
	room_cleanup();
	snprintf(command, sizeof command, "rm -r %s", built);
	if (system(command) != 0)
		abort();
	memcpy(built + strlen(built) - 6, "XXXXXX", 6); /* for the next suite */
}

void still_enter(void)
{
	char *visible[] = {built, NULL};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	room_open(visible);
	port = room_port();
}

Party *still_start(const char *way, InputKind input)
{
	char program[128], number[16];
	const char *slash = strchr(way, '/');
	snprintf(program, sizeof program, "%s/still_%.*s", built, (int)(slash - way), way);
	snprintf(number, sizeof number, "%u", port);
	char *command[] = {program, NULL};
	const char *arguments[] = {slash + 1, number, NULL};
	Party *party = party_start(slash + 1, command, arguments, (StartAs){.input = input});
	ck_assert_msg(party->start_error == 0, "%s: %s", program, strerror(party->start_error));
	party->port = port;
	return party;
}

static struct sockaddr_in here(void)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

void still_listen(int backlog)
{
	struct sockaddr_in address = here();
	phone = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(phone, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(phone, backlog), 0);
}

int still_unix_listen(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int size = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "still-%u", port);
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, length), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

static bool is_readable(void *fd)
{
	struct pollfd look = {.fd = *(int *)fd, .events = POLLIN};
	return poll(&look, 1, 0) == 1;
}

int still_answer(void)
{
	ck_assert_int_eq(party_watch(is_readable, &phone, WATCH_PATIENT, phone), WATCH_DONE);
	int fd = accept4(phone, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	return fd;
}

int still_call(void)
{
	struct sockaddr_in address = here();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

bool still_said(const Party *party, const char *text)
{
	return party->out.text != NULL && strstr(party->out.text, text) != NULL;
}

int still_in_call(const char *name)
{
	const TaskList *tasks = &room_now()->scene.tasks;
	int count = 0;
	for (size_t i = 0; i < tasks->count; i++)
		count += tasks->task[i].in_call && strcmp(calls_name(tasks->task[i].call), name) == 0;
	return count;
}

const char *still_tell(void)
{
	static char text[2048];
	const Scene *scene = &room_now()->scene;
	size_t used = (size_t)snprintf(text, sizeof text, "after %u looks:", scene->looks);
	for (size_t i = 0; i < scene->tasks.count && used < 900; i++) {
		char call[64];
		used += (size_t)snprintf(text + used, sizeof text - used, " %d %c %s;", scene->tasks.task[i].tid,
		                         scene->tasks.task[i].state, calls_describe(&scene->tasks.task[i], call));
	}
	for (size_t i = 0; i < scene->sockets.count && used < 1900; i++) {
		const Socket *s = &scene->sockets.socket[i];
		used += (size_t)snprintf(text + used, sizeof text - used, " %u-%u %s in %u out %u unsent %u timer %d;",
		                         s->port, s->remote_port, sockets_state_name(s->state), s->rqueue, s->wqueue,
		                         s->unsent, s->timer);
	}
	size_t parties;
	Party *const *party = party_all(&parties);
	for (size_t i = 0; i < parties; i++)
		used += (size_t)snprintf(text + used, used < sizeof text ? sizeof text - used : 0,
		                         " it said \"%.60s\"%s;", party[i]->out.text ? party[i]->out.text : "",
		                         party[i]->err.text ? " and complained" : "");
	return text;
}

void still_keep_busy(void)
{
	for (long core = sysconf(_SC_NPROCESSORS_ONLN); core > 0; core--) {
		pid_t parent = getpid();
		if (fork() != 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (volatile unsigned n = 0; getppid() == parent;)
			while (++n % 1000000 != 0)
				;
		_exit(0);
	}
}
