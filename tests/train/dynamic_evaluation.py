"""Dynamic evaluation against the formula of its header, in PyTorch."""
import json
import sys
from pathlib import Path

import h5py
import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("e2e", "models")]
import program
import reference

MODEL = ["--columns", 4, "--bptt", 10, "--model", "lstm", "--layers", 2, "--hidden", 20, "--embedding", 7, "--dropout", 0.5,
         "--learning-rate", 1e-2, "--epochs", 2]
# Some fifty updates in float32, each a part of a parameter's usual change: measured 3e-7 of the loss.
TOLERANCE = 5e-6


class DynamicEvaluation(program.TestCase):
    characters = 6000

    def evaluate(self, *words, ranks=None):
        result = program.run("eval", "--checkpoint", self.run_folder, "--corpus", self.corpus, "--part", "validation",
                             "--threads", 1, "--json", *words, ranks=ranks)
        return json.loads(result.stdout)

    def expected(self, columns, rate, decay, rows):
        train_characters = len(self.text) * 8 // 10
        tokens = reference.encode(self.text, reference.vocabulary(self.text, train_characters))[train_characters:]
        tokens = reference.columns_of(tokens, columns)
        with h5py.File(self.run_folder / "checkpoints/latest") as file:
            weights = {name: np.array(dataset) for name, dataset in file["model"].items()}
            bias = 1 - 0.999 ** int(file["optimizer"].attrs["step"])
            squares = {name: np.array(dataset, dtype=float) / bias for name, dataset in
                       file["optimizer/exp_avg_sq"].items()}
        roots = {name: np.sqrt(square) for name, square in squares.items()}
        # The flat buffer pads every parameter to a multiple of 16 with zeros, which count in its mean.
        padded = sum(-(-root.size // 16) * 16 for root in roots.values())
        mean = sum(root.sum() for root in roots.values()) / padded
        model = reference.Model("lstm", weights)
        trained = {name: torch.from_numpy(array.astype(float)) for name, array in weights.items()}
        total, count, state = 0.0, 0, model.zero_state(columns)
        for row in range(0, len(tokens) - 1, rows):
            end = min(row + rows, len(tokens) - 1)
            loss, state = model.train_window(tokens[row:end], tokens[row + 1:end + 1], state, 0, 0)
            total += loss * (end - row) * columns
            count += (end - row) * columns
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    ours = model.names[name]
                    parameter -= rate * parameter.grad / torch.from_numpy(roots[ours] + mean)
                    back = torch.from_numpy(np.minimum(1, decay * roots[ours] / mean))
                    parameter += back * (trained[ours] - parameter)
        return total / count, count

    def test_formula(self):
        self.run_folder = self.train("run", *MODEL)
        static = self.evaluate("--columns", 3)["loss"]
        for columns, rate, decay, rows, ranks in ((1, 1e-3, 0, 20, None), (3, 3e-3, 0.1, 7, 2), (3, 3e-3, 0.1, 7, 3)):
            found = self.evaluate("--columns", columns, "--dynamic-rate", rate, "--dynamic-decay", decay, "--dynamic-rows",
                                  rows, ranks=ranks)
            loss, count = self.expected(columns, rate, decay, rows)
            self.assertEqual(found["characters"], count)
            self.assertAlmostEqual(found["loss"], loss, delta=TOLERANCE * loss)
            self.assertEqual(found["dynamic"], {"rate": rate, "decay": decay, "rows": rows})
            self.assertGreater(abs(loss - static), 100 * TOLERANCE * loss, "the updates must matter")

    def test_bad_options(self):
        self.run_folder = self.train("run", *MODEL, "--max-steps", 2)
        for words in (["--dynamic-rate", -1], ["--dynamic-rate", 1, "--dynamic-decay", 1],
                      ["--dynamic-rate", 1, "--dynamic-rows", 0]):
            result = program.run("eval", "--checkpoint", self.run_folder, "--corpus", self.corpus, *words, expect=2)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        program.run("eval", "--ensemble", self.run_folder, self.run_folder, "--corpus", self.corpus, "--dynamic-rate", 1e-3,
                    expect=2)
        program.run("eval", "--corpus", self.corpus, expect=2)


if __name__ == "__main__":
    torch.set_num_threads(1)
    program.main()
