"""Faults in constants and in quantization, to plant into .tflite files; see `gates.planted`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from gates.flat_edit import HEAVY, File, Planter, pick


def _kernels(change: Callable[[np.ndarray, np.random.Generator], np.ndarray | None], only: str = "") -> Planter:
    """A fault in the kernel of a random layer that it changes."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        rows = file.heavy()
        for number in rng.permutation(len(rows)):
            place, op = rows[number]
            index = int(op.inputs[1])
            kernel = file.constant(index)
            if kernel is None or (only and kernel.dtype.kind != only):
                continue
            changed = change(kernel, rng)
            if changed is not None and changed.tobytes() != kernel.tobytes():
                file.own(op, 1, changed.astype(kernel.dtype))
                return place
        return None

    return plant


def _biases(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Planter:
    def plant(file: File, rng: np.random.Generator) -> int | None:
        rows = file.heavy()
        for number in rng.permutation(len(rows)):
            place, op = rows[number]
            bias = file.constant(int(op.inputs[2])) if len(op.inputs) > 2 else None
            if bias is not None and bias.any() and bias.size > 3:
                changed = change(bias, rng).astype(bias.dtype)
                if changed.tobytes() != bias.tobytes():
                    file.own(op, 2, changed)
                    return place
        return None

    return plant


def _exchange_hw(kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    square = kernel.ndim == 4 and kernel.shape[1] == kernel.shape[2] > 1
    return kernel.transpose(0, 2, 1, 3) if square else None


def _one(kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    changed = kernel.copy()
    place = int(rng.integers(kernel.size))
    value = changed.reshape(-1)[place]
    changed.reshape(-1)[place] = (
        (value + 9 if value < 100 else value - 9) if kernel.dtype.kind == "i" else value + np.abs(kernel).max() * 0.2
    )
    return changed


def _bfloat(kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (np.ascontiguousarray(kernel).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def _grid(kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    step = np.abs(kernel).max() / 127
    return np.rint(kernel / step) * step


def _nan(kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    changed = kernel.copy()
    changed.reshape(-1)[int(rng.integers(kernel.size))] = np.nan
    return changed


def _zero_channel(kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    changed = kernel.copy()
    changed[..., int(rng.integers(kernel.shape[-1]))] = 0
    return changed


def _permuted(kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    return kernel[..., rng.permutation(kernel.shape[-1])] if kernel.shape[-1] > 3 else None


def _in_memory(kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.ascontiguousarray(kernel.transpose()).reshape(kernel.shape)


def _quantized(change: Callable[[Any], None]) -> Planter:
    """A fault in the quantization of what a random operator gives out."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        rows = []
        for place, op in enumerate(file.ops):
            found = file.tensor(int(op.outputs[0])).quantization if len(op.outputs) else None
            small = file.dtype(int(op.outputs[0])) in ("int8", "uint8") if len(op.outputs) else False
            single = found is not None and found.scale is not None and len(found.scale) == 1
            if small and single and file.type(op) in (*HEAVY, "ADD", "MUL", "QUANTIZE", "MEAN"):
                rows.append((place, op))
        place, op = pick(rows, rng)
        if op is not None:
            old = file.tensor(int(op.outputs[0])).quantization
            made = schema.QuantizationParametersT()
            vars(made).update(vars(old))
            made.scale, made.zeroPoint = np.array(old.scale, np.float32), np.array(old.zeroPoint, np.int64)
            change(made)
            file.tensor(int(op.outputs[0])).quantization = made
        return place

    return plant


def _step(by: int) -> Callable[[Any], None]:
    def change(found: Any) -> None:
        found.zeroPoint = found.zeroPoint + (by if found.zeroPoint[0] + by in range(-128, 128) else -by)

    return change


def _scale(by: float) -> Callable[[Any], None]:
    def change(found: Any) -> None:
        found.scale = (found.scale * np.float32(by)).astype(np.float32)

    return change


def _channel_scales(change: Callable[[np.ndarray], np.ndarray]) -> Planter:
    def plant(file: File, rng: np.random.Generator) -> int | None:
        rows = [(p, o) for p, o in file.heavy() if file.constant(int(o.inputs[1])).dtype == np.int8]
        place, op = pick(rows, rng)
        if op is not None:
            old = file.tensor(int(op.inputs[1])).quantization
            made = schema.QuantizationParametersT()
            vars(made).update(vars(old))
            made.scale = change(np.array(old.scale, np.float32)).astype(np.float32)
            if np.allclose(made.scale, old.scale, rtol=1e-5):
                return None
            file.tensor(int(op.inputs[1])).quantization = made
        return place

    return plant


def _scalars(change: Callable[[np.ndarray], np.ndarray], kinds: tuple[str, ...]) -> Planter:
    """A fault in a small float constant: preprocessing, a slope, a limit."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        rows = []
        for place, op in file.of(*kinds):
            for index in map(int, op.inputs):
                values = file.constant(index)
                if values is not None and values.dtype == np.float32 and values.size < 64 and values.any():
                    rows.append((place, (index, values)))
        place, found = pick(rows, rng)
        if found is not None:
            file.set(found[0], np.asarray(change(found[1]), np.float32))
        return place

    return plant


def _integers(kinds: tuple[str, ...], change: Callable[[np.ndarray], np.ndarray]) -> Planter:
    """A fault in an integer constant: axes, permutations, paddings."""

    def plant(file: File, rng: np.random.Generator) -> int | None:
        rows = list(file.of(*kinds))
        for number in rng.permutation(len(rows)):
            place, op = rows[number]
            values = file.constant(int(op.inputs[1])) if len(op.inputs) > 1 else None
            if values is not None and values.dtype == np.int32:
                changed = change(values)
                if changed.tobytes() != values.tobytes():
                    file.set(int(op.inputs[1]), changed.astype(np.int32))
                    return place
        return None

    return plant


CONSTANTS: dict[str, Planter] = {
    "kernel height and width exchanged": _kernels(_exchange_hw),
    "kernel reversed along height": _kernels(lambda k, r: np.flip(k, 1) if k.ndim == 4 and k.shape[1] > 1 else None),
    "output channels shifted": _kernels(lambda k, r: np.roll(k, 1, 0 if k.shape[0] > 1 else -1)),
    "input channels permuted": _kernels(_permuted),
    "kernel transposed in memory": _kernels(_in_memory),
    "kernel rounded to float16": _kernels(lambda k, r: k.astype(np.float16), "f"),
    "kernel rounded to bfloat16": _kernels(_bfloat, "f"),
    "kernel rounded to 8 bits": _kernels(_grid, "f"),
    "one weight perturbed": _kernels(_one),
    "kernel scaled by 1.01": _kernels(lambda k, r: k * np.float32(1.01), "f"),
    "kernel's sign exchanged": _kernels(lambda k, r: np.clip(-k.astype(np.float32), -127, 127)),
    "one channel zero": _kernels(_zero_channel),
    "one weight NaN": _kernels(_nan, "f"),
    "weights one step off": _kernels(lambda k, r: np.clip(k.astype(int) + 1, -127, 127), "i"),
    "weights clipped": _kernels(lambda k, r: np.clip(k, -100, 100), "i"),
    "bias shifted by one channel": _biases(lambda b, r: np.roll(b, 1)),
    "bias lost": _biases(lambda b, r: np.zeros_like(b)),
    "one bias perturbed": _biases(lambda b, r: b + (np.arange(b.size) == 1) * (np.abs(b).max() * 0.1 + 1e-3)),
    "bias halved": _biases(lambda b, r: b / 2),
    "zero point off by one": _quantized(_step(1)),
    "zero point off by ten": _quantized(_step(10)),
    "scale 5 % larger": _quantized(_scale(1.05)),
    "scale halved": _quantized(_scale(0.5)),
    "scales shifted by one channel": _channel_scales(lambda s: np.roll(s, 1)),
    "one scale doubled": _channel_scales(lambda s: s * np.where(np.arange(len(s)) == 0, 2, 1)),
    "preprocessing by 256": _scalars(lambda v: v * np.float32(255 / 256), ("MUL", "DIV")),
    "offset changed": _scalars(lambda v: v * np.float32(1.02), ("ADD", "SUB")),
    "slope changed": _scalars(lambda v: v * np.float32(1.1), ("PRELU",)),
    "axes of a mean": _integers(("MEAN", "SUM"), lambda v: v[:1] if v.size > 1 else v),
    "padding moved": _integers(("PAD",), lambda v: v[:, ::-1]),
    "axes permuted": _integers(("TRANSPOSE",), lambda v: v[[0, 2, 1, 3]] if v.size == 4 else v),
}  # fmt: skip
