"""Faults in scales and zero points, to plant into 8-bit .tflite files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from benchmarks.mutation.flat import HEAVY, SMALL, File
from benchmarks.mutation.layer import Planter, pick, shuffled

GRIDS = (*HEAVY, "ADD", "SUB", "MUL", "QUANTIZE", "MEAN", "CONCATENATION", "LEAKY_RELU", "HARD_SWISH", "PRELU")
"""Operators whose output has a scale of its own."""


def _parameters(old: Any) -> Any:
    made = schema.QuantizationParametersT()
    vars(made).update(vars(old))
    made.scale = np.array(old.scale, np.float32)
    made.zeroPoint = np.array(old.zeroPoint, np.int64)
    return made


def _single(file: File, index: int) -> bool:
    found = file.tensor(index).quantization if index >= 0 else None
    return found is not None and found.scale is not None and len(found.scale) == 1 and file.dtype(index) in SMALL


def _outputs(change: Callable[[Any], None], ends: bool = False) -> Planter:
    """A fault in the quantization of what a random operator gives out; with `ends` of what the file takes or gives."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        if ends:
            given = [int(i) for i in file.graph.outputs]
            rows = [
                (p, o)
                for p, o in enumerate(file.ops)
                if len(o.outputs) and int(o.outputs[0]) in given and _single(file, int(o.outputs[0]))
            ]
        else:
            rows = [(p, o) for p, o in file.of(*GRIDS) if len(o.outputs) and _single(file, int(o.outputs[0]))]
        place, op = pick(rows, rng)
        if op is not None:
            tensor = file.tensor(int(op.outputs[0]))
            tensor.quantization = _parameters(tensor.quantization)
            change(tensor.quantization)
        return place

    return plant


def _taken(change: Callable[[Any], None]) -> Planter:
    """A fault in the quantization of the file's own input."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        for index in map(int, file.graph.inputs):
            if _single(file, index):
                tensor = file.tensor(index)
                tensor.quantization = _parameters(tensor.quantization)
                change(tensor.quantization)
                return -1
        return None

    return plant


def _step(by: int) -> Callable[[Any], None]:
    def change(found: Any) -> None:
        found.zeroPoint = found.zeroPoint + (by if found.zeroPoint[0] + by in range(-128, 128) else -by)

    return change


def _scale(by: float) -> Callable[[Any], None]:
    def change(found: Any) -> None:
        found.scale = (found.scale * np.float32(by)).astype(np.float32)

    return change


def _channels(change: Callable[[np.ndarray, np.random.Generator], np.ndarray], slot: int = 1) -> Planter:
    """A fault in the scales of a layer's weights, or of its bias."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        for place, op in shuffled(file.heavy(), rng):
            index = int(op.inputs[slot]) if len(op.inputs) > slot else -1
            found = file.tensor(index).quantization if index >= 0 else None
            if found is None or found.scale is None or not len(found.scale):
                continue
            old = np.array(found.scale, np.float32)
            new = change(old, rng).astype(np.float32)
            if not np.allclose(new, old, rtol=1e-5, atol=0):
                made = _parameters(found)
                made.scale = new
                fresh = file.add_tensor(index, "rescaled")
                file.tensor(fresh).buffer, file.tensor(fresh).quantization = file.tensor(index).buffer, made
                op.inputs = [fresh if k == slot else int(i) for k, i in enumerate(op.inputs)]
                return int(place)
        return None

    return plant


def _zero_of_weights(file: File, rng: np.random.Generator) -> int | None:
    for place, op in shuffled(file.heavy(), rng):
        found = file.tensor(int(op.inputs[1])).quantization
        if found is not None and found.zeroPoint is not None and len(found.zeroPoint):
            made = _parameters(found)
            made.zeroPoint = made.zeroPoint + 1
            file.tensor(int(op.inputs[1])).quantization = made
            return int(place)
    return None


def _exchanged(file: File, rng: np.random.Generator) -> int | None:
    """An operator's output has the range of its input, and the input that of the output."""
    for place, op in shuffled(list(file.of("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD")), rng):
        first, second = (file.tensor(int(i)) for i in (op.inputs[0], op.outputs[0]))
        if not (_single(file, int(op.inputs[0])) and _single(file, int(op.outputs[0]))):
            continue
        if float(first.quantization.scale[0]) != float(second.quantization.scale[0]):
            second.quantization = _parameters(first.quantization)
            return int(place)
    return None


def _one(scales: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    changed = scales.copy()
    changed[int(rng.integers(len(scales)))] *= factor
    return changed


def _swapped(scales: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    order: Sequence[int] = [1, 0, *range(2, len(scales))] if len(scales) > 1 else [0]
    return scales[order]


QUANTIZATION: dict[str, Planter] = {
    "zero point off by one": _outputs(_step(1)),
    "zero point off by minus one": _outputs(_step(-1)),
    "zero point off by ten": _outputs(_step(10)),
    "scale 1 % larger": _outputs(_scale(1.01)),
    "scale 5 % larger": _outputs(_scale(1.05)),
    "scale 10 % smaller": _outputs(_scale(0.9)),
    "scale halved: clipped": _outputs(_scale(0.5)),
    "scale doubled": _outputs(_scale(2.0)),
    "another layer's range": _exchanged,
    "output's zero point off by one": _outputs(_step(1), ends=True),
    "output's scale 1 % larger": _outputs(_scale(1.01), ends=True),
    "input's zero point off by one": _taken(_step(1)),
    "input's scale by 256": _taken(_scale(255 / 256)),
    "scales shifted by one channel": _channels(lambda s, r: np.roll(s, 1)),
    "scales reversed": _channels(lambda s, r: s[::-1]),
    "two scales exchanged": _channels(_swapped),
    "one scale doubled": _channels(lambda s, r: _one(s, 2, r)),
    "one scale 1 % larger": _channels(lambda s, r: _one(s, 1.01, r)),
    "scales of the weights 10 % larger": _channels(lambda s, r: s * 1.1),
    "one scale for all channels": _channels(lambda s, r: np.full_like(s, s.max()) if len(s) > 1 else s),
    "bias's scales 10 % larger": _channels(lambda s, r: s * 1.1, 2),
    "zero point of the weights": _zero_of_weights,
}
