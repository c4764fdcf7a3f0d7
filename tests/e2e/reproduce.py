"""reproduce on a list of tiny runs: the report says what metrics.jsonl and the checkpoints say, a stopped one goes on, a
finished one is left alone. And the project's own list: its configs, and the notebook's losses where they are at hand."""
import json
import os
import signal
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

WINDOWED = """
[data]
columns = 16
window = 5
predict = "last"
full-vocabulary = true
[model]
model = "CharLoopModel"
hidden = 12
[optimizer]
epochs = 2
"""
STATEFUL = """
[data]
columns = 4
bptt = 10
[model]
model = "CharSeqStatefulGRU"
hidden = 12
[schedule]
schedule = "phases"
phases = ["1e-2:1", "1e-3:2"]
"""
RUNS = [{"name": "small", "title": "Windows", "train": [9.0, 9.0], "validation": [9.0, 8.0], "prime": "be da",
         "next": [["da be", "x"], ["ni ta", "y"]]},
        {"name": "kept", "title": "Columns", "train": [0.1, 0.1, 0.1], "validation": [0.1, 0.1, 0.1], "prime": "be"},
        {"name": "long", "title": "Too long", "by_name_only": True, "train": [1.0]}]


class Reproduce(program.TestCase):
    characters = 6000

    def setUp(self):
        super().setUp()
        experiments = self.folder / "experiments"
        experiments.mkdir()
        (experiments / "experiments.json").write_text(json.dumps({"runs": RUNS}))
        for name, text in (("small", WINDOWED), ("kept", STATEFUL), ("long", STATEFUL)):
            (experiments / f"{name}.toml").write_text(text)
        self.runs = self.folder / "runs"
        self.words = ["reproduce", "--experiments", experiments, "--corpus", self.corpus, "--run-dir", self.runs,
                      "--threads", 1]

    def report(self):
        return json.loads((self.runs / "report/reproduce.json").read_text())

    def check(self, run, epochs):
        told = program.metrics(self.runs / run["name"], "epoch")
        self.assertEqual(len(told), epochs)
        self.assertEqual(len(run["epochs"]), epochs)
        for ours, theirs in zip(run["epochs"], told, strict=True):
            for key in ("epoch", "learning_rate", "train_loss", "train_loss_smoothed", "val_loss", "seconds"):
                self.assertEqual(ours[key], theirs[key])
        self.assertTrue(run["finished"])
        self.assertEqual(run["final"]["loss"], told[-1]["val_loss"])

    def test_all_on_two_ranks(self):
        program.run(*self.words, ranks=2)
        small, kept = self.report()["runs"]
        self.check(small, 2)
        self.check(kept, 3)
        # Windows reached the 8.0 that their list says, columns did not reach 0.1.
        self.assertEqual((small["final"]["notebook"], small["final"]["reached"]), (8.0, True))
        self.assertEqual((kept["final"]["notebook"], kept["final"]["reached"]), (0.1, False))
        self.assertAlmostEqual(small["epochs"][1]["difference"], small["epochs"][1]["val_loss"] - 8.0)
        # Predictions are those of `sample`.
        for one in small["next"]:
            said = program.run("sample", "--checkpoint", self.runs / "small", "--prime", one["after"], "--length", 1,
                               "--greedy").stdout
            self.assertEqual(said, one["after"] + one["ours"] + "\n")
        self.assertEqual([one["notebook"] for one in small["next"]], ["x", "y"])
        said = program.run("sample", "--checkpoint", self.runs / "kept", "--prime", "be", "--length", 40, "--greedy").stdout
        self.assertEqual(said, kept["greedy"] + "\n")
        self.assertEqual(len(kept["sampled"]), 402)
        text = (self.runs / "report/report.md").read_text()
        for run in (small, kept):
            self.assertIn(f"]({run['name']}.svg)", text)
            self.assertTrue((self.runs / "report" / f"{run['name']}.svg").exists())
            for epoch in run["epochs"]:
                self.assertIn(f"{epoch['val_loss']:.4f}", text)
        self.assertIn("**not reached**", text)
        # Once more: nothing is trained again.
        hashes = [program.parameter_hash(self.runs / name) for name in ("small", "kept")]
        files = {path: path.stat().st_mtime_ns for path in self.runs.rglob("*.h5")}
        program.run(*self.words, ranks=2)
        self.assertEqual([program.parameter_hash(self.runs / name) for name in ("small", "kept")], hashes)
        self.assertEqual({path: path.stat().st_mtime_ns for path in self.runs.rglob("*.h5")}, files)

    def test_stopped_and_gone_on(self):
        with program.Running(self.folder, *self.words, ranks=2) as running:
            pid = running.pid(0)
            program.wait_until(lambda: program.metrics(self.runs / "kept", "epoch"), "the second run's first epoch")
            os.kill(pid, signal.SIGTERM)
            code = running.wait()
        if code == 75:  # else it was done before the signal came
            self.assertFalse(self.report()["runs"][1]["finished"])
        program.run(*self.words, ranks=2)
        program.run(*self.words[:-4], "--run-dir", self.folder / "straight", "--threads", 1, ranks=2)
        for name in ("small", "kept"):
            self.assertEqual(program.parameter_hash(self.runs / name), program.parameter_hash(self.folder / "straight" / name))

    def test_by_name(self):
        program.run(*self.words, "kept")
        self.assertEqual([run["name"] for run in self.report()["runs"]], ["kept"])
        self.assertFalse((self.runs / "small").exists())
        listed = program.run(*self.words[:3], "--list").stdout.splitlines()
        self.assertEqual([line.split()[0] for line in listed], ["small", "kept", "long"])

    def test_what_can_be_wrong(self):
        result = program.run(*self.words, "nope", expect=2, ranks=2)
        self.assertIn("charrnn_dist: error: there is no run 'nope'; there are: small kept long", result.stderr)
        result = program.run("reproduce", "--experiments", self.folder, "--corpus", self.corpus, expect=65)
        self.assertIn("--experiments", result.stderr)
        (self.folder / "experiments/experiments.json").write_text('{"runs": [{"name": 3}]}')
        self.assertIn("is not a list of experiments", program.run(*self.words, expect=65).stderr)
        program.run("reproduce", expect=2)


class OwnList(unittest.TestCase):
    """configs/lesson6 as it is delivered."""

    def setUp(self):
        self.folder = program.SOURCE / "configs/lesson6"
        self.runs = json.loads((self.folder / "experiments.json").read_text())["runs"]

    def test_every_run_has_its_config(self):
        configs = {path.stem for path in self.folder.glob("*.toml")}
        self.assertEqual({run["name"] for run in self.runs}, configs)
        for run in self.runs:
            self.assertIn(f'name = "{run["name"]}"', (self.folder / f"{run['name']}.toml").read_text())

    def test_losses_are_the_notebooks(self):
        file = program.SOURCE.parent / "shared/reference/lesson6.json"
        if not file.exists():
            self.skipTest(f"there is no {file}")
        printed = {run["name"]: run for run in json.loads(file.read_text())["runs"]}
        for run in self.runs:
            phases = printed[run["name"].removesuffix("_long").removesuffix("_sgdr")]["phases"]
            if run["name"].startswith("stateful_lstm"):
                phases = [phases[0], phases[2 if run["name"].endswith("_long") else 1]]
            self.assertEqual(run["train"], sum((phase["train"] for phase in phases), []))
            self.assertEqual(run.get("validation", []), sum((phase.get("val", []) for phase in phases), []))


if __name__ == "__main__":
    program.main()
