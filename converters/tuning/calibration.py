"""Calibration samples as a file of any format takes them, and how many of them may be recorded layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from converters import adapt
from converters.contract import Arrays, ConversionRequest, TensorSpec
from converters.errors import ContractError, UnsupportedError
from converters.graph import Graph
from converters.masks import masked_in
from converters.samples import each_sample, load_samples
from converters.tracer import Values
from converters.tuning.layers import layer_of

MOST_BYTES = 256 << 20
"""Of recorded values: fewer samples where tensors are large."""
_TOLERANCE = 1e-5
"""Of an output's range, by which two float32 files of one function may differ."""


@dataclass(frozen=True)
class Calibration:
    """A file of samples, and what turns them into those of a model file; equal where the samples are."""

    path: Path
    stamp: tuple[int, int]
    source: tuple[TensorSpec, ...]
    own: tuple[TensorSpec, ...]

    @classmethod
    def of(cls, request: ConversionRequest) -> Calibration:
        """That of a request.

        Raises:
            ContractError: it has none.
        """
        if request.calibration is None:
            raise ContractError(f"{request.precision} needs calibration inputs")
        stat = request.calibration.stat()
        given = request.source
        return cls(request.calibration, (stat.st_mtime_ns, stat.st_size), given.source.inputs, given.signature.inputs)

    def samples(self) -> tuple[Arrays, ...]:
        """Every sample, one call each, in the file's own names, layout and types."""
        return _samples(self)

    def some(self, graph: Graph, most: int) -> list[Arrays]:
        """Samples that lie evenly in all, at most `most`, as many as `MOST_BYTES` of recorded values allow."""
        sizes = [np.prod([max(n, 1) for n in t.shape or ()]) for t in graph.tensors.values() if not t.constant]
        every = self.samples()
        count = int(np.clip(MOST_BYTES // max(4 * int(sum(sizes)), 1), 1, min(most, len(every))))
        return [every[place] for place in np.unique(np.linspace(0, len(every) - 1, count).astype(int))]


@lru_cache(maxsize=4)
def _samples(calibration: Calibration) -> tuple[Arrays, ...]:
    stacks = adapt.to_file(load_samples(calibration.path), calibration.source, calibration.own, stacked=True)
    return tuple(each_sample(stacks))


def largest_by_channel(graph: Graph, values: Values) -> dict[int, np.ndarray]:
    """The greatest absolute value of each channel, (channels,), of every layer's output, by tensor index."""
    found = {}
    for op in graph.ops:
        layer = layer_of(graph, op)
        if layer is not None and op.outputs[0] in values:
            seen = np.abs(values[op.outputs[0]])
            axis = layer.channel_axis % (seen.ndim - 1) + 1  # behind the samples
            found[op.outputs[0]] = np.moveaxis(seen, axis, -1).reshape(-1, seen.shape[axis]).max(axis=0)
    return found


def require_same(before: Values, after: Values) -> None:
    """The proof that an edited float file computes what it did.

    Raises:
        ContractError: an output differs by more than float32 rounding.
    """
    for index, wanted in before.items():
        got = after.get(index)
        if got is None or got.shape != wanted.shape or not np.isfinite(got).all():
            raise ContractError(f"equalization lost output {index}: the file is not used")
        error = float(np.abs(got.astype(np.float64) - wanted).max(initial=0.0))
        if error > _TOLERANCE * max(float(np.ptp(wanted)), 1e-30):
            raise ContractError(
                f"equalization changed what the float file computes: output {index} differs by {error:.3g} of a range "
                f"of {float(np.ptp(wanted)):.3g}; the file is not used"
            )


def require_finite(graph: Graph) -> None:
    """Raises UnsupportedError for constants without an end but before a Softmax: their grids end LiteRT's process."""
    hidden = masked_in(graph).tensors
    for index, tensor in graph.tensors.items():
        if (
            index not in hidden
            and tensor.data is not None
            and tensor.dtype == "float32"
            and not np.isfinite(tensor.data).all()
        ):
            raise UnsupportedError(
                f"constant {tensor.name!r} holds Inf or NaN and leads to no Softmax: no grid of integers reaches "
                "that. Mask with a finite number, as in masked_fill(mask, -100), or take `dynamic`"
            )
