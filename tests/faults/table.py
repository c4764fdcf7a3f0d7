"""The table of docs/reliability.md: injects the faults of every family and writes what came of them.

    tests/faults/run                          a few injections of each fault, but no SLURM and no hostile files: some minutes
    tests/faults/run --long kills             one family, as often as the table says
    tests/faults/run --long --write docs/reliability.md
    tests/faults/run signals "while it reads" only rows whose text contains these words

Environment: CHARRNN_BUILD, the build folder (build/release).
"""
import argparse
import contextlib
import dataclasses
import datetime
import importlib
import os
import platform
import re
import shlex
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "e2e")]
import mounts  # noqa: E402
import program  # noqa: E402
from bench import Bench  # noqa: E402
from rows import Skip  # noqa: E402

FAMILIES = ("kills", "freezes", "signals", "disk", "network", "files", "inputs", "slurm")
HEADING = "| fault | injected how | how often | noticed within | lost work | result |\n|---|---|---|---|---|---|"
BUSY = 10  # times as long as promised is fine in the short form, which shares the machine with other tests


@dataclasses.dataclass
class Result:
    row: object
    outcomes: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)
    skipped: str = ""

    def markdown(self):
        row = self.row
        if self.skipped:
            return f"| {row.fault} | {row.how} | 0 | | | not run: {self.skipped} |"
        times = sum(outcome.times for outcome in self.outcomes) + len(self.failures)
        seconds = [outcome.seconds for outcome in self.outcomes if outcome.seconds is not None]
        lost = [outcome.lost for outcome in self.outcomes if outcome.lost is not None]
        within = ""
        if seconds:
            within = f"{max(seconds):.1f} s"
            if len(seconds) > 2:
                within += f" (median {statistics.median(seconds):.1f} s)"
        lost_text = "" if not lost else "none" if max(lost) <= 0 else f"at most {max(lost)} steps"
        noted = [outcome for outcome in self.outcomes if outcome.note]
        result = row.result + (f"; {max(noted, key=lambda outcome: outcome.seconds or 0).note}" if noted else "")
        if self.failures:
            result = f"**{len(self.failures)} of {times} failed**: {one_line(self.failures[0])}"
        return f"| {row.fault} | {row.how} | {times:,} | {within} | {lost_text} | {result} |"


def one_line(text, most=300):
    text = re.sub(r"\s+", " ", str(text)).replace("|", "\\|").strip()
    return text if len(text) <= most else text[:most] + " …"


def run_row(row, bench):
    result = Result(row)
    reason = row.needs()
    times = row.long if bench.long else row.short
    if reason is None and times == 0:
        reason = "only in the long form"
    if reason is not None:
        result.skipped = reason
        return result
    limit = None if row.promise is None else row.promise * (1 if bench.long else BUSY)
    for number in range(times):
        start = time.monotonic()
        try:
            with bench.injection():
                outcome = row.inject(bench, number)
            if limit is not None and outcome.seconds is not None and outcome.seconds > limit:
                raise AssertionError(f"noticed after {outcome.seconds:.1f} s, promised are {row.promise} s")
            result.outcomes.append(outcome)
            told = "ok" if outcome.seconds is None else f"ok, {outcome.seconds:.2f} s"
            if outcome.lost is not None:
                told += f", {outcome.lost} steps lost"
        except Skip as error:
            result.skipped = str(error)
            return result
        except Exception as error:  # a row that fails, for whatever reason, is a row of the table
            result.failures.append(f"injection {number}: {error or type(error).__name__}")
            told = f"FAILED: {error}"
        print(f"  {number + 1}/{times} {told} [{time.monotonic() - start:.1f} s]", file=sys.stderr, flush=True)
    return result


def choose(words):
    """[(family, its module, its rows)] for what the command line names: families, and words that a row contains."""
    families = [word for word in words if word in FAMILIES] or FAMILIES
    parts = [word.lower() for word in words if word not in FAMILIES]
    chosen = []
    for family in families:
        module = importlib.import_module(family)
        rows = [row for row in module.ROWS if not parts or any(part in f"{row.fault} {row.how}".lower() for part in parts)]
        if rows:
            chosen.append((family, module, rows))
    return chosen


def machine():
    name = platform.processor()
    with contextlib.suppress(OSError):
        name = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]
    version = subprocess.run([program.PROGRAM, "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    return f"{version}, {len(os.sched_getaffinity(0))} cores of {name}"


def section(module, results, command):
    """What stands between the markers of a family."""
    return (f"{HEADING}\n" + "\n".join(result.markdown() for result in results) +
            f"\n\n{datetime.date.today():%-d %B %Y}, {machine()}: `{command}`\n")


def write_section(path, family, text):
    begin, end = f"<!-- {family}: written by tests/faults/run -->\n", f"<!-- end of {family} -->"
    before = Path(path).read_text()
    if before.count(begin) != 1 or before.count(end) != 1:
        sys.exit(f"{path} has no place for {family}: it needs the lines '{begin.strip()}' and '{end}'")
    head, _, rest = before.partition(begin)
    Path(path).write_text(head + begin + "\n" + text + "\n" + end + rest.partition(end)[2])


def main():
    parser = argparse.ArgumentParser(prog="tests/faults/run", description=__doc__.partition("\n")[0],
                                     epilog=f"Families: {', '.join(FAMILIES)}.")
    parser.add_argument("words", nargs="*", metavar="FAMILY|WORDS", help="families, or words that a row contains; default: all")
    parser.add_argument("--long", action="store_true", help="inject as often as the table says, and hold the program to its seconds")
    parser.add_argument("--write", metavar="FILE", help="put the tables of the families into this Markdown file")
    arguments = parser.parse_args()
    if not program.PROGRAM.exists():
        print(f"skipped: there is no {program.PROGRAM}")
        sys.exit(77)
    # Ends what was started, and removes its files. What a shell or nohup has made this ignore, the runs must not inherit.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    mounts.enter_own_namespace()

    command = shlex.join(["tests/faults/run", *(word for word in sys.argv[1:] if word != arguments.write and word != "--write")])
    failed = injected = 0
    with Bench(arguments.long) as bench:
        for family, module, rows in choose(arguments.words):
            results = []
            for row in rows:
                print(f"{family}: {row.fault} ({row.how})", file=sys.stderr, flush=True)
                results.append(run_row(row, bench))
                failed += len(results[-1].failures)
                injected += len(results[-1].outcomes) + len(results[-1].failures)
            text = section(module, results, command)
            print(f"\n{family}\n\n{text}", flush=True)
            if arguments.write:
                write_section(arguments.write, family, text)
    if injected == 0:
        print("skipped: nothing can be injected here")
        sys.exit(77)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
