"""The grammar of artifact file names: `<model>_<framework>_<route>_<precision><format's ending>`.

A part is one or more runs of `a-z0-9`, joined by single hyphens: `fashion-cnn_torch_litert_int8.tflite`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from converters.contract import Format, Framework, Precision
from converters.errors import ModelError

_PART = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_PART = 64
GRAMMAR = "<model>_<framework>_<route>_<precision>.<format>"


@dataclass(frozen=True)
class ArtifactName:
    """What the file name of an artifact says."""

    model: str
    framework: Framework
    route: str
    precision: Precision
    format: Format

    def __str__(self) -> str:
        return "_".join((self.model, self.framework, self.route, self.precision)) + self.format.suffix


def slug(text: str) -> str:
    """Any name as one part of the grammar: `My Model v1.0` gives `my-model-v1-0`.

    A name without a single Latin letter or digit, or a very long one, keeps a short hash so that it stays its own.
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    plain = "-".join(re.findall(r"[a-z0-9]+", ascii_text))
    if plain and len(plain) <= _LONGEST_PART:
        return plain
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: _LONGEST_PART - 9].rstrip('-')}-{mark}" if plain else f"model-{mark}"


def artifact_file_name(model: str, framework: str, route: str, precision: str, format: str) -> str:
    """The file name of an artifact, as `parse_artifact_file_name` reads it back.

    Raises:
        ModelError: a part that the grammar does not know.
    """
    name = "_".join((model, framework, route, precision))
    parts = {"model": model, "framework": framework, "route": route, "precision": precision}
    for what, part in parts.items():
        if not _PART.fullmatch(part):
            raise ModelError(
                f"{what} {part!r} cannot be part of a file name: letters a-z, digits and single hyphens can"
            )
    return str(_checked(model, framework, route, precision, format, name))


def parse_artifact_file_name(name: str) -> ArtifactName:
    """The parts of a file name that `artifact_file_name` made.

    Raises:
        ModelError: the name does not follow the grammar.
    """
    format = next((kind for kind in Format if name.endswith(kind.suffix)), None)
    if format is None:
        endings = ", ".join(kind.suffix for kind in Format)
        raise ModelError(f"artifact {name!r} ends in none of {endings}")
    parts = name.removesuffix(format.suffix).split("_")
    if len(parts) != 4 or not all(_PART.fullmatch(part) for part in parts):
        raise ModelError(f"artifact {name!r} is not named {GRAMMAR}, like fashion-cnn_torch_litert_int8.tflite")
    model, framework, route, precision = parts
    return _checked(model, framework, route, precision, format, name)


def _checked(model: str, framework: str, route: str, precision: str, format: str, name: str) -> ArtifactName:
    for what, value, kind in (
        ("framework", framework, Framework),
        ("precision", precision, Precision),
        ("format", format, Format),
    ):
        if value not in list(kind):
            raise ModelError(f"artifact {name!r}: {what} {value!r} is none of {', '.join(kind)}")
    return ArtifactName(model, Framework(framework), route, Precision(precision), Format(format))
