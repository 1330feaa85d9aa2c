/*
 * stop.h: stopping a thread, and letting it go on as if nothing had been.
 *
 * SIGSTOP is no way to do that. A stop and a continue end some calls with EINTR though no handler is there (man 7
 * signal: epoll_wait, semop, sigtimedwait, a recv under SO_RCVTIMEO …), and a right program need not reckon with it.
 * So: PTRACE_SEIZE and PTRACE_INTERRUPT, which send no signal (man 2 ptrace). They too end those calls, but the thread
 * then stands before its return to the program, and the kernel restarts a call whose result reads ERESTARTNOHAND: an
 * EINTR of one of those calls is turned into that, and the program never learns of it. A handler that is to run still
 * gets its EINTR. x86-64 only: on aarch64 the kernel has decided by then, and those calls do fail with EINTR.
 *
 * Rights: PTRACE_MODE_ATTACH, as in where.h. ptrace knows threads: the one of ours that stops is the one that lets go.
 * Time: 0.1 ms; a running thread is waited for until it gets a CPU. The backstop is 10 s.
 */
#ifndef OBSERVE_STOP_H
#define OBSERVE_STOP_H

#include <stdbool.h>
#include <sys/types.h>

/* Stops a thread that nobody traces. False: gone, denied, traced. `status` is for stop_let_go(). */
bool stop_thread(pid_t tid, int *status);

/* It goes on, and is traced no longer. False: it is ending (another thread has ended the program, or a SIGKILL has). Then it
 * is ours to reap before its parent can: stop_look() until that says STOP_GONE. */
bool stop_let_go(pid_t tid, int status);

/* --- for where.c, which watches threads over longer times --- */

typedef enum { STOP_NOTHING_YET, STOP_STOPPED, STOP_GONE } StopLook;

/* Whether a tracee of ours has stopped or ended; waits for nothing. */
StopLook stop_look(pid_t tid, int *status);

/* Stops a thread that we have seized already; false: it has gone. */
bool stop_seized(pid_t tid, int *status);

/* Gives a thread that we wait for a chance to stop, the `times`th; false: it has had chances enough since `began`. */
bool stop_give_way(int times, double began);
double stop_seconds(void);

/* It stands on its way out of a call that the stop has ended: has that call made again. */
void stop_have_call_restarted(pid_t tid);

/* Of a ptrace-stop's status: the signal, PTRACE_EVENT_..., and the signal that it was about to get. */
int stop_signal(int status);
int stop_event(int status);
int stop_undelivered(int status);

/* A number behind "Name:" in /proc/PID/status, or -1. */
long long stop_status_field(pid_t tid, const char *name, int base);

/* R, S, D, T, t or Z; 0: it is gone. */
char stop_state(pid_t tid);

#endif
