"""What the tests of the built program share: starting it, alone or under mpirun, and reading what it leaves behind.

Environment (set by ctest): CHARRNN_BUILD, the build folder; CHARRNN_MPIRUN. Without them: build/release and the mpirun
of the path.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("CHARRNN_SOURCE", Path(__file__).resolve().parents[2]))
PROGRAM = Path(os.environ.get("CHARRNN_BUILD", SOURCE / "build/release")) / "charrnn_dist"
MPIRUN = os.environ.get("CHARRNN_MPIRUN") or shutil.which("mpirun") or "mpirun"
PATIENCE = 120  # seconds until a program counts as hung


def environment(**changes):
    """The environment that the program runs in. One thread a rank: tests share the machine."""
    env = dict(os.environ, OMP_NUM_THREADS="1", PMIX_MCA_gds="hash", CHARRNN_PROGRAM=str(PROGRAM))
    if os.geteuid() == 0:
        env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    if not shutil.which("ssh"):
        env["OMPI_MCA_plm_rsh_agent"] = "/bin/false"
    env.update(changes)
    return env


def command(*words, ranks=None, script=None):
    """The command line; `ranks` None starts the program alone, any number under mpirun. Or that of a script of launch/,
    which starts the program itself if it needs it (`environment` says which)."""
    if script is not None:
        return [str(SOURCE / "launch" / script), *map(str, words)]
    program = [str(PROGRAM), *map(str, words)]
    if ranks is None:
        return program
    return [MPIRUN, "-np", str(ranks), "--oversubscribe", "--bind-to", "none", *program]


def run(*words, ranks=None, script=None, expect=0, env=None, text=True, patience=PATIENCE, stdin=subprocess.DEVNULL):
    """Runs the program, or a script of launch/, to its end and checks its exit code (`expect` None: any)."""
    result = subprocess.run(command(*words, ranks=ranks, script=script), capture_output=True, env=env or environment(),
                            stdin=stdin, timeout=patience)
    if text:
        result.stdout, result.stderr = result.stdout.decode(), result.stderr.decode()
    if expect is not None and result.returncode != expect:
        raise AssertionError(f"exit code {result.returncode}, expected {expect}: {' '.join(map(str, result.args))}\n"
                             f"{result.stdout}{result.stderr}")
    return result


class Running:
    """A program in the background. Its output goes to files, so that no pipe fills up; leaving the `with` block ends it."""

    def __init__(self, folder, *words, ranks=None, script=None, env=None, prefix=()):
        number = len(list(Path(folder).glob("*.stdout")))
        self.paths = [Path(folder) / f"{number}.{stream}" for stream in ("stdout", "stderr")]
        self.files = [path.open("wb") for path in self.paths]
        self.ranks = ranks
        self.process = subprocess.Popen([*prefix, *command(*words, ranks=ranks, script=script)], stdin=subprocess.DEVNULL,
                                        stdout=self.files[0], stderr=self.files[1], env=env or environment(),
                                        start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.members():
            for number in (signal.SIGKILL, signal.SIGCONT):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
        self.process.wait(PATIENCE)
        for file in self.files:
            file.close()

    def members(self):
        """Living processes that came of this one: of its session (mpirun puts ranks into process groups of their own, but
        not into sessions) and of those that launch/run made for mpirun."""
        sessions = {self.process.pid}
        for pid in all_processes():
            stat = stat_of(pid)
            if stat and int(stat[1]) in sessions:
                sessions.add(int(stat[3]))
        return [pid for session in sessions for pid in session_members(session)]

    @property
    def stdout(self):
        return self.paths[0].read_text(errors="replace")

    @property
    def stderr(self):
        return self.paths[1].read_text(errors="replace")

    def pid(self, rank):
        """Process of a rank, waited for until it is there."""
        if self.ranks is None:
            return self.process.pid
        found = []

        def look():
            found[:] = [pid for pid in self.members() if rank_of(pid) == rank]
            return bool(found) or self.process.poll() is not None
        wait_until(look, f"rank {rank} to start")
        if not found:
            raise AssertionError(f"mpirun ended before rank {rank} was there: {self.stderr}")
        return found[0]

    def wait(self, patience=PATIENCE):
        return self.process.wait(patience)


def stat_of(pid):
    """Fields of /proc/<pid>/stat from the state on, or None."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def all_processes():
    return sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit())


def session_members(session):
    """Living processes of a session."""
    stats = {pid: stat_of(pid) for pid in all_processes()}
    return [pid for pid, stat in stats.items() if stat and int(stat[3]) == session and stat[0] != "Z"]


def rank_of(pid):
    """The MPI rank that a process of the program is, else None."""
    try:
        if Path(f"/proc/{pid}/exe").resolve() != PROGRAM.resolve():
            return None
        for variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if variable.startswith(b"OMPI_COMM_WORLD_RANK="):
                return int(variable.partition(b"=")[2])
    except OSError:
        pass
    return None


def catches(pid, number):
    """True if the process has a handler for this signal."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return bool(int(status.split("SigCgt:")[1].split()[0], 16) >> (number - 1) & 1)


def wait_until(condition, what, patience=PATIENCE):
    """Polls until `condition()` is true and returns it."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience} s for {what}")
        time.sleep(0.005)


def wait_for_step(run_folder, step, running):
    """Waits until metrics.jsonl tells of a step at least as late."""
    def look():
        return running.process.poll() is not None or any(event["step"] >= step for event in metrics(run_folder))
    wait_until(look, f"step {step}")
    if not any(event["step"] >= step for event in metrics(run_folder)):
        raise AssertionError(f"ended with {running.process.returncode} before step {step}: {running.stderr}")


def metrics(run_folder, event=None):
    """What metrics.jsonl tells of the training, without its times; or all objects of one kind of event. A last line that is
    still being written is left out."""
    path = Path(run_folder) / "metrics.jsonl"
    if not path.exists():
        return []
    lines = path.read_text().split("\n")[:-1]
    objects = [json.loads(line) for line in lines]
    if event is not None:
        return [one for one in objects if one["event"] == event]
    # "run" and "end" tell of an attempt: its name, its version, how it ended.
    return [{key: value for key, value in one.items() if key != "time"} for one in objects
            if one["event"] not in ("run", "end")]


def losses(run_folder):
    """{step: loss}; a step that is there twice is an error."""
    found = {}
    for one in metrics(run_folder, "step"):
        if one["step"] in found:
            raise AssertionError(f"step {one['step']} is in metrics.jsonl twice")
        found[one["step"]] = one["loss"]
    return found


def parameter_hash(path):
    return run("inspect", path, "--hash").stdout.strip()


def files_of(run_folder):
    """Checkpoint files by name, without the links."""
    return sorted(path for path in (Path(run_folder) / "checkpoints").glob("*.h5"))


def earliest_of(run_folder):
    """The checkpoint file of the lowest step that is not the end of a cycle."""
    return min((path for path in files_of(run_folder) if path.name.startswith("step_")), key=lambda path: int(path.stem[5:]))


def make_text(characters, seed=7):
    """A text that a model can learn something from: sentences of made-up words, a few of them not ASCII, and some
    characters too rare for the vocabulary. The same for the same arguments."""
    source = random.Random(seed)
    syllables = [a + b for a in "bdfgklmnprstvwz" for b in ("a", "e", "i", "o", "u", "é", "än", "er")]
    words = ["".join(source.choices(syllables, k=source.choice((1, 1, 2, 2, 3)))) for _ in range(300)]
    weights = [1 / (i + 1) for i in range(len(words))]  # as in a language, few words make up most of it
    pieces, length = [], 0
    while length < characters:
        sentence = " ".join(source.choices(words, weights, k=source.randint(3, 12))).capitalize()
        rare = source.random()
        if rare < 0.01:
            sentence += " " + chr(source.randint(0x391, 0x3C9))
        elif rare < 0.1:
            sentence = f"“{sentence}”"
        sentence += source.choice((". ", ". ", "! ", "? ", ",\n", ".\n"))
        pieces.append(sentence)
        length += len(sentence)
    return "".join(pieces)[:characters]


class TestCase(unittest.TestCase):
    """Gives every test a folder of its own, `self.folder`, and a corpus in it, `self.corpus`."""

    characters = 20_000  # of the corpus

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="charrnn_e2e_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.text = make_text(self.characters)
        self.corpus = self.folder / "corpus.txt"
        self.corpus.write_text(self.text, encoding="utf-8", newline="")

    def train_words(self, name, *words):
        """A train command; of options that are given twice the last one counts."""
        options = {}
        for word in ["--corpus", self.corpus, "--run-dir", self.folder / "runs", "--name", name, "--threads", 1,
                     "--log-every", 1, *words]:
            if str(word).startswith("--"):
                options[word] = [word]
                last = word
            else:
                options[last].append(word)
        return ["train", *(word for option in options.values() for word in option)]

    def train(self, name, *words, **how):
        """Trains and returns the run's folder."""
        run(*self.train_words(name, *words), **how)
        return self.folder / "runs" / name


def need_gpu():
    """Ends the script, as skipped, where there is none."""
    import torch  # seconds to load, and few scripts need it

    if not torch.cuda.is_available():
        print("skipped: no GPU here")
        sys.exit(77)


def main():
    """Runs the tests of the script; 77 tells ctest that they were skipped."""
    if not PROGRAM.exists():
        print(f"skipped: there is no {PROGRAM}")
        sys.exit(77)
    unittest.main(verbosity=2)
