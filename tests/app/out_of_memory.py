"""Too little memory, for real: the address space of ranks is limited. Exit code 2, one line, and it says what to lower."""
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

GIGABYTE = 1_000_000_000
REMEDY = "lower --columns, --bptt, --hidden or --layers"


def limited(words, gigabytes):
    """The command line with a limit, for mpirun."""
    return ["bash", "-c", f'ulimit -v {int(gigabytes * GIGABYTE) // 1024}; exec "$0" "$@"', *map(str, words)]


def run(words, patience=program.PATIENCE):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, env=program.environment(),
                          stdin=subprocess.DEVNULL, timeout=patience)


class OutOfMemory(program.TestCase):
    characters = 100_000

    def command(self, *words):
        return program.command(*self.train_words("run", *words))

    def check(self, result, *parts):
        """Exit code 2 and one line about memory."""
        self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
        lines = re.findall(r"^charrnn_dist: error: .*$", result.stderr, re.MULTILINE)
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith("charrnn_dist: error: out of memory"), lines[0])
        for part in parts:
            self.assertIn(part, lines[0])

    def test_model(self):
        for engine, parts in (("native", []), ("torch", ["the system refused another 6.4 GB"])):
            words = self.command("--hidden", 20_000, "--engine", engine)
            result = run(limited(words, 3))
            self.check(result, "(ulimit -v allows this process 3.0 GB)", REMEDY, *parts)
            self.assertFalse((self.folder / "runs" / "run").exists(), "a run that is refused leaves no folder")

    def test_model_on_all_ranks(self):
        """An error that all ranks have is printed once."""
        words = limited(self.command("--hidden", 20_000), 3)
        self.check(run([program.MPIRUN, "-np", 2, "--oversubscribe", "--bind-to", "none", *words]), REMEDY)

    def test_one_rank_of_two(self):
        """The other one waits for it, but not for long."""
        words = self.command("--hidden", 3_000, "--timeout", 100, "--epochs", 100)
        start = time.monotonic()
        result = run([program.MPIRUN, "--oversubscribe", "--bind-to", "none", "-np", 1, *words, ":", "-np", 1,
                      *limited(words, 1.2)])
        self.check(result, REMEDY)
        self.assertLess(time.monotonic() - start, 60)

    def test_windows(self):
        """The model fits, what a window of all columns needs does not."""
        self.check(run(limited(self.command("--hidden", 3_000, "--columns", 700, "--bptt", 20), 2)), REMEDY)

    def test_threads(self):
        for engine in ("native", "torch"):
            result = run(limited(self.command("--threads", 1_000, "--engine", engine), 2))
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertRegex(result.stderr, r"the system gives this process only \d+ threads, .*; use --threads\n")

    def test_any_limit(self):
        """Wherever it runs out: at the start, in a step, in a thread of the team, while saving."""
        def peak():
            with program.Running(self.folder, *self.train_words("free", "--threads", 2, "--epochs", 1_000)) as running:
                program.wait_for_step(self.folder / "runs" / "free", 50, running)
                status = Path(f"/proc/{running.process.pid}/status").read_text()
            return int(re.search(r"VmPeak:\s*(\d+) kB", status)[1]) * 1024

        top = peak()
        ends = set()
        for megabytes in range(-240, 321, 40):  # threads take address space in steps of 64 MB
            words = self.command("--threads", 2, "--max-steps", 20, "--save-every", 5, "--resume")
            result = run(limited(words, top / GIGABYTE + megabytes / 1000))
            ends.add(result.returncode)
            if result.returncode != 0:
                self.assertEqual(result.returncode, 2, f"{megabytes} MB: {result.stderr}")
                self.assertRegex(result.stderr, "out of memory|another thread|only . threads")
        self.assertEqual(ends, {0, 2})

    def test_other_commands(self):
        run_folder = self.train("run", "--hidden", 3_000, "--max-steps", 1)
        for words, gigabytes, remedy in ((["sample", run_folder], 0.75, "use a machine that has more"),
                                         (["inspect", run_folder], 0.75, "use a machine that has more"),
                                         (["eval", run_folder, "--corpus", self.corpus], 0.95, "lower --columns")):
            self.check(run(limited(program.command(*words), gigabytes)), remedy)


if __name__ == "__main__":
    program.main()
