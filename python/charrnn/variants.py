"""The file of a sweep, a line of options for each run, and the runs that it makes."""
import math
import shlex

from charrnn.command_line import UsageError
from charrnn.files import read_text
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


def value_of(words, option, default):
    """Of an option that takes one value: the last one counts."""
    for i, word in enumerate(words):
        if word == option and i + 1 < len(words):
            default = words[i + 1]
        elif word.startswith(f"{option}="):
            default = word.partition("=")[2]
    return default


class Variant:
    """A line and its run.

    number   of the line
    own      its words
    run      what the run has told, None if it has not begun
    failure  why it did not come as far as it was to, None if it did
    """

    def __init__(self, number_, common, own, folder):
        self.number, self.own, self.folder, self.name, self.failure = number_, own, folder, folder.name, None
        self.words = ["train", *common, *own, "--run-dir", str(folder.parent), "--name", folder.name, "--resume"]
        self.limit = limit_of({"max-epochs": value_of(self.words, "--max-epochs", "0")})
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
                limit = limit_of(options_of(event))
            if kind in ("epoch", "validation") and loss is not None and not event.get("final"):
                best = loss if best is None else min(best, loss)
            if kind == "epoch" and (number(event.get("epoch")) or 0) + 1 >= end:
                return True, best
            if kind == "end" and event.get("exit_code") == 0 and (limit >= end or event.get("stopped_early") is True):
                return True, best
        return False, best
