"""What reproducible mode costs: time per training step against default mode, and bytes sent.

usage: reproducible_cost.py PROGRAM CORPUS [--rounds 3] [--steps 60] [--ranks 1 2] [--micro-batches 2 4 8 16]
                            [--threads 1] [--models lstm gru] [--json FILE]

Trains the notebook's LSTM (2 x 512, dropout 0.5) and GRU (256) with 64 columns and windows of 8. A round measures every
variant once, in turn, so that a busy machine hits all of them; the table has the medians over the rounds of a run's median
over its stretches of 10 steps. Bytes are floats that the busiest rank sends for one step's gradients, in units of the
gradient (a ring's all-reduce sends 2(P-1)/P), as the layout of the tree gives them. Prints Markdown.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

MODELS = {"lstm": ["--layers", 2, "--hidden", 512, "--dropout", 0.5], "gru": ["--hidden", 256]}
STRETCH = 10


def step_time(program, corpus, model, ranks, micro_batches, steps, threads):
    """Milliseconds a step; micro_batches 0 is default mode; threads of a rank."""
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, OMP_NUM_THREADS="1")
        if os.geteuid() == 0:
            env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        words = [program, "train", "--corpus", corpus, "--lowercase", "--model", model, *MODELS[model], "--columns", 64,
                 "--no-bptt-jitter", "--threads", threads, "--run-dir", folder, "--name", "run", "--max-steps", steps,
                 "--log-every", STRETCH, "--timeout", 600]
        if micro_batches:
            words += ["--reproducible", "--micro-batches", micro_batches]
        launcher = [shutil.which("mpirun"), "-np", ranks, "--bind-to", "none", "--oversubscribe"]
        subprocess.run([str(word) for word in launcher + words], check=True, env=env, stdout=subprocess.DEVNULL)
        events = [json.loads(line) for line in (Path(folder) / "run/metrics.jsonl").read_text().splitlines()]
    rates = [event["characters_per_second"] for event in events if event["event"] == "step"][1:]  # the first one warms up
    return 64 * 8 * 1000 / statistics.median(rates)


def sent(ranks, groups):
    """Floats that the busiest rank sends, per float of the gradient: its nodes' slices, then its slice of the sum."""
    def nodes(first, last, own):
        if last <= own[0] or first >= own[1]:
            return 0
        if own[0] <= first and last <= own[1]:
            return 1
        middle = first + (last - first) // 2
        return nodes(first, middle, own) + nodes(middle, last, own)
    most = max(nodes(0, groups, (groups * rank // ranks, groups * (rank + 1) // ranks)) for rank in range(ranks))
    return (most + 1) * (ranks - 1) / ranks


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("program")
    parser.add_argument("corpus")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--micro-batches", type=int, nargs="+", default=[2, 4, 8, 16])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--json")
    arguments = parser.parse_args()
    variants = [(model, ranks, groups) for model in arguments.models for ranks in arguments.ranks
                for groups in (0, *arguments.micro_batches) if groups == 0 or groups >= ranks]
    times = {variant: [] for variant in variants}
    for _ in range(arguments.rounds):
        for variant in variants:
            times[variant].append(step_time(arguments.program, arguments.corpus, *variant, arguments.steps,
                                            arguments.threads))
    print("| model | ranks | M | ms a step | against default | gradients sent |\n|---|---|---|---|---|---|")
    rows = []
    for model, ranks, groups in variants:
        median = statistics.median(times[model, ranks, groups])
        ratio = median / statistics.median(times[model, ranks, 0])
        wire = sent(ranks, groups) if groups else 2 * (ranks - 1) / ranks
        rows.append({"model": model, "ranks": ranks, "micro_batches": groups, "milliseconds": median, "ratio": ratio,
                     "sent": wire})
        print(f"| {model} | {ranks} | {groups or 'default'} | {median:.1f} | {ratio:.2f} | {wire:.2f} N |")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
