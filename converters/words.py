"""What a toolkit's error says, in one line, and whether it says that the toolkit cannot do this at all."""

from __future__ import annotations

import re
import traceback

_LONGEST = 500
_REFUSAL = re.compile(
    r"not (yet )?(supported|implemented)|unsupported|NotImplementedError|no lowering|lowering not found"
    r"|neither a custom op nor a flex op|No ONNX function|Unknown op|unresolved custom op|unimplemented"
    r"|GuardOnDataDependent|not a valid scope name|is not in Core ATen opset",
    re.IGNORECASE,
)
_TELLING = re.compile(r"error|support|fail|invalid|cannot|not implemented", re.IGNORECASE)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_BEHIND = re.compile(r"\n\s*(?:Arguments received by |While executing %|There are a few things to try:)")
_UNMEANT = (LookupError, AttributeError, AssertionError, TypeError, NameError, StopIteration)
_KERAS_CALL = "Exception encountered when calling"


def is_refusal(error: BaseException) -> bool:
    """Whether a toolkit says that it cannot do this, as against that it went wrong."""
    return bool(_REFUSAL.search(f"{type(error).__name__} {error}"))


def last_words(error: BaseException) -> str:
    """The one line of a toolkit's error that says most: its last one that speaks of an error, else its last.

    Of Keras that stands between the layer's name and the list of its arguments; of torch.export, before its advice; of
    torch.fx, before the node and where it came from.
    """
    text = next((part for part in _BEHIND.split(_COLOURS.sub("", str(error))) if part.strip()), "")
    lines = [line.strip() for line in text.splitlines() if re.search(r"\w", line)]
    branches = [line for line in lines if "data-dependent expression" in line]
    if branches:
        return _line(error, f"{branches[0]} (the model branches on values, which a graph cannot hold)")
    calls = [place for place, line in enumerate(lines) if _KERAS_CALL in line]
    if calls and lines[calls[-1] + 1 :]:
        lines = lines[calls[-1] + 1 :]
    telling = [line for line in lines if _TELLING.search(line)]
    return _line(error, (telling or lines or [""])[-1])


def _line(error: BaseException, text: str) -> str:
    """The error with its kind; one that nobody meant to raise says nothing of the model, so where it arose is told."""
    said = f"{type(error).__name__}: {text[:_LONGEST]}" if text else type(error).__name__
    frames = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    return f"{said} (arose in {frames[-1]})" if isinstance(error, _UNMEANT) and frames else said
