"""Command lines, configs and texts with something wrong in them. tests/fuzz/ does the same within one process, millions of
times; this is the whole program."""
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import bench as on
import program
from rows import Outcome, Row, dice

MEMORY = 4 << 30  # of addresses; LibTorch's libraries take most of them
LIMITED = [sys.executable, "-c", f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY})); "
           "os.execv(sys.argv[1], sys.argv[1:])"]
RAW = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")
VALUES = ["", "0", "-1", "1", "2", "7", "0.5", "1e-3", "1e400", "nan", "inf", "-inf", "99999999999999999999", "9223372036854775807", "65536",
          "4096", "true", "x", "é", "\x1b[2J", "\"", "'", "lstm", "gru", "adam", "every", "1e-2:1", "e.*=1e-3:0", "*=:", "0x10", " 1", "1 ", "1,2"]


def run_all(bench, commands):
    """Runs the command lines, two at a time; every one has to end with 0, 2 or 65, and cleanly. The longest time."""
    def one(words):
        begin = time.monotonic()
        result = subprocess.run([*LIMITED, *program.command(*words)], capture_output=True, env=program.environment(),
                                cwd=bench.folder, stdin=subprocess.DEVNULL, timeout=program.PATIENCE)
        output = result.stdout + result.stderr
        assert result.returncode in (0, 2, 65), f"exit code {result.returncode}: {words}: {output[-300:]!r}"
        assert not RAW.search(output), f"control characters: {words}: {output[-300:]!r}"
        if result.returncode != 0:
            assert result.stderr.count(b"error: ") == 1, f"not one error: {words}: {output[-300:]!r}"
        return time.monotonic() - begin
    with ThreadPoolExecutor(max_workers=2) as pool:
        return max(pool.map(one, commands))


def spoilt_bytes(data, source):
    """A few of the changes that fuzzers make."""
    data = bytearray(data)
    for _ in range(source.choice((1, 1, 2, 4))):
        at, length = source.randrange(len(data) + 1), source.choice((1, 1, 2, 8, 40))
        what = source.randrange(5)
        if what == 0 and at < len(data):
            data[at] ^= 1 << source.randrange(8)
        elif what == 1:
            del data[at:at + length]
        elif what == 2:
            data[at:at] = data[at:at + length]
        elif what == 3:
            data[at:at] = source.choice(VALUES).encode()
        else:
            data[at:at + length] = source.randbytes(length)
    return bytes(data)


def batches(times):
    """A row's injections in bundles, as many as the program shall run."""
    def of(make):
        def inject(bench, number):
            count = times if bench.long else times // 10
            source = dice(make.__name__, number)
            (bench.folder / "text.txt").write_text(program.make_text(3000), encoding="utf-8")
            return Outcome(run_all(bench, [make(bench, source, i) for i in range(count)]), times=count)
        return inject
    return of


@batches(500)
def command_lines(bench, source, i):
    words = ["--corpus", "text.txt", "--name", f"run{i}", *map(str, on.MODEL), "--epochs", "2", "--threads", "1", "--log-every", "1",
             "--dropout", "0.1", "--learning-rate", "1e-3", "--optimizer", "adam", "--schedule", "sgdr"]
    for _ in range(source.choice((1, 1, 2, 3))):
        at = source.randrange(len(words))
        what = source.randrange(5)
        if what == 0:
            del words[at]
        elif what == 1:
            words[at] = source.choice(VALUES)
        elif what == 2:
            words.insert(at, source.choice(words))
        elif what == 3:
            words[at] = spoilt_bytes(words[at].encode(), source).replace(b"\0", b"").decode(errors="surrogateescape")
        else:
            other = source.randrange(len(words))
            words[at], words[other] = words[other], words[at]
    # The last one counts: whatever else it says, it is over soon.
    return ["train", *words, "--run-dir", "runs", "--max-steps", "1"]


@batches(500)
def configs(bench, source, i):
    (bench.folder / f"config{i}.toml").write_bytes(spoilt_bytes((bench.small_run / "config.toml").read_bytes(), source))
    return ["train", "--config", f"config{i}.toml", "--run-dir", "runs", "--name", f"run{i}", "--corpus", "text.txt", "--max-steps", "1"]


@batches(500)
def texts(bench, source, i):
    text = (bench.folder / "text.txt").read_bytes()
    shape = source.randrange(8)
    if shape == 0:
        text = text.decode().encode(source.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7")))
    elif shape == 1:
        text = source.randbytes(source.choice((1, 2, 3, 100, 3000)))
    elif shape == 2:
        text = text[:source.choice((0, 1, 2, 50))]
    else:
        text = spoilt_bytes(text, source)
    (bench.folder / f"text{i}.txt").write_bytes(text)
    more = source.choice(([], ["--bytes"], ["--full-vocabulary"], ["--lowercase"]))
    return ["train", "--corpus", f"text{i}.txt", "--run-dir", "runs", "--name", f"run{i}", "--threads", "1", *map(str, on.MODEL), *more,
            "--max-steps", "1"]


CLEAN = "exit 0, 2 or 65 and one clean line"
ROWS = [
    Row("command line with something wrong", "words of `train` removed, doubled, exchanged, spoilt", command_lines, CLEAN),
    Row("config with something wrong", "bytes of a TOML file removed, doubled, exchanged", configs, CLEAN),
    Row("text with something wrong", "other encodings, random bytes, spoilt UTF-8, a few bytes only", texts, CLEAN),
]
