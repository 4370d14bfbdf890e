"""What passes between the pipeline and every toolkit: tensors, artifacts, requests and sessions.

Imports numpy only, so that the core can speak of artifacts without any toolkit installed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from converters.device import Device
from converters.errors import ContractError

Arrays = dict[str, np.ndarray]
"""Tensors by name."""


class Framework(StrEnum):
    """Where a source model comes from; its eager fp32 output is the reference."""

    TORCH = "torch"
    TENSORFLOW = "tensorflow"
    ONNX = "onnx"  # a model that is an ONNX file; ONNX Runtime computes its reference


class Format(StrEnum):
    """A node of the route graph. `torch` and `keras` are source models (a builder and its weights)."""

    TORCH = "torch"
    KERAS = "keras"
    PT2 = "pt2"
    SAVEDMODEL = "savedmodel"
    KERAS_FILE = "keras-file"
    TFLITE = "tflite"
    ONNX = "onnx"
    TORCHSCRIPT = "torchscript"
    EXECUTORCH = "executorch"
    COREML = "coreml"
    PTL = "ptl"
    ORT = "ort"

    @property
    def suffix(self) -> str:
        """The file ending of the format, with its dot; mostly its name."""
        return _SUFFIX.get(self, f".{self}")


_SUFFIX = {
    "torch": ".safetensors",
    "keras": ".weights.h5",
    "torchscript": ".pt",
    "executorch": ".pte",
    "coreml": ".mlpackage",  # a folder
    "savedmodel": ".savedmodel",  # a folder
    "keras-file": ".keras",
}


class Precision(StrEnum):
    """What the tensors of an artifact are made of; proved by reading them from the file."""

    FP32 = "fp32"
    FP16 = "fp16"  # float16 weights, float32 inputs and outputs
    INT8_WEIGHTS = "int8-weights"  # int8 weights, expanded to float before they are used
    INT4_WEIGHTS = "int4-weights"  # 4-bit weights, expanded in the same way
    PALETTIZED = "palettized"  # weights as indices into tables of at most 256 values
    DYNAMIC = "dynamic"  # int8 weights, activations quantized at run time
    INT8 = "int8"  # static int8 weights and activations, float32 inputs and outputs
    INT8_IO = "int8-io"  # the same with int8 inputs and outputs
    INT16X8 = "int16x8"  # static int8 weights and int16 activations, float32 inputs and outputs


EXPANDED = (Precision.INT8_WEIGHTS, Precision.INT4_WEIGHTS, Precision.PALETTIZED)
"""Precisions of weights alone: they are expanded, and everything is computed in float."""
CALIBRATED = (Precision.INT8, Precision.INT8_IO, Precision.INT16X8)
"""Precisions that need the ranges of activations, found on calibration samples."""


@dataclass(frozen=True)
class TensorSpec:
    """One input or output.

    `shape` is that of ONE call, batch axis included where the model has one; `None` is a dynamic axis.
    `layout` names the axes (`NCHW`, `NHWC`, `NC`, ...) or is empty when nobody knows.
    `scale` and `zero_point` are set when the tensor is quantized: real = scale * (stored - zero_point).
    `meaning` is `image`, `logits`, or empty. `limits` are the least and the greatest value that an input may take,
    where somebody said so.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    layout: str = ""
    scale: float | None = None
    zero_point: int | None = None
    meaning: str = ""
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.layout and len(self.layout) != len(self.shape):
            raise ContractError(f"tensor {self.name!r}: layout {self.layout!r} does not name the axes of {self.shape}")
        if (self.scale is None) != (self.zero_point is None):
            raise ContractError(f"tensor {self.name!r}: scale and zero point come together")
        if self.limits and not self.limits[0] <= self.limits[1]:
            raise ContractError(f"tensor {self.name!r}: the limits {self.limits} have their ends exchanged")
        np.dtype(self.dtype)

    @property
    def quantized(self) -> bool:
        """Whether the stored integers stand for real numbers."""
        return self.scale is not None


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of a model, in order, with unique names."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def __post_init__(self) -> None:
        for side, specs in (("input", self.inputs), ("output", self.outputs)):
            names = [spec.name for spec in specs]
            if len(set(names)) != len(names) or "" in names:
                raise ContractError(f"{side} names must be unique and not empty, got {names}")


@dataclass(frozen=True)
class Artifact:
    """A model file and everything that must be known to judge it.

    `signature` is the file's own; `source` is that of the source model, whose layout and dtype the golden
    pack keeps. A source model (format torch or keras) is `builder` ("module:function" or "file.py:function")
    called with `builder_args`, then loaded with the weights at `path`.
    `path` is a file, or a folder where the format is one; `sha256` is of its bytes (`converters.content`), `graph_hash`
    of the meaning, for converters that are not byte-deterministic.
    `calibration` says what the ranges of a static precision were found on.
    `beside` are the names of files that accompany it, each behind its own name and a dot.
    `notes` say what was done on the way to it that its user should know.
    """

    path: Path
    format: Format
    precision: Precision
    signature: Signature
    source: Signature
    model: str = ""
    framework: str = ""
    route: str = ""
    producer: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""
    graph_hash: str = ""
    size_bytes: int = 0
    builder: str = ""
    builder_args: Mapping[str, Any] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    calibration: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict; `path` as text."""
        return {**dataclasses.asdict(self), "path": str(self.path)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Artifact:
        """The artifact that `to_json` wrote."""
        fields = dict(data)
        fields["path"] = Path(fields["path"])
        fields["format"] = Format(fields["format"])
        fields["precision"] = Precision(fields["precision"])
        for key in ("kept", "beside", "notes"):
            fields[key] = tuple(fields.get(key, ()))
        for key in ("signature", "source"):
            fields[key] = signature_from_json(fields[key])
        return cls(**fields)


def signature_from_json(data: Mapping[str, Any]) -> Signature:
    """The signature that `dataclasses.asdict` wrote."""

    def specs(rows: Any) -> tuple[TensorSpec, ...]:
        tuples = ({key: tuple(row[key]) for key in ("shape", "limits") if row.get(key) is not None} for row in rows)
        return tuple(TensorSpec(**{**row, **own}) for row, own in zip(rows, tuples, strict=True))

    return Signature(specs(data["inputs"]), specs(data["outputs"]))


@dataclass(frozen=True)
class ConversionRequest:
    """What a converter or quantizer is asked for: `source` in, a file at `target` out.

    `calibration` is an .npz of inputs in the source model's layout, one array a name, sample axis first:
    `(n, *spec.shape)`. `options` are the recipe's, already checked against the converter's own list. Where a recipe
    changes weights before they are quantized, the float file with those weights is left at `edited`.
    """

    source: Artifact
    target: Path
    precision: Precision
    calibration: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    edited: Path | None = None

    def beside(self, name: str) -> Path:
        """Where a file goes that accompanies the target, as `model.ort.required_operators.config` does `model.ort`."""
        return self.target.with_name(f"{self.target.name}.{name}")


@dataclass(frozen=True)
class Edge:
    """A converter: the function `name` of `module` makes `target` from `source` in each of `precisions`.

    The function takes a ConversionRequest, writes `request.target` and returns the file's Signature (names
    restored, layouts and quantization filled in). A quantizer is an edge whose source and target format are the
    same; it starts from fp32.
    `worker` names the process that it runs in: edges and runtimes of one worker share loaded toolkits.
    `packages` are the distributions it needs, read for versions and for UNAVAILABLE.
    `options` are the recipe keys it understands.
    `runtimes` alone run what it makes, where a file is made for one of several; none: every runtime of the format.
    `toolchain` is the sealed environment that it works in, where it has one; `packages` are then those of that one.
    `brought` starts from a file that the user brought, and from none that a converter made.
    `prepass` ("module:function") gives a rule for each operator of ONNX that is replaced before it (docs/prepass.md).
    """

    name: str
    toolkit: str
    module: str
    source: Format
    target: Format
    precisions: tuple[Precision, ...]
    worker: str
    packages: tuple[str, ...]
    options: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    toolchain: str = ""
    brought: bool = False
    prepass: str = ""

    @property
    def quantizes(self) -> bool:
        """Whether it changes the precision of a file, and not its format."""
        return self.source is self.target and not self.brought


@dataclass(frozen=True)
class RuntimeSpec:
    """A runtime: `module.open(artifact, runtime, threads) -> Session`. The kernel path is part of the name.

    A declared runtime is a family: `devices` ("module:function") lists the Devices that it runs on, none for this
    machine's CPU, and `variants` the options of its kernels. `registry.expand` makes of it one runtime for each device
    and variant, named `family[device,option]`: `litert-gpu[SwiftShader,fp32]`, `litert-xnnpack[4t]`.
    `arithmetic` is what it computes a float32 file in, by variant, where that is not float32: `fp16`.
    `reference` marks a framework's own eager mode, which every other runtime is judged against.
    `timed` is false where its seconds say nothing of any device: an interpreter or kernels for proving files.
    `self_check` ("module:function") is set where a device judges whole bundles by its own code: it is called with the
    device's name, the bundle's folder, the seconds a step may take, an event that stops it, and whom to tell.
    `app` ("module:function" of a bundle's path and the runtime) proves a whole bundle by the code of an app that ships:
    it returns the app's own report as JSON, beside which this side's verdicts are laid.
    `yardstick` marks other kernels that only say what is right of a file of which nothing else does.
    """

    name: str
    module: str
    formats: tuple[Format, ...]
    worker: str
    packages: tuple[str, ...]
    reference: bool = False
    timed: bool = True
    devices: str = ""
    variants: tuple[str, ...] = ("",)
    arithmetic: Mapping[str, str] = field(default_factory=dict)
    device: Device | None = None
    self_check: str = ""
    app: str = ""
    yardstick: bool = False


@dataclass(frozen=True)
class InspectorSpec:
    """Which module's `inspect(path)` reads files of `format`."""

    format: Format
    module: str
    worker: str
    packages: tuple[str, ...]
