"""Time per training step and peak memory of charrnn_dist beside the same model in PyTorch, interleaved.

usage: compare_pytorch.py PROGRAM CORPUS [--rounds 5] [--steps 200] [--threads 1 2]

Both train the notebook's three stateful models on the corpus: 64 columns, windows of 8, fused Adam, one process.
A round measures every variant once, in turn, so that a busy machine hits all of them; the table has the medians
over the rounds of a run's median over its stretches of 20 steps. Prints Markdown.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODELS = {"rnn": (1, 256, 0.0), "gru": (1, 256, 0.0), "lstm": (2, 512, 0.5)}
COLUMNS, BPTT, EMBEDDING, STRETCH = 64, 8, 42, 20


def train_in_pytorch(model, corpus, steps, threads):
    """The peer, in a process of its own. Prints milliseconds a step."""
    import torch

    torch.set_num_threads(threads)
    layers, hidden, dropout = MODELS[model]
    text = Path(corpus).read_text().lower()[:493_747]
    counts = {c: text.count(c) for c in set(text)}
    kept = sorted((c for c in counts if counts[c] >= 3), key=lambda c: (-counts[c], c))
    index = {c: i + 2 for i, c in enumerate(kept)}
    tokens = torch.tensor([index.get(c, 0) for c in text])
    rows = len(tokens) // COLUMNS
    columns = tokens[: rows * COLUMNS].view(COLUMNS, rows).t().contiguous()
    vocabulary = len(kept) + 2
    embed = torch.nn.Embedding(vocabulary, EMBEDDING)
    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[model]
    rnn = kind(EMBEDDING, hidden, layers, dropout=dropout)
    out = torch.nn.Linear(hidden, vocabulary)
    parameters = [*embed.parameters(), *rnn.parameters(), *out.parameters()]
    adam = torch.optim.Adam(parameters, 1e-3, fused=True)
    state, stretches, start = None, [], time.perf_counter()
    for step in range(steps):
        row = step * BPTT
        output, state = rnn(embed(columns[row : row + BPTT]), state)
        state = tuple(s.detach() for s in state) if model == "lstm" else state.detach()
        loss = torch.nn.functional.cross_entropy(out(output).view(-1, vocabulary), columns[row + 1 : row + BPTT + 1].reshape(-1))
        adam.zero_grad()
        loss.backward()
        adam.step()
        if (step + 1) % STRETCH == 0:
            loss.item()
            now = time.perf_counter()
            stretches.append((now - start) / STRETCH * 1e3)
            start = now
    print(statistics.median(stretches))


def peak_memory(command, **options):
    """Runs a command; its standard output and its peak memory in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return output, usage.ru_maxrss / 1024


def ours(program, corpus, model, steps, threads):
    layers, hidden, dropout = MODELS[model]
    with tempfile.TemporaryDirectory() as folder:
        _, memory = peak_memory(
            [program, "train", "--corpus", corpus, "--run-dir", folder, "--name", "run", "--model", model, "--lowercase",
             "--train-characters", "493747", "--layers", str(layers), "--hidden", str(hidden), "--dropout", str(dropout),
             "--columns", str(COLUMNS), "--bptt", str(BPTT), "--no-bptt-jitter", "--max-steps", str(steps),
             "--log-every", str(STRETCH), "--threads", str(threads)])
        events = map(json.loads, (Path(folder) / "run/metrics.jsonl").read_text().splitlines())
        rates = [e["characters_per_second"] for e in events if e["event"] == "step"]
    return statistics.median(COLUMNS * BPTT / rate * 1e3 for rate in rates), memory


def peer(corpus, model, steps, threads):
    output, memory = peak_memory([sys.executable, __file__, "--peer", model, corpus, str(steps), str(threads)])
    return float(output), memory


def main():
    if sys.argv[1:2] == ["--peer"]:
        _, model, corpus, steps, threads = sys.argv[1:]
        return train_in_pytorch(model, corpus, int(steps), int(threads))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("corpus")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    results = {}
    for _ in range(arguments.rounds):
        for model in MODELS:
            for threads in arguments.threads:
                at = results.setdefault((model, threads), {"ours": [], "pytorch": []})
                at["ours"].append(ours(arguments.program, arguments.corpus, model, arguments.steps, threads))
                at["pytorch"].append(peer(arguments.corpus, model, arguments.steps, threads))
    print("| model | threads | charrnn_dist, ms/step | PyTorch eager, ms/step | ratio | charrnn_dist, MiB | PyTorch, MiB |")
    print("|---|---|---|---|---|---|---|")
    for (model, threads), at in results.items():
        (mine, my_memory), (theirs, their_memory) = (
            (statistics.median(t for t, _ in at[who]), statistics.median(m for _, m in at[who])) for who in ("ours", "pytorch"))
        layers, hidden, _ = MODELS[model]
        print(f"| {model} {layers}×{hidden} | {threads} | {mine:.2f} | {theirs:.2f} | {mine / theirs:.2f} | {my_memory:.0f} | {their_memory:.0f} |")


main()
