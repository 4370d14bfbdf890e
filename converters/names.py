"""Names of inputs and outputs that every format and toolkit keeps."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable

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
