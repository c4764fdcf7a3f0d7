"""Processes of this machine, as /proc shows them."""
import os
from pathlib import Path


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
