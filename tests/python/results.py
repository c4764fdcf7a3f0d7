"""launch/results: one line a run, the best first, with what metrics.jsonl says of it."""
import math
import re
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

MODEL = ["--columns", 6, "--bptt", 8, "--model", "gru", "--hidden", 24]


class Results(program.TestCase):
    characters = 6_000

    def table(self, *folders):
        lines = program.run(*folders, script="results").stdout.splitlines()
        cells = [re.split(r"\s{2,}", line) for line in lines]
        return cells[0], cells[1:]

    def test_states_losses_and_differences(self):
        runs = self.folder / "runs"
        for name, rate in (("slow", 1e-4), ("fast", 1e-2)):
            self.train(name, *MODEL, "--learning-rate", rate, "--max-steps", 60, "--validate-every", 20)
        for name, number in (("stopped", signal.SIGUSR1), ("killed", signal.SIGKILL)):
            with program.Running(self.folder, *self.train_words(name, *MODEL, "--epochs", 100_000)) as running:
                program.wait_for_step(runs / name, 5, running)
                running.process.send_signal(number)
                running.wait()
        heading, rows = self.table(*(runs / name for name in ("slow", "killed", "stopped", "fast")))
        self.assertEqual(heading[:5], ["run", "state", "step", "val loss", "val bpc"])
        self.assertEqual(set(heading[5:]), {"learning-rate", "epochs", "max-steps", "validate-every"})
        found = {row[0]: row for row in rows}
        self.assertEqual([found[name][1] for name in ("fast", "slow", "stopped", "killed")],
                         ["done", "done", "stopped", "not ended"])
        losses = [float(row[3]) if row[3] != "-" else math.inf for row in rows]
        self.assertEqual(losses, sorted(losses))
        for name in ("fast", "slow"):
            best = min(event["val_loss"] for kind in ("validation", "epoch") for event in program.metrics(runs / name, kind)
                       if event["val_loss"] is not None)
            self.assertEqual(found[name][2:5], ["60", f"{best:.4f}", f"{best / math.log(2):.3f}"])
        self.assertEqual(found["fast"][heading.index("learning-rate")], "0.01")

    def test_what_is_no_run(self):
        """It is left out, with a line; an error only if nothing is left."""
        others = [self.folder, self.corpus, self.folder / "nothing"]
        run = self.train("run", *MODEL, "--max-steps", 2)
        result = program.run(*others, run, script="results")
        self.assertEqual([line.split()[0] for line in result.stdout.splitlines()], ["run", "run"])
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), len(others), result.stderr)
        for line, other in zip(lines, others):
            self.assertIn("left out: ", line)
            self.assertIn(f"'{other}'", line)
        result = program.run(*others, script="results", expect=65)
        self.assertEqual(len(result.stderr.splitlines()), len(others) + 1)


if __name__ == "__main__":
    program.main()
