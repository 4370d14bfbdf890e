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


def write_artifact(folder: Path, artifact: Artifact, facts: Mapping[str, Any] | None = None) -> None:
    """Records the artifact whose file lies in `folder`, and facts about its making."""
    artifact = dataclasses.replace(artifact, path=Path(artifact.path.name))
    record = {"artifact": artifact.to_json(), "facts": dict(facts or {})}
    (folder / ARTIFACT_FILE).write_text(json.dumps(record, indent=1, sort_keys=True))


def read_artifact(entry: Entry) -> Artifact:
    """The artifact of an entry, its path inside the store."""
    artifact = Artifact.from_json(entry.json(ARTIFACT_FILE)["artifact"])
    return dataclasses.replace(artifact, path=entry.file(artifact.path.name))


def read_facts(entry: Entry) -> dict[str, Any]:
    """What was recorded beside the artifact: accuracy and seconds of a training."""
    return dict(entry.json(ARTIFACT_FILE)["facts"])
