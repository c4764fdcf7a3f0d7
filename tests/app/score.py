"""`score`: the loss of each line and character, against PyTorch and `eval`, and what becomes of texts of every kind."""
import gzip
import json
import math
import os
import pty
import random
import subprocess
import sys
import unicodedata
from pathlib import Path

import h5py
import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("e2e", "models")]
import program
import reference

MODEL = ["--columns", 4, "--bptt", 16, "--hidden", 24, "--embedding", 7, "--learning-rate", 1e-2, "--epochs", 2]


def scored(*words, text=None, **how):
    """The JSON objects of `score`; `text` is its standard input."""
    if text is not None:
        how["stdin"] = subprocess.PIPE
        result = subprocess.run(program.command("score", *words, "--json"), input=text.encode() if isinstance(text, str) else text,
                                capture_output=True, env=program.environment(), timeout=program.PATIENCE)
        assert result.returncode == 0, result.stderr
        return [json.loads(line) for line in result.stdout.decode().split("\n")[:-1]]
    return [json.loads(line) for line in program.run("score", *words, "--json", **how).stdout.split("\n")[:-1]]


def expected(run_folder, text):
    """The loss of every character but the first, by PyTorch in double precision."""
    with h5py.File(run_folder / "checkpoints/best") as file:
        model = reference.Model(file.attrs["arch"].decode(), {name: np.array(data) for name, data in file["model"].items()})
        tokens = torch.from_numpy(reference.encode(text, list(file["vocabulary"].asstr()[()])))
    with torch.no_grad():
        logits, _ = model(tokens[:-1].view(-1, 1), model.zero_state(1))
    return torch.nn.functional.cross_entropy(logits[:, 0], tokens[1:], reduction="none").tolist()


class Score(program.TestCase):
    def setUp(self):
        super().setUp()
        self.run_folder = self.train("run", "--model", "lstm", *MODEL)

    def file(self, name, data):
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def refuse(self, *words, code=65, stdin=subprocess.DEVNULL):
        result = program.run("score", *words, expect=code, stdin=stdin)
        self.assertEqual(result.stdout, "")
        lines = [line for line in result.stderr.splitlines() if "error: " in line]
        self.assertEqual(len(lines), 1, result.stderr)
        return lines[0]


class Numbers(Score):
    def test_against_pytorch(self):
        """Also over the pieces in which the program reads, and for characters that the vocabulary lacks."""
        text = self.text[3000:8000] + "one ™ and ™ two\n\nlast"
        losses = expected(self.run_folder, text)
        characters = scored(self.run_folder, "--by", "character", "--corpus", self.file("a.txt", text))
        self.assertEqual("".join(one["character"] for one in characters), text)
        self.assertIsNone(characters[0]["nats"])
        np.testing.assert_allclose([one["nats"] for one in characters[1:]], losses, rtol=0, atol=2e-5)
        self.assertEqual([(one["line"], one["column"]) for one in characters],
                         [(number, column) for number, line in enumerate(text.splitlines(keepends=True), 1)
                          for column in range(1, len(line) + 1)])
        self.assertEqual(sum(one["unknown"] for one in characters if one["character"] == "™"), 2)

        lines = scored(self.run_folder, "--corpus", self.folder / "a.txt")
        self.assertEqual([one["text"] for one in lines], text.split("\n"))
        self.assertEqual([one["line"] for one in lines], list(range(1, len(lines) + 1)))
        at = 0
        for one in lines:
            length = len(one["text"]) + 1
            mine = losses[max(at - 1, 0):at + length - 1]
            self.assertEqual(one["characters"], len(mine))
            self.assertAlmostEqual(one["nats"], sum(mine), delta=1e-4)
            at += length
        self.assertEqual(lines[-3]["unknown"], 2)

    def test_sums_are_those_of_eval(self):
        for options in ([], ["--precision", "bf16"], ["--engine", "torch"]):
            told = json.loads(program.run("eval", self.run_folder, "--corpus", self.corpus, "--json", *options).stdout)
            for by in ("line", "character"):
                rows = scored(self.run_folder, "--corpus", self.corpus, "--by", by, *options)
                total = math.fsum(row["nats"] for row in rows if row["nats"] is not None)
                self.assertAlmostEqual(total / told["characters"], told["loss"], delta=1e-6)
                self.assertEqual(sum(row.get("characters", 1) for row in rows) - (by == "character"), told["characters"])
                self.assertEqual(sum(row["unknown"] for row in rows), told["unknown_characters"])
        said = program.run("eval", self.run_folder, "--corpus", self.corpus).stdout.partition(" (all")[0]
        self.assertEqual(program.run("score", self.run_folder, "--corpus", self.corpus).stdout.splitlines()[-1], said)

    def test_worst(self):
        for by in ("line", "character"):
            words = [self.run_folder, "--corpus", self.corpus, "--by", by]
            rows = [row for row in scored(*words) if row["nats"] is not None]
            rows.sort(key=lambda row: -row["nats"] / (row.get("characters", 1) + 8))
            self.assertEqual(scored(*words, "--worst", 7), rows[:7])
            self.assertEqual(scored(*words, "--worst", 999_999), rows)

    def test_finds_the_odd_line(self):
        lines = self.text.splitlines()
        lines[40] = lines[40][::-1]
        found = scored(self.run_folder, "--worst", 1, text="\n".join(lines))
        self.assertEqual((found[0]["line"], found[0]["text"]), (41, lines[40]))


class Texts(Score):
    def test_every_way_to_give_it(self):
        text = self.text[:700]
        rows = scored(self.run_folder, text=text)
        self.assertEqual(scored(self.run_folder, "--text", text), rows)
        for path in (self.file("a.txt", text), self.file("b.txt", "\ufeff" + text), self.file("c.gz", gzip.compress(text.encode()))):
            found = scored(self.run_folder, "--corpus", path)
            self.assertEqual({Path(row.pop("file").strip("'")).name for row in found}, {path.name})
            self.assertEqual(found, rows)

    def test_several_files_are_one_text(self):
        """Whose hidden state goes on, and whose lines are counted by themselves."""
        folder = self.folder / "sources"
        folder.mkdir()
        parts = self.text[:500], "", self.text[500:900]
        for name, part in zip("abc", parts):
            (folder / name).write_text(part)
        (folder / ".hidden").write_text("left out")
        rows = scored(self.run_folder, "--corpus", folder, "--by", "character")
        self.assertEqual("".join(row["character"] for row in rows), self.text[:900])
        np.testing.assert_allclose([row["nats"] for row in rows[1:]], expected(self.run_folder, self.text[:900]), rtol=0, atol=2e-5)
        self.assertEqual([(Path(row["file"]).name, row["line"], row["column"]) for row in (rows[0], rows[500])],
                         [("a", 1, 1), ("c", 1, 1)])
        result = program.run("score", self.run_folder, "--corpus", folder, "--worst", 3)
        self.assertIn("left out of the corpus: 1 hidden file\n", result.stderr)
        self.assertRegex(result.stdout.splitlines()[1], rf"^ +\d+\.\d{{3}} +\d+\.\d{{3}}  {folder}/[ac]:\d+: ")

    def test_lines_appear_as_they_come(self):
        with subprocess.Popen(program.command("score", self.run_folder, "--json"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env=program.environment()) as process:
            for line in ("na de\n", "“é” and so on\n", "\n"):
                process.stdin.write(line.encode())
                process.stdin.flush()
                self.assertEqual(json.loads(process.stdout.readline())["text"] + "\n", line)
            process.stdin.close()
            self.assertEqual((process.stdout.read(), process.wait(program.PATIENCE)), (b"", 0))

    def test_ends_quietly_when_nobody_reads(self):
        words = program.command("score", self.run_folder, "--corpus", self.corpus, "--by", "character")
        result = subprocess.run(["bash", "-c", '"$@" | head -n 2; exit ${PIPESTATUS[0]}', "bash", *words], capture_output=True,
                                env=program.environment())
        self.assertEqual((result.returncode, len(result.stdout.splitlines())), (0, 2))
        self.assertNotIn(b"error", result.stderr)

    def test_for_people(self):
        lines = program.run("score", self.run_folder, "--text", "na\tde\x1b[31m\n").stdout.splitlines()
        self.assertEqual(lines[0], "   nats    bits  line")
        self.assertRegex(lines[1], r"^ +\d+\.\d{3} +\d+\.\d{3}  1: na de \[31m$")
        lines = program.run("score", self.run_folder, "--text", "é\u202e\x85\n", "--by", "character").stdout.splitlines()
        self.assertEqual(lines[0], "   nats    bits  character")
        self.assertEqual(lines[1], "      -       -  1:1 U+00E9 'é'")
        self.assertRegex(lines[3], r"^ +\d+\.\d{3} +\d+\.\d{3}  1:3 U\+0085 '\ufffd'$")
        self.assertRegex(lines[4], r"1:4 '\\n'$")

    def test_a_row_is_as_wide_as_the_terminal(self):
        for text in ("Все счастливые семьи ", "中文"):
            terminal, output = pty.openpty()
            subprocess.run(program.command("score", self.run_folder, "--text", text * 30), stdout=output, stderr=subprocess.DEVNULL,
                           env=program.environment(COLUMNS="60"), check=True)
            os.close(output)
            row = os.read(terminal, 65_536).decode().split("\r\n")[1]
            os.close(terminal)
            self.assertEqual(sum(2 if unicodedata.east_asian_width(c) == "W" else 1 for c in row), 60, row)

    def test_a_long_line(self):
        text = "na de " * 30_000
        rows = scored(self.run_folder, text=text + "é\nend")
        self.assertEqual([row["characters"] for row in rows], [len(text) + 1, 3])
        self.assertTrue(text.startswith(rows[0]["text"]))
        self.assertGreaterEqual(len(rows[0]["text"]), 65_536)

    def test_refused(self):
        nothing = "a text of {} characters has nothing to predict: give at least two"
        self.assertIn(nothing.format(0), self.refuse(self.run_folder))
        self.assertIn(nothing.format(1), self.refuse(self.run_folder, "--text", "a"))
        self.assertIn(nothing.format(0), self.refuse(self.run_folder, "--corpus", self.file("empty", "")))
        for data, says in ((b"na de \xff na", "is not valid UTF-8 at byte 6 (0xff, character 6)"),
                           (b"na de \xc3", "is not valid UTF-8 at byte 6"), (b"\xff\xfen\0a\0", "is UTF-16, not UTF-8")):
            path = self.file("in", data)
            line = self.refuse(self.run_folder, "--corpus", path)
            self.assertIn(f"'{path}' {says}", line)
            self.assertIn(line.partition("error: ")[2], program.run("eval", self.run_folder, "--corpus", path, expect=65).stderr)
            self.assertNotIn("bytes", line.partition(says)[2])  # an option of train, which makes another model
            with path.open("rb") as stdin:
                self.assertIn(f"standard input {says}", self.refuse(self.run_folder, stdin=stdin))
        with self.file("in", gzip.compress(b"na de")).open("rb") as stdin:
            self.assertIn("standard input is packed; unpack it", self.refuse(self.run_folder, stdin=stdin))
        self.assertIn("cannot open the corpus", self.refuse(self.run_folder, "--corpus", self.folder / "none"))
        self.assertIn("score needs one PATH", self.refuse(code=2))
        self.assertIn("score needs one PATH", self.refuse(self.run_folder, self.run_folder, code=2))
        self.assertIn("--text takes the place of --corpus", self.refuse(self.run_folder, "--text", "a", "--corpus", "b", code=2))
        self.assertIn("--text needs a value", self.refuse(self.run_folder, "--text", "", code=2))
        self.assertIn("--by must be one of line, character", self.refuse(self.run_folder, "--by", "word", code=2))

    def test_an_endless_stream_that_is_no_text(self):
        with subprocess.Popen(["yes", "\udcff"], stdout=subprocess.PIPE) as endless:
            self.assertIn("standard input is not valid UTF-8", self.refuse(self.run_folder, stdin=endless.stdout))
            endless.stdout.close()
            endless.wait(program.PATIENCE)

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run(program.command("score", self.run_folder, "--corpus", self.corpus), stdout=full,
                                    stderr=subprocess.PIPE, env=program.environment())
        self.assertEqual(result.returncode, 65)
        self.assertIn(b"cannot write to standard output", result.stderr)


class Models(program.TestCase):
    """Whose vocabularies are others."""

    def test_bytes(self):
        data = bytes(random.Random(1).choices(b"ab\n\xff\x00\xc3", k=3000))
        self.corpus.write_bytes(data)
        run = self.train("bytes", "--model", "gru", "--bytes", *MODEL)
        rows = scored(run, "--by", "character", text=data)
        self.assertEqual([row["byte"] for row in rows], list(data))
        (self.folder / "few").write_bytes(b"a\xff\0\xc3\n")
        shown = program.run("score", run, "--by", "character", "--corpus", self.folder / "few").stdout.splitlines()[1:-1]
        self.assertEqual([row.split()[-1] for row in shown], ["'a'", "0xff", "U+0000", "0xc3", "'\\n'"])
        lines = scored(run, text=data)
        self.assertEqual(sum(row["characters"] for row in lines), len(data) - 1)
        self.assertEqual(lines[0]["text"], data.split(b"\n")[0].decode(errors="replace"))
        told = json.loads(program.run("eval", run, "--corpus", self.corpus, "--json").stdout)
        for found in (rows, lines):
            self.assertAlmostEqual(sum(row["nats"] or 0 for row in found) / told["characters"], told["loss"], delta=1e-6)

    def test_a_character_for_which_there_is_no_token(self):
        run = self.train("full", "--model", "gru", "--full-vocabulary", *MODEL)
        result = program.run("score", run, "--text", "na ™", expect=65)
        self.assertEqual(result.stderr.splitlines()[-1],
                         "charrnn_dist: error: 'text' has the character U+2122 '™', which the vocabulary lacks")

    def test_windows(self):
        run = self.train("windows", "--model", "gru", "--window", 8, "--hidden", 8, "--embedding", 4, "--columns", 16,
                         "--max-steps", 3)
        result = program.run("score", run, "--corpus", self.corpus, expect=65)
        self.assertIn("reads windows of 8 characters, and has no loss on a text as a whole", result.stderr)

    def test_many_unknown_characters(self):
        run = self.train("run", "--model", "gru", *MODEL)
        result = program.run("score", run, "--text", "ΑΒΓ ΔΕΖ na de")
        self.assertIn("warning: ", result.stderr)
        self.assertIn("of the characters are unknown", result.stderr)
        self.assertIn("% of them unknown", result.stdout)
        # The first character is not predicted, and is none of those whose share is told.
        result = program.run("score", run, "--text", "ΑΒ")
        self.assertIn("over 1 characters, 100.0 % of them unknown", result.stdout)


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.environ["COLUMNS"] = "200"
    program.main()
