"""Training on a real GPU: the numbers of the CPU, the same bits twice and after a stop, ranks that share one GPU, and what
the launcher lets a rank see. Needs one GPU; skipped without."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program
from resume import SameRun

MODEL = ["--columns", 12, "--bptt", 10, "--model", "lstm", "--layers", 2, "--hidden", 24, "--embedding", 8, "--dropout",
         0.5, "--learning-rate", 3e-3]
# So many characters in a window that LibTorch takes other kernels for the embedding.
LARGE = ["--columns", 60, "--bptt", 60, "--no-bptt-jitter", "--model", "lstm", "--layers", 2, "--hidden", 24, "--embedding", 8, "--dropout", 0.5,
         "--weight-dropout", 0.2]
# float32 sums in another order, through some tens of steps of Adam, which magnifies differences of small gradients.
LOSS_TOLERANCE = 1e-3


class Gpu(SameRun):
    characters = 16_000

    def assert_same_losses(self, folder, other):
        found, expected = program.losses(folder), program.losses(other)
        self.assertEqual(list(found), list(expected))
        for step, loss in expected.items():
            self.assertAlmostEqual(found[step], loss, delta=LOSS_TOLERANCE * loss, msg=f"step {step}")

    def test_the_losses_of_the_cpu(self):
        for model in ("CharLoopModel", "CharSeqStatefulRnn2", "rnn", "gru", "lstm", "norm_lstm"):
            with self.subTest(model=model):
                words = ["--columns", 12, "--bptt", 10, "--model", model, "--hidden", 24, "--embedding", 8, "--learning-rate",
                         3e-3, "--max-steps", 40, "--weight-dropout", 0.2, "--layers", 2 if model == "norm_lstm" else 1]
                on_gpu, on_cpu = (self.train(f"{model}-{device}", *words, "--device", device) for device in ("cuda", "cpu"))
                self.assert_same_losses(on_gpu, on_cpu)

    def test_large_windows(self):
        straight = self.train("cuda", *LARGE, "--device", "cuda", "--max-steps", 12)
        self.assert_same_losses(straight, self.train("cpu", *LARGE, "--device", "cpu", "--max-steps", 12))
        for stop in (5, 12):
            parts = self.train("parts", *LARGE, "--device", "cuda", "--max-steps", stop, "--resume")
        self.assert_same_run(parts, straight, stops=[5])

    def test_stopped_and_resumed(self):
        for words in ([], ["--reproducible", "--micro-batches", 4]):
            with self.subTest(words=words):
                name = "-".join(map(str, words)).strip("-") or "default"
                straight = self.train(f"{name}-straight", *MODEL, *words, "--max-steps", 50)
                for stop in (17, 31, 50):
                    parts = self.train(f"{name}-parts", *MODEL, *words, "--max-steps", stop, "--resume")
                self.assert_same_run(parts, straight, stops=[17, 31])

    def test_ranks_that_share_a_gpu(self):
        one = program.environment(CUDA_VISIBLE_DEVICES="0")
        words = [*MODEL, "--max-steps", 30]
        refused = program.run(*self.train_words("refused", *words), ranks=2, expect=2, env=one)
        self.assertRegex(refused.stderr, "ranks 0 and 1 on .* share one GPU.*--comm mpi")
        alone = self.train("alone", *words)
        self.assert_same_losses(self.train("both", *words, "--comm", "mpi", ranks=2, env=one), alone)
        words += ["--reproducible", "--micro-batches", 3, "--comm", "mpi"]
        runs = [self.train(f"reproducible{ranks}", *words, ranks=ranks, env=one) for ranks in (1, 2, 3)]
        for run in runs[1:]:
            self.assert_same_run(run, runs[0])

    def test_rounded_products(self):
        words = [*MODEL, "--hidden", 128, "--embedding", 64, "--max-steps", 40]
        expected = program.losses(self.train("fp32", *words))
        for precision, tolerance in (("tf32", 5e-3), ("bf16", 2e-2)):
            found = program.losses(self.train(precision, *words, "--precision", precision))
            self.assertNotEqual(found, expected)
            for step, loss in expected.items():
                self.assertAlmostEqual(found[step], loss, delta=tolerance * loss, msg=f"{precision}, step {step}")
        refused = program.run(*self.train_words("loop", "--model", "CharLoopModel", "--precision", "bf16"), expect=2)
        self.assertIn("in fp32 only", refused.stderr)

    def test_evaluation_and_text(self):
        folder = self.train("run", *MODEL, "--max-steps", 60)
        for more in ([], ["--dynamic-rate", 1e-3, "--columns", 3]):
            words = ["--checkpoint", folder, "--corpus", self.corpus, "--json", *more]
            on_gpu, on_cpu = (json.loads(program.run("eval", *words, "--device", device).stdout)["loss"]
                              for device in ("cuda", "cpu"))
            self.assertAlmostEqual(on_gpu, on_cpu, delta=1e-5 * on_cpu)
        # Several models one after the other in a process: each records its steps anew.
        program.run("eval", "--checkpoint", folder, folder / "checkpoints/latest", "--corpus", self.corpus, "--device",
                    "cuda", "--dynamic-rate", 1e-3, "--columns", 3)
        texts = [program.run("sample", "--checkpoint", folder, "--length", 200, "--seed", 3, "--device", device).stdout
                 for device in ("cuda", "cpu")]
        self.assertEqual(*texts)

    def test_says_what_it_runs_on(self):
        result = program.run(*self.train_words("run", *MODEL, "--max-steps", 1))
        self.assertIn("on GPUs", result.stdout)
        name = r"NVIDIA .* \(sm_\d+, driver [\d.]+, cuDNN \d+\.\d+\.\d+\)"
        self.assertRegex(result.stdout, f"(?m)^GPU +{name}$")
        self.assertRegex(json.loads(program.run("inspect", self.runs / "run", "--json").stdout)["processor"], name)
        self.assertIn("gradients over NCCL", result.stdout)
        self.assertNotIn("Warning", result.stdout + result.stderr)


if __name__ == "__main__":
    program.need_gpu()
    program.main()
