"""Gives the ends of a .tflite file the names of its source: converters of others change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from converters.errors import ToolkitError
from converters.litert.flatbuffer import opened
from converters.litert.pack import packed


def rename_ends(path: Path, names: Mapping[str, str]) -> None:
    """Puts other names into the first signature of the file at `path`: the new ones by those that it has.

    Raises:
        ToolkitError: the file has no signature, or another name in it.
    """
    with opened(path) as model:
        whole = model.schema.ModelT.InitFromObj(model.root)
        if not whole.signatureDefs:
            raise ToolkitError("the file has no signature, so that nobody knows its inputs and outputs by name")
        for row in (*whole.signatureDefs[0].inputs, *whole.signatureDefs[0].outputs):
            have = row.name.decode() if isinstance(row.name, bytes) else row.name
            if have not in names:
                raise ToolkitError(f"the file has an end called {have!r}; expected were {', '.join(sorted(names))}")
            row.name = names[have]
        content = packed(whole)
    path.write_bytes(content)


def sign(path: Path, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Gives the file at `path` its one signature: names for its inputs and outputs, by their order.

    Raises:
        ToolkitError: it has another number of them.
    """
    with opened(path) as model:
        whole, schema = model.schema.ModelT.InitFromObj(model.root), model.schema
        graph = whole.subgraphs[0]
        definition = schema.SignatureDefT()
        for side, names, places in (("inputs", inputs, graph.inputs), ("outputs", outputs, graph.outputs)):
            if len(places) != len(names):
                raise ToolkitError(f"the file has {len(places)} {side}, not {', '.join(names)}")
            rows = []
            for name, place in zip(names, places, strict=True):
                row = schema.TensorMapT()
                row.name, row.tensorIndex = name, int(place)
                rows.append(row)
            setattr(definition, side, rows)
        definition.signatureKey, definition.subgraphIndex = "serving_default", 0
        whole.signatureDefs = [definition]
        content = packed(whole)
    path.write_bytes(content)
