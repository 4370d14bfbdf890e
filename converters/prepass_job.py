"""What a worker runs before a converter sees an ONNX file: what its toolchain lacks, or does wrong, is replaced."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from converters import content, registry
from converters.contract import Artifact
from converters.samples import load_samples

READABLE_IR = 10
"""The form of the file that the ONNX of every sealed toolchain still reads; operators are told apart by the opset."""
MOST = 2
"""Of the samples, that replacements are proved on."""


def prepared(
    edge_name: str, source: Artifact, made_at: Path, samples: Path | None = None, prefix: str = ""
) -> Artifact:
    """The file that the converter of that name is given in the place of `source`, written to `made_at`.

    `samples` are stacked inputs to prove the replacements on, arrays whose names start with `prefix`; drawn ones where
    none are given. The artifact's notes say what was replaced, and what was to be and stays.

    Raises:
        ModelError: the source is no ONNX file, damaged, or has weights outside its folder.
    """
    from converters.onnx.prepass.run import prepare

    module, _, name = registry.edge(edge_name).prepass.partition(":")
    rules = getattr(importlib.import_module(module), name)()
    given = load_samples(samples, prefix) if samples else {}
    calls = [{key: values[place, ...] for key, values in given.items()} for place in range(_fewest(given))]
    made = prepare(source.path, rules, calls)
    made.model.ir_version = min(made.model.ir_version, READABLE_IR)
    made.save(made_at)
    return dataclasses.replace(
        source,
        path=made_at,
        sha256=content.sha256(made_at),
        size_bytes=content.size_bytes(made_at),
        notes=(*source.notes, *told(made.replaced, made.refused)),
    )


def told(replaced: tuple[str, ...], refused: tuple[str, ...]) -> tuple[str, ...]:
    """What became of a file, for its report."""
    lines = [f"the pre-pass replaced {', '.join(replaced)}, each proved in ONNX Runtime"] if replaced else []
    return (*lines, *(f"pre-pass: {line}" for line in refused))


def _fewest(given: Mapping[str, np.ndarray]) -> int:
    return min([len(values) for values in given.values()] + [MOST]) if given else 0
