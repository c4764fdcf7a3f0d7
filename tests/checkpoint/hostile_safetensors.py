"""Files in the format safetensors that somebody made to do harm. sample, export and --init-from refuse them with exit code 65
and one clean line, within seconds and within the memory that a good one of that size takes."""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

MODEL = ["--columns", 4, "--bptt", 12, "--model", "lstm", "--hidden", 8, "--embedding", 4, "--max-steps", 1]
ESCAPE = "\x1b]0;OWNED\x07\x9b2J"
MEMORY = 256 << 10  # KiB above what a good file takes: a header of 4 MiB in memory is a part of it
SECONDS = 20  # the machine may be busy


def parts_of(contents):
    length = struct.unpack("<Q", contents[:8])[0]
    return json.loads(contents[8:8 + length]), contents[8 + length:]


def whole(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def hostile_files(good):
    """{what: contents}, from those of a good file."""
    header, data = parts_of(good)
    length = len(good) - 8 - len(data)

    def changed(change, rest=data):
        fresh = json.loads(json.dumps(header))
        change(fresh)
        return whole(fresh, rest)

    def with_tensor(**members):
        return changed(lambda fresh: fresh["l_out.bias"].update(members))

    def with_metadata(**members):
        return changed(lambda fresh: fresh["__metadata__"].update(members))

    def with_vocabulary(**members):
        return with_metadata(vocabulary=json.dumps(json.loads(header["__metadata__"]["vocabulary"]) | members))

    def with_settings(**members):
        return with_metadata(settings=json.dumps(json.loads(header["__metadata__"]["settings"]) | members))

    symbols = json.loads(header["__metadata__"]["vocabulary"])["symbols"]
    first, end = header["l_out.bias"]["data_offsets"]
    return {
        "empty": b"",
        "cut off in the length": good[:5],
        "cut off in the header": good[:length // 2],
        "cut off in the data": good[:-1],
        "bytes after the data": good + b"1234",
        "header length of 2^64 - 1": struct.pack("<Q", 2 ** 64 - 1) + good[8:],
        "header length of 2^64 - 8": struct.pack("<Q", 2 ** 64 - 8) + good[8:],
        "header length of 2^63": struct.pack("<Q", 2 ** 63) + good[8:],
        "header length past the end": struct.pack("<Q", len(good)) + good[8:],
        "header of 100 MB": whole(b"{" + b" " * 100_000_000 + b"}", b""),
        "not JSON": whole(b"{" * 100, data), "a number too large": whole(b'{"a": 1e99999}', data),
        "a number too large in the vocabulary": with_metadata(vocabulary='{"symbols": 1e99999}'),
        "not UTF-8": whole(b'{"\xff\xfe": 1}', data),
        "a list": whole(b"[1, 2, 3]", data),
        "deep lists": whole(b'{"a": ' + b"[" * 2_000_000 + b"]" * 2_000_000 + b"}", data),
        "deep objects": whole(b'{"a":' * 500_000 + b"1" + b"}" * 500_000, data),
        "many names": whole(b"{" + b",".join(b'"%x":1' % i for i in range(400_000)) + b"}", data),
        "many numbers": whole(b'{"a": [' + b",".join([b"1"] * 2_000_000) + b"]}", data),
        "deep JSON in the vocabulary": with_metadata(vocabulary='{"symbols": ' + "[" * 1_000_000),
        "a name twice": whole(json.dumps(header).encode()[:-1] + b', "l_out.bias": {}}', data),
        "no metadata": changed(lambda fresh: fresh.pop("__metadata__")),
        "metadata that are a list": changed(lambda fresh: fresh.update(__metadata__=["charrnn"])),
        "numbers as metadata": with_metadata(vocabulary=7),
        "no config": changed(lambda fresh: fresh["__metadata__"].pop("config")),
        "a config that is not TOML": with_metadata(config="= " + ESCAPE),
        "no tensor": changed(lambda fresh: fresh.pop("l_out.bias")),
        "a tensor that is a text": changed(lambda fresh: fresh.update({"l_out.bias": ESCAPE})),
        "offsets that overlap": with_tensor(data_offsets=[first - 4, end - 4]),
        "offsets backwards": with_tensor(data_offsets=[end, first]),
        "offsets past the end": with_tensor(data_offsets=[first, end + 1000]),
        "offsets of 2^63": with_tensor(data_offsets=[first, 2 ** 63]),
        "offsets of 2^64": with_tensor(data_offsets=[first, 2 ** 64]),
        "negative offsets": with_tensor(data_offsets=[-4, end]),
        "offsets that are fractions": with_tensor(data_offsets=[float(first), end + 0.5]),
        "three offsets": with_tensor(data_offsets=[first, end, end]),
        "another tensor in the same place": changed(
            lambda fresh: fresh.update(more={"dtype": "F32", "shape": [1], "data_offsets": [first, first + 4]})),
        "a gap": changed(lambda fresh: None, data + b"1234"),
        "type F64": with_tensor(dtype="F64"),
        "type F16 of as many bytes": with_tensor(dtype="F16"),
        "a type that is none": with_tensor(dtype=ESCAPE),
        "a type that is a number": with_tensor(dtype=32),
        "negative shape": with_tensor(shape=[-1]),
        "a shape of fractions": with_tensor(shape=[1.5]),
        "a shape that overflows": with_tensor(shape=[2 ** 32, 2 ** 32]),
        "another shape": with_tensor(shape=[len(symbols), 1]),
        "a shape of thousand dimensions": with_tensor(shape=[1] * 1000),
        "a hostile name": changed(lambda fresh: fresh.update({ESCAPE: {"dtype": "F32"}})),
        "no symbols": with_vocabulary(symbols=[]),
        "100,000 symbols": with_vocabulary(symbols=[chr(0x1000 + i) for i in range(100_000)]),
        "fewer symbols": with_vocabulary(symbols=symbols[:-1]),
        "symbols that are numbers": with_vocabulary(symbols=[1] * len(symbols)),
        "a long symbol": with_vocabulary(symbols=[*symbols[:-1], "x" * 1_000_000]),
        "control characters in a symbol": with_vocabulary(symbols=[*symbols[:-1], ESCAPE]),
        "a symbol twice": with_vocabulary(symbols=[*symbols[:-1], symbols[-2]]),
        "a flag that is a number": with_vocabulary(lowercase=1),
        "layers of 2^53": with_settings(layers=2 ** 53),
        "65,536 units in 200 layers": with_settings(hidden=65_536, layers=200),
        "negative units": with_settings(hidden=-1),
        "a fraction of a unit": with_settings(hidden=8.5),
        "no such model": with_settings(model=ESCAPE),
        "dropout that is no number": with_settings(dropout="NaN"),
        "a window of 2^40": with_settings(window=2 ** 40),
        "predicts nothing": with_settings(predict=ESCAPE),
    }


# Runs the program and writes its peak. In a small process of its own: a child's peak begins with its parent's memory.
MEASURE = """
import os, sys
_, status, usage = os.wait4(os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ), 0)
open(sys.argv[1], "w").write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def run_measured(*words):
    """(exit code, stdout, stderr, seconds, peak in KiB)"""
    start = time.monotonic()
    with tempfile.NamedTemporaryFile() as file:
        result = subprocess.run([sys.executable, "-c", MEASURE, file.name, *program.command(*words)], capture_output=True,
                                stdin=subprocess.DEVNULL, env=program.environment())
        peak = int(file.read())
    return result.returncode, result.stdout.decode(), result.stderr.decode(), time.monotonic() - start, peak


class Hostile(program.TestCase):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "model.safetensors"
        program.run("export", self.train("run", *MODEL), "--to", self.file)
        self.good = self.file.read_bytes()

    def check(self, what, words, usual):
        code, out, err, seconds, peak = run_measured(*words)
        self.assertEqual((code, out), (65, ""), f"{what}: {err}")
        self.assertRegex(err, r"\A[^\n]*charrnn_dist: error: [^\n]*\n\Z", what)
        self.assertIn(self.file.name, err, what)
        self.assertIsNone(re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", err), f"{what}: {err!r}")
        self.assertLess(len(err), 1000, what)
        self.assertLess(seconds, SECONDS, what)
        self.assertLess(peak, usual + MEMORY, what)

    def test_every_file_is_refused(self):
        sample = ["sample", self.file, "--length", 1]
        code, *_, usual = run_measured(*sample)
        self.assertEqual(code, 0)
        files = hostile_files(self.good)
        files.pop("a config that is not TOML")  # sample does not look at it
        for what, contents in files.items():
            self.file.write_bytes(contents)
            self.check(what, sample, usual)

    def test_init_from_refuses_them_too(self):
        """But for the settings, which it does not need: a run has its config."""
        def start(name):
            return self.train_words(name, "--init-from", self.file, *MODEL)
        code, *_, usual = run_measured(*start("good"))
        self.assertEqual(code, 0)
        files = hostile_files(self.good)
        for what in ("header of 100 MB", "no tensor", "offsets that overlap", "type F64", "another shape", "fewer symbols",
                     "deep lists", "control characters in a symbol", "a config that is not TOML"):
            self.file.write_bytes(files[what])
            self.check(what, start("refused"), usual)
        self.assertFalse((self.folder / "runs/refused").exists())

    def test_what_is_no_file(self):
        os.mkfifo(self.folder / "pipe.safetensors")
        for path in ("pipe.safetensors", "nothing.safetensors"):
            error = program.run("sample", self.folder / path, expect=65).stderr
            self.assertIn(path, error)


if __name__ == "__main__":
    program.main()
