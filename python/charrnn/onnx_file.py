"""Models as ONNX, for programs without PyTorch."""
import warnings

import torch

from charrnn.model import NormLSTM, StackedModel


class _Flat(torch.nn.Module):
    """ONNX has lists of tensors where PyTorch has tuples in tuples."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, tokens, *state):
        logits, after = self.model(tokens, state if len(state) > 1 else state[0])
        return logits, *(after if len(state) > 1 else [after])


def export(model, path):
    """charrnn.export_onnx()"""
    tokens = torch.zeros(1, 1, dtype=torch.long, device=model.e.weight.device)
    with model.predicting():
        _, state = model(tokens)
    state = state if isinstance(state, tuple) else (state,)
    names = ["h", "c"][:len(state)]
    takes_rows = isinstance(model, StackedModel) and not isinstance(model.rnn, NormLSTM)
    time = {0: "time"} if takes_rows else {}  # the others are written out for one row
    of_state = {1 if isinstance(model, StackedModel) else 0: "columns"}
    axes = {name: time | {1: "columns"} for name in ("tokens", "logits")}
    axes |= {name + suffix: of_state for name in names for suffix in ("", "_after")}
    with model.predicting(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about how it works
        torch.onnx.export(_Flat(model), (tokens, *(torch.zeros_like(part) for part in state)), str(path), dynamo=False,
                          input_names=["tokens", *names], output_names=["logits", *(f"{name}_after" for name in names)],
                          dynamic_axes=axes)
