"""The README of a bundle: what to take, how to feed it, and code for Android, iOS and Python with the real names."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from converters.contract import Format, Precision, TensorSpec
from converters.coreml.signature import feature_names
from pipeline.bundle.contents import BundledArtifact, ImageRules, Manifest
from pipeline.checks.outcome import Outcome
from pipeline.report.marks import BAD, MARKS
from pipeline.report.text import size

_KOTLIN_TYPES = {"float32": "Float", "int32": "Int", "int64": "Long", "int8": "Byte", "uint8": "Byte"}
_FORMATS = (Format.TFLITE, Format.ONNX, Format.EXECUTORCH, Format.TORCHSCRIPT)


AS_FAST = 1.1
"""A time up to so many times the least is as good: the next phone differs by more."""


_WHITE = 255.0


@dataclass(frozen=True)
class Tensor:
    """A tensor as the snippets speak of it. `variable` is a safe name in each language."""

    spec: TensorSpec
    variable: str
    image: ImageRules | None = None

    @property
    def shape(self) -> list[int]:
        """The shape of one call; a dynamic axis is one."""
        return [1 if axis is None else axis for axis in self.spec.shape]

    @property
    def elements(self) -> int:
        """How many values one call takes."""
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """How many bytes one call takes."""
        return self.elements * np.dtype(self.spec.dtype).itemsize

    @property
    def scaling(self) -> tuple[float, float] | None:
        """(what a pixel is multiplied by, what is added then); None where it goes in as it is."""
        low, high = self.image.value_range if self.image else (0.0, _WHITE)
        return None if (low, high) == (0.0, _WHITE) else ((high - low) / _WHITE, low)

    @property
    def values(self) -> str:
        """What becomes of a pixel, for a comment."""
        scale = self.scaling
        return f"0..255 become {scale[1]:.6g}..{scale[0] * _WHITE + scale[1]:.6g}" if scale else "raw values 0..255"

    @property
    def channels_first(self) -> bool:
        """Whether the planes of an image come one after the other."""
        return "C" in self.spec.layout and self.spec.layout.find("C") < self.spec.layout.find("H")

    @property
    def kotlin(self) -> str:
        """The Kotlin type of one value."""
        return _KOTLIN_TYPES.get(self.spec.dtype, "Float")

    @property
    def limits(self) -> tuple[int, int]:
        """The least and greatest stored value of a quantized tensor."""
        info = np.iinfo(self.spec.dtype)
        return int(info.min), int(info.max)


def recommended(artifacts: Sequence[BundledArtifact]) -> BundledArtifact | None:
    """The artifact that the snippets use: the fastest good one of the most portable format that is here.

    Good is: some runtime passed it and none failed. Files with float inputs come first, being easier to feed. Of
    files within `AS_FAST` of the fastest the smallest is taken. Where none is good, one is taken all the same, and
    the README says so.
    """

    def kind(one: BundledArtifact) -> tuple[bool, int, bool]:
        return not is_good(one), _FORMATS.index(one.format), one.precision is Precision.INT8_IO

    usable = [one for one in artifacts if one.format in _FORMATS]
    best = min(map(kind, usable), default=None)
    alike = [one for one in usable if kind(one) == best]
    limit = AS_FAST * min((one.fastest_ms for one in alike), default=0.0)
    return min(
        (one for one in alike if one.fastest_ms <= limit), key=lambda one: (one.size_bytes, one.file), default=None
    )


def for_apple(artifacts: Sequence[BundledArtifact]) -> BundledArtifact | None:
    """The Core ML package that the snippet uses: a good one, of float16 where there is one, else the smallest."""
    packages = [one for one in artifacts if one.format is Format.COREML]
    order = {one.file: (not is_good(one), one.precision is not Precision.FP16, one.size_bytes) for one in packages}
    return min(packages, key=lambda one: order[one.file], default=None)


def is_good(artifact: BundledArtifact) -> bool:
    """Whether some runtime passed the artifact and none failed it or left it undecided."""
    outcomes = [verdict.outcome for verdict in artifact.verdicts.values()]
    return Outcome.PASSED in outcomes and not any(outcome in BAD for outcome in outcomes)


def render_readme(manifest: Manifest, labels: Sequence[str]) -> str:
    """The README, with code that runs as it stands inside the bundle's folder."""
    environment = Environment(
        loader=PackageLoader("pipeline.bundle"),
        autoescape=False,  # Markdown and code: texts of strangers pass `literal`, or are slugs
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        features=feature_names, literal=_literal, kotlin_literal=_kotlin_literal, size=size, number=_number
    )
    chosen = recommended(manifest.artifacts)
    return environment.get_template("README.md.j2").render(
        manifest=manifest,
        labels=list(labels),
        marks=MARKS,
        runtimes=sorted({name for one in manifest.artifacts for name in one.verdicts}),
        chosen=chosen,
        apple=for_apple(manifest.artifacts),
        good=chosen is not None and is_good(chosen),
        inputs=_tensors("input", chosen.signature.inputs, manifest) if chosen else [],
        outputs=_tensors("output", chosen.signature.outputs, manifest) if chosen else [],
        classes=bool(labels),
    )


def _tensors(side: str, specs: Sequence[TensorSpec], manifest: Manifest) -> list[Tensor]:
    """The tensors with names that any language takes, each its own: `input_image`, `output_logits`."""
    tensors: list[Tensor] = []
    for index, spec in enumerate(specs):
        plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in spec.name)
        variable = f"{side}_{plain}"
        if variable in [tensor.variable for tensor in tensors]:
            variable += f"_{index}"
        tensors.append(Tensor(spec, variable, manifest.preprocessing.get(spec.name) if side == "input" else None))
    return tensors


def _literal(text: str) -> str:
    """A string literal of Python and Swift."""
    return json.dumps(text, ensure_ascii=False)


def _kotlin_literal(text: str) -> str:
    """A string literal of Kotlin, in which a dollar sign would start a template."""
    return _literal(text).replace("$", "\\$")


def _number(value: float) -> str:
    """A float with as many digits as it needs: the same number in every language."""
    return repr(float(value))
