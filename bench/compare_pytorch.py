"""Time per training step of charrnn_dist beside the same model in PyTorch, interleaved, and what a billion characters cost.

usage: compare_pytorch.py PROGRAM CORPUS [--models rnn gru lstm] [--threads 2] [--rounds 5] [--steps 100] [--json FILE]
                          [--dollars-per-hour PRICE]
       compare_pytorch.py PROGRAM CORPUS --device cuda [--columns 64] [--bptt 8] …

All train on the corpus, with Adam: the notebook's stateful models with 64 columns and windows of 8, and lstm3, an LSTM of
3 layers of 512 units with 50 columns and windows of 50, as char-rnn's users like it. PyTorch runs in eager mode with its
fused Adam, the same with subnormal numbers flushed (torch.set_flush_denormal), with
torch.set_float32_matmul_precision("high"), under bf16 autocast (where it runs), with torch.compile, and as
DistributedDataParallel over gloo with one process a core; charrnn_dist in one process with all threads, and under mpirun
with one rank a core, beside "high" with --precision tf32 too, and beside autocast with bf16. Those are steps as `bench`
measures them; "whole train" is the time between lines of the log of a run of `train`, which like PyTorch's loop has a line
every 10 steps.

On a GPU all are one process: PyTorch in eager mode, with "high" and under autocast, eager and autocast also with the whole
step captured as a CUDA graph by hand; its tokens lie in the GPU's memory, and only "high" uses TF32.

A round measures every variant once, in turn, so that a busy machine hits all of them; the tables have medians over the
rounds of a run's median over its stretches of 10 steps (of `bench`: over its steps), and the ratio to the best arrangement
of charrnn_dist in each precision and to its whole train in the variant's own. The first stretch warms up. Cost is that of the
steps; energy is that of processors and memory (energy.py), and not of `bench`, which does more than steps. Prints Markdown.
"""
import argparse
import json
import statistics
from pathlib import Path

from compare_runs import MODELS, STRETCH, Speed, measure_bench, measure_peer, measure_train, model_of
from energy import POWERCAP, Meter
from pages import table

VARIANTS = {"cpu": ["eager", "flushed", "high", "autocast", "compile", "ddp"],
            "cuda": ["eager", "graph", "high", "autocast", "autocast graph"]}
PRECISIONS = ["fp32", "tf32", "bf16"]
WHOLE_TRAIN = ", whole train"


def precision_of(variant):
    return "bf16" if "autocast" in variant else "tf32" if variant == "high" else "fp32"


def measure(arguments, variants, precisions):
    """{model: {(variant, precision): [Speed of each round]}}, and by precision what `bench` tells of the machine."""
    results, machine = {}, {}
    arrangements = [("", arguments.threads, 1)]
    if arguments.device == "cpu":
        arrangements.append((", a rank a core", 1, arguments.threads))
    for _ in range(arguments.rounds):
        for model in arguments.models:
            its = results.setdefault(model, {})
            for precision in precisions:
                name = "charrnn_dist" if precision == "fp32" else f"charrnn_dist {precision}"
                for arrangement, threads, ranks in arrangements:
                    speed, machine[precision] = measure_bench(arguments, model, precision, threads, ranks)
                    its.setdefault((name + arrangement, precision), []).append(speed)
                its.setdefault((name + WHOLE_TRAIN, precision), []).append(measure_train(arguments, model, precision))
            for variant in variants:
                speed = measure_peer(arguments, variant, model)
                if speed:
                    its.setdefault((f"PyTorch {variant}", precision_of(variant)), []).append(speed)
    return results, machine


def summarize(arguments, results, precisions):
    """A dictionary for each model and variant: medians, ratios, cost."""
    rows = []
    for model, its in results.items():
        shape = model_of(arguments, model)
        medians = {key: Speed(*(statistics.median(column) if None not in column else None for column in zip(*runs)))
                   for key, runs in its.items()}
        steps = {precision: min(speed.milliseconds for (name, one), speed in medians.items() if one == precision and
                                name.startswith("charrnn_dist") and WHOLE_TRAIN not in name) for precision in precisions}
        trains = {one: speed.milliseconds for (name, one), speed in medians.items() if WHOLE_TRAIN in name}
        for (name, precision), speed in sorted(medians.items()):
            rate = shape.columns * shape.bptt / speed.milliseconds * 1e3
            hours = 1e9 / rate / 3600
            rows.append({
                "model": model, "shape": f"{shape.cell} {shape.layers}×{shape.hidden}", "windows": f"{shape.columns} × {shape.bptt}",
                "variant": name, "precision": precision, **speed._asdict(), "characters_per_second": rate,
                "ratios": {one: speed.milliseconds / least for one, least in steps.items()},
                "ratio_to_train": speed.milliseconds / trains[precision],
                "hours_per_billion": hours, "core_hours_per_billion": hours * arguments.threads,
                "dollars_per_billion": hours * arguments.dollars_per_hour if arguments.dollars_per_hour else None,
                "joules_per_million": speed.watts * 1e6 / rate if speed.watts else None,
                "rounds": [round(one.milliseconds, 3) for one in its[name, precision]]})
    return rows


def costs(arguments, rows):
    """The second table."""
    columns = {"characters/s": ("characters_per_second", ",.0f"),
               "hours per billion": ("hours_per_billion", ".2f"), "core-hours per billion": ("core_hours_per_billion", ".2f"),
               "dollars per billion": ("dollars_per_billion", ".2f"), "joules per million": ("joules_per_million", ".1f")}
    shown = {head: one for head, one in columns.items() if any(row[one[0]] is not None for row in rows)}
    if arguments.device != "cpu":
        del shown["core-hours per billion"]
    cells = [["–" if row[key] is None else format(row[key], kind) for key, kind in shown.values()] for row in rows]
    return table(["model", "variant", *shown], [[row["shape"], row["variant"], *cell] for row, cell in zip(rows, cells)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("corpus")
    parser.add_argument("--models", nargs="+", default=["rnn", "gru", "lstm"], choices=list(MODELS))
    parser.add_argument("--threads", type=int, default=2, help="cores that every variant gets")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--device", default="cpu", choices=list(VARIANTS))
    parser.add_argument("--columns", type=int, help="instead of the model's")
    parser.add_argument("--bptt", type=int, help="instead of the model's")
    parser.add_argument("--variants", nargs="*", help="of PyTorch")
    parser.add_argument("--dollars-per-hour", type=float, help="price of the machine")
    parser.add_argument("--powercap", default=POWERCAP, help="folder of the energy counters")
    parser.add_argument("--json", help="file for the numbers")
    arguments = parser.parse_args()
    if arguments.steps < 3 * STRETCH:
        parser.error(f"--steps must be at least {3 * STRETCH}: a stretch has {STRETCH}, and the first one warms up")
    variants = VARIANTS[arguments.device] if arguments.variants is None else arguments.variants
    precisions = sorted({"fp32", *map(precision_of, variants)}, key=PRECISIONS.index)
    results, machine = measure(arguments, variants, precisions)
    rows = summarize(arguments, results, precisions)

    print(f"{arguments.device}; {machine['fp32']['processor']}")
    if arguments.device == "cpu":
        rates = ", ".join(f"{name} {found['gflop_per_second']:.0f} GFLOP/s" for name, found in machine.items())
        print(f"{arguments.threads} core(s), products at up to {rates}")
    without_energy = Meter(arguments.powercap).reason
    if without_energy:
        print(f"Energy is not measured: {without_energy}")
    heads = ["model", "columns × rows", "variant", "ms/step", *(f"/ ours {one}" for one in precisions), "/ our train", "MiB a process"]
    print("\n" + table(heads, [[row["shape"], row["windows"], row["variant"], f"{row['milliseconds']:.2f}",
                                *(f"{ratio:.2f}" for ratio in row["ratios"].values()), f"{row['ratio_to_train']:.2f}",
                                f"{row['mib']:.0f}"] for row in rows]))
    print("\n" + costs(arguments, rows))
    if arguments.json:
        found = {"processor": machine["fp32"]["processor"], "cores": arguments.threads, "without_energy": without_energy,
                 "results": rows}
        Path(arguments.json).write_text(json.dumps(found, indent=1))


main()
