"""A signal to one rank stops all of them at the same step with a checkpoint, exit code 75, and nothing lost."""
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

MODEL = ["--columns", 6, "--bptt", 8, "--model", "lstm", "--layers", 2, "--hidden", 32, "--dropout", 0.5, "--schedule",
         "sgdr", "--epochs", 7]


class Signals(program.TestCase):
    characters = 30_000  # some 500 steps an epoch, a few milliseconds each

    def stop(self, name, number, ranks, which, *words, steps=30):
        """Starts a run, sends the signal to `which` rank once it trains, returns the step at which it stopped."""
        folder = self.folder / "runs" / name
        with program.Running(self.folder, *self.train_words(name, *MODEL, *words, "--resume"), ranks=ranks) as running:
            pid = running.pid(which)
            before = program.losses(folder)
            program.wait_for_step(folder, max(before, default=0) + steps, running)
            os.kill(pid, number)
            self.assertEqual(running.wait(), 75, running.stdout + running.stderr)
            self.assertIn("stopped by a signal at step", running.stdout)
            self.assertNotIn("error", running.stderr.replace("mpirun", ""))
        with h5py.File(folder / "checkpoints" / "latest") as file:
            step = int(file.attrs["step"])
        self.assertEqual(max(program.losses(folder)), step)
        self.assertFalse((folder / "attempt").exists())
        return step

    def check(self, number, ranks, which):
        first = self.stop("parts", number, ranks, which)
        second = self.stop("parts", number, ranks, which)
        self.assertGreater(second, first)
        last = second + 10
        parts = self.train("parts", *MODEL, "--max-steps", last, "--resume", ranks=ranks)
        straight = self.train("straight", *MODEL, "--max-steps", last, ranks=ranks)
        self.assertEqual(program.parameter_hash(parts), program.parameter_hash(straight))
        self.assertEqual(program.losses(parts), program.losses(straight))
        self.assertEqual(list(program.losses(parts)), list(range(1, last + 1)))

    def test_term_to_the_second_rank(self):
        self.check(signal.SIGTERM, 2, 1)

    def test_int_to_the_second_rank(self):
        self.check(signal.SIGINT, 2, 1)

    def test_usr1_to_the_last_of_three(self):
        self.check(signal.SIGUSR1, 3, 2)

    def test_signal_while_it_starts(self):
        """Before the first step: it is no death by signal, and the same command with --resume is the undisturbed run."""
        with program.Running(self.folder, *self.train_words("early", *MODEL), ranks=2) as running:
            pid = running.pid(0)
            # The handler is there before MPI is: SigCgt of /proc says so.
            program.wait_until(lambda: program.catches(pid, signal.SIGUSR1), "the handler")
            os.kill(pid, signal.SIGUSR1)
            self.assertEqual(running.wait(), 75, running.stdout + running.stderr)
        early = self.train("early", *MODEL, "--max-steps", 5, "--resume", ranks=2)
        straight = self.train("straight", *MODEL, "--max-steps", 5, ranks=2)
        self.assertEqual(program.parameter_hash(early), program.parameter_hash(straight))
        self.assertEqual(list(program.losses(early)), list(range(1, 6)))

    def test_hangup_of_a_lost_terminal(self):
        self.check(signal.SIGHUP, None, 0)

    def test_a_reader_that_leaves(self):
        """A pager that was quit: the run goes on, its files have everything."""
        reader, writer = os.pipe()
        os.close(reader)
        try:
            process = subprocess.run(program.command(*self.train_words("piped", *MODEL, "--max-steps", 40, "--validate-every", 10)),
                                     stdout=writer, stderr=subprocess.PIPE, env=program.environment(), timeout=program.PATIENCE)
        finally:
            os.close(writer)
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertEqual(len(program.losses(self.folder / "runs/piped")), 40)

    def test_results_that_cannot_be_written(self):
        run_folder = self.train("run", *MODEL, "--max-steps", 1)
        for words in (["inspect", run_folder, "--json"], ["eval", "--checkpoint", run_folder, "--corpus", self.corpus, "--json"],
                      ["sample", "--checkpoint", run_folder, "--length", 5],
                      ["sample", "--checkpoint", run_folder, "--length", 1_000_000_000]):
            with open("/dev/full", "w") as full:
                result = subprocess.run(program.command(*words), stdout=full, stderr=subprocess.PIPE, text=True,
                                        env=program.environment(), timeout=program.PATIENCE)
            self.assertEqual(result.returncode, 65, words)
            self.assertIn("standard output", result.stderr)

    def test_term_alone(self):
        self.check(signal.SIGTERM, None, 0)

    def test_term_to_every_rank_and_often(self):
        """SLURM sends TERM to all ranks, and more than once."""
        name = "often"
        folder = self.folder / "runs" / name
        with program.Running(self.folder, *self.train_words(name, *MODEL), ranks=2) as running:
            pids = [running.pid(rank) for rank in (0, 1)]
            program.wait_for_step(folder, 10, running)
            for _ in range(5):
                for pid in pids:
                    try:
                        os.kill(pid, signal.SIGTERM)
                    except ProcessLookupError:
                        pass
            # A rank that has done its part may meet a late one outside the training loop, but not lose the checkpoint.
            self.assertEqual(running.wait(), 75, running.stderr)
        program.run("inspect", folder)

    def test_signal_during_start_up(self):
        """Before training there is nothing to save: the run may end by the signal or with 75, but it ends."""
        with program.Running(self.folder, *self.train_words("early", *MODEL), ranks=2) as running:
            os.kill(running.pid(1), signal.SIGTERM)
            self.assertNotEqual(running.wait(60), 0)

    def test_launch_run(self):
        """launch/run hands a Ctrl-C, TERM, USR1 or HUP on as what every rank can act on, and ends with 75."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP):
            name = signal.Signals(number).name
            folder = self.folder / "runs" / name
            with program.Running(self.folder, "-np", 2, *self.train_words(name, *MODEL), script="run") as running:
                program.wait_for_step(folder, 20, running)
                running.process.send_signal(number)
                self.assertEqual(running.wait(30), 75, running.stdout + running.stderr)
                self.assertIn("stopped by a signal", running.stdout)
            with h5py.File(folder / "checkpoints" / "latest") as file:
                self.assertEqual(file.attrs["step"], max(program.losses(folder)))


if __name__ == "__main__":
    program.main()
