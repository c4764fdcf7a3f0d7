"""How long training stands still while a checkpoint goes to a slow disk, of several programs, interleaved. Needs root: the
disk is a loop device with a limit on what the kernel writes to it.

usage: slow_disk.py PROGRAM [PROGRAM ...] --corpus TEXT [--rate 20] [--threads 0] [--ranks 1] [--rounds 3]

  slow_disk.py build/release/charrnn_dist old/charrnn_dist --corpus nietzsche.txt --rate 20

An LSTM 2×512 (a checkpoint of 42 MB) trains for 240 steps and writes a checkpoint every 60 steps. Seconds are
between the lines of metrics.jsonl, which has one for each step, as they appear. *Longest step* is the longest in the 60 steps
after a save; *costs* sums what all of them take above the median. With a thread less than there are cores, the thread that
writes has one for itself. Medians over the saves of all rounds. Prints Markdown.
"""
import argparse
import contextlib
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EVERY, SAVES = 60, 4
THROTTLE = Path("/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device")
MODEL = ["--model", "lstm", "--hidden", 512, "--layers", 2, "--embedding", 64, "--no-bptt-jitter"]


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


def train(program, arguments, folder):
    """Seconds of each step."""
    env = dict(os.environ, PMIX_MCA_gds="hash", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    launch = ["mpirun", "-np", arguments.ranks, "--bind-to", "none", "--oversubscribe"] if arguments.ranks > 1 else []
    words = [*launch, program, "train", "--corpus", arguments.corpus, *MODEL, "--device", "cpu",
             "--threads", arguments.threads, "--max-steps", EVERY * SAVES, "--save-every", EVERY, "--log-every", 1,
             "--seed", 1, "--timeout", 600, "--run-dir", folder, "--name", "run"]
    metrics = folder / "run" / "metrics.jsonl"
    with subprocess.Popen(list(map(str, words)), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while not metrics.exists() and process.poll() is None:
            time.sleep(0.01)
        times = []
        with open(metrics) as file:
            while process.poll() is None:
                while '"event":"step"' in (line := file.readline()):
                    times.append(time.perf_counter())
                if not line:
                    time.sleep(0.004)
        if process.returncode != 0:
            sys.exit(f"this failed with {process.returncode}: {' '.join(map(str, words))}\n{process.stderr.read()}")
    shutil.rmtree(folder / "run")
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="+")
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--rate", type=float, default=20, help="MB/s that the disk takes")
    parser.add_argument("--threads", type=int, default=0, help="of a rank; 0: all cores")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    steps, longest, costs = ({program: [] for program in arguments.program} for _ in range(3))
    with slow_disk(arguments.rate) as disk:
        for _ in range(arguments.rounds):
            for program in arguments.program:
                seconds = train(program, arguments, disk)
                median = statistics.median(seconds)
                steps[program].append(median)
                for save in range(1, SAVES):  # the last one has no steps after it
                    after = [second - median for second in seconds[save * EVERY - 2:(save + 1) * EVERY - 2]]
                    longest[program].append(max(after) + median)
                    costs[program].append(sum(after))
    print("| program | step, ms | longest step, ms: median | at most | a save costs, ms | in steps |\n|---|---|---|---|---|---|")
    for program in arguments.program:
        step, cost = statistics.median(steps[program]), statistics.median(costs[program])
        print(f"| `{program}` | {1e3 * step:.0f} | {1e3 * statistics.median(longest[program]):.0f} | "
              f"{1e3 * max(longest[program]):.0f} | {1e3 * cost:.0f} | {cost / step:.1f} |")


if __name__ == "__main__":
    main()
