"""Time per training step of charrnn_dist beside the same model in PyTorch, interleaved.

usage: compare_pytorch.py PROGRAM CORPUS [--models rnn gru lstm] [--threads 2] [--rounds 5] [--steps 100] [--json FILE]

All train the notebook's stateful models on the corpus: 64 columns, windows of 8, Adam. PyTorch runs in eager mode with
its fused Adam, the same with subnormal numbers flushed (torch.set_flush_denormal), under bf16 autocast (where it runs),
with torch.compile, and as DistributedDataParallel over gloo with one process a core; charrnn_dist in one process with all
threads, and under mpirun with one rank a core, and beside autocast with --precision bf16 too. A round measures every
variant once, in turn, so that a busy machine hits all of them; the table has medians over the rounds of a run's median
over its stretches of 10 steps, and the ratio to the best arrangement of charrnn_dist in the same precision. Prints
Markdown.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

MODELS = {"rnn": (1, 256, 0.0), "gru": (1, 256, 0.0), "lstm": (2, 512, 0.5)}
COLUMNS, BPTT, EMBEDDING, STRETCH = 64, 8, 42, 10


def train_in_pytorch(variant, model, corpus, steps, threads, rank=0, ranks=1, port=0):
    """The peer, in a process of its own. Prints milliseconds a step."""
    import torch

    torch.set_flush_denormal(variant == "flushed")  # charrnn_dist does; threads inherit it
    torch.set_num_threads(threads)
    layers, hidden, dropout = MODELS[model]
    text = Path(corpus).read_text().lower()[:493_747]
    counts = {c: text.count(c) for c in set(text)}
    kept = sorted((c for c in counts if counts[c] >= 3), key=lambda c: (-counts[c], c))
    index = {c: i + 2 for i, c in enumerate(kept)}
    tokens = torch.tensor([index.get(c, 0) for c in text])
    rows = len(tokens) // COLUMNS
    mine = slice(rank * COLUMNS // ranks, (rank + 1) * COLUMNS // ranks)
    columns = tokens[: rows * COLUMNS].view(COLUMNS, rows)[mine].t().contiguous()
    vocabulary = len(kept) + 2
    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[model]

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.e = torch.nn.Embedding(vocabulary, EMBEDDING)
            self.rnn = kind(EMBEDDING, hidden, layers, dropout=dropout)
            self.out = torch.nn.Linear(hidden, vocabulary)

        def forward(self, tokens, state):
            output, state = self.rnn(self.e(tokens), state)
            return self.out(output), state

    net = trained = Net()
    if variant == "ddp":
        torch.distributed.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=ranks)
        trained = torch.nn.parallel.DistributedDataParallel(net)
    if variant == "compile":
        trained = torch.compile(net)
    adam = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    zeros = torch.zeros(layers, columns.shape[1], hidden)
    state, stretches, start = (zeros, zeros) if model == "lstm" else zeros, [], time.perf_counter()
    for step in range(steps):
        row = step * BPTT
        with torch.autocast("cpu", torch.bfloat16, enabled=variant == "autocast"):
            logits, state = trained(columns[row : row + BPTT], state)
        state = tuple(s.detach() for s in state) if model == "lstm" else state.detach()
        targets = columns[row + 1 : row + BPTT + 1].reshape(-1)
        loss = torch.nn.functional.cross_entropy(logits.float().view(-1, vocabulary), targets)
        adam.zero_grad()
        loss.backward()
        adam.step()
        if (step + 1) % STRETCH == 0:
            loss.item()
            now = time.perf_counter()
            stretches.append((now - start) / STRETCH * 1e3)
            start = now
    if rank == 0:
        print(statistics.median(stretches[1:]))


def peak_memory(command, errors=None):
    """Runs a command; its standard output, None if it failed, and its peak memory in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    return output if os.waitstatus_to_exitcode(status) == 0 else None, usage.ru_maxrss / 1024


def ours(program, corpus, model, steps, precision, threads, ranks):
    layers, hidden, dropout = MODELS[model]
    launch = []
    if ranks > 1:
        launch = ["mpirun", "-np", str(ranks), "--bind-to", "none"]
        launch += ["--allow-run-as-root"] if os.geteuid() == 0 else []
    output, memory = peak_memory(
        [*launch, program, "bench", "--corpus", corpus, "--model", model, "--lowercase", "--train-characters", "493747",
         "--layers", str(layers), "--hidden", str(hidden), "--dropout", str(dropout), "--columns", str(COLUMNS), "--bptt",
         str(BPTT), "--no-bptt-jitter", "--steps", str(steps), "--threads", str(threads), "--engine", "native",
         "--precision", precision, "--json"])
    if output is None:
        sys.exit(f"{program} failed")
    found = json.loads(output)
    return found["engines"][0]["milliseconds"], memory, found


def peer(variant, corpus, model, steps, threads, ranks=1):
    port = 20_000 + os.getpid() % 20_000
    commands = [[sys.executable, __file__, "--peer", variant, model, corpus, str(steps), str(threads), str(rank), str(ranks),
                 str(port)] for rank in range(ranks)]
    others = [subprocess.Popen(command) for command in commands[1:]]
    output, memory = peak_memory(commands[0], subprocess.DEVNULL)
    for other in others:
        other.wait()
    return (float(output), memory) if output else None  # PyTorch has no kernels for it on this processor


def main():
    if sys.argv[1:2] == ["--peer"]:
        _, variant, model, corpus, *numbers = sys.argv[1:]
        return train_in_pytorch(variant, model, corpus, *map(int, numbers))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("corpus")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--threads", type=int, default=2, help="cores that every variant gets")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--variants", nargs="+", default=["eager", "flushed", "autocast", "compile", "ddp"])
    parser.add_argument("--json", help="file for the numbers")
    arguments = parser.parse_args()
    cores, results, facts = arguments.threads, {}, {}
    for _ in range(arguments.rounds):
        for model in arguments.models:
            for precision in ("fp32", "bf16") if "autocast" in arguments.variants else ("fp32",):
                name = "charrnn_dist" if precision == "fp32" else f"charrnn_dist {precision}"
                for arrangement, threads, ranks in (("", cores, 1), (", a rank a core", 1, cores)):
                    took, memory, facts[precision] = ours(arguments.program, arguments.corpus, model, arguments.steps,
                                                          precision, threads, ranks)
                    runs = results.setdefault(model, {}).setdefault((name + arrangement, precision), [])
                    runs.append((took, memory))
            for variant in arguments.variants:
                threads, ranks = (1, cores) if variant == "ddp" else (cores, 1)
                took = peer(variant, arguments.corpus, model, arguments.steps, threads, ranks)
                if took:
                    precision = "bf16" if variant == "autocast" else "fp32"
                    results[model].setdefault((f"PyTorch {variant}", precision), []).append(took)
    rates = ", ".join(f"{precision} {found['gflop_per_second']:.0f} GFLOP/s" for precision, found in facts.items())
    print(f"{facts['fp32']['processor']}, {cores} core(s), products at up to {rates}\n")
    print("| model | variant | ms/step | times the best of ours | MiB a process |\n|---|---|---|---|---|")
    table = []
    for model, variants in results.items():
        medians = {key: tuple(statistics.median(column) for column in zip(*runs)) for key, runs in variants.items()}
        layers, hidden, _ = MODELS[model]
        for (name, precision), (took, memory) in sorted(medians.items()):
            best = min(least for (one, its), (least, _) in medians.items()
                       if one.startswith("charrnn_dist") and its == precision)
            print(f"| {model} {layers}×{hidden} | {name} | {took:.2f} | {took / best:.2f} | {memory:.0f} |")
            table.append({"model": model, "variant": name, "milliseconds": took, "ratio": took / best, "mib": memory,
                          "rounds": [round(one, 3) for one, _ in variants[name, precision]]})
    if arguments.json:
        found = {"processor": facts["fp32"]["processor"], "cores": cores, "results": table}
        Path(arguments.json).write_text(json.dumps(found, indent=1))


main()
