"""TFLite files from ONNX by onnx2tf: images channels last, everything else as the ONNX file has it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Arrays, ConversionRequest, Signature, TensorSpec
from converters.errors import ToolkitError, UnsupportedError
from converters.litert.ends import rename_ends, sign
from converters.litert.signature import read_signature, signature_key
from converters.onnx.ends import plain_ends

CALIBRATION = "calibration_image_sample_data_20x128x128x3_float32.npy"
"""onnx2tf fetches this file over the network unless it finds one in its working folder; nothing here uses it."""
_CLOSE = 1e-3
"""Of the range: another order of axes is far away, another kernel is not."""


def tflite_by_onnx2tf(request: ConversionRequest) -> Signature:
    """Writes the fp32 file; returns its signature.

    Raises:
        UnsupportedError: onnx2tf refuses an operator, or makes outputs of which nobody can say the order of axes.
    """
    with tempfile.TemporaryDirectory(prefix="edge-export-") as folder, _inside(Path(folder)):
        np.save(CALIBRATION, np.zeros((20, 128, 128, 3), np.float32))
        names = _converted(request, Path(folder))
    rename_ends(request.target, names)
    own, found = request.source.signature, read_signature(request.target)
    inputs = tuple(_turned(spec, _named(found.inputs, spec.name)) for spec in own.inputs)
    return Signature(inputs, _outputs(request, inputs, found.outputs))


def _converted(request: ConversionRequest, folder: Path) -> dict[str, str]:
    """Writes the file; its names of the ends, and what they shall be."""
    import onnx
    import onnx2tf

    own = request.source.signature
    model = onnx.load(str(request.source.path))
    names = plain_ends(model, [spec.name for spec in (*own.inputs, *own.outputs)])
    known = {spec.name: spec for spec in own.outputs}
    _flatten_ends(model, {new: known[name] for new, name in names.items() if name in known})
    onnx.save(model, str(folder / "model.onnx"))
    kept = {spec.name for spec in own.inputs if not _is_image(spec)}
    try:
        onnx2tf.convert(
            input_onnx_file_path=str(folder / "model.onnx"),
            output_folder_path=str(folder / "made"),
            keep_shape_absolutely_input_names=[new for new, name in names.items() if name in kept] or None,
            non_verbose=True,
        )
    except ModuleNotFoundError as error:
        package, _, operator = (error.name or "").rpartition(".")
        if package != "onnx2tf.ops":
            raise
        raise UnsupportedError(f"operator {operator} is not there") from error
    except SystemExit as error:  # its way to refuse a model
        raise UnsupportedError("onnx2tf gave up on this model; the worker's log has its words") from error
    made = list((folder / "made").glob("*_float32.tflite"))
    if len(made) != 1:
        raise ToolkitError("onnx2tf wrote no float32 file")
    request.target.write_bytes(made[0].read_bytes())
    _sign(request.target, model.graph)
    return names


def _sign(path: Path, graph: Any) -> None:
    """Gives a file without a signature that of the ONNX graph: where Keras loses the names, the order stays."""
    if signature_key(path) is None:
        weights = {tensor.name for tensor in graph.initializer}
        sign(path, *([v.name for v in side if v.name not in weights] for side in (graph.input, graph.output)))


def _flatten_ends(model: Any, outputs: Mapping[str, TensorSpec]) -> None:
    """Outputs of which nobody names the axes go through one axis and back: onnx2tf then leaves them in ONNX's order."""
    import onnx

    for value in model.graph.output:
        spec = outputs.get(value.name)
        if spec is None or spec.layout or len(spec.shape) < 3 or None in spec.shape:
            continue
        inner = f"{value.name}_inner"
        for node in model.graph.node:
            node.input[:] = [inner if name == value.name else name for name in node.input]
            node.output[:] = [inner if name == value.name else name for name in node.output]
        shapes = (("flat", [-1]), ("whole", [int(size or 1) for size in spec.shape]))
        for name, sizes in shapes:
            tensor = onnx.numpy_helper.from_array(np.array(sizes, np.int64), f"{value.name}_{name}")
            model.graph.initializer.append(tensor)
        flat = f"{value.name}_in_a_row"
        model.graph.node.append(onnx.helper.make_node("Reshape", [inner, f"{value.name}_flat"], [flat]))
        model.graph.node.append(onnx.helper.make_node("Reshape", [flat, f"{value.name}_whole"], [value.name]))


def _outputs(
    request: ConversionRequest, inputs: tuple[TensorSpec, ...], found: tuple[TensorSpec, ...]
) -> tuple[TensorSpec, ...]:
    """The outputs with their layouts: by their shapes where these are clear, else by the values of one call."""
    own = request.source.signature.outputs
    options = {spec.name: list(_orders(spec, _named(found, spec.name))) for spec in own}
    for name, orders in options.items():
        if not orders:
            raise ToolkitError(f"onnx2tf gave output {name!r} another shape: {_named(found, name).shape}")
    if any(len(orders) > 1 for orders in options.values()):
        sample = {spec.name: _sample(spec) for spec in request.source.signature.inputs}
        want, got = _by_onnx(request.source.path, sample), _by_tflite(request.target, sample, inputs)
        options = {n: [o for o in orders if _near(want[n].transpose(o), got[n])] for n, orders in options.items()}
    made = []
    for spec in own:
        if not options[spec.name]:
            raise ToolkitError(f"onnx2tf's output {spec.name!r} is not the ONNX file's in any order of axes")
        layout = "".join(spec.layout[axis] for axis in options[spec.name][0]) if spec.layout else ""
        made.append(replace(_named(found, spec.name), layout=layout, meaning=spec.meaning))
    return tuple(made)


def _orders(own: TensorSpec, found: TensorSpec) -> Iterator[tuple[int, ...]]:
    """The orders of axes that turn the ONNX file's shape into the other's, the plain one first; named axes only."""
    axes = tuple(range(len(own.shape)))
    for order in permutations(axes) if own.layout else (axes,):
        turned = tuple(own.shape[axis] for axis in order)
        if len(turned) == len(found.shape) and all(a in (b, None) for a, b in zip(turned, found.shape, strict=True)):
            yield order


def _is_image(spec: TensorSpec) -> bool:
    return spec.layout.startswith("NC") and len(spec.layout) >= 3


def _turned(own: TensorSpec, found: TensorSpec) -> TensorSpec:
    """An input as the file has it: images channels last, which is onnx2tf's rule."""
    layout = f"N{own.layout[2:]}C" if _is_image(own) else own.layout
    return replace(found, layout=layout, meaning=own.meaning, limits=own.limits)


def _named(specs: tuple[TensorSpec, ...], name: str) -> TensorSpec:
    return next(spec for spec in specs if spec.name == name)


def _sample(spec: TensorSpec) -> np.ndarray:
    random, shape = np.random.default_rng(0), [size or 1 for size in spec.shape]
    if np.dtype(spec.dtype).kind != "f":
        return np.zeros(shape, spec.dtype)
    low, high = spec.limits or (0.0, 1.0)
    return random.uniform(low, high, shape).astype(spec.dtype)


def _by_onnx(path: Path, sample: Arrays) -> Arrays:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, sample), strict=True))


def _by_tflite(path: Path, sample: Arrays, inputs: tuple[TensorSpec, ...]) -> Arrays:
    from ai_edge_litert.interpreter import Interpreter

    runner: Any = Interpreter(str(path)).get_signature_runner()
    turned = {}
    for spec in inputs:
        value = sample[spec.name]
        channels_last = value.ndim >= 3 and spec.layout.endswith("C") and spec.layout.startswith("N")
        turned[spec.name] = np.moveaxis(value, 1, -1) if channels_last else value
    return dict(runner(**turned))


def _near(want: np.ndarray, got: np.ndarray) -> bool:
    if want.shape != got.shape:
        return False
    spread = float(np.ptp(want)) if want.size else 0.0
    return float(np.abs(want.astype(np.float64) - got).max(initial=0.0)) <= _CLOSE * (spread or 1.0)


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
