"""launch/sweep: its runs are those that one would train by hand, bit for bit, also where it stops the others early, is stopped
itself, or a run fails."""
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

KNOWN_ENTROPY = program.PROGRAM.with_name("known_entropy")
RATES = ("1e-4", "1e-2", "3e-3", "1e-3")
EPOCHS = 4


class Sweep(program.TestCase):
    def setUp(self):
        super().setUp()
        subprocess.run([KNOWN_ENTROPY, "--output", self.corpus, "--characters", "20000", "--seed", "1"], check=True,
                               capture_output=True)
        self.runs = self.folder / "runs"
        self.file = self.folder / "rates.txt"
        self.write(*(f"--learning-rate '{rate}'" for rate in RATES))

    def write(self, *lines):
        self.file.write_text("".join(f"{line}\n" for line in lines))

    def words(self, *words, epochs=EPOCHS, name="rates"):
        return ["train", "--corpus", self.corpus, "--run-dir", self.runs, "--name", name, "--columns", 6, "--bptt", 8, "--model", "gru",
                "--hidden", 24, "--epochs", epochs, "--schedule", "onecycle", "--log-every", 1, *words]

    def sweep(self, *own, words=None, **how):
        return program.run(self.file, *own, *(words or self.words()), script="sweep", **how)

    def by_hand(self, *lines, **how):
        """The folder of the same runs, each trained by itself."""
        runs = self.folder / "by hand"
        for i, line in enumerate(lines, 1):
            program.run(*self.words(**how), *line, "--run-dir", runs, "--name", f"rates-{i}")
        return runs

    def hashes(self, runs, numbers):
        return [program.parameter_hash(runs / f"rates-{number}") for number in numbers]

    def table(self):
        """{run: cells}, and the lines below it."""
        lines = (self.runs / "rates.results.txt").read_text().splitlines()
        cells = [re.split(r"\s{2,}", line) for line in lines]
        rows = {row[0]: dict(zip(cells[0], row)) for row in cells[1:] if len(row) == len(cells[0])}
        return rows, lines[1 + len(rows):]

    def test_all_to_their_end(self):
        self.sweep("--at-once", 2)
        runs = self.by_hand(*(["--learning-rate", rate] for rate in RATES))
        self.assertEqual(self.hashes(self.runs, range(1, 5)), self.hashes(runs, range(1, 5)))
        told = program.run(*sorted(runs.glob("rates-*")), script="results").stdout
        self.assertEqual((self.runs / "rates.results.txt").read_text(), told)

    def test_successive_halving(self):
        """Who goes on follows from the losses of whole runs, and what went on is one of them."""
        said = self.sweep("--rungs", "1,2").stdout
        runs = self.by_hand(*(["--learning-rate", rate] for rate in RATES))
        losses = {i: [event["val_loss"] for event in program.metrics(runs / f"rates-{i}", "epoch")] for i in range(1, 5)}
        second = sorted(losses, key=lambda i: losses[i][0])[:2]
        last = min(second, key=lambda i: min(losses[i][:2]))
        per_epoch = program.metrics(runs / "rates-1", "epoch")[0]["step"]
        epochs = {i: EPOCHS if i == last else 2 if i in second else 1 for i in losses}
        rows, below = self.table()
        self.assertEqual(below, [])
        for i, ended in epochs.items():
            folder = self.runs / f"rates-{i}"
            self.assertEqual(program.losses(folder), {step: loss for step, loss in program.losses(runs / f"rates-{i}").items()
                                                      if step <= ended * per_epoch})
            self.assertEqual([event["val_loss"] for event in program.metrics(folder, "epoch")], losses[i][:ended])
            row = rows[f"rates-{i}"]
            self.assertEqual((row["state"], row["step"]), ("done" if i == last else f"stopped at epoch {ended}", f"{ended * per_epoch:,}"))
            self.assertEqual(row["val loss"], f"{min(losses[i][:ended]):.4f}")
        self.assertEqual(self.hashes(self.runs, [last]), self.hashes(runs, [last]))
        names = ", ".join(f"rates-{i} ({losses[i][0]:.4f})" for i in second)
        self.assertIn(f"==> go on after 1 epoch: {names}\n", said)
        # Once more: nothing is trained. And those that were stopped can still be trained to their end.
        before = {path: path.stat().st_mtime_ns for path in self.runs.glob("*/checkpoints/*")}
        self.sweep("--rungs", "1,2")
        self.assertEqual({path: path.stat().st_mtime_ns for path in self.runs.glob("*/checkpoints/*")}, before)
        self.sweep()
        self.assertEqual(self.hashes(self.runs, range(1, 5)), self.hashes(runs, range(1, 5)))

    def test_rungs_within_an_epoch(self):
        self.sweep("--rungs", "0.5,1.5", "--keep", "1/4")
        steps = sorted(int(row["step"].replace(",", "")) for row in self.table()[0].values())
        per_epoch = steps[-1] // EPOCHS
        self.assertEqual(steps, [math.floor(per_epoch / 2 + 0.5)] * 3 + [EPOCHS * per_epoch])
        best = max((self.runs / name for name in self.table()[0]), key=lambda folder: len(program.losses(folder)))
        hand = self.by_hand(["--learning-rate", RATES[int(best.name[-1]) - 1]])
        self.assertEqual(program.losses(best), program.losses(hand / "rates-1"))

    def test_stopped_and_begun_again(self):
        self.write(*(f"--learning-rate {rate}" for rate in RATES[:2]))
        own, words = ["--rungs", 20, "--at-once", 2], self.words(epochs=40)
        with program.Running(self.folder, self.file, *own, *words, script="sweep") as running:
            for name in ("rates-1", "rates-2"):
                program.wait_for_step(self.runs / name, 5, running)
            running.process.send_signal(signal.SIGINT)
            self.assertEqual(running.wait(), 75, running.stdout + running.stderr)
            self.assertEqual(running.members(), [])
            self.assertIn("stopped; the same command goes on", running.stdout)
        self.assertEqual([row["state"] for row in self.table()[0].values()], ["stopped"] * 2)
        self.sweep(*own, words=words)
        self.assertEqual({name: row["state"] for name, row in self.table()[0].items()}, {"rates-1": "stopped at epoch 20", "rates-2": "done"})
        hand = self.by_hand(["--learning-rate", RATES[1]], epochs=40)
        self.assertEqual(self.hashes(self.runs, [2]), self.hashes(hand, [1]))

    def test_suspended_and_ended_at_once(self):
        """With all its runs."""
        with program.Running(self.folder, self.file, "--at-once", 2, *self.words(epochs=100_000), script="sweep") as running:
            program.wait_for_step(self.runs / "rates-2", 5, running)
            os.kill(running.process.pid, signal.SIGTSTP)
            runs = runs_of(running)
            everyone = [running.process.pid, *runs]
            program.wait_until(lambda: {program.stat_of(pid)[0] for pid in everyone} == {"T"}, "all to stop")
            os.kill(running.process.pid, signal.SIGCONT)
            program.wait_until(lambda: "T" not in {program.stat_of(pid)[0] for pid in everyone}, "all to go on")
            for pid in runs:  # they shall not save before the second Ctrl-C comes
                os.kill(pid, signal.SIGSTOP)
            running.process.send_signal(signal.SIGINT)
            program.wait_until(lambda: "Ctrl-C once more ends at once" in running.stderr, "the answer")
            running.process.send_signal(signal.SIGINT)
            self.assertEqual(running.wait(), 128 + signal.SIGINT)

    def test_quit(self):
        """Ctrl-\\ ends all at once."""
        with program.Running(self.folder, self.file, *self.words(epochs=100_000), script="sweep") as running:
            program.wait_for_step(self.runs / "rates-1", 5, running)
            running.process.send_signal(signal.SIGQUIT)
            self.assertEqual(running.wait(), 128 + signal.SIGQUIT)
            self.assertEqual(running.members(), [])
        self.assertEqual([row["state"] for row in self.table()[0].values()], ["not ended"] * len(self.table()[0]))

    def test_runs_that_fail(self):
        """They do not end the sweep, count as the worst, and are tried again."""
        self.write("--learning-rate 1e-3", "--learning-rate 1e38", "--learning-rate 1e-9")
        said = self.sweep("--rungs", 1).stdout
        rows, below = self.table()
        self.assertEqual({name: row["state"] for name, row in rows.items()},
                         {"rates-1": "done", "rates-2": "failed (2)", "rates-3": "done"})
        self.assertEqual(len(below), 1)
        self.assertRegex(below[0], r"^rates-2: the training diverged at step \d+ ")
        self.assertRegex(said, r"\nrates-2  failed: the training diverged at step ")
        shutil.rmtree(self.runs / "rates-2")
        self.write("--learning-rate 1e-3", "--learning-rate 2e-3", "--learning-rate 1e-9")
        self.sweep("--rungs", 1)
        self.assertEqual({name: row["state"] for name, row in self.table()[0].items()}, dict.fromkeys(rows, "done"))

    def test_a_run_that_is_killed(self):
        self.write("--epochs 100000", "--learning-rate 1e-3")
        with program.Running(self.folder, self.file, "--at-once", 2, *self.words(), script="sweep") as running:
            program.wait_for_step(self.runs / "rates-1", 5, running)
            (pid,) = [pid for pid in runs_of(running) if "rates-1" in command_of(pid)]
            os.kill(pid, signal.SIGKILL)
            self.assertEqual(running.wait(), 0, running.stdout + running.stderr)
        rows, below = self.table()
        self.assertEqual((rows["rates-1"]["state"], rows["rates-2"]["state"]), ("not ended", "done"))
        self.assertEqual(below, ["rates-1: killed by signal 9 (Killed)"])

    def test_none_comes_to_its_end(self):
        self.write("--learning-rate 1e38", "--learning-rate 2e38")
        self.sweep("--rungs", 1, expect=2)
        self.write("--learning-rate 1e-3", "--learning-rate 1e-2")
        result = self.sweep("--rungs", 1, words=self.words("--train-fraction", 0.9999, name="blind"), expect=65)
        self.assertIn("without a validation loss", result.stderr)

    def test_cores_and_gpus_are_shared_out(self):
        cores = len(os.sched_getaffinity(0))
        env = {name: value for name, value in program.environment().items() if name != "OMP_NUM_THREADS"}
        for own, words, threads in ((["--at-once", 1], [], cores), ([], [], 1), (["--at-once", 1], ["--threads", 1], 1)):
            self.write("--seed 1", *(f"--seed {i}" for i in range(1, cores + 1)))
            name = f"cores{len(list(self.runs.glob('*.txt')))}"
            self.sweep(*own, words=[*self.words(epochs=1, name=name), *words], env=env)
            self.assertRegex((self.runs / f"{name}-1/log.rank0.txt").read_text(), rf"ranks +1 x {threads} thread")
        env = gpus(self.folder, 3, CUDA_VISIBLE_DEVICES="0,GPU-2")
        self.write("--seed 1", "--seed 2", "--seed 3")
        with program.Running(self.folder, self.file, *self.words(epochs=100_000, name="gpus"), script="sweep", env=env) as running:
            for i in (1, 2):
                program.wait_for_step(self.runs / f"gpus-{i}", 1, running)
            seen = {variable_of(pid, "CUDA_VISIBLE_DEVICES") for pid in runs_of(running)}
        self.assertEqual(seen, {"0", "GPU-2"})
        self.assertFalse((self.runs / "gpus-3").exists())

    def test_what_a_config_says(self):
        """Counts as what the command line says."""
        config = self.folder / "sweep.toml"
        config.write_text(f'[run]\nname = "named"\nrun-dir = "{self.runs}/there"\nthreads = {len(os.sched_getaffinity(0))}\n'
                          'device = "cpu"\n[optimizer]\nmax-epochs = 0.1\n')
        self.write("--seed 1", "--seed 2 --max-epochs 0.15")
        words = self.words("--config", config)
        del words[3:7]  # --run-dir, --name
        env = {name: value for name, value in gpus(self.folder, 2).items() if name != "OMP_NUM_THREADS"}
        self.assertIn(", 1 at once with ", self.sweep(words=words, env=env).stdout)
        rows = [re.split(r"\s{2,}", line) for line in (self.runs / "there/named.results.txt").read_text().splitlines()]
        found = {name: (state, int(step.replace(",", ""))) for name, state, step, *_ in rows[1:]}
        self.assertEqual({name: state for name, (state, _) in found.items()},
                         {"named-1": "stopped at epoch 0.1", "named-2": "stopped at epoch 0.15"})
        self.assertAlmostEqual(found["named-2"][1] / found["named-1"][1], 1.5, delta=0.05)
        self.assertNotIn("at once", self.sweep("--rungs", 0.05, words=words, env=env).stdout)  # nothing is left to do

    def test_time_left(self):
        """None once all runs have ended, whatever ended them."""
        self.write("--seed 1", "--seed 2")
        for i, words in enumerate((["--max-steps", 5], ["--learning-rate", 1e-30, "--validate-every", 2, "--patience", 1],
                                   ["--max-epochs", 0.2])):
            said = self.sweep("--at-once", 1, words=self.words(*words, name=f"short{i}")).stdout
            self.assertRegex(said, r"\n\S+ .*\(1 of 2; about \d+ s left\)\n\S+ .*\(2 of 2\)\n")

    def refuse(self, code, *own, says, words=None):
        result = self.sweep(*own, words=words, expect=code)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("launch/sweep: error: "), result.stderr)
        self.assertIn(says, result.stderr)

    def test_what_is_refused_before_anything_starts(self):
        for lines, says in (((), f"'{self.file}' is empty"), (("--hidden 8", ""), f"'{self.file}' has nothing in line 2"),
                            (("--hidden 8", "--hidden '8"), f"line 2 of '{self.file}' has a quote without its partner: --hidden '8"),
                            (("--hidden 8", "--hiden 8"), f"line 2 of '{self.file}': train has no option --hiden; did you mean --hidden?"),
                            (("--hidden 8", "--name x"), f"line 2 of '{self.file}': --name is that of the whole sweep"),
                            (("--hidden 8", "--hidden x"), f"line 2 of '{self.file}': --hidden"),
                            (("--hidden 8", "# a remark"), f"line 2 of '{self.file}': train does not know what to do with '#'")):
            self.write(*lines)
            self.refuse(2, says=says)
        self.write("--hidden 8")
        self.refuse(2, words=self.words("--layers", 0), says="error: --layers")
        self.refuse(2, words=self.words("--groups", "x"), says="error: --groups")
        self.refuse(2, words=self.words("--resume"), says="by itself")
        self.refuse(2, words=["--corpus", self.corpus], says="`train`")
        for flag, value in (("--rungs", "2,1"), ("--rungs", "0"), ("--rungs", "x"), ("--keep", "1/0"), ("--keep", "1"), ("--at-once", "0")):
            self.refuse(2, flag, value, says=f"argument {flag}: wants")
        self.refuse(2, words=self.words("--config", self.folder / "none.toml"), says="error: cannot read the config")
        self.refuse(65, words=self.words("--init-from", self.folder / "none.h5"), says="none.h5")
        self.file.unlink()
        self.refuse(65, says="rates.txt")
        self.assertFalse(self.runs.exists())

    def test_a_sweep_with_other_options(self):
        """Its table would mix what does not belong together."""
        self.write("--hidden 8", "--hidden 12")
        self.sweep(words=self.words(epochs=1))
        self.refuse(2, words=self.words(epochs=2), says="was begun with other options")
        self.write("--hidden 8", "--learning-rate 1e-2")
        self.refuse(2, words=self.words(epochs=1), says=f"line 2 of '{self.file}' was another one when '{self.runs / 'rates-2'}' was begun")
        self.write("--hidden 8", "--hidden 12", "--hidden 16")
        self.sweep(words=self.words(epochs=1))
        self.assertEqual(len(self.table()[0]), 3)


def gpus(folder, count, **more):
    """An environment in which nvidia-smi lists so many."""
    tool = folder / "nvidia-smi"
    tool.write_text(f'#!/bin/sh\nfor i in $(seq 0 {count - 1}); do echo "GPU $i: a GPU (UUID: GPU-$i)"; done\n')
    tool.chmod(0o755)
    return program.environment(PATH=f"{folder}:{os.environ['PATH']}", **more)


def runs_of(running):
    """Their processes."""
    return [pid for pid in running.members() if command_of(pid)[:2] == [str(program.PROGRAM), "train"]]


def command_of(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")


def variable_of(pid, name):
    found = [one for one in Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0") if one.startswith(f"{name}=")]
    return found[-1].partition("=")[2]


if __name__ == "__main__":
    program.main()
