"""Time per training step of charrnn_dist beside the same model in PyTorch, interleaved.

usage: compare_pytorch.py PROGRAM CORPUS [--models rnn gru lstm] [--threads 2] [--rounds 5] [--steps 100] [--json FILE]
       compare_pytorch.py PROGRAM CORPUS --device cuda [--columns 64] [--bptt 8] …

All train on the corpus, with Adam: the notebook's stateful models with 64 columns and windows of 8, and lstm3, an LSTM of
3 layers of 512 units with 50 columns and windows of 50, as char-rnn's users like it. PyTorch runs in eager mode with its
fused Adam, the same with subnormal numbers flushed (torch.set_flush_denormal), with
torch.set_float32_matmul_precision("high"), under bf16 autocast (where it runs), with torch.compile, and as
DistributedDataParallel over gloo with one process a core; charrnn_dist in one process with all threads, and under mpirun
with one rank a core, beside "high" with --precision tf32 too, and beside autocast with bf16.

On a GPU all are one process: PyTorch in eager mode, with "high" and under autocast, eager and autocast also with the whole
step captured as a CUDA graph by hand; its tokens lie in the GPU's memory, and only "high" uses TF32.

A round measures every variant once, in turn, so that a busy machine hits all of them; the table has medians over the
rounds of a run's median over its stretches of 10 steps, and the ratio to the best arrangement of charrnn_dist in each
precision. Prints Markdown.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

Model = namedtuple("Model", "cell layers hidden dropout columns bptt", defaults=(64, 8))
MODELS = {"rnn": Model("rnn", 1, 256, 0.0), "gru": Model("gru", 1, 256, 0.0), "lstm": Model("lstm", 2, 512, 0.5),
          "lstm3": Model("lstm", 3, 512, 0.5, 50, 50)}
STRETCH = 10
VARIANTS = {"cpu": ["eager", "flushed", "high", "autocast", "compile", "ddp"],
            "cuda": ["eager", "graph", "high", "autocast", "autocast graph"]}


def precision_of(variant):
    return "bf16" if "autocast" in variant else "tf32" if variant == "high" else "fp32"


def model_of(arguments, name):
    """With the columns and the window of the command line, if it gives any."""
    model = MODELS[name]
    return model._replace(columns=arguments.columns or model.columns, bptt=arguments.bptt or model.bptt)


def train_in_pytorch(variant, model, arguments, rank=0, ranks=1, port=0):
    """The peer, in a process of its own. Prints milliseconds a step."""
    import torch

    from pytorch_peer import Peer, Shape

    cell, layers, hidden, dropout, width, bptt = model_of(arguments, model)
    torch.set_flush_denormal(variant == "flushed")  # charrnn_dist does; threads inherit it
    torch.set_num_threads(arguments.threads // ranks)
    torch.backends.cudnn.allow_tf32 = variant == "high"
    torch.set_float32_matmul_precision("high" if variant == "high" else "highest")
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

    found = Peer(Shape(cell, layers, hidden, dropout, columns.shape[1], bptt), variant, columns, len(kept) + 2,
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
    cell, layers, hidden, dropout, columns, bptt = model_of(arguments, model)
    engine = ["--engine", "native", "--threads", str(threads)] if arguments.device == "cpu" else []
    launch = []
    if ranks > 1:
        launch = ["mpirun", "-np", str(ranks), "--bind-to", "none"]
        launch += ["--allow-run-as-root"] if os.geteuid() == 0 else []
    output, memory = peak_memory(
        [*launch, arguments.program, "bench", "--corpus", arguments.corpus, "--model", cell, "--lowercase",
         "--train-characters", "493747", "--layers", str(layers), "--hidden", str(hidden), "--dropout", str(dropout),
         "--columns", str(columns), "--bptt", str(bptt), "--no-bptt-jitter", "--steps",
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
    parser.add_argument("--models", nargs="+", default=["rnn", "gru", "lstm"], choices=list(MODELS))
    parser.add_argument("--threads", type=int, default=2, help="cores that every variant gets")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--device", default="cpu", choices=list(VARIANTS))
    parser.add_argument("--columns", type=int, help="instead of the model's")
    parser.add_argument("--bptt", type=int, help="instead of the model's")
    parser.add_argument("--variants", nargs="+", help="of PyTorch")
    parser.add_argument("--json", help="file for the numbers")
    parser.add_argument("--peer", nargs=5, help=argparse.SUPPRESS)  # one process of a variant of PyTorch
    arguments = parser.parse_args()
    if arguments.peer:
        variant, model, *numbers = arguments.peer
        return train_in_pytorch(variant, model, arguments, *map(int, numbers))
    cores, results, facts = arguments.threads, {}, {}
    variants = arguments.variants or VARIANTS[arguments.device]
    precisions = sorted({"fp32", *map(precision_of, variants)}, key=["fp32", "tf32", "bf16"].index)
    arrangements = [("", cores, 1)]
    if arguments.device == "cpu":
        arrangements.append((", a rank a core", 1, cores))
    for _ in range(arguments.rounds):
        for model in arguments.models:
            for precision in precisions:
                name = "charrnn_dist" if precision == "fp32" else f"charrnn_dist {precision}"
                for arrangement, threads, ranks in arrangements:
                    took, memory, facts[precision] = ours(arguments, model, precision, threads, ranks)
                    runs = results.setdefault(model, {}).setdefault((name + arrangement, precision), [])
                    runs.append((took, memory))
            for variant in variants:
                took = peer(variant, model, cores if variant == "ddp" else 1)
                if took:
                    results[model].setdefault((f"PyTorch {variant}", precision_of(variant)), []).append(took)
    print(f"{arguments.device}; {facts['fp32']['processor']}")
    if arguments.device == "cpu":
        rates = ", ".join(f"{name} {found['gflop_per_second']:.0f} GFLOP/s" for name, found in facts.items())
        print(f"{cores} core(s), products at up to {rates}")
    print()
    print(f"| model | columns × rows | variant | ms/step | {' | '.join(f'/ ours {one}' for one in precisions)} | MiB a process |")
    print("|" + "---|" * (5 + len(precisions)))
    table = []
    for model, its in results.items():
        medians = {key: tuple(statistics.median(column) for column in zip(*runs)) for key, runs in its.items()}
        cell, layers, hidden, _, columns, bptt = model_of(arguments, model)
        best = {precision: min(took for (name, one), (took, _) in medians.items()
                               if name.startswith("charrnn_dist") and one == precision) for precision in precisions}
        for (name, precision), (took, memory) in sorted(medians.items()):
            ratios = {one: took / least for one, least in best.items()}
            print(f"| {cell} {layers}×{hidden} | {columns} × {bptt} | {name} | {took:.2f} | "
                  f"{' | '.join(f'{ratio:.2f}' for ratio in ratios.values())} | {memory:.0f} |")
            table.append({"model": model, "variant": name, "milliseconds": took, "ratios": ratios, "mib": memory,
                          "rounds": [round(one, 3) for one, _ in its[name, precision]]})
    if arguments.json:
        found = {"processor": facts["fp32"]["processor"], "cores": cores, "results": table}
        Path(arguments.json).write_text(json.dumps(found, indent=1))


main()
