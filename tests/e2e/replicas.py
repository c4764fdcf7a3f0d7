"""A rank whose parameters have gone wrong: one bit is changed in its memory, as a faulty module would, and the run must
stop with the rank and the parameter, the checkpoint from before left as the newest."""
import os
import signal
import sys
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

# So small a rate leaves float32 parameters as they are: what a checkpoint holds is what the memory holds.
MODEL = ["--columns", 2, "--bptt", 10, "--no-bptt-jitter", "--model", "gru", "--hidden", 24, "--embedding", 8,
         "--learning-rate", 1e-30, "--epochs", 1_000_000, "--log-every", 1]
PER_EPOCH = 20_000 * 8 // 10 // 2 // 10 - 1


def flip_bit(pid, pattern, place):
    """Changes the lowest bit of byte `place` of every copy of `pattern` in a process's memory; returns how many."""
    found = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for line in maps:
            fields = line.split()
            if not fields[1].startswith("rw") or fields[-1] in ("[vvar]", "[vsyscall]"):
                continue
            start, end = (int(part, 16) for part in fields[0].split("-"))
            try:
                memory.seek(start)
                contents = memory.read(end - start)
            except OSError:
                continue
            at = contents.find(pattern)
            while at >= 0:
                memory.seek(start + at + place)
                memory.write(bytes([pattern[place] ^ 1]))
                found += 1
                at = contents.find(pattern, at + 1)
    return found


class Replicas(program.TestCase):
    def check(self, every, *words):
        """A run with `words`, which compare the ranks' parameters every so many steps and at ends of epochs."""
        folder = self.train("run", *MODEL, "--max-steps", 10)
        with h5py.File(folder / "checkpoints/latest") as file:
            pattern = np.array(file["model/rnn.weight_hh_l0"]).tobytes()
        with program.Running(self.folder, *self.train_words("run", *MODEL, *words, "--max-steps", 0, "--resume"),
                             ranks=2) as running:
            program.wait_for_step(folder, 15, running)
            pid = running.pid(1)
            os.kill(pid, signal.SIGSTOP)
            program.wait_until(lambda: program.stat_of(pid)[0] == "T", "rank 1 to stop")
            self.assertGreater(flip_bit(pid, pattern, len(pattern) // 2), 0)
            os.kill(pid, signal.SIGCONT)
            self.assertEqual(running.wait(), 75, running.stderr)
        self.assertIn("rank 1 holds other parameters than the rest (and it cannot be told whose are right), first in "
                      "'rnn.weight_hh_l0'", running.stderr)
        step = int(running.stderr.split("after step ")[1].split()[0])
        self.assertTrue(step % every == 0 or step % PER_EPOCH == 0, step)
        with h5py.File(folder / "checkpoints/latest") as file:
            self.assertLess(file.attrs["step"], step)
            self.assertEqual(np.array(file["model/rnn.weight_hh_l0"]).tobytes(), pattern)
        self.train("run", *MODEL, "--resume", "--max-steps", step + 20, ranks=2)

    def test_found_at_the_next_checkpoint(self):
        self.check(50, "--save-every", 50)

    def test_found_by_check_every(self):
        self.check(7, "--check-every", 7)


if __name__ == "__main__":
    program.main()
