"""The learning rate finder against its definition, and against training itself."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

MODEL = ["--model", "gru", "--hidden", 24, "--columns", 6, "--bptt", 10, "--threads", 1]


class LrFind(program.TestCase):
    characters = 6000

    def find(self, *words, ranks=None):
        output = self.folder / f"found{ranks}"
        result = program.run("lr-find", "--corpus", self.corpus, *MODEL, "--output", output, *words, ranks=ranks)
        self.assertEqual([path.name for path in self.folder.glob(f"{output.name}.*")], [f"{output.name}.json"])
        return json.loads(output.with_suffix(".json").read_text()), result.stdout

    def test_sweep(self):
        found, told = self.find("--steps", 40, "--start", 1e-4, "--end", 1e-2)
        points = found["points"]
        self.assertEqual(len(points), 40)
        self.assertFalse(found["diverged"])
        smoothed = 0.0
        for i, point in enumerate(points):
            self.assertAlmostEqual(point["learning_rate"], 1e-4 * 100 ** (i / 39), delta=1e-12)
            smoothed = 0.98 * smoothed + 0.02 * point["loss"]
            self.assertAlmostEqual(point["smoothed"], smoothed / (1 - 0.98 ** (i + 1)), delta=1e-9)
        lowest = min(points, key=lambda point: point["smoothed"])
        self.assertAlmostEqual(found["suggestion"], lowest["learning_rate"] / 10, delta=1e-12)
        self.assertIn(f"--learning-rate {found['suggestion']:.2g}", told)
        self.assertLess(lowest["smoothed"], points[0]["smoothed"])
        # The command that it prints draws the picture.
        (line,) = [line for line in told.splitlines() if "launch/plot" in line]
        program.run(*line.partition("launch/plot ")[2].split(), script="plot")
        self.assertIn(f"suggestion  {found['suggestion']:.2g}", (self.folder / "foundNone.svg").read_text())

    def test_steps_are_those_of_training(self):
        """At a rate that hardly changes, losses are those of a training run at that rate."""
        found, _ = self.find("--steps", 8, "--start", 1e-2, "--end", 1.0000001e-2)
        folder = self.train("run", *MODEL, "--learning-rate", 1e-2, "--max-steps", 8)
        for point, loss in zip(found["points"], program.losses(folder).values(), strict=True):
            self.assertAlmostEqual(point["loss"], loss, delta=1e-5 * loss)

    def test_ends_where_the_loss_explodes(self):
        found, told = self.find("--steps", 120, "--start", 1e-3, "--end", 1e4)
        self.assertTrue(found["diverged"])
        self.assertLess(len(found["points"]), 120)
        self.assertIn("ended early", told)

    def test_an_epoch_by_default_on_any_number_of_ranks(self):
        alone, _ = self.find("--end", 1e-2)
        three, _ = self.find("--end", 1e-2, ranks=3)
        # 4,800 training characters in 6 columns are 800 rows: 79 windows of about 10.
        self.assertEqual(len(alone["points"]), 79)
        for ours, theirs in zip(three["points"], alone["points"], strict=True):
            # Sums in another order, carried through 79 updates of Adam.
            self.assertAlmostEqual(ours["loss"], theirs["loss"], delta=1e-4 * theirs["loss"])

    def test_bad_options(self):
        for words in (["--start", 0], ["--start", 1, "--end", 0.5], ["--end", "inf"], ["--steps", -1], ["--hidden", 0],
                      ["--output", self.folder / "missing" / "x"]):
            result = program.run("lr-find", "--corpus", self.corpus, *MODEL, *words, expect=2)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        program.run("lr-find", "--corpus", self.folder / "missing", *MODEL, expect=65)


if __name__ == "__main__":
    program.main()
