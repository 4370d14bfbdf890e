"""Looking inside an ExecuTorch program: values from its own runtime, pieces alone by PyTorch's kernels.

The operators inside an XNNPACK delegate are in the graph, with their weights; their values are not (see `dump`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from converters.contract import Arrays, Artifact, Format
from converters.errors import UnsupportedError
from converters.executorch.dump import recorded
from converters.executorch.graph import MEMORY, Value
from converters.executorch.graph import Graph as Plan
from converters.executorch.graph import Op as PlanOp
from converters.executorch.inspect import signature_of
from converters.executorch.kernels import attributes, computed
from converters.executorch.plan import read_graph
from converters.executorch.program import opened
from converters.graph import Graph, Op, Quantization, Tensor
from converters.tracer import Tracer, Values, between


class ExecuTorchTracer(Tracer):
    """The main method of a program."""

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact)
        with opened(artifact.path) as program:
            self._file = read_graph(program)
            self._plan = program.methods[program.main]
            signature = signature_of(program, self._file)
        names = [tuple(spec.name for spec in specs) for specs in (signature.inputs, signature.outputs)]
        self.graph = _folded(_graph(self._file, names[0], names[1]), self._file)

    def trace(self, samples: Iterable[Arrays], indices: Sequence[int]) -> Values:
        """As `Tracer.trace`."""
        return _stacked([self._shown([sample[name] for name in self.graph.input_names]) for sample in samples], indices)

    def run(self, given: Mapping[int, np.ndarray], wanted: Sequence[int]) -> Values:
        """As `Tracer.run`; what starts at the model's own inputs runs in ExecuTorch's runtime."""
        ops = between(self.graph, given, wanted)
        count = len(next(iter(given.values())))
        rows = []
        for number in range(count):
            sample = {index: values[number] for index, values in given.items()}
            if set(given) == set(self.graph.inputs):
                row = self._shown([sample[index] for index in self.graph.inputs])
            else:
                row = self._alone(ops, sample)
            rows.append(row)
        missing = [index for index in wanted if any(index not in row for row in rows)]
        if missing:
            raise UnsupportedError(
                f"{self.graph.tensors[missing[0]].name} lies inside a delegate: its value is not shown"
            )
        return _stacked(rows, wanted)

    def _shown(self, inputs: Sequence[np.ndarray]) -> dict[int, np.ndarray]:
        """What one call in the runtime shows, by index."""
        tensors = [torch.from_numpy(np.array(values, order="C")) for values in inputs]
        ends = dict(zip(self.graph.inputs, inputs, strict=True))
        found = {**recorded(self.artifact.path, self._plan, tensors), **ends}
        for op in self._file.ops:
            if op.device == MEMORY and op.inputs[0] in found:
                found[op.outputs[0]] = found[op.inputs[0]].reshape(self._file.values[op.outputs[0]].shape)
        return found

    def _alone(self, ops: Sequence[Op], given: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
        """What portable operators give, by PyTorch's kernels of the same names."""
        known: dict[int, Any] = {
            index: torch.from_numpy(np.array(values, order="C")) for index, values in given.items()
        }
        for index, tensor in self.graph.tensors.items():
            if tensor.data is not None and index not in known:
                known[index] = torch.from_numpy(np.array(tensor.data, order="C"))
        for op in ops:
            results = computed(self._file.ops[op.index], known)
            known |= {place: value for place, value in zip(op.outputs, results, strict=True) if place not in given}
        return {index: value.numpy() for index, value in known.items()}


def _graph(plan: Plan, input_names: tuple[str, ...], output_names: tuple[str, ...]) -> Graph:
    return Graph(
        format=Format.EXECUTORCH,
        tensors={place: _tensor(place, value) for place, value in enumerate(plan.values)},
        ops=tuple(Op(place, _kind(op), op.inputs, op.outputs, attributes(op)) for place, op in enumerate(plan.ops)),
        inputs=plan.inputs,
        outputs=plan.outputs,
        input_names=input_names,
        output_names=output_names,
    )


def _folded(graph: Graph, plan: Plan) -> Graph:
    """The graph with what portable operators make of constants alone, as turned weights, as constants."""
    tensors = dict(graph.tensors)
    kept = []
    for op in graph.ops:
        known = {index: torch.from_numpy(np.array(d)) for index in op.inputs if (d := tensors[index].data) is not None}
        if not plan.ops[op.index].own or not op.inputs or len(known) != len(set(op.inputs)):
            kept.append(op)
            continue
        for index, value in zip(op.outputs, computed(plan.ops[op.index], known), strict=True):
            tensors[index] = dataclasses.replace(tensors[index], data=value.contiguous().numpy())
    return dataclasses.replace(graph, tensors=tensors, ops=tuple(kept))


def _kind(op: PlanOp) -> str:
    """`aten.convolution` of `aten::convolution.out`; an operator of a delegate under its own name."""
    return op.type.partition(".")[0].replace("::", ".") if op.own else op.type


def _tensor(place: int, value: Value) -> Tensor:
    scales = np.asarray(value.scales, np.float64)
    quantization = None
    if len(scales):
        axis = next((axis for axis, size in enumerate(value.shape) if size == len(scales)), 0) if len(scales) > 1 else 0
        quantization = Quantization(scales, np.full(len(scales), value.zero_point), axis)
    dtype = "float32" if value.dtype == "bfloat16" else value.dtype
    return Tensor(place, value.name, value.shape, dtype, _data(value), quantization)


def _data(value: Value) -> np.ndarray | None:
    if value.data is None:
        return None
    if value.dtype == "bfloat16":  # the upper half of a float32
        halves = np.frombuffer(value.data, np.uint16).astype(np.uint32) << 16
        return halves.view(np.float32).reshape(value.shape)
    try:
        return np.frombuffer(value.data, value.dtype).reshape(value.shape)
    except (TypeError, ValueError):
        return np.frombuffer(value.data, np.uint8)


def _stacked(rows: Sequence[Mapping[int, np.ndarray]], indices: Sequence[int]) -> Values:
    kept = [index for index in indices if rows and all(index in row for row in rows)]
    return {i: np.stack([row[i] for row in rows]) for i in kept if len({row[i].shape for row in rows}) == 1}


def open(artifact: Artifact) -> ExecuTorchTracer:
    """Opens the program for looking inside.

    Raises:
        ModelError: another format, or damaged.
        UnsupportedError: an input or output is no tensor, or weights lie in another file.
    """
    return ExecuTorchTracer(artifact)
