"""What a run does when its numbers go wrong: steps that are not finite are left out as PyTorch would leave them out, a
diverging run is told of and never called best, and one that gets no better stops early. The numbers are really not finite:
the embedding of one rare character is made NaN in a checkpoint, so that the windows with this character are bad."""
import hashlib
import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import h5py
import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "models")]
import program
import reference
from resume import SameRun

COLUMNS, BPTT, HIDDEN = 6, 10, 24
RARE = "Ω"
# 1,926 characters for training, in 6 columns of 321 rows: 32 windows of 10 targets an epoch.
TRAINED, ROWS, WINDOWS = 1926, 321, 32
PLACES = (45, 403, 1010, 1725, 1730, 1741)  # of the rare character
BAD = sorted({place % ROWS // BPTT + 1 + epoch * WINDOWS for place in PLACES for epoch in range(2)})
DATA = ["--columns", COLUMNS, "--bptt", BPTT, "--no-bptt-jitter", "--train-characters", TRAINED, "--epochs", 2]
MODEL = ["--hidden", HIDDEN, "--embedding", 8, "--learning-rate", 1e-2]
# Losses of about 3 in float32 against float64; 1e-5 after the updates of Adam, which divides by a gradient's own size.
LOSS_TOLERANCE = 1e-4


def seal(path):
    """Gives a file that h5py has changed its digest (docs/checkpoint.md)."""
    contents = bytearray(path.read_bytes())
    block = b"charrnn_dist 1\nsha256 " + hashlib.sha256(contents[512:]).hexdigest().encode() + b"\n"
    contents[:512] = block.ljust(512, b"\0")
    path.write_bytes(contents)


def tensors(path, *groups):
    """{name: array} of all datasets in these groups of a checkpoint."""
    found = {}
    with h5py.File(path) as file:
        for group in groups:
            file[group].visititems(lambda name, thing, group=group: found.update({f"{group}/{name}": np.array(thing)})
                                   if isinstance(thing, h5py.Dataset) else None)
    return found


class RareCharacter(SameRun):
    """A text with a character whose embedding is NaN: `self.start` is a checkpoint to begin from."""

    def setUp(self):
        super().setUp()
        text = list(program.make_text(2400))
        for place in PLACES:
            text[place] = RARE
        self.text = "".join(text)
        self.corpus.write_text(self.text, encoding="utf-8", newline="")

    def start(self, *words):
        """Fresh weights but for that embedding."""
        fresh = self.train("fresh", *DATA, *MODEL, *words, "--max-steps", 1, "--learning-rate", 1e-9)
        path = self.folder / "start.h5"
        shutil.copy(fresh / "checkpoints/latest", path)
        with h5py.File(path, "r+", libver=("earliest", "v110")) as file:
            token = list(file["vocabulary"].asstr()[()]).index(RARE)
            file["model/e.weight"][token] = np.nan
        seal(path)
        return path

    def skipped(self, run_folder):
        return [event["step"] for event in program.metrics(run_folder, "skipped")]


class LeftOut(RareCharacter):
    def check_windows(self, *words):
        run = self.train("run", *DATA, *MODEL, *words, "--init-from", self.start(*words), "--skip-bad-steps", 2)
        self.assertEqual(self.skipped(run), BAD)
        others = [step for step in range(1, 2 * WINDOWS + 1) if step not in BAD]
        self.assertEqual(list(program.losses(run)), others)
        return run

    def test_exactly_the_windows_that_are_bad(self):
        for engine, model in (("native", "rnn"), ("native", "gru"), ("native", "lstm"), ("torch", "lstm")):
            with self.subTest(engine=engine, model=model):
                shutil.rmtree(self.folder / "runs", ignore_errors=True)
                self.check_windows("--engine", engine, "--model", model, "--layers", 2)

    def test_what_is_written(self):
        run = self.check_windows("--model", "gru")
        events = program.metrics(run, "skipped")
        self.assertEqual([event["total"] for event in events], list(range(1, len(BAD) + 1)))
        in_a_row = [2 if step - 1 in BAD else 1 for step in BAD]
        self.assertIn(2, in_a_row)
        self.assertEqual([event["in_a_row"] for event in events], in_a_row)
        for event in events:
            self.assertEqual((event["loss"], event["gradient_norm"], event["learning_rate"]), (None, None, 1e-2))
        end = program.metrics(run, "end")[-1]
        self.assertEqual((end["exit_code"], end["skipped_steps"], end["stopped_early"]), (0, len(BAD), False))
        self.assertEqual(json.loads(program.run("inspect", run, "--json").stdout)["skipped_steps"], len(BAD))
        log = (run / "log.rank0.txt").read_text()
        for step in BAD:
            self.assertIn(f"step {step} is left out: its loss is nan, its gradient's norm nan", log)
        for epoch in program.metrics(run, "epoch"):
            self.assertTrue(0 < epoch["train_loss"] < 4 and 0 < epoch["val_loss"] < 4, epoch)

    def test_as_pytorch(self):
        """Losses and weights of a loop in PyTorch that leaves the same steps out."""
        start = self.start("--model", "lstm")
        run = self.train("run", *DATA, *MODEL, "--model", "lstm", "--init-from", start, "--skip-bad-steps", 9)
        with h5py.File(start) as file:
            symbols = list(file["vocabulary"].asstr()[()])
            model = reference.Model("lstm", file["model"])
        columns = reference.columns_of(reference.encode(self.text[:TRAINED], symbols), COLUMNS)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        losses = program.losses(run)
        for step in range(2 * WINDOWS):
            first = step % WINDOWS * BPTT
            if first == 0:
                state = model.zero_state(COLUMNS)
            loss, state = model.train_window(columns[first:first + BPTT], columns[first + 1:first + 1 + BPTT], state, 1,
                                             step)
            if all(torch.isfinite(p.grad).all() for p in model.parameters()):
                optimizer.step()
                self.assertAlmostEqual(losses[step + 1], loss, delta=LOSS_TOLERANCE, msg=f"step {step + 1}")
            else:
                self.assertIn(step + 1, BAD)
                state = model.zero_state(COLUMNS)
        trained = tensors(run / "checkpoints/latest", "model")
        for name, expected in model.weights().items():
            known = np.isfinite(expected)
            np.testing.assert_array_equal(np.isfinite(trained[f"model/{name}"]), known, name)
            np.testing.assert_allclose(trained[f"model/{name}"][known], expected[known], atol=1e-3, err_msg=name)

    def test_nothing_is_touched(self):
        """By two skipped steps in a row; but the steps count, and the hidden state is zero."""
        first = next(step for step in BAD if step + 1 in BAD)
        for optimizer in ("adam", "sgd"):
            with self.subTest(optimizer=optimizer):
                name = f"run_{optimizer}"
                words = [*DATA, *MODEL, "--model", "lstm", "--optimizer", optimizer, "--weight-average", 0.9,
                         "--skip-bad-steps", 9]
                start = self.start("--model", "lstm", "--optimizer", optimizer)
                shutil.rmtree(self.folder / "runs/fresh")
                run = self.train(name, *words, "--init-from", start, "--max-steps", first - 1)
                before = tensors(run / "checkpoints/latest", "model", "optimizer", "hidden")
                with h5py.File(run / "checkpoints/latest") as file:
                    updates = file["optimizer"].attrs["step"]
                self.train(name, *words, "--resume", "--max-steps", first + 1)
                after = tensors(run / "checkpoints/latest", "model", "optimizer", "hidden")
                with h5py.File(run / "checkpoints/latest") as file:
                    self.assertEqual(file.attrs["step"], first + 1)
                    self.assertEqual(file["data"].attrs["row"], (first + 1) * BPTT)
                    self.assertEqual(file["optimizer"].attrs["step"], updates)
                    self.assertEqual(file["progress"].attrs["skipped_in_a_row"], 2)
                self.assertEqual(set(after), set(before))
                self.assertIn("optimizer/parameters/e.weight", after)
                for key, array in before.items():
                    if key.startswith("hidden/"):
                        self.assertTrue(array.any())
                        self.assertFalse(after[key].any())
                    else:
                        np.testing.assert_array_equal(after[key], array, key)

    def test_a_bad_hidden_state(self):
        run = self.train("run", *DATA, *MODEL, "--model", "lstm", "--max-steps", 10)
        with h5py.File(run / "checkpoints/latest", "r+", libver=("earliest", "v110")) as file:
            file["hidden/c"][0, 3] = np.nan  # of one column
        seal((run / "checkpoints/latest").resolve())
        words = ["--resume", "--max-steps", 40]
        result = program.run(*self.train_words("run", *DATA, *MODEL, *words), expect=2)
        self.assertIn("the training diverged at step 11 (loss nan", result.stderr)
        self.assertIn("--skip-bad-steps", result.stderr)
        self.train("run", *DATA, *MODEL, *words, "--skip-bad-steps", 1)
        self.assertEqual(self.skipped(run), [11])
        self.assertTrue(np.isfinite(tensors(run / "checkpoints/latest", "hidden")["hidden/c"]).all())

    def test_too_many_in_a_row(self):
        start = self.start("--model", "gru")
        words = [*DATA, *MODEL, "--model", "gru", "--init-from", start]
        second = next(step for step in BAD if step - 1 in BAD)
        for ranks, limit in ((None, 0), (2, 1)):
            result = program.run(*self.train_words(f"limit{limit}", *words, "--skip-bad-steps", limit), expect=2,
                                 ranks=ranks)
            run = self.folder / f"runs/limit{limit}"
            self.assertEqual(self.skipped(run), [step for step in BAD if step < second] if limit else [])
            self.assertEqual(len(re.findall("error: the training diverged", result.stderr)), 1)
            self.assertEqual("after 1 step(s) in a row that were left out" in result.stderr, limit == 1)
            self.assertEqual(program.metrics(run, "end")[-1]["exit_code"], 2)

    def test_an_epoch_without_a_good_step(self):
        """Has no train loss; its checkpoints can be read and resumed."""
        words = [*DATA, *MODEL, "--model", "gru", "--bptt", ROWS - 1, "--skip-bad-steps", 9]
        run = self.train("run", *words, "--init-from", self.start("--model", "gru", "--bptt", ROWS - 1))
        self.assertEqual([(event["train_loss"], event["train_loss_smoothed"]) for event in program.metrics(run, "epoch")],
                         [(None, None)] * 2)
        self.assertEqual(json.loads(program.run("inspect", run, "--json").stdout)["history"], [])
        self.train("run", *words, "--resume", "--epochs", 3)
        self.assertEqual(self.skipped(run), [1, 2, 3])

    def test_same_bits_on_any_number_of_ranks(self):
        words = [*DATA, *MODEL, "--model", "lstm", "--layers", 2, "--dropout", 0.3, "--reproducible", "--micro-batches", 3,
                 "--skip-bad-steps", 2, "--validate-every", 7, "--weight-average", 0.9]
        start = ["--init-from", self.start("--model", "lstm", "--layers", 2)]
        alone = self.train("alone", *words, *start)
        self.assertEqual(self.skipped(alone), BAD)
        self.assert_same_run(self.train("three", *words, *start, ranks=3), alone)
        # Stopped between two bad steps in a row: the resumed run counts on.
        middle = next(step for step in BAD if step + 1 in BAD)
        for last, ranks, more in ((middle, 2, start), (2 * WINDOWS, None, ["--resume"])):
            parts = self.train("parts", *words, "--max-steps", last, *more, ranks=ranks)
        self.assert_same_run(parts, alone, stops=[middle])
        self.assertEqual(program.metrics(parts, "end")[-1]["skipped_steps"], len(BAD))


class Diverging(program.TestCase):
    characters = 20_000
    WORDS = ["--model", "gru", "--hidden", 32, "--columns", 8, "--epochs", 2]

    def test_is_told_of_and_never_best(self):
        for rate, ranks in ((10, 2), (1e30, None)):
            with self.subTest(rate=rate):
                words = [*self.WORDS, "--learning-rate", rate, "--validate-every", 200]
                result = program.run(*self.train_words(f"rate{rate}", *words), ranks=ranks)
                run = self.folder / f"runs/rate{rate}"
                for what in ("the training loss is ", "the validation loss is "):
                    warnings = [line for line in result.stdout.splitlines() if line.startswith(f"warning: {what}")]
                    self.assertEqual(len(warnings), 1, result.stdout)
                    self.assertRegex(warnings[0], r"a uniform guess among \d+ symbols has \d\.\d{4}: lower --learning-rate")
                    for rank in range(ranks or 1):
                        self.assertIn(what, (run / f"log.rank{rank}.txt").read_text())
                table = [line for line in result.stdout.splitlines() if re.match(r" +\d+ ", line)]
                self.assertGreater(len(table), 2)
                for line in table:
                    self.assertLessEqual(len(line), 80)
                    self.assertFalse(line.endswith(" best"), line)
                self.assertRegex(result.stdout, r"\ndone at step [\d,]+; validation \S+, no better than a uniform guess; ")
                end = program.metrics(run, "end")[-1]
                self.assertEqual((end["exit_code"], end["best_val_loss"], end["best_step"]), (0, None, None))
                self.assertFalse((run / "checkpoints/best").is_symlink())
                sampled = program.run("sample", run, "--length", 1)
                warning, said = sampled.stderr.splitlines()
                self.assertIn("no best checkpoint", warning)
                self.assertIn(f"using {(run / 'checkpoints/latest').resolve()} (newest, ", said)

    def test_an_ordinary_run_hears_nothing(self):
        result = program.run(*self.train_words("run", *self.WORDS, "--learning-rate", 1e-2, "--schedule", "sgdr",
                                               "--epochs", 3, "--validate-every", 30))
        self.assertNotIn("warning", result.stdout)

    def test_a_gradient_far_above_its_median(self):
        """That of the one window which has a character as its target that the model holds for impossible."""
        step = 71  # of 100 windows of 10 targets in 6 columns
        text = list(program.make_text(8000))
        text[(step - 1) * BPTT + 3] = RARE
        self.corpus.write_text("".join(text), encoding="utf-8", newline="")
        words = ["--model", "gru", "--hidden", HIDDEN, "--columns", COLUMNS, "--bptt", BPTT, "--no-bptt-jitter",
                 "--min-freq", 1, "--train-characters", COLUMNS * (100 * BPTT + 1), "--clip-norm", 1]
        fresh = self.train("fresh", *words, "--max-steps", 1) / "checkpoints/latest"
        with h5py.File(fresh, "r+", libver=("earliest", "v110")) as file:
            token = list(file["vocabulary"].asstr()[()]).index(RARE)
            file["model/l_out.weight"][token] = 3e4
            file["model/l_out.bias"][token] = -1e7
        seal(fresh.resolve())
        result = program.run(*self.train_words("run", *words, "--init-from", fresh, "--max-steps", 90), ranks=2)
        events = {event["step"]: event["gradient_norm"] for event in program.metrics(self.folder / "runs/run", "step")}
        usual = float(np.median([norm for number, norm in events.items() if number < step]))
        warnings = [line for line in result.stdout.splitlines() if line.startswith("warning: ")]
        self.assertEqual(len(warnings), 1, result.stdout)
        said = re.fullmatch(r"warning: the gradient's norm is (\S+) at step 71, (\d+) times its median of the last steps "
                            r"\((\S+)\): lower --learning-rate, or --clip-norm \(now 1\)", warnings[0])
        self.assertAlmostEqual(float(said[1]) / events[step], 1, delta=0.01)
        self.assertAlmostEqual(float(said[3]) / usual, 1, delta=0.05)
        self.assertGreater(events[step], 1000 * usual)

    def test_what_was_learned_and_lost(self):
        self.train("run", *self.WORDS, "--epochs", 1)
        best = (self.folder / "runs/run/checkpoints/best").resolve()
        result = program.run(*self.train_words("run", *self.WORDS, "--learning-rate", 100, "--resume", "--save-every", 100))
        self.assertRegex(result.stdout, r"warning: the validation loss is \S+ at step \S+; the best was \d\.\d{4}, a uniform")
        step = program.metrics(self.folder / "runs/run", "end")[-1]["best_step"]
        self.assertRegex(result.stdout, rf"\nbest: step {step:,}, validation \S+; sample from it: ")
        # Its file stays, though a run with one cycle has only the last file of it.
        kept = (self.folder / "runs/run/checkpoints/best").resolve()
        with h5py.File(kept) as file:
            self.assertEqual(file.attrs["step"], step)
        self.assertTrue(best.exists())


class Patience(SameRun):
    characters = 3000
    # Learns the text by heart in some ten epochs.
    WORDS = ["--columns", 4, "--bptt", 16, "--model", "gru", "--hidden", 48, "--learning-rate", 1e-2, "--reproducible",
             "--micro-batches", 2, "--epochs", 60]

    def stops_where(self, run, patience):
        """By what metrics.jsonl says of every validation."""
        best, since, stopped = float("inf"), 0, None
        for event in program.metrics(run):
            if event.get("val_loss") is not None and event["event"] in ("epoch", "validation"):
                self.assertIsNone(stopped, "goes on after it ran out of patience")
                since = 0 if event["val_loss"] < best else since + 1
                best = min(best, event["val_loss"])
                stopped = event["step"] if since == patience else None
        return stopped

    def test_stops_and_says_so(self):
        for words in ([], ["--validate-every", 13]):
            with self.subTest(words=words):
                name = f"run{len(words)}"
                result = program.run(*self.train_words(name, *self.WORDS, *words, "--patience", 3))
                run = self.folder / "runs" / name
                end = program.metrics(run, "end")[-1]
                self.assertEqual((end["exit_code"], end["stopped_early"]), (0, True))
                self.assertEqual(end["step"], self.stops_where(run, 3))
                self.assertRegex(result.stdout, rf"\nstopped early at step {end['step']:,}: no better loss in 3 "
                                                r"validations; validation (\S+), worse than the best\n"
                                                rf"best: step {end['best_step']:,}, validation \S+; sample from it: ")
                with h5py.File(run / "checkpoints/latest") as file:
                    self.assertEqual(file.attrs["step"], end["step"])
                with h5py.File(run / "checkpoints/best") as file:
                    self.assertEqual(file.attrs["step"], end["best_step"])
                    self.assertEqual(file["progress"].attrs["best_val_loss"], end["best_val_loss"])
                # It is done; more patience, and it goes on.
                again = program.run(*self.train_words(name, *self.WORDS, *words, "--patience", 3, "--resume"))
                self.assertIn(f"stopped early at step {end['step']:,}", again.stdout)
                self.assertEqual(program.metrics(run, "end")[-1]["step"], end["step"])
                program.run(*self.train_words(name, *self.WORDS, *words, "--patience", 5, "--resume"))
                self.assertEqual(program.metrics(run, "end")[-1]["step"], self.stops_where(run, 5))

    def test_the_count_survives_a_resume(self):
        """Wherever the run is stopped, on any number of ranks."""
        words = [*self.WORDS, "--patience", 3, "--validate-every", 2]
        straight = self.train("straight", *words)
        last = program.metrics(straight, "end")[-1]["step"]
        parts = self.folder / "runs/parts"
        more = self.train_words("parts", *words, "--resume")
        for step, ranks in ((last - 60, 2), (last - 20, None), (last - 5, None)):
            with program.Running(self.folder, *more, ranks=ranks) as running:
                program.wait_for_step(parts, step, running)
                os.kill(running.pid(0), signal.SIGTERM)
                self.assertIn(running.process.wait(program.PATIENCE), (0, 75))  # it may have been done before that
        program.run(*more)
        self.assert_same_run(parts, straight)


class Best(program.TestCase):
    characters = 3000
    WORDS = ["--columns", 4, "--bptt", 16, "--model", "gru", "--hidden", 48, "--learning-rate", 1e-2, "--epochs", 16]

    def setUp(self):
        super().setUp()
        self.run_folder = self.train("run", *self.WORDS)
        self.checkpoints = self.run_folder / "checkpoints"
        self.best = (self.checkpoints / "best").resolve()
        self.assertNotEqual(self.best, (self.checkpoints / "latest").resolve())
        self.words = ["--corpus", self.corpus, "--part", "validation", "--columns", 4, "--json", "--threads", 1]

    def test_is_what_a_folder_stands_for(self):
        lowest = min(program.metrics(self.run_folder, "epoch"), key=lambda event: event["val_loss"])
        said = f"charrnn_dist: using {self.best} (best, validation {lowest['val_loss']:.4f} at step {lowest['step']:,})\n"
        sampled = program.run("sample", self.run_folder, "--length", 50)
        self.assertEqual(sampled.stderr, said)
        self.assertEqual(sampled.stdout, program.run("sample", self.best, "--length", 50).stdout)
        for ranks in (None, 2):
            result = program.run("eval", self.run_folder, *self.words, ranks=ranks)
            self.assertEqual(result.stderr.count(said), 1)
            found = json.loads(result.stdout)
            self.assertEqual(found["checkpoint"], str(self.best))
            self.assertAlmostEqual(found["loss"], lowest["val_loss"], delta=1e-6)
        self.assertEqual(program.run("eval", self.best, *self.words).stderr, "")

    def test_to_go_on_it_is_the_newest(self):
        newest = str((self.checkpoints / "latest").resolve())
        facts = json.loads(program.run("inspect", self.run_folder, "--json").stdout)
        self.assertEqual(facts["path"], newest)
        with h5py.File(self.best) as file:
            self.assertEqual(facts["best_step"], file.attrs["step"])
        shown = program.run("inspect", self.run_folder).stdout
        self.assertRegex(shown, rf"\nbest so far +validation \d\.\d{{4}} at step {facts['best_step']:,}\n")
        result = program.run(*self.train_words("run", *self.WORDS, "--epochs", 17, "--resume"))
        self.assertIn(newest, result.stdout)
        self.assertEqual((self.checkpoints / "best").resolve(), self.best)

    def test_damaged_or_gone(self):
        newest = str((self.checkpoints / "latest").resolve())
        contents = bytearray(self.best.read_bytes())
        contents[-1] ^= 1
        self.best.write_bytes(contents)
        for case in ("damaged", "gone", "no link"):
            with self.subTest(case):
                if case == "gone":
                    self.best.unlink()
                if case == "no link":
                    (self.checkpoints / "best").unlink()
                result = program.run("eval", self.run_folder, *self.words)
                self.assertEqual(json.loads(result.stdout)["checkpoint"], newest)
                warning, said = result.stderr.splitlines()
                self.assertIn("warning: ", warning)
                self.assertIn("no best checkpoint" if case == "no link" else str(self.best), warning)
                self.assertRegex(said, rf"^charrnn_dist: using {re.escape(newest)} \(newest, step [\d,]+\)$")

    def test_going_back_goes_back_to_what_was_best_then(self):
        words = ["--columns", 4, "--bptt", 16, "--model", "gru", "--hidden", 48, "--learning-rate", 1e-2, "--schedule",
                 "phases", "--phases", "1e-2:2,1e-3:2,1e-5:2"]
        run = self.train("phases", *words, "--save-every", 5)
        first = run / "checkpoints/cycle_0.h5"
        self.assertNotEqual((run / "checkpoints/best").resolve(), first)
        program.run(*self.train_words("phases", *words, "--resume", first, "--max-steps",
                                      program.metrics(run, "epoch")[1]["step"]))
        self.assertEqual((run / "checkpoints/best").resolve(), first)


if __name__ == "__main__":
    program.main()
