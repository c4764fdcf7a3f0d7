"""Reproducible mode: one hash of the parameters, the same losses and the same validation for every number of ranks, and
for runs that were stopped or killed and went on with another number of ranks.

    same_bits.py                 some random small configs (every test run)
    same_bits.py --soak MINUTES  random configs until the time is up
    same_bits.py --lesson6       the notebook's LSTM on its corpus: 200 steps, eight micro-batches; prints the hash
"""
import argparse
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path

import h5py

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program
from resume import SameRun, told

LESSON6_CORPUS = program.SOURCE.parent / "shared/data/nietzsche.txt"


class RandomConfig:
    """A small config, all of its own choosing."""

    def __init__(self, seed):
        self.seed = seed
        source = self.source = random.Random(seed)
        self.micro_batches = source.randint(1, 9)
        columns = source.randint(self.micro_batches, 20)
        words = ["--seed", seed, "--columns", columns, "--micro-batches", self.micro_batches, "--embedding",
                 source.randint(3, 20), "--hidden", source.randint(5, 40), "--learning-rate", source.choice((1e-3, 1e-2)),
                 "--optimizer", source.choice(("adam", "adamw")), "--weight-decay", source.choice((0, 1e-3)),
                 "--clip-norm", source.choice((0, 0.1)), "--weight-average", source.choice((0, 0.9)),
                 "--weight-dropout", source.choice((0, 0.3)), "--dropout-input", source.choice((0, 0.3)),
                 "--dropout-output", source.choice((0, 0.3))]
        if source.random() < 0.5:
            words.append("--locked-dropout")
        if source.random() < 0.3:
            model = source.choice(("CharLoopModel", "CharLoopConcatModel", "CharRnn", "CharSeqRnn"))
            words += ["--model", model, "--full-vocabulary", "--window", source.randint(3, 9), "--stride", 5]
            words += ["--predict", "every" if model == "CharSeqRnn" else "last"]
        else:
            layers = source.randint(1, 3)
            model = source.choice(("rnn", "gru", "lstm", "norm_lstm"))
            words += ["--model", model, "--layers", layers, "--bptt", source.randint(2, 20)]
            words += ["--dropout", source.choice((0, 0.4)) if layers > 1 else 0, "--shuffle", source.choice((0, 100))]
        if source.random() < 0.5:
            words += ["--schedule", "sgdr"]
        self.steps = source.randint(12, 40)
        words += ["--epochs", 40, "--validate-every", source.randint(5, 15)]
        self.words = ["--reproducible", *words]

    def threads(self, number):
        """They are free where the native engine computes; LibTorch's bits depend on them."""
        return 1 if any(str(word).startswith("CharLoop") for word in self.words) else number

    def ranks(self):
        return self.source.randint(1, min(self.micro_batches, 6))


class SameBits(SameRun):
    characters = 3000

    def check(self, seed):
        """Straight on two numbers of ranks, and in three pieces on three."""
        config = RandomConfig(seed)
        what = f"config {seed}: {' '.join(map(str, config.words))}"
        first = self.train(f"{seed}first", *config.words, "--max-steps", config.steps, "--threads", config.threads(3))
        ranks = max(2, config.ranks()) if config.micro_batches > 1 else None
        second = self.train(f"{seed}second", *config.words, "--max-steps", config.steps, ranks=ranks)
        self.assert_same_run(first, second, f"{what}; {ranks} ranks")
        stops = sorted(config.source.sample(range(1, config.steps), 2)) + [config.steps]
        for stop in stops:
            pieces = self.train(f"{seed}pieces", *config.words, "--max-steps", stop, "--threads",
                                config.threads(1 + stop % 2), "--resume",
                                ranks=config.ranks())
        self.assert_same_run(first, pieces, f"{what}; stopped at {stops}", stops)

    def test_random_configs(self):
        for seed in range(1, 5):
            with self.subTest(seed=seed):
                self.check(seed)

    def test_all_numbers_of_ranks(self):
        """Default layers, dropout, uneven groups; and what makes the mode: without it the bits do differ."""
        words = ["--columns", 13, "--micro-batches", 8, "--model", "lstm", "--layers", 2, "--hidden", 24, "--embedding", 9,
                 "--dropout", 0.5, "--clip-norm", 0.2, "--max-steps", 30, "--validate-every", 10]
        runs = [self.train(f"r{ranks}", "--reproducible", *words, ranks=ranks) for ranks in (1, 2, 3, 5, 8)]
        for run in runs[1:]:
            self.assert_same_run(runs[0], run, run.name)
        self.assertGreaterEqual(len([one for one in told(runs[0]) if "val_loss" in one]), 2)
        plain = [self.train(f"plain{ranks}", *words, ranks=ranks) for ranks in (1, 2, 4)]
        self.assertGreater(len({program.parameter_hash(run) for run in plain}), 1)

        # The same holds for eval, with and without learning from what was read.
        for more in (["--columns", 10], ["--columns", 5, "--dynamic-rate", 1e-3, "--dynamic-decay", 1e-3]):
            found = {program.run("eval", "--checkpoint", runs[0], "--corpus", self.corpus, "--part", "validation", "--json",
                                 *more, ranks=ranks).stdout for ranks in (None, 2, 6)}
            self.assertEqual(len(found), 1, found)

    def test_killed_three_times(self):
        words = ["--columns", 16, "--micro-batches", 4, "--model", "gru", "--layers", 2, "--hidden", 24, "--dropout", 0.3,
                 "--epochs", 3, "--save-every", 7, "--reproducible"]
        straight = self.train("straight", *words)
        source = random.Random(11)
        killed = self.folder / "runs/killed"
        for step in (10, 25, 40):
            with program.Running(self.folder, *self.train_words("killed", *words, "--resume"),
                                 ranks=source.randint(1, 4)) as running:
                program.wait_for_step(killed, step, running)
                for pid in [pid for pid in running.members() if program.rank_of(pid) is not None]:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                running.wait()
        self.train("killed", *words, "--resume", ranks=3)
        self.assert_same_run(straight, killed, "killed at steps 10, 25 and 40")

    def test_refusals(self):
        words = ["--reproducible", "--model", "rnn", "--hidden", 8, "--max-steps", 3, "--columns", 6, "--micro-batches", 3]
        self.assert_error(program.run(*self.train_words("a", *words), ranks=4, expect=2), "4 ranks cannot share 3 micro")
        self.assert_error(program.run(*self.train_words("a", *words, "--micro-batches", 7), expect=2), "only 6")
        self.train("a", *words, "--threads", 0, "--engine", "torch")
        again = self.train_words("a", *words, "--max-steps", 4, "--resume")
        self.assert_error(program.run(*again, "--micro-batches", 2, expect=2), "micro-batches is 2, was 3")
        self.assert_error(program.run(*again, "--threads", 2, expect=2), "threads is 2, was 1")
        self.assert_error(program.run(*again, "--engine", "native", expect=2), "engine is native, was torch")
        went_on = program.run(*again, "--no-reproducible", "--micro-batches", 2)
        self.assertIn("no longer", went_on.stderr)

    def assert_error(self, result, text):
        said = [line for line in result.stderr.splitlines() if line.startswith("charrnn_dist")]  # the rest is mpirun's
        self.assertEqual(len(said), 1, result.stderr)
        self.assertIn(text, said[0])

    def test_another_processor(self):
        """A checkpoint from another processor or program version: a warning that names both."""
        words = ["--reproducible", "--model", "rnn", "--hidden", 8, "--columns", 4, "--micro-batches", 2]
        folder = self.train("a", *words, "--max-steps", 3)
        checkpoint = folder / "checkpoints/step_3.h5"
        rewrite_attributes(checkpoint, processor="Imaginary 9000 (avx2 fma)")
        result = program.run(*self.train_words("a", *words, "--max-steps", 4, "--resume"))
        with h5py.File(folder / "checkpoints/latest") as file:
            here = file.attrs["processor"]
        here = here.decode() if isinstance(here, bytes) else here
        self.assertIn("Imaginary 9000 (avx2 fma)", result.stdout)
        self.assertIn(here, result.stdout)
        quiet = program.run(*self.train_words("a", *words, "--max-steps", 5, "--resume"))
        self.assertNotIn("another processor", quiet.stdout)


def rewrite_attributes(path, **attributes):
    """Changes root attributes of a checkpoint and gives it the digest of its new contents."""
    with h5py.File(path, "r+") as file:
        for name, value in attributes.items():
            del file.attrs[name]
            file.attrs.create(name, value, dtype=h5py.string_dtype("utf-8", len(value)))  # of fixed length, as promised
    with path.open("r+b") as file:
        file.seek(512)
        digest = hashlib.sha256(file.read()).hexdigest()
        file.seek(0)
        file.write(f"charrnn_dist 1\nsha256 {digest}\n".encode())


def soak(minutes):
    """Random configs, seeds from the clock, until the time is up."""
    class Soak(SameBits):
        def runTest(self):
            seed, end = int(time.time()), time.monotonic() + 60 * minutes
            tried = 0
            while time.monotonic() < end:
                self.check(seed + tried)
                tried += 1
            print(f"{tried} random configs from seed {seed} on: equal bits")
    result = unittest.TextTestRunner().run(Soak())
    sys.exit(0 if result.wasSuccessful() else 1)


def lesson6(steps):
    """The notebook's LSTM on its corpus on 1 to 8 ranks, and killed three times on the way."""
    if not LESSON6_CORPUS.exists():
        print(f"skipped: there is no {LESSON6_CORPUS}")
        sys.exit(77)
    hashes = {}
    with tempfile.TemporaryDirectory(prefix="charrnn_e2e_") as folder:
        def words(name):
            return ["train", "--config", program.SOURCE / "configs/lesson6/stateful_lstm_sgdr.toml", "--corpus",
                    LESSON6_CORPUS, "--run-dir", folder, "--name", name, "--reproducible", "--micro-batches", 8, "--threads",
                    1, "--log-every", 1, "--save-every", 20, "--max-steps", steps, "--timeout", 600, "--resume"]

        def finish(name, ranks, how):
            started = time.monotonic()
            program.run(*words(name), ranks=ranks, patience=3600)
            hashes[how] = program.parameter_hash(Path(folder) / name)
            print(f"{how}: {hashes[how]} ({time.monotonic() - started:.0f} s)", flush=True)

        for ranks in (1, 2, 3, 4, 5, 7, 8):
            finish(f"np{ranks}", ranks, f"{ranks} rank(s)")
        source, at, ranks = random.Random(), 0, []
        for _ in range(3):
            at += source.randint(5, steps // 4)
            ranks.append(source.randint(1, 8))
            with program.Running(folder, *words("killed"), ranks=ranks[-1]) as running:
                program.wait_until(lambda: running.process.poll() is not None or any(
                    one["step"] >= at for one in program.metrics(Path(folder) / "killed")), f"step {at}", 3600)
                victims = [pid for pid in running.members() if program.rank_of(pid) is not None]
                os.kill(source.choice(victims), signal.SIGKILL)
                running.wait()
        ranks.append(source.randint(1, 8))
        finish("killed", ranks[-1], f"killed three times, on {', '.join(map(str, ranks))} ranks")
    if len(set(hashes.values())) != 1:
        sys.exit("the hashes differ")
    print(f"one SHA-256 of the parameters after {steps} steps: {hashes['1 rank(s)']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--soak", type=float, metavar="MINUTES")
    parser.add_argument("--lesson6", action="store_true")
    parser.add_argument("--steps", type=int, default=200)
    arguments, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    if arguments.soak:
        soak(arguments.soak)
    elif arguments.lesson6:
        lesson6(arguments.steps)
    else:
        program.main()
