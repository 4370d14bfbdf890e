"""One operator of a .tflite file as a file of its own, to ask a delegate about it alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from converters.litert.flatbuffer import Model
from converters.litert.pack import packed


def single_operator(model: Model, graph: int, place: int) -> bytes:
    """A file of the operator at `place` of a graph: its constants kept, its other tensors inputs and outputs."""
    schema = model.schema
    owner = model.root.Subgraphs(graph)
    operator = schema.OperatorT.InitFromObj(owner.Operators(place))
    inputs, outputs = _indices(operator.inputs), _indices(operator.outputs)
    used = list(dict.fromkeys(index for index in (*inputs, *outputs) if index >= 0))
    number = {index: position for position, index in enumerate(used)}
    tensors, buffers, constant = [], [schema.BufferT()], set[int]()
    for index in used:
        original = owner.Tensors(index)
        tensor = schema.TensorT.InitFromObj(original)
        buffer = schema.BufferT()
        buffer.data = model.constant(original)
        if buffer.data is not None:
            constant.add(index)
        tensor.buffer = len(buffers)
        tensors.append(tensor)
        buffers.append(buffer)
    code = schema.OperatorCodeT.InitFromObj(model.root.OperatorCodes(operator.opcodeIndex))
    operator.opcodeIndex = 0
    operator.inputs = [number.get(index, -1) for index in inputs]
    operator.outputs = [number[index] for index in outputs]
    cut = schema.SubGraphT()
    cut.tensors, cut.operators = tensors, [operator]
    cut.inputs = [number[index] for index in dict.fromkeys(inputs) if index >= 0 and index not in constant]
    cut.outputs = operator.outputs
    whole = schema.ModelT()
    whole.version, whole.operatorCodes, whole.subgraphs, whole.buffers = 3, [code], [cut], buffers
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
