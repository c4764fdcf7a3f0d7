"""The learning rate of every step in metrics.jsonl against the formulas, and the cycle files that a run leaves."""
import math
import sys
from pathlib import Path

import h5py

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

# Both sides compute in double precision: a few roundings, the largest in 1 + cos near the end of a cycle.
RELATIVE, ABSOLUTE = 1e-13, 1e-15


def cos_anneal(rate, per_epoch, phases, cycle_epochs, cycle_mult, epochs):
    """fast.ai's CosAnneal, which counts its way through the run: rates, and (epochs done, cycle) at every cycle's end.
    In the first cycle, 1/20 of it runs at rate / 100."""
    rates, ends = [], []
    for phase_rate, phase_epochs in phases:
        rates += [phase_rate] * (phase_epochs * per_epoch)
        ends.append(len(rates))
    length, iteration, first = cycle_epochs * per_epoch, 0, True
    while len(rates) < epochs * per_epoch:
        if first and iteration < length / 20:
            rates.append(rate / 100)
        else:
            rates.append(rate * (math.cos(math.pi * iteration / length) + 1) / 2)
        iteration += 1
        if iteration == length:
            ends.append(len(rates))
            length, iteration, first = length * cycle_mult, 0, False
    return rates, ends


class Schedule(program.TestCase):
    characters = 2600

    def check(self, per_epoch, rates, ends, *words, rate=1e-2):
        """`ends`: steps at which cycle 0, 1, … is complete."""
        folder = self.train("run", "--columns", 4, "--bptt", 10, "--model", "rnn", "--hidden", 4, "--embedding", 3,
                            "--learning-rate", rate, *words)
        events = program.metrics(folder, "step")
        self.assertEqual([event["step"] for event in events], list(range(1, len(rates) + 1)))
        for event, expected in zip(events, rates, strict=True):
            error = abs(event["learning_rate"] - expected)
            self.assertLessEqual(error, RELATIVE * expected + ABSOLUTE, f"step {event['step']}")
        epochs = program.metrics(folder, "epoch")
        self.assertEqual([event["step"] for event in epochs], [per_epoch * (i + 1) for i in range(len(epochs))])
        # An epoch's line names the rate of its last step.
        self.assertEqual([event["learning_rate"] for event in epochs],
                         [events[event["step"] - 1]["learning_rate"] for event in epochs])
        cycles = {}
        for path in program.files_of(folder):
            with h5py.File(path) as file:
                if path.name.startswith("cycle_"):
                    self.assertEqual(path.name, f"cycle_{file.attrs['cycle']}.h5")
                    cycles[int(file.attrs["cycle"])] = int(file.attrs["step"])
                elif path.name.startswith("step_"):
                    self.assertEqual(path.name, f"step_{file.attrs['step']}.h5")
        self.assertEqual(cycles, dict(enumerate(ends)))
        return folder

    def test_cycles_beyond_counting(self):
        words = ["--columns", 4, "--hidden", 8, "--schedule", "sgdr", "--cycle-mult", 2**63 - 1, "--max-steps", 1]
        self.train("cut", *words, "--epochs", 1000)
        for epochs in (10**6 + 1, 2**63 - 1):
            self.assertIn("epochs", program.run(*self.train_words("long", *words, "--epochs", epochs), expect=2).stderr)

    # 2,080 training characters in 4 columns are 520 rows: 52 windows without jitter, 51 with it.

    def test_constant(self):
        self.check(52, [3e-3] * 104, [104], "--no-bptt-jitter", "--epochs", 2, rate=3e-3)

    def test_constant_for_four_epochs_by_default(self):
        self.check(51, [1e-2] * 204, [204])

    def test_phases(self):
        rates = [1e-2] * 52 + [1e-3] * 104 + [1e-4] * 52
        self.check(52, rates, [52, 156, 208], "--no-bptt-jitter", "--schedule", "phases", "--phases",
                   "1e-2:1,1e-3:2,1e-4:1")

    def check_sgdr(self, cycle_epochs, cycle_mult, epochs, phases=(), jitter=True):
        per_epoch = 51 if jitter else 52
        rates, ends = cos_anneal(1e-2, per_epoch, phases, cycle_epochs, cycle_mult, epochs)
        words = ["--phases", ",".join(f"{rate}:{count}" for rate, count in phases)] if phases else []
        words += [] if jitter else ["--no-bptt-jitter"]
        return self.check(per_epoch, rates, ends, "--schedule", "sgdr", "--cycle-epochs", cycle_epochs, "--cycle-mult",
                          cycle_mult, "--epochs", epochs, *words), ends

    def test_sgdr_equal_cycles(self):
        _, ends = self.check_sgdr(1, 1, 3)
        self.assertEqual(ends, [51, 102, 153])

    def test_sgdr_doubling(self):
        _, ends = self.check_sgdr(1, 2, 7)
        self.assertEqual(ends, [51, 153, 357])

    def test_sgdr_cut_off_in_a_cycle(self):
        folder, ends = self.check_sgdr(2, 3, 4, jitter=False)
        self.assertEqual(ends, [104])  # the second cycle would end after 8 epochs
        latest = folder / "checkpoints" / "latest"
        self.assertEqual(str(latest.readlink()), "step_208.h5")
        with h5py.File(latest) as file:
            self.assertEqual(file.attrs["cycle"], 1)

    def test_sgdr_after_phases(self):
        # The warm-up belongs to the first cosine cycle, which is cycle 2 of the run.
        _, ends = self.check_sgdr(1, 2, 5, phases=((2e-3, 1), (5e-3, 1)))
        self.assertEqual(ends, [51, 102, 153, 255])

    def test_sgdr_warm_up(self):
        # 260 steps, of which exactly 13 are 1/20.
        folder, _ = self.check_sgdr(5, 1, 5, jitter=False)
        rates = [event["learning_rate"] for event in program.metrics(folder, "step")]
        self.assertEqual(len([rate for rate in rates[:100] if rate == 1e-4]), 13)

    def test_resume_in_the_middle_of_a_cycle(self):
        """The rate follows from the step alone, not from what happened before."""
        words = ["--columns", 4, "--bptt", 10, "--model", "rnn", "--hidden", 4, "--learning-rate", 1e-2, "--schedule",
                 "sgdr", "--epochs", 3]
        for last in (70, 71, 130, 0):
            folder = self.train("parts", *words, "--max-steps", last, "--resume")
        expected, _ = cos_anneal(1e-2, 51, (), 1, 2, 3)
        actual = [event["learning_rate"] for event in program.metrics(folder, "step")]
        self.assertEqual(len(actual), 153)
        for one, other in zip(actual, expected, strict=True):
            self.assertAlmostEqual(one, other, delta=RELATIVE * other + ABSOLUTE)


if __name__ == "__main__":
    program.main()
