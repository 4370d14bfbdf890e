"""A float .tflite file made ready for static int8: equalization, bias correction, and the ranges of its activations."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from converters.contract import Arrays, Artifact, Format, Precision
from converters.errors import UnsupportedError
from converters.litert.edit import with_constants, with_flat_biases
from converters.litert.graph import read_graph
from converters.litert.limits import limits, within
from converters.litert.signature import read_signature, signature_key
from converters.litert.trace import extremes, trace
from converters.litert.tracer import LiteRTTracer
from converters.tracer import Values
from converters.tuning.bias import corrected
from converters.tuning.calibration import Calibration, largest_by_channel, require_same
from converters.tuning.equalize import equalized, pairs_of
from converters.tuning.isolate import isolated
from converters.tuning.options import Tuning
from converters.tuning.ranges import choose

Statistics = dict[str, dict[str, np.ndarray]]
"""ai-edge-quantizer's `min` and `max` of tensors by their names."""
_RECORDED, RANGED = 32, 256
_ENDS = "min", "max"
_LARGEST = 3e38
"""Beyond it ai-edge-quantizer takes a value for a mask, and leaves it out."""
_ROUNDED, _OTHERWISE = 1e-3, 0.05
"""Of the range, by how much kernels differ; of tensors, how many may differ by more: differences near zero, as of an
unrolled GRU's gates, and whether two floats are equal are rounding alone."""


def flattened(path: Path, folder: Path) -> Path:
    """The float file with biases that have one axis, as a scale a channel wants them; perhaps the same path."""
    flat = with_flat_biases(path)
    if flat is None:
        return path
    made = folder / "flat.tflite"
    made.write_bytes(flat)
    return made


def prepared(path: Path, calibration: Calibration, tuning: Tuning, folder: Path) -> Path:
    """The float file that is quantized, but for the correction of its biases; perhaps the same path."""
    return equalize(path, calibration, folder) if tuning.equalize else path


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
    made = folder / "equalized.tflite"
    made.write_bytes(with_constants(path, equalized(graph, pairs)))
    require_same({index: values[index] for index in graph.outputs}, trace(made, samples, graph.outputs))
    return made


def correct(path: Path, calibration: Calibration, folder: Path, quantize: Callable[[Path, Path], None]) -> Path:
    """The file with biases that take back the mean errors which `quantize(float file, int8 file)` leaves."""
    graph = read_graph(path)
    measured, made = folder / "measured.tflite", folder / "corrected.tflite"
    quantize(path, measured)
    signature = read_signature(measured)
    tracer = LiteRTTracer(Artifact(measured, Format.TFLITE, Precision.INT8, signature, signature))
    edits = corrected(graph, isolated(graph, _traced(path, calibration.some(graph, _RECORDED)), tracer))
    if not edits:
        return path
    made.write_bytes(with_constants(path, edits))
    return made


def statistics(path: Path, calibration: Calibration, ranges: str) -> Statistics:
    """The range of every tensor that is computed, those of activations by the recipe's rule.

    An input keeps the limits of its data: raw pixels 0..255 so get the exact scale 1.
    """
    content = path.read_bytes()
    found = {name: dict(entry) for name, entry in _extremes(content, signature_key(path), calibration).items()}
    graph = read_graph(path)
    cut = limits(graph)
    for name in cut.keys() & found.keys():
        found[name] = {end: np.clip(value, *cut[name]) for end, value in found[name].items()}
    if ranges == "minmax":
        return found
    for index, seen in _traced(path, calibration.some(graph, RANGED)).items():
        entry = found.get(graph.tensors[index].name)
        if entry and index not in graph.inputs:
            low, high = within(cut, graph.tensors[index].name, choose(seen, ranges))
            shape = np.shape(entry["min"])
            entry |= {"min": np.full(shape, low, np.float32), "max": np.full(shape, high, np.float32)}
    return found


@lru_cache(maxsize=4)
def _extremes(content: bytes, key: str | None, calibration: Calibration) -> Statistics:
    """Least and greatest values over all samples; kept, because the candidates of a repair ask for the same."""
    samples = list(calibration.samples())
    return _by_ourselves(content, key, samples) or _by_the_quantizer(content, key, samples)


def _by_ourselves(content: bytes, key: str | None, samples: list[Arrays]) -> Statistics | None:
    """The same, ten times as fast; None where the quantizer sees the first sample otherwise.

    It leaves out what is infinite, and looks into graphs that operators call.
    """
    found = _by_the_quantizer(content, key, samples[:1])
    try:
        seen = extremes(content, samples, found)
    except (UnsupportedError, ValueError):
        return None
    otherwise = 0
    for name, entry in found.items():
        ends = seen.get(name)
        if ends is None or not (np.abs(ends) < _LARGEST).all():
            return None
        theirs = np.concatenate([np.ravel(entry[end]).astype(np.float64) for end in _ENDS])
        if theirs.size != 2:
            return None
        if np.abs(theirs - ends[0]).max() > _ROUNDED * max(np.abs(theirs).max(), 1e-30):
            otherwise, ends = otherwise + 1, np.vstack([ends, theirs])
        for end, value in zip(_ENDS, (ends[:, 0].min(), ends[:, 1].max()), strict=True):
            entry[end] = np.full_like(entry[end], value)
    return found if otherwise <= _OTHERWISE * len(found) else None


def _by_the_quantizer(content: bytes, key: str | None, samples: list[Arrays]) -> Statistics:
    from ai_edge_quantizer import recipe
    from ai_edge_quantizer.calibrator import Calibrator
    from ai_edge_quantizer.recipe_manager import RecipeManager
    from ai_edge_quantizer.utils.qsv_utils import min_max_update

    everything = RecipeManager()
    everything.load_quantization_recipe(recipe.static_wi8_ai8())
    calibrator = Calibrator(content, num_threads=1, qsv_update_func=min_max_update)
    calibrator.calibrate({key: samples}, everything)
    found: Statistics = calibrator.get_model_qsvs()
    return found


def _traced(path: Path, samples: list[Arrays]) -> Values:
    """The values of every float32 tensor that is computed, (n, *shape) by index."""
    graph = read_graph(path)
    made = {index for op in graph.ops for index in op.outputs} | set(graph.inputs)
    wanted = [index for index, tensor in graph.tensors.items() if index in made and tensor.dtype == "float32"]
    return trace(path, samples, wanted)
