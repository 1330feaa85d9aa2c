#define _GNU_SOURCE
#include "program/doctor_probes.h"

#include "observe/calls.h"
#include "observe/where.h"
#include "program/command.h"
#include "program/doctor.h"
#include "program/party.h"
#include "program/words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LAST_RESORT_MS = 5000 };
#ifdef __SANITIZE_ADDRESS__
enum { GUEST_IS_SANITIZED = 1 };
#else
enum { GUEST_IS_SANITIZED = 0 };
#endif

/* --- what the probes are made of --- */

__attribute__((format(printf, 2, 3))) static bool saw(Probing *p, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(p->detail, sizeof p->detail, format, arguments);
	va_end(arguments);
	return true;
}
#define LACKS(p, ...) (!saw(p, __VA_ARGS__))

/* The room of this probe; trouble() where it cannot be had. NULL: whichever kind programs are judged in. */
static Room *a_room(const char *kind, char *const *visible)
{
	char message[512];
	if (kind != NULL)
		setenv("DIALTONE_ROOM", kind, 1);
	room_prepare(message, sizeof message); /* where it says no, room_open() says at which step */
	return room_open(visible);
}

/* The guest program in a room of this kind; what it needs is in sight there. */
static Party *a_guest(const char *kind, StartAs as, const char *what, const char *with)
{
	static char self[PATH_MAX];
	if (readlink("/proc/self/exe", self, sizeof self - 1) == -1)
		return NULL;
	char *const visible[] = {self, NULL};
	as.sanitized = GUEST_IS_SANITIZED;
	a_room(kind, visible);
	return party_start("guest", (char *const[]){self, NULL}, (const char *const[]){DOCTOR_GUEST, what, with, NULL},
	                   as);
}

static bool has_ended(void *context)
{
	const Party *party = context;
	return party->ended;
}

/* It ended well and said something: that is the detail. */
static bool came_to_a_good_end(Probing *p, Party *party)
{
	Outcome outcome = party_watch(has_ended, party, WATCH_PATIENT | WATCH_START, -1);
	if (party->start_error != 0)
		return LACKS(p, "exec: %s", strerror(party->start_error));
	if (outcome != WATCH_DONE)
		return LACKS(p, "the program in the room did not end (%s)", still_outcome_name(outcome));
	const char *text = party->out.size > 0 ? party->out.text : party->err.size > 0 ? party->err.text : "";
	text += strncmp(text, "lacks ", 6) == 0 ? 6 : 0;
	saw(p, "%.*s", (int)strcspn(text, "\r\n"), text);
	return WIFEXITED(party->status) && WEXITSTATUS(party->status) == 0;
}

/* Something that listens, in a room; the call that it waits in is looked at. */
static const Task *a_waiting_server(Probing *p)
{
	char port[8] = "7007";
	Party *server = a_guest(NULL, (StartAs){0}, "server", port);
	if (server == NULL || server->start_error != 0)
		return NULL;
	Outcome outcome = party_watch(NULL, NULL, WATCH_START, -1);
	Scene *scene = &room_now()->scene;
	for (size_t i = 0; i < scene->tasks.count; i++)
		if (scene->tasks.task[i].pid == server->pid)
			return &scene->tasks.task[i];
	saw(p, "the program cannot be seen (%s)", still_outcome_name(outcome));
	return NULL;
}

/* --- rooms --- */

static bool exchange(Probing *p)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int phone = socket(AF_INET, SOCK_STREAM, 0), caller = socket(AF_INET, SOCK_STREAM, 0), call;
	char heard[8];

	if (phone == -1 || bind(phone, (struct sockaddr *)&address, size) == -1 || listen(phone, 1) == -1 ||
	    getsockname(phone, (struct sockaddr *)&address, &size) == -1)
		return LACKS(p, "127.0.0.1: %s", strerror(errno));
	if (connect(caller, (struct sockaddr *)&address, size) == -1 || (call = accept(phone, NULL, NULL)) == -1)
		return LACKS(p, "a call to 127.0.0.1: %s", strerror(errno));
	if (send(caller, "hello", 5, MSG_NOSIGNAL) != 5 ||
	    recv(call, heard, sizeof heard, MSG_WAITALL | MSG_DONTWAIT) != 5)
		return LACKS(p, "five bytes over 127.0.0.1: %s", strerror(errno));
	return saw(p, "lo is up, and TCP goes over it");
}

static bool have_namespaces(Probing *p)
{
	a_room("open", NULL);
	return exchange(p);
}

static bool have_bubblewrap(Probing *p)
{
	return came_to_a_good_end(p, a_guest("private", (StartAs){0}, "limits", p->secret));
}

static bool have_shared(Probing *p)
{
	a_room("shared", NULL);
	return exchange(p) && room_port() != 0 && saw(p, "127.0.0.1 of the machine, port %u is free", room_port());
}

static bool has_said_so(void *context)
{
	const Party *party = context;
	return party->out.size > 0;
}

/* The check ends, and with it the control socket: the warden goes, and the kernel takes all the others. */
static bool have_a_clean_end(Probing *p)
{
	Party *party = a_guest(NULL, (StartAs){0}, "runaway", NULL);
	Room *room = room_now();
	if (!room_is_private())
		return LACKS(p, "no pid namespace in the shared room");
	if (party == NULL || party_watch(has_said_so, party, WATCH_PATIENT | WATCH_START, -1) != WATCH_DONE)
		return LACKS(p, "the program in the room did not come up");
	TaskList list = {0};
	tasks_look(&list, room->warden);
	if (list.processes == 0)
		return LACKS(p, "the process that ran away cannot be seen");
	struct pollfd ends = {.fd = (int)syscall(SYS_pidfd_open, list.process[0], 0), .events = POLLIN};
	close(room->control);
	if (ends.fd == -1 || poll(&ends, 1, LAST_RESORT_MS) != 1)
		return LACKS(p, "a process that ran away outlives its room");
	return saw(p, "a daemon dies with its room");
}

/* --- what the kernel tells --- */

static bool have_sockets(Probing *p)
{
	const Task *task = a_waiting_server(p);
	Scene *scene = &room_now()->scene;
	if (task == NULL)
		return false;
	if (!sockets_look(scene->diag, &scene->sockets))
		return LACKS(p, "NETLINK_SOCK_DIAG: %s", strerror(errno));
	const Socket *listener = sockets_listener(&scene->sockets, 7007);
	if (listener == NULL)
		return LACKS(p, "a socket that listens cannot be seen");
	if (!listener->counted)
		return saw(p, "states and queues, but no counts of bytes");
	return saw(p, "states, queues and counts of bytes");
}

static bool have_calls(Probing *p)
{
	char call[64];
	const Task *task = a_waiting_server(p);
	if (task == NULL)
		return false;
	if (!task->known || !task->in_call)
		return LACKS(p, "/proc/PID/task/TID/syscall cannot be read");
	return saw(p, "sees a server wait in %s", calls_describe(task, call));
}

static bool have_counts(Probing *p)
{
	unsigned long long cpu, waited, times;
	FILE *file = fopen("/proc/thread-self/schedstat", "re");
	bool told = file != NULL && fscanf(file, "%llu %llu %llu", &cpu, &waited, &times) == 3;
	if (file != NULL)
		fclose(file);
	if (!told || times == 0)
		return LACKS(p, "/proc/PID/task/TID/schedstat is not there");
	return saw(p, "ns on a CPU, and how often");
}

static bool have_children(Probing *p)
{
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return LACKS(p, "/proc/PID/task/TID/children is not there");
	close(fd);
	return saw(p, "/proc/PID/task/TID/children");
}

static bool have_descriptors(Probing *p)
{
	const Task *task = a_waiting_server(p);
	int fd = task == NULL ? -1 : calls_descriptor(task);
	if (fd < 0)
		return p->detail[0] ? false : LACKS(p, "which descriptor to ask for is not known");
	int process = (int)syscall(SYS_pidfd_open, task->pid, 0);
	int copy = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	int listens = 0;
	socklen_t size = sizeof listens;
	if (copy == -1)
		return LACKS(p, "pidfd_getfd: %s", strerror(errno));
	if (getsockopt(copy, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == -1 || !listens)
		return LACKS(p, "the copy of a descriptor is no socket that listens");
	return saw(p, "the program's own sockets can be asked");
}

static bool have_terminal(Probing *p)
{
	Party *party = a_guest(NULL, (StartAs){.input = INPUT_TERMINAL}, "terminal", NULL);
	if (party == NULL)
		return false;
	party_input(party, "line\r", 5);
	if (!came_to_a_good_end(p, party))
		return false;
	return strstr(party->out.text, "again: line") != NULL ? saw(p, "openpty: types and reads")
	                                                      : LACKS(p, "what was typed did not come back");
}

/* --- what is built --- */

/* Writes NAME.c and compiles it; the path of the program, or NULL with the detail said. */
static char *compiled(Probing *p, const char *name, const char *source, const char *const *options)
{
	const char *chosen = getenv("CC"), *compiler = chosen && *chosen ? chosen : "gcc";
	char *file = words_print("%s/%s.c", p->work, name), *program = words_print("%s/%s", p->work, name);
	Words command = {0};
	pid_t pid;
	int status = -1;
	FILE *out = fopen(file, "we");

	if (out == NULL || fputs(source, out) == EOF || fclose(out) != 0) {
		saw(p, "%s: %s", file, strerror(errno));
		return NULL;
	}
	words_add_all(&command, compiler, "-g", "-O0", "-o", program, file, NULL);
	for (; options != NULL && *options != NULL; options++)
		words_add(&command, "%s", *options);
	int error = posix_spawnp(&pid, compiler, NULL, NULL, command.word, environ);
	if (error != 0) {
		saw(p, "%s: %s", compiler, strerror(error));
		return NULL;
	}
	if (waitpid(pid, &status, 0) != pid || status != 0 || chmod(program, 0755) == -1) {
		saw(p, "%s fails", compiler);
		return NULL;
	}
	return program;
}

static Party *started(char *program, StartAs as)
{
	char *const visible[] = {program, NULL};
	a_room(NULL, visible);
	return party_start("program", visible, NULL, as);
}

static bool have_compiler(Probing *p)
{
	const char *version = "#include <stdio.h>\nint main(void) { puts(\"C compiler \" __VERSION__); return 0; }\n";
	char *program = compiled(p, "hello", version, NULL);
	return program != NULL && came_to_a_good_end(p, started(program, (StartAs){0}));
}

static bool have_source_lines(Probing *p)
{
	static const char waits[] = "#include <unistd.h>\n"
				    "int main(void)\n"
				    "{\n"
				    "\tchar byte;\n"
				    "\treturn read(0, &byte, 1) == 1;\n"
				    "}\n";
	Where where = {0};
	char *program = compiled(p, "waits", waits, NULL);
	if (program == NULL)
		return false;
	Party *party = started(program, (StartAs){0});
	party_watch(NULL, NULL, WATCH_START, -1);
	if (party->ended || !where_thread(party->pid, party->pid, p->work, "", &where))
		return LACKS(p, "ptrace or the debug information fails");
	if (where.line != 5)
		return LACKS(p, "it waits in line 5, and %d is told", where.line);
	return saw(p, "ptrace: main() waits in line %d", where.line);
}

static bool have_sanitizers(Probing *p)
{
	static const char leaks[] = "#include <stdlib.h>\n"
				    "char *volatile kept;\n"
				    "int main(void)\n"
				    "{\n"
				    "\tkept = malloc(77);\n"
				    "\tkept = NULL;\n"
				    "\treturn 0;\n"
				    "}\n";
	static const char *const options[] = {"-fsanitize=address,undefined", "-fno-sanitize-recover=all", NULL};
	char *program = compiled(p, "leaks", leaks, options);
	if (program == NULL)
		return false;
	Party *party = started(program, (StartAs){.sanitized = true, .environment = "ASAN_OPTIONS=exitcode=99"});
	party_watch(has_ended, party, WATCH_PATIENT | WATCH_START, -1);
	const char *report = party->err.size > 0 ? party->err.text : "";
	if (strstr(report, "detected memory leaks") == NULL)
		return LACKS(p, "a leak is not seen: %.*s", (int)strcspn(report, "\n"), report);
	return saw(p, "ASan, UBSan and LeakSanitizer work");
}

static bool have_readline(Probing *p)
{
	static const char uses[] = "#include <stdio.h>\n"
				   "#include <readline/readline.h>\n"
				   "int main(void) { printf(\"GNU readline %s\\n\", rl_library_version); return 0; }\n";
	static const char *const options[] = {"-lreadline", NULL};
	char *program = compiled(p, "prompts", uses, options);
	return program != NULL && came_to_a_good_end(p, started(program, (StartAs){0}));
}

static bool have_python(Probing *p)
{
	Subject subject = {0};
	char why[256];
	if (!command_parse(&subject, "server",
	                   "python3 -c 'import socket, sys; print(\"Python\", sys.version.split()[0])'", p->secret, why,
	                   sizeof why))
		return LACKS(p, "%s", why);
	a_room(NULL, subject.visible);
	return came_to_a_good_end(p, party_start("python", subject.argv, NULL, (StartAs){0}));
}

bool doctor_room(Probing *p)
{
	char message[512];
	if (!room_prepare(message, sizeof message))
		return LACKS(p, "%s", message);
	return saw(p, "%s", room_kind_name(room_kind()));
}

/* --- how to get what is missing --- */

static long setting(const char *path)
{
	long value = -1;
	FILE *file = fopen(path, "re");
	if (file != NULL && fscanf(file, "%ld", &value) != 1)
		value = -1;
	if (file != NULL)
		fclose(file);
	return value;
}

/* Only what holds on this machine, as far as that can be seen. */
static const char *get_namespaces(void)
{
	static char text[800];
	const char *parts[5] = {0};
	size_t count = 0;
	if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1 && geteuid() != 0)
		parts[count++] = "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu 24.04 sets it), "
				 "or be root;";
	if (setting("/proc/sys/kernel/unprivileged_userns_clone") == 0 && geteuid() != 0)
		parts[count++] = "sudo sysctl kernel.unprivileged_userns_clone=1, or be root;";
	if (setting("/proc/sys/user/max_user_namespaces") == 0 || setting("/proc/sys/user/max_net_namespaces") == 0)
		parts[count++] = "sudo sysctl user.max_user_namespaces=15000 user.max_net_namespaces=15000;";
	if (access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0)
		parts[count++] = "this is a container: start it with --security-opt seccomp=unconfined "
				 "--security-opt apparmor=unconfined --security-opt systempaths=unconfined "
				 "(podman: unmask=ALL in place of the last);";
	if (count == 0)
		parts[count++] =
		    "look for what forbids user namespaces: a seccomp or AppArmor profile, SELinux, a kernel "
		    "without CONFIG_USER_NS; in Docker: --security-opt seccomp=unconfined --security-opt "
		    "apparmor=unconfined --security-opt systempaths=unconfined.";
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "", parts[i]);
	size_t n = strlen(text);
	if (text[n - 1] == ';')
		text[n - 1] = '.';
	return text;
}

static const char *get_bubblewrap(void)
{
	return command_find("bwrap") != NULL ? get_namespaces() : "apt-get install bubblewrap (scripts/setup does it).";
}

static const char *get_ptrace(void)
{
	return setting("/proc/sys/kernel/yama/ptrace_scope") >= 2
	           ? "sudo sysctl kernel.yama.ptrace_scope=1"
	           : "be root, or judge in the private room; in Docker: --cap-add SYS_PTRACE, or --security-opt "
	             "seccomp=unconfined.";
}

static const char *get_source_lines(void)
{
	return command_find("gcc") != NULL ? get_ptrace() : "the compiler first: see above.";
}

#define CURE(name, text)                    \
	static const char *get_##name(void) \
	{                                   \
		return text;                \
	}
CURE(shared, "sudo ip link set lo up.")
CURE(clean_end, "the private or the open room: see above.")
CURE(sockets, "a kernel with CONFIG_INET_DIAG (sudo modprobe tcp_diag); nothing else can take its place.")
CURE(counts, "a kernel with CONFIG_SCHED_INFO (Debian's, Ubuntu's and Fedora's have it).")
CURE(children, "a kernel with CONFIG_PROC_CHILDREN (Debian's, Ubuntu's and Fedora's have it).")
CURE(terminal, "a /dev/pts: sudo mount -t devpts devpts /dev/pts.")
CURE(compiler, "apt-get install gcc libc6-dev (scripts/setup does it).")
CURE(sanitizers, "apt-get install gcc (Debian's brings libasan and libubsan); Fedora: dnf install libasan libubsan.")
CURE(readline, "apt-get install libreadline-dev (scripts/setup does it).")
CURE(python, "apt-get install python3 (scripts/setup does it).")

/* --- the list --- */

const Probe doctor_probes[] = {
    {"The room in which programs are shut in", "namespaces", have_namespaces,
     "the private network. Programs share this machine's loopback: they get free ports, checks that need a certain "
     "port are skipped, and nothing shuts them in. Grade nobody's code but your own.",
     get_namespaces, false},
    {NULL, "bubblewrap", have_bubblewrap,
     "the shutting in. Programs can see this machine's files, and no limit holds on what they write in all. Grade "
     "nobody's code but your own.",
     get_bubblewrap, false},
    {NULL, "nothing survives", have_a_clean_end,
     "the kernel's word that no process of a program outlives its check; the grader kills what it can find.",
     get_clean_end, false},
    {NULL, "shared loopback", have_shared, "the room that is left when namespaces cannot be had.", get_shared, false},
    {"What the kernel tells of a program", "sockets", have_sockets,
     "all: whether a server listens, and whether bytes are on their way, is known from there.", get_sockets, true},
    {NULL, "calls", have_calls,
     "the certainty that a program waits. A thread that sleeps for a second is taken to wait: slower, and a guess.",
     get_ptrace, false},
    {NULL, "run counts", have_counts,
     "some precision: switches are counted by /proc/PID/status, and CPU time in ticks of 10 ms.", get_counts, false},
    {NULL, "lists of children", have_children,
     "a little time: every process of the machine is looked at to find those of a program.", get_children, false},
    {NULL, "descriptors", have_descriptors,
     "SO_RCVTIMEO of a program's socket is not seen: one that wakes by it is taken to wait for ever.", get_ptrace,
     false},
    {NULL, "terminal", have_terminal, "all checks of clients at a prompt: they are not judged.", get_terminal, false},
    {"What is built", "compiler", have_compiler, "C programs: only commands given by --program can be judged.",
     get_compiler, false},
    {NULL, "source lines", have_source_lines,
     "the line at which a program waits, spins or died: the call and its descriptor alone are told.", get_source_lines,
     false},
    {NULL, "sanitizers", have_sanitizers, "the checks for leaks and memory errors: they are skipped.", get_sanitizers,
     false},
    {NULL, "readline", have_readline, "the clients of labs 02 and up: they do not compile.", get_readline, false},
    {NULL, "python3", have_python, "programs in Python, and the tests of this harness.", get_python, false},
    {0},
};
