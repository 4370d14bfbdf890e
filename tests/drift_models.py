"""Small graphs and .tflite files to hold against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from flat_models import Graph as FlatGraph
from flat_models import Op as FlatOp
from flat_models import T, save

from converters.contract import Artifact, Format
from converters.graph import Graph, Op, Quantization, Tensor

KERNEL = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)


def tensor(
    index: int, shape: tuple[int, ...] = (1, 4), data: Any = None, dtype: str = "float32", scale: Any = None
) -> Tensor:
    """A tensor; `scale` is (scales, zero points)."""
    values = None if data is None else np.asarray(data, dtype)
    found = (
        None if scale is None else Quantization(np.atleast_1d(np.float64(scale[0])), np.atleast_1d(np.int64(scale[1])))
    )
    return Tensor(index, f"t{index}", shape if values is None else values.shape, dtype, values, found)


def graph(
    tensors: list[Tensor], ops: list[Op], inputs: tuple[int, ...], outputs: tuple[int, ...], **more: Any
) -> Graph:
    """A graph whose inputs and outputs are called by their tensors."""
    names = {t.index: t.name for t in tensors}
    ends = {"input_names": tuple(names[i] for i in inputs), "output_names": tuple(names[i] for i in outputs)} | more
    return Graph(Format.TFLITE, {t.index: t for t in tensors}, tuple(ops), inputs, outputs, **ends)


def dense(path: Path, kernel: Any = KERNEL, **changes: Any) -> Artifact:
    """(a - b) times a kernel, plus a bias, relu; `bias`, `crossed` and `activation` are changed on demand."""
    import ai_edge_litert.schema_py_generated as schema

    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = changes.get("activation", 1)
    tensors = [
        T("a", (1, 6)), T("b", (1, 6)), T("difference", (1, 6)), T("kernel", (4, 6), value=kernel),
        T("bias", (4,), value=changes.get("bias", [0.1, 0.2, 0.3, -0.4])), T("y", (1, 4)),
    ]  # fmt: skip
    first = ("b", "a") if changes.get("crossed") else ("a", "b")
    ops = [
        FlatOp("SUB", first, ("difference",), ("SubOptions", schema.SubOptionsT())),
        FlatOp("FULLY_CONNECTED", ("difference", "kernel", "bias"), ("y",), ("FullyConnectedOptions", options)),
    ]
    names = {"a": "a", "b": "b", "y": "y"}
    return save(path, FlatGraph(tensors, ops, ("a", "b"), ("y",), names))
