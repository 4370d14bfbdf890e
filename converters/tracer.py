"""Looking inside a model: its graph, the values of its tensors, and pieces of it run alone.

What every format that can be looked into offers, so that any two models are held against each other in one way.
`converters.<toolkit>` declares TRACERS; the module of each has `open(artifact) -> Tracer`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from converters.contract import Arrays, Artifact, Format, Precision
from converters.errors import UnsupportedError
from converters.graph import Graph, Op

Values = dict[int, np.ndarray]
"""Values of tensors by their index in the graph, (n, *shape): stored integers where the file holds integers."""
Seen = tuple[tuple[int, ...], str]
"""Shape of one sample, and number type."""


@dataclass(frozen=True)
class TracerSpec:
    """Which module's `open(artifact)` looks into models of `format`; it runs in the process of `worker`.

    `unseen` are the precisions whose files it does not look into, and why.
    """

    format: Format
    module: str
    worker: str
    packages: tuple[str, ...]
    unseen: Mapping[Precision, str] = field(default_factory=dict, hash=False)


class Tracer(ABC):
    """A model that is looked into. `graph` is what it computes; everything else speaks of tensors by their index."""

    graph: Graph

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @abstractmethod
    def trace(self, samples: Iterable[Arrays], indices: Sequence[int]) -> Values:
        """Values of tensors, for samples (one call each) in the model's own names, layout and types.

        Those that cannot be seen, or whose shape changes from sample to sample, are left out.

        Raises:
            UnsupportedError: the toolkit does not run the model, or shows nothing.
        """

    @abstractmethod
    def run(self, given: Mapping[int, np.ndarray], wanted: Sequence[int]) -> Values:
        """Values of `wanted` with those of `given`, (n, *shape) each, in the place of what is computed.

        Only the operators between run, `between(self.graph, given, wanted)`: one alone, or a segment of them.

        Raises:
            UnsupportedError: `wanted` needs a tensor that is not given, or the operators cannot stand alone.
        """

    def bodies(self, place: int, folder: Path, seen: Mapping[int, Seen]) -> dict[str, Path]:
        """The bodies of the operator at a place, by name, each written into `folder` as a model of its own.

        `seen` says what tensors are that were recorded, where the file leaves it open.

        Raises:
            UnsupportedError: the format's bodies cannot stand alone.
        """
        raise UnsupportedError(f"the bodies of operators in {self.graph.format} files are compared as a whole only")


def between(graph: Graph, given: Iterable[int], wanted: Sequence[int]) -> tuple[Op, ...]:
    """The operators that compute `wanted` from `given` and constants, in the order of the file.

    Raises:
        UnsupportedError: they also need an input of the model, or a tensor that nothing makes.
    """
    known = set(given)
    maker = {index: op for op in graph.ops for index in op.outputs}
    needed: dict[int, Op] = {}
    open_ends = [index for index in wanted if index not in known]
    while open_ends:
        index = open_ends.pop()
        if index < 0 or index in known or (index in graph.tensors and graph.tensors[index].constant):
            continue
        if index not in maker:
            name = graph.tensors[index].name if index in graph.tensors else str(index)
            raise UnsupportedError(f"tensor {index} ({name!r}) is needed and not given")
        known.add(index)
        op = maker[index]
        if op.index not in needed:
            needed[op.index] = op
            open_ends += op.inputs
    order = {op.index: place for place, op in enumerate(graph.ops)}
    return tuple(sorted(needed.values(), key=lambda op: order[op.index]))
