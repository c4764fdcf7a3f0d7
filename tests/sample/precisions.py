"""`precision` of what only predicts: losses against numpy's with rounded weights, the same bits on any number of threads,
and what is refused."""
import json
import re
import sys
from pathlib import Path

import h5py
import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("e2e", "models")]
import program
import reference
from serving import Serving

PRECISIONS = ("fp32", "tf32", "bf16", "int8")


def to_int8(weights):
    """Each row as multiples of a 127th of its largest number. Embedding and biases stay as they are."""
    rounded = dict(weights)
    for name, matrix in weights.items():
        if matrix.ndim == 2 and name != "e.weight":
            scale = np.abs(matrix).max(1, keepdims=True) / np.float32(127)
            rounded[name] = np.rint(matrix / scale) * scale
    return rounded


class Losses(program.TestCase):
    characters = 20_000

    def evaluate(self, run_folder, precision):
        output = program.run("eval", run_folder, "--corpus", self.corpus, "--json", "--columns", 3, "--precision",
                             precision).stdout
        return json.loads(output)["loss"]

    def check_cell(self, cell):
        run_folder = self.train(cell, "--columns", 8, "--bptt", 20, "--model", cell, "--layers", 2, "--hidden", 50,
                                "--embedding", 12, "--learning-rate", 1e-2, "--epochs", 4)
        loss = {precision: self.evaluate(run_folder, precision) for precision in PRECISIONS}
        with h5py.File(run_folder / "checkpoints/best") as file:
            weights = {name: np.array(data) for name, data in file["model"].items()}
            symbols = list(file["vocabulary"].asstr()[()])
        columns = reference.columns_of(reference.encode(self.text, symbols), 3)
        exact = reference.Model(cell, weights).evaluate(columns)
        of_rounded = reference.Model(cell, to_int8(weights)).evaluate(columns)
        self.assertAlmostEqual(loss["fp32"], exact, delta=2e-6)
        self.assertGreater(abs(of_rounded - exact), 4e-5, "the test would not see whether weights are rounded")
        self.assertAlmostEqual(loss["int8"], of_rounded, delta=5e-6)
        self.assertAlmostEqual(loss["tf32"], exact, delta=2e-5)
        self.assertAlmostEqual(loss["bf16"], exact, delta=5e-3)
        self.assertNotEqual(loss["bf16"], loss["fp32"])

    def test_lstm(self):
        self.check_cell("lstm")

    def test_gru(self):
        self.check_cell("gru")

    def test_rnn(self):
        self.check_cell("rnn")


class Bits(program.TestCase):
    characters = 12_000

    def test_any_number_of_threads(self):
        # So large that threads divide a single text's units among them, in every precision.
        run_folder = self.train("run", "--columns", 4, "--bptt", 4, "--model", "lstm", "--layers", 1, "--hidden", 700,
                                "--embedding", 8, "--max-steps", 2)
        for precision in PRECISIONS:
            words = ["sample", run_folder, "--length", 60, "--prime", "na ", "--precision", precision]
            texts = {program.run(*words, env=program.environment(OMP_NUM_THREADS=str(threads))).stdout
                     for threads in (1, 2, 3)}
            self.assertEqual(len(texts), 1, precision)
            many = program.run(*words, "--count", 2).stdout
            self.assertIn(texts.pop(), many)
            words = ["eval", run_folder, "--corpus", self.corpus, "--columns", 3, "--characters", 900, "--precision", precision]
            losses = {program.run(*words, "--threads", threads, "--json").stdout for threads in (1, 2, 3)}
            self.assertEqual(len(losses), 1, precision)


class Notes(program.TestCase):
    """Whether tf32 is really fp32 on this processor is what a training says at its start."""
    characters = 12_000

    def check(self, said, *words):
        output = program.run("eval", *words, "--corpus", self.corpus, "--precision", "tf32", "--json")
        is_fp32 = "fp32 products: " in said
        told = f"charrnn_dist: engine: {said}\n" if is_fp32 else ""
        self.assertEqual(output.stderr, told)
        self.assertEqual(json.loads(output.stdout)["precision"], "fp32" if is_fp32 else "tf32")
        return told

    def said_by_train(self, name, *words):
        folder = self.train(name, "--max-steps", 2, "--precision", "tf32", *words)
        return re.search("engine +(.*?)(; matrix products at .*)?\n", (folder / "log.rank0.txt").read_text())[1]

    def test_when_tf32_is_fp32(self):
        said = self.said_by_train("native")
        file = self.folder / "runs/native/checkpoints/latest"
        told = self.check(said, file)
        self.assertEqual(program.run("sample", file, "--precision", "tf32", "--length", 1).stderr, told)
        with Serving(self.folder, self.folder / "runs", "--precision", "tf32") as server:
            self.assertEqual(server.stderr, told)
        said = self.said_by_train("torch", "--engine", "torch")
        self.assertEqual(said, "torch, fp32 products: it has tf32 on GPUs only")
        self.check(said, self.folder / "runs/torch/checkpoints/latest", "--engine", "torch")
        two_ranks = program.run("eval", file, "--corpus", self.corpus, "--columns", 2, "--precision", "tf32", ranks=2)
        self.assertEqual(two_ranks.stderr, told)


class Refusals(program.TestCase):
    characters = 12_000

    def refused(self, *words):
        result = program.run(*words, expect=2)
        self.assertEqual((result.stdout, len(result.stderr.splitlines())), ("", 1), result.stderr)
        return result.stderr

    def test_nothing_is_trained_in_int8(self):
        for command in ("train", "lr-find", "bench"):
            says = self.refused(command, *self.train_words("run", "--precision", "int8")[1:])
            self.assertIn("--precision must be one of fp32, tf32, bf16, not 'int8'", says)
        self.assertFalse((self.folder / "run").exists())
        run_folder = self.train("run", "--max-steps", 2)
        file = run_folder / "checkpoints/latest"
        says = self.refused("eval", file, "--corpus", self.corpus, "--dynamic-rate", 1e-4, "--precision", "int8")
        self.assertIn("--dynamic-rate trains the model", says)

    def test_models_that_only_libtorch_computes(self):
        file = self.train("loop", "--model", "CharLoopModel", "--max-steps", 2) / "checkpoints/latest"
        for precision in ("bf16", "int8"):
            self.assertIn("no --engine can compute this model", self.refused("sample", file, "--precision", precision))


if __name__ == "__main__":
    program.main()
