"""Attempts that a launcher starts again with the same words (CHARRNN_JOB): they go on where their job got to, and are
refused where it never was."""
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

MODEL = ["--model", "gru", "--hidden", 24, "--columns", 6, "--bptt", 10, "--save-every", 10]
ENDLESS = [*MODEL, "--epochs", 100_000]


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class OneJob(program.TestCase):
    characters = 2400

    def folder_of(self, name):
        return self.folder / "runs" / name

    def train_on(self, folder, *words, job, steps=15, end=signal.SIGTERM):
        """An attempt of the job that is ended after so many more steps; returns the step that it began at."""
        runs = len(program.metrics(folder, "run"))
        with program.Running(self.folder, *words, env=program.environment(CHARRNN_JOB=job)) as running:
            program.wait_until(lambda: len(program.metrics(folder, "run")) > runs, "the attempt to begin")
            begun = program.metrics(folder, "run")[-1]["step"]
            program.wait_for_step(folder, begun + steps, running)
            os.kill(running.process.pid, end)
            self.assertEqual(running.wait(), 75 if end == signal.SIGTERM else -end, running.stderr)
        return begun

    def refused(self, words, job, code=2):
        result = program.run(*words, env=program.environment(CHARRNN_JOB=job), expect=code)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_goes_on(self):
        """A run that was told nothing of --resume, after a clean stop and after a kill."""
        folder, words = self.folder_of("run"), self.train_words("run", *ENDLESS)
        self.assertEqual(self.train_on(folder, *words, job="a"), 0)
        self.assertGreaterEqual(self.train_on(folder, *words, job="a", steps=60, end=signal.SIGKILL), 15)
        before = contents(folder)
        self.refused(words, "b")
        self.refused(words, "")
        self.assertEqual(contents(folder), before)
        self.assertGreater(self.train_on(folder, *words, job="a"), 30)

    def test_never_in_a_folder_of_another_job(self):
        """Also if the first attempt died before it was refused, and if another job has gone on there since."""
        folder, words = self.folder_of("run"), self.train_words("run", *ENDLESS)
        self.train_on(folder, *words, job="a")
        before = contents(folder)
        for _ in range(2):
            self.refused(words, "b")
        self.assertEqual(contents(folder), before)
        for job in ("c", ""):
            self.train_on(folder, *words, "--resume", job=job)
            self.refused(words, "a")

    def test_killed_while_it_reads_the_text(self):
        """The folder is its job's already, though nothing is in it."""
        text, folder = self.folder / "large.txt", self.folder_of("run")
        with text.open("w") as file:
            for _ in range(20_000):
                file.write(self.corpus.read_text())
        words = self.train_words("run", *ENDLESS, "--corpus", text)
        with program.Running(self.folder, *words, env=program.environment(CHARRNN_JOB="a")) as running:
            program.wait_until((folder / "attempt").exists, "the attempt to own its folder")
            running.process.kill()
            running.wait()
        self.assertFalse((folder / "config.toml").exists())
        words = self.train_words("run", *ENDLESS)
        self.refused(words, "b")
        self.assertEqual(self.train_on(folder, *words, job="a"), 0)

    def test_from_a_path(self):
        """The first attempt goes on from the checkpoint that was named, the next ones from their own."""
        folder = self.folder_of("first")
        self.train_on(folder, *self.train_words("first", *ENDLESS), job="a", steps=45)
        early = program.files_of(folder)[0]
        step = int(early.stem.rpartition("_")[2])
        words = ["train", "--corpus", self.corpus, "--resume", early, "--threads", 1]
        self.assertEqual(self.train_on(folder, *words, job="b", steps=45), step)
        self.assertFalse(early.exists(), "the file that was named is still there: nothing is tested")
        self.assertGreaterEqual(self.train_on(folder, *words, job="b"), step + 45)
        self.assertEqual([path.name for path in (self.folder / "runs").iterdir()], ["first"])
        self.refused([*words[:4], early, "--threads", 1], "c", code=65)

    def test_from_a_path_under_another_name(self):
        folder, branch = self.folder_of("first"), self.folder_of("branch")
        self.train_on(folder, *self.train_words("first", *ENDLESS), job="a")
        newest = program.files_of(folder)[-1]
        words = ["train", "--corpus", self.corpus, "--resume", newest, "--run-dir", self.folder / "runs", "--name", "branch",
                 "--threads", 1]
        begun = self.train_on(branch, *words, job="b")
        self.assertGreaterEqual(begun, 15)
        self.assertGreaterEqual(self.train_on(branch, *words, job="b"), begun + 15)

    def test_disk_full_before_it_could_sign(self):
        """What is in the folder of a job that did not get further is its own."""
        folder, words = self.folder_of("run"), self.train_words("run", *ENDLESS)
        folder.mkdir(parents=True)
        (folder / "job").mkdir()  # cannot be written
        program.run(*words, env=program.environment(CHARRNN_JOB="a"), expect=65)
        self.assertEqual([path.name for path in folder.iterdir()], ["job"])
        (folder / "job").rmdir()
        self.assertEqual(self.train_on(folder, *words, job="a"), 0)

    def test_what_is_no_file(self):
        """A pipe or a device in the place of what a run's folder has is not waited for."""
        for name, code in (("job", 0), ("attempt", 2), ("metrics.jsonl", 65), ("samples.txt", 65)):
            folder = self.train(f"with_{name}", *MODEL, "--max-steps", 4)
            words = self.train_words(folder.name, *MODEL, "--max-steps", 8, "--resume")
            for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
                (folder / name).unlink(missing_ok=True)
                make(folder / name)
                result = program.run(*words, env=program.environment(CHARRNN_JOB="a"), expect=None, patience=30)
                self.assertIn(result.returncode, (0, code), f"{name}: {result.stderr}")

    def test_a_bad_name(self):
        for job in ("two words", "a\nb", "x" * 65):
            self.refused(self.train_words("run", *MODEL), job)
        self.assertFalse(self.folder_of("run").exists())


if __name__ == "__main__":
    program.main()
