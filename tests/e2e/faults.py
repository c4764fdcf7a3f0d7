"""Dead and frozen ranks: the job ends in time and says why, and the newest good checkpoint is there to go on from."""
import os
import random
import re
import signal
import sys
import time
from pathlib import Path

import h5py

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

MODEL = ["--columns", 6, "--bptt", 8, "--model", "gru", "--hidden", 24, "--epochs", 40]


class Faults(program.TestCase):
    characters = 20_000

    def test_killed_at_any_moment(self):
        """kill -9 of a rank while checkpoints are written all the time, again and again on the same run."""
        source = random.Random(17)
        folder = self.folder / "runs" / "run"
        last = 0
        for attempt in range(8):
            words = self.train_words("run", *MODEL, "--save-every", 2, "--resume")
            with program.Running(self.folder, *words, ranks=2) as running:
                victim = running.pid(source.randrange(2))
                program.wait_for_step(folder, last + 2, running)
                program.wait_for_step(folder, last + source.randint(5, 40), running)
                # Not only between steps: some thousand looks at the clock are a part of a step.
                deadline = time.perf_counter() + source.random() * 0.01
                while time.perf_counter() < deadline:
                    pass
                os.kill(victim, signal.SIGKILL)
                # mpirun notices the death of a rank within a second or two and ends the others.
                self.assertNotIn(running.wait(30), (0, 2, 65, 70), running.stderr)
                self.assertEqual(running.members(), [])
            # Whatever has a checkpoint's name is one, and a reader takes the newest of them.
            steps = []
            for path in program.files_of(folder):
                with h5py.File(path) as file:
                    steps.append(int(file.attrs["step"]))
                program.run("inspect", path)
            result = program.run("inspect", folder, "--json")
            self.assertEqual(result.stderr, "")
            newest = int(re.search(r'"step": (\d+),\s+"epoch": \d+,\s+"cycle"', result.stdout).group(1))
            self.assertEqual(newest, max(steps))
            self.assertGreater(newest, last)
            told = max(program.losses(folder))
            # A checkpoint every other step, of which one may be being written and the next one not begun: after step 144
            # is told 144 is still to come, 142 is on its way, and 140 is there, because 142 has waited for it.
            self.assertGreaterEqual(newest, told - 4)
            last = newest
        # At the end the run goes on, sweeps what was half-written, and is the run that was never killed.
        parts = self.train("run", *MODEL, "--save-every", 2, "--max-steps", last + 4, "--resume", ranks=2)
        self.assertEqual([path.name for path in (parts / "checkpoints").iterdir() if path.name.startswith(".")], [])
        self.assertEqual(list(program.losses(parts)), list(range(1, last + 5)))
        straight = self.train("straight", *MODEL, "--max-steps", last + 4, ranks=2)
        self.assertEqual(program.parameter_hash(parts), program.parameter_hash(straight))

    def test_half_written_file_is_not_taken(self):
        """What a rank that dies while it writes leaves behind: part of a file under its temporary name."""
        folder = self.train("run", *MODEL, "--max-steps", 4, "--save-every", 2)
        newest = folder / "checkpoints" / "step_4.h5"
        half = folder / "checkpoints" / ".step_6.h5.tmp-12345"
        half.write_bytes(newest.read_bytes()[:-100])
        self.assertEqual(program.run("inspect", folder).stderr, "")
        result = program.run(*self.train_words("run", *MODEL, "--max-steps", 5, "--resume"))
        self.assertRegex(result.stdout, r"resuming +\S*step_4\.h5 at step 4\n")
        self.assertEqual(result.stderr, "")
        self.assertFalse(half.exists())

    @staticmethod
    def stop_now(victim, _folder):
        os.kill(victim, signal.SIGSTOP)

    @staticmethod
    def stop_in_a_save(victim, folder):
        """Freezes rank 0 while it writes a checkpoint, that is while its temporary file is there."""
        def is_saving():
            return any(".tmp-" in name for name in os.listdir(folder / "checkpoints"))

        def state():
            return (program.stat_of(victim) or "Z")[0]
        deadline = time.monotonic() + program.PATIENCE
        while time.monotonic() < deadline and state() != "Z":
            if not is_saving():
                continue
            os.kill(victim, signal.SIGSTOP)
            program.wait_until(lambda: state() in "TZ", "the rank to stop")
            if state() == "T" and is_saving():
                return
            os.kill(victim, signal.SIGCONT)
        raise AssertionError("never met it while it saves")

    def check_frozen(self, rank, ranks, *more, timeout=2, stop=stop_now):
        folder = self.folder / "runs" / f"frozen{rank}"
        words = self.train_words(folder.name, *MODEL, *more, "--save-every", 2, "--timeout", timeout)
        with program.Running(self.folder, *words, ranks=ranks) as running:
            victim = running.pid(rank)
            program.wait_for_step(folder, 10, running)
            stop(victim, folder)
            start = time.monotonic()
            code = running.wait(60)
            waited = time.monotonic() - start
            told = running.stderr
        self.assertEqual(code, 75, told)
        # The deadline, then mpirun's CONT, TERM and KILL with a second between them.
        self.assertLess(waited, timeout + 8)
        self.assertGreater(waited, timeout * 0.9)
        lines = re.findall(r"charrnn_dist: error: rank (\d+): (\w+) \(call \d+\) failed at step (\d+) after ([\d.]+) s: "
                           r"rank (\d+) did not arrive within the deadline \(--timeout\); it is dead, frozen or cut off", told)
        self.assertGreaterEqual(len(lines), 1, told)
        step = max(program.losses(folder))
        for noticed, collective, at, seconds, missing in lines:
            self.assertNotEqual(int(noticed), rank)
            self.assertIn(collective, ("all_reduce_sum", "all_to_all", "all_gather", "gather", "broadcast"))
            self.assertLessEqual(abs(int(at) - step), 2)
            self.assertAlmostEqual(float(seconds), timeout, delta=1)
            self.assertEqual(missing, str(rank))
        # Under SIGSTOP nothing was lost: go on from there.
        program.run(*self.train_words(folder.name, *MODEL, *more, "--max-steps", step + 2, "--resume"), ranks=ranks)

    def test_frozen_rank_of_two(self):
        self.check_frozen(1, 2)

    def test_frozen_first_rank_of_three(self):
        self.check_frozen(0, 3)

    def test_frozen_in_reproducible_mode(self):
        self.check_frozen(2, 3, "--reproducible", "--micro-batches", 4)

    def test_frozen_in_a_save(self):
        """What rank 0 does alone may take longer than the deadline; freezing in it may not."""
        self.check_frozen(0, 2, stop=self.stop_in_a_save)

    def test_suspended_together(self):
        """A suspended job (SLURM, Ctrl-Z) goes on afterwards: ranks that wait, compute or save, on their own or with mpirun."""
        timeout, last = 2, 300
        straight = self.train("straight", *MODEL, "--save-every", 2, "--max-steps", last, ranks=2)
        folder = self.folder / "runs" / "run"
        words = self.train_words("run", *MODEL, "--save-every", 2, "--max-steps", last, "--timeout", timeout)
        with program.Running(self.folder, *words, ranks=2) as running:
            ranks = [running.pid(rank) for rank in (0, 1)]
            for step, stop, pids in ((20, self.stop_now, [*ranks, running.process.pid]),
                                     (60, self.stop_in_a_save, ranks),
                                     (100, self.stop_now, ranks[::-1])):
                program.wait_for_step(folder, step, running)
                stop(pids[0], folder)
                for pid in pids[1:]:
                    os.kill(pid, signal.SIGSTOP)
                time.sleep(3 * timeout)
                for pid in pids:
                    os.kill(pid, signal.SIGCONT)
                told = max(program.losses(folder))
                program.wait_for_step(folder, told + 10, running)
            self.assertEqual(running.wait(), 0, running.stderr)
            self.assertNotIn("error", running.stderr)
        self.assertEqual(program.parameter_hash(folder), program.parameter_hash(straight))

    def test_killed_mpirun(self):
        """Ranks whose mpirun is gone end by themselves, and the run's folder is free again."""
        folder = self.folder / "runs" / "orphans"
        words = self.train_words("orphans", *MODEL, "--save-every", 2, "--timeout", 5)
        with program.Running(self.folder, *words, ranks=2) as running:
            pids = [running.pid(rank) for rank in (0, 1)]
            program.wait_for_step(folder, 5, running)
            running.process.kill()
            running.wait()
            program.wait_until(lambda: all((program.stat_of(pid) or "Z")[0] == "Z" for pid in pids), "the ranks to end", 30)
        step = max(program.losses(folder))
        program.run(*self.train_words("orphans", *MODEL, "--max-steps", step + 2, "--resume"), ranks=2)

    def test_second_run_in_the_same_folder(self):
        folder = self.folder / "runs" / "run"
        words = self.train_words("run", *MODEL, "--epochs", 100_000)
        with program.Running(self.folder, *words, ranks=2) as running:
            program.wait_for_step(folder, 2, running)
            result = program.run(*words, "--resume", expect=2)
            self.assertIn("is training in", result.stderr)
            self.assertIn(str(running.pid(0)), result.stderr)
            self.assertIsNone(running.process.poll())

    def test_launch_run_starts_again(self):
        """launch/run goes on from the newest checkpoint when a rank dies, to the end."""
        folder = self.folder / "runs" / "run"
        last = 400
        words = self.train_words("run", *MODEL, "--save-every", 2, "--max-steps", last)
        # A node with the tool and without a driver.
        tool = self.folder / "nvidia-smi"
        tool.write_text("#!/bin/sh\necho NVIDIA-SMI has failed\nexit 9\n")
        tool.chmod(0o755)
        env = program.environment(PATH=f"{self.folder}:{os.environ['PATH']}")
        with program.Running(self.folder, "-np", 2, "--restarts", 2, *words, script="run", env=env) as running:
            program.wait_for_step(folder, 20, running)
            ranks = [pid for pid in running.members() if program.rank_of(pid) == 1]
            self.assertEqual(len(ranks), 1)
            os.kill(ranks[0], signal.SIGKILL)
            program.wait_until(lambda: "starting again" in running.stderr, "the restart", 20)
            self.assertEqual(running.wait(), 0, running.stderr)
        self.assertEqual(list(program.losses(folder)), list(range(1, last + 1)))


if __name__ == "__main__":
    program.main()
