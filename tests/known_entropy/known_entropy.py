"""known_entropy as a user starts it. The numbers are those of version 0.4.0: one seed is one text, for ever. That they are
right is what synthetic_text_test.cpp shows."""
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

KNOWN_ENTROPY = program.PROGRAM.with_name("known_entropy")


class KnownEntropy(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="charrnn_known_entropy_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.output = self.folder / "text.txt"

    def run_program(self, *words, expect=0, stdout=subprocess.PIPE):
        result = subprocess.run([KNOWN_ENTROPY, *map(str, words)], stdout=stdout, stderr=subprocess.PIPE, text=True)
        self.assertEqual(result.returncode, expect, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 0 if expect == 0 else 1, result.stderr)
        return result

    def test_text_and_losses_of_each_part(self):
        self.output.write_text("old")
        told = json.loads(self.run_program("--output", self.output, "--characters", 10007, "--seed", 9, "--train-fraction", 0.75,
                                           "--json").stdout)
        self.assertEqual(hashlib.sha256(self.output.read_bytes()).hexdigest(), told["sha256"])
        self.assertEqual([path.name for path in self.folder.iterdir()], ["text.txt"], "a temporary file was left")
        self.assertEqual((told["output"], told["characters"], told["seed"], told["train_fraction"]),
                         (str(self.output), 10007, 9, 0.75))
        self.assertEqual(told["sha256"], "a55af1de49154684b02374dc2e1dd14fb68f9960d663b2e89f886e54bb114304")
        for part, numbers in (
                (told, {"entropy_rate_nats": 0.82136201708155, "entropy_rate_bits": 1.1849749088181083}),
                (told["train"], {"first": 0, "characters": 7505, "source_loss_nats": 0.8226246279950045,
                                 "source_loss_bits": 1.1867964713215213, "standard_error_nats": 0.00471891908606207}),
                (told["validation"], {"first": 7505, "characters": 2502, "source_loss_nats": 0.8072707748946822,
                                      "source_loss_bits": 1.1646455435951488, "standard_error_nats": 0.008172863137456382})):
            for name, value in numbers.items():
                self.assertAlmostEqual(part[name], value, places=13, msg=name)  # the last bits are the C library's logarithm

    def test_table_for_people(self):
        told = self.run_program("--output", self.output, "--characters", 1000).stdout
        self.assertEqual(hashlib.sha256(self.output.read_bytes()).hexdigest(),
                         "de13937e5e7b33bf269f72fb9f34bcd6a13ae454927639632fbb8ba40591d20e")
        for words in ("entropy rate, exact                        0.82136                    1.18497",
                      "source, train                    800       0.83722         0.01445    1.20786",
                      "source, validation               200       0.84521         0.02891    1.21939"):
            self.assertIn(words, told)

    def test_wrong_use(self):
        for words in (["--characters", 999], ["--train-fraction", 1], ["--seed", -1],
                      ["--characters", 1000, "more"], ["--output"]):
            self.run_program("--output", self.output, *words, expect=2)
        self.run_program(expect=2)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_what_cannot_be_written(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        self.run_program("--output", "", expect=2)
        for output in (self.folder, self.folder / "missing/text.txt", pipe):
            result = self.run_program("--output", output, "--characters", 1000, expect=65)
            self.assertIn(f"known_entropy: error: cannot write '{output}'", result.stderr)
        self.assertEqual(list(self.folder.iterdir()), [pipe])
        self.assertTrue(pipe.is_fifo())
        with open("/dev/full", "w") as full:
            result = self.run_program("--output", self.output, "--characters", 1000, expect=65, stdout=full)
        self.assertIn("standard output", result.stderr)


if __name__ == "__main__":
    program.main()
