"""Bias correction: the mean error that quantization leaves in each channel of a layer, taken back by its bias.

Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), section 4.2, with the
errors measured on calibration samples.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from converters.graph import Graph
from converters.tuning.isolate import Isolated
from converters.tuning.layers import layer_of


def corrected(graph: Graph, errors: Iterable[Isolated]) -> dict[int, np.ndarray]:
    """The biases that change, by tensor index, float32 (channels,); layers without one are left alone.

    Where the layer's activation cut a value off, at 0 or at 6, its error says nothing of the bias and does not count.
    """
    read = [index for op in graph.ops for index in op.inputs]
    edits: dict[int, np.ndarray] = {}
    for found in errors:
        layer = layer_of(graph, found.op)
        if layer is None or layer.bias is None or layer.bias.data is None or read.count(layer.bias.index) > 1:
            continue
        axis = layer.channel_axis % (found.wanted.ndim - 1) + 1  # behind the samples
        wanted, got = (
            np.moveaxis(values, axis, -1).reshape(-1, layer.outputs).astype(np.float64)
            for values in (found.wanted, found.got)
        )
        counted = (wanted > wanted.min(axis=0)) & (wanted < wanted.max(axis=0))
        many = counted.sum(axis=0)
        error = np.where(counted, wanted - got, 0.0).sum(axis=0) / np.maximum(many, 1)
        edits[layer.bias.index] = (layer.bias.data + error).astype(np.float32)
    return edits
