#define _GNU_SOURCE
#include "program/room.h"

#include "program/command.h"
#include "program/trouble.h"
#include "program/warden.h"
#include "program/words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INSIDE_UID = 1000, NOBODY = 65534 };

static RoomKind kind_now;
static bool kind_known;
static Room *room;
static char shared_folder[64]; /* holds the shared rooms' folders of this run */
static char *bubblewrap;       /* its path; NULL: not known, or not there */
static struct {
	bool entered, root; /* root: we were, before we entered */
} in_hall;

const char *room_tool(const char *name)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);
	if (n == -1)
		trouble("/proc/self/exe: %s", strerror(errno));
	path[n] = '\0';
	snprintf(strrchr(path, '/') + 1, 48, "%s", name);
	return path;
}

const char *room_kind_name(RoomKind kind)
{
	return kind == ROOM_PRIVATE ? "private" : kind == ROOM_OPEN ? "open" : "shared";
}

RoomKind room_kind(void)
{
	return kind_now;
}

bool room_is_private(void)
{
	return kind_now != ROOM_SHARED;
}

Room *room_now(void)
{
	return room;
}

const char *room_missing(void)
{
	switch (kind_now) {
	case ROOM_PRIVATE:
		return "";
	case ROOM_OPEN:
		return "bubblewrap cannot be used here: programs are judged in namespaces of their own, but they can see "
		       "this machine's files. Grade nobody's code but your own, or see build/grade --doctor.";
	default:
		return "no namespaces can be had here: programs share this machine's loopback and can see its files and "
		       "processes, and checks that need a certain port are skipped. Grade nobody's code but your own, or "
		       "see build/grade --doctor.";
	}
}

/* --- the namespaces of the check's own process --- */

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int error = errno;
	close(fd);
	errno = error;
	return done;
}

/* A map of two uids can only be written from outside, by one who had the right before: a child that stayed there. */
static pid_t map_writer(int *go)
{
	int signal_pipe[2];
	if (pipe2(signal_pipe, O_CLOEXEC) == -1)
		return -1;
	pid_t parent = getpid(), writer = fork();
	if (writer == 0) {
		char byte, path[64];
		close(signal_pipe[1]);
		if (read(signal_pipe[0], &byte, 1) != 1)
			_exit(1);
		snprintf(path, sizeof path, "/proc/%d/uid_map", parent);
		char map[64];
		snprintf(map, sizeof map, "0 0 1\n%d %d 1\n", INSIDE_UID, NOBODY);
		bool done = put(path, map);
		snprintf(path, sizeof path, "/proc/%d/gid_map", parent);
		_exit(done && put(path, map) ? 0 : 1);
	}
	close(signal_pipe[0]);
	*go = signal_pipe[1];
	return writer;
}

/* Becomes root of a user namespace of our own, and enters a network namespace that belongs to it. */
static bool enter_namespaces(bool two_uids)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int go = -1;
	pid_t writer = two_uids ? map_writer(&go) : -1;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1) {
		int error = errno;
		if (writer != -1) {
			close(go); /* end of stream: it gives up */
			waitpid(writer, NULL, 0);
		}
		errno = error;
		return false;
	}
	if (writer != -1) {
		int status = 1;
		bool told = write(go, "x", 1) == 1;
		close(go);
		if (waitpid(writer, &status, 0) == -1 || status != 0 || !told) {
			errno = EPERM;
			return false;
		}
	} else {
		/* man 7 user_namespaces: without privilege, setgroups must be given up before gid_map is written. */
		snprintf(map, sizeof map, "0 %u 1", uid);
		if (!put("/proc/self/setgroups", "deny") || !put("/proc/self/uid_map", map))
			return false;
		snprintf(map, sizeof map, "0 %u 1", gid);
		if (!put("/proc/self/gid_map", map))
			return false;
	}
	return true;
}

static bool put_lo_up(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = fd != -1 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	if (fd != -1)
		close(fd);
	return up;
}

void room_enter_hall(void)
{
	in_hall.root = geteuid() == 0;
	if (kind_now == ROOM_SHARED)
		return;
	if (!enter_namespaces(in_hall.root))
		trouble("no hall: %s", strerror(errno));
	in_hall.entered = true;
	/* So many lines for the tables of connections of the rooms; where the kernel is older than 6.1 they share the machine's. */
	put("/proc/sys/net/ipv4/tcp_child_ehash_entries", "256");
	put("/proc/sys/net/ipv4/udp_child_hash_entries", "128");
}

/* The same for a room: in the hall half of it is done. */
static bool enter_room(bool root)
{
	return (in_hall.entered ? unshare(CLONE_NEWNET) == 0 : enter_namespaces(root)) && put_lo_up();
}

/* --- bubblewrap --- */

#define ADD(words, ...) words_add_all((words), __VA_ARGS__, (char *)NULL)

/* The system's folders, as links where they are links (usr-merge). */
static void add_system(Words *words)
{
	static const char *const tops[] = {"/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"};
	ADD(words, "--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc");
	for (size_t i = 0; i < sizeof tops / sizeof *tops; i++) {
		char target[PATH_MAX];
		ssize_t n = readlink(tops[i], target, sizeof target - 1);
		if (n > 0) {
			target[n] = '\0';
			ADD(words, "--symlink", target, tops[i]);
		} else if (access(tops[i], F_OK) == 0) {
			ADD(words, "--ro-bind", tops[i], tops[i]);
		}
	}
}

static bool is_system(const char *path)
{
	static const char *const tops[] = {"/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64"};
	for (size_t i = 0; i < sizeof tops / sizeof *tops; i++) {
		size_t size = strlen(tops[i]);
		if (strncmp(path, tops[i], size) == 0 && (path[size] == '/' || path[size] == '\0'))
			return true;
	}
	return false;
}

static bool everybody_may(const char *path, mode_t need)
{
	struct stat s;
	if (stat(path, &s) == -1)
		return true; /* it is not there; to be found out when it is started */
	return (s.st_mode & need) == need;
}

/* Everybody may read it: then the program may run as nobody. The folders above count where they are the machine's own;
 * bubblewrap makes new ones. */
static bool is_public(const char *path, RoomKind kind)
{
	char folder[PATH_MAX];
	struct stat s;
	bool is_folder = stat(path, &s) == 0 && S_ISDIR(s.st_mode);
	bool may = everybody_may(path, is_folder ? S_IROTH | S_IXOTH : S_IROTH);
	for (const char *slash = strchr(path + 1, '/'); kind == ROOM_OPEN && slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
		may = may && everybody_may(folder, S_IXOTH);
	}
	return may;
}

/* The folders above a path: bubblewrap would make them for its own uid alone. */
static void add_folders_above(Words *words, const char *path)
{
	char folder[PATH_MAX];
	for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		bool made = false;
		snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
		for (size_t i = 2; i < words->count && !made; i++)
			made = strcmp(words->word[i], folder) == 0 && strcmp(words->word[i - 1], "--dir") == 0;
		if (!made)
			ADD(words, "--perms", "0755", "--dir", folder);
	}
}

static unsigned wanted_mib;

void room_want_space(unsigned mib)
{
	wanted_mib = mib;
}

static void shut_in(Words *words, char *const *visible, unsigned uid)
{
	char size[32], space[32];
	unsigned mib = wanted_mib > ROOM_FILE_MIB ? wanted_mib : ROOM_FILE_MIB;
	snprintf(size, sizeof size, "%d", ROOM_FILE_MIB * 1024 * 1024);
	snprintf(space, sizeof space, "%llu", (unsigned long long)mib << 20);
	ADD(words, "bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--as-pid-1",
	    "--cap-drop", "ALL");
	if (uid != 0)
		ADD(words, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID");
	add_system(words);
	ADD(words, "--proc", "/proc", "--dev", "/dev", "--size", size, "--perms", "1777", "--tmpfs", "/dev/shm");
	ADD(words, "--size", size, "--perms", "1777", "--tmpfs", "/tmp", "--size", space, "--perms", "0777", "--tmpfs",
	    "/room");
	for (char *const *path = visible; path != NULL && *path != NULL; path++)
		if (!is_system(*path)) {
			add_folders_above(words, *path);
			ADD(words, "--ro-bind-try", *path, *path);
		}
	ADD(words, "--ro-bind", room_tool("warden"), "/.warden");
	/* The root and /dev are file systems in memory without a limit: not for writing. */
	ADD(words, "--remount-ro", "/dev", "--remount-ro", "/");
}

/* --- opening --- */

/* The warden's first word. The kernel says with it who sent it, as a pid of ours (SO_PASSCRED, man 7 unix). */
static bool is_ready(const Room *r, pid_t *warden)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	WardenEvent event = {0};
	struct ucred who = {0};
	struct iovec part = {.iov_base = &event, .iov_len = sizeof event};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
	ssize_t n;
	do
		n = recvmsg(r->control, &message, 0);
	while (n == -1 && errno == EINTR);
	struct cmsghdr *head = n == (ssize_t)sizeof event ? CMSG_FIRSTHDR(&message) : NULL;
	if (head != NULL && head->cmsg_type == SCM_CREDENTIALS)
		memcpy(&who, CMSG_DATA(head), sizeof who);
	*warden = who.pid;
	return event.kind == WARDEN_READY && who.pid > 0;
}

/* In the child: the warden, shut in or not. What bubblewrap has to complain of goes to `complaints`. */
static void become_warden(const Room *r, int control, int complaints, char *const *visible)
{
	char number[16], parent[16] = "0";
	snprintf(number, sizeof number, "%d", control);
	if (fcntl(control, F_SETFD, 0) == -1 || dup2(complaints, STDERR_FILENO) == -1)
		return;
	if (r->kind == ROOM_PRIVATE) {
		Words words = {0};
		shut_in(&words, visible, r->uid);
		ADD(&words, "--", "/.warden", number, "0");
		execvp(bubblewrap != NULL ? bubblewrap : "bwrap", words.word);
		perror("bwrap");
		return;
	}
	if (r->kind == ROOM_SHARED)
		snprintf(parent, sizeof parent, "%d", getppid());
	else if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		return;
	execl(room_tool("warden"), "warden", number, parent, (char *)NULL);
	perror(room_tool("warden"));
}

/* fork(), but the child is process 1 of a pid namespace of its own: bubblewrap sees to that where there is one. It execs
 * at once, so what else fork() does for the sake of threads is not missed. */
static pid_t fork_into_namespace(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
}

static bool make_folder(Room *r)
{
	static const char *const inside = "/room";
	if (r->kind == ROOM_PRIVATE) {
		snprintf(r->folder, sizeof r->folder, "%s", inside);
		return true;
	}
	if (shared_folder[0] == '\0')
		return false;
	snprintf(r->folder, sizeof r->folder, "%s/XXXXXX", shared_folder);
	if (mkdtemp(r->folder) == NULL)
		return false;
	return r->uid == 0 || chmod(r->folder, 0777) == 0;
}

/* The warden never spoke: what was said instead, or how its process ended. */
static const char *why_not(pid_t pid, int complaints)
{
	static char text[200];
	int status = 0;
	ssize_t n = read(complaints, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	kill(pid, SIGKILL); /* it has no more to do, if it is there at all */
	if (waitpid(pid, &status, 0) == pid && text[0] == '\0')
		snprintf(text, sizeof text, "the warden's process ended with %s %d",
		         WIFSIGNALED(status) ? "signal" : "exit status",
		         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	errno = 0;
	return text;
}

static bool start_warden(Room *r, int control, char *const *visible, const char **step)
{
	int complaints[2];
	*step = "a process";
	if (pipe2(complaints, O_CLOEXEC) == -1)
		return false;
	pid_t pid = r->kind == ROOM_OPEN ? fork_into_namespace() : fork();
	if (pid == -1)
		return false;
	if (pid == 0) {
		become_warden(r, control, complaints[1], visible);
		_exit(127);
	}
	close(control);
	close(complaints[1]);
	if (!is_ready(r, &r->warden)) {
		*step = why_not(pid, complaints[0]);
		return false;
	}
	close(complaints[0]);
	r->scene.root = r->warden;
	return true;
}

/* Sets `step` to what was being done, for a message, and returns whether it could all be had. */
static bool try_open(Room *r, char *const *visible, const char **step)
{
	int pair[2];
	bool root = in_hall.entered ? in_hall.root : geteuid() == 0;
	if (root && r->kind != ROOM_SHARED) {
		r->uid = INSIDE_UID;
		for (char *const *path = visible; path != NULL && *path != NULL; path++)
			if (!is_public(*path, r->kind))
				r->uid = 0;
	}
	*step = "a user and a network namespace";
	if (r->kind != ROOM_SHARED && !enter_room(root))
		return false;
	*step = "a folder";
	if (!make_folder(r))
		return false;
	*step = "a socket pair";
	int on = 1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1 ||
	    setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == -1)
		return false;
	*step = "a socket to ask the kernel about sockets";
	r->control = pair[0];
	r->scene.diag = sockets_open();
	if (r->scene.diag == -1 || !sockets_look_for_listeners(r->scene.diag, &r->scene.sockets))
		return false;
	r->scene.sockets.count = 0;
	return start_warden(r, pair[1], visible, step);
}

Room *room_open(char *const *visible)
{
	static Room the_room;
	const char *step = "";
	if (room != NULL)
		trouble("a check opens one room");
	the_room = (Room){.kind = kind_now};
	/* Our own writes to a program that has gone shall fail, not kill. */
	signal(SIGPIPE, SIG_IGN);
	if (!try_open(&the_room, visible, &step))
		trouble("no room: %s%s%s", step, errno ? ": " : "", errno ? strerror(errno) : "");
	room = &the_room;
	return room;
}

/* --- which kind can be had --- */

static void try_here(RoomKind kind, int news)
{
	Room trial = {.kind = kind};
	const char *step = "";
	if (try_open(&trial, NULL, &step))
		_exit(0);
	dprintf(news, "%s%s%s", step, errno ? ": " : "", errno ? strerror(errno) : "");
	_exit(1);
}

/* Tried in a child, so that nothing stays of it; `why` says what it came to grief at. */
static bool can_have(RoomKind kind, char *why, size_t size)
{
	int news[2], status = 1;
	if (pipe2(news, O_CLOEXEC) == -1)
		return false;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		try_here(kind, news[1]);
	close(news[1]);
	ssize_t n = read(news[0], why, size - 1);
	why[n > 0 ? n : 0] = '\0';
	close(news[0]);
	return pid != -1 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *where)
{
	(void)s, (void)type, (void)where;
	remove(path); /* what resists, stays */
	return 0;
}

static void remove_shared_folder(void)
{
	if (shared_folder[0] != '\0')
		nftw(shared_folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	shared_folder[0] = '\0';
}

bool room_prepare(char *message, size_t size)
{
	if (kind_known)
		return true;
	const char *base = getenv("TMPDIR");
	if (base == NULL || *base != '/' || strlen(base) > 40)
		base = "/tmp"; /* a socket's name may be made in there, and has 108 bytes */
	snprintf(shared_folder, sizeof shared_folder, "%s/dialtone-XXXXXX", base);
	if (mkdtemp(shared_folder) == NULL || chmod(shared_folder, 0755) == -1) {
		snprintf(message, size, "cannot make a folder in %s: %s", base, strerror(errno));
		shared_folder[0] = '\0';
		return false;
	}
	const char *forced = getenv("DIALTONE_ROOM");
	char why[256] = "";
	kind_known = true;
	bubblewrap = command_find("bwrap");
	for (RoomKind kind = ROOM_PRIVATE; kind <= ROOM_SHARED; kind++) {
		if (forced != NULL && *forced && strcmp(forced, room_kind_name(kind)) != 0)
			continue;
		kind_now = kind;
		if (can_have(kind, why, sizeof why)) {
			if (kind == ROOM_PRIVATE)
				remove_shared_folder(); /* nothing will be laid there */
			return true;
		}
	}
	if (forced != NULL && *forced)
		snprintf(message, size,
		         "DIALTONE_ROOM=%s: %s%s%s. Say private, open or shared; build/grade --doctor tells more.",
		         forced,
		         strcmp(forced, room_kind_name(kind_now)) == 0 ? "not on this machine" : "no such kind of room",
		         *why ? ": " : "", why);
	else
		snprintf(message, size, "no kind of room can be had here: %s. build/grade --doctor tells more", why);
	room_cleanup();
	return false;
}

void room_cleanup(void)
{
	remove_shared_folder();
	kind_known = false; /* who wants rooms again must prepare again */
}

/* --- ports --- */

/* A name in the abstract namespace belongs to one process of this network namespace, and ends with it: the other
 * grader next to us will find it taken. No file is left by anybody (man 7 unix). */
static bool reserve(in_port_t port)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int size = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "dialtone-port-%u", port);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		trouble("socket: %s", strerror(errno));
	if (bind(fd, (struct sockaddr *)&name,
	         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size)) == 0)
		return true; /* kept until the process ends */
	close(fd);
	return false;
}

/* Nobody has it, not even in TIME_WAIT: a plain bind() succeeds. */
static bool is_free(in_port_t port)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		trouble("socket: %s", strerror(errno));
	bool is = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
	close(fd);
	return is;
}

in_port_t room_port(void)
{
	/* Below the range from which the kernel hands out ports by itself (ip_local_port_range, from 32768), and not where
	 * the byte order does not show. Begin anywhere: two graders then seldom try the same. */
	static unsigned next;
	if (next == 0)
		next = (unsigned)getpid() * 7919U;
	for (int tries = 0; tries < 12000; tries++) {
		in_port_t port = (in_port_t)(20000 + next++ % 12000);
		/* The number with its bytes swapped must differ, and be one that anybody may bind, for some programs will: above
		 * 1023, and free. */
		bool shows_order = (port >> 8) != (port & 0xff) && (port & 0xff) >= 4;
		if (shows_order && (room_is_private() || reserve(port)) && is_free(port) && is_free(htons(port)))
			return port;
	}
	trouble("no free port between 20000 and 32000");
}
