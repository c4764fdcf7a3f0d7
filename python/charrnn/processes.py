"""Processes of this machine: starting them, the signals that they and we hear, and what /proc shows of them."""
import ctypes
import os
import signal
import subprocess
from pathlib import Path

from charrnn.command_line import complain

LIBC = ctypes.CDLL(None)  # loaded here, for nothing may be loaded between fork and exec
PR_SET_PDEATHSIG = 1

STOPS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1}
ENDS = {signal.SIGINT, signal.SIGTERM}  # the second time. A terminal that closes sends two SIGHUP
OTHERS = {signal.SIGQUIT, signal.SIGTSTP, signal.SIGCONT, signal.SIGCHLD}


class Signals:
    """What signals mean to a process that starts others. All are blocked, and waited for in one place, so that none is lost,
    whenever it comes.

        signals = Signals()
        signals.act_on(signal.sigwait(signals.watched), job)    # job: has stop(), end(), suspend() and go_on()
        if signals.stopped: …
        if signals.ended_by is not None: …                      # the signal that wanted the end at once, without saving
    """

    def __init__(self):
        # What is ignored, as nohup wants SIGHUP to be, stays ignored. Python's own Ctrl-C is not needed.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.watched = {one for one in STOPS | OTHERS if signal.getsignal(one) != signal.SIG_IGN}
        signal.pthread_sigmask(signal.SIG_BLOCK, self.watched)
        self.stopped, self.ended_by = False, None

    def act_on(self, number, job):
        if number == signal.SIGQUIT or number in ENDS and self.stopped:
            self.stopped, self.ended_by = True, number
            job.end()
        elif number in STOPS:
            if number == signal.SIGINT:
                complain("==> Ctrl-C once more ends at once, without saving")
            if not self.stopped:
                job.stop()
            self.stopped = True
        elif number == signal.SIGTSTP and os.getpid() != 1:  # which nothing can suspend
            job.suspend()
            if signal.SIGCONT not in signal.sigpending():  # it has come meanwhile, and must not be lost
                os.kill(os.getpid(), signal.SIGSTOP)
        elif number == signal.SIGCONT:
            job.go_on()


def start(words, **how):
    """Starts a program, or mpirun, in a session of its own, so that what a terminal sends reaches it from here alone. Signals
    that are blocked here are not there. Should this process be killed, the program saves and ends."""
    def prepare():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGUSR1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS | OTHERS)
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=prepare, **how)


def _fields(pid):
    """Those of /proc/<pid>/stat from the state on: the program's name before may contain anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def state_of(pid):
    """R, S, D, T …; None if it has ended, also if it only waits for its parent to notice."""
    fields = _fields(pid)
    return fields[0] if fields and fields[0] not in "ZX" else None


def children_of(parent):
    """Living ones."""
    found = []
    for entry in os.listdir("/proc"):
        fields = _fields(entry) if entry.isdigit() else None
        if fields and fields[0] not in "ZX" and int(fields[1]) == parent:
            found.append(int(entry))
    return found


def has_variable(pid, name):
    """Whether it was started with this variable in its environment."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(variable.startswith(name.encode() + b"=") for variable in variables)


def mapped_files():
    """Paths of all files that processes which may be looked at have mapped."""
    found = set()
    for entry in os.listdir("/proc"):
        try:
            lines = Path(f"/proc/{entry}/maps").read_text(errors="replace").splitlines() if entry.isdigit() else []
        except OSError:
            continue
        found.update(line[line.index("/"):] for line in lines if "/" in line)
    return found
