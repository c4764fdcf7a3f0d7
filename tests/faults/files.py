"""Checkpoints that were damaged, or made to do harm."""
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import bench as on
import program
from rows import Outcome, Row, dice

READER = program.PROGRAM.parent / "tests" / "read_checkpoints"
HOSTILE = program.SOURCE / "tests" / "checkpoint" / "hostile.py"
COMMANDS = ("inspect", "sample", "eval", "resume", "init-from")
MEMORY = 4 << 30  # of addresses
COUNTS = re.compile(r"(\d+) runs on (\d+) files, the longest ([\d.]+) s, none with more than (\d+) MB")


def command_of(bench, which, path):
    fresh = ["--corpus", bench.text(), "--run-dir", bench.folder / f"{which}_{path.stem}", "--name", "victim", "--threads", 1,
             "--max-steps", 3]
    return {"inspect": ["inspect", path], "sample": ["sample", path, "--length", 5],
            "eval": ["eval", "--checkpoint", path, "--corpus", bench.text(), "--threads", 1],
            "resume": ["train", "--resume", path, *fresh], "init-from": ["train", "--init-from", path, *fresh, *on.MODEL]}[which]


def refused(bench, damaged):
    """Checks that every file of `damaged` is refused: all of them by one process that reads them as `inspect` does, and by
    each command: in the long form all of them too, else the first few."""
    lines = subprocess.run([READER, str(MEMORY)], input="".join(f"{path}\n" for path in damaged).encode(), capture_output=True,
                           env=program.environment(), check=True).stdout.split(b"\n")[:-1]
    assert len(lines) == len(damaged)
    for path, line in zip(damaged, lines):
        message, _, code = line.rpartition(b"\t")
        assert code == b"65" and str(path).encode() in message, f"{path.name}: {line!r}"

    def one(job):
        path, which = job
        start = time.monotonic()
        result = program.run(*command_of(bench, which, path), expect=None, text=False)
        output = result.stdout + result.stderr
        assert result.returncode == 65, f"{which} {path.name}: exit code {result.returncode}: {output[-300:]!r}"
        assert output.count(b"error: ") == 1 and str(path).encode() in output, f"{which} {path.name}: {output[-300:]!r}"
        return time.monotonic() - start
    jobs = [(path, which) for path in (damaged if bench.long else damaged[:2]) for which in COMMANDS]
    with ThreadPoolExecutor(max_workers=2) as pool:
        return max(pool.map(one, jobs))


def damage(times, spoil):
    def inject(bench, number):
        good = (bench.small_run / "checkpoints" / "latest").read_bytes()
        source = dice(spoil.__name__, number)
        damaged = []
        for i in range(times):
            damaged.append(bench.folder / f"damaged_{i}.h5")
            damaged[-1].write_bytes(spoil(good, source))
        return Outcome(refused(bench, damaged), times=times)
    return inject


def flip(good, source):
    contents = bytearray(good)
    # One in five in the block before HDF5's part.
    position = source.randrange(512) if source.random() < 0.2 else source.randrange(512, len(good))
    contents[position] ^= 1 << source.randrange(8)
    return bytes(contents)


def truncate(good, source):
    return good[:source.randrange(len(good))]


def blank(good, source):
    """A page that the disk lost."""
    page = 4096
    pages = [start for start in range(0, len(good), page) if any(good[start:start + page])]
    start = source.choice(pages)
    return good[:start] + bytes(len(good[start:start + page])) + good[start + page:]


def hostile(test):
    """One of the families of tests/checkpoint/hostile.py."""
    def inject(bench, number):
        words = ["--every-command"] if bench.long else []
        env = program.environment(CHARRNN_BUILD=str(program.PROGRAM.parent), TMPDIR=str(bench.folder), PYTHONDONTWRITEBYTECODE="1")
        result = subprocess.run([sys.executable, HOSTILE, *words, f"Hostile.{test}"], capture_output=True, text=True, env=env)
        counts = COUNTS.search(result.stderr)
        assert result.returncode == 0 and counts, result.stderr[-2000:]
        runs, files, longest, peak = counts.groups()
        return Outcome(float(longest), times=int(runs), note=f"{files} files, at most {peak} MB of memory")
    return inject


EVERYONE = ", ".join(f"`--{which}`" if which in ("resume", "init-from") else f"`{which}`" for which in COMMANDS)
REFUSED = "each: exit 65 and one line that names the file"
# The short form of these rows is the test checkpoint.hostile.
CLEAN = "exit 65 and one clean line, or the part is not looked at; no other file is read, nothing raw reaches a terminal"
ROWS = [
    Row("single bit flipped", EVERYONE, damage(1000, flip), REFUSED),
    Row("file cut short", EVERYONE, damage(200, truncate), REFUSED),
    Row("page of zeros", EVERYONE, damage(100, blank), REFUSED),
    *(Row(f"hostile, signed anew: {what}", EVERYONE, hostile(test), CLEAN, short=0) for what, test in (
        ("attributes of wrong types, sizes, ranks", "test_attributes"),
        ("datasets of wrong types, ranks, sizes; bombs; external, virtual, linked", "test_datasets"),
        ("groups that are none, links in their place, crowds", "test_groups"),
        ("numbers that no training writes", "test_numbers"),
        ("control characters and wrong UTF-8; configs and vocabularies that fit nothing", "test_contents"))),
]
