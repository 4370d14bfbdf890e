"""What a sealed environment is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Toolchain:
    """An environment of its own, for the worker of the same name.

    `lock` pins every package with its hashes, for `python` (3.11). `imports` are what must import for it to be whole,
    `size` what it takes on disk, in words.
    """

    name: str
    title: str
    lock: Path
    python: str
    imports: tuple[str, ...]
    size: str
