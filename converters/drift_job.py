"""What a worker does for a comparison of graphs: reads one, looks at values inside, runs single operators."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converters import adapt
from converters.contract import Arrays, Artifact, Format
from converters.errors import EdgeExportError, ModelError, UnsupportedError
from converters.graph import Graph
from converters.samples import load_samples
from converters.words import last_words

PACKAGES = {Format.TFLITE: "converters.litert", Format.ONNX: "converters.onnx"}
"""Formats whose graphs can be read: each package has `graph.read_graph` and `trace.trace`, `trace.run_alone`."""

BUDGET_S = 3.0
"""For recording values inside a file."""


def graph(path: Path, format: Format) -> Graph:
    """The graph of a file.

    Raises:
        UnsupportedError: nobody reads graphs of this format.
        ModelError: the file is missing, damaged or of another format.
    """
    try:
        found: Graph = _module(format, "graph").read_graph(path)
    except EdgeExportError:
        raise
    except Exception as error:
        raise ModelError(f"{path} cannot be read as a graph: {last_words(error)}") from error
    return found


def trace(artifact: Artifact, samples: Path, prefix: str, indices: Sequence[int]) -> dict[int, np.ndarray]:
    """The values of tensors, (n, *shape) by index, on samples in the layout of `artifact.source`.

    n is less than the number of samples where they take longer than `BUDGET_S` seconds.
    """
    stacked = load_samples(samples, prefix)
    count = adapt.count_samples(stacked)
    source, own = artifact.source.inputs, artifact.signature.inputs
    calls = (adapt.to_file({name: values[n] for name, values in stacked.items()}, source, own) for n in range(count))
    return _guarded(lambda: _module(artifact.format, "trace").trace(artifact.path, _while_quick(calls), indices))


def _while_quick(calls: Iterator[Arrays]) -> Iterator[Arrays]:
    """Samples, one at least, until `BUDGET_S` seconds have gone: a large model is looked at on fewer."""
    start = time.monotonic()
    for sample in calls:
        yield sample
        if time.monotonic() - start > BUDGET_S:
            return


def run_alone(path: Path, format: Format, place: int, samples: list[list[np.ndarray]]) -> list[np.ndarray]:
    """The outputs of one operator alone, each (n, *shape), for the values of its computed inputs."""
    return _guarded(lambda: _module(format, "trace").run_alone(path, place, samples))


def _guarded(work: Any) -> Any:
    try:
        return work()
    except EdgeExportError:
        raise
    except Exception as error:
        raise UnsupportedError(f"no values from inside: {last_words(error)}") from error


def _module(format: Format, name: str) -> Any:
    if format not in PACKAGES:
        raise UnsupportedError(f"graphs of {format} files are not read; of {', '.join(PACKAGES)} they are")
    return importlib.import_module(f"{PACKAGES[format]}.{name}")
