"""The language model, its data and its dropout masks once more, in PyTorch and numpy and from the documentation alone:
the oracle that the program is compared with. In double precision, so that differences are the program's rounding."""
import numpy as np
import torch

CELLS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
DROPOUT = 3  # the purpose's number in the key


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


def dropout_mask(seed, step, layer, p, length, columns, hidden):
    """[length, columns, hidden] of 0 and 1 / (1 − p), for global columns 0 … columns − 1."""
    blocks = -(-hidden // 8)
    t, column, block = np.ogrid[0:length, 0:columns, 0:blocks]
    key = ((seed & 0xFFFFFFFF) ^ (DROPOUT * 0x85EBCA6B & 0xFFFFFFFF), seed >> 32)
    words = philox((t * blocks + block, (layer << 24) + column, step & 0xFFFFFFFF, step >> 32), key)
    draws = np.stack([words & np.uint64(0xFFFF), words >> np.uint64(16)], axis=-1)  # low half first
    draws = draws.reshape(length, columns, blocks * 8)[:, :, :hidden]
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
