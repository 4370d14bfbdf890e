"""Names of inputs and outputs that every format and toolkit keeps, and what they stand for."""

from __future__ import annotations

import dataclasses
import itertools
import re
import unicodedata
from collections.abc import Iterable

from converters.contract import Signature, TensorSpec

_LOST = re.compile(r"[^A-Za-z0-9_.\\/>-]+")
"""TensorFlow gives up a tensor's name, and with it the file's whole signature, over any of these."""


def kept_names(names: Iterable[str]) -> list[str]:
    """The names as they are, or where a toolkit would lose one, the nearest that it keeps; unique, in order.

    `my input:1` becomes `my_input_1`, `été` becomes `ete`; a first character is a letter, a digit or a dot.
    """
    found: list[str] = []
    for name in names:
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode() if not name.isascii() else name
        plain = _LOST.sub("_", plain).lstrip("_-/\\>") or "tensor"
        choices = (plain if count == 0 else f"{plain}_{count}" for count in itertools.count())
        found.append(next(choice for choice in choices if choice not in found))
    return found


def described(written: Signature, source: Signature) -> Signature:
    """A file's own signature with what only the source knows: layouts, meanings and limits, by name."""

    def tell(own: tuple[TensorSpec, ...], known: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
        by_name = {spec.name: spec for spec in known if spec.layout or spec.meaning or spec.limits}
        return tuple(
            dataclasses.replace(spec, layout=one.layout, meaning=one.meaning, limits=one.limits)
            if (one := by_name.get(spec.name)) and len(one.shape) == len(spec.shape)
            else spec
            for spec in own
        )

    return Signature(tell(written.inputs, source.inputs), tell(written.outputs, source.outputs))
