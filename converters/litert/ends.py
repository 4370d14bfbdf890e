"""Gives the ends of a .tflite file the names of its source: converters of others change them."""

from __future__ import annotations

from collections.abc import Mapping
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
