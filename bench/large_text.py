"""Time and memory that it takes to start training on a large text, beside the usual loader in Python, interleaved.

usage: large_text.py PROGRAM [--size 1e9] [--folder FOLDER] [--python-size 1e8] [--ranks 1 2] [--rounds 3] [--json FILE]

  large_text.py build/release/charrnn_dist --json large_text.json
  large_text.py build/release/charrnn_dist --size 1e8 --python-size 1e7 --folder /scratch --rounds 1

`known_entropy`, beside the program, writes the text, and one of a megabyte, which shows what the program takes by itself.
The program has no preparing step: a run scans and encodes its text at its start. A run here is a tiny LSTM's, for three
steps, from start to end, one thread a rank, first alone, then under mpirun. The loader in Python reads a slice of the text,
makes a dictionary of its characters and a tensor of their numbers; its numbers leave out the import of PyTorch and are
scaled linearly to the whole text. The text was just written: it comes from the page cache.

Peak memory is the largest resident set of a process. The anonymous part of it, sampled 50 times a second, is what the
kernel cannot evict; the rest is mapped from files. Of several ranks the table has the largest and the busiest one; its
CPU time is about what the seconds would be on a machine with nothing else to do. Medians over interleaved rounds.
Prints Markdown.
"""
import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SMALL = 1_000_000
TINY = ["--model", "lstm", "--hidden", 16, "--embedding", 8, "--max-steps", 3,
        "--validate-characters", 1000]


def anonymous_memory(process):
    """Of a process now, in MiB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0  # it has just ended


def load_in_python(path):
    """The peer, in a process of its own. Prints its seconds, and its memory after the import."""
    import torch

    mib, anonymous = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, anonymous_memory("self")
    start, cpu_start = time.perf_counter(), time.process_time()
    with open(path) as file:
        text = file.read()
    stoi = {c: i for i, c in enumerate(sorted(set(text)))}
    tokens = torch.tensor([stoi[c] for c in text])
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    assert len(tokens) == len(text)
    print(json.dumps({"seconds": seconds, "cpu": cpu, "mib": mib, "anonymous": anonymous}))


def watch(record, command):
    """Runs one process, a rank perhaps, and writes down its CPU seconds and memory."""
    process, anonymous = subprocess.Popen(command), 0
    while not (waited := os.wait4(process.pid, os.WNOHANG))[0]:
        anonymous = max(anonymous, anonymous_memory(process.pid))
        time.sleep(0.02)
    _, status, usage = waited
    process.returncode = os.waitstatus_to_exitcode(status)
    rank = os.environ.get("OMPI_COMM_WORLD_RANK", "0")
    cost = {"cpu": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024, "anonymous": anonymous}
    Path(f"{record}.{rank}").write_text(json.dumps(cost))
    sys.exit(process.returncode)


def measure(folder, command, ranks=1):
    """Runs a command on so many ranks; its standard output, its seconds, and the most that a rank took."""
    env = dict(os.environ, OMP_NUM_THREADS="1", TMPDIR=folder, PMIX_MCA_gds="hash")
    if os.geteuid() == 0:
        env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    if not shutil.which("ssh"):  # mpirun looks for it even on one machine
        env["OMPI_MCA_plm_rsh_agent"] = "/bin/false"
    record = Path(folder) / "record"
    launch = ["mpirun", "-np", ranks, "--bind-to", "none", "--oversubscribe"] if ranks > 1 else []
    words = [str(word) for word in [*launch, sys.executable, __file__, "--watch", record, *command]]
    start = time.perf_counter()
    output = subprocess.run(words, env=env, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - start
    if output.returncode != 0:
        sys.exit(f"this failed with {output.returncode}: {' '.join(words)}")
    by_rank = [json.loads(Path(f"{record}.{rank}").read_text()) for rank in range(ranks)]
    return output.stdout, {"seconds": seconds, **{key: max(rank[key] for rank in by_rank) for key in by_rank[0]}}


def write_text(program, folder, name, size):
    path = Path(folder) / name
    return path, measure(folder, [Path(program).with_name("known_entropy"), "--output", path, "--characters", size])[1]


def start_training(program, folder, text, ranks):
    with tempfile.TemporaryDirectory(dir=folder) as runs:
        return measure(folder, [program, "train", "--corpus", text, *TINY, "--device", "cpu", "--threads", 1,
                                "--timeout", 600, "--run-dir", runs, "--name", "run"], ranks)[1]


def start_in_python(folder, text, scale):
    output, found = measure(folder, [sys.executable, __file__, "--loader", text])
    loader = json.loads(output)
    scaled = {name: loader[name] + (found[name] - loader[name]) * scale for name in ("mib", "anonymous")}
    return {"seconds": loader["seconds"] * scale, "cpu": loader["cpu"] * scale, **scaled}


def main():
    if sys.argv[1:2] == ["--loader"]:
        return load_in_python(sys.argv[2])
    if sys.argv[1:2] == ["--watch"]:
        return watch(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--size", type=float, default=1e9, help="bytes of the text")
    parser.add_argument("--folder", help="where the text and the tokens go; default: where temporary files go")
    parser.add_argument("--python-size", type=float, default=1e8, help="bytes that the loader in Python reads")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="file for the numbers")
    arguments = parser.parse_args()
    program, size, part_size = arguments.program, int(arguments.size), int(min(arguments.python_size, arguments.size))
    results = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        if shutil.disk_usage(folder).free < 3 * size:
            sys.exit(f"{folder} has no room for {3 * size / 1e9:.1f} GB; name another --folder")
        small, _ = write_text(program, folder, "small.txt", SMALL)
        text, cost = write_text(program, folder, "text.txt", size)
        results["corpus", size] = [cost]
        part = Path(folder) / "part.txt"
        with open(text, "rb") as whole:
            part.write_bytes(whole.read(part_size))
        for _ in range(arguments.rounds):
            for ranks in arguments.ranks:
                for path, characters in ((small, SMALL), (text, size)):
                    name = f"train, {ranks} rank{'s' if ranks > 1 else ''}"
                    results.setdefault((name, characters), []).append(start_training(program, folder, path, ranks))
            name = f"Python, scaled from {part_size / 1e6:,.0f} MB"
            results.setdefault((name, size), []).append(start_in_python(folder, part, size / part_size))
    print("| what | MB of text | seconds | CPU seconds a process | peak MiB a process | of it anonymous |")
    print("|---|---|---|---|---|---|")
    table = []
    for (name, characters), runs in results.items():
        median = {key: statistics.median(one[key] for one in runs) for key in runs[0]}
        print(f"| {name} | {characters / 1e6:,.0f} | {median['seconds']:.1f} | {median['cpu']:.1f} | "
              f"{median['mib']:,.0f} | {median['anonymous']:,.0f} |")
        rounds = [round(one["seconds"], 2) for one in runs]
        table.append({"what": name, "bytes": characters, **median, "rounds": rounds})
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
