"""Operators of a .tflite file as a file of their own: to ask a delegate about one, to run a few alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from converters.litert.flatbuffer import Model
from converters.litert.pack import packed


def single_operator(model: Model, graph: int, place: int) -> bytes:
    """A file of the operator at `place` of a graph: its constants kept, its other tensors inputs and outputs."""
    owner = model.root.Subgraphs(graph)
    operator = owner.Operators(place)
    inputs, outputs = (_indices(model.items(operator, side)) for side in ("Inputs", "Outputs"))
    computed = [i for i in dict.fromkeys(inputs) if i >= 0 and model.constant(owner.Tensors(i)) is None]
    return segment(model, graph, [place], computed, outputs)


def segment(model: Model, graph: int, places: Sequence[int], given: Sequence[int], wanted: Sequence[int]) -> bytes:
    """A file of the operators at `places` of a graph, with the tensors `given` as inputs and `wanted` as outputs.

    Its constants are kept. A tensor of `given` that is constant in the file becomes an input all the same.
    """
    schema = model.schema
    owner = model.root.Subgraphs(graph)
    operators = [schema.OperatorT.InitFromObj(owner.Operators(place)) for place in places]
    ends = [index for op in operators for side in (op.inputs, op.outputs) for index in _indices(side)]
    used = list(dict.fromkeys(index for index in (*given, *ends, *wanted) if index >= 0))
    number = {index: position for position, index in enumerate(used)}
    tensors, buffers = [], [schema.BufferT()]
    for index in used:
        original = owner.Tensors(index)
        tensor = schema.TensorT.InitFromObj(original)
        buffer = schema.BufferT()
        if index not in given:
            buffer.data = model.constant(original)
        tensor.buffer = len(buffers)
        tensors.append(tensor)
        buffers.append(buffer)
    codes = list(dict.fromkeys(operator.opcodeIndex for operator in operators))
    for operator in operators:
        operator.opcodeIndex = codes.index(operator.opcodeIndex)
        operator.inputs = [number.get(index, -1) for index in _indices(operator.inputs)]
        operator.outputs = [number[index] for index in _indices(operator.outputs)]
    cut = schema.SubGraphT()
    cut.tensors, cut.operators = tensors, operators
    cut.inputs, cut.outputs = ([number[index] for index in side] for side in (given, wanted))
    whole = schema.ModelT()
    whole.version, whole.subgraphs, whole.buffers = 3, [cut], buffers
    whole.operatorCodes = [schema.OperatorCodeT.InitFromObj(model.root.OperatorCodes(code)) for code in codes]
    return packed(whole)


def alike(model: Model, graph: int, place: int) -> tuple[Any, ...]:
    """What a delegate's support of an operator can depend on: type, options, its tensors' kinds and shapes."""
    owner = model.root.Subgraphs(graph)
    operator = owner.Operators(place)
    indices = (*model.items(operator, "Inputs"), *model.items(operator, "Outputs"))
    tensors = [owner.Tensors(int(index)) if index >= 0 else None for index in indices]
    kinds = tuple(t and (model.dtype(t), model.shape(t), model.constant(t) is not None) for t in tensors)
    options = model.schema.OperatorT.InitFromObj(operator).builtinOptions
    return (model.op_type(operator), kinds, repr(sorted(vars(options).items())) if options else "")


def _indices(values: Iterable[int] | None) -> list[int]:
    return [int(index) for index in (() if values is None else values)]
