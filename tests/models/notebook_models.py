"""The notebook's ten models against the modules of python/charrnn, which are PyTorch's, on the batches that the program reads:
losses and every gradient over several steps. Which windows those are is worked out here from the documentation alone.

With --learning-rate 1e-30 the weights stay, and each gradient can be read back from the optimizer's first moment in
consecutive checkpoints: g_t = (m_t − 0.9 m_{t−1}) / 0.1.
"""
import math
import sys
from pathlib import Path

import h5py
import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "e2e"),
                str(Path(__file__).resolve().parents[2] / "python")]
import program
import reference
from charrnn.model import make_model
from charrnn.vocabulary import Vocabulary

HIDDEN, EMBEDDING, SEED, STEPS = 19, 7, 5, 4
LOSS_TOLERANCE = 1e-6      # float32 sums of some hundred losses of about 4
GRADIENT_TOLERANCE = 2e-6  # of a tensor's largest element: float32 products, and the two moments they are read from
SPLIT, SHUFFLE = 6, 7      # purposes of random numbers


def permutation(size, seed, purpose, number=0):
    """RandomPermutation: a Feistel network over rows × columns, places beyond the size are walked past."""
    rows = max(1, math.ceil(math.sqrt(size)))
    columns = -(-size // rows)
    key = ((seed & 0xFFFFFFFF) ^ (purpose * 0x85EBCA6B & 0xFFFFFFFF), seed >> 32)
    found, waiting = np.full(size, -1), np.arange(size)
    at = waiting.copy()
    while len(waiting):
        row, column = at % rows, at // rows
        for turn in range(6):
            other = column if turn % 2 == 0 else row
            word = reference.philox((other, turn, number & 0xFFFFFFFF, number >> 32), key)[..., 0].astype(np.int64)
            if turn % 2 == 0:
                row = (row + word) % rows
            else:
                column = (column + word) % columns
        at = column * rows + row
        done = at < size
        found[waiting[done]] = at[done]
        waiting, at = waiting[~done], at[~done]
    return found


class Windows:
    """The windows of a text: which are for training, and in which order an epoch has them."""

    def __init__(self, characters, window, stride, train_fraction, batch, seed=SEED):
        self.count = max(0, -(-(characters - window - 1) // stride))
        self.stride, self.batch, self.seed = stride, batch, seed
        split = permutation(self.count, seed, SPLIT)
        held_out = math.floor((1 - train_fraction) * self.count)
        self.validation, self.training = split[:held_out], split[held_out:]

    def starts(self, step):
        """First characters of the windows of a step (from 0)."""
        per_epoch = -(-len(self.training) // self.batch)
        order = permutation(len(self.training), self.seed, SHUFFLE, step // per_epoch)
        first = step % per_epoch * self.batch
        return self.training[order[first:first + self.batch]] * self.stride


class Parity(program.TestCase):
    characters = 3000

    def checkpoints(self, *words, ranks=None):
        """{step: what the oracle needs}, of STEPS steps. The program keeps the newest two, so it is stopped after each two."""
        found = {}
        for last in range(2, STEPS + 1, 2):
            self.run_folder = self.train("run", "--hidden", HIDDEN, "--embedding", EMBEDDING, "--learning-rate", 1e-30, "--seed",
                                         SEED, "--save-every", 1, "--max-steps", last, "--resume", *words, ranks=ranks)
            for path in program.files_of(self.run_folder):
                with h5py.File(path) as file:
                    found[int(file.attrs["step"])] = {
                        "row": int(file["data"].attrs["row"]),
                        **{group: {name: np.array(data) for name, data in file[group].items()}
                           for group in ("model", "optimizer/exp_avg")}}
                    self.symbols = [symbol.rstrip(b"\0").decode() for symbol in np.array(file["vocabulary"])]
        return found

    def check(self, kind, batches, *words, carry, ranks=None, layers=1):
        """`batches(step, files)` gives inputs [T, B] and targets, [T, B] or [B]."""
        files = self.checkpoints("--model", kind, "--layers", layers, *words, ranks=ranks)
        settings = {"model": kind, "layers": layers, "hidden": HIDDEN, "embedding": EMBEDDING, "dropout": 0, "window": 0}
        model = make_model(settings, Vocabulary(self.symbols, full=not carry), {}).double()
        # The very names of the notebook's modules: a missing or an unknown one is an error.
        model.load_state_dict({name: torch.from_numpy(array.astype(float)) for name, array in files[1]["model"].items()})
        moments, state = None, None
        for step in range(STEPS):
            inputs, targets = batches(step, files)
            model.zero_grad()
            logits, state = model(inputs, state if carry else None)
            state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
            predicted = logits if targets.dim() == 2 else logits[-1:]
            loss = torch.nn.functional.cross_entropy(predicted.flatten(0, 1), targets.flatten())
            loss.backward()
            self.assertAlmostEqual(program.losses(self.run_folder)[step + 1], loss.item(), delta=LOSS_TOLERANCE * loss.item())
            now = files[step + 1]["optimizer/exp_avg"]
            for name, parameter in model.named_parameters():
                before = moments[name].astype(float) if moments else 0
                actual, expected = (now[name].astype(float) - 0.9 * before) / 0.1, parameter.grad.numpy()
                worst = np.abs(actual - expected).max() / np.abs(expected).max()
                self.assertLessEqual(worst, GRADIENT_TOLERANCE, f"step {step + 1}, {name}: {worst:.2e} of the largest")
            moments = now
        return files

    def check_windows(self, name, window, stride, predict, *words, ranks=None):
        symbols = ["\0", *sorted(set(self.text) - {"\0"})]
        tokens = np.array([symbols.index(c) for c in self.text])
        windows = Windows(len(self.text), window, stride, 0.8, 24)

        def batches(step, _files):
            places = windows.starts(step)[None, :] + np.arange(window)[:, None]
            targets = tokens[places + 1] if predict == "every" else tokens[places[-1] + 1]
            return torch.from_numpy(tokens[places]), torch.from_numpy(targets)
        files = self.check(name, batches, "--window", window, "--stride", stride, "--predict", predict,
                           "--full-vocabulary", "--columns", 24, *words, carry=False, ranks=ranks)
        self.assertEqual(self.symbols, ["", *symbols[1:]])
        return files

    def check_columns(self, name, *words, **how):
        train = len(self.text) * 8 // 10
        columns = reference.columns_of(reference.encode(self.text[:train], reference.vocabulary(self.text, train)), 5)

        def batches(step, files):
            first, last = files[step]["row"] if step else 0, files[step + 1]["row"]
            return columns[first:last], columns[first + 1:last + 1]
        return self.check(name, batches, "--columns", 5, "--bptt", 9, *words, carry=True, **how)

    def test_char3_model(self):
        self.check_windows("Char3Model", 3, 3, "last")

    def test_char_loop_model(self):
        self.check_windows("CharLoopModel", 8, 1, "last", ranks=2)

    def test_char_loop_concat_model(self):
        self.check_windows("CharLoopConcatModel", 8, 1, "last")

    def test_char_rnn(self):
        self.check_windows("CharRnn", 8, 1, "last")

    def test_char_seq_rnn(self):
        self.check_windows("CharSeqRnn", 8, 8, "every", ranks=3)

    def test_char_seq_rnn_identity(self):
        files = self.check_windows("CharSeqRnn", 8, 8, "every", "--recurrent-init", "identity")
        # But for one update at that tiny rate.
        np.testing.assert_allclose(files[1]["model"]["rnn.weight_hh_l0"], np.eye(HIDDEN), rtol=0, atol=1e-29)
        self.assertGreater(np.abs(files[1]["model"]["rnn.weight_ih_l0"]).min(), 0)

    def test_char_seq_stateful_rnn(self):
        self.check_columns("CharSeqStatefulRnn")

    def test_char_seq_stateful_rnn2(self):
        self.check_columns("CharSeqStatefulRnn2", ranks=2)

    def test_char_seq_stateful_gru(self):
        self.check_columns("CharSeqStatefulGRU")

    def test_gru_cell_written_out(self):
        self.check_columns("gru_cell")

    def test_char_seq_stateful_lstm(self):
        self.check_columns("CharSeqStatefulLSTM", layers=2)

    def test_lstm_cell_written_out(self):
        self.check_columns("lstm_cell")

    def test_norm_lstm(self):
        self.check_columns("norm_lstm", layers=2)

    def test_norm_lstm_of_libtorch(self):
        self.check_columns("norm_lstm", "--engine", "torch", layers=2, ranks=2)


class Epochs(program.TestCase):
    """Windows over whole epochs, by the oracle that the parity tests hold against the program."""

    def test_every_window_once_an_epoch(self):
        windows = Windows(1000, 8, 3, 0.8, 24)
        self.assertEqual(windows.count, 331)
        per_epoch = -(-len(windows.training) // 24)
        epochs = [np.concatenate([windows.starts(epoch * per_epoch + i) for i in range(per_epoch)]) for epoch in (0, 1)]
        for starts in epochs:
            self.assertEqual(sorted(starts), sorted(windows.training * 3))
        self.assertFalse((epochs[0] == epochs[1]).all())
        self.assertEqual(sorted([*windows.training, *windows.validation]), list(range(331)))
        self.assertEqual(len(windows.validation), 66)


if __name__ == "__main__":
    torch.set_num_threads(1)
    program.main()
