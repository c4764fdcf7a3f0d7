"""The same run on 1, 2, 3 and 4 ranks: losses, gradients' norms, validation, parameters and hidden states agree to float
accuracy, for numbers of columns that divide evenly and that do not."""
import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

STEPS = 12
# Ranks add the same float32 terms in another order: 1e-7 of a loss or a gradient's norm. Measured over these steps: 1.5e-7
# of losses and norms, 1.2e-7 in hidden states (between -1 and 1) and parameters.
TOLERANCE = 1e-6
# Adam divides by a gradient's own size, so an element that is mostly rounding may move by a part of the learning rate, 1e-3.
PARAMETER_TOLERANCE = 1e-5


class Ranks(program.TestCase):
    characters = 12_000

    def train_on(self, ranks, columns):
        folder = self.train(f"c{columns}n{ranks}", "--columns", columns, "--model", "lstm", "--layers", 2, "--hidden", 32,
                            "--embedding", 12, "--dropout", 0.5, "--max-steps", STEPS, "--validate-every", 5, "--bptt", 9,
                            ranks=ranks)
        with h5py.File(folder / "checkpoints" / "latest") as file:
            state = {name: np.array(file["hidden"][name]) for name in ("h", "c")}
            weights = {name: np.array(dataset) for name, dataset in file["model"].items()}
        return folder, program.metrics(folder), state, weights

    def check(self, columns):
        alone, expected, state, weights = self.train_on(None, columns)
        self.assertEqual(state["h"].shape, (2, columns, 32))
        self.assertEqual(len([event for event in expected if event["event"] == "step"]), STEPS)
        self.assertGreaterEqual(len([event for event in expected if "val_loss" in event]), 2)
        for ranks in (1, 2, 3, 4):
            folder, events, other, other_weights = self.train_on(ranks, columns)
            self.assertEqual([event["event"] for event in events], [event["event"] for event in expected])
            for ours, theirs in zip(events, expected, strict=True):
                self.assertEqual(ours["step"], theirs["step"])
                for key in ("loss", "gradient_norm", "val_loss"):
                    if key in theirs:
                        self.assertAlmostEqual(ours[key], theirs[key], delta=TOLERANCE * theirs[key],
                                               msg=f"{ranks} ranks, step {ours['step']}, {key}")
            for name in state:
                self.assertLessEqual(np.abs(other[name] - state[name]).max(), TOLERANCE, f"{ranks} ranks, {name}")
            for name in weights:
                self.assertLessEqual(np.abs(other_weights[name] - weights[name]).max(), PARAMETER_TOLERANCE,
                                     f"{ranks} ranks, {name}")
            self.assertEqual(len(list(folder.glob("log.rank*.txt"))), ranks)
            if ranks == 1:
                self.assertEqual(program.parameter_hash(folder), program.parameter_hash(alone))
        # Columns have hidden states of their own: one in the wrong place would be seen.
        distance = min(np.abs(state["h"][:, i] - state["h"][:, j]).max() for i in range(columns) for j in range(i))
        self.assertGreater(distance, 1000 * TOLERANCE)

    def test_64_columns(self):
        self.check(64)

    def test_10_columns(self):
        self.check(10)

    def test_rank_0_reads_for_all(self):
        """The others, as on a node without the file, get its text. (Training takes rank 0's path, eval the command line's.)"""
        run_folder = self.train("run", "--columns", 4, "--hidden", 8, "--max-steps", 1)
        words = ["eval", "--checkpoint", run_folder, "--columns", 2, "--json", "--corpus"]
        start = [*program.command(*words, self.corpus, ranks=1), ":", "-np", "1",
                 *program.command(*words, self.folder / "missing.txt")]
        result = subprocess.run(start, capture_output=True, text=True, env=program.environment(), timeout=program.PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        alone = program.run(*words, self.corpus).stdout
        self.assertAlmostEqual(json.loads(result.stdout)["loss"], json.loads(alone)["loss"], delta=TOLERANCE)

    def test_epochs_and_eval(self):
        """Two whole epochs with uneven columns; then eval on other numbers of ranks, some without a column."""
        words = ["--columns", 5, "--model", "gru", "--hidden", 16, "--bptt", 40, "--epochs", 2, "--learning-rate", 1e-3]
        one = self.train("one", *words)
        three = self.train("three", *words, ranks=3)
        for ours, theirs in zip(program.metrics(three, "epoch"), program.metrics(one, "epoch"), strict=True):
            for key in ("train_loss", "val_loss"):
                self.assertAlmostEqual(ours[key], theirs[key], delta=5 * TOLERANCE * theirs[key])
        losses = [json.loads(program.run("eval", "--checkpoint", one, "--corpus", self.corpus, "--part", "validation",
                                         "--columns", 2, "--json", "--threads", 1, ranks=ranks).stdout)["loss"]
                  for ranks in (None, 2, 4)]
        for loss in losses:
            self.assertAlmostEqual(loss, losses[0], delta=TOLERANCE * loss)


if __name__ == "__main__":
    program.main()
