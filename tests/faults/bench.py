"""What the families share: texts, the small run that is disturbed, what it ends with undisturbed, and its processes."""
import contextlib
import functools
import os
import re
import shutil
import signal
import tempfile
import time
from pathlib import Path

import program

PATIENCE = 300  # seconds without anything new until a run counts as hung
DEADLINE = 5  # seconds, --timeout of the disturbed runs
SAVE_EVERY = 40
STEPS = 1500
MODEL = ["--columns", 16, "--bptt", 8, "--model", "lstm", "--layers", 2, "--hidden", 48]
# Some two seconds on an idle machine, with a checkpoint a few times a second; bits do not depend on the number of ranks.
RUN = [*MODEL, "--reproducible", "--micro-batches", 4, "--epochs", 100, "--save-every", SAVE_EVERY, "--max-steps", STEPS,
       "--timeout", DEADLINE]


class Bench:
    """A folder for everything, and one within it for each injection, `folder`."""

    def __init__(self, long):
        self.long = long
        self.root = Path(tempfile.mkdtemp(prefix="charrnn_faults_"))
        self.root.chmod(0o755)  # munge runs as a user of its own
        self.folder = None
        self.count = 0
        self.at_end = contextlib.ExitStack()  # what was started for more than one injection
        self.at_end.callback(shutil.rmtree, self.root, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.at_end.close()

    @contextlib.contextmanager
    def injection(self):
        self.count += 1
        self.folder = self.root / f"injection_{self.count}"
        self.folder.mkdir()
        try:
            yield
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @functools.cache
    def text(self, characters=100_000):
        """A text of so many characters. Large ones repeat themselves."""
        path = self.root / f"text_{characters}.txt"
        piece = program.make_text(min(characters, 400_000))
        with path.open("w", encoding="utf-8", newline="") as file:
            for _ in range(max(1, characters // len(piece))):
                file.write(piece)
        return path

    def words(self, *more, text=None, model=RUN):
        """A train command for the run `run` in the folder of this injection; of options given twice the last one counts."""
        options = {}
        for word in ["--corpus", text or self.text(), "--run-dir", self.folder, "--name", "run", "--threads", 1, "--log-every", 1,
                     *model, *more]:
            if str(word).startswith("--"):
                last = options[word] = [word]
            else:
                last.append(word)
        return ["train", *(word for option in options.values() for word in option)]

    @property
    def run_folder(self):
        return self.folder / "run"

    @functools.cached_property
    def undisturbed(self):
        """The hash that the run ends with when nothing happens to it."""
        folder, self.folder = self.folder, self.root / "undisturbed"
        self.folder.mkdir()
        try:
            self.to_its_end()
            return program.parameter_hash(self.run_folder)
        finally:
            self.folder = folder

    @functools.cached_property
    def small_run(self):
        """The folder of a run of two steps, for whatever needs a checkpoint or a config."""
        program.run("train", "--corpus", self.text(), "--run-dir", self.root, "--name", "small", "--threads", 1, *MODEL, "--max-steps", 2)
        return self.root / "small"

    def check_hash(self, what=""):
        found = program.parameter_hash(self.run_folder)
        assert found == self.undisturbed, f"another hash than undisturbed: {found} {what}"

    def finish(self, ranks=None):
        """Resumes the run, whatever state it is in, and compares what it ends with. Alone: an undisturbed run's bits do not
        depend on the number of ranks, and one needs no free cores for others."""
        self.to_its_end("--resume", ranks=ranks)
        self.check_hash("after a resume")

    def to_its_end(self, *more, ranks=None):
        with program.Running(self.folder, *self.words(*more), ranks=ranks) as running:
            code = self.exit_code(running)
            assert code == 0, f"exit code {code}: {running.stderr[-400:]}"

    def progress(self):
        """Something that changes while the run goes on."""
        with contextlib.suppress(OSError):
            return (self.run_folder / "metrics.jsonl").stat().st_size
        return None

    def wait_while_it_trains(self, condition, what):
        """Polls for as long as the run gets on, however slowly: a busy machine is no hang."""
        seen, deadline = "nothing yet", 0
        while not (value := condition()):
            if self.progress() != seen:
                seen, deadline = self.progress(), time.monotonic() + PATIENCE
            assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
            time.sleep(0.01)
        return value

    def reach(self, step, running):
        """Waits until the run has told of a step at least as late."""
        self.wait_while_it_trains(lambda: self.told_step() >= step or running.process.poll() is not None, f"step {step}")
        assert self.told_step() >= step, f"ended with {running.process.returncode} before step {step}: {running.stderr[-400:]}"

    def exit_code(self, running):
        """Of a run that trains to its end."""
        self.wait_while_it_trains(lambda: running.process.poll() is not None, "the end of the run")
        return running.process.returncode

    def told_step(self):
        """The last step that metrics.jsonl tells of."""
        return max((event["step"] for event in program.metrics(self.run_folder, "step")), default=0)

    def saved_step(self):
        """The step of the newest checkpoint, as the program sees it; 0 without one."""
        if not program.files_of(self.run_folder):
            return 0
        said = program.run("inspect", self.run_folder, "--json").stdout
        return int(re.search(r'"step": (\d+),\s+"epoch": \d+,\s+"cycle"', said)[1])


def gone(pids):
    """True once these processes have ended."""
    return all((program.stat_of(pid) or "Z")[0] == "Z" for pid in pids)


def ranks_of(running):
    """{rank: process} of the ranks that live now."""
    found = {program.rank_of(pid): pid for pid in running.members()}
    found.pop(None, None)
    return found


def all_ranks(running, number):
    """The same, waited for until they are all there."""
    return wait_until(lambda: len(found := ranks_of(running)) == number and found, f"{number} ranks")


def mpirun_of(running):
    """The process of mpirun under launch/run, waited for."""
    def look():
        for pid in running.members():
            with contextlib.suppress(OSError):
                if os.path.basename(os.readlink(f"/proc/{pid}/exe")) in ("orterun", "mpirun", "mpiexec", "prterun"):
                    return pid
        return None
    return wait_until(look, "mpirun")


def kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_until(condition, what):
    return program.wait_until(condition, what, PATIENCE)


def seconds_until(condition, what, start=None):
    start = time.monotonic() if start is None else start
    wait_until(condition, what)
    return time.monotonic() - start


def spin(seconds):
    """A random moment within a step is too short for a sleep."""
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        pass


def first_steps(output):
    """For each attempt of which the screen says where it starts: the step at which it was taken up, 0 for a beginning."""
    attempts = re.split(r"^charrnn_dist \S+$", output, flags=re.MULTILINE)[1:]
    found = []
    for number, attempt in enumerate(attempts):
        if match := re.search(r"^resuming .* at step ([\d,]+)$", attempt, re.MULTILINE):
            found.append(int(match[1].replace(",", "")))
        # The line that tells of a resume comes after those that every attempt has.
        elif "\nnothing to resume " in attempt or (number == 0 and "\nfiles " in attempt):
            found.append(0)
    return found


def check_checkpoints(folder):
    """Whatever has a checkpoint's name is one."""
    for path in program.files_of(folder):
        program.run("inspect", path)


def clean(folder):
    """The same, and nothing half-written is left beside them."""
    left = [path.name for path in half_written(folder)]
    assert not left, f"left behind: {left}"
    check_checkpoints(folder)


def half_written(run_folder):
    """Temporary files among the checkpoints: one that is being saved."""
    with contextlib.suppress(OSError):
        return [path for path in (run_folder / "checkpoints").iterdir() if path.name.startswith(".")]
    return []


def wait_for_save(run_folder):
    """Looks without a pause, as a small file is written within a millisecond or two."""
    deadline = time.monotonic() + PATIENCE
    while not half_written(run_folder):
        assert time.monotonic() < deadline, "saw no save"
