"""How the cost of a training step grows with each size of the model and the batch, on the native engine.

usage: growth.py PROGRAM CORPUS [--rounds 3] [--steps 10] [--threads 2] [--only hidden columns …] [--json FILE]
                 [--plot FILE.svg]

From an LSTM of one layer of 256 units with 64 columns and windows of 32, one size at a time is changed. A round measures
every size once; what counts is the round with the median time, so that a busy moment does not. Prints a Markdown table for
each: milliseconds a step, characters a second, MFU (operations of the model's products against the highest
measured peak of the processor's), and the share of the step that is not forward or backward pass. The vocabulary is
changed by a text of that many symbols. The plot has both times of a step over each size: measured, and that of its products
at that peak; where the lines part, something other than arithmetic binds.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from charrnn import pictures

BASE = {"model": "lstm", "layers": 1, "hidden": 256, "columns": 64, "bptt": 32}
SIZES = {
    "model": ["rnn", "gru", "lstm"],
    "hidden": [64, 128, 256, 512, 1024, 2048],
    "columns": [8, 16, 32, 64, 128, 256, 512, 1024],
    "bptt": [8, 16, 32, 64, 128, 256],
    "layers": [1, 2, 3, 4],
    "vocabulary": [56, 256, 8000],
    "ranks": [1, 2],
}


def text_of(symbols, characters=1_000_000):
    """Random letters of an alphabet of so many, each often enough to be known."""
    source = random.Random(1)
    return "".join(chr(0x4E00 + source.randrange(symbols - 2)) for _ in range(characters))


def measure(arguments, corpus, ranks, options):
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    launch = ["mpirun", "-np", str(ranks), "--bind-to", "none"] if ranks > 1 else []
    launch += ["--allow-run-as-root"] if launch and os.geteuid() == 0 else []
    threads = max(1, arguments.threads // ranks)
    output = subprocess.run([*launch, arguments.program, "bench", "--corpus", corpus, "--no-bptt-jitter", "--engine", "native",
                             "--steps", str(arguments.steps), "--threads", str(threads), "--json", *words],
                            check=True, capture_output=True, text=True).stdout
    return json.loads(output)


def milliseconds(found):
    return found["engines"][0]["milliseconds"]


def median(rounds):
    """Of the rounds of one size the one whose time is the median."""
    return sorted(rounds, key=milliseconds)[(len(rounds) - 1) // 2]


def run_round(arguments):
    """Everything once: by size and value what bench found."""
    everything = {}
    for size in arguments.only:
        for value in SIZES[size]:
            with tempfile.TemporaryDirectory() as folder:
                corpus, ranks, options = arguments.corpus, 1, dict(BASE)
                if size == "vocabulary":
                    corpus = str(Path(folder) / "text.txt")
                    Path(corpus).write_text(text_of(value))
                elif size == "ranks":
                    ranks = value
                else:
                    options[size] = value
                found = measure(arguments, corpus, ranks, options)
            everything.setdefault(size, {})[value] = found
            print(f"{size} {value}: {milliseconds(found):.2f} ms", file=sys.stderr)
    return everything


def highest_peak(everything):
    """A busy moment while the peak is measured makes it too low, never too high."""
    return max(found["gflop_per_second"] for values in everything.values() for found in values.values())


def share_of(peak, found):
    """MFU of a measurement against `peak` instead of the one of its own run."""
    return found["engines"][0]["mfu"] * found["gflop_per_second"] / peak


def show(everything):
    peak = highest_peak(everything)
    for size, values in everything.items():
        print(f"\n| {size} | ms/step | char/s | MFU | not forward or backward |\n|---|---|---|---|---|")
        for value, found in values.items():
            engine = found["engines"][0]
            phases = engine["phases"]
            rest = 1 - (phases["forward"] + phases["backward"]) / sum(phases.values())
            print(f"| {value} | {milliseconds(found):.2f} | {engine['characters_per_second']:,.0f} | "
                  f"{100 * share_of(peak, found):.0f} % | {100 * rest:.0f} % |")


def picture(everything):
    from matplotlib import ticker

    peak = highest_peak(everything)
    figure, panels = pictures.panels(len(everything), (len(everything) + 1) // 2, (3.6, 3))
    for panel, (size, values) in zip(panels, everything.items()):
        names = [str(value) for value in values]
        measured = [milliseconds(found) for found in values.values()]
        products = [took * share_of(peak, found) for took, found in zip(measured, values.values())]
        panel.plot(names, measured, "o-", color=pictures.COLOURS[0], label="measured")
        panel.plot(names, products, "s--", color=pictures.COLOURS[1], label="its products at the peak")
        panel.set(yscale="log", xlabel=size, ylabel="ms a step", ylim=(min(measured) / 2, max(measured) * 2))
        panel.yaxis.set(major_locator=ticker.LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}",
                        minor_locator=ticker.NullLocator())
    figure.legend(handles=panels[0].get_lines(), loc="outside upper center", ncols=2)
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("corpus")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2, help="cores, shared by the ranks where there are several")
    parser.add_argument("--only", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--json", help="file for the numbers")
    parser.add_argument("--plot", help="file for the picture (SVG)")
    arguments = parser.parse_args()
    rounds = [run_round(arguments) for _ in range(arguments.rounds)]
    everything = {size: {value: median([one[size][value] for one in rounds]) for value in SIZES[size]}
                  for size in arguments.only}
    show(everything)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(everything, indent=1))
    if arguments.plot:
        pictures.save(arguments.plot, picture, everything)


main()
