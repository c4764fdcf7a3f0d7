"""Processes of this machine: starting them, and what /proc shows of them."""
import ctypes
import os
import signal
import subprocess
from pathlib import Path

LIBC = ctypes.CDLL(None)  # loaded here, for nothing may be loaded between fork and exec
PR_SET_PDEATHSIG = 1


def start(words, signals, **how):
    """Starts a program, or mpirun, in a session of its own, so that what a terminal sends reaches it from here alone. `signals`,
    which are blocked here, are not there. Should this process be killed, the program saves and ends."""
    def prepare():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGUSR1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
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
