"""python/charrnn: its models compute and write what the program does, whatever the model."""
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / folder) for folder in ("python", "tests/e2e", "tests/python")]
import charrnn
import program
from interchange import SIZES, TOLERANCE, Interchange

STATEFUL = ["rnn", "gru", "lstm", "norm_lstm", "rnn_cell", "gru_cell", "lstm_cell", "CharSeqStatefulRnn", "CharSeqStatefulRnn2",
            "CharSeqStatefulGRU", "CharSeqStatefulLSTM"]
WINDOWED = {"Char3Model": (3, 3, "last"), "CharLoopModel": (8, 1, "last"), "CharLoopConcatModel": (8, 1, "last"),
            "CharRnn": (8, 1, "last"), "CharSeqRnn": (8, 8, "every")}


def hash_of(model):
    """As `inspect --hash` computes it: of all parameters in the order of their names."""
    digest = hashlib.sha256()
    for _, tensor in sorted(model.state_dict().items()):
        digest.update(tensor.numpy().astype("<f4").tobytes())
    return digest.hexdigest()


class Models(Interchange):
    def windowed(self, name, *words):
        window, stride, predict = WINDOWED[name]
        return self.train(name, *SIZES, "--model", name, "--window", window, "--stride", stride, "--predict", predict,
                          "--full-vocabulary", *words)

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
        hostile = {}
        with safetensors.safe_open(exported, "numpy") as opened:
            weights, about = {name: opened.get_tensor(name) for name in opened.keys()}, opened.metadata()
        for what, changed in (("layers", {"settings": json.dumps({"model": "gru", "layers": 2 ** 53})}),
                              ("units", {"settings": json.dumps({"model": "gru", "hidden": 2 ** 20})}),
                              ("model", {"settings": json.dumps({"model": "\x1b[2J\n"})}),
                              ("deep", {"vocabulary": "[" * 1_000_000}), ("symbols", {"vocabulary": '{"symbols": [1, 2]}'})):
            hostile[what] = self.folder / f"{what}.safetensors"
            safetensors.numpy.save_file(weights, hostile[what], about | changed)
        for path, says in ((damaged, "checksum"), (cut_off, "incomplete|Incomplete"), (foreign, "not from charrnn_dist"),
                           (self.corpus, "not a checkpoint"), (self.folder / "nothing", "there is no"),
                           (self.folder, "no checkpoint"), (hostile["layers"], "fewer tensors"),
                           (hostile["units"], "the model needs"), *((file, "cannot use") for file in hostile.values())):
            with self.assertRaisesRegex(ValueError, says) as caught:
                charrnn.load(path)
            self.assertIn(str(path), str(caught.exception))
            self.assertTrue(str(caught.exception).isprintable(), caught.exception)


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
