#!/usr/bin/env python3
"""What to run first on several GPUs: is it right, and how fast is it? Fills the table in docs/gpu.md.

usage: several_gpus.py PROGRAM [--ranks 1 2 4 8] [--run-dir FOLDER] [--launch 'mpirun -np {}'] [--tests BUILD]
                       [--page docs/gpu.md] [--json FILE] [--cpu]

    several_gpus.py build/cuda/charrnn_dist --tests build/cuda --page docs/gpu.md
    several_gpus.py build/cuda/charrnn_dist --launch 'srun -n {} --gpus-per-node 8 --mpi=pmix' --run-dir /shared/runs

In this order: `doctor` on the most ranks (how the GPUs are joined, and an all-reduce, timed); with --tests the contract of NCCL's
communicator; the bits of a reproducible training on each number of ranks; and the speed of steps, with the same columns on any
number of ranks and with as many for each. Later things run even if an earlier one fails. --run-dir is on a file system that all
nodes share. With --cpu the ranks compute on CPUs, with a model too small to say anything: a trial of this script.
Exits with 1 if anything failed.
"""
import argparse
import json
import random
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pages import put, table

FULL = {"hidden": 1024, "columns": 512, "rows": 64, "steps": 50, "characters": 20_000_000, "precision": "bf16"}
TINY = {"hidden": 16, "columns": 8, "rows": 4, "steps": 3, "characters": 20_000, "precision": "fp32"}
LONGEST = 600  # seconds that one command may take


class Commands:
    """Runs the program on a number of ranks, and remembers what failed."""

    def __init__(self, program, launch):
        self.program, self.launch, self.failed = program, launch, []

    def run(self, words, ranks=None):
        """Its standard output; None if it failed, which is said."""
        start = [self.program] if ranks is not None else []
        before = shlex.split(self.launch.replace("{}", str(ranks))) if ranks is not None else []
        words = [str(word) for word in (*before, *start, *words)]
        print("$ " + shlex.join(words), file=sys.stderr, flush=True)
        try:
            result = subprocess.run(words, capture_output=True, text=True, timeout=LONGEST)
            problem = f"exit code {result.returncode}" if result.returncode != 0 else None
            said = result.stdout + result.stderr
        except (subprocess.TimeoutExpired, OSError) as error:
            problem, said = str(error), ""
        if problem is None:
            return result.stdout
        self.failed.append(f"`{shlex.join(words[:8])} …` ({problem})")
        print(said[-3000:], file=sys.stderr, flush=True)
        return None


def model_words(sizes, columns, corpus, device):
    return ["--corpus", corpus, "--model", "lstm", "--layers", 2, "--hidden", sizes["hidden"], "--columns", columns, "--bptt",
            sizes["rows"], "--no-bptt-jitter", "--device", device]


def hash_of_training(commands, ranks, sizes, corpus, folder, device):
    """Of the parameters after some steps in reproducible mode; None if it failed."""
    name = f"bits_on_{ranks}"
    trained = commands.run(["train", *model_words(sizes, sizes["columns"], corpus, device), "--reproducible", "--micro-batches", 8,
                            "--max-steps", 2 * sizes["steps"], "--run-dir", folder, "--name", name], ranks)
    if trained is None:
        return None
    said = commands.run([commands.program, "inspect", Path(folder) / name, "--hash"])
    return said.strip() if said else None


def speed(commands, ranks, columns, sizes, corpus, device):
    """What bench measures: milliseconds a step, characters a second, milliseconds of the all-reduce."""
    said = commands.run(["bench", *model_words(sizes, columns, corpus, device), "--precision", sizes["precision"], "--steps",
                         sizes["steps"], "--json"], ranks)
    if said is None:
        return None
    told = json.loads(said[said.index("{"):])
    one = told["engines"][0]  # that train would take
    return {"milliseconds": one["milliseconds"], "rate": one["characters_per_second"], "processor": told["processor"],
            "all_reduce": told.get("all_reduce", {}).get("milliseconds")}


def measure(arguments):
    sizes, device = (TINY, "cpu") if arguments.cpu else (FULL, "cuda")
    commands = Commands(arguments.program, arguments.launch)
    found = {"date": time.strftime("%Y-%m-%d"), "sizes": sizes, "cpu": arguments.cpu, "ranks": []}
    most = max(arguments.ranks)
    with tempfile.TemporaryDirectory(dir=arguments.run_dir, prefix="several_gpus_") as folder:
        corpus = Path(folder) / "text.txt"
        corpus.write_text("".join(random.Random(1).choices([chr(0x41 + i) for i in range(60)], k=sizes["characters"])))
        doctor = commands.run(["doctor", "--json", "--run-dir", folder], most)
        findings = json.loads(doctor[doctor.index("{"):])["findings"] if doctor else []
        found["doctor"] = [one for one in findings if one["topic"] in ("nodes", "GPU pairs", "all-reduce", "CUDA")
                           or one["verdict"] != "ok"]
        if arguments.tests:
            commands.run(["ctest", "--test-dir", arguments.tests, "-L", "gpu", "--output-on-failure"])
        for ranks in arguments.ranks:
            found["ranks"].append({
                "ranks": ranks, "hash": hash_of_training(commands, ranks, sizes, corpus, folder, device),
                "same": speed(commands, ranks, sizes["columns"], sizes, corpus, device),
                "growing": speed(commands, ranks, sizes["columns"] * ranks, sizes, corpus, device)})
    hashes = {one["hash"] for one in found["ranks"]}
    if len(hashes) > 1 or None in hashes:
        commands.failed.append("the bits are not the same on all numbers of ranks")
    found["failed"] = commands.failed
    return found


def page(found):
    sizes, first = found["sizes"], found["ranks"][0]
    one = first["growing"]

    def cells(kind, ranks, its):
        if not its:
            return ["failed", ""]
        base = first[kind] and first[kind]["rate"] / first["ranks"]
        share = f"{its['rate'] / ranks / base:.0%}" if base else ""
        return [f"{its['milliseconds']:.3g}; {its['rate'] / 1e6:.3g}", share]

    rows = []
    for its in found["ranks"]:
        reduce = its["growing"] and its["growing"]["all_reduce"]
        rows.append([its["ranks"], f"`{its['hash'][:12]}`" if its["hash"] else "failed", *cells("same", its["ranks"], its["same"]),
                     *cells("growing", its["ranks"], its["growing"]), f"{reduce:.3g}" if reduce else "–"])
    parts = [
        f"**{one['processor'] if one else '?'}**{', a trial on CPUs' if found['cpu'] else ''}, {found['date']}: LSTM 2×"
        f"{sizes['hidden']:,}, windows of {sizes['rows']}, {sizes['precision']}. Milliseconds a step; millions of characters a "
        "second, and what is left of the first row's speed for each rank:",
        table(["ranks", "bits (reproducible)", f"{sizes['columns']:,} columns on all together", "",
               f"{sizes['columns']:,} columns each", "", "all-reduce, ms"], rows),
        "\n".join(f"- {one['verdict']}, {one['topic']}: {one['text']}" for one in found["doctor"]),
        "Failed: " + "; ".join(found["failed"]) + "." if found["failed"] else "Nothing failed."]
    return "\n\n".join(part for part in parts if part)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--run-dir", default=".")
    parser.add_argument("--launch", default="mpirun -np {}")
    parser.add_argument("--tests", metavar="BUILD", help="a build of the preset cuda, whose tests on GPUs to run as well")
    parser.add_argument("--page", help="file to write the table into")
    parser.add_argument("--json", default="several_gpus.json")
    parser.add_argument("--cpu", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments)
    Path(arguments.json).write_text(json.dumps(found, indent=1) + "\n")
    if arguments.page:
        put(arguments.page, "several_gpus", page(found))
    print(page(found))
    sys.exit(1 if found["failed"] else 0)


if __name__ == "__main__":
    main()
