"""Whole files, with a DataError of one line for what cannot be read or written."""
import json
import os
from pathlib import Path

from charrnn.command_line import DataError, reason


def read_text(path):
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DataError(f"cannot read '{path}': {reason(error)}") from None


def read_json(path):
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError):
        raise DataError(f"'{path}' is not JSON") from None


def write_file(path, content):
    """All of the content, text or bytes, or what was there before."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        temporary.write_bytes(content if isinstance(content, bytes) else content.encode())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError(f"cannot write '{path}': {reason(error)}") from None
