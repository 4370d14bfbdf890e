"""Names of inputs and outputs that every format and toolkit keeps, and what they stand for."""

from __future__ import annotations

import dataclasses
import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence

from converters.contract import Signature, TensorSpec
from converters.errors import UsageError

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


def unknown_input(title: str, name: str, taken: Iterable[str]) -> UsageError:
    """What is said of an input that a model has not."""
    return UsageError(f"{title} has no input {name!r}; it takes {', '.join(taken) or 'none by name'}")


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


_TF_INPUT = re.compile(r"^serving_default_|:0$")


def without_tf(name: str) -> str:
    """The name that a signature has for what TensorFlow's converters call `serving_default_image:0`."""
    return _TF_INPUT.sub("", name)


_NUMBERED = re.compile(r"(?:Stateful)?PartitionedCall(?:_\d+)?:(\d+)|Identity(?:_(\d+))?(?::0)?")
_PLACED = re.compile(r"output_(\d+)()")
"""What Keras calls the outputs of a model that it exports, whatever they are called in it: by their place."""


def partners_by_number(names: Sequence[str], others: Sequence[str]) -> dict[str, str] | None:
    """For each name its partner, where TensorFlow's converters left numbers of one side's or of both; else None.

    `StatefulPartitionedCall:2` and `Identity_2:0` are the third output in the order of the names that a SavedModel has,
    `output_2` the third of the model.
    """
    if len(names) != len(others):
        return None
    placed, ordered = ([_by_number(side, kind) for side in (names, others)] for kind in (_PLACED, _NUMBERED))
    if any(placed) and not all(placed):
        first, second = (p or n or side for p, n, side in zip(placed, ordered, (names, others), strict=True))
        return dict(zip(first, second, strict=True))
    if not any(ordered):
        return None
    first, second = (found or sorted(side) for found, side in zip(ordered, (names, others), strict=True))
    return dict(zip(first, second, strict=True))


def _by_number(names: Sequence[str], pattern: re.Pattern[str]) -> list[str] | None:
    """The names in the order of their numbers; None where not all have one of their own."""
    found = [pattern.fullmatch(name) for name in names]
    numbers = {name: int(match[1] or match[2] or 0) for name, match in zip(names, found, strict=True) if match}
    if not names or len(set(numbers.values())) != len(names):
        return None
    return sorted(names, key=lambda name: numbers[name])
