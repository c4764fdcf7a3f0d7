"""The models of charrnn_dist in PyTorch, as people write them: what its speed is held against."""
import time
from dataclasses import dataclass

import torch

EMBEDDING = 42
CELLS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


@dataclass(frozen=True)
class Shape:
    """Of a model and of its windows."""
    model: str
    layers: int
    hidden: int
    dropout: float
    columns: int
    rows: int  # time steps of a window


class Net(torch.nn.Module):
    def __init__(self, shape, vocabulary):
        super().__init__()
        self.e = torch.nn.Embedding(vocabulary, EMBEDDING)
        self.rnn = CELLS[shape.model](EMBEDDING, shape.hidden, shape.layers,
                                      dropout=shape.dropout if shape.layers > 1 else 0)
        self.out = torch.nn.Linear(shape.hidden, vocabulary)

    def forward(self, tokens, state):
        output, state = self.rnn(self.e(tokens), state)
        return self.out(output), state


class Peer:
    """A training with fused Adam, step by step, on tokens [rows, columns] in the device's memory.

    The words of `variant` say how: autocast (bf16), compile, and graph: the whole step captured as a CUDA graph by hand.
    `wrap` may put the net into something, such as DistributedDataParallel."""

    def __init__(self, shape, variant, tokens, vocabulary, device, wrap=lambda net: net):
        self.shape, self.tokens, self.device, self.vocabulary = shape, tokens.to(device), device, vocabulary
        words = variant.split()
        self.autocast, self.is_graph = "autocast" in words, "graph" in words
        self.net = Net(shape, vocabulary).to(device)
        self.trained = wrap(torch.compile(self.net) if "compile" in words else self.net)
        self.adam = torch.optim.Adam(self.net.parameters(), 1e-3, fused=True, capturable=self.is_graph)
        zeros = torch.zeros(shape.layers, tokens.shape[1], shape.hidden, device=device)
        self.state = (zeros, zeros.clone()) if shape.model == "lstm" else zeros
        if self.is_graph:
            self.capture()

    def train(self, tokens, state):
        """One step on rows + 1 rows of tokens. Returns the loss and the new state."""
        with torch.autocast(self.device, torch.bfloat16, enabled=self.autocast):
            logits, state = self.trained(tokens[:-1], state)
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        loss = torch.nn.functional.cross_entropy(logits.float().view(-1, self.vocabulary), tokens[1:].reshape(-1))
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return loss.detach(), state

    def train_in_place(self):
        loss, new = self.train(self.fixed, self.state)
        for old, its in zip(self.state, new) if isinstance(new, tuple) else [(self.state, new)]:
            old.copy_(its)
        return loss

    def capture(self):
        self.fixed = self.tokens[: self.shape.rows + 1].clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.train_in_place()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = self.train_in_place()

    def step(self, number):
        row = number * self.shape.rows % (len(self.tokens) - self.shape.rows - 1)
        tokens = self.tokens[row : row + self.shape.rows + 1]
        if self.is_graph:
            self.fixed.copy_(tokens)
            self.graph.replay()
        else:
            self.loss, self.state = self.train(tokens, self.state)

    def stretches(self, steps, length):
        """Milliseconds a step, of each stretch of so many steps but the first, which warms up."""
        found, start = [], time.perf_counter()
        for number in range(steps):
            self.step(number)
            if (number + 1) % length == 0:
                self.loss.item()
                now = time.perf_counter()
                found.append((now - start) / length * 1e3)
                start = now
        return found[1:]
