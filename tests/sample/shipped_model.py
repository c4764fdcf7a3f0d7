"""models/nietzsche.safetensors: the model that comes with the program works wherever a checkpoint is used."""
import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

MODEL = program.SOURCE / "models/nietzsche.safetensors"
PASSAGE = ("The philosopher who has learned to laugh at himself, and not only at others, is perhaps the most dangerous of all: "
           "for what should still be sacred to such a spirit?\n")  # in his manner, but not his


class ShippedModel(program.TestCase):
    def test_it_is_small(self):
        self.assertLess(MODEL.stat().st_size, 1.1e6)

    def test_it_writes(self):
        words = ["sample", MODEL, "--prime", "The ", "--length", 400]
        result = program.run(*words)
        self.assertEqual((len(result.stdout), result.stdout[:4], result.stderr), (4 + 400 + 1, "The ", ""))
        self.assertEqual(result.stdout, program.run(*words).stdout)
        common = {"the", "of", "and", "to", "in", "is", "a"}
        words = result.stdout.lower().split()
        self.assertGreater(sum(word in common for word in words), len(words) / 8)

    def test_it_knows_english(self):
        """Far better than the most probable letters alone would do, which is above 4 bits."""
        self.corpus.write_text(PASSAGE)
        found = json.loads(program.run("eval", MODEL, "--corpus", self.corpus, "--json").stdout)
        self.assertEqual((found["characters"], found["unknown_characters"]), (len(PASSAGE) - 1, 0))
        self.assertLess(found["loss"] / math.log(2), 2.2)

    def test_it_can_be_inspected(self):
        found = json.loads(program.run("inspect", MODEL, "--json").stdout)
        self.assertEqual((found["arch"], found["hidden"], found["parameters"], found["step"]), ("norm_lstm", 192, 192_402, 12_121))
        self.assertNotIn("best_val_loss", found, "of a checkpoint")
        self.assertIn("norm_lstm, 1 x 192", program.run("inspect", MODEL).stdout)

    def test_a_run_can_start_with_it(self):
        self.train("new", "--init-from", MODEL, "--columns", 4, "--max-steps", 2)

    def test_it_cannot_be_resumed(self):
        words = self.train_words("run", "--model", "norm_lstm", "--hidden", 192, "--columns", 16, "--resume", MODEL)
        result = program.run(*words, expect=65)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertIn("--init-from", result.stderr)


if __name__ == "__main__":
    program.main()
