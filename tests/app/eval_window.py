"""`eval --window`: the loss of windows that each begin with a hidden state of zero, against PyTorch."""
import json
import sys
from pathlib import Path

import h5py
import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("e2e", "models")]
import program
import reference


class EvalWindow(program.TestCase):
    characters = 6000

    def setUp(self):
        super().setUp()
        self.run_folder = self.train("run", "--columns", 4, "--bptt", 10, "--model", "lstm", "--hidden", 20, "--embedding", 7,
                                     "--learning-rate", 1e-2, "--epochs", 1)

    def evaluate(self, *words, ranks=None, **more):
        return program.run("eval", self.run_folder, "--corpus", self.corpus, "--part", "validation", "--threads", 1, *words,
                           ranks=ranks, **more)

    def expected(self, columns, window):
        train_characters = len(self.text) * 8 // 10
        tokens = reference.encode(self.text, reference.vocabulary(self.text, train_characters))[train_characters:]
        tokens = reference.columns_of(tokens, columns)
        with h5py.File(self.run_folder / "checkpoints/latest") as file:
            model = reference.Model("lstm", {name: np.array(dataset) for name, dataset in file["model"].items()})
        total, count = 0.0, 0
        for row in range(0, len(tokens) - 1, window):
            end = min(row + window, len(tokens) - 1)
            loss, _ = model.train_window(tokens[row:end], tokens[row + 1:end + 1], model.zero_state(columns), 0, 0)
            total += loss * (end - row) * columns
            count += (end - row) * columns
        return total / count, count

    def test_against_pytorch(self):
        carried = json.loads(self.evaluate("--json").stdout)
        self.assertNotIn("window", carried)
        for columns, window, ranks in ((1, 32, None), (3, 50, None), (3, 50, 2), (1, 100000, None)):
            found = json.loads(self.evaluate("--json", "--columns", columns, "--window", window, ranks=ranks).stdout)
            loss, count = self.expected(columns, window)
            self.assertEqual((found["characters"], found["window"]), (count, window))
            self.assertAlmostEqual(found["loss"], loss, delta=2e-6 * loss)
        cold = json.loads(self.evaluate("--json", "--window", 8).stdout)
        self.assertGreater(cold["loss"], carried["loss"] + 0.01, "what was read before must matter")
        self.assertIn("windows of 8 from a state of zero", self.evaluate("--window", 8).stdout)

    def test_refused(self):
        for words in (["--window", -1], ["--window", 8, "--dynamic-rate", 1e-3]):
            self.assertIn("--window", self.evaluate(*words, expect=2).stderr)


if __name__ == "__main__":
    torch.set_num_threads(1)
    program.main()
