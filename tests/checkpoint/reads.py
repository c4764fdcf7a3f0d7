"""How much of a run's files is read: of the newest checkpoint its digest and what the command needs, of the others no more
than a header. Linux counts the bytes that a process has read."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

CYCLES = 8
HEADER = 8 << 10
ENDLESS = 1 << 42  # a sparse file's size: reading it to its end would take hours


def bytes_read(words):
    """Of a program that ends well; its bytes are counted before it is waited for."""
    process = subprocess.Popen(program.command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, env=program.environment())
    with process.stderr:
        error = process.stderr.read().decode()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    counts = dict(line.split(": ") for line in Path(f"/proc/{process.pid}/io").read_text().splitlines())
    if process.wait() != 0:
        raise AssertionError(f"exit code {process.returncode}: {words}: {error}")
    return int(counts["rchar"])


class Reads(program.TestCase):
    characters = 1500

    def setUp(self):
        super().setUp()
        self.words = self.train_words("run", "--columns", 4, "--bptt", 30, "--model", "lstm", "--hidden", 256, "--phases",
                                      ",".join(["1e-3:1"] * CYCLES), "--schedule", "phases")
        program.run(*self.words)
        self.folder_of_run = self.folder / "runs" / "run"
        self.newest = self.folder_of_run / "checkpoints" / f"cycle_{CYCLES - 1}.h5"
        self.size = self.newest.stat().st_size
        self.assertGreater(self.size, 100 * HEADER)
        # What the program reads without any file: its libraries, /proc, its corpus.
        self.base = bytes_read(["inspect", "--help"]) + 4 * self.characters

    def lengthen_older_files(self):
        for path in program.files_of(self.folder_of_run):
            if path != self.newest:
                os.truncate(path, ENDLESS)

    def test_newest_once(self):
        self.lengthen_older_files()
        evaluation = ["eval", "--corpus", self.corpus, "--threads", 1, "--checkpoint"]
        # The digest and, of three parts of equal size (weights and two moments), what is needed.
        for words, parts in ((["sample", "--length", 1, "--checkpoint"], 1), (evaluation, 1), (["inspect"], 3)):
            read = bytes_read([*words, self.folder_of_run])
            self.assertLess(read, self.base + self.size * (1 + parts / 3) + CYCLES * HEADER + (self.size // 10), words[0])
            self.assertGreater(read, self.size * (1 + parts / 3) * 0.9, words[0])

    def test_resume(self):
        self.lengthen_older_files()
        read = bytes_read([*self.words, "--resume"])
        # The digest before the run's folder is taken and again after that, then all three parts.
        self.assertLess(read, self.base + 3.2 * self.size + 2 * CYCLES * HEADER)

    def test_file_itself(self):
        self.lengthen_older_files()
        read = bytes_read(["sample", "--length", 1, "--checkpoint", self.newest])
        self.assertLess(read, self.base + self.size * 1.45)


if __name__ == "__main__":
    program.main()
