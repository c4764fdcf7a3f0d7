"""Checkpoints as a stranger meets them: the file format read with hashlib and h5py alone, the model in it evaluated with
PyTorch, and what the program says of files that are damaged."""
import hashlib
import json
import random
import re
import shutil
import sys
import tomllib
from pathlib import Path

import h5py
import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("e2e", "models")]
import program
import reference

COLUMNS = 6
MODEL = ["--model", "lstm", "--layers", 2, "--hidden", 20, "--embedding", 7, "--dropout", 0.5]
# Float32 losses of about 3 are summed in windows of some hundreds: rounding of about 1e-7 of the mean.
LOSS_TOLERANCE = 1e-6


def attributes(thing):
    """All attributes; text comes as fixed-length UTF-8."""
    return {key: value.decode() if isinstance(value, bytes) else value for key, value in thing.attrs.items()}


class Format(program.TestCase):
    characters = 8000

    def setUp(self):
        super().setUp()
        self.run_folder = self.train(
            "run", "--columns", COLUMNS, "--bptt", 20, *MODEL, "--lowercase", "--schedule", "phases", "--phases",
            "1e-2:1,1e-3:2", "--save-every", 10, "--groups", "e.*=3e-3:0.25", "--weight-decay", 0.5, "--seed", 3)
        self.path = self.run_folder / "checkpoints" / "cycle_1.h5"

    def test_user_block(self):
        for path in program.files_of(self.run_folder):
            contents = path.read_bytes()
            expected = b"charrnn_dist 1\nsha256 " + hashlib.sha256(contents[512:]).hexdigest().encode() + b"\n"
            self.assertEqual(contents[:512], expected.ljust(512, b"\0"))
            # HDF5's own structures: superblock version 3 comes with libver latest, and carries checksums.
            self.assertEqual(contents[512:520], b"\x89HDF\r\n\x1a\n")
            self.assertEqual(contents[520], 3)

    def test_contents(self):
        symbols = reference.vocabulary(self.text, len(self.text) * 8 // 10, lowercase=True)
        epochs = program.metrics(self.run_folder, "epoch")
        steps = epochs[-1]["step"]
        weights = {"e.weight": (len(symbols), 7), "l_out.weight": (len(symbols), 20), "l_out.bias": (len(symbols),)}
        for layer, inputs in ((0, 7), (1, 20)):
            weights |= {f"rnn.weight_ih_l{layer}": (80, inputs), f"rnn.weight_hh_l{layer}": (80, 20),
                        f"rnn.bias_ih_l{layer}": (80,), f"rnn.bias_hh_l{layer}": (80,)}
        tensors = {f"{group}/{name}": shape for name, shape in weights.items()
                   for group in ("model", "optimizer/exp_avg", "optimizer/exp_avg_sq")}
        tensors |= {"hidden/h": (2, COLUMNS, 20), "hidden/c": (2, COLUMNS, 20)}
        expected = {
            "/": {"format_version", "arch", "step", "epoch", "cycle", "created_utc", "program_version",
                  "processor"},
            "vocabulary": {"unknown", "padding", "lowercase", "min_freq", "bytes", "full"},
            "model_config": {"model", "layers", "hidden", "embedding", "recurrent_init", "dropout", "dropout_input",
                             "dropout_output", "locked_dropout", "weight_dropout", "window", "predict"},
            "optimizer": {"step"}, "optimizer/groups/0": {"match", "lr", "weight_decay"},
            "optimizer/groups/1": {"match", "lr", "weight_decay"},
            "data": {"corpus_sha256", "train_characters", "row", "columns", "bptt"},
            "progress": {"loss_sum", "characters", "smoothed_loss", "smoothed_weight", "seconds", "best_val_loss",
                         "best_step", "validations_since_best", "skipped_steps", "skipped_in_a_row", "validated_step"}}
        groups = {"model", "model_config", "optimizer", "optimizer/exp_avg", "optimizer/exp_avg_sq", "optimizer/groups",
                  "optimizer/groups/0", "optimizer/groups/1", "hidden", "data", "progress"}
        with h5py.File(self.path) as file:
            found = []
            file.visit(found.append)
            self.assertEqual(set(found), set(tensors) | groups | {"config", "vocabulary", "history", "validations"})
            for name in ["/", *found]:
                self.assertEqual(set(file[name].attrs), expected.get(name, set()), name)
                for key, value in attributes(file[name]).items():
                    self.assertIn(type(value), (np.int64, np.float64, str), f"{name}@{key}")
            self.assertEqual(file.userblock_size, 512)
            for name, shape in tensors.items():
                self.assertEqual((file[name].dtype, file[name].shape), (np.dtype("<f4"), shape), name)
            for name in [*tensors, "vocabulary", "history", "validations"]:
                self.assertTrue(file[name].fletcher32 and file[name].chunks, name)

            top = attributes(file)
            self.assertEqual((top["format_version"], top["arch"], top["step"], top["epoch"], top["cycle"]),
                             (1, "lstm", steps, 3, 1))
            self.assertRegex(top["created_utc"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertEqual(top["program_version"], program.run("--version").stdout.split()[1])
            self.assertIn(re.search("model name\\s*: (.*)", Path("/proc/cpuinfo").read_text())[1], top["processor"])
            self.assertEqual(file["config"].asstr()[()], (self.run_folder / "config.toml").read_text())
            config = tomllib.loads(file["config"].asstr()[()])
            self.assertEqual((config["model"]["hidden"], config["schedule"]["phases"], config["run"]["seed"]),
                             (20, ["1e-2:1", "1e-3:2"], 3))

            self.assertEqual(attributes(file["model_config"]),
                             {"model": "lstm", "layers": 2, "hidden": 20, "embedding": 7, "recurrent_init": "uniform",
                              "dropout": 0.5, "dropout_input": 0, "dropout_output": 0, "locked_dropout": 0,
                              "weight_dropout": 0, "window": 0, "predict": "every"})

            self.assertEqual(h5py.check_string_dtype(file["vocabulary"].dtype).encoding, "utf-8")
            self.assertEqual(list(file["vocabulary"].asstr()[()]), symbols)
            self.assertEqual(attributes(file["vocabulary"]),
                             {"unknown": 0, "padding": 1, "lowercase": 1, "min_freq": 3, "bytes": 0, "full": 0})
            self.assertEqual(file["optimizer"].attrs["step"], steps)
            self.assertEqual([attributes(file[f"optimizer/groups/{i}"]) for i in (0, 1)],
                             [{"match": "e.*", "lr": 3e-3, "weight_decay": 0.25},
                              {"match": "*", "lr": 1e-3, "weight_decay": 0.5}])
            self.assertEqual(attributes(file["data"]),
                             {"corpus_sha256": hashlib.sha256(self.corpus.read_bytes()).hexdigest(),
                              "train_characters": 6400, "row": 0, "columns": COLUMNS, "bptt": 20})
            history = file["history"]
            self.assertEqual(history.dtype.names,
                             ("epoch", "step", "train_loss", "val_loss", "learning_rate", "seconds"))
            self.assertEqual([{name: row[name] for name in history.dtype.names} for row in history],
                             [{name: event[name] for name in history.dtype.names} for event in epochs])

    def test_names(self):
        epochs = program.metrics(self.run_folder, "epoch")
        per_epoch = epochs[0]["step"]
        steps = {path.name: h5py.File(path).attrs["step"] for path in program.files_of(self.run_folder)}
        self.assertEqual(steps["cycle_0.h5"], per_epoch)
        self.assertEqual(steps["cycle_1.h5"], 3 * per_epoch)
        for name, step in steps.items():
            self.assertIn(name, (f"step_{step}.h5", "cycle_0.h5", "cycle_1.h5"))
        folder = self.run_folder / "checkpoints"
        others = [path.name for path in folder.iterdir() if path.suffix != ".h5"]
        self.assertEqual(sorted(others), ["best", "latest"])
        # Links are relative, so that a run's folder can be moved.
        self.assertEqual(str((folder / "latest").readlink()), "cycle_1.h5")
        best = min(epochs, key=lambda event: event["val_loss"])["step"]
        self.assertEqual(steps[str((folder / "best").readlink())], best)
        # Of the step files the newest two stay, and the best one.
        newest = sorted((step for name, step in steps.items() if name.startswith("step_")), reverse=True)
        self.assertGreaterEqual(len(newest), 2)
        self.assertLessEqual(len([step for step in newest if step != best]), 2)

    def test_validation_loss(self):
        with h5py.File(self.path) as file:
            model = reference.Model(attributes(file)["arch"], {name: np.array(d) for name, d in file["model"].items()})
            symbols = list(file["vocabulary"].asstr()[()])
            lowercase = bool(file["vocabulary"].attrs["lowercase"])
            split = int(file["data"].attrs["train_characters"])
            val_loss = file["history"][-1]["val_loss"]
        tokens = reference.encode(self.text, symbols, lowercase)
        parts = {"train": tokens[:split], "validation": tokens[split:], "all": tokens}
        expected = model.evaluate(reference.columns_of(parts["validation"], COLUMNS))
        self.assertAlmostEqual(val_loss, expected, delta=LOSS_TOLERANCE * expected)
        self.assertEqual(program.metrics(self.run_folder, "epoch")[-1]["val_loss"], val_loss)
        for part, columns, ranks in (("validation", COLUMNS, None), ("validation", COLUMNS, 2), ("validation", 1, None),
                                     ("train", 7, 2), ("all", 3, None)):
            result = program.run("eval", "--checkpoint", self.path, "--corpus", self.corpus, "--part", part, "--columns",
                                 columns, "--threads", 1, "--json", ranks=ranks)
            answer = json.loads(result.stdout)
            loss = model.evaluate(reference.columns_of(parts[part], columns))
            self.assertAlmostEqual(answer["loss"], loss, delta=LOSS_TOLERANCE * loss, msg=f"{part} {columns} {ranks}")
            self.assertAlmostEqual(answer["bits_per_character"], answer["loss"] / np.log(2), delta=1e-12)
            self.assertEqual(answer["characters"], columns * (len(parts[part]) // columns - 1))
        # --part and --columns are not just read: the parts differ by far more than the tolerance.
        self.assertGreater(abs(model.evaluate(reference.columns_of(parts["train"], 7)) - expected), 1e-4)


class Damage(program.TestCase):
    characters = 3000

    def setUp(self):
        super().setUp()
        self.run_folder = self.train("run", "--columns", COLUMNS, "--model", "gru", "--hidden", 12, "--save-every", 2,
                                     "--max-steps", 6)
        self.newest = self.run_folder / "checkpoints" / "step_6.h5"
        self.good = self.newest.read_bytes()

    def assert_refused(self, path, what):
        for words in (("inspect", path), ("sample", "--checkpoint", path, "--length", 1)):
            result = program.run(*words, expect=65)
            self.assertEqual(result.stdout, "", what)
            self.assertRegex(result.stderr, r"\Acharrnn_dist: error: [^\n]*\n\Z", what)
            self.assertIn(str(path), result.stderr, what)

    def test_flipped_bytes(self):
        source = random.Random(5)
        path = self.folder / "flipped.h5"
        # In the block: magic, version, digest, the zeros that fill it. Behind it: HDF5's superblock, anywhere, the end.
        positions = [0, 12, 13, 15, 25, 85, 86, 300, 511, 512, 520, 560, len(self.good) - 1]
        positions += source.sample(range(512, len(self.good)), 15)
        for position in positions:
            damaged = bytearray(self.good)
            damaged[position] ^= 1 << source.randrange(8)
            path.write_bytes(damaged)
            self.assert_refused(path, f"byte {position}")
        path.write_bytes(self.good)
        program.run("inspect", path)

    def test_wrong_files(self):
        path = self.folder / "wrong.h5"
        half = len(self.good) // 2
        newer = b"charrnn_dist 2\n" + self.good[15:]
        for contents in (b"", self.good[:100], self.good[:512], self.good[:half], self.good[:-1], self.good + b"\0",
                         self.good[512:], b"something else\n" * 100, newer,
                         self.good[:half] + bytes(4096) + self.good[half + 4096:]):
            path.write_bytes(contents)
            self.assert_refused(path, f"{contents[:20]}… ({len(contents)} bytes)")
        path.write_bytes(newer)
        self.assertIn("version", program.run("inspect", path, expect=65).stderr)

    def test_resume_falls_back(self):
        bad = bytearray(self.good)
        bad[len(bad) // 2] ^= 4
        self.newest.write_bytes(bad)
        words = self.train_words("run", "--columns", COLUMNS, "--model", "gru", "--hidden", 12, "--save-every", 2,
                                 "--max-steps", 5, "--resume")
        for ranks in (None, 2):
            folder = self.folder / f"copy{ranks}"
            shutil.copytree(self.folder / "runs", folder, symlinks=True)
            result = program.run(*[folder if word == self.folder / "runs" else word for word in words], ranks=ranks)
            path = folder / "run" / "checkpoints" / "step_6.h5"
            warnings = [line for line in result.stderr.splitlines() if "charrnn_dist: " in line]
            self.assertEqual(len(warnings), 1, result.stderr)
            self.assertIn("warning", warnings[0])
            self.assertIn(str(path), warnings[0])
            self.assertRegex(result.stdout, r"resuming +\S*step_4\.h5 at step 4\n")
            self.assertEqual(path.read_bytes(), bad)
            self.assertEqual(str((path.parent / "latest").readlink()), "step_5.h5")
            self.assertEqual(sorted(program.losses(folder / "run")), [1, 2, 3, 4, 5])

    def test_resume_without_any_good_one(self):
        for path in program.files_of(self.run_folder):
            path.write_bytes(path.read_bytes()[:-1])
        before = {path: path.read_bytes() for path in program.files_of(self.run_folder)}
        result = program.run(*self.train_words("run", "--columns", COLUMNS, "--model", "gru", "--hidden", 12, "--resume"),
                             expect=65)
        for path, contents in before.items():
            self.assertEqual(path.read_bytes(), contents)
            self.assertTrue(re.search(rf"warning: [^\n]*{re.escape(path.name)}", result.stderr), result.stderr)
        self.assertEqual(len(re.findall("error: ", result.stderr)), 1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    program.main()
