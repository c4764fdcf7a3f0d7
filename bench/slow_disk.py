"""How long training stands still while a checkpoint goes to a slow disk, of several programs, interleaved. Needs root: the
disk is a loop device with a limit on what the kernel writes to it.

usage: slow_disk.py PROGRAM [PROGRAM ...] --corpus TEXT [--rate 20] [--ranks 1] [--rounds 3]

  slow_disk.py build/release/charrnn_dist old/charrnn_dist --corpus nietzsche.txt --rate 20

An LSTM 2×512 (a checkpoint of 42 MB) trains for 240 steps and writes a checkpoint every 60 steps. metrics.jsonl has a line
with its time for each step. A step that takes more than twice the median stands still for the rest of its time; what is in
the table is that time, summed over a save, in seconds and in steps. Medians over the saves of all rounds. Prints Markdown.
"""
import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

EVERY, SAVES = 60, 4
THROTTLE = Path("/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device")
MODEL = ["--model", "lstm", "--hidden", 512, "--layers", 2, "--embedding", 64]


@contextlib.contextmanager
def slow_disk(rate):
    """A folder on a disk that takes `rate` MB/s."""
    def call(*words):
        return subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as undo:
        image, mount = Path(folder) / "image", Path(folder) / "disk"
        call("truncate", "--size", "1G", image)
        call("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
        device = call("losetup", "--find", "--show", image)
        undo.callback(call, "losetup", "--detach", device)
        mount.mkdir()
        call("mount", device, mount)
        undo.callback(call, "umount", mount)
        number = os.stat(device).st_rdev
        limit = f"{os.major(number)}:{os.minor(number)}"
        THROTTLE.write_text(f"{limit} {int(rate * 1e6)}\n")
        undo.callback(THROTTLE.write_text, f"{limit} 0\n")
        yield mount


def train(program, ranks, corpus, folder):
    """Seconds of each step, from line to line."""
    env = dict(os.environ, PMIX_MCA_gds="hash", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    launch = ["mpirun", "-np", ranks, "--bind-to", "none", "--oversubscribe"] if ranks > 1 else []
    words = [*launch, program, "train", "--corpus", corpus, *MODEL, "--device", "cpu", "--max-steps", EVERY * SAVES,
             "--save-every", EVERY, "--log-every", 1, "--seed", 1, "--timeout", 600, "--run-dir", folder, "--name", "run"]
    result = subprocess.run(list(map(str, words)), env=env, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"this failed with {result.returncode}: {' '.join(map(str, words))}\n{result.stderr}")
    events = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    times = {event["step"]: event["time"] for event in events if event["event"] == "step"}
    shutil.rmtree(folder / "run")
    return [times[step] - times[step - 1] for step in sorted(times) if step - 1 in times]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="+")
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--rate", type=float, default=20, help="MB/s that the disk takes")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    steps = {program: [] for program in arguments.program}
    stalls = {program: [] for program in arguments.program}
    with slow_disk(arguments.rate) as disk:
        for _ in range(arguments.rounds):
            for program in arguments.program:
                seconds = train(program, arguments.ranks, arguments.corpus, disk)
                median = statistics.median(seconds)
                steps[program].append(median)
                # The step of a save is the one after its number; the last save has none.
                for save in range(1, SAVES):
                    after = seconds[save * EVERY - 1:(save + 1) * EVERY - 1]
                    stalls[program].append(sum(second - median for second in after if second > 2 * median))
    print("| program | step, ms | stands still for a save, ms | the same in steps |\n|---|---|---|---|")
    for program in arguments.program:
        step, stall = statistics.median(steps[program]), statistics.median(stalls[program])
        print(f"| `{program}` | {1e3 * step:.0f} | {1e3 * stall:.0f} (at most {1e3 * max(stalls[program]):.0f}) | {stall / step:.1f} |")


if __name__ == "__main__":
    main()
