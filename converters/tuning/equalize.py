"""Cross-layer equalization: channels of very different size brought to like size, without changing the function.

Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), with the ranges of the
activations in the place of those of the weights, because weights have a scale for each channel and activations one for
all. Factors are powers of two, so that float32 results stay the same to the last bit. ReLU6 and other functions with
a bend elsewhere than at 0 are left alone: a channel cannot be scaled through them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from converters.graph import Graph, Op
from converters.tuning.layers import Layer, layer_of

_LINEAR = frozenset(("", "NONE", "RELU"))
_SAME = frozenset(("Relu", "LeakyRelu", "PRelu", "Identity", "Dropout", "RELU", "LEAKY_RELU", "PRELU"))
_POOLS = frozenset(("MAX_POOL_2D", "AVERAGE_POOL_2D", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"))
_SHAPERS = frozenset(("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "Reshape", "Flatten", "Squeeze", "Unsqueeze"))
_TURNS = frozenset(("TRANSPOSE", "Transpose"))
_MEANS = frozenset(("MEAN", "ReduceMean"))
_LEAST_SPREAD = 1
"""Powers of two between the smallest factor and the largest below which nothing is done."""
_MOST = 12


@dataclass(frozen=True)
class Pair:
    """Two or more layers in a row: the first one's channels are divided by `factors`, (channels,).

    The weights of those that read them are multiplied.
    """

    producer: Op
    consumers: tuple[Op, ...]
    factors: np.ndarray


@dataclass(frozen=True)
class _Reader:
    """A layer that reads what another gives out; `channels` (inputs,) says which channel each of its inputs is."""

    layer: Layer
    channels: np.ndarray


def pairs_of(graph: Graph, largest: Mapping[int, np.ndarray]) -> tuple[Pair, ...]:
    """The layers whose outputs can be equalized, and by which factors.

    Args:
        graph: a float file.
        largest: of each layer's output tensor, by index, the greatest absolute value of each channel, (channels,).
    """
    readers = _readers(graph)
    shared = _constants_of_several(graph)
    found = []
    for op in graph.ops:
        layer = layer_of(graph, op)
        if layer is None or not _free(layer, shared) or op.attributes.get(_FUSED, "") not in _LINEAR:
            continue
        output = op.outputs[0]
        if op.type == "MatMul" or output not in largest or len(largest[output]) != layer.outputs:
            continue
        ids = _channel_ids(graph.tensors[output].shape, layer)
        reached = None if ids is None else _reached(graph, readers, output, ids)
        if not reached or any(not _free(reader.layer, shared) for reader in reached):
            continue
        factors = _factors(largest[output], reached)
        if np.ptp(np.log2(factors)) >= _LEAST_SPREAD:
            found.append(Pair(op, tuple(reader.layer.op for reader in reached), factors))
    return tuple(found)


def equalized(graph: Graph, pairs: tuple[Pair, ...]) -> dict[int, np.ndarray]:
    """The constants that change, by tensor index, as float32."""
    readers = _readers(graph)
    edits: dict[int, np.ndarray] = {}

    def current(index: int) -> np.ndarray:
        data = graph.tensors[index].data
        assert data is not None
        return edits.get(index, data)

    for pair in pairs:
        layer = layer_of(graph, pair.producer)
        assert layer is not None
        ids = _channel_ids(graph.tensors[pair.producer.outputs[0]].shape, layer)
        assert ids is not None
        for part in filter(None, (layer.weight, layer.bias)):
            edits[part.index] = layer.scaled_outputs(current(part.index), 1 / pair.factors).astype(np.float32)
        for reader in _reached(graph, readers, pair.producer.outputs[0], ids) or ():
            weight = reader.layer.weight.index
            scaled = reader.layer.scaled_inputs(current(weight), pair.factors[reader.channels])
            edits[weight] = scaled.astype(np.float32)
    return edits


_FUSED = "fusedActivationFunction"


def _readers(graph: Graph) -> dict[int, list[Op]]:
    found: dict[int, list[Op]] = {}
    for op in graph.ops:
        for index in op.inputs:
            found.setdefault(index, []).append(op)
    return found


def _constants_of_several(graph: Graph) -> set[int]:
    return {index for index, ops in _readers(graph).items() if len(ops) > 1 and index >= 0}


def _free(layer: Layer, shared: set[int]) -> bool:
    """Whether nothing else reads the layer's constants."""
    return not {part.index for part in (layer.weight, layer.bias) if part is not None} & shared


def _channel_ids(shape: tuple[int, ...] | None, layer: Layer) -> np.ndarray | None:
    """For each place of a layer's output, batch of 1, the channel that it is of; None where the shape is open."""
    if shape is None or any(size < 1 for size in shape[1:]):
        return None
    sizes = (1, *shape[1:])
    axis = [1] * len(sizes)
    axis[layer.channel_axis] = -1
    return np.broadcast_to(np.arange(layer.outputs).reshape(axis), sizes)


def _reached(graph: Graph, readers: Mapping[int, list[Op]], index: int, ids: np.ndarray) -> list[_Reader] | None:
    """Every layer that reads a tensor; None where something else does that a channel cannot be scaled through."""
    if index in graph.outputs or not readers.get(index):
        return None
    found: list[_Reader] = []
    for op in readers[index]:
        layer = layer_of(graph, op)
        if layer is not None and layer.data == index:
            channels = _per_channel(ids, layer.channel_axis)
            if channels is None or len(channels) != layer.inputs:
                return None
            found.append(_Reader(layer, channels))
            continue
        passed = _passed(graph, op, index, ids)
        further = None if passed is None else _reached(graph, readers, op.outputs[0], passed)
        if further is None:
            return None
        found += further
    return found


def _per_channel(ids: np.ndarray, axis: int) -> np.ndarray | None:
    """The channel of each place along an axis, where it is the same everywhere else."""
    rows = np.moveaxis(ids, axis, 0).reshape(ids.shape[axis], -1)
    return rows[:, 0] if (rows == rows[:, :1]).all() else None


def _passed(graph: Graph, op: Op, index: int, ids: np.ndarray) -> np.ndarray | None:
    """The channel of each place behind an operator; None where it mixes channels or is not homogeneous."""
    shape = graph.tensors[op.outputs[0]].shape if len(op.outputs) == 1 else None
    if op.inputs[0] != index or shape is None or any(size < 1 for size in shape[1:]):
        return None
    if op.attributes.get(_FUSED, "NONE") not in _LINEAR:
        return None
    sizes = (1, *shape[1:])
    if op.type in _SAME:
        return ids if ids.shape == sizes else None
    if op.type in _SHAPERS:
        return ids.reshape(sizes) if ids.size == np.prod(sizes) else None
    if op.type in _POOLS or _pads_with_zeros(graph, op):
        return _spread(ids, sizes)
    if op.type in _TURNS:
        order = op.attributes.get("perm")
        if order is None and len(op.inputs) > 1 and graph.tensors[op.inputs[1]].constant:
            order = np.asarray(graph.tensors[op.inputs[1]].data).ravel().tolist()
        return ids.transpose(order) if order and order[0] == 0 else None
    if op.type in _MEANS:
        return _averaged(graph, op, ids, sizes)
    return None


def _spread(ids: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray | None:
    """The channels of places that were widened or narrowed along other axes than that of the channels."""
    if len(sizes) != ids.ndim:
        return None
    varying = [axis for axis in range(ids.ndim) if np.ptp(ids, axis=axis).any()]
    if len(varying) != 1 or sizes[varying[0]] != ids.shape[varying[0]]:
        return None
    channels = _per_channel(ids, varying[0])
    assert channels is not None
    place = [1] * ids.ndim
    place[varying[0]] = -1
    return np.broadcast_to(channels.reshape(place), sizes)


def _pads_with_zeros(graph: Graph, op: Op) -> bool:
    if op.type == "Pad" and op.attributes.get("mode", "constant") in ("constant", b"constant"):
        value = graph.tensors.get(op.inputs[2]) if len(op.inputs) > 2 else None
        return value is None or (value.data is not None and not value.data.any())
    return op.type == "PAD"


def _averaged(graph: Graph, op: Op, ids: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray | None:
    axes = op.attributes.get("axes")
    if axes is None and len(op.inputs) > 1 and graph.tensors[op.inputs[1]].constant:
        axes = np.asarray(graph.tensors[op.inputs[1]].data).ravel().tolist()
    if not axes or 0 in {int(axis) % ids.ndim for axis in axes}:
        return None
    where = tuple(int(axis) for axis in axes)
    least, most = ids.min(where, keepdims=True), ids.max(where, keepdims=True)
    return least.reshape(sizes) if (least == most).all() and least.size == np.prod(sizes) else None


def _factors(largest: np.ndarray, readers: list[_Reader]) -> np.ndarray:
    """Powers of two that bring the channels to like size, those that their readers' weights can bear.

    Weights with a scale for each of their input channels (depthwise) bear anything: all of a channel's size goes
    there. Others share one scale among the inputs of an output, so that the square root of the imbalance goes there.
    """
    sizes = largest / max(float(largest.max()), np.finfo(np.float32).tiny)
    weights = np.zeros(len(largest))
    for reader in readers:
        if reader.layer.groups == reader.layer.inputs:
            continue
        assert reader.layer.weight.data is not None
        rows = np.abs(reader.layer.each_input(reader.layer.weight.data)).max(axis=1)
        np.maximum.at(weights, reader.channels, rows / max(float(rows.max()), np.finfo(np.float32).tiny))
    alive = sizes > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.where(weights > 0, np.sqrt(sizes / weights), sizes)
    if not alive.any():
        return np.ones(len(largest))
    wanted = np.where(alive, wanted, np.median(wanted[alive]))
    powers = np.rint(np.log2(wanted / np.median(wanted)))
    return np.exp2(np.clip(powers, -_MOST, _MOST))
