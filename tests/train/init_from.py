"""Going on with another text: what --init-from and --extend-vocabulary make of a checkpoint, read with h5py and computed
with PyTorch."""
import json
import re
import sys
from pathlib import Path

import h5py
import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("e2e", "models")]
import program
import reference

MODEL = ["--columns", 4, "--bptt", 20, "--model", "lstm", "--layers", 2, "--hidden", 20, "--embedding", 7]
BY_SYMBOL = ("e.weight", "l_out.weight", "l_out.bias")
STAY = ["--learning-rate", 1e-30, "--max-steps", 1]  # the weights of the only step are those that the run began with
LOSS_TOLERANCE = 1e-6  # float32 losses of about 3, summed in windows: rounding of about 1e-7 of the mean


class Read:
    """The newest checkpoint of a run."""

    def __init__(self, folder):
        self.path = folder / "checkpoints/latest"
        with h5py.File(self.path) as file:
            self.symbols = list(file["vocabulary"].asstr()[()])
            self.options = {name: int(file["vocabulary"].attrs[name]) for name in ("lowercase", "bytes", "full", "min_freq")}
            self.model = {name: np.array(values) for name, values in file["model"].items()}


class InitFrom(program.TestCase):
    characters = 6000

    def setUp(self):
        super().setUp()
        self.parent_folder = self.train("parent", *MODEL, "--learning-rate", 1e-2, "--epochs", 2)
        self.parent = Read(self.parent_folder)
        # Another language: Cyrillic for half of the words, with a few characters that are too rare.
        words = program.make_text(4000, seed=3).split(" ")
        cyrillic = {ord(letter): 0x430 + i for i, letter in enumerate("abdefgiklmnoprstuvwz")}
        self.other_text = " ".join(word.translate(cyrillic) if i % 2 else word for i, word in enumerate(words)) + "ツヅ"
        self.other = self.folder / "other.txt"
        self.other.write_text(self.other_text, encoding="utf-8", newline="")
        self.split = len(self.other_text) * 8 // 10

    def start(self, name, *words, corpus=None, expect=0, ranks=None, init_from=None):
        words = ["--columns", 4, "--bptt", 20, "--corpus", corpus or self.other, "--init-from",
                 init_from or self.parent_folder, *words]
        return program.run(*self.train_words(name, *words), expect=expect, ranks=ranks)

    def child(self, name):
        return Read(self.folder / "runs" / name)

    def share(self, known):
        return sum(character not in known for character in self.other_text) / len(self.other_text)

    def assert_same_bits(self, one, other, what=None):
        self.assertEqual((one.dtype, one.tobytes()), (other.dtype, other.tobytes()), what)

    def assert_share(self, told, symbols):
        """What the start says of the two parts of the other text, of which the first 80 % are for training."""
        said = re.search(r"([\d.]+) % of the training text and ([\d.]+) % of the validation text unknown", told)
        for share, part in zip(said.groups(), (self.other_text[:self.split], self.other_text[self.split:])):
            expected = 100 * sum(character not in symbols[2:] for character in part) / len(part)
            self.assertAlmostEqual(float(share), expected, delta=0.06)

    def test_the_vocabulary_stays(self):
        result = self.start("child", *STAY)
        child = self.child("child")
        self.assertEqual(child.symbols, self.parent.symbols)
        self.assertEqual(child.options, self.parent.options)
        for name, values in self.parent.model.items():
            self.assert_same_bits(child.model[name], values, name)
        share = self.share(set(self.parent.symbols[2:]))
        self.assertGreater(share, 0.1)
        self.assert_share(result.stdout, self.parent.symbols)
        self.assertIn("better than they are; add them with --extend-vocabulary\n", result.stdout)

    def test_sizes_and_options_need_not_be_repeated(self):
        words = [word for word in self.train_words("x", *STAY, "--corpus", self.other, "--init-from", self.parent_folder)]
        del words[words.index("--name"):][:2]
        program.run(*[word for word in words if word not in ("--name", "x")])
        child = self.child("lstm")  # the model's name
        self.assert_same_bits(child.model["rnn.weight_hh_l1"], self.parent.model["rnn.weight_hh_l1"])

    def extend(self, name, *words, **how):
        result = self.start(name, "--extend-vocabulary", *words, **how)
        return self.child(name), result.stdout

    def test_an_extended_vocabulary(self):
        child, told = self.extend("child", *STAY, ranks=2)
        text_alone = reference.vocabulary(self.other_text, self.split)
        new = [symbol for symbol in text_alone if symbol not in self.parent.symbols]
        self.assertGreater(len(new), 10)
        self.assertEqual(child.symbols, self.parent.symbols + new)
        kept = len(self.parent.symbols)
        all_symbols = self.folder / "all_symbols.txt"
        all_symbols.write_text("".join(child.symbols[2:]) * 100, encoding="utf-8", newline="")
        fresh = Read(self.train("fresh", *MODEL, *STAY, "--corpus", all_symbols)).model
        for name, values in self.parent.model.items():
            mine = child.model[name]
            self.assertEqual(mine.shape, fresh[name].shape)
            self.assert_same_bits(mine[:kept] if name in BY_SYMBOL else mine, values, name)
            if name == "l_out.bias":
                self.assertEqual(set(mine[kept:]), {values.min()})
            elif name in BY_SYMBOL:  # as a new model with the same symbols begins
                self.assert_same_bits(mine[kept:], fresh[name][kept:], name)
                self.assertEqual(len(np.unique(mine[kept:], axis=0)), len(new))
        share = self.share(set(child.symbols[2:]))
        self.assertIn(f"with {len(new)} new symbols\n", told)
        self.assert_share(told, child.symbols)
        self.assertLess(share, 0.02)

    def test_the_old_text_as_pytorch_computes_it(self):
        child, _ = self.extend("child", *STAY)
        expected = reference.Model("lstm", child.model).evaluate(
            reference.columns_of(reference.encode(self.text, child.symbols), 4))
        loss = self.loss_of(child.path, self.corpus)
        self.assertAlmostEqual(loss, expected, delta=LOSS_TOLERANCE * expected)
        # The further symbols take little away from those that the model knows.
        self.assertLess(loss - self.loss_of(self.parent.path, self.corpus), 0.5)

    def loss_of(self, path, corpus):
        return json.loads(program.run("eval", "--checkpoint", path, "--corpus", corpus, "--part", "all", "--columns", 4,
                                      "--json").stdout)["loss"]

    def test_a_resume_keeps_the_checkpoints_vocabulary(self):
        for name, more in (("kept", []), ("extended", ["--extend-vocabulary"])):
            words = [*more, "--reproducible", "--micro-batches", 4]
            self.start(f"{name}_straight", *words, "--max-steps", 8)
            for last, ranks in ((3, None), (5, 2), (8, 3)):
                self.start(f"{name}_parts", *words, "--max-steps", last, "--resume", ranks=ranks)
            self.assertEqual(self.child(f"{name}_parts").symbols, self.child(f"{name}_straight").symbols)
            self.assertEqual(*(program.parameter_hash(self.folder / f"runs/{name}_{how}") for how in ("parts", "straight")))
        program.run("sample", self.folder / "runs/extended_parts", "--length", 20)

    def test_an_extended_one_is_extended_again(self):
        child, _ = self.extend("child", *STAY)
        third = self.folder / "third.txt"
        third.write_text(self.other_text[:3000] + "仮名" * 20 + self.other_text[3000:], encoding="utf-8", newline="")
        grandchild, _ = self.extend("grandchild", *STAY, corpus=third, init_from=child.path)
        self.assertEqual(grandchild.symbols, child.symbols + ["仮", "名"])

    def test_a_vocabulary_without_unknown(self):
        parent = self.train("full", *MODEL, "--full-vocabulary", "--max-steps", 2)
        error = self.start("child", *STAY, init_from=parent, expect=65).stderr
        lacks = set(self.other_text) - set(self.text)
        for word in (f"lacks {len(lacks)} of the characters", str(self.other), "--extend-vocabulary"):
            self.assertIn(word, error)
        child, _ = self.extend("extended", *STAY, init_from=parent)
        self.assertEqual(child.symbols, Read(parent).symbols + sorted(lacks))
        # Without new characters it needs no extension.
        self.start("part", *STAY, corpus=self.part_of_the_text(), init_from=parent)

    def part_of_the_text(self):
        part = self.folder / "part.txt"
        part.write_text(self.text[:2000], encoding="utf-8", newline="")
        return part

    def test_bytes(self):
        parent = self.train("bytes", *MODEL, "--bytes", "--max-steps", 2)
        self.assertNotIn("unknown", self.start("child", *STAY, init_from=parent).stdout)
        self.assertIn("with 0 new symbols", self.extend("extended", *STAY, init_from=parent)[1])

    def test_what_does_not_fit(self):
        for words, says in ((["--hidden", 10], ["--hidden is 10", "20 in"]), (["--layers", 1], ["--layers is 1", "2 in"]),
                            (["--embedding", 8], ["--embedding is 8", "7 in"]), (["--model", "gru"], ["--model is gru", "lstm in"]),
                            (["--lowercase"], ["--lowercase is on", "off in"]), (["--min-freq", 9], ["--min-freq is 9", "3 in"]),
                            (["--bytes"], ["--bytes is on", "off in"]),
                            (["--full-vocabulary"], ["--full-vocabulary is on", "off in"])):
            error = self.start("refused", *words, expect=2).stderr
            self.assertEqual(len(error.splitlines()), 1, error)
            for word in [*says, str(self.parent_folder)]:
                self.assertIn(word, error)
        self.assertFalse((self.folder / "runs/refused").exists())
        self.start("same_cell", *STAY, "--model", "CharSeqStatefulLSTM")

    def test_extending_needs_a_vocabulary(self):
        error = program.run(*self.train_words("alone", "--extend-vocabulary"), expect=2).stderr
        self.assertIn("--init-from", error)


if __name__ == "__main__":
    program.main()
