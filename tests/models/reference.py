"""The language model, its data and its dropout masks once more, in PyTorch and numpy and from the documentation alone:
the oracle that the program is compared with. In double precision, so that differences are the program's rounding."""
import math

import numpy as np
import torch

CELLS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
DROPOUT, SPLIT, SHUFFLE, WEIGHT_DROPOUT = 3, 6, 7, 8  # the purposes' numbers in the key


def lower(character):
    """Unicode's simple lowercase mapping: one character for one."""
    return character.lower()[0]


def vocabulary(text, train_characters, min_freq=3, lowercase=False):
    """<unk>, <pad>, then by falling frequency in the training part, ties by code point."""
    counts = {}
    for character in text[:train_characters]:
        character = lower(character) if lowercase else character
        counts[character] = counts.get(character, 0) + 1
    frequent = [character for character in counts if counts[character] >= min_freq]
    return ["<unk>", "<pad>"] + sorted(frequent, key=lambda character: (-counts[character], ord(character)))


def encode(text, symbols, lowercase=False):
    index = {symbol: token for token, symbol in enumerate(symbols) if token > 1}
    return np.array([index.get(lower(c) if lowercase else c, 0) for c in text], dtype=np.int64)


def columns_of(tokens, columns):
    """[rows, columns]: column c holds tokens c·rows …; what is left over falls away."""
    rows = len(tokens) // columns
    return torch.from_numpy(tokens[: rows * columns].reshape(columns, rows).T.copy())


def philox(counter, key):
    """Philox4x32-10 on arrays of uint64 that hold 32-bit words: four counters, two keys (numbers)."""
    low = np.uint64(0xFFFFFFFF)
    x = [np.asarray(word, dtype=np.uint64) for word in counter]
    k = [int(word) for word in key]
    for _ in range(10):
        a = np.uint64(0xD2511F53) * x[0]
        b = np.uint64(0xCD9E8D57) * x[2]
        x = [(b >> np.uint64(32)) ^ x[1] ^ np.uint64(k[0]), b & low,
             (a >> np.uint64(32)) ^ x[3] ^ np.uint64(k[1]), a & low]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(np.broadcast_arrays(*x), axis=-1)


def blocks(seed, purpose, a, b, index):
    """Philox blocks `index` of the stream (seed, purpose, a, b): four words each, along a last axis."""
    key = ((seed & 0xFFFFFFFF) ^ (purpose * 0x85EBCA6B & 0xFFFFFFFF), seed >> 32)
    return philox((index, b, a & 0xFFFFFFFF, a >> 32), key)


def full_vocabulary(text):
    """The notebook's: U+0000, then every character of the text by code point."""
    return ["\0"] + sorted(set(text) - {"\0"})


def permutation(size, seed, purpose, number=0):
    """RandomPermutation's elements at places 0 … size − 1: six rounds over rows x columns places, row and column in turn
    moved by a word that the other one draws, places from `size` on walked past."""
    rows = max(1, math.ceil(math.sqrt(size)))
    columns = -(-size // rows)
    drawn = []  # of a round, for every value of the other coordinate
    for one in range(6):
        others = np.arange(columns if one % 2 == 0 else rows)
        drawn.append(blocks(seed, purpose, number, one, others)[:, 0].astype(np.int64))
    result, walking = np.arange(size), np.arange(size)  # places, and those of them that are not below `size` yet
    while len(walking):
        row, column = result[walking] % rows, result[walking] // rows
        for one in range(6):
            if one % 2 == 0:
                row = (row + drawn[one][column]) % rows
            else:
                column = (column + drawn[one][row]) % columns
        result[walking] = column * rows + row
        walking = walking[result[walking] >= size]
    return result


class Windows:
    """Windowed data: which windows of `tokens` a step reads."""

    def __init__(self, tokens, length, stride=None, most=0, every=True, train_fraction=0.8, batch=64, seed=1):
        self.tokens, self.length, self.stride = tokens, length, stride or length
        self.every, self.batch, self.seed = every, batch, seed
        self.count = len(range(0, len(tokens) - length - 1, self.stride))
        self.count = min(most, self.count) if most else self.count
        held_out = math.floor((1 - train_fraction) * self.count)
        order = permutation(self.count, seed, SPLIT)
        self.validation, self.training = order[:held_out], order[held_out:]
        self.per_epoch = -(-len(self.training) // batch)

    def epoch(self, number):
        """The training windows in the order of an epoch."""
        return self.training[permutation(len(self.training), self.seed, SHUFFLE, number)]

    def read(self, windows):
        """inputs [length, windows] and targets, of the same shape or [windows]."""
        at = np.arange(self.length)[:, None] + np.asarray(windows) * self.stride
        targets = self.tokens[at + 1]
        return torch.from_numpy(self.tokens[at]), torch.from_numpy(targets if self.every else targets[-1])

    def step(self, number):
        """What step `number` (from 0) of a run reads."""
        epoch, index = divmod(number, self.per_epoch)
        return self.read(self.epoch(epoch)[index * self.batch:(index + 1) * self.batch])


def weight_mask(seed, step, layer, p, shape):
    """Of the hidden-to-hidden weights of `layer`, of 0 and 1 / (1 − p)."""
    words = blocks(seed, WEIGHT_DROPOUT, step, layer, np.arange(-(-math.prod(shape) // 8)))
    draws = np.stack([words & np.uint64(0xFFFF), words >> np.uint64(16)], axis=-1).ravel()[:math.prod(shape)]
    return torch.from_numpy(np.where(draws < round(65536 * p), 0.0, 1 / (1 - p)).reshape(shape))


def dropout_mask(seed, step, layer, p, length, columns, hidden):
    """[length, columns, hidden] of 0 and 1 / (1 − p), for global columns 0 … columns − 1."""
    per_row = -(-hidden // 8)
    t, column, block = np.ogrid[0:length, 0:columns, 0:per_row]
    words = blocks(seed, DROPOUT, step, (layer << 24) + column, t * per_row + block)
    draws = np.stack([words & np.uint64(0xFFFF), words >> np.uint64(16)], axis=-1)  # low half first
    draws = draws.reshape(length, columns, per_row * 8)[:, :, :hidden]
    return torch.from_numpy(np.where(draws < round(65536 * p), 0.0, 1 / (1 - p)))


class Model(torch.nn.Module):
    """Embedding, recurrent layers called one by one with the masks between them, output layer."""

    def __init__(self, cell, weights, dropout=0.0, dtype=torch.float64):
        """`weights`: {name: array} as under /model of a checkpoint."""
        super().__init__()
        tensors = {name: torch.from_numpy(np.array(array)).to(dtype) for name, array in weights.items()}
        self.cell, self.dropout = cell, dropout
        self.e = torch.nn.Embedding.from_pretrained(tensors["e.weight"].clone(), freeze=False)
        self.layers = torch.nn.ModuleList()
        while f"rnn.weight_ih_l{len(self.layers)}" in tensors:
            number = len(self.layers)
            hidden, inputs = tensors[f"rnn.weight_hh_l{number}"].shape[1], tensors[f"rnn.weight_ih_l{number}"].shape[1]
            layer = CELLS[cell](inputs, hidden, dtype=dtype)
            layer.load_state_dict({f"{part}_l0": tensors[f"rnn.{part}_l{number}"]
                                   for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")})
            self.layers.append(layer)
        vocabulary_size, self.hidden = tensors["l_out.weight"].shape
        self.out = torch.nn.Linear(self.hidden, vocabulary_size, dtype=dtype)
        self.out.load_state_dict({"weight": tensors["l_out.weight"], "bias": tensors["l_out.bias"]})
        self.dtype = dtype
        self.names = {}  # of our parameters in a checkpoint
        for name, _ in self.named_parameters():
            kind, _, rest = name.partition(".")
            number, _, part = rest.partition(".")
            self.names[name] = (f"rnn.{part[:-1]}{number}" if kind == "layers" else
                                {"e": "e.", "out": "l_out."}[kind] + rest)

    def zero_state(self, columns):
        zeros = torch.zeros(1, columns, self.hidden, dtype=self.dtype)
        return [(zeros, zeros) if self.cell == "lstm" else zeros for _ in self.layers]

    def forward(self, inputs, state, masks=None):
        """inputs [T, B] → logits [T, B, V], the state at the window's end. `masks(layer)` with training."""
        x, after = self.e(inputs), []
        for number, layer in enumerate(self.layers):
            x, carried = layer(x, state[number])
            after.append(tuple(part.detach() for part in carried) if self.cell == "lstm" else carried.detach())
            if masks and self.dropout > 0 and number + 1 < len(self.layers):
                x = x * masks(number).to(self.dtype)
        return self.out(x), after

    def train_window(self, inputs, targets, state, seed, step):
        """Mean loss of a window; gradients are left in .grad."""
        self.zero_grad()
        length, columns = inputs.shape
        logits, after = self(inputs, state, lambda layer: dropout_mask(seed, step, layer, self.dropout, length, columns,
                                                                       self.hidden))
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
        loss = loss / targets.numel()
        loss.backward()
        return loss.item(), after

    @torch.no_grad()
    def evaluate(self, columns):
        """Mean loss over tokens [rows, columns], hidden state from zero."""
        total, state = 0.0, self.zero_state(columns.shape[1])
        for row in range(0, len(columns) - 1, 100):
            inputs, targets = columns[row:row + 100][: len(columns) - 1 - row], columns[row + 1:row + 101]
            logits, state = self(inputs, state)
            total += torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").item()
        return total / ((len(columns) - 1) * columns.shape[1])

    def gradients(self):
        return {self.names[name]: p.grad.numpy() for name, p in self.named_parameters()}

    def weights(self):
        return {self.names[name]: p.detach().numpy() for name, p in self.named_parameters()}

    def hidden_arrays(self, state):
        """{h: [layers, columns, hidden]} and c for an LSTM, as under /hidden."""
        if self.cell != "lstm":
            return {"h": torch.cat(state).numpy()}
        return {"h": torch.cat([h for h, _ in state]).numpy(), "c": torch.cat([c for _, c in state]).numpy()}
