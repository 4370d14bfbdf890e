"""Operators with weights, in the words of each format: which axis of the weights is which channel."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from converters.graph import Graph, Op, Tensor

_PLACES = MappingProxyType(
    {
        "CONV_2D": (0, 1, 2, 0, 3, -1),
        "DEPTHWISE_CONV_2D": (0, 1, 2, 3, 0, -1),
        "FULLY_CONNECTED": (0, 1, 2, 0, 1, -1),
        "Conv": (0, 1, 2, 0, 1, 1),
        "Gemm": (0, 1, 2, 0, 1, -1),
        "MatMul": (0, 1, -1, 1, 0, -1),
    }
)
"""Operator -> inputs that hold the activation, the weights and the bias; of the weights, the axes of the outputs and
of the inputs (of one group); of the activations, that of the channels."""


@dataclass(frozen=True)
class Layer:
    """A convolution or matrix product whose weights are in the file.

    Input channel c of group g reaches the outputs of group g alone; `groups` is the number of channels where it is
    depthwise.
    """

    op: Op
    data: int
    weight: Tensor
    bias: Tensor | None
    out_axis: int
    in_axis: int
    channel_axis: int
    groups: int

    @property
    def outputs(self) -> int:
        """How many output channels there are."""
        assert self.weight.shape is not None
        return self.weight.shape[self.out_axis]

    @property
    def inputs(self) -> int:
        """How many input channels there are, of all groups."""
        assert self.weight.shape is not None
        return self.groups * self.weight.shape[self.in_axis]

    def each_input(self, weight: np.ndarray) -> np.ndarray:
        """The weights as (input channel, what it is multiplied with): (inputs, n), a view or a copy."""
        rows = self._rows(weight)
        return np.moveaxis(rows, 2, 1).reshape(self.inputs, -1)

    def scaled_inputs(self, weight: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """The weights with those of each input channel multiplied by its factor; `factors` is (inputs,)."""
        rows = self._rows(weight) * factors.reshape(self.groups, 1, -1, 1)
        return self._unrows(rows, weight.shape)

    def scaled_outputs(self, weight: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """The weights, or the bias, with those of each output channel multiplied by its factor; (outputs,)."""
        if weight.ndim == 1:
            return weight * factors
        shape = [1] * weight.ndim
        shape[self.out_axis] = -1
        return weight * factors.reshape(shape)

    def _rows(self, weight: np.ndarray) -> np.ndarray:
        """(groups, outputs of a group, inputs of a group, the rest)."""
        rows = np.moveaxis(weight, (self.out_axis, self.in_axis), (0, 1))
        return rows.reshape(self.groups, self.outputs // self.groups, rows.shape[1], -1)

    def _unrows(self, rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        rest = [size for axis, size in enumerate(shape) if axis not in (self.out_axis, self.in_axis)]
        whole = rows.reshape(self.outputs, rows.shape[2], *rest)
        return np.moveaxis(whole, (0, 1), (self.out_axis, self.in_axis))


def layer_of(graph: Graph, op: Op) -> Layer | None:
    """The operator as a layer; None where it is none, or its weights are no float32 constants of the file."""
    if op.type not in _PLACES:
        return None
    data, weight_place, bias_place, out_axis, in_axis, channel_axis = _PLACES[op.type]
    weight = _tensor(graph, op, weight_place)
    if weight is None or weight.data is None or weight.shape is None or weight.dtype != "float32":
        return None
    activation = _tensor(graph, op, data)
    if activation is None or activation.constant or activation.shape is None or weight.data.ndim < 2:
        return None
    if op.type == "Gemm":
        if op.attributes.get("transA", 0) or op.attributes.get("alpha", 1.0) != 1.0:
            return None
        out_axis, in_axis = (0, 1) if op.attributes.get("transB", 0) else (1, 0)
    if op.type == "MatMul" and weight.data.ndim != 2:
        return None
    bias = _tensor(graph, op, bias_place) if bias_place >= 0 else None
    if bias is not None and (bias.data is None or bias.data.shape != (weight.shape[out_axis],)):
        return None
    groups = _groups(op, activation.shape[channel_axis], weight.shape[in_axis])
    if groups < 1 or weight.shape[out_axis] % groups:
        return None
    return Layer(op, op.inputs[data], weight, bias, out_axis, in_axis, channel_axis, groups)


def _groups(op: Op, channels: int, width: int) -> int:
    if op.type == "Conv":
        return int(op.attributes.get("group", 1) or 1)
    if op.type in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return channels // width if channels > 0 and channels % width == 0 else 0
    return 1


def _tensor(graph: Graph, op: Op, place: int) -> Tensor | None:
    index = op.inputs[place] if 0 <= place < len(op.inputs) else -1
    return graph.tensors.get(index)
