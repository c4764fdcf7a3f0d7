"""Models that leave the program: python/charrnn computes and writes what the program does, other people's libraries read
what `export` writes, and a run starts with it."""
import hashlib
import json
import os
import re
import subprocess
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
STATEFUL = ["rnn", "gru", "lstm", "rnn_cell", "gru_cell", "lstm_cell", "CharSeqStatefulRnn", "CharSeqStatefulRnn2",
            "CharSeqStatefulGRU", "CharSeqStatefulLSTM"]
WINDOWED = {"Char3Model": (3, 3, "last"), "CharLoopModel": (8, 1, "last"), "CharLoopConcatModel": (8, 1, "last"),
            "CharRnn": (8, 1, "last"), "CharSeqRnn": (8, 8, "every")}
TOLERANCE = 1e-6  # of a loss: float32 sums of some thousand losses of about 3, in other orders
STAY = ["--learning-rate", 1e-30, "--max-steps", 1]  # the weights of the only step are those that the run began with


class Interchange(program.TestCase):
    characters = 6000

    def windowed(self, name, *words):
        window, stride, predict = WINDOWED[name]
        return self.train(name, *SIZES, "--model", name, "--window", window, "--stride", stride, "--predict", predict,
                          "--full-vocabulary", *words)

    def loss(self, path, corpus=None):
        return json.loads(program.run("eval", path, "--corpus", corpus or self.corpus, "--json").stdout)["loss"]

    def sample(self, path, *words):
        return program.run("sample", path, *words).stdout

    def export(self, path, ending):
        file = self.folder / f"model{ending}"
        program.run("export", path, "--to", file)
        return file


class Models(Interchange):
    def check(self, run):
        model = charrnn.load(run)
        loss = self.loss(run)
        self.assertAlmostEqual(model.score(self.text), loss, delta=TOLERANCE * loss)
        prime = self.text[100:130]
        self.assertEqual(prime + model.generate(prime, 60, greedy=True) + "\n",
                         self.sample(run, "--prime", prime, "--length", 60, "--greedy"))

    def test_every_model_on_running_text(self):
        for name in STATEFUL:
            with self.subTest(name):
                self.check(self.train(name, *SIZES, "--model", name))

    def test_every_model_on_windows(self):
        for name in WINDOWED:
            with self.subTest(name):
                self.check(self.windowed(name))

    def test_the_same_seed_writes_the_same(self):
        run, windowed = self.train("run", *SIZES, "--model", "gru"), self.windowed("CharRnn")
        for path, words, how in ((run, ["--seed", 3], {"seed": 3}), (windowed, ["--seed", 4], {"seed": 4}),
                                 (run, ["--seed", 2 ** 40, "--temperature", 0.7, "--top-k", 9, "--top-p", 0.9],
                                  {"seed": 2 ** 40, "temperature": 0.7, "top_k": 9, "top_p": 0.9})):
            self.assertEqual(charrnn.load(path).generate("", 80, **how) + "\n", self.sample(path, "--length", 80, *words))

    def test_layers_and_options(self):
        for name, words in (("layers", ["--model", "lstm", "--layers", 3, "--dropout", 0.3]),
                            ("lowercase", ["--model", "gru", "--lowercase"]), ("full", ["--model", "gru", "--full-vocabulary"]),
                            ("average", ["--model", "rnn", "--weight-average", 0.9])):
            with self.subTest(name):
                self.check(self.train(name, *SIZES, *words))

    def test_bytes(self):
        run = self.train("bytes", *SIZES, "--bytes", "--model", "gru")
        self.assertAlmostEqual(charrnn.load(run).score(self.text), self.loss(run), delta=TOLERANCE * self.loss(run))

    def test_checkpoints_of_0_4_0(self):
        folder = program.SOURCE / "tests/checkpoint/files_0_4_0"
        corpus = folder / "corpus.txt"
        for file in sorted(folder.glob("*.h5")):
            with self.subTest(file.name):
                loss = self.loss(file, corpus)
                self.assertAlmostEqual(charrnn.load(file).score(corpus.read_text()), loss, delta=TOLERANCE * loss)

    def test_training_goes_on_in_pytorch(self):
        model = charrnn.load(self.train("run", *SIZES, "--model", "gru"))
        before = model.score(self.text)
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        columns = model.encode(self.text)[:5600].view(7, -1).T
        model.train()
        for _ in range(10):
            optimizer.zero_grad()
            logits, _ = model(columns[:-1])
            torch.nn.functional.cross_entropy(logits.flatten(0, 1), columns[1:].flatten()).backward()
            optimizer.step()
        self.assertLess(model.score(self.text), before)
        self.assertTrue(model.training)

    def test_encode_and_decode(self):
        model = charrnn.load(self.train("run", *SIZES, "--model", "gru", "--min-freq", 1))
        known = self.text[:3000]
        self.assertEqual(model.decode(model.encode(known)), known)
        self.assertEqual(model.decode(model.encode("ツ")), "\ufffd")
        full = charrnn.load(self.windowed("CharRnn"))
        self.assertEqual(full.decode(full.encode(known)), known)
        for use in (full.encode, full.score, full.generate):
            with self.assertRaisesRegex(ValueError, "ツ"):
                use("ツ" * 10)

    def test_which_checkpoint_of_a_folder(self):
        run = self.train("run", *SIZES, "--model", "gru", "--learning-rate", 0.3, "--validate-every", 10, "--save-every", 10)
        for folder in (run, run / "checkpoints"):
            self.assertEqual(hash_of(charrnn.load(folder)), program.parameter_hash(run / "checkpoints/best"))
        (run / "checkpoints/best").unlink()
        self.assertEqual(hash_of(charrnn.load(run)), program.parameter_hash(run / "checkpoints/latest"))

    def test_what_cannot_be_used(self):
        run = self.train("run", *SIZES, "--model", "gru")
        checkpoint = run / "checkpoints/latest"
        good = checkpoint.read_bytes()
        damaged = self.folder / "damaged.h5"
        damaged.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        exported = self.export(run, ".safetensors")
        cut_off, foreign = self.folder / "cut_off.safetensors", self.folder / "foreign.safetensors"
        cut_off.write_bytes(exported.read_bytes()[:-1])
        safetensors.numpy.save_file({"x": np.zeros(3, np.float32)}, foreign)
        for path, says in ((damaged, "checksum"), (cut_off, "incomplete|Incomplete"), (foreign, "not from charrnn_dist"),
                           (self.corpus, "not a checkpoint"), (self.folder / "nothing", "there is no"),
                           (self.folder, "no checkpoint")):
            with self.assertRaisesRegex(ValueError, says) as caught:
                charrnn.load(path)
            self.assertIn(str(path), str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))


def hash_of(model):
    """As `inspect --hash` computes it: of all parameters in the order of their names."""
    digest = hashlib.sha256()
    for _, tensor in sorted(model.state_dict().items()):
        digest.update(tensor.numpy().astype("<f4").tobytes())
    return digest.hexdigest()


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
        self.assertIn("--init-from", program.run("inspect", file, expect=65).stderr)

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

    def test_a_resume_is_refused(self):
        file = self.export(self.run_folder, ".safetensors")
        error = program.run(*self.train_words("other", "--resume", file), expect=65).stderr
        self.assertIn("no optimizer", error)
        self.assertEqual(len(error.splitlines()), 1, error)

    def test_what_export_refuses(self):
        for words, code, says in ((["--to", "model.onnx"], 2, [".safetensors", ".pt"]), (["--to", "model"], 2, [".safetensors"]),
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
        for name, rows, words in (("lstm", 7, ["--layers", 2]), ("gru", 4, []), ("lstm_cell", 1, []), ("char_loop_concat", 1, [])):
            with self.subTest(name):
                model = charrnn.load(self.train(name, *SIZES, "--model", name, *words))
                file = self.folder / f"{name}.onnx"
                charrnn.export_onnx(model, file)
                session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
                columns = model.encode(self.text[:3 * 28]).view(3, 28).T
                with torch.no_grad():
                    expected = model(columns)[0].numpy()
                states = [one.name for one in session.get_inputs()[1:]]
                self.assertEqual(states, ["h", "c"] if name.startswith("lstm") else ["h"])
                layers = [2] if words else [1] if rows > 1 else []
                carried, logits = [np.zeros([*layers, 3, 19], np.float32) for _ in states], []
                for piece in columns.split(rows):
                    given = {"tokens": piece.numpy(), **dict(zip(states, carried))}
                    got, *carried = session.run(["logits", *(f"{state}_after" for state in states)], given)
                    logits.append(got)
                np.testing.assert_allclose(np.concatenate(logits), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


class Package(program.TestCase):
    def test_pip_installs_it(self):
        source, target = self.folder / "python", self.folder / "site"
        subprocess.run(["cp", "-r", program.SOURCE / "python", source], check=True)  # the build leaves files behind
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
                        "--target", target, source], check=True, capture_output=True)
        run = self.train("run", *SIZES, "--model", "gru")
        written = subprocess.run([sys.executable, "-c", "import charrnn, sys; "
                                  "print(charrnn.load(sys.argv[1]).generate('a', 30, greedy=True))", run], cwd=self.folder,
                                 env=program.environment(PYTHONPATH=str(target)), check=True, capture_output=True, text=True)
        self.assertEqual("a" + written.stdout, program.run("sample", run, "--prime", "a", "--length", 30, "--greedy").stdout)

    def test_its_version_is_the_programs(self):
        version = re.search(r'(?m)^version = "(.*)"', (program.SOURCE / "python/pyproject.toml").read_text())[1]
        self.assertIn(f"charrnn_dist {version}", program.run("--version").stdout)


if __name__ == "__main__":
    torch.set_num_threads(1)
    program.main()
