"""Biases that ai-edge-quantizer cut off at 32 bits, beside weights near zero: brought within reach.

A bias is stored in steps of its input's scale times its channel's weight scale. A channel that training has all but
switched off has weights of 1e-7 or none, and a bias of 0.5 then takes 5e11 steps: it was cut off at 2^31, also where 64
bits hold it, and the channel gave out a hundredth of what it should. A larger scale for that channel's weights, which
hardly tell, makes the steps large enough: as TensorFlow's quantizer does (`quantization_utils.cc`, "AdjustWeights
ScaleForInt32Bias") and ONNX Runtime's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from converters.graph import Graph
from converters.litert.edit import BIAS
from converters.litert.flatbuffer import tables
from converters.litert.graph import read_graph
from converters.litert.pack import packed, unpacked

_WEIGHT = 1
_LIMIT = 2**31 - 1
_MOST = 2**30
"""Steps of a bias: what is summed on top of it must fit into 32 bits too."""


def with_whole_biases(path: Path, source: Path) -> None:
    """Rewrites a quantized file in its place; `source` is the float file that it was made of.

    Weights that several operators read, and those with one scale for all channels, stay.
    """
    graph = read_graph(path)
    found = [op for op in graph.ops if op.type in BIAS and BIAS[op.type] < len(op.inputs)]
    cut = [op for op in found if _cut(graph, op.inputs[BIAS[op.type]])]
    if not cut:
        return
    floats = {tensor.name: tensor.data for tensor in read_graph(source).tensors.values() if tensor.constant}
    read = [index for op in graph.ops for index in op.inputs]
    model = unpacked(path.read_bytes())
    for op in cut:
        weight, bias = (graph.tensors[op.inputs[place]] for place in (_WEIGHT, BIAS[op.type]))
        values, wanted, before = floats.get(weight.name), floats.get(bias.name), bias.data
        grid, steps = weight.quantization, graph.tensors[op.inputs[0]].quantization
        if values is None or wanted is None or before is None or weight.data is None or read.count(weight.index) > 1:
            continue
        if grid is None or steps is None:
            continue
        if len(grid.scales) != wanted.size or values.shape != weight.shape:
            continue
        step = float(steps.scales[0])
        least = np.abs(wanted.reshape(-1).astype(np.float64)) / (step * _MOST)
        scales = np.where(_beyond(before), np.maximum(grid.scales, least), grid.scales).astype(np.float32)
        along = [-1 if axis == grid.axis else 1 for axis in range(values.ndim)]
        changed = (scales != grid.scales.astype(np.float32)).reshape(along)
        integers = np.where(changed, np.rint(values / scales.reshape(along)).clip(-127, 127), weight.data)
        _store(model, weight.index, integers.astype(np.int8), scales)
        exact = np.rint(wanted.reshape(-1) / (scales.astype(np.float64) * step))
        kept = np.where(changed.reshape(-1), exact, before.reshape(-1))
        _store(model, bias.index, kept.astype(bias.dtype), (scales * np.float32(step)).astype(np.float32))
    path.write_bytes(packed(model))


def _cut(graph: Graph, index: int) -> bool:
    """Whether a tensor is a bias of integers, some of them at the limits of 32 bits."""
    bias = graph.tensors.get(index)
    if bias is None or bias.data is None or bias.dtype not in ("int32", "int64"):
        return False
    return bool(_beyond(bias.data).any())


def _beyond(stored: np.ndarray) -> np.ndarray:
    reached: np.ndarray = np.abs(stored.reshape(-1).astype(np.float64)) >= _LIMIT
    return reached


def _store(model: Any, index: int, integers: np.ndarray, scales: np.ndarray) -> None:
    """Gives a constant of the first graph other integers, and the scales that they have."""
    tensor = model.subgraphs[0].tensors[index]
    buffer = tables().BufferT()
    buffer.data = np.ascontiguousarray(integers).view(np.uint8).reshape(-1)
    old = tensor.buffer
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)
    tensor.quantization.scale = scales
    if not any(other.buffer == old for graph in model.subgraphs for other in graph.tensors):
        model.buffers[old].data = None
