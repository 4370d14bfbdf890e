"""Samples that the user's own code makes: `file.py:function`, which returns arrays by name, or inputs and labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converters.builder import last_line, module_of
from converters.errors import DataError
from pipeline import beside
from pipeline.store import digest, file_sha256

LABELS = "labels"


def is_hook(spec: str) -> bool:
    """Whether a data set is named as `file.py:function`."""
    return ".py:" in spec


def fingerprint(spec: str) -> str:
    """A digest of the function's file, and of names, sizes and times of what lies beside it: it may load any of it.

    Raises:
        DataError: there is no such file.
    """
    file = Path(spec.rpartition(":")[0])
    if not file.is_file():
        raise DataError(f"there is no file {file} for the data {spec!r}; give it as path/to/file.py:function")
    return digest([spec, file_sha256(file), beside.state(file, frozenset((".log", ".html", ".toml")))])


def save(spec: str, place: Path) -> None:
    """Calls the function and keeps what it returns as an .npz that `pipeline.datasets.npz` reads; run in a worker.

    It returns a mapping of arrays, (n, ...) each, by the names of the model's inputs, with `labels` (n,) where there
    are, or a pair (inputs, labels) of one array each.

    Raises:
        ModelError: there is no such file or function.
        DataError: it fails, or returns no arrays.
    """
    function = getattr(module_of(spec), spec.rpartition(":")[2], None)
    if not callable(function):
        raise DataError(f"{spec.rpartition(':')[0]} has no function {spec.rpartition(':')[2]!r} that gives data")
    try:
        made = function()
    except (Exception, SystemExit) as error:
        raise DataError(f"the data function {spec!r} failed: {last_line(error)}") from error
    arrays = {name: _array(value, name, spec) for name, value in _named(made, spec).items()}
    if LABELS in arrays:
        arrays["y"] = arrays.pop(LABELS)
    np.savez(place, allow_pickle=False, **arrays)


def _named(made: Any, spec: str) -> Mapping[str, Any]:
    if isinstance(made, Mapping) and made:
        return made
    if isinstance(made, tuple) and len(made) == 2:
        return {"x": made[0], LABELS: made[1]}
    if isinstance(made, tuple | list) or made is None:
        raise DataError(
            f"the data function {spec!r} returned {type(made).__name__}; return a dict of arrays by input name, with "
            "'labels' where there are, or a pair (inputs, labels)"
        )
    return {"x": made}


def _array(value: Any, name: str, spec: str) -> np.ndarray:
    """A tensor of either framework, a list of arrays, or an array."""
    array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    if array.dtype.hasobject or not array.ndim:
        raise DataError(f"the data function {spec!r}: {name!r} is no array of samples, but {array.dtype}{array.shape}")
    return array
