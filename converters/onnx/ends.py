"""Plain names for the inputs and outputs of an ONNX graph, for converters that lose or change others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


def plain_ends(model: Any, names: Iterable[str]) -> dict[str, str]:
    """Renames inputs and outputs of a ModelProto in place; their own names by the new ones, `end_0_x` and so on."""
    plain = {name: f"end_{place}_{re.sub(r'[^0-9A-Za-z_]', '_', name)}" for place, name in enumerate(names)}
    graph = model.graph
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = plain.get(value.name, value.name)
    for node in graph.node:
        for side in (node.input, node.output):
            side[:] = [plain.get(name, name) for name in side]
    return {new: name for name, new in plain.items()}
