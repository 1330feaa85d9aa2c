/*
 * warden.c: the first process of a room.
 *
 * Theory of operation. A check must be able to start programs, learn exactly how each of them
 * ended, and be sure that nothing of them is left. Whoever is process 1 of a pid namespace can do
 * all three: orphans become its children however they left their group, and at its death the
 * kernel kills the whole namespace (man 7 pid_namespaces). In the shared room there is no such
 * namespace; there the warden is a child subreaper (man 2 prctl), which gets the orphans as well, and the
 * check's own reaper kills what it leaves.
 *
 * It is started as `warden CONTROL PARENT`: the control socket's number, and the parent that it
 * must not outlive (0 inside a pid namespace, where bubblewrap sees to that).
 *
 * It runs under the same uid as the student's program in some rooms. So it cannot be traced
 * (PR_SET_DUMPABLE), and as process 1 it takes no signal from inside its namespace. It holds no
 * secret: nothing is to be won here but a check that is not judged.
 *
 * It is linked statically and does without stdio: its start is part of every check's time.
 */
#define _GNU_SOURCE
#include "program/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_PROGRAMS = 64 };

static pid_t started[MOST_PROGRAMS]; /* the programs whose end is to be told */
static int started_count;

static void tell(int control, WardenEvent event)
{
	/* A check that has gone away needs no news; its end is ours as well. */
	if (send(control, &event, sizeof event, MSG_NOSIGNAL) == -1)
		_exit(1);
}

static void limit(int what, uint64_t amount)
{
	struct rlimit most = {.rlim_cur = amount, .rlim_max = amount};
	if (amount != 0)
		setrlimit(what, &most); /* lowering one's own limit cannot fail */
}

/* Cuts the message's text into strings: the folder, the arguments, the environment. */
static char **words(char **text, const char *end, uint32_t count)
{
	char **list = calloc(count + 1, sizeof *list);
	for (uint32_t i = 0; list != NULL && i < count && *text < end; i++) {
		list[i] = *text;
		*text += strlen(*text) + 1;
	}
	return list;
}

/* Waits until the tracer has this process, and takes the filter that it gives: from then on the calls in it stop there. */
static bool take_filter(int pipe)
{
	static struct sock_filter filter[2048];
	size_t got = 0;
	for (ssize_t n; (n = read(pipe, (char *)filter + got, sizeof filter - got)) != 0;) {
		if (n == -1 && errno != EINTR)
			return false;
		got += n > 0 ? (size_t)n : 0;
	}
	struct sock_fprog program = {.len = (unsigned short)(got / sizeof *filter), .filter = filter};
	return program.len == 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* In the child: become the program. Returns only where that failed, with errno. */
static void become(WardenStart *order, size_t size, const int fds[4], int control)
{
	char *text = order->text;
	const char *end = (char *)order + size;
	char *folder = text;
	text += strlen(text) + 1;
	char **argv = words(&text, end, order->argc);
	char **envp = words(&text, end, order->envc);
	if (argv == NULL || envp == NULL)
		return;

	WardenEvent child = {.kind = WARDEN_CHILD, .pid = getpid()};
	tell(control, child);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* What was ignored where the grader was started (nohup, a CI's runner) is no affair of the program's. */
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	setsid();
	for (int fd = 0; fd < 3; fd++)
		if (dup2(fds[fd], fd) == -1)
			return;
	if (order->terminal && ioctl(0, TIOCSCTTY, 0) == -1)
		return;
	/* Whatever else is open here closes at the exec: the program gets 0 to 2 and nothing more. */
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == -1)
		return;
	if (chdir(folder) == -1)
		return;
	limit(RLIMIT_DATA, order->data_bytes);
	limit(RLIMIT_FSIZE, order->file_bytes);
	limit(RLIMIT_NOFILE, order->descriptors);
	limit(RLIMIT_CPU, order->cpu_seconds);
	struct rlimit no_core = {0, 0};
	setrlimit(RLIMIT_CORE, &no_core);
	if (order->uid != 0 && (setgroups(0, NULL) == -1 || setresgid(order->uid, order->uid, order->uid) == -1 ||
	                        setresuid(order->uid, order->uid, order->uid) == -1))
		return;
	/* After the change of uid: the limit counts the processes of the new one. */
	limit(RLIMIT_NPROC, order->processes);
	/* Whoever is root in this user namespace would have power over the room's network: with these two, never again. */
	struct __user_cap_header_struct version = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none_at_all[_LINUX_CAPABILITY_U32S_3] = {0};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 || syscall(SYS_capset, &version, none_at_all) == -1)
		return;
	if (order->traced && !take_filter(fds[3]))
		return;
	execve(argv[0], argv, envp);
}

static void start(int control, WardenStart *order, size_t size, const int fds[4])
{
	int news[2]; /* closes at the exec; a failure is written into it */
	if (started_count == MOST_PROGRAMS || pipe2(news, O_CLOEXEC) == -1) {
		tell(control, (WardenEvent){.kind = WARDEN_FAILED, .error = EMFILE});
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		/* The pipe must outlive the dup2()s onto 0, 1 and 2, as must those that came: they have numbers above. */
		int keep = fcntl(news[1], F_DUPFD_CLOEXEC, 16);
		become(order, size, fds, control);
		int error = errno;
		if (write(keep, &error, sizeof error) == -1)
			_exit(126);
		_exit(127);
	}
	close(news[1]);
	int error = pid == -1 ? errno : 0;
	if (pid != -1)
		while (read(news[0], &error, sizeof error) == -1 && errno == EINTR)
			;
	close(news[0]);
	if (error != 0) {
		if (pid != -1)
			waitpid(pid, NULL, 0);
		tell(control, (WardenEvent){.kind = WARDEN_FAILED, .pid = pid, .error = error});
		return;
	}
	started[started_count++] = pid;
	tell(control, (WardenEvent){.kind = WARDEN_STARTED, .pid = pid});
}

/*
 * Calls a path, as a process of the room's own with the uid of its programs: a server that asks who calls (SO_PEERCRED, man 7 unix)
 * is told whoever made the connect(). The descriptor goes to the check, and the caller ends: its number stays with the call. Until
 * then it holds the call too.
 */
static void dial(int control, const WardenDial *order)
{
	pid_t pid = fork();
	if (pid == -1)
		tell(control, (WardenEvent){.kind = WARDEN_CALL, .error = errno});
	if (pid != 0) {
		while (pid != -1 && waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			;
		tell(control, (WardenEvent){.kind = WARDEN_DIALLED});
		return;
	}
	WardenEvent event = {.kind = WARDEN_CALL, .pid = getpid()};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, order->path, sizeof address.sun_path - 1);
	if (order->uid != 0 && (setgroups(0, NULL) == -1 || setresgid(order->uid, order->uid, order->uid) == -1 ||
	                        setresuid(order->uid, order->uid, order->uid) == -1))
		event.error = errno;
	/* A full backlog is no reason to wait here: EAGAIN says that nobody takes the call. */
	int call = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (event.error == 0 && (call == -1 || connect(call, (struct sockaddr *)&address, sizeof address) == -1))
		event.error = errno;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} room = {0};
	struct iovec part = {.iov_base = &event, .iov_len = sizeof event};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (event.error == 0) {
		message.msg_control = room.bytes;
		message.msg_controllen = sizeof room.bytes;
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof call);
		memcpy(CMSG_DATA(head), &call, sizeof call);
	}
	_exit(sendmsg(control, &message, MSG_NOSIGNAL) == -1);
}

static void obey(int control)
{
	static WardenStart order;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} room;
	struct iovec part = {.iov_base = &order, .iov_len = sizeof order};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
	ssize_t n = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
	if (n == -1 && errno == EINTR)
		return;
	if (n <= 0)
		_exit(0); /* the check is over: so is the room */
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	if (n == sizeof(WardenDial) && (head == NULL || head->cmsg_type != SCM_RIGHTS)) {
		WardenDial call;
		memcpy(&call, &order, sizeof call);
		dial(control, &call);
		return;
	}
	if (head == NULL || head->cmsg_type != SCM_RIGHTS ||
	    head->cmsg_len != CMSG_LEN((order.traced ? 4 : 3) * sizeof(int)))
		return;
	int fds[4] = {-1, -1, -1, -1};
	memcpy(fds, CMSG_DATA(head), head->cmsg_len - CMSG_LEN(0));
	order.text[WARDEN_TEXT - 1] = '\0';
	start(control, &order, (size_t)n, fds);
	for (int i = 0; i < (order.traced ? 4 : 3); i++)
		close(fds[i]);
}

static void reap(int control)
{
	int status;
	struct rusage use;
	pid_t pid;
	while ((pid = wait4(-1, &status, WNOHANG, &use)) > 0) {
		for (int i = 0; i < started_count; i++) {
			if (started[i] != pid)
				continue;
			started[i] = started[--started_count];
			tell(control, (WardenEvent){.kind = WARDEN_EXITED,
			                            .pid = pid,
			                            .status = status,
			                            .cpu_us = (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000L +
			                                      use.ru_utime.tv_usec + use.ru_stime.tv_usec});
			break;
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	int control = atoi(argv[1]);
	pid_t parent = atoi(argv[2]);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (parent != 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (getppid() != parent)
			return 1; /* it was gone before we asked */
	}
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	int ended = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ended == -1 || fcntl(control, F_SETFD, FD_CLOEXEC) == -1)
		return 1;
	tell(control, (WardenEvent){.kind = WARDEN_READY, .pid = getpid()});
	for (;;) {
		struct pollfd wait[2] = {{.fd = control, .events = POLLIN}, {.fd = ended, .events = POLLIN}};
		if (poll(wait, 2, -1) == -1)
			continue;
		if (wait[1].revents) {
			struct signalfd_siginfo info;
			while (read(ended, &info, sizeof info) > 0)
				;
			reap(control);
		}
		if (wait[0].revents)
			obey(control);
	}
}
