"""What an ML program computes, as one hash: names of inner values, metadata and the order of constants do not enter.

Operators, parameters, topology, weights as they are stored, types, and the names of inputs and outputs do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from converters.contract import Signature
from converters.coreml.program import Binding, Block, Constant, Operation, Program, Type
from converters.coreml.signature import ends
from converters.digest import digest
from converters.errors import ModelError


def graph_hash(program: Program, signature: Signature) -> str:
    """The hex digest of the main function."""
    inputs, _ = ends(program)
    known = {
        value.name: digest("input", spec.name, _kind(value.type))
        for value, spec in zip(inputs, signature.inputs, strict=True)
    }
    states = [value for value in program.inputs if value.type.state]
    known |= {value.name: digest("state", place, _kind(value.type)) for place, value in enumerate(states)}
    own = _block(program.block, known)
    named = sorted(
        digest(spec.name, known[name]) for spec, name in zip(signature.outputs, program.block.outputs, strict=True)
    )
    effects = sorted(known[op.outputs[0].name] for op in program.block.operations if "state" in op.type and op.outputs)
    return digest("program", program.opset, *named, "effects", *effects, len(own)).hex()


def _block(block: Block, known: dict[str, bytes]) -> bytes:
    """Of what a block gives; what its operators make is put to `known`."""
    for place, value in enumerate(block.inputs):
        known[value.name] = digest("carried", place, _kind(value.type))
    for op in block.operations:
        _operation(op, known)
    return digest("block", *(_look_up(name, known) for name in block.outputs))


def _operation(op: Operation, known: dict[str, bytes]) -> None:
    inner = dict(known)
    parts: list[Any] = [op.type, *(_block(block, inner) for block in op.blocks)]
    for name in sorted(op.inputs):
        parts += [name, *(_binding(item, known) for item in op.inputs[name])]
    for name in sorted(op.attributes):
        if name != "name":
            parts += [name, _constant(op.attributes[name])]
    own = digest("op", *parts)
    for place, value in enumerate(op.outputs):
        known[value.name] = digest("made", own, place, _kind(value.type))


def _binding(item: Binding, known: Mapping[str, bytes]) -> bytes:
    return _constant(item) if isinstance(item, Constant) else _look_up(item, known)


def _look_up(name: str, known: Mapping[str, bytes]) -> bytes:
    if name not in known:
        raise ModelError(f"damaged: {name!r} is read before anything makes it")
    return known[name]


def _constant(constant: Constant) -> bytes:
    value = constant.value
    data = value.tobytes() if isinstance(value, np.ndarray) else repr(value)
    return digest("constant", _kind(constant.type), data)


def _kind(type: Type) -> str:
    return repr((type.dtype, type.shape, type.state))
