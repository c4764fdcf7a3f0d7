"""Training on windows: the same on any number of ranks, bit-equal after a stop, evaluated and sampled from as it was trained.
And what can be wrong with it."""
import json
import sys
from pathlib import Path

import h5py
import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "models")]
import program

# 2,991 windows of 8, of which 2,393 are trained on: 104 batches of 23 and one with a single window.
MODEL = ["--model", "CharLoopModel", "--hidden", 16, "--embedding", 6, "--window", 8, "--stride", 1, "--predict", "last",
         "--full-vocabulary", "--columns", 23, "--learning-rate", 1e-2]
TOLERANCE = 1e-5  # sums in another order, through a hundred updates of Adam


class Windowed(program.TestCase):
    characters = 3000

    def test_ranks(self):
        """Two epochs, whose last batch leaves most ranks without a window."""
        alone = self.train("alone", *MODEL, "--epochs", 2)
        for ranks in (2, 3, 4):
            folder = self.train(f"n{ranks}", *MODEL, "--epochs", 2, ranks=ranks)
            for ours, theirs in zip(program.metrics(folder), program.metrics(alone), strict=True):
                self.assertEqual(ours["step"], theirs["step"])
                for key in ("loss", "train_loss", "val_loss"):
                    if key in theirs:
                        self.assertAlmostEqual(ours[key], theirs[key], delta=TOLERANCE * 3 * theirs[key], msg=f"{ranks} ranks")
        epochs = program.metrics(alone, "epoch")
        self.assertEqual([event["step"] for event in epochs], [105, 210])
        self.assertLess(epochs[1]["val_loss"], epochs[0]["val_loss"])

    def test_stop_and_go_on(self):
        straight = self.train("straight", *MODEL, "--max-steps", 150, ranks=2)
        for last in (40, 105, 150):
            parts = self.train("parts", *MODEL, "--max-steps", last, "--resume", ranks=2)
        self.assertEqual(program.parameter_hash(parts), program.parameter_hash(straight))
        self.assertEqual(program.losses(parts), program.losses(straight))
        with h5py.File(parts / "checkpoints/latest") as file:
            self.assertEqual(file["data"].attrs["row"], 45 * 23)  # windows of the second epoch
            self.assertEqual(file["hidden/h"].shape, (1, 0, 16))

    def test_eval_is_the_runs_validation(self):
        folder = self.train("run", *MODEL, "--epochs", 1)
        (epoch,) = program.metrics(folder, "epoch")
        characters = {"train": 2393, "validation": 598, "all": 2991}
        losses = {}
        for ranks in (None, 3):
            for part in characters:
                found = json.loads(program.run("eval", "--checkpoint", folder, "--corpus", self.corpus, "--part", part, "--json",
                                               "--threads", 1, ranks=ranks).stdout)
                self.assertEqual(found["characters"], characters[part])
                losses[part] = found["loss"]
            self.assertAlmostEqual(losses["validation"], epoch["val_loss"], delta=1e-6 * epoch["val_loss"])
            parts = (losses["train"] * 2393 + losses["validation"] * 598) / 2991
            self.assertAlmostEqual(losses["all"], parts, delta=1e-6 * parts)

    def test_sample_reads_a_window_anew(self):
        folder = self.train("run", *MODEL, "--epochs", 1)
        with h5py.File(folder / "checkpoints/latest") as file:
            w = {name: torch.from_numpy(np.array(data, dtype=float)) for name, data in file["model"].items()}
            symbols = [symbol.rstrip(b"\0").decode() or "\0" for symbol in np.array(file["vocabulary"])]
        self.assertEqual(symbols, ["\0", *sorted(set(self.text))])
        text = self.text[:20]
        for _ in range(30):  # the notebook's get_next_n
            h = torch.zeros(16, dtype=torch.float64)
            for c in text[-8:]:
                read = torch.relu(w["l_in.weight"] @ w["e.weight"][symbols.index(c)] + w["l_in.bias"])
                h = torch.tanh(w["l_hidden.weight"] @ (h + read) + w["l_hidden.bias"])
            text += symbols[int((w["l_out.weight"] @ h + w["l_out.bias"]).argmax())]
        said = program.run("sample", "--checkpoint", folder, "--prime", self.text[:20], "--length", 30, "--greedy").stdout
        self.assertEqual(said, text + "\n")
        result = program.run("sample", "--checkpoint", folder, "--prime", self.text[:7], expect=2)
        self.assertIn("windows of 8", result.stderr)
        program.run("sample", "--checkpoint", folder, "--length", 5)  # without a prime text: a window of newlines

    def test_notebooks_numbers(self):
        """Rows, vocabulary and first indices as the notebook printed them, from the configs that are delivered."""
        corpus = program.SOURCE.parent / "shared/data/nietzsche.txt"
        if not corpus.exists():
            self.skipTest(f"there is no {corpus}")
        text = corpus.read_text(encoding="utf-8")
        for name, windows in (("char3", "200,295 of 3"), ("char_loop", "600,884 of 8"), ("char_seq_rnn", "75,111 of 8")):
            folder = self.folder / "runs" / name
            result = program.run("train", "--config", program.SOURCE / f"configs/lesson6/{name}.toml", "--corpus", corpus, "--run-dir",
                                 self.folder / "runs", "--max-steps", 1, "--threads", 1)
            self.assertRegex(result.stdout, rf"\nwindows +{windows} characters")
            self.assertIn("\nvocabulary  85 symbols", result.stdout)
            with h5py.File(folder / "checkpoints/latest") as file:
                symbols = [symbol.rstrip(b"\0").decode() for symbol in np.array(file["vocabulary"])]
            self.assertEqual(symbols[0], "")
            self.assertEqual([symbols.index(c) for c in text[:10]], [40, 42, 29, 30, 25, 27, 29, 1, 1, 1])


class Wrong(program.TestCase):
    characters = 3000

    def refused(self, code, says, *words):
        for ranks in (None, 2):
            result = program.run(*self.train_words("run", *words), expect=code, ranks=ranks)
            lines = [line for line in result.stderr.splitlines() if line.startswith("charrnn_dist: ")]
            self.assertEqual(len(lines), 1, result.stderr)
            self.assertIn(says, lines[0])
            self.assertEqual(program.files_of(self.folder / "runs/run"), [])

    def test_window_longer_than_the_text(self):
        self.refused(65, "it takes at least 5002", "--window", 5000)

    def test_options_that_do_not_go_together(self):
        self.refused(2, "--stride", "--stride", 3)
        self.refused(2, "--predict", "--predict", "last")
        self.refused(2, "--train-characters", "--window", 8, "--train-characters", 100)
        self.refused(2, "--predict must be one of every, last", "--window", 8, "--predict", "some")
        self.refused(2, "has one layer", "--model", "rnn_cell", "--layers", 2)
        self.refused(2, "'CharRNN'; there are: rnn gru lstm", "--model", "CharRNN")
        self.refused(2, "--window must be at least 0", "--window", -1)

    def test_no_validation_part(self):
        result = program.run(*self.train_words("run", *MODEL, "--train-fraction", 1, "--epochs", 1))
        self.assertIn("no validation part", result.stdout)
        (epoch,) = program.metrics(self.folder / "runs/run", "epoch")
        self.assertIsNone(epoch["val_loss"])


if __name__ == "__main__":
    torch.set_num_threads(1)
    program.main()
