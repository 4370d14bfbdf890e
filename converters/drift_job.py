"""What a worker does for a comparison of models: reads a graph, looks at values inside, runs pieces alone."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from converters import adapt, content, registry
from converters.contract import Arrays, Artifact
from converters.errors import EdgeExportError, ModelError, UnsupportedError
from converters.graph import Graph
from converters.samples import load_samples
from converters.tracer import Seen, Tracer, Values
from converters.words import last_words

BUDGET_S = 3.0
"""Of this process's own work, for recording values inside a file: a busy machine changes no verdict."""
_KEPT = 4
"""Models that a worker holds open: a comparison asks about two of them, many times."""

_open: dict[str, Tracer] = {}
_asked: dict[str, Artifact] = {}
"""Models as they were first asked for: a later question may bring a signature that is turned to another model's."""
Answer = TypeVar("Answer")


def graph(artifact: Artifact) -> Graph:
    """The graph of a model.

    Raises:
        UnsupportedError: nobody looks into models of this format.
        ModelError: the file is missing, damaged or of another format.
    """
    try:
        return _tracer(artifact).graph
    except EdgeExportError:
        raise
    except Exception as error:
        raise ModelError(f"{artifact.path} cannot be read as a graph: {last_words(error)}") from error


def trace(artifact: Artifact, samples: Path, prefix: str, indices: Sequence[int]) -> Values:
    """The values of tensors, (n, *shape) by index, on samples in the layout of `artifact.source`.

    n is less than the number of samples where they take more than `BUDGET_S` seconds of work.
    """
    stacked = load_samples(samples, prefix)
    count = adapt.count_samples(stacked)
    source, own = artifact.source.inputs, artifact.signature.inputs
    calls = (adapt.to_file({name: values[n] for name, values in stacked.items()}, source, own) for n in range(count))
    return _guarded(lambda: _tracer(artifact).trace(_while_quick(calls), indices))


def run(artifact: Artifact, given: Mapping[int, np.ndarray], wanted: Sequence[int]) -> Values:
    """The values of `wanted` for those of `given` in the place of what the model computes, as `Tracer.run`."""
    return _guarded(lambda: _tracer(artifact).run(given, wanted))


def run_many(
    artifact: Artifact, pieces: Sequence[tuple[Mapping[int, np.ndarray], Sequence[int]]]
) -> list[Values | EdgeExportError]:
    """For each (given, wanted) what `run` says: one call for all that does not depend on each other's answers."""
    answers: list[Values | EdgeExportError] = []
    for given, wanted in pieces:
        try:
            answers.append(run(artifact, given, wanted))
        except EdgeExportError as error:
            answers.append(error)
    return answers


def bodies(artifact: Artifact, place: int, folder: Path, seen: Mapping[int, Seen]) -> dict[str, Path]:
    """The bodies of the operator at a place as files of their own in `folder`, by name; as `Tracer.bodies`."""
    folder.mkdir(parents=True, exist_ok=True)
    return _guarded(lambda: _tracer(artifact).bodies(place, folder, seen))


def _tracer(artifact: Artifact) -> Tracer:
    stamp = content.stamp(artifact.path)
    key = repr((artifact.format, artifact.path, stamp, artifact.builder, sorted(artifact.builder_args.items())))
    if key not in _open:
        while len(_open) >= _KEPT:
            _open.pop(next(iter(_open)))
        _open[key] = importlib.import_module(registry.tracer(artifact.format).module).open(
            _asked.setdefault(key, artifact)
        )
    return _open[key]


def _while_quick(calls: Iterator[Arrays]) -> Iterator[Arrays]:
    """Samples, two, four, eight, ..., as many as take `BUDGET_S` seconds of work: a large model is looked at on fewer.

    Asked at powers of two only, so that the same model is nearly always given the same samples.
    """
    start = time.process_time()
    for count, sample in enumerate(calls, 1):
        yield sample
        if count > 1 and not count & (count - 1) and 2 * (time.process_time() - start) > BUDGET_S:
            return


def _guarded(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except EdgeExportError:
        raise
    except Exception as error:
        raise UnsupportedError(f"no values from inside: {last_words(error)}") from error
