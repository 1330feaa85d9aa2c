"""ending: nothing of a script's is left when it is told to end, or is killed."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_on_signals():
    """SIGTERM and SIGHUP end us as Ctrl-C does: through every `finally` and `with`."""
    for number in signal.SIGTERM, signal.SIGHUP:
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup is respected
            signal.signal(number, lambda number, _: sys.exit(128 + number))


def die_with_us():
    """For preexec_fn of a child: the kernel kills it when the thread that made it is gone, however it went (man 2 prctl)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
