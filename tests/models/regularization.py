"""Every kind of dropout, weight averaging and ensembles against PyTorch, with masks worked out from the documentation
(src/models/dropout.hpp)."""
import json
import sys
from pathlib import Path

import h5py
import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "e2e")]
import program
import reference

COLUMNS, HIDDEN, EMBEDDING, LAYERS = 5, 20, 7, 2
MODEL = ["--layers", LAYERS, "--hidden", HIDDEN, "--embedding", EMBEDDING, "--columns", COLUMNS, "--bptt", 9]
LOSS_TOLERANCE, GRADIENT_TOLERANCE = 1e-6, 2e-6  # as in parity_oracle.py
INPUT, WEIGHTS = 255, 8  # in place of a layer's number; the purpose of weight masks


def weight_mask(seed, step, layer, p, shape):
    """Element i of the flattened weights has draw i mod 8 of block i div 8."""
    count = int(np.prod(shape))
    blocks = np.arange(-(-count // 8))
    key = ((seed & 0xFFFFFFFF) ^ (WEIGHTS * 0x85EBCA6B & 0xFFFFFFFF), seed >> 32)
    words = reference.philox((blocks, layer, step & 0xFFFFFFFF, step >> 32), key)
    draws = np.stack([words & np.uint64(0xFFFF), words >> np.uint64(16)], axis=-1).reshape(-1)[:count]
    return torch.from_numpy(np.where(draws < round(65536 * p), 0.0, 1 / (1 - p)).reshape(shape))


class Regularized(torch.nn.Module):
    """An LSTM, or a norm_lstm, written out over its weights, so that every mask can be put where it belongs."""

    def __init__(self, weights, seed=1, between=0.0, of_input=0.0, of_output=0.0, locked=False, of_weights=0.0):
        super().__init__()
        self.names = list(weights)
        self.weights = torch.nn.ParameterList([torch.from_numpy(weights[name].astype(float)) for name in self.names])
        self.seed, self.between, self.of_input, self.of_output = seed, between, of_input, of_output
        self.locked, self.of_weights = locked, of_weights
        self.is_norm_lstm = "rnn.norm_weight_l0" in self.names

    def __getitem__(self, name):
        return self.weights[self.names.index(name)]

    def drop(self, x, layer, p, step):
        if p == 0:
            return x
        length = 1 if self.locked else x.shape[0]
        return x * reference.dropout_mask(self.seed, step, layer, p, length, x.shape[1], x.shape[2])

    def normalised(self, c, layer):
        if not self.is_norm_lstm:
            return c
        norm = self[f"rnn.norm_weight_l{layer}"], self[f"rnn.norm_bias_l{layer}"]
        return torch.nn.functional.layer_norm(c, (HIDDEN,), *norm)

    def forward(self, inputs, state, step):
        x, after = self.drop(self["e.weight"][inputs], INPUT, self.of_input, step), []
        for layer in range(LAYERS):
            hh = self[f"rnn.weight_hh_l{layer}"]
            if self.of_weights:
                hh = hh * weight_mask(self.seed, step, layer, self.of_weights, hh.shape)
            (h, c), outputs = state[layer], []
            for row in x @ self[f"rnn.weight_ih_l{layer}"].T + self[f"rnn.bias_ih_l{layer}"] + self[f"rnn.bias_hh_l{layer}"]:
                i, f, g, o = (row + h @ hh.T).chunk(4, 1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(self.normalised(c, layer))
                outputs.append(h)
            after.append((h.detach(), c.detach()))
            outputs = torch.stack(outputs) + (x if self.is_norm_lstm and layer > 0 else 0)
            x = self.drop(outputs, layer, self.of_output if layer + 1 == LAYERS else self.between, step)
        return x @ self["l_out.weight"].T + self["l_out.bias"], after


class Text(program.TestCase):
    characters = 4000

    def columns(self):
        train = len(self.text) * 8 // 10
        symbols = reference.vocabulary(self.text, train)
        return reference.columns_of(reference.encode(self.text[:train], symbols), COLUMNS)

    def validation(self, columns):
        train = len(self.text) * 8 // 10
        return reference.columns_of(reference.encode(self.text, reference.vocabulary(self.text, train))[train:], columns)


def tensors(path, group="model"):
    with h5py.File(path) as file:
        return {name: np.array(data) for name, data in file[group].items()}


class Dropout(Text):
    def check(self, *words, ranks=None, **masks):
        """Two steps: gradients are read back from the first moment, at a rate so small that the weights stay."""
        columns, moments, row = self.columns(), None, 0
        state = [(torch.zeros(COLUMNS, HIDDEN, dtype=torch.float64),) * 2 for _ in range(LAYERS)]
        for step in range(2):
            folder = self.train("run", *MODEL, "--learning-rate", 1e-30, "--seed", 3, "--max-steps", step + 1, "--resume", *words,
                                ranks=ranks)
            latest = folder / "checkpoints/latest"
            model = Regularized(tensors(latest), seed=3, **masks)
            with h5py.File(latest) as file:
                end = int(file["data"].attrs["row"])
            logits, state = model(columns[row:end], state, step)
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), columns[row + 1:end + 1].flatten())
            loss.backward()
            self.assertAlmostEqual(program.losses(folder)[step + 1], loss.item(), delta=LOSS_TOLERANCE * loss.item())
            now = tensors(latest, "optimizer/exp_avg")
            for name, parameter in zip(model.names, model.weights, strict=True):
                before = moments[name].astype(float) if moments else 0
                actual, expected = (now[name].astype(float) - 0.9 * before) / 0.1, parameter.grad.numpy()
                worst = np.abs(actual - expected).max() / np.abs(expected).max()
                self.assertLessEqual(worst, GRADIENT_TOLERANCE, f"step {step + 1}, {name}: {worst:.2e} of the largest")
            moments, row = now, end

    def test_input_and_output(self):
        self.check("--dropout-input", 0.25, "--dropout-output", 0.4, of_input=0.25, of_output=0.4)

    def test_locked(self):
        self.check("--locked-dropout", "--dropout", 0.5, "--dropout-input", 0.1, "--dropout-output", 0.3, ranks=2,
                   locked=True, between=0.5, of_input=0.1, of_output=0.3)

    def test_weights(self):
        self.check("--weight-dropout", 0.3, "--dropout", 0.2, ranks=3, of_weights=0.3, between=0.2)

    def test_residual_connections(self):
        self.check("--model", "norm_lstm", "--weight-dropout", 0.3, "--dropout", 0.4, "--dropout-output", 0.2, ranks=2,
                   of_weights=0.3, between=0.4, of_output=0.2)


class Average(Text):
    WORDS = [*MODEL, "--learning-rate", 1e-2, "--weight-average", 0.6, "--dropout", 0.3, "--seed", 4]

    def test_definition(self):
        """a ← d·a + (1 − d)·p after every step n, with d = min(decay, (1 + n) / (10 + n))."""
        start = self.train("start", *self.WORDS, "--learning-rate", 1e-30, "--max-steps", 1)
        average = {name: array.astype(float) for name, array in tensors(start / "checkpoints/latest").items()}
        for step in range(1, 13):
            folder = self.train("run", *self.WORDS, "--max-steps", step, "--resume")
            latest = folder / "checkpoints/latest"
            trained, stored = tensors(latest, "optimizer/parameters"), tensors(latest)
            decay = min(0.6, (1 + step) / (10 + step))
            for name in average:
                average[name] = decay * average[name] + (1 - decay) * trained[name]
                error = np.abs(stored[name] - average[name]).max()
                self.assertLessEqual(error, 1e-6 * np.abs(average[name]).max(), f"step {step}, {name}")
        self.assertGreater(np.abs(stored["l_out.weight"] - trained["l_out.weight"]).max(), 1e-3)
        straight = self.train("straight", *self.WORDS, "--max-steps", 12)
        self.assertEqual(program.parameter_hash(folder), program.parameter_hash(straight))
        for name, array in tensors(straight / "checkpoints/latest", "optimizer/parameters").items():
            np.testing.assert_array_equal(array, trained[name])

    def test_going_on_without_it(self):
        """The weights that were trained go on, not their average, to which Adam's moments do not belong."""
        before = self.train("run", *self.WORDS, "--max-steps", 6)
        trained = tensors(before / "checkpoints/latest", "optimizer/parameters")
        after = self.train("run", *self.WORDS, "--max-steps", 7, "--resume", "--weight-average", 0, "--learning-rate", 1e-30)
        now = tensors(after / "checkpoints/latest")
        for name, array in trained.items():
            np.testing.assert_array_equal(now[name], array)
        with h5py.File(after / "checkpoints/latest") as file:
            self.assertNotIn("parameters", file["optimizer"])

    def test_validation_is_the_averages(self):
        folder = self.train("run", *self.WORDS, "--epochs", 1, ranks=2)
        (epoch,) = program.metrics(folder, "epoch")
        found = json.loads(program.run("eval", "--checkpoint", folder, "--corpus", self.corpus, "--part", "validation", "--columns",
                                       COLUMNS, "--json").stdout)["loss"]
        self.assertAlmostEqual(found, epoch["val_loss"], delta=1e-6 * found)


class Ensemble(Text):
    def test_mean_of_probabilities(self):
        paths = [self.train(f"seed{seed}", *MODEL, "--learning-rate", 1e-2, "--seed", seed, "--max-steps", 60) for seed in (1, 2, 3)]
        columns = self.validation(2)
        probabilities = []
        for path in paths:
            model = reference.Model("lstm", tensors(path / "checkpoints/latest"))
            with torch.no_grad():
                logits, _ = model(columns[:-1], model.zero_state(2))
            probabilities.append(torch.softmax(logits, -1).gather(2, columns[1:, :, None]).squeeze(2))
        expected = -torch.stack(probabilities).mean(0).log().mean().item()
        alone = [-p.log().mean().item() for p in probabilities]
        # Neither one of them nor the mean of their losses: each would be told from the right answer.
        for wrong in (*alone, np.mean(alone)):
            self.assertGreater(abs(expected - wrong), 1e-3)
        for ranks in (None, 2):
            found = json.loads(program.run("eval", "--ensemble", *paths, "--corpus", self.corpus, "--part", "validation",
                                           "--columns", 2, "--json", "--threads", 1, ranks=ranks).stdout)
            self.assertAlmostEqual(found["loss"], expected, delta=1e-6 * expected)
            self.assertEqual(found["characters"], (len(columns) - 1) * 2)
            self.assertEqual(len(found["ensemble"]), 3)
        # Greedy text of the three together.
        train = len(self.text) * 8 // 10
        symbols = reference.vocabulary(self.text, train)
        models = [reference.Model("lstm", tensors(path / "checkpoints/latest")) for path in paths]
        states = [model.zero_state(1) for model in models]
        written, tokens = "ba", reference.encode("ba", symbols)
        for _ in range(40):
            total = 0
            for i, model in enumerate(models):
                with torch.no_grad():
                    logits, states[i] = model(torch.from_numpy(tokens)[:, None], states[i])
                total = total + torch.softmax(logits[-1, 0], -1)
            token = int(total[2:].argmax()) + 2  # <unk> and <pad> are no characters
            written, tokens = written + symbols[token], np.array([token])
        said = program.run("sample", "--checkpoint", *paths, "--prime", "ba", "--length", 40, "--greedy").stdout
        self.assertEqual(said, written + "\n")

    def test_models_that_do_not_fit_together(self):
        one = self.train("one", *MODEL, "--max-steps", 1)
        other = self.train("other", *MODEL, "--max-steps", 1, "--lowercase")
        result = program.run("eval", "--ensemble", one, other, "--corpus", self.corpus, expect=65)
        self.assertIn("cannot predict together", result.stderr)


if __name__ == "__main__":
    torch.set_num_threads(1)
    program.main()
