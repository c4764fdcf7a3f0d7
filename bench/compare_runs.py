"""Runs of compare_pytorch.py: a step of charrnn_dist by its `bench`, by the log of its `train`, and in PyTorch."""
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

from energy import Meter

Model = namedtuple("Model", "cell layers hidden dropout columns bptt", defaults=(64, 8))
MODELS = {"rnn": Model("rnn", 1, 256, 0.0), "gru": Model("gru", 1, 256, 0.0), "lstm": Model("lstm", 2, 512, 0.5),
          "lstm3": Model("lstm", 3, 512, 0.5, 50, 50)}
STRETCH = 10
CHARACTERS = 493_747  # of the training part

# Of one run: median milliseconds a step, MiB of its first process, watts; one that is not known is None.
Speed = namedtuple("Speed", "milliseconds mib watts")


def model_of(arguments, name):
    """With the columns and the window of the command line, if it gives any."""
    model = MODELS[name]
    return model._replace(columns=arguments.columns or model.columns, bptt=arguments.bptt or model.bptt)


def run(command, errors=None):
    """Runs a command; its standard output, None if it failed, and its peak memory in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    return output if os.waitstatus_to_exitcode(status) == 0 else None, usage.ru_maxrss / 1024


def ours(arguments, model, precision, threads, command, *words, launch=()):
    """Runs a command of charrnn_dist; what it prints, and MiB."""
    cell, layers, hidden, dropout, columns, bptt = model_of(arguments, model)
    engine = ["--engine", "native", "--threads", str(threads)] if arguments.device == "cpu" else []
    output, memory = run(
        [*launch, arguments.program, command, "--corpus", arguments.corpus, "--model", cell, "--lowercase",
         "--train-characters", str(CHARACTERS), "--layers", str(layers), "--hidden", str(hidden), "--dropout", str(dropout),
         "--columns", str(columns), "--bptt", str(bptt), "--no-bptt-jitter", "--device", arguments.device, *engine,
         "--precision", precision, *words])
    if output is None:
        sys.exit(f"{arguments.program} failed")
    return output, memory


def measure_bench(arguments, model, precision, threads, ranks):
    """Its speed, and what it tells of the machine."""
    launch = []
    if ranks > 1:
        launch = ["mpirun", "-np", str(ranks), "--bind-to", "none"]
        launch += ["--allow-run-as-root"] if os.geteuid() == 0 else []
    output, memory = ours(arguments, model, precision, threads, "bench", "--steps", str(arguments.steps), "--json", launch=launch)
    found = json.loads(output)
    return Speed(found["engines"][0]["milliseconds"], memory, None), found


def measure_train(arguments, model, precision):
    """From outside: from one line of the run's metrics.jsonl to the next, and so with what writing them takes."""
    shape = model_of(arguments, model)
    with tempfile.TemporaryDirectory() as folder, Meter(arguments.powercap) as meter:
        _, memory = ours(arguments, model, precision, arguments.threads, "train", "--run-dir", folder, "--name", "run",
                         "--max-steps", str(arguments.steps), "--log-every", str(STRETCH),
                         "--validate-characters", str(10 * shape.columns))
        events = map(json.loads, (Path(folder) / "run/metrics.jsonl").read_text().splitlines())
        lines = [event for event in events if event["event"] == "step"]
    took = statistics.median((late["time"] - early["time"]) / STRETCH for early, late in itertools.pairwise(lines))
    return Speed(took * 1e3, memory, meter.watts(lines[0]["time"], lines[-1]["time"]))


def measure_peer(arguments, variant, model):
    """None where it cannot run: maybe it has no kernels for it on this processor."""
    cell, layers, hidden, dropout, columns, bptt = model_of(arguments, model)
    ranks = arguments.threads if variant == "ddp" else 1
    request = {"variant": variant, "corpus": arguments.corpus, "characters": CHARACTERS, "device": arguments.device,
               "steps": arguments.steps, "stretch": STRETCH, "threads": arguments.threads, "ranks": ranks,
               "port": 20_000 + os.getpid() % 20_000,
               "shape": {"model": cell, "layers": layers, "hidden": hidden, "dropout": dropout, "columns": columns, "rows": bptt}}
    script = Path(__file__).with_name("compare_peer.py")
    commands = [[sys.executable, script, json.dumps({**request, "rank": rank})] for rank in range(ranks)]
    with tempfile.TemporaryFile("w+") as errors, Meter(arguments.powercap) as meter:
        others = [subprocess.Popen(command, stderr=errors) for command in commands[1:]]
        output, memory = run(commands[0], errors)
        for other in others:
            other.wait()
        errors.seek(0)
        last = (errors.read().strip().splitlines() or ["no word"])[-1]
    if output is None:
        print(f"PyTorch {variant}, {model}: {last}", file=sys.stderr)
        return None
    told = json.loads(output)
    return Speed(told["milliseconds"], memory, meter.watts(told["from"], told["to"]))
