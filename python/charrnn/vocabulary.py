"""The symbols that a model knows, and the way from characters to tokens and back."""


class Vocabulary:
    """symbols: the text of every token. Options as in docs/checkpoint.md: `bytes` (every byte is a symbol), `full` (none is
    unknown), `lowercase`. Unless one of the first two is set, token 0 is <unk>, and token 1 is <pad>."""

    def __init__(self, symbols, lowercase=False, bytes=False, full=False):
        self.symbols, self.lowercase, self.bytes, self.full = symbols, lowercase, bytes, full
        self.special = [] if bytes or full else [0, 1]  # tokens that stand for no character
        first = len(self.special)
        self._tokens = {symbol or "\0": token for token, symbol in enumerate(symbols[first:], first)}
        if len(self._tokens) + first != len(symbols) or any(len(symbol) != 1 for symbol in self._tokens):
            raise ValueError("its vocabulary has a symbol twice, or one that is not a character")
        if bytes and len(symbols) != 256:
            raise ValueError("its vocabulary has not the 256 bytes")

    def __len__(self):
        return len(self.symbols)

    def tokens(self, text):
        """Of a text, or of bytes where every byte is a symbol. ValueError for a character that is unknown to a vocabulary
        without <unk>."""
        if self.bytes:
            return list(text if isinstance(text, bytes) else text.encode())
        if self.lowercase:
            text = (character.lower()[0] for character in text)  # one for one
        if self.special:
            return [self._tokens.get(character, 0) for character in text]
        try:
            return [self._tokens[character] for character in text]
        except KeyError as error:
            raise ValueError(f"the vocabulary has no {error.args[0]!r}") from None

    def text(self, tokens):
        """U+FFFD stands for what is unknown, and for bytes that are no text."""
        if self.bytes:
            return bytes(tokens).decode(errors="replace")
        nul = "" if self.full else "\0"  # every full vocabulary begins with it, though hardly a text has one
        return "".join("\ufffd" if token in self.special else self.symbols[token] or nul for token in tokens)
