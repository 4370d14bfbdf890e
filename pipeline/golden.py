"""The golden pack: the inputs that every runtime in every language is judged on, and the framework's own answers.

One .safetensors file, readable without Python; its layout is written down in docs/golden_pack.md.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.contract import Arrays, Artifact, Signature, TensorSpec, signature_from_json
from converters.errors import ContractError, DataError, ModelError
from converters.samples import unpacked
from pipeline.checks.exercise import Exercise
from pipeline.checks.made_up import MadeUp
from pipeline.golden_inputs import AT_LIMITS, FEWEST, LEAST, Chosen
from pipeline.store import write_atomic

__all__ = ["FILE_NAME", "PACK_BYTES", "SCHEMAS", "Chosen", "GoldenPack", "read", "sample_count", "serialize", "write"]

SCHEMAS = ("1", "2")
"""2 may store pixels of float inputs as bytes; a pack that does not is still schema 1."""
PACK_BYTES = 2 << 20
"""Of a pack, where its model says nothing else."""
_BESIDE = 16 << 10
"""Of a pack, for what is no sample."""
FILE_NAME = "golden.safetensors"
_INPUT, _OUTPUT = "input/", "output/"
_CODES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int16": "I16",
    "int8": "I8", "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "bool": "BOOL",
}  # fmt: skip
"""numpy name -> the safetensors format's own."""


@dataclass(frozen=True)
class GoldenPack:
    """Inputs (n, *shape), the reference's outputs (n, *shape), and where each sample comes from.

    `label` and `index` are (n,) int64: the class, or -1 where nobody knows it; and the sample's place in its data set,
    or -1 where it was made up at the limits of the legal range.
    `signature` is the source model's; its layouts and dtypes are those of the arrays. `exercise` is what the inputs
    show of the reference, where it was looked into. `made_up`: nobody gave the inputs; what roundings do there.
    """

    inputs: Arrays
    outputs: Arrays
    label: np.ndarray
    index: np.ndarray
    signature: Signature
    model: str
    framework: str
    exercise: Exercise | None = None
    made_up: MadeUp | None = None

    def __post_init__(self) -> None:
        _fitting("input", self.inputs, self.signature.inputs, len(self.label))
        _fitting("output", self.outputs, self.signature.outputs, len(self.label))
        if self.index.shape != self.label.shape or self.label.ndim != 1:
            raise DataError(f"golden pack: label {self.label.shape} and index {self.index.shape} must be (samples,)")

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(self.label)

    @property
    def at_limits(self) -> np.ndarray:
        """(n,) bool: true for samples made up at the limits of the legal range."""
        return self.index == AT_LIMITS


def sample_count(inputs: Arrays, outputs: Arrays, most: int, budget: int = PACK_BYTES) -> int:
    """How many samples such as these, (n, *shape) each, a pack of `budget` bytes holds: `most` at most.

    Never less than `LEAST`, and `FEWEST` where one sample alone is larger than the budget.
    """
    beside = sum(values[:1].nbytes for values in outputs.values()) + 2 * np.dtype(np.int64).itemsize
    plain, packed = (beside + sum(size(values) for values in inputs.values()) for size in (_plain_bytes, _packed_bytes))
    one = plain if plain * most <= budget - _BESIDE else packed
    return min(most, FEWEST if one > budget else max(LEAST, (budget - _BESIDE) // max(one, 1)))


def write(
    path: Path,
    chosen: Chosen,
    outputs: Arrays,
    source: Artifact,
    exercise: Exercise | None = None,
    budget: int = PACK_BYTES,
    made_up: MadeUp | None = None,
) -> GoldenPack:
    """Writes the pack of a source model whole or not at all, and returns it; the same pack gives the same bytes.

    Pixels of float inputs are stored as bytes, without loss, where the pack is larger than `budget` otherwise.

    Raises:
        DataError: NaN or Inf, no samples, or arrays that do not fit the model's signature.
        DiskFullError: no space is left.
        WorkspaceError: the folder cannot be written.
    """
    who = source.signature, source.model, source.framework
    pack = GoldenPack(chosen.inputs, outputs, chosen.label, chosen.index, *who, exercise, made_up)
    arrays: Arrays = {f"{_INPUT}{name}": values for name, values in pack.inputs.items()}
    arrays |= {f"{_OUTPUT}{name}": values for name, values in pack.outputs.items()}
    arrays |= {"label": pack.label.astype(np.int64), "index": pack.index.astype(np.int64)}
    schema = SCHEMAS[0]
    if sum(values.nbytes for values in arrays.values()) > budget - _BESIDE:
        bytes_ = {name: v.astype(np.uint8) for name, v in arrays.items() if name.startswith(_INPUT) and _pixels(v)}
        arrays |= bytes_
        schema = SCHEMAS[1] if bytes_ else schema
    metadata = {
        "schema_version": schema,
        "kind": "golden-pack",
        "model": pack.model,
        "framework": pack.framework,
        "signature": json.dumps(dataclasses.asdict(pack.signature), sort_keys=True),
        **({"exercise": exercise.to_json()} if exercise else {}),
        **({"made_up": made_up.to_json()} if made_up else {}),
    }
    write_atomic(path, serialize(arrays, metadata))
    return pack


def read(path: Path) -> GoldenPack:
    """The pack in a file, checked.

    Raises:
        ModelError: no such file, damaged, another kind of file, or a schema that this version does not read.
        DataError: no samples, NaN or Inf, or arrays that do not fit the signature.
    """
    import safetensors
    import safetensors.numpy

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except FileNotFoundError:
        raise ModelError(f"there is no golden pack at {path}; a run writes one") from None
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as a golden pack: {error}; make it again") from error
    if metadata.get("kind") != "golden-pack":
        raise ModelError(f"{path} is a safetensors file, but no golden pack (its metadata says {sorted(metadata)})")
    if metadata.get("schema_version") not in SCHEMAS:
        found = metadata.get("schema_version")
        raise ModelError(f"{path}: golden pack of schema {found}; this version reads schema {' and '.join(SCHEMAS)}")
    try:
        signature = signature_from_json(json.loads(metadata["signature"]))
        label, index = arrays.pop("label"), arrays.pop("index")
        model, framework = metadata["model"], metadata["framework"]
        made_up = MadeUp.from_json(metadata["made_up"]) if "made_up" in metadata else None
    except (KeyError, TypeError, ValueError, ContractError) as error:
        raise ModelError(f"{path}: golden pack without a usable {error}") from error
    stray = [name for name in arrays if not name.startswith((_INPUT, _OUTPUT))]
    if stray:
        raise ModelError(f"{path}: golden pack with unknown arrays {', '.join(stray)}")
    inputs, outputs = (
        {name.removeprefix(side): values for name, values in arrays.items() if name.startswith(side)}
        for side in (_INPUT, _OUTPUT)
    )
    exercise = Exercise.from_json(metadata["exercise"]) if "exercise" in metadata else None
    taken = {spec.name: spec.dtype for spec in signature.inputs}
    inputs = {name: unpacked(values, taken.get(name, values.dtype)) for name, values in inputs.items()}
    return GoldenPack(inputs, outputs, label, index, signature, model, framework, exercise, made_up)


def _pixels(values: np.ndarray) -> bool:
    """Whether floats are whole numbers within 0..255."""
    if values.dtype.kind != "f" or not np.isfinite(values).all():
        return False
    return bool(((values >= 0) & (values <= 255) & (values == np.rint(values))).all())


def _plain_bytes(values: np.ndarray) -> int:
    return values[:1].nbytes


def _packed_bytes(values: np.ndarray) -> int:
    return values[:1].size if _pixels(values) else values[:1].nbytes


def _fitting(side: str, arrays: Arrays, specs: tuple[TensorSpec, ...], count: int) -> None:
    """Raises DataError unless the arrays are the specs', one row a sample, and finite."""
    wanted = [spec.name for spec in specs]
    if sorted(arrays) != sorted(wanted) or not wanted:
        raise DataError(f"golden pack: {side}s are {sorted(arrays)}, the signature says {sorted(wanted)}")
    if count == 0:
        raise DataError("golden pack: 0 samples; nothing can be proved on it")
    for spec in specs:
        values = arrays[spec.name]
        one = (None, *spec.shape)
        if values.ndim != len(one) or any(w not in (None, h) for w, h in zip(one, values.shape, strict=True)):
            raise DataError(f"golden pack: {side} `{spec.name}` is {values.shape}, not (samples, *{spec.shape})")
        if len(values) != count:
            raise DataError(f"golden pack: {side} `{spec.name}` holds {len(values)} samples, labels {count}")
        if values.dtype.newbyteorder("=") != np.dtype(spec.dtype):
            raise DataError(f"golden pack: {side} `{spec.name}` is {values.dtype}, the signature says {spec.dtype}")
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise DataError(f"golden pack: {side} `{spec.name}` holds NaN or Inf")


def serialize(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """The safetensors format, with names in order and the data aligned to 8 bytes, so that bytes are reproducible.

    Source: https://github.com/huggingface/safetensors, section "Format". The package's own writer keeps metadata in
    a hash map and so in no fixed order.
    """
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    blobs, offset = [], 0
    for name in sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name)):
        values = np.ascontiguousarray(arrays[name])
        if values.dtype.name not in _CODES:
            raise DataError(f"golden pack: `{name}` is {values.dtype}; there are {', '.join(_CODES)}")
        blob = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
        header[name] = {
            "dtype": _CODES[values.dtype.name],
            "shape": list(values.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join((struct.pack("<Q", len(text)), text, *blobs))
