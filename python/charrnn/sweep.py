"""Runs side by side, one for each line of a file of options. With rungs the bad ones are stopped early, by successive halving
(Jamieson & Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016): all train up to
the first rung, the better half goes on to the next, and what is left after the last one trains to its end.

A run's own metrics.jsonl says how far it is and with which loss. So a sweep that was stopped is begun again, and goes on.
"""
import json
import math
import tempfile
from pathlib import Path

from charrnn.command_line import DataError, UsageError, reason, say
from charrnn.files import read_json, write_file
from charrnn.results import results
from charrnn.variants import END, Refused, Variant, in_force, read_lines, string

INTERRUPTED = 75


class Sweep:
    """Sweep(program, "rates.txt", ["--corpus", "text.txt", "--name", "rates"]).train(pool, rungs=[1, 2], keep=0.5)"""

    def __init__(self, program, path, common):
        """`common`: options of all runs. UsageError or DataError for whatever can be seen before anything is started."""
        self.program, self.path, self.common = program, path, common
        lines = read_lines(path)
        self.look_at_words(lines)
        with tempfile.TemporaryDirectory() as nowhere:  # so that no run is found that was trained before
            options = [self.ask(i, own, "--run-dir", nowhere) for i, own in enumerate(lines, 1)]
            folder = Path(string(self.ask(1, lines[0], "--name", Path(nowhere).name)["run-dir"]))
        name = string(options[0]["name"])
        self.variants = [Variant(i, common, own, folder / f"{name}-{i}", options[i - 1]) for i, own in enumerate(lines, 1)]
        self.file, self.record = folder / f"{name}.results.txt", folder / f"{name}.sweep.json"
        self.compare()
        for one in self.variants:
            if one.folder.exists():  # then it is resumed, which may not change everything
                self.ask(one.number, one.own, *one.place)
        self.seconds = self.epochs = 0.0  # that runs took, and trained, since this start

    def compare(self):
        """With how the sweep was begun: its table must not mix what does not belong together."""
        begun = [variant for variant in self.variants if variant.run]
        if not begun or not self.record.exists():
            return
        then = read_json(self.record)
        lines = then.get("lines") if isinstance(then, dict) else None
        if not isinstance(lines, dict) or then.get("common") != self.common:
            raise UsageError(f"the sweep of '{self.record}' was begun with other options: repeat those, or give this one "
                             "another --name")
        for variant in begun:
            if lines.get(str(variant.number)) != variant.own:
                raise UsageError(f"line {variant.number} of '{self.path}' was another one when '{variant.folder}' was begun: "
                                 "remove that folder, or give the sweep another --name")

    def look_at_words(self, lines):
        """For options that the sweep gives to its runs itself."""
        if any(word.partition("=")[0] == "--resume" for words in [self.common, *lines] for word in words):
            raise UsageError("a sweep resumes its runs by itself: leave out --resume; --init-from takes another run's weights")
        for i, own in enumerate(lines, 1):
            for word in own:
                if (option := word.partition("=")[0]) in ("--name", "--run-dir"):
                    raise UsageError(f"line {i} of '{self.path}': {option} is that of the whole sweep: give it after `train`")

    def ask(self, line, own, *more):
        """Lets the program say what is in force for a line, or what is wrong with it."""
        try:
            return in_force(self.program, [*self.common, *own, *more])
        except Refused as refused:
            # Not the line's fault if it is the same without it.
            where = f"line {line} of '{self.path}': "
            try:
                in_force(self.program, [*self.common, *more])
            except Refused as without:
                where = "" if str(without) == str(refused) else where
            raise (UsageError if refused.code == UsageError.code else DataError)(f"{where}{refused}") from None

    def train(self, pool, rungs, keep):
        """The exit code: 0 if any run has come to its end, 75 if a signal came first, else that of a run that failed."""
        self.remember()
        alive, left, code = self.variants, [*rungs, END], 0
        while True:
            if len(alive) == 1:
                left = [END]
            code = self.train_to(left, alive, pool, keep) or code
            self.tabulate()
            if pool.stopped:
                return INTERRUPTED if pool.ended_by is None else 128 + pool.ended_by
            good = [one for one in alive if not one.failure]
            if left[0] == END or not good:
                return 0 if good else code or DataError.code
            losses = {one: END if (loss := one.at(left[0])[1]) is None else loss for one in good}
            if min(losses.values()) == END:
                raise DataError("without a validation loss nothing tells which runs are bad: leave --rungs out, or give the text "
                                "a validation part (--train-fraction)")
            alive = sorted(good, key=losses.get)[:math.ceil(len(alive) * keep)]  # of equals the first lines
            say(f"==> go on after {text_of(left.pop(0))}: {', '.join(f'{one.name} ({losses[one]:.4f})' for one in alive)}")

    def remember(self):
        try:
            self.record.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"cannot make the folder '{self.record.parent}': {reason(error)}") from None
        lines = {variant.number: variant.own for variant in self.variants}
        write_file(self.record, json.dumps({"common": self.common, "lines": lines}) + "\n")

    def train_to(self, left, alive, pool, keep):
        """All of these to the first of the rungs that are left. The exit code of one that fails, else 0."""
        todo = [one for one in alive if not one.at(left[0])[0]]
        if not todo:
            return 0
        ended, code, width = len(alive) - len(todo), 0, max(len(one.name) for one in self.variants)
        say(f"==> {len(todo)} run(s) to {'the end' if left[0] == END else text_of(left[0])}, {min(pool.at_once, len(todo))} at "
            f"once with {pool.share(len(todo))} thread(s) each")
        for training in pool.run([(one, one.up_to(left[0])) for one in todo]):
            one, before = training.job, training.job.run
            one.look()
            if pool.stopped:
                continue  # not told of: it goes on later
            ended += 1
            reached, loss = one.at(left[0])
            one.failure = training.failure or (None if reached else f"'{one.folder}' does not tell that it came so far")
            code = training.code or code
            if one.run and one.run.done:
                self.seconds += training.seconds
                self.epochs += one.run.done - (before.done or 0 if before else 0)
            told = f"failed: {one.failure}" if one.failure else "no validation loss" if loss is None else f"{loss:.4f}"
            self.tabulate()
            say(f"{one.name:<{width}}  {told}  ({ended} of {len(alive)}{self.time_left(left, alive, pool, keep)})")
        return code

    def time_left(self, left, alive, pool, keep):
        """If all goes on as it has gone, the later rungs too."""
        lengths = {one: length for one in alive if not one.failure and (length := one.length())}
        if not lengths or not self.epochs:
            return ""
        mean = sum(lengths.values()) / len(lengths)
        ends = [min(rung, mean) for rung in left]
        going = [one for one in alive if not one.failure and not one.at(left[0])[0]]
        to_go = sum(max(0, min(left[0], lengths.get(one, mean)) - (one.run.done or 0 if one.run else 0)) for one in going)
        count = len(alive)
        for before, end in zip(ends, ends[1:]):
            count = math.ceil(count * keep)
            to_go += count * (end - before)
        seconds = to_go * self.seconds / self.epochs / pool.at_once
        return f"; about {f'{seconds:.0f} s' if seconds < 100 else f'{seconds / 60:.0f} min'} left" if to_go > 0 else ""

    def tabulate(self):
        write_file(self.file, self.table() + "\n")

    def table(self, width=None):
        """That of launch/results, and below it why runs failed."""
        failed = [f"{one.name}: {one.failure}" for one in self.variants if one.failure]
        return "\n".join([results([one.run for one in self.variants if one.run], width), *failed])


def text_of(rung):
    return f"{rung:.15g} epoch{'' if rung == 1 else 's'}"
