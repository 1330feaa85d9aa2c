/*
 * where.h: at which line of the student's own source a thread stands, and where a program died.
 *
 * A thread that waits stands deep in libc, or in libreadline; one that spins stands anywhere.
 * What the student wants to know is the innermost frame in a file of their own: unwound with
 * elfutils' libdw (snapshot.h), from the registers and the stack. The program needs debug
 * information (-g); optimised and inlined code will do. A stripped program, or one in Python, has
 * no such frame: the answer is false, with file, line and function empty. It is never a guess.
 *
 * Which files are the student's: `sources` is their folder, `shown` the same as a person would
 * type it (NULL: `sources` itself). A file is in it if its name in the debug information begins
 * with either; a relative one ("labs/03-silence") may also stand further in, behind the folder in
 * which the compiler ran. The file is told as `shown` and what comes behind. With `sources` NULL
 * every file of the executable itself counts that is not under /usr.
 *
 * How a thread is stopped. PTRACE_ATTACH, which dwfl_linux_proc_attach() uses, sends a SIGSTOP,
 * and a stop ends some calls with EINTR though there is no handler: epoll_wait, semop,
 * sigtimedwait, recv and others under SO_RCVTIMEO (man 7 signal, "Interruption of system calls
 * and library functions by stop signals"). Seen here: epoll_wait and such a recv fail, each time.
 * So: PTRACE_SEIZE and PTRACE_INTERRUPT, which send no signal (man 2 ptrace). They end those
 * calls too, but the thread then stands before its return to the program, and the kernel restarts
 * a call whose result reads ERESTARTNOHAND: so we write that over the EINTR, and the program
 * never learns of the visit. (On x86-64. On aarch64 the kernel has decided by then, and those few
 * calls do fail.) A handler that is to run still gets its EINTR. What remains to be seen from
 * outside:
 *   - a context switch or two more;
 *   - a poll(), nanosleep() or futex with a time goes on for what is left of it, and shows as
 *     restart_syscall; epoll_wait() with a time and SO_RCVTIMEO start theirs afresh.
 * A stopped program (state T) stays stopped, and its parent is told nothing.
 *
 * Rights: those of PTRACE_MODE_ATTACH (man 2 ptrace): an ancestor of the program under the same
 * uid, or CAP_SYS_PTRACE in its user namespace. Without, or under another tracer (gdb), or once
 * the thread has ended, the answer is false. False as well in state D, in which a thread cannot
 * be stopped.
 *
 * Time: 1.2 ms for a small program, 1.7 ms with readline or sanitizers, the most part of it in
 * the reader; the thread itself is stopped for 0.1 ms. One that runs is waited for until it gets
 * a CPU. The backstop, 10 s, is for one that enters state D that very moment: it stays traced
 * then.
 *
 * Errors: all of them mean "unknown". Nothing here fails a check, blames, or writes to stderr.
 *
 * Processes: each answer forks a child and reaps it again. A SIGCHLD may come of it, and a
 * waitpid(-1) in another thread would steal it. All of this is for one thread of the caller: to
 * ptrace the tracer is a thread, and it is the one that calls crash_watch().
 */
#ifndef OBSERVE_WHERE_H
#define OBSERVE_WHERE_H

#include "report/record.h"

#include <stdbool.h>
#include <sys/types.h>

/* Fills file, line and function of `where`, or empties them: false. where->call is not touched. */
bool where_thread(pid_t pid, pid_t tid, const char *sources, const char *shown, Where *where);

/*
 * A watch on a program that may crash: it notes the line and the signal while the program can
 * still be asked.
 *
 *	CrashWatch *watch = crash_watch(pid, sources, shown);
 *	... whenever you look at the program, and until it has ended: crash_watch_pump(watch); ...
 *	if (crash_watch_found(watch, &where, &signal, &who)) ...
 *	crash_watch_free(watch);
 *
 * It watches all threads of the process, and every thread and child that they make from now on. A
 * crash is a signal that a program brings upon itself (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
 * SIGABRT, SIGPIPE, SIGSYS, SIGXFSZ) and neither handles nor ignores. The first one is kept.
 * Every signal is passed on as it came.
 *
 * While it is on:
 *   - A thread that gets a signal, makes a child or begins stands in state t until the next pump:
 *     the program is only as quick as it is pumped, and stillness is not to be judged in
 *     between.
 *   - The end of a child reaches its parent only after a pump. Keep pumping until the program's
 *     end.
 *   - Nothing here reaps the caller's own child, nor waits for any that is not watched. But learn
 *     of the program's end by a pidfd, then waitpid(): a waitpid() before would eat what the
 *     pump must see.
 *   - No other tracer can come: LeakSanitizer, which is one, gives up. Do not watch sanitized
 *     programs.
 *   - where_thread() works as before, in the watching thread, and pumps meanwhile.
 *
 * Cost: under 1 us a thread and pump with nothing to do; 25 us a signal passed on; 2 ms a crash.
 */
typedef struct CrashWatch CrashWatch;

/* NULL: it cannot be watched (gone, no right to, another tracer, no memory). */
CrashWatch *crash_watch(pid_t pid, const char *sources, const char *shown);

/* Does all that there is to do, and waits for nothing. */
void crash_watch_pump(CrashWatch *watch);

/* True once a crash was seen; `where` is as from where_thread(). `signal`, `pid` may be NULL. */
bool crash_watch_found(const CrashWatch *watch, Where *where, int *signal, pid_t *pid);

/* Lets go of all that is still alive, which then goes on. NULL will do. */
void crash_watch_free(CrashWatch *watch);

#endif
