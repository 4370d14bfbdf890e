"""What native code writes to the process's own output while it works: the only place where LiteRT says some things."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

_STREAMS = (1, 2)


@dataclass
class Words:
    """Filled when the listening ends."""

    text: str = ""


@contextlib.contextmanager
def listening() -> Iterator[Words]:
    """Collects what is written to stdout and stderr in the block, and hands it on to stderr when the block ends."""
    words = Words()
    with tempfile.TemporaryFile() as file:
        kept = [os.dup(stream) for stream in _STREAMS]
        try:
            for stream in _STREAMS:
                os.dup2(file.fileno(), stream)
            yield words
        finally:
            for stream, original in zip(_STREAMS, kept, strict=True):
                os.dup2(original, stream)
                os.close(original)
            file.seek(0)
            said = file.read()
            words.text = said.decode(errors="replace")
            os.write(_STREAMS[-1], said)
