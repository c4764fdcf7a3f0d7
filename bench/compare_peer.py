"""One process of compare_pytorch.py's peer. usage: compare_peer.py REQUEST, in JSON; rank 0 prints its speed, in JSON.

The loop is what people write: its loss comes to the CPU every 10 steps, as for a line of a log.
"""
import json
import statistics
import sys
import time
from pathlib import Path

import torch

from pytorch_peer import Peer, Shape


def read_columns(corpus, characters, shape, rank, ranks):
    """A rank's columns of the text's beginning, as charrnn_dist makes them, and the size of the vocabulary."""
    text = Path(corpus).read_text().lower()[:characters]
    counts = {c: text.count(c) for c in set(text)}
    kept = sorted((c for c in counts if counts[c] >= 3), key=lambda c: (-counts[c], c))
    index = {c: i + 2 for i, c in enumerate(kept)}
    tokens = torch.tensor([index.get(c, 0) for c in text])
    rows, width = len(tokens) // shape["columns"], shape["columns"]
    mine = slice(rank * width // ranks, (rank + 1) * width // ranks)
    return tokens[: rows * width].view(width, rows)[mine].t().contiguous(), len(kept) + 2


def main():
    request = json.loads(sys.argv[1])
    variant, rank, ranks, shape, stretch = (request[key] for key in ("variant", "rank", "ranks", "shape", "stretch"))
    torch.set_flush_denormal(variant == "flushed")  # charrnn_dist does; threads inherit it
    torch.set_num_threads(request["threads"] // ranks)
    torch.backends.cudnn.allow_tf32 = variant == "high"
    torch.set_float32_matmul_precision("high" if variant == "high" else "highest")
    columns, vocabulary = read_columns(request["corpus"], request["characters"], shape, rank, ranks)

    def wrap(net):
        if variant != "ddp":
            return net
        torch.distributed.init_process_group("gloo", f"tcp://127.0.0.1:{request['port']}", rank=rank, world_size=ranks)
        return torch.nn.parallel.DistributedDataParallel(net)

    shape = Shape(**{**shape, "columns": columns.shape[1]})
    found = Peer(shape, variant, columns, vocabulary, request["device"], wrap).stretches(request["steps"], stretch)
    end = time.time()
    if rank == 0:
        print(json.dumps({"milliseconds": statistics.median(found), "from": end - sum(found) * stretch / 1e3, "to": end}))


main()
