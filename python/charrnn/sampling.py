"""Which token comes next: the choice that `charrnn_dist sample` makes, with its random numbers."""
import torch

_WORD = 0xFFFFFFFF
_SAMPLING = 4  # the purpose's number in the key


def _philox(counter, key):
    """Philox4x32-10: four random words of 32 bits."""
    a, b, c, d = counter
    for _ in range(10):
        first, third = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (third >> 32) ^ b ^ key[0], third & _WORD, (first >> 32) ^ d ^ key[1], first & _WORD
        key = (key[0] + 0x9E3779B9) & _WORD, (key[1] + 0xBB67AE85) & _WORD
    return a, b, c, d


def uniform_numbers(seed):
    """Numbers in [0, 1) without end, those of the program's first text for this seed."""
    key = (seed & _WORD) ^ (_SAMPLING * 0x85EBCA6B & _WORD), seed >> 32
    block = 0
    while True:
        words = _philox((block, 0, 0, 0), key)
        for high, low in (words[:2], words[2:]):
            yield ((high >> 5) << 26 | low >> 6) / 2 ** 53
        block += 1


def choose(logits, excluded, uniform, temperature=1.0, top_k=0, top_p=1.0, greedy=False):
    """A token. `logits` [symbols]; those in `excluded` are never chosen. Of equally probable ones top_k, top_p and greedy take
    the first."""
    logits = logits.double().cpu()
    logits[excluded] = -torch.inf
    if greedy:
        return int(logits.argmax())
    order = torch.argsort(logits, descending=True, stable=True)
    weights = torch.softmax(logits[order] / temperature, 0)
    if top_k > 0:
        weights[top_k:] = 0
    if top_p < 1:
        reached = weights.cumsum(0) - weights  # before each
        weights[reached >= top_p * weights.sum()] = 0
    probabilities = torch.zeros_like(weights).scatter(0, order, weights / weights.sum())
    chosen = int((probabilities.cumsum(0) <= uniform).sum())
    return min(chosen, int(probabilities.nonzero()[-1]))
