"""Runs a model file on stacked inputs by the plainest means that its format has; inside a worker process."""

from __future__ import annotations

import contextlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from converters.contract import Arrays


def run(path: Path, inputs: Arrays) -> list[np.ndarray]:
    """Outputs by place, (n, ...) each, float64; a quantized one as the real numbers that it stands for."""
    stamp = max((item.stat().st_mtime_ns, item.stat().st_size) for item in (path, *path.rglob("*")))
    made = {".tflite": _flat, ".onnx": _onnx, ".mlpackage": _mil}[path.suffix](path, *stamp)
    rows = [made({name: values[n] for name, values in inputs.items()}) for n in range(len(next(iter(inputs.values()))))]
    return [np.stack([row[place] for row in rows]) for place in range(len(rows[0]))]


@lru_cache(maxsize=2)
def _flat(path: Path, changed: int, size: int):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    with contextlib.suppress(ValueError, RuntimeError):  # with the sizes that are written there it may not run
        interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details(), interpreter.get_output_details()

    def call(sample: Arrays) -> list[np.ndarray]:
        nonlocal taken, given
        shapes = [np.shape(values) for values in sample.values()]
        if any(tuple(detail["shape"]) != shape for detail, shape in zip(taken, shapes, strict=True)):  # an open size
            for detail, shape in zip(taken, shapes, strict=True):
                interpreter.resize_tensor_input(detail["index"], shape)
            interpreter.allocate_tensors()
            taken, given = interpreter.get_input_details(), interpreter.get_output_details()
        interpreter.reset_all_variables()
        for detail, values in zip(taken, sample.values(), strict=True):
            scale, zero = detail["quantization"]
            if scale and np.dtype(detail["dtype"]).kind in "iu":
                limits = np.iinfo(detail["dtype"])
                values = np.clip(np.rint(values / scale) + zero, limits.min, limits.max)
            interpreter.set_tensor(detail["index"], values.astype(detail["dtype"]).reshape(detail["shape"]))
        interpreter.invoke()
        return [_real(interpreter.get_tensor(detail["index"]), detail["quantization"]) for detail in given]

    return call


@lru_cache(maxsize=2)
def _onnx(path: Path, changed: int, size: int):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    grids = _grids(path)

    def call(sample: Arrays) -> list[np.ndarray]:
        given = {name: _stored(np.asarray(v), grids.get(name)) for name, v in zip(names, sample.values(), strict=True)}
        found = session.run(None, given)
        return [
            _real(np.asarray(v), (grids.get(end.name) or (0.0, 0))[:2])
            for v, end in zip(found, session.get_outputs(), strict=True)
        ]

    return call


Grid = tuple[float, int, np.dtype]


def _grids(path: Path) -> dict[str, Grid]:
    """By name of an input or output in integers of a grid: scale, zero point and type, as the operator there says."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    held = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    written = ((node.output[0], entry) for node in graph.node if node.op_type == "Constant" for entry in node.attribute)
    held |= {name: numpy_helper.to_array(entry.t) for name, entry in written if entry.name == "value"}
    found: dict[str, Grid] = {}
    for node in graph.node:
        end = {"DequantizeLinear": node.input, "QuantizeLinear": node.output}.get(node.op_type, ())[:1]
        if end and len(node.input) == 3 and all(name in held and held[name].size == 1 for name in node.input[1:]):
            scale, zero = (held[name].reshape(-1)[0] for name in node.input[1:])
            found[end[0]] = float(scale), int(zero), zero.dtype
    ends = {one.name for one in (*graph.input, *graph.output)}
    return {name: grid for name, grid in found.items() if name in ends}


def _stored(values: np.ndarray, grid: Grid | None) -> np.ndarray:
    if grid is None or values.dtype.kind != "f":
        return values
    scale, zero, dtype = grid
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values / scale) + zero, limits.min, limits.max).astype(dtype)


@lru_cache(maxsize=2)
def _mil(path: Path, changed: int, size: int):
    from converters.coreml.interpreter import Interpreter
    from converters.coreml.package import read_package
    from converters.coreml.program import read_program
    from converters.coreml.signature import ends

    program = read_program(read_package(path))
    interpreter = Interpreter(program)
    taken, given = ([value.name for value in side] for side in ends(program))

    def call(sample: Arrays) -> list[np.ndarray]:
        interpreter.reset()
        found = interpreter.run(dict(zip(taken, sample.values(), strict=True)))
        return [np.asarray(found[name], np.float64) for name in given]

    return call


def _real(values: np.ndarray, quantization: tuple[float, int]) -> np.ndarray:
    scale, zero = quantization
    real = values.astype(np.float64)
    return (real - zero) * scale if scale and values.dtype.kind in "iu" else real
