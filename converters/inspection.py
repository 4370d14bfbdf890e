"""What an artifact file says of itself, tensor by tensor and operator by operator, in one form for every format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from converters.contract import Format, Signature, signature_from_json


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of an artifact file. `constant` tensors hold weights or constants."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    constant: bool
    size_bytes: int = 0
    scales: int = 0  # how many quantization scales: 0 none, 1 per tensor, more per channel
    finite: bool = True  # False when a constant holds NaN or Inf
    grid_bits: int = 32  # of a float32 constant: 8 or 16 when `converters.grid` finds its values rounded so far


@dataclass(frozen=True)
class OpInfo:
    """One operator of an artifact file, tensors by index into `Inspection.tensors`; -1 where one is left out."""

    type: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    version: int = 1


@dataclass(frozen=True)
class Inspection:
    """What a file says of itself when it is read tensor by tensor, without running it.

    `stateful` says that the file itself keeps values from one call to the next.
    """

    format: Format
    signature: Signature
    tensors: tuple[TensorInfo, ...]
    ops: tuple[OpInfo, ...]
    graph_hash: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    stateful: bool = False


def inspection_from_json(data: Mapping[str, Any]) -> Inspection:
    """The inspection that `dataclasses.asdict` wrote."""
    return Inspection(
        format=Format(data["format"]),
        signature=signature_from_json(data["signature"]),
        tensors=tuple(TensorInfo(**{**row, "shape": tuple(row["shape"])}) for row in data["tensors"]),
        ops=tuple(
            OpInfo(**{**row, "inputs": tuple(row["inputs"]), "outputs": tuple(row["outputs"])}) for row in data["ops"]
        ),
        graph_hash=data["graph_hash"],
        metadata=data["metadata"],
        stateful=data["stateful"],
    )
