"""Characters per second that charrnn_dist samples, beside a PyTorch loop with the same weights, interleaved.

usage: compare_sampling.py PROGRAM CORPUS [--models rnn gru lstm] [--streams 1 64] [--cores 1] [--rounds 5]
                           [--precisions fp32 tf32 bf16 int8] [--without-pytorch] [--json FILE]

  compare_sampling.py build/release/charrnn_dist nietzsche.txt --json sampling.json
  compare_sampling.py build/release/charrnn_dist nietzsche.txt --models lstm --streams 1 --rounds 3
  compare_sampling.py build/release/charrnn_dist nietzsche.txt --models lstm --precisions fp32 tf32 bf16 int8 --cores 2

The notebook's stateful models (configs/lesson6) are trained for a few steps. `charrnn_dist sample` writes one text, or
many at once (--count); its time is the difference between a long and a short sample, so that start-up (loading
libraries, reading the checkpoint) drops out. The peer reads the weights from the same checkpoint and writes one
character at a time, with the state carried and torch.multinomial, for one stream or a batch of them; it times its loop
itself. It runs its LSTM without oneDNN, too, whose layer rearranges the weights for every character. Every process is
bound to the same cores (one, if not told otherwise). First both write greedily, which must give the same text.

With --precisions ours writes in each of them (`sample --precision`), and the table has the loss of each on the text's
validation part; ratios are to ours in the first one.

A round measures every variant once, in turn, so that a busy machine hits all of them; the table has medians over the
rounds, of the ratios within a round, too. CPU time leaves out the waits of a busy machine. Start-up is the time to the
first characters. Prints Markdown. Needs h5py.
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

CONFIGS = Path(__file__).resolve().parent.parent / "configs/lesson6"
MODELS = {"rnn": ("stateful_rnn", 200_000), "gru": ("stateful_gru", 100_000), "lstm": ("stateful_lstm_sgdr", 6_000)}
PRIME, WARM_UP, COMPARED = "for thos", 20, 60
SLOW_SHARE = 40  # of a long sample's steps, for all but one stream of ours: their steps take longer


def sample_in_pytorch(checkpoint, streams, steps, with_onednn, is_greedy):
    """The peer, in a process of its own. Prints its loop's seconds of wall and CPU time and the first stream's text."""
    import h5py
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.backends.mkldnn.enabled = bool(with_onednn)
    with h5py.File(checkpoint) as file:
        weights = {name: torch.tensor(tensor[:]) for name, tensor in file["model"].items()}
        symbols = [symbol.decode() for symbol in file["vocabulary"][:]]
    (vocabulary, embedding), (rows, hidden) = weights["e.weight"].shape, weights["rnn.weight_hh_l0"].shape
    layers = sum(name.startswith("rnn.weight_hh") for name in weights)
    kind = {1: torch.nn.RNN, 3: torch.nn.GRU, 4: torch.nn.LSTM}[rows // hidden]

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.e = torch.nn.Embedding(vocabulary, embedding)
            self.rnn = kind(embedding, hidden, layers)
            self.l_out = torch.nn.Linear(hidden, vocabulary)

        def forward(self, tokens, state):
            output, state = self.rnn(self.e(tokens), state)
            return self.l_out(output[-1]), state

    net = Net().eval()
    net.load_state_dict(weights)
    texts = [[] for _ in range(streams)]
    prime = torch.tensor([[symbols.index(c)] * streams for c in PRIME])
    with torch.no_grad():
        logits, state = net(prime, None)
        for step in range(WARM_UP + steps):
            if step == WARM_UP:
                wall, cpu = time.perf_counter(), time.process_time()
            probabilities = torch.softmax(logits, -1)
            tokens = probabilities.argmax(-1, True) if is_greedy else torch.multinomial(probabilities, 1)
            for text, (token,) in zip(texts, tokens.tolist()):
                text.append(symbols[token])
            logits, state = net(tokens.t(), state)
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "text": "".join(texts[0])}))


def run(command):
    """Runs a command; its standard output, seconds of wall and CPU time, and peak memory in MiB."""
    env = dict(os.environ)
    if os.geteuid() == 0:
        env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=output, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"this failed: {' '.join(map(str, command))}")
        output.seek(0)
        return output.read(), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def sample(program, checkpoint, streams, length, *options):
    count = ["--count", streams] if streams > 1 else []
    return run([program, "sample", "--checkpoint", checkpoint, "--prime", PRIME, "--length", length, "--device", "cpu",
                *count, *options])


def ours(program, checkpoint, streams, steps, precision):
    """Characters per second of wall time and of CPU time, seconds of start-up, and MiB."""
    options = [] if precision == "fp32" else ["--precision", precision]  # version 0.4.0 has no such option
    _, short_wall, short_cpu, _ = sample(program, checkpoint, streams, 1, *options)
    _, wall, cpu, memory = sample(program, checkpoint, streams, 1 + steps, *options)
    characters = streams * steps
    return characters / (wall - short_wall), characters / (cpu - short_cpu), short_wall, memory


def peer(checkpoint, streams, steps, with_onednn=True, is_greedy=False):
    """The same four, and the text."""
    flags = [int(with_onednn), int(is_greedy)]
    output, wall, _, memory = run([sys.executable, __file__, "--peer", checkpoint, streams, steps, *flags])
    found = json.loads(output)
    count = streams * steps
    return (count / found["wall"], count / found["cpu"], wall - found["wall"], memory), found["text"]


def loss(program, checkpoint, corpus, precision):
    """Nats per character on the text's validation part."""
    output = run([program, "eval", "--checkpoint", checkpoint, "--corpus", corpus, "--part", "validation", "--columns",
                  16, "--json", "--device", "cpu", "--precision", precision])[0]
    return json.loads(output)["loss"]


def check_same_text(program, checkpoint):
    own = sample(program, checkpoint, 1, COMPARED, "--greedy")[0].removeprefix(PRIME)[:COMPARED]
    theirs = peer(checkpoint, 1, COMPARED - WARM_UP, is_greedy=True)[1]
    if own != theirs:
        sys.exit(f"{checkpoint}: greedy samples differ: {own!r} and {theirs!r}")


def label(precision):
    return "charrnn_dist" if precision == "fp32" else f"charrnn_dist {precision}"


def main():
    if sys.argv[1:2] == ["--peer"]:
        checkpoint, *numbers = sys.argv[2:]
        return sample_in_pytorch(checkpoint, *map(int, numbers))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("corpus")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 64], help="texts that are written at once")
    parser.add_argument("--cores", type=int, default=1, help="cores that every process is bound to")
    parser.add_argument("--precisions", nargs="+", default=["fp32"], choices=["fp32", "tf32", "bf16", "int8"])
    parser.add_argument("--without-pytorch", action="store_true", help="leave the peer out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--length", type=int, help="of a long sample, less a short one; default: by model")
    parser.add_argument("--steps", type=int, default=100, help="steps that the models are trained for")
    parser.add_argument("--json", help="file for the numbers")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:arguments.cores])
    results, losses = {}, {}
    first = label(arguments.precisions[0])
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = {model: f"{folder}/{model}/checkpoints/latest" for model in arguments.models}
        for model, checkpoint in checkpoints.items():
            config = CONFIGS / f"{MODELS[model][0]}.toml"
            run([arguments.program, "train", "--config", config, "--corpus", arguments.corpus, "--device", "cpu",
                 "--max-steps", arguments.steps, "--run-dir", folder, "--name", model])
            if not arguments.without_pytorch:
                check_same_text(arguments.program, checkpoint)
            if len(arguments.precisions) > 1:
                losses[model] = {label(p): loss(arguments.program, checkpoint, arguments.corpus, p)
                                 for p in arguments.precisions}
        for _ in range(arguments.rounds):
            for model, checkpoint in checkpoints.items():
                length = arguments.length or MODELS[model][1]
                variants = results.setdefault(model, {})
                slow = max(length // SLOW_SHARE, 1)
                for streams in arguments.streams:
                    for precision in arguments.precisions:
                        cost = ours(arguments.program, checkpoint, streams, length if streams == 1 else slow, precision)
                        variants.setdefault((label(precision), streams), []).append(cost)
                    if arguments.without_pytorch:
                        continue
                    for name in ("PyTorch", "PyTorch without oneDNN") if model == "lstm" else ("PyTorch",):
                        cost, _ = peer(checkpoint, streams, slow, name == "PyTorch")
                        variants.setdefault((name, streams), []).append(cost)
    print(f"| model | variant | streams | char/s | {first} is times as fast | CPU µs/character | start-up s | MiB | "
          "loss |")
    print("|---|---|---|---|---|---|---|---|---|")
    table = []
    for model, variants in results.items():
        medians = {variant: [statistics.median(column) for column in zip(*runs)] for variant, runs in variants.items()}
        for (name, streams), (rate, cpu_rate, start_up, memory) in medians.items():
            ratio = statistics.median(one[0] / other[0] for one, other in zip(variants[first, streams],
                                                                              variants[name, streams]))
            nats = losses.get(model, {}).get(name)
            print(f"| {model} | {name} | {streams} | {rate:,.0f} | {ratio:.2f} | {1e6 / cpu_rate:.1f} | "
                  f"{start_up:.2f} | {memory:.0f} | {'' if nats is None else f'{nats:.5f}'} |")
            table.append({"model": model, "variant": name, "streams": streams, "characters_per_second": rate,
                          "ratio": ratio, "cpu_microseconds": 1e6 / cpu_rate, "start_up_seconds": start_up,
                          "mib": memory, "loss": nats, "rounds": [round(one[0], 1) for one in variants[name, streams]]})
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
