"""What gpu_report asks of PyTorch, in a process of its own that it can end: a request a line on standard input, an answer a line
on standard output, both JSON. So PyTorch starts once for all of them."""
import gc
import json
import statistics
import sys
import time

import torch
from pytorch_peer import Peer, Shape

VOCABULARY, WINDOWS = 62, 4
KERNELS = 8  # of a step are listed


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def peer_of(request):
    shape = Shape(**request["shape"])
    torch.backends.cudnn.allow_tf32 = True  # PyTorch's default, for recurrent layers; products of its own stay fp32
    tokens = torch.randint(2, VOCABULARY, (WINDOWS * shape.rows + 2, shape.columns))
    return Peer(shape, request["variant"], tokens, VOCABULARY, request["device"])


def measure_peer(request):
    steps = request["steps"]
    length = max(1, steps // 4)
    return {"milliseconds": statistics.median(peer_of(request).stretches(length * 5, length))}


def measure_peak(request):
    """FLOP/s of a large product in each precision."""
    device, size = request["device"], 8192 if request["device"] == "cuda" else 256
    found = {}
    for precision in ("fp32", "tf32", "bf16"):
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
        best = float("inf")
        for _ in range(6):
            synchronize(device)
            start = time.perf_counter()
            for _ in range(4):
                a @ b
            synchronize(device)
            best = min(best, (time.perf_counter() - start) / 4)
        found[precision] = 2 * size**3 / best
    torch.backends.cuda.matmul.allow_tf32 = False
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    return {"flop_per_second": found, "device": name, "torch": torch.__version__,
            "cudnn": torch.backends.cudnn.version() if device == "cuda" else None}


def list_kernels(request):
    """[name, how often, microseconds] of one step, the longest first."""
    peer, device = peer_of(request), request["device"]
    for number in range(3):
        peer.step(number)
    synchronize(device)
    kinds = torch.profiler.ProfilerActivity
    with torch.profiler.profile(activities=[kinds.CPU] + ([kinds.CUDA] if device == "cuda" else [])) as profile:
        peer.step(3)
        synchronize(device)
    found = []
    for event in profile.key_averages():
        if device == "cuda" and event.device_type != torch.autograd.DeviceType.CUDA:
            continue
        found.append([event.key, event.count, event.self_device_time_total if device == "cuda" else event.self_cpu_time_total])
    found.sort(key=lambda one: -one[2])
    return {"kernels": found[:KERNELS], "all": sum(one[2] for one in found)}


def measure_layer(request):
    """Microseconds a row, forward and backward, of one layer of LSTM by cuDNN. fp16 with up to 128 columns and units in multiples
    of 128 is what PyTorch asks cuDNN's persistent algorithm for; everything else takes the standard one."""
    hidden, columns, rows, precision, device = (request[key] for key in ("hidden", "columns", "rows", "precision", "device"))
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision, torch.float32)
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    layer = torch.nn.LSTM(hidden, hidden).to(device, dtype)
    inputs = torch.randn(rows, columns, hidden, device=device, dtype=dtype, requires_grad=True)
    gradient = torch.randn_like(inputs)

    def once():
        layer(inputs)[0].backward(gradient)

    for _ in range(3):
        once()
    run = once
    if device == "cuda":
        graph = torch.cuda.CUDAGraph()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            once()
        torch.cuda.current_stream().wait_stream(side)
        with torch.cuda.graph(graph):
            once()
        run = graph.replay
    synchronize(device)
    start = time.perf_counter()
    for _ in range(request["repeats"]):
        run()
    synchronize(device)
    return {"microseconds": (time.perf_counter() - start) / request["repeats"] / rows * 1e6}


ANSWERS = {"peer": measure_peer, "peak": measure_peak, "kernels": list_kernels, "layer": measure_layer}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = ANSWERS[request["kind"]](request)
        except Exception as error:  # whatever PyTorch says; gpu_report puts it into the page
            answer = {"error": (str(error).strip().splitlines() or [type(error).__name__])[0][:120]}
        gc.collect()
        if request["device"] == "cuda":
            torch.cuda.empty_cache()
        print(json.dumps(answer), flush=True)


main()
