"""What the program is doing, told from its own output, from its files, and from what the kernel knows of it. Each stage
is a way to start it and a way to see that it is there."""
import contextlib
import dataclasses
import os
from typing import Callable

import bench as on
import program

# On a large text most of a start is reading, counting and encoding it.
LARGE = 300_000_000
# Enough for a validation of some ten seconds on one core.
MIDDLE = 4_000_000


@dataclasses.dataclass
class Stage:
    name: str
    words: Callable  # bench -> the command line
    reached: Callable  # (bench, running, {rank: process}) -> true once it is there
    trains: bool = True  # leaves a checkpoint when it is stopped
    is_job: bool = True  # on many ranks, which end together
    dice: float = 0.3  # seconds, at most, into the stage

    def wait(self, bench, running, ranks, victims):
        def look():
            assert running.process.poll() is None, f"ended with {running.process.returncode} before: {running.stderr[-400:]}"
            return self.reached(bench, running, victims)
        on.wait_until(look, f"the stage '{self.name}'")


def is_read(victims, path):
    """Whether a rank has the text open: one of them may read it for all."""
    for pid in victims.values():
        with contextlib.suppress(OSError):
            if any(os.readlink(f"/proc/{pid}/fd/{fd}") == str(path) for fd in os.listdir(f"/proc/{pid}/fd")):
                return True
    return False


def processor_seconds(pid):
    stat = program.stat_of(pid)
    return 0 if stat is None else (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def begins(bench, running, victims):
    return True


def reads(bench, running, victims):
    return is_read(victims, bench.text(LARGE))


def trains(bench, running, victims):
    return bench.told_step() >= 20


def validates(bench, running, victims):
    # Step 7 is told of before the validation after it, and the validation when it ends.
    return bench.told_step() == 7


def saves(bench, running, victims):
    return bool(on.half_written(bench.run_folder))


def writes(bench, running, victims):
    return len(running.stdout) > 100


def evaluates(bench, running, victims):
    # Some seconds of work are behind: far more than a start and the encoding of such a text take.
    return all(processor_seconds(pid) > 2.5 for pid in victims.values())


def large(bench):
    return bench.words(text=bench.text(LARGE))


STAGES = [
    Stage("it starts", lambda bench: bench.words(), begins, trains=False),
    Stage("it reads and encodes a text of 300 MB", large, reads, trains=False, dice=1),
    Stage("it trains", lambda bench: bench.words("--max-steps", 1_000_000), trains),
    Stage("it validates", lambda bench: bench.words("--validate-every", 7, text=bench.text(MIDDLE)), validates, dice=2),
    Stage("it saves", lambda bench: bench.words("--save-every", 1, "--hidden", 400, "--max-steps", 1_000_000), saves, dice=0),
    Stage("`sample` writes", lambda bench: ["sample", bench.small_run, "--length", 1_000_000_000], writes, trains=False, is_job=False),
    Stage("`eval` evaluates", lambda bench: ["eval", "--checkpoint", bench.small_run, "--corpus", bench.text(5 * MIDDLE), "--threads", 1,
                                             "--columns", 16],
          evaluates, trains=False, dice=2),
    Stage("`eval` reads and encodes a text of 300 MB",
          lambda bench: ["eval", "--checkpoint", bench.small_run, "--corpus", bench.text(LARGE), "--threads", 1],
          reads, trains=False, dice=0.5),
]
