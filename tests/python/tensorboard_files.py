"""Event files, read back by TensorBoard's own reader."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

try:
    from tensorboard.backend.event_processing import event_accumulator
except ImportError as error:
    print(f"skipped: no TensorBoard here ({error}); launch/install --tests brings it")
    sys.exit(77)
import numpy as np

MODEL = ["--columns", 4, "--bptt", 16, "--model", "gru", "--hidden", 12, "--tensorboard"]


class TensorBoard(program.TestCase):
    characters = 8_000

    def read(self, run_folder):
        everything = {event_accumulator.SCALARS: 0, event_accumulator.TENSORS: 0}
        accumulator = event_accumulator.EventAccumulator(str(run_folder / "tensorboard"), size_guidance=everything)
        accumulator.Reload()
        return accumulator

    def curve(self, accumulator, tag):
        return [(point.step, point.value) for point in accumulator.Scalars(tag)]

    def texts(self, accumulator, tag):
        return {point.step: point.tensor_proto.string_val[0].decode() for point in accumulator.Tensors(tag)}

    def check_against_metrics(self, run_folder):
        """Every point of metrics.jsonl, as float32, and no other."""
        accumulator = self.read(run_folder)
        steps = program.metrics(run_folder, "step")
        self.assertGreater(len(steps), 3)
        for tag, key, unit in (("loss/train", "loss", 1), ("bits_per_character/train", "loss", np.log(2)),
                               ("learning_rate", "learning_rate", 1), ("gradient_norm", "gradient_norm", 1),
                               ("characters_per_second", "characters_per_second", 1)):
            self.assertEqual(self.curve(accumulator, tag), [(event["step"], np.float32(event[key] / unit)) for event in steps])
        validations = [event for event in program.metrics(run_folder)
                       if event["event"] in ("validation", "epoch") and event["val_loss"] is not None]
        self.assertGreater(len(validations), 1)
        self.assertEqual(self.curve(accumulator, "loss/validation"),
                         [(event["step"], np.float32(event["val_loss"])) for event in validations])
        return accumulator

    def test_a_run(self):
        run_folder = self.train("run", *MODEL, "--epochs", 2, "--validate-every", 30)
        accumulator = self.check_against_metrics(run_folder)
        config = (run_folder / "config.toml").read_text()
        self.assertEqual("".join(line[4:] + "\n" for line in self.texts(accumulator, "config")[0].splitlines()), config)
        self.assertEqual(len(self.texts(accumulator, "sample")), (run_folder / "samples.txt").read_text().count("--- step "))
        self.assertGreater(len(self.texts(accumulator, "sample")), 0)

    def test_a_resume_purges_later_points(self):
        """A run that goes on from an early checkpoint: what came after it comes again."""
        run_folder = self.train("run", *MODEL, "--epochs", 3)
        start = program.earliest_of(run_folder)
        self.assertLess(int(start.stem[len("step_"):]), self.read(run_folder).Scalars("loss/train")[-1].step)
        self.train("run", *MODEL, "--epochs", 3, "--learning-rate", 2e-3, "--resume", start)
        self.assertEqual(len(os.listdir(run_folder / "tensorboard")), 2)
        self.check_against_metrics(run_folder)

    def test_off_by_default(self):
        run_folder = self.train("run", *MODEL[:-1], "--max-steps", 3)
        self.assertFalse((run_folder / "tensorboard").exists())

    def test_only_the_first_rank_writes(self):
        run_folder = self.train("run", *MODEL, "--max-steps", 5, ranks=2)
        self.assertEqual(len(os.listdir(run_folder / "tensorboard")), 1)

    def test_switched_on_by_a_resume(self):
        run_folder = self.train("run", *MODEL[:-1], "--max-steps", 3)
        self.train("run", *MODEL, "--max-steps", 6, "--resume")
        self.assertEqual([step for step, _ in self.curve(self.read(run_folder), "loss/train")], [4, 5, 6])


if __name__ == "__main__":
    program.main()
