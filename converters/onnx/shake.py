"""A copy of an ONNX file whose weights are moved by some roundings: how far honest kernels take a model of integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from converters.onnx.load import load, tensors

NUDGE = 2.0**-22
"""Of each weight, at most: 4 roundings of float32. Kernels that sum in other orders come to as much."""


def shaken(path: Path, copy: Path, seed: int = 0) -> None:
    """Writes a model whose float32 constants of an axis or more are each moved at random by up to `NUDGE` of theirs.

    Raises:
        ModelError: the file is damaged, or its weights lie elsewhere.
    """
    model, random = load(path), np.random.default_rng(seed)
    for tensor in tensors(model.graph):
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.dims:
            values = onnx.numpy_helper.to_array(tensor)
            moved = values * (1 + NUDGE * random.uniform(-1, 1, values.shape))
            tensor.CopyFrom(onnx.numpy_helper.from_array(moved.astype(np.float32), tensor.name))
    copy.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, copy)
