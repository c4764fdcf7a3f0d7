"""Time per training step of charrnn_dist beside the same model in PyTorch, interleaved.

usage: compare_pytorch.py PROGRAM CORPUS [--models rnn gru lstm] [--threads 2] [--rounds 5] [--steps 100] [--json FILE]
       compare_pytorch.py PROGRAM CORPUS --device cuda [--columns 64] [--bptt 8] …

All train the notebook's stateful models on the corpus, with Adam; by default 64 columns and windows of 8. PyTorch runs in
eager mode with its fused Adam, the same with subnormal numbers flushed (torch.set_flush_denormal), under bf16 autocast
(where it runs), with torch.compile, and as DistributedDataParallel over gloo with one process a core; charrnn_dist in one
process with all threads, and under mpirun with one rank a core, and beside autocast with --precision bf16 too.

On a GPU all are one process: PyTorch in eager mode and under autocast, each also with the whole step captured as a CUDA
graph by hand; its tokens lie in the GPU's memory, and none uses TF32.

A round measures every variant once, in turn, so that a busy machine hits all of them; the table has medians over the
rounds of a run's median over its stretches of 10 steps, and the ratio to the best arrangement of charrnn_dist in the same
precision. Prints Markdown.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MODELS = {"rnn": (1, 256, 0.0), "gru": (1, 256, 0.0), "lstm": (2, 512, 0.5)}
STRETCH = 10
VARIANTS = {"cpu": ["eager", "flushed", "autocast", "compile", "ddp"],
            "cuda": ["eager", "graph", "autocast", "autocast graph"]}


def train_in_pytorch(variant, model, arguments, rank=0, ranks=1, port=0):
    """The peer, in a process of its own. Prints milliseconds a step."""
    import torch

    from pytorch_peer import Peer, Shape

    width = arguments.columns
    torch.set_flush_denormal(variant == "flushed")  # charrnn_dist does; threads inherit it
    torch.set_num_threads(arguments.threads // ranks)
    torch.backends.cudnn.allow_tf32 = False
    text = Path(arguments.corpus).read_text().lower()[:493_747]
    counts = {c: text.count(c) for c in set(text)}
    kept = sorted((c for c in counts if counts[c] >= 3), key=lambda c: (-counts[c], c))
    index = {c: i + 2 for i, c in enumerate(kept)}
    tokens = torch.tensor([index.get(c, 0) for c in text])
    rows = len(tokens) // width
    mine = slice(rank * width // ranks, (rank + 1) * width // ranks)
    columns = tokens[: rows * width].view(width, rows)[mine].t().contiguous()

    def wrap(net):
        if variant != "ddp":
            return net
        torch.distributed.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=ranks)
        return torch.nn.parallel.DistributedDataParallel(net)

    found = Peer(Shape(model, *MODELS[model], columns.shape[1], arguments.bptt), variant, columns, len(kept) + 2,
                 arguments.device, wrap).stretches(arguments.steps, STRETCH)
    if rank == 0:
        print(statistics.median(found))


def peak_memory(command, errors=None):
    """Runs a command; its standard output, None if it failed, and its peak memory in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    return output if os.waitstatus_to_exitcode(status) == 0 else None, usage.ru_maxrss / 1024


def ours(arguments, model, precision, threads, ranks):
    layers, hidden, dropout = MODELS[model]
    engine = ["--engine", "native", "--threads", str(threads)] if arguments.device == "cpu" else []
    launch = []
    if ranks > 1:
        launch = ["mpirun", "-np", str(ranks), "--bind-to", "none"]
        launch += ["--allow-run-as-root"] if os.geteuid() == 0 else []
    output, memory = peak_memory(
        [*launch, arguments.program, "bench", "--corpus", arguments.corpus, "--model", model, "--lowercase",
         "--train-characters", "493747", "--layers", str(layers), "--hidden", str(hidden), "--dropout", str(dropout),
         "--columns", str(arguments.columns), "--bptt", str(arguments.bptt), "--no-bptt-jitter", "--steps",
         str(arguments.steps), "--device", arguments.device, *engine, "--precision", precision, "--json"])
    if output is None:
        sys.exit(f"{arguments.program} failed")
    found = json.loads(output)
    return found["engines"][0]["milliseconds"], memory, found


def peer(variant, model, ranks=1):
    port = 20_000 + os.getpid() % 20_000
    commands = [[sys.executable, *sys.argv, "--peer", variant, model, str(rank), str(ranks), str(port)]
                for rank in range(ranks)]
    others = [subprocess.Popen(command) for command in commands[1:]]
    with tempfile.TemporaryFile("w+") as errors:
        output, memory = peak_memory(commands[0], errors)
        errors.seek(0)
        last = (errors.read().strip().splitlines() or ["no word"])[-1]
    for other in others:
        other.wait()
    if output:
        return float(output), memory
    print(f"PyTorch {variant}, {model}: {last}", file=sys.stderr)  # maybe it has no kernels for it on this processor
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("corpus")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--threads", type=int, default=2, help="cores that every variant gets")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--device", default="cpu", choices=list(VARIANTS))
    parser.add_argument("--columns", type=int, default=64)
    parser.add_argument("--bptt", type=int, default=8)
    parser.add_argument("--variants", nargs="+", help="of PyTorch")
    parser.add_argument("--json", help="file for the numbers")
    parser.add_argument("--peer", nargs=5, help=argparse.SUPPRESS)  # one process of a variant of PyTorch
    arguments = parser.parse_args()
    if arguments.peer:
        variant, model, *numbers = arguments.peer
        return train_in_pytorch(variant, model, arguments, *map(int, numbers))
    cores, results, facts = arguments.threads, {}, {}
    variants = arguments.variants or VARIANTS[arguments.device]
    arrangements = [("", cores, 1)]
    if arguments.device == "cpu":
        arrangements.append((", a rank a core", 1, cores))
    for _ in range(arguments.rounds):
        for model in arguments.models:
            for precision in ("fp32", "bf16") if "autocast" in variants else ("fp32",):
                name = "charrnn_dist" if precision == "fp32" else f"charrnn_dist {precision}"
                for arrangement, threads, ranks in arrangements:
                    took, memory, facts[precision] = ours(arguments, model, precision, threads, ranks)
                    runs = results.setdefault(model, {}).setdefault((name + arrangement, precision), [])
                    runs.append((took, memory))
            for variant in variants:
                took = peer(variant, model, cores if variant == "ddp" else 1)
                if took:
                    precision = "bf16" if "autocast" in variant else "fp32"
                    results[model].setdefault((f"PyTorch {variant}", precision), []).append(took)
    print(f"{arguments.columns} columns, windows of {arguments.bptt}, {arguments.device}; {facts['fp32']['processor']}")
    if arguments.device == "cpu":
        rates = ", ".join(f"{name} {found['gflop_per_second']:.0f} GFLOP/s" for name, found in facts.items())
        print(f"{cores} core(s), products at up to {rates}")
    print()
    print("| model | variant | ms/step | times the best of ours | MiB a process |\n|---|---|---|---|---|")
    table = []
    for model, its in results.items():
        medians = {key: tuple(statistics.median(column) for column in zip(*runs)) for key, runs in its.items()}
        layers, hidden, _ = MODELS[model]
        for (name, precision), (took, memory) in sorted(medians.items()):
            best = min(least for (one, its), (least, _) in medians.items()
                       if one.startswith("charrnn_dist") and its == precision)
            print(f"| {model} {layers}×{hidden} | {name} | {took:.2f} | {took / best:.2f} | {memory:.0f} |")
            table.append({"model": model, "variant": name, "milliseconds": took, "ratio": took / best, "mib": memory,
                          "rounds": [round(one, 3) for one, _ in its[name, precision]]})
    if arguments.json:
        found = {"processor": facts["fp32"]["processor"], "cores": cores, "results": table}
        Path(arguments.json).write_text(json.dumps(found, indent=1))


main()
