"""What lies beside a file of the user's, which may load any of it; what our own commands leave there is no input."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.store import digest

LEFT_BY_EXPORTS = frozenset({".tflite", ".onnx", ".ort", ".pte", ".ptl", ".md", ".log", ".out", ".err", ".html"})
"""Endings of files that no builder of a source model loads."""
_DOCUMENTS = frozenset(
    (
        "artifacts",
        "cells",
        "checks",
        "coverage",
        "decision",
        "error",
        "routes",
        "runtimes",
        "suspects",
        "tasks",
        "toolchains",
    )
)
"""Of which each document that `--json` prints has one, behind its `schema_version`."""
_MOST_BYTES = 32 << 20


def state(file: Path, left_out: frozenset[str] = LEFT_BY_EXPORTS, *, hidden: bool = False) -> str:
    """A digest of names, sizes and times of the files in a file's folder.

    Without those with an ending in `left_out`, what `--json > here.json` writes (a run would else begin anew because of
    its own words), and `hidden` ones where they are not asked for.
    """
    rows = [
        (path.name, path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(file.resolve().parent.iterdir())
        if path.is_file() and path.suffix not in left_out and (hidden or path.name[0] != ".") and not printed(path)
    ]
    return digest(rows)


def printed(path: Path) -> bool:
    """Whether a file is a document of ours; an empty .json is one that the shell has opened, and no program reads."""
    if path.suffix != ".json" or path.stat().st_size > _MOST_BYTES:
        return False
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if text.strip() else None
    except (OSError, ValueError, RecursionError):
        return False
    if isinstance(found, dict):
        return next(iter(found), "") == "schema_version" and not _DOCUMENTS.isdisjoint(found)
    return found is None and not text.strip()
