"""The models of docs/models.md as PyTorch modules. Their state dicts have the names and shapes of a checkpoint's /model."""
import contextlib
import functools

import torch
from torch import nn

from charrnn.sampling import choose, uniform_numbers

_AT_ONCE = 1024  # rows, or windows: bounds the memory that a long text takes


class CharModel(nn.Module):
    """An embedding `e`, recurrent layers, and an output layer `l_out`. The layers are a subclass's.

    vocabulary  a Vocabulary
    settings    {name: value} of /model_config: model, layers, hidden, embedding, dropout, window, predict …
    options     {name: value} of the table [data] of the config of its run

    Of the program's dropouts only the one between layers acts in train().
    """

    def __init__(self, settings, vocabulary, options):
        super().__init__()
        self.settings, self.vocabulary, self.options = settings, vocabulary, options
        self.window = settings["window"]
        self.e = nn.Embedding(len(vocabulary), settings["embedding"])
        self.l_out = nn.Linear(settings["hidden"], len(vocabulary))

    def forward(self, tokens, state=None):
        """tokens [time, columns] → logits [time, columns, symbols], and the state after them; None: a new text begins."""
        outputs, state = self.recur(self.e(tokens), state)
        return self.l_out(outputs), state

    def encode(self, text):
        """The text's tokens, on the model's device. ValueError for a character that is unknown to a vocabulary without
        <unk>."""
        return torch.tensor(self.vocabulary.tokens(text), dtype=torch.long, device=self.e.weight.device)

    def decode(self, tokens):
        """The text of a list or tensor of tokens."""
        return self.vocabulary.text(int(token) for token in tokens)

    def score(self, text):
        """The mean loss in nats of all characters but the first: what `charrnn_dist eval` prints. Of a model that reads
        windows, the mean over the text's windows, which are cut as in its training."""
        tokens = self.encode(text)
        with self.predicting():
            losses, count = self._losses_of_windows(tokens) if self.window else self._losses(tokens)
        return losses / count

    def generate(self, prime="", length=400, temperature=1.0, top_k=0, top_p=1.0, seed=1, greedy=False):
        """What the model writes after `prime`. The same seed gives the text of `charrnn_dist sample`, but for rounding."""
        if temperature <= 0 or top_k < 0 or not 0 < top_p <= 1:
            raise ValueError("temperature must be positive, top_k 0 (all) or more, top_p in (0, 1]; for the most probable "
                             "character use greedy=True")
        tokens = self._prime(prime)
        how = dict(temperature=temperature, top_k=top_k, top_p=top_p, greedy=greedy)
        written, state = [], None
        with self.predicting():
            for _, uniform in zip(range(length), uniform_numbers(seed)):
                logits, state = self._after(tokens, state)
                written.append(choose(logits, self.vocabulary.special, uniform, **how))
                new = tokens.new_tensor(written[-1:])
                tokens = torch.cat([tokens, new])[-self.window:] if self.window else new
        return self.decode(written)

    @contextlib.contextmanager
    def predicting(self):
        """As in eval(), without gradients."""
        was_training = self.training
        self.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            self.train(was_training)

    def _losses(self, tokens):
        if len(tokens) < 2:
            raise ValueError("a text of less than two characters has nothing to predict")
        total, state = 0.0, None
        for at in range(0, len(tokens) - 1, _AT_ONCE):
            piece = tokens[at:at + _AT_ONCE + 1]
            logits, state = self(piece[:-1, None], state)
            total += nn.functional.cross_entropy(logits[:, 0], piece[1:], reduction="sum").item()
        return total, len(tokens) - 1

    def _losses_of_windows(self, tokens):
        starts = torch.arange(0, len(tokens) - self.window - 1, self.options.get("stride") or self.window)
        starts = starts[:self.options.get("windows") or None]
        if not len(starts):
            raise ValueError(f"a text of {len(tokens)} characters has no window of {self.window}")
        every = self.settings["predict"] == "every"
        total = 0.0
        for some in starts.to(tokens.device).split(_AT_ONCE):
            places = some + torch.arange(self.window, device=tokens.device)[:, None]
            logits, targets = self(tokens[places])[0], tokens[places + 1]
            if not every:
                logits, targets = logits[-1:], targets[-1:]
            total += nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").item()
        return total, len(starts) * (self.window if every else 1)

    def _prime(self, text):
        """Nothing stands for a newline, or for the first symbol where there is none."""
        tokens = self.encode(text)
        if not text:
            symbols, special = self.vocabulary.symbols, len(self.vocabulary.special)
            first = symbols.index("\n") if "\n" in symbols[special:] else special
            tokens = tokens.new_full((max(self.window, 1),), first)
        if len(tokens) < self.window:
            raise ValueError(f"the prime has {len(tokens)} characters, and the model reads windows of {self.window}")
        return tokens[-self.window:] if self.window else tokens

    def _after(self, tokens, state):
        """Logits [symbols] of what comes next."""
        if self.window:
            return self(tokens[:, None])[0][-1, 0], None
        for piece in tokens.split(_AT_ONCE):
            logits, state = self(piece[:, None], state)
        return logits[-1, 0], state


class StackedModel(CharModel):
    """rnn, gru, lstm and norm_lstm. The state is PyTorch's, of a layer each: h, or (h, c)."""

    def __init__(self, layer, settings, vocabulary, options):
        super().__init__(settings, vocabulary, options)
        self.rnn = layer(settings["embedding"], settings["hidden"], settings["layers"],
                         dropout=settings["dropout"] if settings["layers"] > 1 else 0)

    def recur(self, inputs, state):
        return self.rnn(inputs, state)


class NormLSTM(nn.Module):
    """LSTM layers whose cell state is normalised on its way to the output, h = o · tanh(layer_norm(c)); layers after the first
    add their inputs to their outputs. Called as nn.LSTM is."""

    def __init__(self, inputs, hidden, layers, dropout=0.0):
        super().__init__()
        self.hidden, self.layers, self.dropout = hidden, layers, dropout
        for layer in range(layers):
            shapes = {"weight_ih": (4 * hidden, inputs if layer == 0 else hidden), "weight_hh": (4 * hidden, hidden),
                      "bias_ih": (4 * hidden,), "bias_hh": (4 * hidden,)}
            values = {name: torch.empty(shape).uniform_(-hidden ** -0.5, hidden ** -0.5) for name, shape in shapes.items()}
            values |= {"norm_weight": torch.ones(hidden), "norm_bias": torch.zeros(hidden)}
            for name, value in values.items():
                self.register_parameter(f"{name}_l{layer}", nn.Parameter(value))

    def forward(self, inputs, state=None):
        if state is None:
            state = (inputs.new_zeros(self.layers, inputs.shape[1], self.hidden),) * 2
        after = []
        for layer in range(self.layers):
            if layer > 0:
                inputs = nn.functional.dropout(inputs, self.dropout, self.training)
            outputs, *ends = self._layer(layer, inputs, *(part[layer] for part in state))
            inputs = inputs + outputs if layer > 0 else outputs
            after.append(ends)
        return inputs, tuple(torch.stack(parts) for parts in zip(*after))

    def _layer(self, layer, inputs, h, c):
        weight_ih, weight_hh, bias_ih, bias_hh, *norm = (
            getattr(self, f"{name}_l{layer}")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "norm_weight", "norm_bias"))
        outputs = []
        for x in inputs:
            gates = nn.functional.linear(x, weight_ih, bias_ih) + nn.functional.linear(h, weight_hh, bias_hh)
            i, f, g, o = gates.chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(nn.functional.layer_norm(c, (self.hidden,), *norm))
            outputs.append(h)
        return torch.stack(outputs), h, c


class LoopModel(CharModel):
    """One layer, called for one row after the other."""

    def recur(self, inputs, state):
        outputs = []
        for row in inputs:
            state = self.step(row, state)
            outputs.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(outputs), state


class CellModel(LoopModel):
    """rnn_cell, gru_cell and lstm_cell."""

    def __init__(self, cell, settings, vocabulary, options):
        super().__init__(settings, vocabulary, options)
        self.rnn = cell(settings["embedding"], settings["hidden"])

    def step(self, row, state):
        return self.rnn(row, state)


class CharLoopModel(LoopModel):
    """The notebook's two linear layers; with `concat` the first one reads the hidden state, too."""

    def __init__(self, concat, settings, vocabulary, options):
        super().__init__(settings, vocabulary, options)
        hidden = settings["hidden"]
        self.concat = concat
        self.l_in = nn.Linear(settings["embedding"] + (hidden if concat else 0), hidden)
        self.l_hidden = nn.Linear(hidden, hidden)

    def step(self, row, state):
        if state is None:
            state = row.new_zeros(len(row), self.settings["hidden"])
        if self.concat:
            return torch.tanh(self.l_hidden(torch.relu(self.l_in(torch.cat([state, row], 1)))))
        return torch.tanh(self.l_hidden(state + torch.relu(self.l_in(row))))


_KINDS = {
    "rnn": functools.partial(StackedModel, nn.RNN),
    "gru": functools.partial(StackedModel, nn.GRU),
    "lstm": functools.partial(StackedModel, nn.LSTM),
    "norm_lstm": functools.partial(StackedModel, NormLSTM),
    "rnn_cell": functools.partial(CellModel, nn.RNNCell),
    "gru_cell": functools.partial(CellModel, nn.GRUCell),
    "lstm_cell": functools.partial(CellModel, nn.LSTMCell),
    "char_loop": functools.partial(CharLoopModel, False),
    "char_loop_concat": functools.partial(CharLoopModel, True),
}
_NOTEBOOK = {"Char3Model": "char_loop", "CharLoopModel": "char_loop", "CharLoopConcatModel": "char_loop_concat",
             "CharRnn": "rnn", "CharSeqRnn": "rnn", "CharSeqStatefulRnn": "rnn", "CharSeqStatefulRnn2": "rnn_cell",
             "CharSeqStatefulGRU": "gru", "CharSeqStatefulLSTM": "lstm"}


def make_model(settings, vocabulary, options):
    """A new CharModel. ValueError if there is no such model."""
    name = settings["model"]
    kind = _KINDS.get(_NOTEBOOK.get(name, name))
    if kind is None:
        raise ValueError(f"it is of the model {name!r}, which this version does not know")
    return kind(settings, vocabulary, options)
