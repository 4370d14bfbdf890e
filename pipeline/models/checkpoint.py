"""A training interrupted between two epochs, in one file that is whole or refused; holds numbers, never code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters.contract import Arrays
from pipeline.store import write_atomic


class CheckpointError(Exception):
    """A checkpoint that cannot be used; the training it belongs to starts again."""


def save(path: Path, arrays: Arrays, state: Mapping[str, Any]) -> None:
    """Writes arrays and a JSON-able state; a reader sees the last checkpoint or this one, never a part."""
    from safetensors.numpy import save as to_bytes

    data = to_bytes(arrays, {"state": json.dumps(dict(state), sort_keys=True)})
    write_atomic(path, hashlib.sha256(data).digest() + data)


def load(path: Path) -> tuple[Arrays, dict[str, Any]] | None:
    """(arrays, state) of a checkpoint; None where there is none.

    Raises:
        CheckpointError: the file is damaged.
    """
    from safetensors.numpy import load as from_bytes

    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    checksum, data = content[:32], content[32:]
    if hashlib.sha256(data).digest() != checksum:
        raise CheckpointError(f"the checkpoint {path.name} is damaged ({len(content)} bytes, checksum differs)")
    length = int.from_bytes(data[:8], "little")
    return from_bytes(data), json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["state"])
