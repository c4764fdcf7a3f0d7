"""The cells that are written out (rnn_cell, gru_cell, lstm_cell) against ATen's fast layers (rnn, gru, lstm), in the
program itself: from the same seed both start with the same numbers, and train alike."""
import sys
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

# The two add the same float32 terms in another order: as in tests/e2e/ranks.py.
TOLERANCE, PARAMETER_TOLERANCE = 1e-6, 1e-5
MODEL = ["--hidden", 24, "--embedding", 9, "--columns", 6, "--bptt", 10, "--dropout-input", 0.2,
         "--dropout-output", 0.3, "--weight-dropout", 0.4]


class Cells(program.TestCase):
    characters = 6000

    def read(self, run_folder):
        with h5py.File(run_folder / "checkpoints/latest") as file:
            # rnn.weight_ih of a cell is rnn.weight_ih_l0 of a layer; nothing else differs.
            names = {name: name + "_l0" if name.startswith("rnn.") and not name.endswith("_l0") else name
                     for name in file["model"]}
            return ({names[name]: np.array(array) for name, array in file["model"].items()},
                    {name: np.array(array) for name, array in file["hidden"].items()}, sorted(file["model"]))

    def check(self, kind, *words):
        folders = [self.train(name, "--model", name, *MODEL, "--max-steps", 12, "--validate-every", 12, *words)
                   for name in (kind, kind + "_cell")]
        fast, cell = (program.metrics(folder) for folder in folders)
        self.assertEqual([event["event"] for event in cell], ["step"] * 12 + ["validation"])
        for ours, theirs in zip(cell, fast, strict=True):
            for key in ("loss", "gradient_norm", "val_loss"):
                if key in theirs:
                    self.assertAlmostEqual(ours[key], theirs[key], delta=TOLERANCE * theirs[key],
                                           msg=f"step {ours['step']}, {key}")
        (fast, fast_state, _), (cell, cell_state, names) = (self.read(folder) for folder in folders)
        self.assertEqual(names, ["e.weight", "l_out.bias", "l_out.weight", "rnn.bias_hh", "rnn.bias_ih",
                                 "rnn.weight_hh", "rnn.weight_ih"])
        self.assertEqual(set(cell), set(fast))
        for name, expected in fast.items():
            self.assertLessEqual(np.abs(cell[name] - expected).max(), PARAMETER_TOLERANCE, name)
        self.assertEqual(set(cell_state), {"h", "c"} if kind == "lstm" else {"h"})
        for name, expected in fast_state.items():
            error = np.abs(cell_state[name] - expected).max()
            self.assertLessEqual(error, PARAMETER_TOLERANCE * max(1, np.abs(expected).max()), name)
        self.assertGreater(np.abs(fast_state["h"]).max(), 0.05, "too little in the state to see a difference")

    def test_rnn(self):
        self.check("rnn")

    def test_gru(self):
        self.check("gru", "--recurrent-init", "identity")

    def test_lstm(self):
        self.check("lstm")

    def test_identity_start(self):
        """The unit matrix in every gate, in the hidden-to-hidden weights alone; char_loop's are l_hidden's."""
        for model, name, gates in (("gru", "rnn.weight_hh_l0", 3), ("lstm_cell", "rnn.weight_hh", 4),
                                   ("CharLoopModel", "l_hidden.weight", 1)):
            found = []
            for start in ("identity", "uniform"):
                folder = self.train(f"{model}_{start}", "--model", model, *MODEL, "--recurrent-init", start,
                                    "--learning-rate", 1e-30, "--max-steps", 1)
                with h5py.File(folder / "checkpoints/latest") as file:
                    found.append({key: np.array(array) for key, array in file["model"].items()})
            # But for one update at that tiny rate.
            np.testing.assert_allclose(found[0].pop(name), np.tile(np.eye(24), (gates, 1)), rtol=0, atol=1e-29)
            self.assertGreater(np.abs(found[1].pop(name)).min(), 0)
            for key, array in found[1].items():
                np.testing.assert_array_equal(found[0][key], array)


if __name__ == "__main__":
    program.main()
