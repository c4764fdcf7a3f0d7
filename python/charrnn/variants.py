"""The file of a sweep, a line of options for each run, and the runs that it makes."""
import json
import math
import shlex
import subprocess

from charrnn.command_line import UsageError
from charrnn.files import read_text
from charrnn.pool import last_error
from charrnn.runs import Run, limit_of, number, options_of

END = math.inf  # of a run, in epochs


def read_lines(path):
    """The words of every line, quoted as in a shell. UsageError."""
    lines = read_text(path).splitlines()
    if not lines:
        raise UsageError(f"'{path}' is empty: it wants a line of options for each run")
    return [_words(path, lines, number_) for number_ in range(1, len(lines) + 1)]


def read_line(path, number_):
    """The words of one, counted from 1. UsageError."""
    return _words(path, read_text(path).splitlines(), number_)


def _words(path, lines, number_):
    line = lines[number_ - 1].strip() if 0 < number_ <= len(lines) else ""
    if not line:
        raise UsageError(f"'{path}' has nothing in line {number_}")
    try:
        return shlex.split(line)
    except ValueError:
        raise UsageError(f"line {number_} of '{path}' has a quote without its partner: {line}") from None


class Refused(Exception):
    """What the program says of options that it does not take, and its exit code."""

    def __init__(self, program, process):
        super().__init__(last_error(process.stderr) or f"'{program}' ended with code {process.returncode}")
        self.code = process.returncode


def in_force(program, words):
    """{key: value as TOML} of all the options that `train` with these words would have, whatever says so. Refused."""
    asked = subprocess.run([program, "train", *words, "--check"], capture_output=True, text=True, errors="replace")
    if asked.returncode != 0:
        raise Refused(program, asked)
    return options_of(asked.stdout)


def string(value):
    """What a TOML string of the program's says, for it escapes as JSON does."""
    return json.loads(value)


class Variant:
    """A line and its run.

    number   of the line
    own      its words
    options  {key: value as TOML} of all that are in force for it
    run      what the run has told, None if it has not begun
    failure  why it did not come as far as it was to, None if it did
    """

    def __init__(self, number_, common, own, folder, options):
        self.number, self.own, self.folder, self.name, self.failure = number_, own, folder, folder.name, None
        self.options, self.limit = options, limit_of(options)
        self.place = ["--run-dir", str(folder.parent), "--name", folder.name, "--resume"]
        self.words = ["train", *common, *own, *self.place]
        self.look()

    def look(self):
        """At what there is of the run now."""
        self.run = Run(self.folder) if (self.folder / "metrics.jsonl").exists() else None

    def up_to(self, rung):
        """The command that trains so many epochs, or to the end; that too is said, for a resumed run would stop where it did."""
        end = min(rung, self.limit)
        return [*self.words, "--max-epochs", "0" if end == END else f"{end:.15g}"]

    def at(self, rung):
        """(whether the run has come so far, its best validation loss until then or None)."""
        end, best, limit = min(rung, self.limit), None, END
        for event in self.run.events if self.run else []:
            kind, loss = event.get("event"), number(event.get("val_loss"))
            if kind == "run":
                limit = limit_of(options_of(event.get("config")))
            if kind in ("epoch", "validation") and loss is not None and not event.get("final"):
                best = loss if best is None else min(best, loss)
            if kind == "epoch" and (number(event.get("epoch")) or 0) + 1 >= end:
                return True, best
            if kind == "end" and event.get("exit_code") == 0 and (limit >= end or event.get("stopped_early") is True):
                return True, best
        return False, best

    def length(self):
        """The epochs that the whole run takes, as far as it has told; None if it has not."""
        if self.run is None or not self.run.length:
            return None
        return self.run.done if self.at(END)[0] else min(self.run.length, self.limit)
