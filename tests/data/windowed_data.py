"""Which windows a run reads, seen from outside: with one window a batch and weights that stay where they are (a
learning rate of 1e-30), every window has a loss and a gradient's norm of its own, by which it is known again."""
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / folder) for folder in ("tests/e2e", "tests/models", "python")]
import charrnn
import notebook_models
import program

SIZES = ["--hidden", notebook_models.HIDDEN, "--embedding", notebook_models.EMBEDDING, "--full-vocabulary",
         "--learning-rate", 1e-30]
LETTERS = 400
TOLERANCE = 1e-6  # a few float32 losses of about 3, and the norm of a gradient of about 1


def read_model(run_folder):
    """The notebook's module with a checkpoint's weights, and the symbols that its tokens number."""
    model = charrnn.load(run_folder / "checkpoints/latest").double()
    return model, [symbol or "\0" for symbol in model.vocabulary.symbols]


def loss_of(model, inputs, targets):
    """Mean loss and the gradient's norm over windows [B, T], each from a state of zero. Targets: [B, T] or [B]."""
    inputs, targets = torch.as_tensor(np.transpose(inputs)), torch.as_tensor(np.transpose(targets))
    model.zero_grad()
    logits, _ = model(inputs)
    predicted = logits.flatten(0, 1) if targets.dim() == 2 else logits[-1]
    loss = torch.nn.functional.cross_entropy(predicted, targets.flatten())
    loss.backward()
    return loss.item(), math.sqrt(sum(p.grad.square().sum().item() for p in model.parameters()))


class OneWindowABatch(program.TestCase):
    def setUp(self):
        super().setUp()
        # Letters at random: no window comes twice, as words would.
        self.text = "".join(np.random.default_rng(4).choice(list("abcdefghijklmnop"), LETTERS))
        self.corpus.write_text(self.text)

    def check(self, window, stride, predict, seed, model_name):
        folder = self.train("run", *SIZES, "--model", model_name, "--window", window, "--stride", stride, "--predict",
                            predict, "--columns", 1, "--epochs", 2, "--seed", seed)
        model, symbols = read_model(folder)
        self.assertEqual(symbols, ["\0", *sorted(set(self.text))])
        tokens = np.array([symbols.index(c) for c in self.text])
        # As the notebook's range(0, len(idx)-cs-1, cs).
        starts = list(range(0, len(tokens) - window - 1, stride))
        marks = []
        for at in starts:
            after = tokens[None, at + 1:at + window + 1]
            marks.append(loss_of(model, tokens[None, at:at + window], after if predict == "every" else after[:, -1]))
        marks = np.array(marks)

        held_out = math.floor((1 - 0.8) * len(starts))
        trained = len(starts) - held_out
        read = []
        for event in program.metrics(folder, "step"):
            mark = np.array([event["loss"], event["gradient_norm"]])
            distances = (np.abs(marks - mark) / mark).max(axis=1)
            nearest = np.argsort(distances)[:2]
            self.assertLessEqual(distances[nearest[0]], TOLERANCE, "this loss is no window's")
            self.assertGreater(distances[nearest[1]], 10 * TOLERANCE, "two windows look alike: take another text")
            read.append(int(nearest[0]))
        epochs = read[:trained], read[trained:]
        self.assertEqual(len(epochs[1]), trained)
        for epoch in epochs:  # every window once, and the same ones in both
            self.assertEqual(len(set(epoch)), trained)
            self.assertNotEqual(epoch, sorted(epoch), "not shuffled")
        self.assertEqual(set(epochs[0]), set(epochs[1]))
        self.assertNotEqual(*epochs)
        # Validation has exactly the others: losses differ by far more than rounding, so another set has another mean.
        others = sorted(set(range(len(starts))) - set(read))
        self.assertEqual(len(others), held_out)
        self.assertGreater(np.std(marks[:, 0]), 0.02)
        for event in program.metrics(folder, "epoch"):
            for key, windows in (("val_loss", others), ("train_loss", epochs[0])):
                self.assertAlmostEqual(event[key], marks[windows, 0].mean(), delta=TOLERANCE * event[key])
        # And in the order that the documentation promises.
        oracle = notebook_models.Windows(len(tokens), window, stride, 0.8, 1, seed)
        self.assertEqual(oracle.count, len(starts))
        for epoch in (0, 1):
            self.assertEqual([at * stride for at in epochs[epoch]],
                             [int(oracle.starts(epoch * trained + i)[0]) for i in range(trained)])
        self.assertEqual(others, sorted(oracle.validation))
        return others

    def test_overlapping_windows_last_character(self):
        # 131 windows at 0, 3, 6, …; then, by another seed, other ones for validation.
        one = self.check(5, 3, "last", 1, "CharLoopModel")
        self.folder /= "other"
        other = self.check(5, 3, "last", 2, "CharLoopModel")
        self.assertNotEqual(one, other)

    def test_windows_side_by_side_every_character(self):
        # A seed whose upper half counts.
        self.check(4, 4, "every", (5 << 32) + 6, "CharSeqRnn")

    def test_windows_with_gaps_concatenated(self):
        self.check(3, 7, "last", 1, "CharLoopConcatModel")

    def test_only_the_first_windows(self):
        """--windows 12, all of them for training in one batch: those that begin at 0, 5, …, 55."""
        folder = self.train("run", *SIZES, "--model", "CharSeqRnn", "--window", 6, "--stride", 5, "--windows", 12,
                            "--columns", 12, "--train-fraction", 1, "--epochs", 1)
        model, symbols = read_model(folder)
        tokens = np.array([symbols.index(c) for c in self.text])
        at = np.arange(0, 60, 5)[:, None] + np.arange(6)
        (event,) = program.metrics(folder, "step")
        loss, norm = loss_of(model, tokens[at], tokens[at + 1])
        self.assertAlmostEqual(event["loss"], loss, delta=TOLERANCE * loss)
        self.assertAlmostEqual(event["gradient_norm"], norm, delta=TOLERANCE * norm)
        # eval's "all" stops there too.
        found = json.loads(program.run("eval", "--checkpoint", folder, "--corpus", self.corpus, "--json").stdout)
        self.assertEqual(found["characters"], 72)
        self.assertAlmostEqual(found["loss"], loss, delta=TOLERANCE * loss)


class Masks(program.TestCase):
    characters = 700

    def test_masks_follow_the_window_not_the_rank(self):
        """Dropout masks of a batch of windows, the last one with fewer windows than ranks, on 1 and on 3 ranks."""
        # 83 windows for training: 9 batches of 9 and one of 2.
        words = ["--model", "lstm", "--layers", 2, "--hidden", 12, "--embedding", 6, "--window", 6, "--columns", 9,
                 "--dropout", 0.4, "--dropout-input", 0.2, "--dropout-output", 0.3, "--weight-dropout", 0.3,
                 "--full-vocabulary", "--windows", 100, "--train-fraction", 0.83, "--epochs", 2]
        alone, others = (self.train(f"n{ranks}", *words, ranks=ranks) for ranks in (None, 3))
        self.assertEqual(list(program.losses(alone)), list(range(1, 21)))
        for ours, theirs in zip(program.metrics(others), program.metrics(alone), strict=True):
            for key in ("loss", "gradient_norm", "val_loss"):
                if key in theirs:  # as in tests/e2e/ranks.py, through 20 updates
                    self.assertAlmostEqual(ours[key], theirs[key], delta=5 * TOLERANCE * theirs[key])


class NotebooksTables(program.TestCase):
    """The rows that the notebook printed, typed off: a batch of the text's first windows has the loss and the
    gradient's norm of exactly these numbers."""

    NEXT = [1, 1, 43, 45, 40, 40, 39, 43]
    OVERLAPPING = [[40, 42, 29, 30, 25, 27, 29, 1],
                   [42, 29, 30, 25, 27, 29, 1, 1],
                   [29, 30, 25, 27, 29, 1, 1, 1],
                   [30, 25, 27, 29, 1, 1, 1, 43],
                   [25, 27, 29, 1, 1, 1, 43, 45],
                   [27, 29, 1, 1, 1, 43, 45, 40],
                   [29, 1, 1, 1, 43, 45, 40, 40],
                   [1, 1, 1, 43, 45, 40, 40, 39]]
    XS = [[40, 42, 29, 30, 25, 27, 29, 1],
          [1, 1, 43, 45, 40, 40, 39, 43],
          [33, 38, 31, 2, 73, 61, 54, 73],
          [2, 44, 71, 74, 73, 61, 2, 62],
          [72, 2, 54, 2, 76, 68, 66, 54],
          [67, 9, 9, 76, 61, 54, 73, 2],
          [73, 61, 58, 67, 24, 2, 33, 72],
          [2, 73, 61, 58, 71, 58, 2, 67]]
    YS = [[42, 29, 30, 25, 27, 29, 1, 1],
          [1, 43, 45, 40, 40, 39, 43, 33],
          [38, 31, 2, 73, 61, 54, 73, 2],
          [44, 71, 74, 73, 61, 2, 62, 72],
          [2, 54, 2, 76, 68, 66, 54, 67],
          [9, 9, 76, 61, 54, 73, 2, 73],
          [61, 58, 67, 24, 2, 33, 72, 2],
          [73, 61, 58, 71, 58, 2, 67, 68]]

    def setUp(self):
        super().setUp()
        self.corpus = program.SOURCE.parent / "shared/data/nietzsche.txt"
        if not self.corpus.exists():
            self.skipTest(f"there is no {self.corpus}")

    def check(self, inputs, targets, *words):
        folder = self.train("run", *SIZES, "--windows", len(inputs), "--columns", len(inputs), "--train-fraction", 1,
                            "--epochs", 1, *words)
        model, symbols = read_model(folder)
        self.assertEqual(len(symbols), 85)
        (event,) = program.metrics(folder, "step")
        loss, norm = loss_of(model, inputs, targets)
        self.assertAlmostEqual(event["loss"], loss, delta=TOLERANCE * loss)
        self.assertAlmostEqual(event["gradient_norm"], norm, delta=TOLERANCE * norm)

    def test_three_by_three(self):
        # The notebook's x1[:4], x2[:4], x3[:4]; y[:4].
        inputs = np.array([[40, 30, 29, 1], [42, 25, 1, 43], [29, 27, 1, 45]]).T
        self.check(inputs, [30, 29, 1, 40], "--model", "Char3Model", "--window", 3, "--predict", "last")

    def test_eight_by_one(self):
        self.check(self.OVERLAPPING, self.NEXT, "--model", "CharLoopModel", "--window", 8, "--stride", 1,
                   "--predict", "last")

    def test_eight_by_eight(self):
        self.check(self.XS, self.YS, "--model", "CharSeqRnn", "--window", 8)


if __name__ == "__main__":
    torch.set_num_threads(1)
    program.main()
