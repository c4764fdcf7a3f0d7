"""`bench`, and the time of every phase in a run's metrics."""
import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

MODEL = ["--hidden", 64, "--columns", 12, "--bptt", 8, "--threads", 1]
PHASES = ["other", "data", "forward", "backward", "idle", "reduce", "update"]  # of a step
BETWEEN = ["validate", "save"]


class Bench(program.TestCase):
    def bench(self, *words, ranks=None):
        result = program.run("bench", "--corpus", self.corpus, *MODEL, "--steps", 5, "--json", *words, ranks=ranks)
        return json.loads(result.stdout)

    def test_engines(self):
        found = self.bench("--model", "gru")
        self.assertEqual([engine["engine"] for engine in found["engines"]][:2], ["native", "torch"])
        for engine in found["engines"]:
            self.assertEqual(list(engine["phases"]), PHASES)
            self.assertGreater(engine["milliseconds"], 0)
            self.assertGreater(engine["phases"]["forward"] + engine["phases"]["backward"], 0)
            self.assertGreater(engine["mfu"], 0)
        self.assertGreater(found["gflop_per_second"], 0)
        self.assertNotIn("all_reduce", found)

    def test_the_engine_that_is_asked_for(self):
        self.assertEqual([e["engine"] for e in self.bench("--model", "gru", "--engine", "torch")["engines"]], ["torch"])
        self.assertEqual(self.bench("--model", "gru_cell")["engines"][0]["engine"], "torch")
        refused = program.run("bench", "--corpus", self.corpus, "--model", "gru_cell", "--engine", "native", expect=2)
        self.assertIn("cannot compute this model: it has no layer for", refused.stderr)

    def test_prediction_follows_from_what_was_measured(self):
        found = self.bench("--model", "lstm", "--predict", 2, 8, ranks=2)
        reduce, native = found["all_reduce"], found["engines"][0]
        phases = {name: native["phases"][name] / 1e3 for name in PHASES}
        work = phases["data"] + phases["forward"] + phases["backward"] + phases["idle"]
        (many, slow), (few, fast) = [(point["columns"], point["milliseconds"] / 1e3) for point in found["predicted_from"]]
        self.assertEqual((many, few), (6, 1))  # of a rank; 1 is what 8 ranks would have
        self.assertAlmostEqual(slow, work)
        column = min(max((slow - fast) / 5, 0), slow / 6)
        for one in found["predicted"]:
            ranks = one["ranks"]
            for kind, columns in (("same_columns", 12), ("growing_columns", 6 * ranks)):
                expected = (phases["update"] + slow - 6 * column + column * math.ceil(columns / ranks)
                            + 2 * math.log2(ranks) * reduce["alpha"]
                            + 2 * (ranks - 1) / ranks * reduce["bytes"] * reduce["beta"])
                self.assertEqual(one[kind]["columns"], columns)
                self.assertAlmostEqual(one[kind]["milliseconds"], expected * 1e3, delta=1e-6 * expected * 1e3)

    def test_bad_options(self):
        for words in (["--steps", 0], ["--predict", 0], ["--hidden", 0], ["--engine", "fast"]):
            program.run("bench", "--corpus", self.corpus, *MODEL, *words, expect=2)


class Phases(program.TestCase):
    def test_epochs(self):
        folder = self.train("run", "--model", "gru", *MODEL, "--epochs", 2)
        epochs, phases = program.metrics(folder, "epoch"), program.metrics(folder, "phases")
        self.assertEqual([event["step"] for event in phases], [event["step"] for event in epochs])
        for event, epoch in zip(phases, epochs, strict=True):
            self.assertEqual(list(event["seconds"]), PHASES + BETWEEN)
            training = sum(seconds for name, seconds in event["seconds"].items()
                           if name not in ["other", *BETWEEN])
            self.assertLessEqual(training, 1.001 * epoch["seconds"])
            self.assertGreater(training, 0.8 * epoch["seconds"], "most of a step belongs to a phase")
            self.assertGreater(event["mfu"], 0)

    def test_validation_is_not_training(self):
        # Waiting of threads for each other in the validation passes, too, belongs to no phase of training.
        text = self.folder / "longer.txt"
        text.write_text(program.make_text(60_000))
        folder = self.train("waiting", "--model", "gru", "--hidden", 64, "--threads", 2, "--columns", 16, "--bptt", 32,
                            "--epochs", 2, "--corpus", text, "--log-every", 1000)
        for event, epoch in zip(program.metrics(folder, "phases"), program.metrics(folder, "epoch"), strict=True):
            self.assertIsNotNone(epoch["val_loss"])
            training = sum(seconds for name, seconds in event["seconds"].items()
                           if name not in ["other", *BETWEEN])
            self.assertAlmostEqual(training, epoch["seconds"], delta=0.02 * epoch["seconds"])


if __name__ == "__main__":
    program.main()
