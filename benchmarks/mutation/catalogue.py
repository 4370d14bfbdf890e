"""Every kind of fault and every honest change, by the format of the file that it is planted into."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.mutation.layer import Change, Planter

WEIGHTS = (
    ("weights", "kernels:KERNEL_FAULTS"),
    ("weights", "constants:BIAS_FAULTS"),
    ("weights", "compressed:COMPRESSED"),
    ("constants", "constants:VALUE_FAULTS"),
)
_FAULTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    ".tflite": (
        *WEIGHTS,
        ("attributes", "flat_options:ATTRIBUTES"),
        ("what few look for", "flat_rare:FLAT_RARE"),
        ("quantization", "flat_quantization:QUANTIZATION"),
        ("wiring", "flat_wiring:WIRING"),
        ("inputs, outputs and states", "flat_ends:ENDS"),
        ("labels", "flat_ends:LABELS"),
    ),
    ".onnx": (
        *WEIGHTS,
        ("attributes", "node_options:NODE_OPTIONS"),
        ("what few look for", "node_rare:NODE_RARE"),
        ("quantization", "node_wiring:NODE_QUANTIZATION"),
        ("wiring", "node_wiring:NODE_WIRING"),
    ),
    ".mlpackage": (*WEIGHTS, ("parameters and wiring", "mil_faults:MIL_FAULTS")),
}
_CHANGES: Mapping[str, tuple[str, ...]] = {
    ".tflite": ("flat_same:VARIANTS", "flat_rewrites:REWRITES", "flat_weights:REWEIGHTED", "flat_forms:FORMS"),
    ".onnx": ("node_same:NODE_VARIANTS", "node_rewrites:NODE_REWRITES", "node_forms:NODE_FORMS"),
    ".mlpackage": ("mil_same:MIL_VARIANTS",),
}
_FILES: Mapping[str, str] = {".tflite": "flat:File", ".onnx": "nodes:Nodes", ".mlpackage": "mil:Mil"}
SUFFIXES = tuple(_FILES)
BOUND_BY_NAME = ("outputs in another order", "labels shifted by one", "two labels exchanged", "labels sorted")
"""Faults beside the same file only: formats order outputs as they like, names bind; and a source has no labels."""
FINER_THAN_FLOAT16 = (
    *("values pass through float16", "kernel rounded to a 16-bit grid", "kernel rounded to 14 bits of mantissa"),
    *("noise of 1e-4 in the kernel", "kernel rounded to float16", "bias rounded to float16"),
    *("kernel rounded to 10 bits of mantissa", "a constant rounded to float16", "kernel scaled by 1.0002"),
)
"""Faults no larger than the rounding of a float16 file: held against a float file, it may have made them itself."""
SILENT = frozenset(
    (
        *("labels shifted by one", "two labels exchanged", "labels sorted", "an operator left in float"),
        *("names of outputs exchanged", "names of inputs exchanged", "a convolution left in float"),
    )
)
"""Faults that no output need show by its place: what it is called is wrong, or the precision that the file claims."""
RECALIBRATED = (
    *("zero point off by one", "zero point off by minus one", "zero point off by ten", "scale 1 % larger"),
    *("scale 5 % larger", "scale 10 % smaller", "scale halved: clipped", "scale doubled", "another layer's range"),
    *("output's zero point off by one", "output's scale 1 % larger", "input's zero point off by one"),
)
"""Faults in ranges that all kernels follow: held against a float file it is another calibration, and no fault."""


@dataclass(frozen=True)
class Fault:
    """A kind of fault. `family` is what it is a fault in."""

    name: str
    family: str
    plant: Planter


def _found(entry: str) -> Any:
    module, _, name = entry.partition(":")
    return getattr(importlib.import_module(f"benchmarks.mutation.{module}"), name)


def faults(suffix: str) -> dict[str, Fault]:
    """The kinds of faults for files of a suffix, by name."""
    tables = ((family, _found(entry)) for family, entry in _FAULTS[suffix])
    return {name: Fault(name, family, plant) for family, table in tables for name, plant in table.items()}


def changes(suffix: str) -> dict[str, Change]:
    """The honest changes of files of a suffix, by name."""
    return {name: change for entry in _CHANGES[suffix] for name, change in _found(entry).items()}


def opened(path: Path) -> Any:
    """A file taken apart, to be changed in place and written."""
    return _found(_FILES[path.suffix]).read(path)
