"""What an artifact file says of itself, tensor by tensor and operator by operator, in one form for every format."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from converters.contract import Format, Signature, signature_from_json
from converters.digest import digest
from converters.graph import Graph, Tensor
from converters.grid import grid_bits
from converters.masks import masks

WRONG_SHAPES = "wrong_shapes"
"""In an inspection's metadata: outputs whose declared sizes its operators contradict, in words."""


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
    mask: bool = False  # a constant that `converters.masks.masks`
    grid_bits: int = 32  # of a float32 constant: 8 or 16 when `converters.grid` finds its values rounded so far


@dataclass(frozen=True)
class OpInfo:
    """One operator of an artifact file, tensors by index into `Inspection.tensors`; -1 where one is left out."""

    type: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    version: int = 1


@dataclass(frozen=True)
class Needs:
    """The oldest `version` of a runtime that opens a file, and why; empty where no table tells.

    `claimed` is what the file itself says, empty where it says nothing.
    """

    runtime: str
    version: str
    because: str = ""
    claimed: str = ""

    @property
    def understated(self) -> bool:
        """Whether the file claims that an older version will do."""
        return bool(self.claimed) and self.more_than(self.claimed)

    def more_than(self, version: str) -> bool:
        """Whether this version does not open the file."""
        return bool(self.version) and _numbers(self.version) > _numbers(version)


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version, of three places, to compare by."""
    return (*(int(part) for part in version.split(".") if part.isdigit()), 0, 0, 0)[:3]


@dataclass(frozen=True)
class Inspection:
    """What a file says of itself when it is read tensor by tensor, without running it.

    `stateful` says that the file itself keeps values from one call to the next. `needs` is None where nobody has looked
    what versions of its runtime open it.
    """

    format: Format
    signature: Signature
    tensors: tuple[TensorInfo, ...]
    ops: tuple[OpInfo, ...]
    graph_hash: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    stateful: bool = False
    needs: Needs | None = None


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
        needs=Needs(**data["needs"]) if data.get("needs") else None,
    )


def inspection_of(graph: Graph, signature: Signature, metadata: Mapping[str, str] | None = None) -> Inspection:
    """What a graph in memory says, as an inspector tells of a file: tensors renumbered in order, a canonical hash.

    The hash is of operators, attributes and constants; names and order of independent operators do not matter.
    """
    place = {index: number for number, index in enumerate(sorted(graph.tensors))}
    hashes: dict[int, bytes] = {-1: b"none"}
    for number, index in enumerate(graph.inputs):
        hashes[index] = digest("input", number)
    for index, tensor in graph.tensors.items():
        if tensor.data is not None:
            hashes[index] = digest("constant", tensor.dtype, tensor.data.shape, tensor.data.tobytes())
    for op in graph.ops:
        told = [hashes.get(index, b"open") for index in op.inputs]
        own = digest(op.type, sorted(op.attributes.items()), *told)
        hashes.update({index: digest(own, slot) for slot, index in enumerate(op.outputs)})
    return Inspection(
        format=graph.format,
        signature=signature,
        tensors=tuple(_told(graph.tensors[index]) for index in sorted(graph.tensors)),
        ops=tuple(
            OpInfo(op.type, tuple(place.get(i, -1) for i in op.inputs), tuple(place[i] for i in op.outputs))
            for op in graph.ops
        ),
        graph_hash=digest("outputs", *(hashes.get(index, b"open") for index in graph.outputs)).hex(),
        metadata=metadata or {},
    )


def _told(tensor: Tensor) -> TensorInfo:
    values = tensor.data
    info = TensorInfo(tensor.name, tensor.shape or (), tensor.dtype, constant=tensor.constant)
    if values is None:
        return info
    info = dataclasses.replace(info, size_bytes=values.nbytes)
    if values.dtype.kind != "f":
        return info
    bits = grid_bits(values) if tensor.dtype == "float32" else 32
    return dataclasses.replace(info, finite=bool(np.isfinite(values).all()), mask=masks(values), grid_bits=bits)
