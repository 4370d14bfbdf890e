"""Files of samples: stacked arrays `(n, *shape)` by name, .npz or .safetensors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from converters.contract import Arrays
from converters.errors import ModelError


def load_samples(path: Path, prefix: str = "") -> Arrays:
    """The arrays whose names start with `prefix`, which is cut off; the file is read once a process.

    Raises:
        ModelError: the file is missing or damaged.
    """
    if not path.is_file():
        raise ModelError(f"there is no file of samples {path}")
    try:
        arrays = _read(path, path.stat().st_mtime_ns)
    except Exception as error:
        raise ModelError(f"the samples {path} cannot be read: {error}") from error
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def each_sample(stacks: Mapping[str, np.ndarray]) -> Iterator[Arrays]:
    """The samples one after the other, by name."""
    counts = {name: len(stack) for name, stack in stacks.items()}
    if len(set(counts.values())) != 1:
        raise ModelError(f"the samples have different counts: {counts}")
    for i in range(next(iter(counts.values()))):
        yield {name: stack[i, ...] for name, stack in stacks.items()}  # the dots keep scalars arrays


def every(total: int, most: int, least: int = 0) -> np.ndarray:
    """Indices of `most` samples at most, evenly spread: all, or every 2nd, 4th, 8th and so on; fewer lie in more.

    More than `most` where fewer would be less than `least`.
    """
    step = 1
    while -(-total // step) > max(most, 1) and -(-total // (2 * step)) >= least:
        step *= 2
    return np.arange(0, total, step)


def unpacked(values: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    """The input of a golden pack as its model takes it: bytes stand for floats (docs/golden_pack.md)."""
    return values.astype(dtype) if values.dtype == np.uint8 and np.dtype(dtype).kind == "f" else values


@lru_cache(maxsize=4)
def _read(path: Path, mtime_ns: int) -> Arrays:
    if path.suffix == ".safetensors":
        import safetensors

        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        specs = json.loads(metadata["signature"])["inputs"] if metadata.get("kind") == "golden-pack" else []
        packed = {f"input/{spec['name']}": spec["dtype"] for spec in specs}
        return {name: unpacked(values, packed.get(name, values.dtype)) for name, values in arrays.items()}
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
