"""launch/results: one line a run, the best first, with what metrics.jsonl says of it."""
import math
import os
import pty
import re
import signal
import subprocess
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

    def test_texts_and_early_stops(self):
        """Losses of several texts are no contest, so the table says of which they are."""
        other = self.folder / "other.txt"
        other.write_text("the same again. " * 400)
        runs = [self.train("one", *MODEL, "--max-steps", 2),
                self.train("patient", *MODEL, "--learning-rate", 1e-30, "--validate-every", 1, "--patience", 2, "--max-steps", 9)]
        program.run("train", "--corpus", other, "--run-dir", self.folder / "runs", "--name", "other", *MODEL, "--max-steps", 2)
        heading, rows = self.table(*runs, self.folder / "runs" / "other")
        found = {row[0]: dict(zip(heading, row)) for row in rows}
        self.assertEqual([found[name]["corpus"] for name in ("one", "other")], [self.corpus.name, "other.txt"])
        self.assertEqual(found["patient"]["state"], "stopped early")

    def test_what_stopped_a_run(self):
        """Of several limits the one that came first."""
        for words, says in ((["--max-epochs", 0.5], "stopped at epoch 0.5"), (["--max-epochs", 0.5, "--max-steps", 2], "done"),
                            (["--max-epochs", 9, "--epochs", 1], "done")):
            run = self.train(f"run{len(words)}{words[1]}", *MODEL, *words)
            self.assertEqual(self.table(run)[1][0][1], says)

    def test_fits_a_terminal(self):
        """Options that have no room are named below it."""
        run = self.train("run", *MODEL, "--max-steps", 2)
        told = (run / "metrics.jsonl").read_text()
        other = self.folder / "other"
        other.mkdir()
        (other / "metrics.jsonl").write_text(re.sub(r"(seed|bptt|columns|hidden|embedding|layers|epochs|min-freq|log-every) = (\d+)",
                                                    r"\1 = 1\2", told))
        master, slave = pty.openpty()
        words = [program.SOURCE / "launch" / "results", run, other]
        subprocess.run(words, stdout=slave, stdin=subprocess.DEVNULL, env=program.environment(COLUMNS="70"), check=True)
        screen = os.read(master, 1 << 16).decode()
        os.close(slave)
        os.close(master)
        lines = screen.splitlines()
        self.assertLessEqual(max(map(len, lines)), 70)
        self.assertIn("They also differ in ", screen)
        named = set(re.findall(r"[a-z-]+", screen))
        self.assertLessEqual({"seed", "bptt", "columns", "hidden", "embedding", "layers", "epochs", "min-freq", "log-every"}, named)

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
