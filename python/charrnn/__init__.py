"""Models of charrnn_dist in Python, and what the scripts of launch/ are made of: they read runs, draw pictures, and keep a
training going.

    import charrnn
    model = charrnn.load("runs/first")
    print(model.generate("for thos", length=200, temperature=0.8))

docs/interchange.md describes it.
"""


def load(path):
    """The model of a run's folder (its best checkpoint, or the latest where there is none yet), of a checkpoint, or of a
    .safetensors file that `charrnn_dist export` wrote: a CharModel, ready to predict, on the CPU. ValueError, with one line,
    if it cannot be used."""
    from charrnn.saved import load_model  # PyTorch takes seconds, and the scripts do without it

    return load_model(path)


def export_onnx(model, path):
    """Writes a loaded model as ONNX; docs/interchange.md names its inputs and outputs."""
    from charrnn.onnx_file import export

    export(model, path)
