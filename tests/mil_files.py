"""Core ML packages made by hand, without coremltools: a program of a few operators with its weights in weight.bin."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from converters.coreml import blob, wire
from converters.coreml.program import TYPES

_CODES = {name: code for code, name in TYPES.items()}
_KINDS = {name: code for code, name in blob.TYPES.items()}
WEIGHT = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
BIAS = np.array([0.5, -0.25, 0.125, 1.0], np.float32)


@dataclass(frozen=True)
class MilOp:
    """An operator: inputs by name of a value, or a constant; outputs as (name, dtype, shape)."""

    type: str
    inputs: Mapping[str, Any]
    outputs: Sequence[tuple[str, str, Sequence[int]]]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    blocks: Sequence[dict[str, Any]] = ()


def type_message(dtype: str, shape: Sequence[int | None]) -> dict[str, Any]:
    """A ValueType; None is an axis of unknown size."""
    axes = [{"unknown": b""} if size is None else {"constant": {"size": size}} for size in shape]
    return {"tensor": {"dataType": _CODES[dtype], "rank": len(shape), "dimensions": axes}}


class MilFile:
    """Collects weights and writes the folder."""

    def __init__(self) -> None:
        self.blob = bytearray(struct.pack("<II", 0, 2).ljust(64, b"\0"))

    def value(self, value: Any, dtype: str = "") -> dict[str, Any]:
        """A constant: floats of more than 8 values go to weight.bin."""
        if isinstance(value, str):
            return {"type": type_message("string", ()), "immediate": {"tensor": {"strings": {"values": [value]}}}}
        array = np.asarray(value)
        if not isinstance(value, np.ndarray):
            array = array.astype({"f": np.float32, "i": np.int32, "b": np.bool_}[array.dtype.kind])
        kind = dtype or str(array.dtype)
        message = {"type": type_message(kind, array.shape)}
        if array.size > 8 or kind in ("int8", "uint8", "uint4", "uint6"):
            return {**message, "blob": {"fileName": "@model_path/weights/weight.bin", "offset": self._put(array, kind)}}
        if array.dtype.kind == "f":
            return {**message, "immediate": {"tensor": {"floats": {"values": array.reshape(-1)}}}}
        holder = "bools" if array.dtype.kind == "b" else "ints"
        return {**message, "immediate": {"tensor": {holder: {"values": [int(v) for v in array.reshape(-1)]}}}}

    def _put(self, array: np.ndarray, kind: str) -> int:
        offset, data = len(self.blob), blob.pack(array, kind)
        start = offset + 64
        spare = 8 * len(data) - array.size * blob.bits_of(kind)
        self.blob += struct.pack("<IIQQQ", 0xDEADBEEF, _KINDS[kind], len(data), start, spare).ljust(64, b"\0")
        self.blob += data + b"\0" * (-len(data) % 64)
        return offset

    def operations(self, ops: Sequence[MilOp]) -> list[dict[str, Any]]:
        """The operators, each behind the constants that it reads."""
        made: list[dict[str, Any]] = []
        for op in ops:
            inputs = {}
            for name, given in op.inputs.items():
                items = given if isinstance(given, list) else [given]
                names = []
                for place, item in enumerate(items):
                    if isinstance(item, str) and not item.startswith("'"):
                        names.append(item)
                        continue
                    value = self.value(item.strip("'") if isinstance(item, str) else item)
                    label = f"{op.outputs[0][0]}_{name}_{place}"
                    outputs = [{"name": label, "type": value["type"]}]
                    made.append({"type": "const", "outputs": outputs, "attributes": {"val": value}})
                    names.append(label)
                inputs[name] = {"arguments": [{"name": label} for label in names]}
            outputs = [{"name": name, "type": type_message(dtype, shape)} for name, dtype, shape in op.outputs]
            attributes = {
                name: self.value(*(item if isinstance(item, tuple) else (item,)))
                for name, item in op.attributes.items()
            }
            made.append(
                {
                    "type": op.type,
                    "inputs": inputs,
                    "outputs": outputs,
                    "attributes": attributes,
                    "blocks": list(op.blocks),
                }
            )
        return made

    def write(
        self,
        path: Path,
        inputs: Sequence[tuple[str, str, Sequence[int | None]]],
        operations: list[dict[str, Any]],
        outputs: Sequence[str],
        opset: str = "CoreML7",
    ) -> Path:
        """The package at `path`."""
        given = [{"name": name, "type": type_message(dtype, shape)} for name, dtype, shape in inputs]
        block = {"outputs": list(outputs), "operations": operations}
        model = {
            "specificationVersion": 8,
            "description": {
                "input": [{"name": name} for name, _, _ in inputs],
                "output": [{"name": name} for name in outputs],
            },
            "mlProgram": {
                "version": 1,
                "functions": {"main": {"inputs": given, "opset": opset, "blocks": {opset: block}}},
            },
        }
        data = path / "Data" / "com.apple.CoreML"
        (data / "weights").mkdir(parents=True, exist_ok=True)
        (data / "model.mlmodel").write_bytes(wire.encode(model, "Model"))
        (data / "weights" / "weight.bin").write_bytes(self.blob)
        entries = {
            "1": {"path": "com.apple.CoreML/model.mlmodel", "name": "model.mlmodel", "author": "tests"},
            "2": {"path": "com.apple.CoreML/weights", "name": "weights", "author": "tests"},
        }
        manifest = {"fileFormatVersion": "1.0.0", "itemInfoEntries": entries, "rootModelIdentifier": "1"}
        (path / "Manifest.json").write_text(json.dumps(manifest))
        return path


def write(
    path: Path,
    ops: Sequence[MilOp],
    outputs: Sequence[str] = ("y",),
    inputs: Sequence[tuple[str, str, Sequence[int | None]]] = (("x", "float32", (2, 3)),),
) -> Path:
    """A package of these operators."""
    file = MilFile()
    return file.write(path, inputs, file.operations(ops), outputs)


def saved(
    path: Path, *, weight: np.ndarray = WEIGHT, kind: str = "float32", alpha: float = 0.25, act: str = "leaky_relu"
) -> Path:
    """y = leaky_relu(x @ weight^T + bias) * 2: x (2, 3), y (2, 4)."""
    shape = (2, 4)
    parameters = {"alpha": alpha} if act == "leaky_relu" else {}
    return write(
        path,
        [
            MilOp("linear", {"x": "x", "weight": weight, "bias": BIAS}, [("inner", kind, shape)]),
            MilOp(act, {"x": "inner", **parameters}, [("act", kind, shape)]),
            MilOp("mul", {"x": "act", "y": 2.0}, [("y", "float32", shape)]),
        ],
    )


def expected(x: np.ndarray, weight: np.ndarray = WEIGHT) -> np.ndarray:
    """What `saved` computes."""
    made = x @ weight.T + BIAS
    return np.where(made >= 0, made, 0.25 * made) * 2
