"""Two models that are compared, the inputs, and the workers that look inside them."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from converters import registry
from converters.contract import Arrays, Artifact, Signature
from converters.errors import EdgeExportError
from converters.graph import Graph
from converters.worker import WorkerPool
from pipeline.binding import speaking
from pipeline.checks.drift.layers import layers
from pipeline.checks.drift.suspects import Layer
from pipeline.checks.drift.values import SMALL
from pipeline.config import Limits
from pipeline.drift.feeding import MIXED, NARROW, SAMPLES, calibrated_on, chosen, fitted
from pipeline.evidence import INPUT as PREFIX
from pipeline.lone import inputs_for

Item = TypeVar("Item")
FEWEST = 2
"""Samples, however large: one shows nothing that moves."""
MOST_BYTES = 256 << 20
"""Of recorded values at a time: fewer samples where tensors are large; an open axis counts as the longest of inputs."""


@dataclasses.dataclass
class Work:
    """Two files, the inputs, and the workers that look inside."""

    a: Artifact
    b: Artifact
    given: Arrays | None
    pool: WorkerPool
    limits: Limits
    isolated: int = 0
    recorded: dict[Path, dict[int, np.ndarray | None]] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)
    known: Mapping[int, int] = dataclasses.field(default_factory=dict)
    """For each tensor of b that has one, its partner in a."""
    other: set[int] = dataclasses.field(default_factory=set)
    """Operators of b, by place, without weights, that have other attributes and give something else alone."""
    told: Sequence[Graph] = ()
    """Graphs whose grids say how large made-up inputs are."""

    @cached_property
    def inputs(self) -> Arrays:
        """The inputs that were given, or made-up ones, made when they are first needed."""
        if self.given is not None:
            return self.given
        return self._made_up(MIXED)

    def _made_up(self, widths: tuple[int, int]) -> Arrays:
        made = inputs_for(self.a, "random", [])
        return fitted(made, self.a.source.inputs, self.told, said=bool(self.a.builder), widths=widths)

    def settle_inputs(self, graph: Graph) -> None:
        """Makes inputs up as wide as those that the ranges of `b` were found on, whose graph this is."""
        ops = [op for op in graph.ops if not {*op.inputs} & {*graph.inputs}]  # what goes in is cut off to its range
        small = [i for op in ops for i in op.outputs if graph.tensors[i].dtype in SMALL]
        if self.given is not None or not small:
            return
        narrow = self._made_up(NARROW)
        if all(np.array_equal(values, self.inputs[name]) for name, values in narrow.items()):
            return
        try:
            seen = self.trace(self.b, graph, small)
        except EdgeExportError:  # said where it is needed
            return
        widths = calibrated_on(seen.values())
        if widths != MIXED:
            self.__dict__["inputs"] = self._made_up(widths)
            self.recorded.clear()

    def layers(self, one: Graph, two: Graph) -> tuple[Layer, ...]:
        """Both graphs side by side, with how far apart partners are where both sides show their values."""
        made = {index for op in two.ops for index in op.outputs if not two.tensors[index].constant}
        try:
            seen = self.trace(self.a, one, sorted({*self.known.values()})), self.trace(self.b, two, sorted(made))
        except EdgeExportError:
            seen = {}, {}
        return layers(one, two, self.known, seen)

    def ask(self, file: Artifact, question: str, **arguments: Any) -> Any:
        """What a function of `converters.drift_job` says in the worker of the artifact's format."""
        worker = registry.tracer(file.format).worker
        return self.pool.call(
            worker, f"converters.drift_job:{question}", self.limits.measure_s, artifact=file, **arguments
        )

    def note(self, text: str) -> None:
        """Says once what could not be looked at."""
        if text not in self.notes:
            self.notes.append(text)

    def trace(self, artifact: Artifact, graph: Graph, indices: Sequence[int]) -> dict[int, np.ndarray]:
        """Values of tensors by index, recorded once; none of those that the file cannot show."""
        known = self.recorded.setdefault(artifact.path, {})
        missing = [index for index in indices if index not in known]
        if missing:
            more = self._beside(graph, known, missing) if known else []
            try:
                known |= dict.fromkeys([*missing, *more]) | self._record(artifact, graph, [*missing, *more])
            except EdgeExportError:
                if not more:
                    raise
                known |= dict.fromkeys(missing) | self._record(artifact, graph, missing)
        return {index: values for index in indices if (values := known[index]) is not None}

    def _beside(self, graph: Graph, known: Collection[int], missing: Sequence[int]) -> list[int]:
        """What else to record of a file that is asked again, for it runs as long for one tensor: as much as fits."""
        left = MOST_BYTES / (4 * SAMPLES) - self._elements(graph, missing)
        found: list[int] = []
        for index in (index for op in graph.ops for index in op.outputs):
            tensor = graph.tensors[index]
            if tensor.shape is not None and not tensor.constant and index not in known and index not in missing:
                left -= self._elements(graph, [index])
                found += [index] if left >= 0 else []
        return found

    def _elements(self, graph: Graph, indices: Iterable[int]) -> float:
        """How many values tensors hold in one sample; an open axis counts as the longest of inputs."""
        wide = max((size for values in self.inputs.values() for size in values.shape[1:]), default=1)
        shapes = [graph.tensors[index].shape or () for index in indices]
        return float(sum(np.prod([n if n > 0 else wide for n in shape], dtype=np.float64) for shape in shapes))

    def _record(self, artifact: Artifact, graph: Graph, indices: Sequence[int]) -> dict[int, np.ndarray]:
        count = int(np.clip(MOST_BYTES / max(4 * self._elements(graph, indices), 1), FEWEST, SAMPLES))
        lone = dataclasses.replace(artifact, signature=Signature(artifact.signature.inputs, ()))
        spoken = speaking(lone, Signature(self.a.source.inputs, ()))
        pairs = zip(self.a.source.inputs, spoken.source.inputs, strict=True)
        own = {f"{PREFIX}{ours.name}": _spread(self.inputs[spec.name], count) for spec, ours in pairs}
        with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
            samples = Path(folder) / "inputs.npz"
            np.savez(samples, allow_pickle=False, **own)
            found: dict[int, np.ndarray] = self.ask(
                spoken, "trace", samples=samples, prefix=PREFIX, indices=tuple(indices)
            )
            return found


def _spread(stacked: np.ndarray, count: int) -> np.ndarray:
    """The first `count` of `SAMPLES` samples that lie evenly in all: the same ones, whatever the count."""
    return stacked[chosen(len(stacked))[:count]]


def in_batches(items: Iterable[Item], size_of: Callable[[Item], int], most: int) -> Iterator[list[Item]]:
    """The items in their order, at least one at a time and as many as are no larger than `most` together."""
    batch: list[Item] = []
    size = 0
    for item in items:
        size += size_of(item)
        if batch and size > most:
            yield batch
            batch, size = [], size_of(item)
        batch.append(item)
    if batch:
        yield batch
