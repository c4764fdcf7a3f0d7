"""Models that leave the program: other people's libraries read what `export` and charrnn.export_onnx write, and a run starts
with it."""
import hashlib
import json
import os
import re
import sys
from pathlib import Path

import h5py
import numpy as np
import onnxruntime
import safetensors.numpy
import torch
from safetensors.torch import save_file

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "python"), str(Path(__file__).resolve().parents[1] / "e2e")]
import charrnn
import program

SIZES = ["--hidden", 19, "--embedding", 7, "--columns", 8, "--learning-rate", 1e-2, "--max-steps", 30]
TOLERANCE = 1e-6  # of a loss: float32 sums of some thousand losses of about 3, in other orders
STAY = ["--learning-rate", 1e-30, "--max-steps", 1]  # the weights of the only step are those that the run began with


class Interchange(program.TestCase):
    characters = 6000

    def loss(self, path, corpus=None):
        return json.loads(program.run("eval", path, "--corpus", corpus or self.corpus, "--json").stdout)["loss"]

    def sample(self, path, *words):
        return program.run("sample", path, *words).stdout

    def export(self, path, ending):
        file = self.folder / f"model{ending}"
        program.run("export", path, "--to", file)
        return file


class Files(Interchange):
    def setUp(self):
        super().setUp()
        self.run_folder = self.train("run", *SIZES, "--model", "lstm", "--layers", 2)
        with h5py.File(self.run_folder / "checkpoints/best") as file:
            self.weights = {name: np.array(values) for name, values in file["model"].items()}
            self.symbols = list(file["vocabulary"].asstr()[()])
            self.config = file["config"].asstr()[()]

    def assert_weights(self, tensors):
        self.assertEqual(set(tensors), set(self.weights))
        for name, values in self.weights.items():
            self.assertEqual((tensors[name].dtype, tensors[name].shape), (np.float32, values.shape))
            self.assertEqual(tensors[name].tobytes(), values.tobytes(), name)

    def test_safetensors_of_its_own_library(self):
        file = self.export(self.run_folder, ".safetensors")
        self.assert_weights(safetensors.numpy.load_file(file))
        with safetensors.safe_open(file, "numpy") as opened:
            about = opened.metadata()
        self.assertEqual((about["format"], about["config"]), ("charrnn", self.config))
        self.assertEqual(json.loads(about["vocabulary"])["symbols"], self.symbols)
        self.assertEqual({name: json.loads(about["settings"])[name] for name in ("model", "layers", "hidden")},
                         {"model": "lstm", "layers": 2, "hidden": 19})
        self.assertEqual(json.loads(about["source"])["step"], 30)
        model = charrnn.load(file)
        loss = self.loss(self.run_folder)
        self.assertAlmostEqual(model.score(self.text), loss, delta=TOLERANCE * loss)

    def test_the_program_uses_it(self):
        file = self.export(self.run_folder, ".safetensors")
        self.assertEqual(self.loss(file), self.loss(self.run_folder))
        self.assertEqual(self.sample(file, "--seed", 2), self.sample(self.run_folder, "--seed", 2))
        again = self.folder / "again.safetensors"
        program.run("export", file, "--to", again)
        self.assertEqual(again.read_bytes(), file.read_bytes())
        self.assertEqual(program.parameter_hash(file), program.parameter_hash(self.run_folder))

    def test_pt_with_weights_only(self):
        file = self.export(self.run_folder, ".pt")
        told = torch.load(file, weights_only=True)
        self.assert_weights({name: tensor.numpy() for name, tensor in told["model"].items()})
        self.assertEqual((told["vocabulary"]["symbols"], told["config"]), (self.symbols, self.config))
        self.assertEqual((told["settings"]["hidden"], told["settings"]["dropout"]), (19, 0.0))
        self.assertIs(told["vocabulary"]["lowercase"], False)
        charrnn.load(self.run_folder).load_state_dict(told["model"])

    def test_a_run_starts_with_it(self):
        file = self.export(self.run_folder, ".safetensors")
        told = program.run(*self.train_words("child", "--columns", 8, "--init-from", file, *STAY)).stdout
        self.assertIn(f"weights and vocabulary of {file}", told)
        child = self.folder / "runs/child"
        self.assertEqual(program.parameter_hash(child), program.parameter_hash(self.run_folder))
        program.run(*self.train_words("ranks", "--columns", 8, "--init-from", file, *STAY), ranks=2)
        self.assertEqual(program.parameter_hash(self.folder / "runs/ranks"), program.parameter_hash(self.run_folder))
        error = program.run(*self.train_words("other", "--init-from", file, "--hidden", 20), expect=2).stderr
        self.assertIn("--hidden is 20, but 19 in", error)

    def test_weights_that_python_changed_and_saved(self):
        """With the metadata of a file that export wrote, in another order and as bf16."""
        file, changed = self.export(self.run_folder, ".safetensors"), self.folder / "changed.safetensors"
        with safetensors.safe_open(file, "pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}
            about = opened.metadata()
        for kind in (torch.bfloat16, torch.float16):
            halves = {name: (tensor / 2).to(kind) for name, tensor in reversed(tensors.items())}
            save_file(halves, changed, about)
            name = str(kind).split(".")[1]
            program.run(*self.train_words(name, "--columns", 8, "--init-from", changed, *STAY))
            with h5py.File(self.folder / "runs" / name / "checkpoints/latest") as child:
                for key, values in halves.items():
                    np.testing.assert_array_equal(child["model"][key][()], values.float().numpy())

    def test_weights_from_elsewhere(self):
        """As docs/interchange.md says."""
        text = (program.SOURCE / "docs/interchange.md").read_text()
        recipe = re.search(r"```python\n(save_file\(weights, .*?)```", text, re.S)[1]
        characters = sorted(set(self.text[:3000]))
        weights = {}
        for part, module in (("e", torch.nn.Embedding(len(characters) + 2, 42)), ("rnn", torch.nn.GRU(42, 256)),
                             ("l_out", torch.nn.Linear(256, len(characters) + 2))):
            weights |= {f"{part}.{name}": tensor for name, tensor in module.state_dict().items()}
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        exec(recipe, {"save_file": save_file, "json": json, "weights": weights, "characters": characters})
        program.run(*self.train_words("child", "--columns", 8, "--init-from", "mine.safetensors", *STAY))
        for name, values in charrnn.load(self.folder / "runs/child").state_dict().items():
            torch.testing.assert_close(values, weights[name], rtol=0, atol=0)

    def test_checkpoints_that_somebody_made_to_do_harm(self):
        """charrnn.load() reads no other file for them, and takes no more memory than a file of that size needs."""
        good, file = (self.run_folder / "checkpoints/best").read_bytes(), self.folder / "hostile.h5"
        outside = self.folder / "outside.h5"
        outside.write_bytes(good)
        bias = (len(self.symbols),)

        def put(name, *words, **how):
            def change(group):
                attributes = dict(group[name].attrs)
                del group[name]
                group.create_dataset(name, *words, **how).attrs.update(attributes)
            return change

        def link(name, target):
            def change(group):
                del group[name]
                group[name] = target
            return change

        def virtual(group):
            layout = h5py.VirtualLayout(bias, "<f4")
            layout[:] = h5py.VirtualSource(outside, "/model/l_out.bias", bias)
            del group["model/l_out.bias"]
            group.create_virtual_dataset("model/l_out.bias", layout)

        elsewhere = "is not in the file itself"
        for what, (change, says) in {
            "a link to a file": (link("model/l_out.bias", h5py.ExternalLink(outside, "/model/l_out.bias")), elsewhere),
            "a group in a file": (link("model", h5py.ExternalLink(outside, "/model")), elsewhere),
            "settings in a file": (link("model_config", h5py.ExternalLink(outside, "/model_config")), elsewhere),
            "a link to a name": (link("model/l_out.bias", h5py.SoftLink("/model/e.weight")), elsewhere),
            "weights in a file": (put("model/l_out.bias", bias, "<f4", external=[(outside, 0, 4 * bias[0])]), elsewhere),
            "a vocabulary in a file": (put("vocabulary", bias, "S4", external=[(outside, 0, 4 * bias[0])]), elsewhere),
            "virtual weights": (virtual, elsewhere),
            "a large vocabulary": (put("vocabulary", (1 << 24,), "S4", chunks=(1 << 16,)), "more than the file"),
            "a packed vocabulary": (put("vocabulary", bias, "S4", chunks=bias, compression="gzip"), "is packed"),
            "texts of any length": (put("config", (1 << 24,), h5py.string_dtype(), chunks=(1 << 16,)),
                                    "is not of plain numbers or texts"),
            "no weights": (put("model/l_out.bias", bias, h5py.ref_dtype), "is not of plain numbers or texts"),
            "a group for a dataset": (link("vocabulary", h5py.SoftLink("/model")), elsewhere),
            "an escape": (lambda group: group["model_config"].attrs.create("model", b"\x1b]0;OWNED\x07"), "OWNED"),
        }.items():
            with self.subTest(what):
                file.write_bytes(good)
                with h5py.File(file, "r+") as opened:
                    change(opened)
                body = file.read_bytes()[512:]
                file.write_bytes(f"charrnn_dist 1\nsha256 {hashlib.sha256(body).hexdigest()}\n".encode().ljust(512, b"\0") + body)
                with self.assertRaisesRegex(ValueError, says) as caught:
                    charrnn.load(file)
                self.assertTrue(str(caught.exception).isprintable())
        os.mkfifo(self.folder / "pipe.h5")
        with self.assertRaisesRegex(ValueError, "not a regular file"):
            charrnn.load(self.folder / "pipe.h5")

    def test_a_resume_is_refused(self):
        file = self.export(self.run_folder, ".safetensors")
        error = program.run(*self.train_words("other", "--resume", file), expect=65).stderr
        self.assertIn("no optimizer", error)
        self.assertEqual(len(error.splitlines()), 1, error)

    def test_what_export_refuses(self):
        for words, code, says in ((["--to", "model.onnx"], 2, [".safetensors", ".pt", "charrnn.export_onnx"]), (["--to", "model"], 2, [".safetensors"]),
                                  ([], 2, ["--to"]), (["--to", "/proc/nothing/model.pt"], 65, ["/proc/nothing/model.pt"])):
            error = program.run("export", self.run_folder, *words, expect=code).stderr.splitlines()[-1]
            for word in says:
                self.assertIn(word, error)
        program.run("export", self.folder / "nothing", "--to", self.folder / "model.pt", expect=65)
        program.run("export", "--to", self.folder / "model.pt", expect=2)
        self.assertFalse((self.folder / "model.pt").exists())


class Onnx(Interchange):
    def test_another_library_computes_the_same(self):
        """One row after the other, with the state carried along; stacked layers also take several at once."""
        for name, rows, words in (("lstm", 7, ["--layers", 2]), ("gru", 4, []), ("lstm_cell", 1, []), ("norm_lstm", 1, ["--layers", 2]),
                                 ("char_loop_concat", 1, [])):
            with self.subTest(name):
                model = charrnn.load(self.train(name, *SIZES, "--model", name, *words))
                file = self.folder / f"{name}.onnx"
                charrnn.export_onnx(model, file)
                session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
                columns = model.encode(self.text[:3 * 28]).view(3, 28).T
                with torch.no_grad():
                    expected = model(columns)[0].numpy()
                states = [one.name for one in session.get_inputs()[1:]]
                self.assertEqual(states, ["h", "c"] if "lstm" in name else ["h"])
                layers = [2] if words else [1] if rows > 1 else []
                carried, logits = [np.zeros([*layers, 3, 19], np.float32) for _ in states], []
                for piece in columns.split(rows):
                    given = {"tokens": piece.numpy(), **dict(zip(states, carried))}
                    got, *carried = session.run(["logits", *(f"{state}_after" for state in states)], given)
                    logits.append(got)
                np.testing.assert_allclose(np.concatenate(logits), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


if __name__ == "__main__":
    torch.set_num_threads(1)
    program.main()
