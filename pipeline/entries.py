"""Artifacts inside store entries: the record keeps a file name, the reader gives back the path."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters.contract import Artifact
from pipeline.store import Entry

ARTIFACT_FILE = "artifact.json"
EDITED = ".edited"
"""In the name of the float file with the weights that a recipe changed before they were quantized."""


def write_artifact(folder: Path, artifact: Artifact, facts: Mapping[str, Any] | None = None) -> None:
    """Records the artifact whose file lies in `folder`, and facts about its making."""
    artifact = dataclasses.replace(artifact, path=Path(artifact.path.name))
    record = {"artifact": artifact.to_json(), "facts": dict(facts or {})}
    (folder / ARTIFACT_FILE).write_text(json.dumps(record, indent=1, sort_keys=True))


def read_artifact(entry: Entry) -> Artifact:
    """The artifact of an entry, its path inside the store."""
    artifact = Artifact.from_json(entry.json(ARTIFACT_FILE)["artifact"])
    return dataclasses.replace(artifact, path=entry.file(artifact.path.name))


def read_edited(entry: Entry, like: Artifact) -> Artifact | None:
    """The float file that the artifact of an entry was quantized from, where its recipe changed weights first.

    `like` is the float file as it was.
    """
    made = read_artifact(entry).path
    path = made.with_name(f"{made.stem}{EDITED}{made.suffix}")
    return dataclasses.replace(like, path=path) if path.is_file() else None


def read_facts(entry: Entry) -> dict[str, Any]:
    """What was recorded beside the artifact: accuracy and seconds of a training."""
    return dict(entry.json(ARTIFACT_FILE)["facts"])
