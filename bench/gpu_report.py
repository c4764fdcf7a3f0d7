#!/usr/bin/env python3
"""How fast one GPU trains, beside PyTorch: fills docs/gpu.md in one run.

usage: gpu_report.py PROGRAM [--page docs/gpu.md] [--json FILE] [--seconds 470] [--cpu]
       gpu_report.py --from FILE --page docs/gpu.md

LSTM and GRU of two layers, 512 to 2,048 units, 64 to 1,024 columns, windows of 64, in every precision; PyTorch as people write
it, under autocast, and each also captured as a CUDA graph by hand; cuDNN's ways to compute a layer; the kernels of a step. What
matters most comes first, and what there was no time for is named. PROGRAM is a build of the preset cuda. --cpu tries the report
itself where there is no GPU, with models too small to say anything.

The results are written to FILE as well (default: gpu_report.json), from which --from makes the page again.
"""
import argparse
import csv
import json
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gpu_page import OURS, PEERS, flop_per_character, page
from pages import put

HERE = Path(__file__).resolve().parent
SYMBOLS = 62  # 60 different characters, <unk> and <pad>
FULL = {"models": [(1024, 1024), (512, 64), (1024, 256), (1024, 64), (512, 256), (512, 1024), (2048, 256), (2048, 64),
                   (2048, 1024)],  # units and columns
        "rows": 64, "layers": [(512, 64), (1024, 64), (512, 128), (1024, 128), (512, 512), (1024, 1024)], "repeats": 20}
TINY = {"models": [(16, 4)], "rows": 4, "layers": [(16, 4)], "repeats": 2}
GUESS = {"fp32": 2e13, "tf32": 8e13, "bf16": 1.5e14}  # FLOP/s, to choose how many steps to time
LONGEST = 60  # seconds that anything may take


class Clock:
    """The time that is left, and what each kind of work takes."""

    def __init__(self, seconds):
        self.start, self.seconds, self.taken = time.monotonic(), seconds, {}

    def used(self):
        return time.monotonic() - self.start

    def left(self):
        return self.seconds - self.used()

    def allows(self, kind):
        return self.left() > 1.5 * self.taken.get(kind, 5)

    def spend(self, kind, work):
        """Does it, with the seconds it may take."""
        start = time.monotonic()
        answer = work(max(1.0, min(LONGEST, self.left())))
        self.taken[kind] = time.monotonic() - start
        return answer


class Worker:
    """gpu_worker.py, started anew after an answer that failed."""

    def __init__(self, device):
        self.device, self.process = device, None

    def ask(self, seconds, **request):
        if self.process is None:
            self.process = subprocess.Popen([sys.executable, HERE / "gpu_worker.py"], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.process.stdin.write((json.dumps({**request, "device": self.device}) + "\n").encode())
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if ready else b""
        answer = json.loads(line) if line else {"error": "PyTorch ended" if ready else "it took too long"}
        if "error" in answer:
            self.close()
        return answer

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def bench_words(program, corpus, shape, way, device, steps):
    """A command that times our steps."""
    engine, precision = ("persistent", "bf16") if way == "persistent" else ("torch", way)
    return [str(word) for word in (
        program, "bench", "--corpus", corpus, "--model", shape["model"], "--layers", shape["layers"], "--hidden", shape["hidden"],
        "--dropout", shape["dropout"], "--columns", shape["columns"], "--bptt", shape["rows"], "--no-bptt-jitter", "--steps", steps,
        "--device", device, "--engine", engine, "--precision", precision, "--json")]


def measure_ours(words, seconds):
    try:
        result = subprocess.run(words, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"error": "it took too long"}
    if result.returncode != 0:
        return {"error": (result.stderr.strip().splitlines() or ["no word"])[-1][:120]}
    return {"milliseconds": json.loads(result.stdout)["engines"][0]["milliseconds"]}


def kernels_of(listing):
    """[name, how often, microseconds] from the table of kernels that nsys prints as CSV."""
    lines = listing.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("Time (%)")), len(lines))
    return [[row["Name"], int(row["Instances"]), int(row["Total Time (ns)"]) / 1e3] for row in csv.DictReader(lines[first:])]


def our_kernels(words, folder, seconds):
    """Of the steps of a command, by NVIDIA's profiler."""
    if not shutil.which("nsys"):
        return {"error": "nsys (Nsight Systems) is not installed here, so the program's own kernels are not listed"}
    report = str(Path(folder) / "steps.nsys-rep")
    try:
        subprocess.run(["nsys", "profile", "--trace", "cuda", "--cuda-graph-trace", "node", "--output", report, *words],
                       capture_output=True, timeout=seconds, check=True)
        listing = subprocess.run(["nsys", "stats", "--report", "cuda_gpu_kern_sum", "--format", "csv", report],
                                 capture_output=True, text=True, timeout=seconds, check=True).stdout
    except (subprocess.SubprocessError, OSError) as error:
        return {"error": f"nsys failed: {type(error).__name__}"}
    found = kernels_of(listing)
    return {"kernels": found[:8], "all": sum(one[2] for one in found) or 1}


def steps_for(shape, precision):
    flop = flop_per_character(shape, SYMBOLS) * shape["columns"] * shape["rows"]
    return max(8, min(80, int(1 / (flop / GUESS[precision] + 1e-3))))


def measure(arguments, save):
    """The report; `save` gets it on the way, in case that there will be no end."""
    sizes, device = (TINY, "cpu") if arguments.cpu else (FULL, "cuda")
    clock, worker = Clock(arguments.seconds), Worker(device)
    version = subprocess.run([arguments.program, "--version"], capture_output=True, text=True, check=True).stdout
    ways = [way for way in OURS if way[0] != "persistent" or "persistent" in version.partition("engines")[2]]
    peers = [peer for peer in PEERS if "graph" not in peer[0] or not arguments.cpu]
    found = {"device": "CPU", "date": time.strftime("%Y-%m-%d"), "version": version.split()[1], "symbols": SYMBOLS, "cells": [],
             "kernels": [], "layers": [], "left_out": [], "seconds": 0}
    if arguments.cpu:
        found["left_out"].append("anything on a GPU: this is a trial on a CPU")

    def try_to(kind, name, work):
        """Its answer, or why there is none."""
        answer = clock.spend(kind, work) if clock.allows(kind) else {"error": "no time left"}
        if "error" in answer:
            found["left_out"].append(f"{name} ({answer['error']})")
        found["seconds"] = clock.used()
        save(found)
        return answer

    def try_kernels(shape, corpus, folder):
        for variant, _, _ in [peer for peer in peers if "graph" not in peer[0]]:
            answer = try_to("kernels", f"the kernels of PyTorch {variant}", lambda seconds, variant=variant: worker.ask(
                seconds, kind="kernels", shape=shape, variant=variant))
            found["kernels"].append({"of": f"PyTorch {variant}, {name_of(shape)}", **answer})
        for way, _, _ in [way for way in ways if way[0] in ("bf16", "persistent")]:
            words = bench_words(arguments.program, corpus, shape, way, device, 3)
            answer = try_to("nsys", f"the kernels of charrnn_dist {way}",
                            lambda seconds, words=words: our_kernels(words, folder, seconds))
            found["kernels"].append({"of": f"charrnn_dist {way}, {name_of(shape)}, 6 steps", **answer})

    def try_layers():
        for hidden, columns in sizes["layers"]:
            for precision in ("fp32", "tf32", "bf16", "fp16"):
                request = {"hidden": hidden, "columns": columns, "rows": sizes["rows"], "precision": precision,
                           "repeats": sizes["repeats"]}
                answer = try_to("layer", f"a layer of {hidden} units, {columns} columns, {precision}",
                                lambda seconds, request=request: worker.ask(seconds, kind="layer", **request))
                found["layers"].append({**request, **answer})

    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "text.txt"
        largest = max(columns for _, columns in sizes["models"])
        letters = [chr(0x41 + i) for i in range(60)]
        corpus.write_text("".join(random.Random(1).choices(letters, k=max(20_000, largest * sizes["rows"] * 12))))
        found["peak"] = try_to("peak", "peaks", lambda seconds: worker.ask(seconds, kind="peak"))
        found["device"] = found["peak"].get("device", found["device"])
        for model in ("lstm", "gru"):
            for number, (hidden, columns) in enumerate(sizes["models"]):
                shape = {"model": model, "layers": 2, "hidden": hidden, "dropout": 0.5, "columns": columns, "rows": sizes["rows"]}
                cell = {"shape": shape, "ways": {}}
                found["cells"].append(cell)
                for way, _, precision in reversed(ways):
                    words = bench_words(arguments.program, corpus, shape, way, device, steps_for(shape, precision))
                    cell["ways"][way] = try_to("ours", f"{name_of(shape)}, {way}",
                                               lambda seconds, words=words: measure_ours(words, seconds))
                for variant, _, precision in reversed(peers):
                    cell["ways"][variant] = try_to(
                        "peer", f"{name_of(shape)}, PyTorch {variant}", lambda seconds, variant=variant, precision=precision:
                        worker.ask(seconds, kind="peer", shape=shape, variant=variant, steps=steps_for(shape, precision)))
                if model == "lstm" and number == 0:
                    try_kernels(shape, corpus, folder)
            if model == "lstm":
                try_layers()
    worker.close()
    return found


def name_of(shape):
    return f"{shape['model'].upper()} {shape['layers']}×{shape['hidden']:,}, {shape['columns']:,} columns"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?")
    parser.add_argument("--page", help="file to write the tables into")
    parser.add_argument("--json", default="gpu_report.json")
    parser.add_argument("--seconds", type=float, default=470)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--from", dest="source", help="results of an earlier run, in place of new ones")
    arguments = parser.parse_args()
    if (arguments.program is None) == (arguments.source is None):
        parser.error("give either PROGRAM or --from FILE")

    def save(found):
        temporary = Path(f"{arguments.json}.new")
        temporary.write_text(json.dumps(found, indent=1) + "\n")
        os.replace(temporary, arguments.json)

    if arguments.source:
        found = json.loads(Path(arguments.source).read_text())
    else:
        found = measure(arguments, save)
        save(found)
    if arguments.page:
        put(arguments.page, "gpu_report", page(found))
    else:
        print(page(found))


if __name__ == "__main__":
    main()
