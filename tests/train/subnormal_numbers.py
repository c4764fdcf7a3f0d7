"""Numbers below float32's normal range: a processor may take a hundred times as long over each, and Adam's averages decay
into that range wherever a parameter gets no gradient any more. A run must not keep any."""
import sys
from pathlib import Path

import h5py
import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("e2e", "models")]
import program
import reference

STEPS = 1200  # 0.9^1000 · 0.1 is far below 2^-126


class SubnormalNumbers(program.TestCase):
    def averages(self, engine, threads):
        """Adam's average of the gradient after a text whose first characters never come again."""
        self.text = "zzzz" + "the same again. " * 640
        corpus = self.folder / "text.txt"
        corpus.write_text(self.text)
        folder = self.train("run", "--corpus", corpus, "--model", "rnn", "--hidden", 40, "--columns", 1, "--bptt", 4,
                            "--no-bptt-jitter", "--max-steps", STEPS, "--engine", engine, "--threads", threads)
        with h5py.File(folder / "checkpoints/latest") as file:
            return {name: values[()] for name, values in file["optimizer/exp_avg"].items()}

    def check(self, engine, threads):
        averages = self.averages(engine, threads)
        forgotten = reference.vocabulary(self.text, len(self.text)).index("z")
        self.assertTrue(np.all(averages["e.weight"][forgotten] == 0))
        for name, values in averages.items():
            size = np.abs(values)
            subnormal = (size > 0) & (size < np.finfo(np.float32).tiny)
            self.assertEqual(np.count_nonzero(subnormal), 0, name)

    def test_native(self):
        self.check("native", 1)

    def test_native_on_every_thread(self):
        self.check("native", 2)

    def test_torch(self):
        self.check("torch", 1)


if __name__ == "__main__":
    program.main()
