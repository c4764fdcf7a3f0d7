"""The learning rate of every step in metrics.jsonl against fast.ai's formulas and PyTorch's schedulers, and the cycle
files that a run leaves."""
import math
import sys
from fractions import Fraction
from pathlib import Path

import h5py
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

# Both sides compute in double precision: a few roundings, the largest in 1 + cos near the end of a cycle.
RELATIVE, ABSOLUTE = 1e-13, 1e-15


def nearest(steps):
    return math.floor(steps + Fraction(1, 2))


def cos_anneal(rate, per_epoch, phases, cycle_epochs, cycle_mult, epochs):
    """fast.ai's CosAnneal, which counts its way through the run: rates, and (epochs done, cycle) at every cycle's end.
    In the first cycle, 1/20 of it runs at rate / 100. Lengths may be fractions of an epoch, whose ends are rounded."""
    rates, ends, place = [], [], Fraction(0)
    for phase_rate, phase_epochs in phases:
        place += Fraction(phase_epochs) * per_epoch
        rates += [phase_rate] * (nearest(place) - len(rates))
        ends.append(len(rates))
    exact, first = Fraction(cycle_epochs) * per_epoch, True
    last = nearest(Fraction(epochs) * per_epoch)
    while len(rates) < last:
        place += exact
        length = nearest(place) - len(rates)
        for iteration in range(min(length, last - len(rates))):
            if first and iteration < length / 20:
                rates.append(rate / 100)
            else:
                rates.append(rate * (math.cos(math.pi * iteration / length) + 1) / 2)
        if len(rates) == nearest(place):
            ends.append(len(rates))
        exact, first = exact * cycle_mult, False
    return rates, ends


def of_torch(scheduler, steps, rate, *arguments, **options):
    """The rates of `steps` steps by a scheduler of torch.optim.lr_scheduler."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    made = getattr(torch.optim.lr_scheduler, scheduler)(optimizer, *arguments, **options)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        made.step()
    return rates


class Schedule(program.TestCase):
    characters = 2600

    def check(self, per_epoch, rates, ends, *words, rate=1e-2):
        """`ends`: steps at which cycle 0, 1, … is complete."""
        folder = self.train(f"run{len(list(self.folder.glob('runs/*')))}", "--columns", 4, "--bptt", 10, "--model", "rnn",
                            "--hidden", 4, "--embedding", 3, "--learning-rate", rate, *words)
        events = program.metrics(folder, "step")
        self.assertEqual([event["step"] for event in events], list(range(1, len(rates) + 1)))
        for event, expected in zip(events, rates, strict=True):
            error = abs(event["learning_rate"] - expected)
            self.assertLessEqual(error, RELATIVE * expected + ABSOLUTE, f"step {event['step']}")
        epochs = program.metrics(folder, "epoch")
        self.assertEqual([event["step"] for event in epochs], list(range(per_epoch, len(rates) + 1, per_epoch)))
        # A cycle that ends within an epoch ends with a validation, as an epoch does, and so does a run.
        self.assertEqual([event["step"] for event in program.metrics(folder, "validation")],
                         [end for end in dict.fromkeys([*ends, len(rates)]) if end % per_epoch])
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

    def test_phases_of_steps_and_fractions(self):
        rates = [1e-2] * 20 + [1e-3] * 26 + [1e-4] * 6 + [1e-5] * 52
        self.check(52, rates, [20, 46, 52, 104], "--no-bptt-jitter", "--schedule", "phases", "--phases",
                   "1e-2:20steps,1e-3:0.5,1e-4:6steps,1e-5:1")

    def test_phases_that_cannot_be(self):
        for phase, says in (("1e-3:500step", "1e-3:500steps"), ("1e-3:0", "'1e-3:0'"), ("1e-3:0.5steps", "0.5steps"),
                            ("1e-3:nan", "nan"), ("1e-3:0.001", "less than a step, of which an epoch has 51"),
                            ("1e-3:1,1e-4:1e7", "1000000 epochs")):
            words = self.train_words("bad", "--columns", 4, "--bptt", 10, "--schedule", "phases", "--phases", phase)
            self.assertIn(says, program.run(*words, expect=2).stderr)

    def test_a_fraction_of_an_epoch(self):
        self.check(52, [1e-2] * 26, [26], "--no-bptt-jitter", "--epochs", 0.5)

    def test_too_many_cycles(self):
        words = ["--columns", 4, "--bptt", 10, "--schedule", "sgdr", "--cycle-mult", 1, "--epochs", 500_000]
        for key, length in (("--cycle-steps", 1), ("--cycle-epochs", 0.02)):
            told = program.run(*self.train_words("bad", *words, key, length), expect=2).stderr
            self.assertIn(f"{key}: more than 1000000 cycles are too many", told)

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

    def test_sgdr_within_an_epoch(self):
        # 51 steps an epoch are 12.75 a cycle: the ends are rounded, and every fourth one is an epoch's.
        _, ends = self.check_sgdr(0.25, 1, 2)
        self.assertEqual(ends, [13, 26, 38, 51, 64, 77, 89, 102])

    def test_sgdr_within_an_epoch_growing(self):
        _, ends = self.check_sgdr(0.25, 3, 1.5, jitter=False, phases=((2e-3, 0.5),))
        self.assertEqual(ends, [26, 39, 78])

    def test_sgdr_in_steps(self):
        rates, ends = cos_anneal(1e-2, 1, (), 20, 2, 140)
        self.check(52, rates[:130], [20, 60], "--no-bptt-jitter", "--schedule", "sgdr", "--cycle-steps", 20,
                   "--epochs", 2.5)

    def test_warm_up_of_warm_restarts(self):
        # The warm-up takes the place of sgdr's own.
        rates = of_torch("CosineAnnealingWarmRestarts", 104, 1e-2, 13, 2)
        for step, factor in enumerate(of_torch("LinearLR", 30, 1.0, 1 / 30, total_iters=29)):
            rates[step] *= factor
        self.check(52, rates, [13, 39, 91], "--no-bptt-jitter", "--schedule", "sgdr", "--cycle-epochs", 0.25,
                   "--warmup-steps", 30, "--epochs", 2)

    def test_warm_up_of_a_constant_rate(self):
        rates = of_torch("LinearLR", 52, 1e-2, 1 / 8, total_iters=7)
        self.check(52, rates, [52], "--no-bptt-jitter", "--epochs", 1, "--warmup-steps", 8)

    def test_onecycle(self):
        for steps, words in ((104, ["--epochs", 2]), (39, ["--epochs", 0.75]), (33, ["--cycle-steps", 33])):
            with self.subTest(steps):
                rates = of_torch("OneCycleLR", steps - 1, 1e-2, 1e-2, total_steps=steps, cycle_momentum=False)
                rates.append(1e-2 / 25 / 1e4)
                self.check(52, rates, [steps], "--no-bptt-jitter", "--schedule", "onecycle", *words)

    def test_onecycle_shorter_than_the_run(self):
        rates = of_torch("OneCycleLR", 19, 1e-2, 1e-2, total_steps=20, cycle_momentum=False) + [1e-2 / 25 / 1e4] * 33
        self.check(52, rates, [20], "--no-bptt-jitter", "--schedule", "onecycle", "--cycle-steps", 20, "--epochs", 1)

    def check_plateau(self, folder, factor, patience):
        """The rates that PyTorch makes of the validations that the run itself had."""
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=factor, patience=patience, eps=0)
        rates = set()
        for event in program.metrics(folder):
            if event["event"] in ("validation", "epoch"):
                plateau.step(event["val_loss"])
            elif event["event"] == "step":
                expected = optimizer.param_groups[0]["lr"]
                self.assertLessEqual(abs(event["learning_rate"] - expected), RELATIVE * expected, event)
                rates.add(expected)
        return rates

    # At a rate of 0.3 a loss soon gets no better.
    PLATEAU = ["--columns", 4, "--bptt", 10, "--model", "rnn", "--hidden", 4, "--learning-rate", 0.3, "--schedule", "plateau",
               "--plateau-factor", 0.5, "--validate-every", 17, "--epochs", 4]

    def test_plateau(self):
        for patience in (0, 2):
            folder = self.train(f"plateau{patience}", *self.PLATEAU, "--plateau-patience", patience)
            self.assertGreater(len(self.check_plateau(folder, 0.5, patience)), 1, "a test that lowers no rate")

    def test_plateau_after_resumes(self):
        """Also after a stop at the very step of a validation or of an epoch's end, and on other numbers of ranks."""
        words = [*self.PLATEAU, "--plateau-patience", 0, "--reproducible", "--micro-batches", 4]
        straight = self.train("straight", *words)
        rates = [event["learning_rate"] for event in program.metrics(straight, "step")]
        self.assertGreater(len(set(rates)), 2)
        for last, ranks in ((17, None), (51, 2), (60, 3), (102, None), (0, 2)):
            parts = self.train("parts", *words, "--max-steps", last, "--resume", ranks=ranks)
        self.assertEqual([event["learning_rate"] for event in program.metrics(parts, "step")], rates)
        self.assertEqual(program.parameter_hash(parts), program.parameter_hash(straight))

    def test_plateau_without_validation(self):
        words = self.train_words("bad", *self.PLATEAU, "--train-fraction", 1)
        self.assertIn("validation", program.run(*words, expect=2).stderr)

    def said(self, *words):
        return program.run(*self.train_words("said", "--columns", 4, "--bptt", 10, "--model", "rnn", "--hidden", 4,
                                             "--no-bptt-jitter", *words)).stdout

    def test_a_cycle_that_the_end_cuts_off(self):
        sgdr = ["--schedule", "sgdr"]
        for name, words, says in (
                ("epochs", ["--epochs", 4], "--epochs 4 ends in the middle of a cycle, at a rate of 0.00086; 3 or 7 epochs end one"),
                ("first", ["--epochs", 2, "--cycle-epochs", 3], "at a rate of 0.00026; 3 epochs end one"),
                ("steps", ["--epochs", 3, "--max-steps", 60], "--max-steps 60 ends in the middle of a cycle, at a rate of 0.00099; 52 or 156 steps end one"),
                ("max-epochs", ["--epochs", 3, "--max-epochs", 2, "--max-steps", 105], "--max-epochs 2 ends in the middle of a cycle, at a rate of 0.00052; 1 or 3 epochs end one"),
                ("cycle", ["--epochs", 1, "--cycle-steps", 30, "--cycle-mult", 1], "--epochs 1 ends in the middle of a cycle, at a rate of 0.00021; 0.58 or 1.15 epochs end one")):
            with self.subTest(name):
                self.assertIn(says, self.said("--name", name, *sgdr, *words))
        for words in ([*sgdr, "--epochs", 3], ["--epochs", 0.3], [*sgdr, "--epochs", 0.75, "--cycle-epochs", 0.25]):
            self.assertNotIn("middle of a cycle", self.said("--name", "whole", *words, "--run-dir", self.folder / str(words)))

    def test_what_the_screen_says(self):
        for words, says in (
                (["--schedule", "sgdr", "--cycle-epochs", 0.25, "--epochs", 0.75], "sgdr from 0.001 in cycles of 0.25 epochs, each 2 times as long as the one before; 0.75 epochs, 39 steps"),
                (["--schedule", "onecycle", "--epochs", 0.5], "onecycle up to 0.001 and down again over the whole run; 0.5 epochs, 26 steps"),
                (["--schedule", "plateau", "--epochs", 0.5, "--warmup-steps", 1000], "plateau from 0.001, times 0.1 when more than 1 validation in a row got no better; warm-up over 1,000 steps")):
            self.assertIn(says, self.said(*words, "--run-dir", self.folder / str(words)))

    def test_whole_numbers_are_written_as_before(self):
        folder = self.train("whole", "--columns", 4, "--hidden", 4, "--schedule", "sgdr", "--cycle-epochs", "1.0", "--epochs", "3",
                            "--max-steps", 1)
        config = (folder / "config.toml").read_text()
        self.assertIn("\ncycle-epochs = 1\n", config)
        self.assertIn("\nepochs = 3\n", config)

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
