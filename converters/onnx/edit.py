"""An ONNX file with other values in some of its constants; everything else as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx

from converters.errors import UnsupportedError
from converters.onnx.graph import numbered


def with_constants(path: Path, values: Mapping[int, np.ndarray]) -> onnx.ModelProto:
    """The model at `path` with new values, of the old shape and type, for initializers, by number.

    Raises:
        UnsupportedError: a constant that is no initializer.
    """
    model = onnx.load(path)
    names = {number: name for name, number in numbered(model.graph).items()}
    there = {tensor.name: tensor for tensor in model.graph.initializer}
    for number, value in values.items():
        name = names[number]
        if name not in there:
            raise UnsupportedError(f"{name!r} is no initializer, so that it cannot be given other values")
        there[name].CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
    return model
