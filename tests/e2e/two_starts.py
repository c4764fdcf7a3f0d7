"""Two starts want one folder: at one moment, one after the other, from other hosts and containers. One run gets it, and
what is refused changes nothing."""
import os
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

MODEL = ["--model", "gru", "--hidden", 24, "--columns", 6, "--bptt", 10]
SHORT = [*MODEL, "--max-steps", 4]
ENDLESS = [*MODEL, "--epochs", 100_000]
ROUNDS = 10


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def can(*words):
    return subprocess.run([*words, "true"], capture_output=True).returncode == 0


class TwoStarts(program.TestCase):
    characters = 2400

    def folder_of(self, name):
        return self.folder / "runs" / name

    def refused(self, words, *says, code=2, prefix=()):
        result = subprocess.run([*prefix, *program.command(*words)], capture_output=True, env=program.environment(),
                                text=True, timeout=program.PATIENCE)
        self.assertEqual(result.returncode, code, result.stderr)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        for word in says:
            self.assertIn(str(word), lines[0])

    def test_at_one_moment(self):
        """Exactly one trains, and its run is the one that it would have been alone."""
        alone = {seed: program.parameter_hash(self.train(f"alone{seed}", *SHORT, "--seed", seed)) for seed in (1, 2)}
        for one_round in range(ROUNDS):
            name = f"race{one_round}"
            words = self.train_words(name, *SHORT)
            with program.Running(self.folder, *words, "--seed", 1) as one, \
                    program.Running(self.folder, *words, "--seed", 2) as two:
                codes = {1: one.wait(), 2: two.wait()}
            self.assertEqual(sorted(codes.values()), [0, 2], one.stderr + two.stderr)
            winner = next(seed for seed in codes if codes[seed] == 0)
            self.assertEqual(program.parameter_hash(self.folder_of(name)), alone[winner])
            self.assertEqual(len(program.metrics(self.folder_of(name), "run")), 1)
            self.assertFalse((self.folder_of(name) / "attempt").exists())

    def test_while_the_first_has_no_checkpoint(self):
        """It is refused at once, and the first never notices."""
        straight = self.train("straight", *MODEL, "--max-steps", 200)
        words = self.train_words("run", *MODEL)
        with program.Running(self.folder, *words, "--max-steps", 200) as running:
            program.wait_until((self.folder_of("run") / "attempt").exists, "the first to begin")
            # Frozen, so that it is surely still there when the second comes.
            os.kill(running.process.pid, signal.SIGSTOP)
            self.refused([*words, "--seed", 2], running.process.pid, "is training in", "--name")
            os.kill(running.process.pid, signal.SIGCONT)
            self.assertEqual(running.wait(), 0, running.stderr)
        self.assertEqual(program.parameter_hash(self.folder_of("run")), program.parameter_hash(straight))

    def test_after_one_that_was_broken_off(self):
        """A run that was killed before its first checkpoint: only --resume starts it again."""
        folder = self.folder_of("run")
        with program.Running(self.folder, *self.train_words("run", *ENDLESS)) as running:
            program.wait_for_step(folder, 2, running)
            running.process.kill()
            running.wait()
        before = contents(folder)
        self.refused(self.train_words("run", *SHORT), "--resume", "--name")
        self.assertEqual(contents(folder), before)
        (folder / "attempt").unlink()
        del before[Path("attempt")]
        self.refused(self.train_words("run", *SHORT), "--resume", "--name")
        self.assertEqual(contents(folder), before)
        straight = self.train("straight", *SHORT)
        self.train("run", *SHORT, "--resume")
        self.assertEqual(program.parameter_hash(folder), program.parameter_hash(straight))

    def check_elsewhere(self, prefix):
        """An attempt that cannot be seen from here."""
        folder = self.folder_of("run")
        with program.Running(self.folder, *self.train_words("run", *ENDLESS, "--save-every", 20_000)) as first:
            program.wait_for_step(folder, 2, first)
            first.process.send_signal(signal.SIGSTOP)
            before = contents(folder)
            self.refused(self.train_words("run", *SHORT), first.process.pid, "--resume", "--name", prefix=prefix)
            self.assertEqual(contents(folder), before)
            result = subprocess.run([*prefix, *program.command(*self.train_words("run", *SHORT, "--resume"))],
                                    capture_output=True, env=program.environment(), text=True, timeout=program.PATIENCE)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertRegex(result.stderr, rf"warning: taking '\S+' over from process {first.process.pid} on host ")
            # The first was cut off, and comes back: it may not write any more.
            digest = program.parameter_hash(folder)
            first.process.send_signal(signal.SIGUSR1)
            first.process.send_signal(signal.SIGCONT)
            self.assertEqual(first.wait(), 65, first.stderr)
            self.assertIn("was taken by another attempt, which has ended since", first.stderr)
        self.assertEqual(program.parameter_hash(folder), digest)

    def test_from_another_host(self):
        """Another boot of another kernel: all that one machine can see of another one through a shared disk."""
        boot = self.folder / "boot_id"
        boot.write_text(f"{uuid.uuid4()}\n")
        script = f"mount --bind {boot} /proc/sys/kernel/random/boot_id && hostname node2 && exec \"$@\""
        prefix = ["unshare", "--mount", "--uts", "sh", "-c", script, "sh"]
        if not can(*prefix):
            self.skipTest("no rights to make namespaces")
        self.check_elsewhere(prefix)

    def test_from_another_container(self):
        """The same machine, the same host name; but no process number means the same."""
        prefix = ["unshare", "--pid", "--fork", "--mount-proc"]
        if not can(*prefix):
            self.skipTest("no rights to make namespaces")
        self.check_elsewhere(prefix)

    def test_what_is_refused_leaves_no_folder(self):
        for words in (["--layers", 0], ["--corpus", self.folder / "none.txt"], ["--init-from", self.folder / "none.h5"],
                      ["--columns", 5000], ["--phases", "oops", "--schedule", "phases"]):
            result = program.run(*self.train_words("refused", *MODEL, *words), expect=None)
            self.assertIn(result.returncode, (2, 65), result.stderr)
            self.assertFalse((self.folder / "runs").exists(), words)
        (self.folder / "runs").mkdir()
        shutil.copy(self.corpus, self.folder / "runs" / "file")
        self.refused(self.train_words("file", *SHORT), "cannot make the folder")


if __name__ == "__main__":
    program.main()
