"""Models out of checkpoints (docs/checkpoint.md) and .safetensors files (docs/interchange.md)."""
import hashlib
import json
import tomllib
from pathlib import Path

import h5py
import torch

from charrnn.model import make_model
from charrnn.vocabulary import Vocabulary

_BLOCK = 512  # bytes around HDF5: the format, and the digest of all that follows
_LONGEST = 300  # characters of what is wrong
_DEFAULTS = {"model": "lstm", "layers": 1, "hidden": 256, "embedding": 42, "dropout": 0.0, "window": 0, "predict": "every"}


def load_model(path):
    """charrnn.load()"""
    file = _file_of(Path(path))
    try:
        return (_from_safetensors if file.suffix == ".safetensors" else _from_checkpoint)(file)
    except Exception as error:  # anybody may have made the file, and libraries have many ways to refuse one
        if isinstance(error, KeyError):
            error = f"it lacks {error}"
        line = "".join(character if character.isprintable() else " " for character in str(error)[:_LONGEST])
        raise ValueError(f"cannot use '{file}': {' '.join(line.split())}") from None


def _file_of(path):
    """The path itself, or the checkpoint to use of a run's folder."""
    if not path.exists():
        raise ValueError(f"there is no '{path}'")
    if not path.is_dir():
        if not path.is_file():
            raise ValueError(f"'{path}' is not a regular file")
        return path
    folder = path if path.name == "checkpoints" else path / "checkpoints"
    for link in ("best", "latest"):
        if (folder / link).exists():
            return folder / link
    raise ValueError(f"'{path}' has no checkpoint")


def _check_digest(path):
    with open(path, "rb") as file:
        block = file.read(_BLOCK)
        expected = f"charrnn_dist 1\nsha256 {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode()
    if not block.startswith(b"charrnn_dist "):
        raise ValueError("it is not a checkpoint of charrnn_dist")
    if block != expected.ljust(_BLOCK, b"\0"):
        raise ValueError("its checksum does not match: it is damaged, or of a later version")


def _from_checkpoint(path):
    _check_digest(path)
    with h5py.File(path) as file:
        known = _dataset(file, "vocabulary")
        symbols = [symbol.rstrip(b"\0").decode() for symbol in known[:]]
        vocabulary = {name: bool(known.attrs[name]) for name in ("lowercase", "bytes", "full")}
        settings = dict(_member(file, "model_config").attrs) if "model_config" in file else {}
        tensors = {name: _dataset(_member(file, "model"), name) for name in file["model"]}
        return _build(_dataset(file, "config")[()].decode(), settings, Vocabulary(symbols, **vocabulary),
                      {name: data.shape for name, data in tensors.items()}, lambda name: torch.from_numpy(tensors[name][()]))


def _member(group, name):
    """A group or dataset of the file itself: HDF5 would follow a link into any other."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"its {name} is not in the file itself")
    return group[name]


def _dataset(group, name):
    """One that takes no more memory than the file has bytes, all of them its own (docs/checkpoint.md)."""
    data = _member(group, name)
    if not isinstance(data, h5py.Dataset):
        raise ValueError(f"its {name} is not a dataset")
    how = data.id.get_create_plist()
    if data.is_virtual or how.get_external_count():
        raise ValueError(f"its {name} is not in the file itself")
    if data.dtype.kind not in "iufS":
        raise ValueError(f"its {name} is not of plain numbers or texts")
    if any(how.get_filter(i)[0] != h5py.h5z.FILTER_FLETCHER32 for i in range(how.get_nfilters())):
        raise ValueError(f"its {name} is packed")
    if data.nbytes > data.file.id.get_filesize():
        raise ValueError(f"its {name} has {data.nbytes} bytes, more than the file")
    return data


def _from_safetensors(path):
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        about = file.metadata() or {}
        if about.get("format") != "charrnn":
            raise ValueError("it is not from charrnn_dist: its metadata do not say that their format is 'charrnn'")
        told = json.loads(about["vocabulary"])
        vocabulary = Vocabulary(told["symbols"], *(bool(told.get(name)) for name in ("lowercase", "bytes", "full")))
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
        return _build(about["config"], json.loads(about["settings"]), vocabulary, shapes, file.get_tensor)


def _build(config, settings, vocabulary, shapes, read):
    """`read(name)` gives a tensor, whose shape has been looked at before."""
    tables = tomllib.loads(config)
    told = tables.get("data", {}) | tables.get("model", {}) | {name: _plain(value) for name, value in settings.items()}
    settings = {name: type(default)(told.get(name, default)) for name, default in _DEFAULTS.items()}
    if settings["layers"] > len(shapes):
        raise ValueError(f"it has fewer tensors than its {settings['layers']} layers need")
    with torch.device("meta"):  # without memory
        model = make_model(settings, vocabulary, tables.get("data", {}))
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    for name, shape in wanted.items():
        if shapes.get(name) != shape:
            raise ValueError(f"its {name} is {list(shapes.get(name, []))}, the model needs {list(shape)}")
    model.load_state_dict({name: read(name).float() for name in wanted}, assign=True)
    return model.eval()


def _plain(value):
    """An attribute of HDF5 as Python's own type."""
    value = value.item() if hasattr(value, "item") else value
    return value.decode() if isinstance(value, bytes) else value
