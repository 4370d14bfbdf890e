"""coremltools, imported without the frameworks that a process does not need: it would import all that are installed."""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

FRAMEWORKS = ("torch", "tensorflow", "keras", "sklearn", "xgboost", "libsvm", "torchao")
_NAME = "coremltools"
_had: set[str] = set()


def coremltools(*needed: str) -> Any:
    """The package with `needed` of the frameworks behind it, silent; imported anew where it was without them."""
    if _NAME not in sys.modules or not set(needed) <= _had:
        _had.update(needed)
        for name in [name for name in sys.modules if name.partition(".")[0] == _NAME]:
            del sys.modules[name]
        logging.getLogger(_NAME).setLevel(logging.ERROR)
        with _without(set(FRAMEWORKS) - _had), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(_NAME)
    logging.getLogger(_NAME).setLevel(logging.ERROR)
    return sys.modules[_NAME]


@contextmanager
def _without(names: set[str]) -> Iterator[None]:
    """Modules that are not imported yet cannot be inside of this."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            if sys.modules.get(name) is None:
                sys.modules.pop(name, None)
