"""What a .pte file says of itself, read from its tables and from what its delegates were given, without running it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from converters.contract import Format, Signature, TensorSpec
from converters.errors import ModelError
from converters.executorch.graph import Graph, Value
from converters.executorch.graph_hash import graph_hash
from converters.executorch.plan import read_graph
from converters.executorch.program import Program, opened, read_signature
from converters.grid import grid_bits
from converters.inspection import Inspection, OpInfo, TensorInfo
from converters.masks import masks


def inspect(path: Path) -> Inspection:
    """Tensors and operators of the main method, those inside of XNNPACK and Vulkan included; signature and hash.

    Of other backends the file tells nothing: each of their parts is one operator of that name. Inputs and outputs of
    files that are not ours have no names: they are called `input_0`, `output_0`, ...

    Raises:
        ModelError: another format, damaged, or with a signature that is not its own.
        UnsupportedError: an input or output is no tensor, or weights lie in another file.
    """
    with opened(Path(path)) as program:
        graph = read_graph(program)
        signature = signature_of(program, graph)
        return Inspection(
            format=Format.EXECUTORCH,
            signature=signature,
            tensors=tuple(map(_tensor, graph.values)),
            ops=tuple(OpInfo(op.type, op.inputs, op.outputs) for op in graph.ops),
            graph_hash=graph_hash(graph, signature),
            metadata={
                "schema_version": str(program.tables["version"]),
                "methods": ", ".join(program.methods),
                "backends": ", ".join(graph.backends),
            },
        )


def signature_of(program: Program, graph: Graph) -> Signature:
    """The signature that our converters left in the file, else one of made-up names.

    Raises:
        ModelError: the file takes or returns something else than the signature in it says.
    """
    found = _unnamed(graph)
    recorded = read_signature(program)
    if recorded is None:
        return found
    for side, said, there in (
        ("inputs", recorded.inputs, found.inputs),
        ("outputs", recorded.outputs, found.outputs),
    ):
        ours, own = ([(spec.shape, spec.dtype) for spec in specs] for specs in (said, there))
        if ours != own:
            raise ModelError(f"damaged: its {side} are {own}, the signature in it says {ours}")
    return recorded


def _unnamed(graph: Graph) -> Signature:
    def specs(side: str, places: tuple[int, ...]) -> tuple[TensorSpec, ...]:
        return tuple(_spec(f"{side}_{index}", graph.values[place]) for index, place in enumerate(places))

    return Signature(specs("input", graph.inputs), specs("output", graph.outputs))


def _spec(name: str, value: Value) -> TensorSpec:
    quantized = len(value.scales) == 1 and value.dtype in ("int8", "uint8")
    return TensorSpec(
        name,
        value.shape,
        value.dtype,
        scale=value.scales[0] if quantized else None,
        zero_point=value.zero_point if quantized else None,
    )


def _tensor(value: Value) -> TensorInfo:
    finite, grid, mask = True, 32, False
    if value.data is not None and value.dtype in ("float32", "float16", "float64"):
        numbers = np.frombuffer(value.data, value.dtype)
        finite, mask = bool(np.isfinite(numbers).all()), masks(numbers)
        if value.dtype == "float32":
            grid = grid_bits(numbers.reshape(value.shape))
    return TensorInfo(
        name=value.name,
        shape=value.shape,
        dtype=value.dtype,
        constant=value.data is not None,
        size_bytes=0 if value.data is None else len(value.data),
        scales=len(value.scales),
        finite=finite,
        mask=mask,
        grid_bits=grid,
    )
