"""gpu_report's results as Markdown."""
from pages import table

# How a cell is computed, in the order of the columns: its name, heading, and the precision of its products.
OURS = [("fp32", "fp32", "fp32"), ("tf32", "tf32", "tf32"), ("bf16", "bf16", "bf16"),
        ("persistent", "bf16, persistent", "bf16")]
PEERS = [("default", "PyTorch", "tf32"), ("graph", "by hand", "tf32"), ("autocast", "autocast", "bf16"),
         ("autocast graph", "autocast by hand", "bf16")]
WAYS = [*OURS, *PEERS]
PRECISION = {name: precision for name, _, precision in WAYS}
TITLES = {"lstm": "LSTM", "gru": "GRU"}


def flop_per_character(shape, symbols):
    """Of the products of a step: two for each weight forward, four backward; as `charrnn_dist bench` counts them."""
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[shape["model"]]
    hidden, embedding = shape["hidden"], 42
    inputs = [embedding] + [hidden] * (shape["layers"] - 1)
    return 6 * (sum(gates * hidden * (width + hidden) for width in inputs) + hidden * symbols)


def speed(found, cell, way):
    """Milliseconds, characters a second, FLOP/s and their share of the peak; None if it was not measured."""
    milliseconds = cell["ways"].get(way, {}).get("milliseconds")
    if not milliseconds:
        return None
    shape = cell["shape"]
    rate = shape["columns"] * shape["rows"] / milliseconds * 1e3
    flops = rate * flop_per_character(shape, found["symbols"])
    peak = found.get("peak", {}).get("flop_per_second", {}).get(PRECISION[way])
    return milliseconds, rate, flops, flops / peak if peak else None


def entry_of_time(found, cell, way):
    known = speed(found, cell, way)
    return f"{known[0]:.3g}" if known else "–"


def entry_of_rate(found, cell, way):
    known = speed(found, cell, way)
    if not known:
        return "–"
    _, rate, flops, share = known
    return f"{rate / 1e6:.3g}; {flops / 1e12:.3g}" + (f"; {share:.0%}" if share is not None else "")


def cells_table(found, entry):
    ways = [way for way in WAYS if any(way[0] in cell["ways"] for cell in found["cells"])]
    rows = [[TITLES[cell["shape"]["model"]], f"{cell['shape']['hidden']:,}", f"{cell['shape']['columns']:,}",
             *(entry(found, cell, name) for name, _, _ in ways)] for cell in found["cells"]]
    return table(["", "hidden", "columns", *(heading for _, heading, _ in ways)], rows)


def kernels_text(found):
    text = []
    for one in found.get("kernels", []):
        text.append(f"**{one['of']}**" + (": " + one["error"] if "error" in one else ""))
        if one.get("kernels"):
            rows = [[f"`{name[:70].replace('|', '/')}`", count, f"{microseconds:.0f}", f"{microseconds / one['all']:.0%}"]
                    for name, count, microseconds in one["kernels"]]
            text.append(table(["kernel", "times", "µs", "share"], rows))
    return "\n\n".join(text)


def layers_table(found):
    layers = found.get("layers", [])
    shapes = list(dict.fromkeys((one["hidden"], one["columns"], one["rows"]) for one in layers))
    known = {(one["hidden"], one["columns"], one["rows"], one["precision"]): one.get("microseconds") for one in layers}
    precisions = list(dict.fromkeys(one["precision"] for one in layers))
    rows = [[f"{hidden:,}", f"{columns:,}", count,
             *(f"{known[hidden, columns, count, p]:.1f}" if known.get((hidden, columns, count, p)) else "–" for p in precisions)]
            for hidden, columns, count in shapes]
    return table(["hidden", "columns", "rows", *precisions], rows)


def page(found):
    peak = found.get("peak", {})
    rates = ", ".join(f"{name} {rate / 1e12:.3g}" for name, rate in peak.get("flop_per_second", {}).items())
    shape = found["cells"][0]["shape"]
    parts = [
        f"**{found['device']}**, {found['date']}, charrnn_dist {found['version']}, PyTorch {peak.get('torch', '?')}, cuDNN "
        f"{peak.get('cudnn') or '–'}; {shape['layers']} layers, dropout {shape['dropout']}, windows of {shape['rows']}. Large "
        f"products reach, in TFLOP/s: {rates or 'not measured'}. Measured in {found['seconds']:.0f} seconds.",
        "*PyTorch* is what people write: eager, its defaults (TF32 in cuDNN, fp32 elsewhere). *By hand* is the same with the "
        "whole step captured as a CUDA graph. Both have their tokens in the GPU's memory.",
        "Milliseconds a step:", cells_table(found, entry_of_time),
        "Millions of characters a second; TFLOP/s; share of what a large product reaches in that precision:",
        cells_table(found, entry_of_rate)]
    if found.get("layers"):
        parts += ["One LSTM layer in cuDNN, forward and backward, microseconds a time step. fp16 up to 128 columns is its persistent "
                  "algorithm, all else its standard one:", layers_table(found)]
    if found.get("kernels"):
        parts += ["What a step runs (the program: six steps):", kernels_text(found)]
    if found["left_out"]:
        parts.append("Not measured: " + "; ".join(found["left_out"]) + ".")
    return "\n\n".join(parts)
