"""The gradient noise scale that a run tells of, against PyTorch's gradients of the same parts of its batches; and that measuring
it leaves the bits alone."""
import sys
from pathlib import Path

import h5py
import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("models", "e2e")]
import program
import reference

COLUMNS, BPTT, STEPS = 7, 8, 4
MODEL = ["--model", "gru", "--hidden", 24, "--embedding", 11, "--columns", COLUMNS, "--bptt", BPTT, "--no-bptt-jitter"]
TOLERANCE = 1e-4  # the signal is a difference of float32 sums of squares of which the larger is at most ten times as large
DECAY = 0.98  # of the running means


class NoiseScale(program.TestCase):
    characters = 6000

    def scales(self, name, *words, **how):
        """Weights stay where they are: {step: noise scale}."""
        folder = self.train(name, *MODEL, "--noise-scale", "--learning-rate", 1e-30, "--max-steps", STEPS, *words, **how)
        return folder, {event["step"]: event.get("noise_scale") for event in program.metrics(folder, "step")}

    def expected(self, folder, parts):
        """The same from PyTorch, of parts of so many columns."""
        with h5py.File(program.files_of(folder)[0]) as file:
            model = reference.Model("gru", {name: np.array(data) for name, data in file["model"].items()})
        train = len(self.text) * 8 // 10
        rows = reference.columns_of(reference.encode(self.text[:train], reference.vocabulary(self.text, train)), COLUMNS)
        firsts = np.cumsum([0, *parts])
        states = [model.zero_state(columns) for columns in parts]
        signal = noise = 0
        for step in range(STEPS):
            at, sums = step * BPTT, []
            for i, columns in enumerate(parts):
                window = rows[at:at + BPTT + 1, firsts[i]:firsts[i + 1]]
                _, states[i] = model.train_window(window[:-1], window[1:], states[i], 1, step)
                sums.append(columns * np.concatenate([g.ravel() for g in model.gradients().values()]))
            squares, of_sum = sum(s @ s for s in sums), sum(sums) @ sum(sums)
            of_columns = sum(columns ** 2 for columns in parts)
            now = (of_sum - squares) / (COLUMNS ** 2 - of_columns)
            signal = DECAY * signal + now
            noise = DECAY * noise + (squares - of_columns * now) / COLUMNS
            yield step + 1, noise / signal

    def check(self, folder, found, parts):
        for step, expected in self.expected(folder, parts):
            self.assertAlmostEqual(found[step], expected, delta=TOLERANCE * expected, msg=f"step {step}")

    def test_of_ranks(self):
        self.check(*self.scales("ranks", ranks=3), parts=[2, 2, 3])

    def test_of_micro_batches(self):
        """A rank that is alone compares two halves, others what they add up by themselves."""
        words = ["--reproducible", "--micro-batches", 4]  # of 1, 2, 2, 2 columns
        self.check(*self.scales("alone", *words), parts=[3, 4])
        self.check(*self.scales("two", *words, ranks=2), parts=[3, 4])
        self.check(*self.scales("torch", *words, "--engine", "torch"), parts=[3, 4])

    def test_the_same_bits(self):
        words = [*MODEL, "--reproducible", "--micro-batches", 5, "--max-steps", 20]
        plain = self.train("plain", *words)
        hashes = {program.parameter_hash(self.train(f"on{ranks}", *words, "--noise-scale", ranks=ranks)) for ranks in (1, 3)}
        self.assertEqual(hashes, {program.parameter_hash(plain)})
        self.assertTrue(all("noise_scale" not in event for event in program.metrics(plain, "step")))

    def test_the_screen(self):
        said = program.run(*self.train_words("run", *MODEL, "--noise-scale", "--max-steps", 20), ranks=2).stdout
        self.assertRegex(said, r"\nnoise       scale of about [\d,]+ columns, over the last fifty steps")

    def test_a_single_part(self):
        for words in ([], ["--reproducible", "--micro-batches", 1]):
            refused = program.run(*self.train_words("run", *MODEL, "--noise-scale", *words), expect=2)
            self.assertIn("--noise-scale compares the gradients of parts of a batch", refused.stderr)


if __name__ == "__main__":
    program.main()
