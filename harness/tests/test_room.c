/*
 * test_room.c: is a program shut in as room.h promises, in each kind of room, and is nothing left of it?
 *
 * A kind that this machine cannot have is passed over: `build/grade --doctor` tells of it.
 */
#include "guests.h"
#include "program/crew.h"

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *room_suite(void);

enum { KINDS = 3, BACKSTOP_MS = 10000, PORTS = 2000 };

static const StartAs plain = {0};

/* --- it does its work --- */

static bool has_bytes(void *call)
{
	char bytes[8];
	return recv(*(int *)call, bytes, sizeof bytes, MSG_DONTWAIT | MSG_PEEK) == 5;
}

static bool takes_calls(void *port)
{
	return sockets_listener(&room_now()->scene.sockets, *(in_port_t *)port) != NULL;
}

/* A server in the room, and we who call it. */
static void exchange(void)
{
	char number[8], heard[8];
	in_port_t port = room_port();
	snprintf(number, sizeof number, "%u", port);
	Party *server = party_start("server", (char *const[]){guests_path("talker"), NULL},
	                            (const char *const[]){"server", "right", number, NULL}, plain);
	ck_assert_int_eq(server->start_error, 0);
	server->port = port;
	ck_assert_int_eq(party_watch(takes_calls, &port, WATCH_START, -1), WATCH_DONE);
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int call = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(call, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(party_watch(NULL, NULL, 0, -1), WATCH_STILL);
	ck_assert_int_eq(send(call, "hello", 5, MSG_NOSIGNAL), 5);
	ck_assert_int_eq(party_watch(has_bytes, &call, WATCH_PATIENT, call), WATCH_DONE);
	ck_assert(recv(call, heard, sizeof heard, 0) == 5 && memcmp(heard, "HELLO", 5) == 0);
	ck_assert_int_eq(party_watch(NULL, NULL, 0, -1), WATCH_STILL);
	party_kill(server);
	ck_assert(server->ended && WIFSIGNALED(server->status));
}

START_TEST(every_kind_does_the_same_work)
{
	if (guests_enter_kind((RoomKind)_i))
		exchange();
}
END_TEST

/* In the hall, half of the room is there already (run.c). */
START_TEST(the_hall_changes_nothing)
{
	if (!guests_prepare((RoomKind)_i))
		return;
	room_enter_hall();
	for (int i = 0; i < 3; i++) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			guests_open();
			exchange();
			_exit(42);
		}
		ck_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 42);
	}
	room_cleanup();
}
END_TEST

/* As root we may become anybody; the rooms must do for those as well. */
START_TEST(an_ordinary_user_can_have_it)
{
	if (geteuid() == 0) {
		ck_assert_int_eq(setresgid(4711, 4711, 4711), 0);
		ck_assert_int_eq(setresuid(4711, 4711, 4711), 0);
		prctl(PR_SET_DUMPABLE, 1); /* or /proc/self would still be root's */
	}
	if (access(room_tool("warden"), X_OK) == 0 && guests_enter_kind((RoomKind)_i))
		exchange();
}
END_TEST

START_TEST(a_kind_that_does_not_exist_is_refused)
{
	char message[512] = "";
	room_cleanup();
	setenv("DIALTONE_ROOM", "ballroom", 1);
	ck_assert(!room_prepare(message, sizeof message));
	ck_assert_msg(strstr(message, "DIALTONE_ROOM=ballroom") != NULL, "%s", message);
}
END_TEST

/* --- what it may see and do --- */

static bool answers(Party *party, const char *wanted)
{
	const char *answer = guests_answer(party);
	size_t size = strcspn(answer, "\n");
	if (size == strlen(wanted) && strncmp(answer, wanted, size) == 0)
		return true;
	ck_abort_msg("%s: \"%.*s\", and not \"%s\"; %s", party->who, (int)size, answer, wanted,
	             party->err.size > 0 ? party->err.text : "");
	return false;
}

/* Our own folder, and those of others. */
START_TEST(it_sees_nothing_of_ours)
{
	char here[PATH_MAX], solutions[PATH_MAX + 16], tests[64];
	const char *home = getenv("HOME");
	if (!guests_enter_kind(ROOM_PRIVATE))
		return;
	ck_assert_ptr_nonnull(getcwd(here, sizeof here));
	snprintf(solutions, sizeof solutions, "%s/solutions", here);
	snprintf(tests, sizeof tests, "%s", guests_path("temporary"));
	answers(guests_start(plain, "sees", solutions, tests, home != NULL ? home : "/root", "/home", "/var", NULL),
	        "seen");
	answers(guests_start(plain, "sees", "/usr/bin", "/etc/passwd", NULL), "/usr/bin /etc/passwd seen");
}
END_TEST

START_TEST(it_writes_in_its_own_folder_only)
{
	if (!guests_enter_kind(ROOM_PRIVATE))
		return;
	answers(guests_start(plain, "tells_folder", NULL), "/room");
	answers(guests_start(plain, "writes", "/room/a", "b", "/tmp/c", "/dev/shm/d", NULL),
	        "/room/a b /tmp/c /dev/shm/d written");
	answers(guests_start(plain, "writes", "/a", "/usr/b", "/etc/c", "/dev/d", "/proc/e", NULL), "written");
	/* Beside its own program: in a /tmp of its own, if at all. */
	char *beside = guests_path("beside");
	guests_answer(guests_start(plain, "writes", beside, NULL));
	ck_assert_int_eq(access(beside, F_OK), -1);
}
END_TEST

/* No capability, no way to one, no descriptor of ours, no signal blocked or ignored; and as root we make it nobody. */
START_TEST(it_has_no_power)
{
	if (!guests_enter_kind((RoomKind)_i))
		return;
	Party *party = guests_start(plain, "is", NULL);
	const char *answer = guests_answer(party);
	unsigned uid, pid;
	int end = 0;
	ck_assert_msg(sscanf(answer, "uid %u pid %u leader 1 %n", &uid, &pid, &end) == 2 && end > 0, "%s", answer);
	if (_i != ROOM_SHARED) {
		ck_assert_str_eq(answer + end, "privileges 0 open 0 1 2\n");
		ck_assert_uint_lt(pid, 20);
		ck_assert_uint_eq(uid, room_now()->uid);
		answers(guests_start(plain, "becomes_root", NULL), room_now()->uid != 0 ? "not root" : "root");
	} else {
		ck_assert_msg(strstr(answer, "privileges 0 open 0 1 2\n") != NULL, "%s", answer);
	}
}
END_TEST

START_TEST(as_root_it_is_nobody)
{
	struct stat process;
	char path[32];
	if (geteuid() != 0 || !guests_enter_kind((RoomKind)_i))
		return;
	Party *party = guests_start(plain, "repeats", NULL);
	guests_says(party, "000");
	snprintf(path, sizeof path, "/proc/%d", party->pid);
	ck_assert_int_eq(stat(path, &process), 0);
	/* Seen from in here: 1000 is mapped to nobody. Who maps it back is the kernel. */
	ck_assert_uint_eq(process.st_uid, 1000);
	FILE *map = fopen("/proc/self/uid_map", "r");
	unsigned inside, outside, count;
	ck_assert(map != NULL && fscanf(map, "%*u %*u %*u %u %u %u", &inside, &outside, &count) == 3);
	ck_assert(inside == 1000 && outside == 65534 && count == 1);
}
END_TEST

START_TEST(it_has_no_share_in_our_ipc)
{
	char key[16];
	int queue = msgget(4711, IPC_CREAT | 0666);
	ck_assert_int_ne(queue, -1);
	snprintf(key, sizeof key, "%d", 4711);
	if (guests_enter_kind(ROOM_PRIVATE))
		answers(guests_start(plain, "has_message_queue", key, NULL), "no queue");
	ck_assert_int_eq(msgctl(queue, IPC_RMID, NULL), 0);
}
END_TEST

/* --- how much it may have --- */

static int counted(Party *party)
{
	return atoi(guests_answer(party));
}

START_TEST(a_fork_bomb_is_bounded)
{
	if (_i == ROOM_SHARED || !guests_enter_kind((RoomKind)_i))
		return;
	int count = counted(guests_start(plain, "forks", NULL));
	ck_assert_msg(count <= ROOM_PROCESSES && (count > ROOM_PROCESSES / 2 || geteuid() != 0), "%d processes", count);
}
END_TEST

START_TEST(memory_and_descriptors_are_bounded)
{
	if (!guests_enter_kind((RoomKind)_i))
		return;
	int mib = counted(guests_start(plain, "takes_memory", NULL));
	ck_assert_msg(mib <= ROOM_DATA_MIB && mib > ROOM_DATA_MIB / 2, "%d MiB", mib);
	ck_assert_int_eq(counted(guests_start(plain, "opens", NULL)), ROOM_DESCRIPTORS);
}
END_TEST

START_TEST(files_are_bounded)
{
	if (!guests_enter_kind((RoomKind)_i))
		return;
	Party *far = guests_start(plain, "writes_far", NULL);
	guests_answer(far);
	ck_assert(WIFSIGNALED(far->status) && WTERMSIG(far->status) == SIGXFSZ);
	if (_i == ROOM_PRIVATE)
		ck_assert_int_eq(counted(guests_start(plain, "fills", NULL)), 1);
}
END_TEST

static bool has_flooded(void *party)
{
	return ((Party *)party)->out.flood;
}

START_TEST(a_flood_of_output_is_bounded)
{
	guests_enter();
	Party *party = guests_start(plain, "floods", NULL);
	ck_assert_int_eq(party_watch(has_flooded, party, 0, -1), WATCH_DONE);
	ck_assert_uint_le(party->out.size, (size_t)ROOM_OUTPUT_MIB << 20);
	party_kill(party);
	ck_assert(party->ended);
}
END_TEST

/* --- what is left of it --- */

/* What a check tells of its daemon, before it dies. */
static struct {
	volatile pid_t daemon;
	volatile ino_t network;
	volatile int leftovers;
} * told;

static ino_t network_of(const char *pid)
{
	char path[280];
	struct stat s;
	snprintf(path, sizeof path, "/proc/%s/ns/net", pid);
	return stat(path, &s) == 0 ? s.st_ino : 0;
}

/* Somebody is in that network namespace. */
static bool anybody_in(ino_t network)
{
	bool found = false;
	DIR *all = opendir("/proc");
	for (struct dirent *e; all != NULL && !found && (e = readdir(all)) != NULL;)
		found = e->d_name[0] >= '1' && e->d_name[0] <= '9' && network_of(e->d_name) == network;
	closedir(all);
	return found;
}

/* A check whose program leaves a daemon behind; it fails at once, without tidying up. */
static void check_with_a_daemon(void)
{
	guests_open();
	Party *party = guests_start(plain, "runs_away", NULL);
	guests_says(party, "away");
	guests_answer(party);
	party_watch(NULL, NULL, 0, -1); /* one of its processes was on its way out */
	told->leftovers = party->leftovers;
	told->network = network_of("self");
	const TaskList *list = &room_now()->scene.tasks;
	for (size_t i = 0; i < list->count; i++)
		if (list->task[i].state != 'Z')
			told->daemon = told->daemon == 0 ? list->task[i].pid : -1;
	raise(SIGSTOP); /* until somebody has a hold on the daemon */
	_exit(1);
}

START_TEST(nothing_survives_the_check)
{
	int status;
	told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(told != MAP_FAILED);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!guests_prepare((RoomKind)_i))
		return;
	pid_t check = fork();
	if (check == 0)
		check_with_a_daemon();
	ck_assert_int_eq(waitpid(check, &status, WUNTRACED), check);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_gt(told->daemon, 0);
	ck_assert_int_ge(told->leftovers, 1);
	struct pollfd daemon = {.fd = (int)syscall(SYS_pidfd_open, told->daemon, 0), .events = POLLIN};
	ck_assert_int_ne(daemon.fd, -1);
	ck_assert_int_eq(poll(&daemon, 1, 0), 0);
	kill(check, SIGCONT);
	ck_assert_int_eq(waitpid(check, &status, 0), check);
	if (_i == ROOM_SHARED)
		sweep(); /* as run.c does after each check */
	ck_assert_msg(poll(&daemon, 1, BACKSTOP_MS) == 1, "process %d still runs", told->daemon);
	sweep();
	ck_assert(_i == ROOM_SHARED || !anybody_in(told->network));
	room_cleanup();
}
END_TEST

static int count_temporary(void)
{
	int count = 0;
	DIR *folder = opendir(getenv("TMPDIR"));
	ck_assert_ptr_nonnull(folder);
	for (struct dirent *e; (e = readdir(folder)) != NULL;)
		count += e->d_name[0] != '.';
	closedir(folder);
	return count;
}

/* The grader prepares and tidies up, and what is between happens in its children. */
START_TEST(no_file_is_left)
{
	int before = count_temporary();
	if (!guests_prepare((RoomKind)_i))
		return;
	pid_t check = fork();
	if (check == 0) {
		guests_open();
		guests_answer(guests_start(plain, "writes", "a", "b", NULL));
		guests_answer(guests_start(plain, "writes_far", NULL));
		_exit(42);
	}
	int status;
	ck_assert(waitpid(check, &status, 0) == check && WIFEXITED(status) && WEXITSTATUS(status) == 42);
	room_cleanup();
	ck_assert_int_eq(count_temporary(), before);
}
END_TEST

/* --- ports --- */

/* Picks ports, each of which it could listen on. */
static void pick(in_port_t *ports, int count)
{
	for (int i = 0; i < count; i++) {
		ports[i] = room_port();
		struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(ports[i])};
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
		close(fd);
	}
}

static void never_twice(const in_port_t *ports, int count)
{
	static bool taken[65536];
	for (int i = 0; i < count; i++) {
		ck_assert_msg(!taken[ports[i]], "port %u twice", ports[i]);
		ck_assert_uint_gt(ports[i], 1023);
		ck_assert_uint_lt(ports[i], 32768); /* where the kernel's own begin */
		ck_assert_uint_ne(ports[i], htons(ports[i]));
		taken[ports[i]] = true;
	}
}

START_TEST(ports_never_repeat)
{
	static in_port_t ports[PORTS];
	if (_i == ROOM_SHARED || !guests_enter_kind((RoomKind)_i))
		return;
	pick(ports, PORTS);
	never_twice(ports, PORTS);
}
END_TEST

/* what if two graders pick at the same time? Each keeps what it has until the other is done too. */
START_TEST(two_graders_never_collide)
{
	struct rlimit files = {2 * PORTS, 2 * PORTS};
	in_port_t *ports =
	    mmap(NULL, 2 * PORTS * sizeof *ports, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int start[2], stop[2];
	bool many = setrlimit(RLIMIT_NOFILE, &files) == 0;
	int each = many ? PORTS : 400;
	ck_assert(ports != MAP_FAILED && pipe2(start, O_CLOEXEC) == 0 && pipe2(stop, O_CLOEXEC) == 0);
	ck_assert(guests_enter_kind(ROOM_SHARED));
	for (int i = 0; i < 2; i++)
		if (fork() == 0) {
			char byte;
			close(start[1]);
			close(stop[0]);
			ck_assert_int_eq(read(start[0], &byte, 1), 0);
			pick(ports + i * each, each);
			ck_assert_int_eq(write(stop[1], "x", 1), 1);
			for (;;)
				pause();
		}
	char done[2];
	close(start[1]); /* off they go */
	close(stop[1]);
	ck_assert(read(stop[0], done, 1) == 1 && read(stop[0], done + 1, 1) == 1);
	never_twice(ports, 2 * each);
	sweep();
}
END_TEST

Suite *room_suite(void)
{
	Suite *suite = suite_create("room");
	TCase *tcase = tcase_create("room");

	tcase_add_unchecked_fixture(tcase, guests_build, guests_unbuild);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, every_kind_does_the_same_work, 0, KINDS);
	tcase_add_loop_test(tcase, the_hall_changes_nothing, 0, KINDS);
	tcase_add_loop_test(tcase, an_ordinary_user_can_have_it, 0, KINDS);
	tcase_add_test(tcase, a_kind_that_does_not_exist_is_refused);
	tcase_add_test(tcase, it_sees_nothing_of_ours);
	tcase_add_test(tcase, it_writes_in_its_own_folder_only);
	tcase_add_loop_test(tcase, it_has_no_power, 0, KINDS);
	tcase_add_loop_test(tcase, as_root_it_is_nobody, 0, ROOM_SHARED);
	tcase_add_test(tcase, it_has_no_share_in_our_ipc);
	tcase_add_loop_test(tcase, a_fork_bomb_is_bounded, 0, KINDS);
	tcase_add_loop_test(tcase, memory_and_descriptors_are_bounded, 0, KINDS);
	tcase_add_loop_test(tcase, files_are_bounded, 0, KINDS);
	tcase_add_test(tcase, a_flood_of_output_is_bounded);
	tcase_add_loop_test(tcase, nothing_survives_the_check, 0, KINDS);
	tcase_add_loop_test(tcase, no_file_is_left, 0, KINDS);
	tcase_add_loop_test(tcase, ports_never_repeat, 0, KINDS);
	tcase_add_test(tcase, two_graders_never_collide);
	suite_add_tcase(suite, tcase);
	return suite;
}
