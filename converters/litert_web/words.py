"""What LiteRT.js says when it refuses a model, in a line: its errors and warnings, not its notes nor its stack."""

from __future__ import annotations

import re

_NOTE = re.compile(
    r"INFO: |VERBOSE: |I\d{4} [\d:.]+|\s+at |See instructions|%c|WARNING: .*(?:NPU accelerator|Sparsity)"
)
_PLACE = re.compile(r"\[[\w./]+:\d+\]")
_PREFIX = re.compile(r"^(?:\W*(?:Error|ERROR|WARNING|RuntimeError):?\s*)+")
_LONGEST = 700
UNEVEN = "UNEVEN "
"""Before the words of our own page on an output whose shape differs from one sample to the next."""


def in_short(text: str) -> str:
    """The lines that tell something, each once, in their order."""
    lines: list[str] = []
    for line in text.splitlines():
        if _NOTE.match(line):
            continue
        told = _PREFIX.sub("", _PLACE.sub("", line)).strip(" └\t").removesuffix(".")
        if told and told not in lines:
            lines.append(told)
    said = "; ".join(lines).replace(":; ", ": ")
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]} ..."


def advice(said: str) -> str:
    """What to do about a refusal, for those that have an answer; else an empty text."""
    if re.search(r"Element type (?!FLOAT32|INT32|UINT8)\w+ is not supported", said):
        return "it takes and gives float32, int32 and uint8 only: export this precision with float inputs and outputs"
    if re.search(r"does not match expected ranked tensor type \w+\[[^\]]*-1|dynamic-sized", said):
        return "it takes no sizes that a file leaves open: export the model with fixed shapes"
    return ""
