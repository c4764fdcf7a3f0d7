"""The training step against PyTorch: losses, gradients, hidden states and updates of the built program.

usage: parity_oracle.py [native|torch|gpu] [tf32|bf16] [TEST…]

With --learning-rate 1e-30 the weights stay where they are, and each gradient can be read back from the optimizer's first
moment in consecutive checkpoints: g_t = (m_t − 0.9 m_{t−1}) / 0.1.
"""
import sys
from pathlib import Path

import h5py
import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "e2e")]
import program
import reference

where = sys.argv.pop(1) if sys.argv[1:2] in (["native"], ["torch"], ["gpu"]) else ""
precision = sys.argv.pop(1) if sys.argv[1:2] in (["tf32"], ["bf16"]) else "fp32"
ON_GPU = where == "gpu"
COMPUTE = ["--device", "cuda"] if ON_GPU else ["--device", "cpu", "--engine", where] if where else []
COLUMNS = 5
# The program sums a few hundred float32 losses of about 4: rounding of about 1e-7 of the mean.
LOSS_TOLERANCE = 1e-6
# Of the largest element of a tensor. Rounding of float32 products (1e-7 of terms that partly cancel), and of the two
# moments that a gradient is read back from: 6e-8 of a moment that may be as large as the gradient, divided by 0.1.
GRADIENT_TOLERANCE = 2e-6
HIDDEN_TOLERANCE = 1e-6  # values in (−1, 1), through up to three windows
if ON_GPU:  # cuDNN's layers are less exact: PyTorch's own, called from Python, were off by 4e-6 to 1e-5 on an H100
    GRADIENT_TOLERANCE = HIDDEN_TOLERANCE = 1e-5
if precision != "fp32":
    COMPUTE += ["--precision", precision]
    # Factors of 8 bits are off by up to 0.4 %, of 11 bits by 0.05 %, of 17 bits by 8e-6. In a loss, the mean of forty,
    # that evens out.
    LOSS_TOLERANCE, GRADIENT_TOLERANCE = {
        "native bf16": (1e-3, 1e-2), "native tf32": (1e-5, 3e-5),
        "gpu bf16": (1e-3, 1e-2), "gpu tf32": (1e-4, 2e-3)}[f"{where} {precision}"]
    HIDDEN_TOLERANCE = GRADIENT_TOLERANCE


def tensors(group):
    return {name: np.array(dataset) for name, dataset in group.items()}


def read_checkpoints(run_folder):
    """{step: what the oracle needs of that checkpoint}."""
    found = {}
    for path in program.files_of(run_folder):
        with h5py.File(path) as file:
            found[int(file.attrs["step"])] = {
                "model": tensors(file["model"]), "exp_avg": tensors(file["optimizer/exp_avg"]),
                "hidden": tensors(file["hidden"]), "row": int(file["data"].attrs["row"])}
    return found


class Oracle(program.TestCase):
    characters = 6000

    def train_step_by_step(self, name, steps, *words):
        """Checkpoints after every step. The program keeps the newest two, so it is stopped after each two."""
        found = {}
        for last in range(2, steps + 2, 2):
            folder = self.train(name, "--columns", COLUMNS, "--save-every", 1, "--max-steps", min(last, steps), *words,
                                "--resume")
            found.update(read_checkpoints(folder))
        self.assertEqual(sorted(found), list(range(1, steps + 1)))
        return folder, found

    def columns(self, train_characters, lowercase=False):
        symbols = reference.vocabulary(self.text, train_characters, lowercase=lowercase)
        return reference.columns_of(reference.encode(self.text[:train_characters], symbols, lowercase), COLUMNS), symbols

    def assert_close(self, actual, expected, tolerance, what):
        self.assertEqual(actual.shape, expected.shape, what)
        worst = np.abs(actual - expected).max() / np.abs(expected).max()
        self.assertLessEqual(worst, tolerance, f"{what}: {worst:.2e} of the largest")


class Gradients(Oracle):
    """Weights stay, gradients are read back."""

    def check_gradients(self, cell, layers, dropout, *words, seed=1, steps=4, bptt=8):
        folder, files = self.train_step_by_step(
            "run", steps, "--model", cell, "--layers", layers, "--dropout", dropout, "--hidden", 37, "--embedding", 11,
            "--learning-rate", 1e-30, "--seed", seed, "--bptt", bptt, *COMPUTE, *words)
        columns, symbols = self.columns(len(self.text) * 8 // 10)
        model = reference.Model(cell, files[1]["model"], dropout)
        self.assertEqual(files[1]["model"]["e.weight"].shape[0], len(symbols))
        events = {event["step"]: event for event in program.metrics(folder, "step")}
        state, row, moments, lengths = model.zero_state(COLUMNS), 0, None, []
        for step in range(1, steps + 1):
            end = files[step]["row"]
            lengths.append(end - row)
            loss, state = model.train_window(columns[row:end], columns[row + 1:end + 1], state, seed, step - 1)
            self.assertAlmostEqual(events[step]["loss"], loss, delta=LOSS_TOLERANCE * loss)
            expected = model.gradients()
            norm = np.sqrt(sum(np.square(g).sum() for g in expected.values()))
            self.assertAlmostEqual(events[step]["gradient_norm"], norm, delta=GRADIENT_TOLERANCE * norm)
            self.assertEqual(set(files[step]["model"]), set(expected))
            for name, gradient in expected.items():
                before = moments[name].astype(float) if moments else 0
                actual = (files[step]["exp_avg"][name].astype(float) - 0.9 * before) / 0.1
                self.assert_close(actual, gradient, GRADIENT_TOLERANCE, f"step {step}, gradient of {name}")
                np.testing.assert_array_equal(files[step]["model"][name], files[1]["model"][name])
            hidden = model.hidden_arrays(state)
            self.assertEqual(set(files[step]["hidden"]), set(hidden))
            for name, values in hidden.items():
                error = np.abs(files[step]["hidden"][name] - values).max()
                self.assertLessEqual(error, HIDDEN_TOLERANCE * max(1, np.abs(values).max()), f"step {step}, {name}")
            moments, row = files[step]["exp_avg"], end
        return lengths

    def test_rnn(self):
        self.assertEqual(self.check_gradients("rnn", 1, 0, "--no-bptt-jitter"), [8] * 4)

    def test_gru(self):
        self.assertEqual(self.check_gradients("gru", 1, 0, "--no-bptt-jitter"), [8] * 4)

    def test_lstm(self):
        self.assertEqual(self.check_gradients("lstm", 1, 0, "--no-bptt-jitter"), [8] * 4)

    def test_rnn_two_layers_dropout_and_jitter(self):
        self.assertGreater(len(set(self.check_gradients("rnn", 2, 0.5))), 1, "no jitter")

    def test_gru_two_layers_dropout_and_jitter(self):
        self.assertGreater(len(set(self.check_gradients("gru", 2, 0.5))), 1, "no jitter")

    def test_lstm_two_layers_dropout_and_jitter(self):
        self.assertGreater(len(set(self.check_gradients("lstm", 2, 0.5))), 1, "no jitter")

    def test_lstm_three_layers_and_a_long_seed(self):
        # 1 / 0.7 is no float; the seed's upper half counts; the mask of the second layer is another one.
        self.check_gradients("lstm", 3, 0.3, "--no-bptt-jitter", seed=(5 << 32) + 6)


class Updates(Oracle):
    """Three real steps with PyTorch's own optimizers, from the same fresh weights."""

    def check_updates(self, make_optimizer, *words, rate=1e-2, clip=None):
        options = ["--model", "lstm", "--layers", 2, "--dropout", 0.5, "--hidden", 24, "--embedding", 9, *COMPUTE]
        still = self.train("still", "--columns", COLUMNS, "--max-steps", 1, *options, "--learning-rate", 1e-30)
        fresh = read_checkpoints(still)[1]["model"]
        folder, files = self.train_step_by_step("moving", 3, *options, "--learning-rate", rate, *words)
        columns, _ = self.columns(len(self.text) * 8 // 10)
        model = reference.Model("lstm", fresh, 0.5)
        optimizer = make_optimizer(model)
        # Adam divides by the size of the gradient itself: an element that is no larger than its own rounding error can
        # move by as much as the learning rate either way. So each element gets the error that its gradients allow.
        allowed = {name: 0.0 for name in fresh}
        squares = {name: 0.0 for name in fresh}
        rates = {model.names[name]: group["lr"] for group in optimizer.param_groups for name, p in
                 model.named_parameters() if any(p is member for member in group["params"])}
        decays = {model.names[name]: group["weight_decay"] for group in optimizer.param_groups for name, p in
                  model.named_parameters() if any(p is member for member in group["params"])}
        coupled = isinstance(optimizer, torch.optim.Adam) and not isinstance(optimizer, torch.optim.AdamW)
        state, row, clipped = model.zero_state(COLUMNS), 0, 0
        for step in range(1, 4):
            end = files[step]["row"]
            loss, state = model.train_window(columns[row:end], columns[row + 1:end + 1], state, 1, step - 1)
            if clip:
                clipped += torch.nn.utils.clip_grad_norm_(model.parameters(), clip).item() > clip
            gradients, before = model.gradients(), model.weights()
            for name, gradient in gradients.items():
                seen = gradient + decays[name] * before[name] * coupled
                squares[name] = 0.999 * squares[name] + 0.001 * np.square(seen)
                size = np.sqrt(squares[name] / (1 - 0.999 ** step)) + 1e-8
                rounding = GRADIENT_TOLERANCE * np.abs(gradient).max() + 1e-7 * np.abs(seen)
                rounding[squares[name] == 0] = 0  # the embedding of a character that has not come up yet
                allowed[name] = allowed[name] + rates[name] * np.minimum(2, 4 * rounding / size + 1e-6)
            optimizer.step()
            row = end
            for name, expected in model.weights().items():
                actual = files[step]["model"][name]
                error = np.abs(actual - expected)
                limit = allowed[name] + step * np.spacing(np.abs(actual))
                self.assertLessEqual((error / limit).max(), 1, f"step {step}, {name}")
                # Most elements must be held to far less than one update, or the test would say nothing.
                self.assertLess(np.median(limit), 1e-2 * rates[name], name)
        moved = max(np.abs(files[3]["model"][name] - fresh[name]).max() for name in fresh)
        self.assertGreater(moved, 1.5 * rate)
        self.assertEqual(clipped, 3 if clip else 0)

    def test_adam_with_weight_decay_and_clipping(self):
        self.check_updates(lambda model: torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-2),
                           "--weight-decay", 1e-2, "--clip-norm", 0.1, clip=0.1)

    def test_adamw(self):
        self.check_updates(lambda model: torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.3),
                           "--optimizer", "adamw", "--weight-decay", 0.3)

    def test_groups(self):
        # The first match counts: biases of layer 1 stay out of the second group; the rest has the run's own values.
        def make_optimizer(model):
            patterns = [("rnn.bias_*_l1", 3e-3, 0.0), ("rnn.*", 1e-3, 0.05), ("e.*", 2e-2, 0.5), ("", 1e-2, 0.1)]
            groups = {}
            for name, parameter in model.named_parameters():
                ours = model.names[name]
                number = 0 if ours in ("rnn.bias_ih_l1", "rnn.bias_hh_l1") else 1 if ours[0] == "r" else 2 if ours[0] == "e" else 3
                groups.setdefault(number, []).append(parameter)
            return torch.optim.Adam([{"params": groups[number], "lr": patterns[number][1],
                                      "weight_decay": patterns[number][2]} for number in sorted(groups)])
        self.check_updates(make_optimizer, "--weight-decay", 0.1, "--groups",
                           "rnn.bias_*_l1=3e-3:0,rnn.*=1e-3:0.05,e.*=2e-2:0.5")


if __name__ == "__main__":
    if ON_GPU:
        program.need_gpu()
    torch.set_num_threads(1)
    program.main()
