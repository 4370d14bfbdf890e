"""A float ONNX file made ready for static int8: equalization, bias correction, and the ranges of its activations."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, create_calibrator
from onnxruntime.quantization.shape_inference import quant_pre_process

from converters.contract import Arrays, Artifact, Format, Precision, Signature
from converters.onnx.clips import limits
from converters.onnx.edit import with_constants
from converters.onnx.graph import read_graph
from converters.onnx.trace import trace
from converters.onnx.tracer import OnnxTracer
from converters.tracer import Values
from converters.tuning.bias import corrected
from converters.tuning.calibration import Calibration, largest_by_channel, require_same
from converters.tuning.equalize import equalized, pairs_of
from converters.tuning.isolate import isolated
from converters.tuning.options import Tuning
from converters.tuning.ranges import choose

_RECORDED, _RANGED = 32, 256
_ENDS = {"Sigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0), "HardSigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0)}
_MOVING = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity")


def folded(path: Path, folder: Path) -> Path:
    """The file as ONNX Runtime simplifies it: constants computed, norms folded into the weights before them."""
    made = folder / "folded.onnx"
    quant_pre_process(path, made, skip_symbolic_shape=True)
    return made


def prepared(path: Path, calibration: Calibration, tuning: Tuning, folder: Path) -> Path:
    """The float file that is quantized, but for the correction of its biases: folded, and equalized where asked."""
    made = folded(path, folder)
    return equalize(made, calibration, folder) if tuning.equalize else made


def equalize(path: Path, calibration: Calibration, folder: Path) -> Path:
    """The file with its channels brought to like size; the same path where there is nothing to do.

    Raises:
        ContractError: the equalized file computes something else.
    """
    graph = read_graph(path)
    samples = calibration.some(graph, _RECORDED)
    values = _traced(path, samples)
    pairs = pairs_of(graph, largest_by_channel(graph, values))
    if not pairs:
        return path
    made = folder / "equalized.onnx"
    onnx.save(with_constants(path, equalized(graph, pairs)), made)
    require_same({index: values[index] for index in graph.outputs}, trace(made, samples, graph.outputs))
    return made


def correct(path: Path, calibration: Calibration, folder: Path, quantize: Callable[[Path, Path], None]) -> Path:
    """The file with biases that take back the mean errors which `quantize(float file, int8 file)` leaves."""
    graph = read_graph(path)
    measured, made = folder / "measured.onnx", folder / "corrected.onnx"
    quantize(path, measured)
    tracer = OnnxTracer(Artifact(measured, Format.ONNX, Precision.INT8, Signature((), ()), Signature((), ())))
    edits = corrected(graph, isolated(graph, _traced(path, calibration.some(graph, _RECORDED)), tracer))
    if not edits:
        return path
    onnx.save(with_constants(path, edits), made)
    return made


def statistics(path: Path, calibration: Calibration, ranges: str, headroom: float = 1.0) -> str:
    """The range of every activation, those inside the file by the recipe's rule, as ONNX Runtime's quantizer reads it.

    An input keeps the limits of its data. All else is `headroom` times as wide, but what a Clip gives out no wider than
    its own limits: ONNX Runtime puts the range in its place. A probability that the file gives out has 0 to 1, as in
    LiteRT: one that no calibration sample finds anything for would never be told above what those came to.
    """
    found = dict(_extremes(path.read_bytes(), calibration))
    if ranges != "minmax":
        graph = read_graph(path)
        for index, seen in _traced(path, calibration.some(graph, _RANGED)).items():
            name = graph.tensors[index].name
            if name in found and index not in graph.inputs:
                found[name] = choose(seen, ranges)
    model = onnx.load(path, load_external_data=False)
    if headroom > 1:
        bound, free = {entry.name for entry in model.graph.input}, (-np.inf, np.inf)
        clips = limits(model.graph)
        wider = {n: np.clip(np.multiply(ends, headroom), *clips.get(n, free)) for n, ends in found.items()}
        found |= {n: (float(ends[0]), float(ends[1])) for n, ends in wider.items() if n not in bound}
    found |= {name: ends for name, ends in _known_ends(model.graph).items() if name in found}
    rows = {
        name: {"CLS": "TensorData", "lowest": _number(low), "highest": _number(high)}
        for name, (low, high) in found.items()
        if np.isfinite([low, high]).all()  # what a mask puts in stays in float
    }
    method = {"CLS": "CalibrationMethod", "value": "CalibrationMethod.MinMax"}
    return json.dumps({"CLS": "TensorsData", "data": rows, "calibration_method": method, "smooth_quant": False})


def _known_ends(graph: onnx.GraphProto) -> dict[str, tuple[float, float]]:
    """The ends of the outputs that an operator bounds, and of what is only moved between it and them, by name."""
    made = {name: node for node in graph.node for name in node.output}
    found: dict[str, tuple[float, float]] = {}
    for output in graph.output:
        names = [output.name]
        while names[-1] in made and made[names[-1]].op_type in _MOVING:
            names.append(made[names[-1]].input[0])
        if names[-1] in made and made[names[-1]].op_type in _ENDS:
            found |= dict.fromkeys(names, _ENDS[made[names[-1]].op_type])
    return found


def _number(value: float) -> dict[str, object]:
    return {"CLS": "numpy.array", "data": float(value), "dtype": "float32"}


@lru_cache(maxsize=4)
def _extremes(content: bytes, calibration: Calibration) -> dict[str, tuple[float, float]]:
    """Least and greatest values over all samples; kept, because the candidates of a repair ask for the same."""
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "source.onnx"
        source.write_bytes(content)
        types = sorted({node.op_type for node in onnx.load(source).graph.node})
        calibrator = create_calibrator(
            source, types, str(Path(name) / "augmented.onnx"), calibrate_method=CalibrationMethod.MinMax
        )
        calibrator.collect_data(_Reader(calibration))
        found = calibrator.compute_data()
    ends = {name: entry.range_value for name, entry in found.items()}
    return {name: (float(np.min(low)), float(np.max(high))) for name, (low, high) in ends.items()}


def _traced(path: Path, samples: list[Arrays]) -> Values:
    """The values of every float32 tensor that is computed, (n, *shape) by number."""
    graph = read_graph(path)
    made = {index for op in graph.ops for index in op.outputs} | set(graph.inputs)
    wanted = [i for i, tensor in graph.tensors.items() if i in made and tensor.dtype == "float32"]
    return trace(path, samples, wanted)


class _Reader(CalibrationDataReader):
    """The calibration samples, one call at a time."""

    def __init__(self, calibration: Calibration) -> None:
        self._calls = iter(calibration.samples())

    def get_next(self) -> Arrays | None:
        """The next call's inputs; None after the last."""
        return next(self._calls, None)
