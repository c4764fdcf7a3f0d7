"""A run that was stopped and resumed is the run that was not: same parameters bit for bit, every step in metrics.jsonl
once, same means. And what --resume and --init-from refuse."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

MODEL = ["--columns", 6, "--bptt", 10, "--model", "lstm", "--layers", 2, "--hidden", 24, "--embedding", 8, "--dropout",
         0.5, "--learning-rate", 3e-3]
# About 29 windows an epoch; cycles of one and two epochs: step 20 lies in the first, step 45 in the middle of the second.
SGDR = ["--schedule", "sgdr", "--cycle-epochs", 1, "--cycle-mult", 2, "--epochs", 3]
BEST = ("best_val_loss", "best_step")  # also a validation that only one of two runs had may be the best
TIMES = ("seconds", "characters_per_second", "mfu")  # what may differ between two equal runs


def told(run_folder, stops=()):
    """metrics.jsonl without clock times, and without the validations that --max-steps ended in at these steps."""
    return [{key: value for key, value in event.items() if key not in TIMES} for event in program.metrics(run_folder)
            if event["event"] != "validation" or event["step"] not in stops]


def contents(path, stops=()):
    """Everything in a checkpoint that must not depend on how the run came there."""
    found = {}
    with h5py.File(path) as file:
        def look(name, thing):
            for key, value in thing.attrs.items():
                if key not in ("seconds", "created_utc") and not (stops and key in BEST):
                    found[f"{name}@{key}"] = value
            if isinstance(thing, h5py.Dataset) and name != "config":
                array = np.array(thing)
                if name == "history":
                    array["seconds"] = 0
                found[name] = hashlib.sha256(array.tobytes()).hexdigest()
        file.visititems(look)
        found |= {key: value for key, value in file.attrs.items() if key != "created_utc"}
    return found


class SameRun(program.TestCase):
    """For tests that compare whole runs."""

    def assert_same_run(self, folder, other, what=None, stops=()):
        """`stops`: where --max-steps ended attempts of either run, with a validation that the other one may lack."""
        self.assertEqual(program.parameter_hash(folder), program.parameter_hash(other), what)
        self.assertEqual(told(folder, stops), told(other, stops), what)
        self.assertEqual(contents(folder / "checkpoints/latest", stops), contents(other / "checkpoints/latest", stops),
                         what)


class Resume(SameRun):
    characters = 2400

    def check_split(self, stops, *words, ranks=None):
        last = stops[-1]
        straight = self.train("straight", *MODEL, *words, "--max-steps", last, ranks=ranks)
        for stop in stops:
            parts = self.train("parts", *MODEL, *words, "--max-steps", stop, "--resume", ranks=ranks)
        self.assert_same_run(parts, straight, stops=stops)
        self.assertEqual(list(program.losses(parts)), list(range(1, last + 1)))
        return straight

    def test_middle_of_epoch_and_cycle(self):
        # 40 steps straight, and 20 + 20.
        straight = self.check_split([20, 40], *SGDR)
        epochs = program.metrics(straight, "epoch")
        self.assertEqual(len(epochs), 1)
        self.assertNotIn(epochs[0]["step"], (20, 40))

    def test_epoch_means(self):
        """Plain and smoothed mean of an epoch, half of whose steps are from before the stop."""
        # 1,920 training characters in 6 columns are 320 rows: 31 windows of 10 rows and one of 9.
        straight = self.check_split([20, 32], "--no-bptt-jitter")
        losses, lengths = list(program.losses(straight).values()), [10] * 31 + [9]
        (epoch,) = program.metrics(straight, "epoch")
        mean = sum(loss * length for loss, length in zip(losses, lengths, strict=True)) / sum(lengths)
        self.assertAlmostEqual(epoch["train_loss"], mean, delta=1e-12 * mean)
        smoothed = 0.0
        for loss in losses:
            smoothed = 0.98 * smoothed + 0.02 * loss
        self.assertAlmostEqual(epoch["train_loss_smoothed"], smoothed / (1 - 0.98 ** 32), delta=1e-12 * smoothed)

    def test_many_stops(self):
        straight = self.check_split([1, 2, 30, 31, 60], *SGDR, "--validate-every", 7, "--save-every", 4)
        self.assertTrue(program.metrics(straight, "validation"))

    def test_stop_at_an_epochs_end(self):
        # 1,920 training characters in 6 columns are 320 rows: 31 windows an epoch.
        straight = self.check_split([31, 62, 70], *SGDR)
        self.assertEqual([event["step"] for event in program.metrics(straight, "epoch")], [31, 62])

    def test_cycles_within_an_epoch(self):
        # 31 windows an epoch are 7.75 a cycle; stops at a cycle's end (8, 23), at an epoch's, and between.
        straight = self.check_split([8, 20, 23, 31, 50], "--schedule", "sgdr", "--cycle-epochs", 0.25, "--cycle-mult", 1,
                                    "--warmup-steps", 12)
        self.assertEqual([event["step"] for event in program.metrics(straight, "validation")], [8, 16, 23, 39, 47, 50])

    def test_two_ranks(self):
        self.check_split([20, 40], *SGDR, ranks=2)

    def test_three_ranks_and_phases(self):
        self.check_split([17, 50], "--schedule", "phases", "--phases", "1e-2:1,1e-3:1", "--clip-norm", 0.2,
                         "--weight-decay", 1e-3, "--groups", "e.*=1e-3:0", "--optimizer", "adamw", ranks=3)

    def test_another_number_of_ranks(self):
        straight = self.train("straight", *MODEL, *SGDR, "--max-steps", 45)
        expected = program.losses(straight)
        for last, ranks in ((15, 3), (30, None), (45, 2)):
            parts = self.train("parts", *MODEL, *SGDR, "--max-steps", last, "--resume", ranks=ranks)
        actual = program.losses(parts)
        self.assertEqual(list(actual), list(expected))
        for step, loss in expected.items():
            # Sums in another order: 1e-7 a step, which 45 updates of Adam carry along.
            self.assertAlmostEqual(actual[step], loss, delta=5e-6 * loss, msg=f"step {step}")

    def test_config_starts_the_same_run_again(self):
        first = self.train("first", *MODEL, *SGDR, "--max-steps", 40)
        for name, words in (("again", []), ("other", ["--seed", 2])):
            program.run("train", "--config", first / "config.toml", "--name", name, *words)
        self.assert_same_run(first, self.folder / "runs/again")
        self.assertNotEqual(program.parameter_hash(first), program.parameter_hash(self.folder / "runs/other"))

    def test_resume_needs_no_other_options(self):
        """The checkpoint's config says the rest; options that may change do."""
        straight = self.train("straight", *MODEL, *SGDR, "--max-steps", 30)
        self.train("parts", *MODEL, *SGDR, "--max-steps", 15)
        program.run("train", "--config", self.folder / "runs/parts/config.toml", "--resume", "--max-steps", 30)
        self.assert_same_run(self.folder / "runs/parts", straight, stops=[15])


class ClosingValidation(program.TestCase):
    characters = 1_500_000  # nearly all for validation, which takes seconds

    def test_killed_within_it(self):
        """The checkpoint of the last step is there already; what is left to do is the validation."""
        words = [*MODEL, "--hidden", 64, "--train-fraction", 0.01, "--max-steps", 10, "--save-every", 10]
        folder = self.folder / "runs/run"
        with program.Running(self.folder, *self.train_words("run", *words)) as running:
            program.wait_until((folder / "checkpoints/step_10.h5").exists, "the checkpoint")
            running.process.kill()
            running.wait()
        self.assertEqual(program.metrics(folder, "validation"), [], "killed too late")
        result = program.run(*self.train_words("run", *words, "--resume"))
        self.assertNotIn("nothing is left", result.stdout)
        self.assertEqual([event["step"] for event in program.metrics(folder, "validation")], [10])
        self.assertTrue((folder / "checkpoints/best").exists())
        # And only once.
        self.assertIn("nothing is left", program.run(*self.train_words("run", *words, "--resume")).stdout)
        self.assertEqual(len(program.metrics(folder, "validation")), 1)


class Refusals(program.TestCase):
    characters = 2400

    def setUp(self):
        super().setUp()
        self.run_folder = self.train("run", *MODEL, "--max-steps", 4)
        self.before = {path: path.read_bytes() for path in self.run_folder.rglob("*") if path.is_file()}

    def assert_refused(self, code, *words, says):
        for ranks in (None, 2):
            result = program.run(*self.train_words("run", *MODEL, *words), expect=code, ranks=ranks)
            lines = [line for line in result.stderr.splitlines() if line.startswith("charrnn_dist: ")]
            self.assertEqual(len(lines), 1, result.stderr)
            for word in says:
                self.assertIn(str(word), lines[0])
            after = {path: path.read_bytes() for path in self.run_folder.rglob("*.h5")}
            self.assertEqual(after, {path: data for path, data in self.before.items() if path.suffix == ".h5"})

    def test_existing_run_without_resume(self):
        self.assert_refused(2, says=[self.run_folder, "--resume", "--name"])
        now = {path: path.read_bytes() for path in self.run_folder.rglob("*") if path.is_file()}
        self.assertEqual(now, self.before)

    def test_other_options(self):
        for words, says in ((["--hidden", 25], ["hidden is 25, was 24"]), (["--model", "gru"], ["model", "gru", "lstm"]),
                            (["--layers", 1], ["layers is 1, was 2"]), (["--columns", 7], ["columns is 7, was 6"]),
                            (["--bptt", 11], ["bptt is 11, was 10"]), (["--dropout", 0.25], ["dropout is 0.25, was 0.5"]),
                            (["--lowercase"], ["lowercase is on, was off"]),
                            (["--min-freq", 2], ["min-freq is 2, was 3"]), (["--seed", 2], ["seed is 2, was 1"]),
                            (["--optimizer", "adamw"], ["optimizer is adamw, was adam", "--init-from"])):
            self.assert_refused(2, *words, "--resume", says=says)

    def test_other_corpus(self):
        changed = self.text[:100] + ("x" if self.text[100] != "x" else "y") + self.text[101:]
        other = self.folder / "other.txt"
        other.write_text(changed, newline="")
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (other, self.corpus)]
        self.assert_refused(65, "--corpus", other, "--resume", says=[other, *digests])
        # The same text elsewhere is the same corpus.
        moved = self.folder / "moved.txt"
        shutil.copy(self.corpus, moved)
        program.run(*self.train_words("run", *MODEL, "--max-steps", 5, "--resume", "--corpus", moved))

    def test_what_is_refused_changes_nothing(self):
        """Also what comes to light late: the text, the schedule, the number of ranks."""
        folder = self.train("two", *MODEL, "--save-every", 2, "--max-steps", 4, "--reproducible", "--micro-batches", 2)
        other = self.folder / "other.txt"
        other.write_text(self.text[:-1], newline="")
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        path = folder / "checkpoints/step_2.h5"
        for words, code, ranks in ((["--corpus", other], 65, None), (["--schedule", "sgdr", "--phases", "oops"], 2, 2),
                                   ([], 2, 3)):
            for resume in (["--resume"], ["--resume", path]):
                program.run(*self.train_words("two", *words, *resume), expect=code, ranks=ranks)
                after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
                self.assertEqual(after, before, f"{words} {resume}")
            program.run(*self.train_words("branch", *words, "--resume", path), expect=code, ranks=ranks)
            self.assertEqual([path for path in (self.folder / "runs/branch").rglob("*") if path.is_file()], [])

    def test_a_config_from_a_pipe(self):
        config = (self.run_folder / "config.toml").read_bytes()
        command = program.command("train", "--config", "/dev/stdin", "--max-steps", 5, "--resume")
        result = subprocess.run(command, input=config, capture_output=True, env=program.environment(), timeout=program.PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(list(program.losses(self.run_folder)), [1, 2, 3, 4, 5])

    def test_names_that_are_none(self):
        for name in (b"a\xff", b"a\nb", b"a/b", b".."):
            program.run(*self.train_words("run", *MODEL, "--name", os.fsdecode(name)), expect=2)

    def test_resume_without_checkpoints_is_a_new_run(self):
        fresh = self.train("fresh", *MODEL, "--max-steps", 4, "--resume", ranks=2)
        straight = self.train("straight", *MODEL, "--max-steps", 4, ranks=2)
        self.assertEqual(program.parameter_hash(fresh), program.parameter_hash(straight))

    def said(self, *words):
        return program.run(*self.train_words("run", *MODEL, "--resume", *words)).stdout

    def test_what_a_resume_says(self):
        """Every option that differs from the checkpoint, and that there is nothing to do or to resume."""
        self.assertIn("nothing is left to do: the run is at step 4, that is 0.13 epochs, and --max-steps 4 ends it",
                      self.said("--max-steps", 4))
        told = self.said("--max-steps", 6, "--schedule", "onecycle", "--warmup-steps", 2, "--clip-norm", 0.5, "--weight-decay",
                         0.1, "--learning-rate", 1e-4, "--engine", "torch")
        for change in ("--max-steps 4 -> 6", "--schedule constant -> onecycle", "--warmup-steps 0 -> 2", "--clip-norm 0 -> 0.5",
                       "--weight-decay 0 -> 0.1", "--learning-rate 0.003 -> 0.0001", "--engine auto -> torch"):
            self.assertIn(f"resuming with {change}\n", told)
        self.said("--max-steps", 0, "--epochs", 3)
        told = self.said("--epochs", 2)
        self.assertIn("nothing is left to do: the run is at step 93, that is 3 epochs, and --epochs 2 would have ended it; "
                      "a larger number trains on", told)
        self.assertIn("nothing to resume", program.run(*self.train_words("rnu", *MODEL, "--max-steps", 1, "--resume")).stdout)

    def test_a_text_with_a_line_more(self):
        longer = self.folder / "longer.txt"
        longer.write_text(self.text + "One line more.\n", newline="")
        self.assert_refused(65, "--corpus", longer, "--resume", says=[longer, "--corpus", "--init-from"])
        self.train("onwards", *MODEL, "--corpus", longer, "--init-from", self.run_folder, "--max-steps", 1)

    def test_resume_from_a_path(self):
        other = self.train("other", *MODEL, "--max-steps", 6, "--resume", self.run_folder)
        straight = self.train("straight", *MODEL, "--max-steps", 6)
        self.assertEqual(program.parameter_hash(other), program.parameter_hash(straight))
        self.assertEqual(json.loads(program.run("inspect", other, "--json").stdout)["step"], 6)
        missing = self.folder / "missing.h5"
        self.assert_refused(65, "--resume", missing, says=[missing])

    def test_resume_from_a_path_alone_is_that_run(self):
        """Not the run that has the model's name because it was given none."""
        bystander = self.train("lstm", *MODEL, "--max-steps", 6)
        before = [(bystander / name).read_bytes() for name in ("metrics.jsonl", "config.toml")]
        for path in (self.run_folder / "checkpoints/latest", self.run_folder):
            words = self.train_words("run", "--max-steps", 6, "--resume", path)
            for option in ("--name", "--run-dir"):
                at = words.index(option)
                del words[at:at + 2]
            program.run(*words)
        self.assertEqual(program.parameter_hash(self.run_folder), program.parameter_hash(self.train("straight", *MODEL, "--max-steps", 6)))
        self.assertEqual([(bystander / name).read_bytes() for name in ("metrics.jsonl", "config.toml")], before)
        self.assertFalse((bystander / "checkpoints/abandoned_1").exists())
        stray = self.folder / "stray.h5"
        shutil.copy(self.run_folder / "checkpoints/latest", stray)
        del words[-1]
        self.assertIn("--name", program.run(*words, stray, expect=2).stderr)

    def test_a_branch_goes_on_from_where_it_began(self):
        """Also if it is lost before its first save: launch/run and the batch script add --resume, and the last one counts."""
        branch = [*MODEL, "--max-steps", 6, "--resume", self.run_folder]
        with program.Running(self.folder, *self.train_words("branch", *branch), env=program.environment()) as running:
            program.wait_until(lambda: list((self.folder / "runs/branch/checkpoints").glob("step_4.h5")), "the branch's first checkpoint")
            running.process.kill()
        result = program.run(*self.train_words("branch", *branch, "--resume"))
        self.assertIn("resuming", result.stdout)
        self.assertEqual(program.parameter_hash(self.folder / "runs/branch"),
                         program.parameter_hash(self.train("straight", *MODEL, "--max-steps", 6)))

    def test_init_from(self):
        """The weights alone: step, optimizer and hidden state are new. Rate so small that the weights stay."""
        weights = program.parameter_hash(self.run_folder)
        child = self.train("child", *MODEL, "--learning-rate", 1e-30, "--seed", 9, "--max-steps", 1, "--init-from", self.run_folder, ranks=2)
        self.assertEqual(program.parameter_hash(child), weights)
        with h5py.File(child / "checkpoints/latest") as file:
            self.assertEqual((file.attrs["step"], file["optimizer"].attrs["step"]), (1, 1))
        self.assertEqual(list(program.losses(child)), [1])
        missing = self.folder / "missing.h5"
        self.assertIn(str(missing), program.run(*self.train_words("another", *MODEL, "--init-from", missing), expect=65).stderr)

    def test_init_from_in_a_line_that_also_resumes(self):
        """launch/run and the batch script add --resume to the first command: a new run starts from the weights, a run that is
        there goes on from its own."""
        words = [*MODEL, "--seed", 9, "--init-from", self.run_folder]
        straight = self.train("straight", *words, "--max-steps", 6)
        for last in (3, 6):
            parts = self.train("parts", *words, "--max-steps", last, "--resume", "--resume")
        self.assertEqual(program.parameter_hash(parts), program.parameter_hash(straight))


class Branches(program.TestCase):
    """Runs that go on in another way than they went before."""
    characters = 2400

    def loss_of(self, path):
        return json.loads(program.run("eval", "--checkpoint", path, "--corpus", self.corpus, "--part", "validation",
                                      "--columns", 6, "--json").stdout)["loss"]

    def test_a_longer_run_keeps_the_best_of_the_shorter(self):
        # Then at so high a rate that it gets worse; the only cycle ends later, under the same name.
        best = None
        for epochs, rate in ((4, 1e-2), (6, 1.0)):
            folder = self.train("run", *MODEL, "--learning-rate", rate, "--epochs", epochs, "--resume")
            losses = [event["val_loss"] for event in program.metrics(folder, "epoch")]
            self.assertAlmostEqual(self.loss_of(folder / "checkpoints/best"), min(losses), delta=1e-6)
            self.assertEqual(str((folder / "checkpoints/latest").readlink()), "cycle_0.h5")
            best = best or min(losses)
        self.assertEqual(min(losses), best, "the test needs a run that gets worse")
        self.assertGreater(losses[-1], best)

    def test_going_on_from_an_earlier_step_leaves_the_later_ones(self):
        words = [*MODEL, "--save-every", 10]
        folder = self.train("run", *words, "--max-steps", 20)
        early = folder / "checkpoints/step_10.h5"
        told = program.run(*self.train_words("run", *words, "--max-steps", 15, "--resume", early)).stderr
        self.assertIn("abandoned_1", told)
        self.assertTrue((folder / "checkpoints/abandoned_1/step_20.h5").exists())
        result = program.run(*self.train_words("run", *words, "--max-steps", 20, "--resume"))
        self.assertRegex(result.stdout, r"resuming +\S*step_15\.h5 at step 15\n")
        self.assertEqual(program.parameter_hash(folder), program.parameter_hash(self.train("straight", *words, "--max-steps", 20)))


if __name__ == "__main__":
    program.main()
