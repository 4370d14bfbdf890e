from __future__ import annotations

import shutil

import pytest
import sample_bundle

from pipeline.entries import EDITED, read_artifact, read_edited, read_facts, write_artifact
from pipeline.store import Entry, Store, digest


@pytest.fixture
def stored(tmp_path):
    """An entry with an artifact, made as a task makes it, and the artifact as it was given."""
    given = []

    def fill(folder):
        (folder / "net.tflite").write_bytes(b"model")
        given.append(sample_bundle.artifact(folder / "net.tflite", "int8-io", sample_bundle.INT8))
        write_artifact(folder, given[0], {"accuracy": 0.9})
        return 1.0

    return Store(tmp_path / "ws").add(digest("k"), {}, fill), given[0]


def test_the_path_follows_the_entry_from_its_temporary_folder_to_the_store(stored):
    entry, given = stored
    artifact = read_artifact(entry)
    assert not given.path.exists()
    assert artifact.path == entry.folder / "net.tflite"
    assert artifact.path.read_bytes() == b"model"


def test_everything_else_comes_back_as_it_was(stored):
    entry, given = stored
    found = read_artifact(entry)
    assert {**found.to_json(), "path": ""} == {**given.to_json(), "path": ""}
    assert found.signature == sample_bundle.INT8
    assert found.source == sample_bundle.SOURCE


def test_no_machine_path_is_stored_so_that_a_moved_workspace_works(stored, tmp_path):
    entry, _ = stored
    assert str(tmp_path) not in (entry.folder / "artifact.json").read_text()
    shutil.copytree(entry.folder, tmp_path / "elsewhere")
    moved = Entry(tmp_path / "elsewhere", entry.key, {}, 1.0)
    assert read_artifact(moved).path == tmp_path / "elsewhere" / "net.tflite"


def test_facts_stand_beside_the_artifact(stored, tmp_path):
    entry, given = stored
    assert read_facts(entry) == {"accuracy": 0.9}
    shutil.copytree(entry.folder, tmp_path / "plain")
    write_artifact(tmp_path / "plain", given)
    assert read_facts(Entry(tmp_path / "plain", "", {}, 0.0)) == {}


def test_the_float_file_of_a_recipe_that_changed_weights_stands_for_the_one_before(stored):
    entry, given = stored
    assert read_edited(entry, given) is None
    (entry.folder / f"net{EDITED}.tflite").write_bytes(b"other weights")
    found = read_edited(entry, given)
    assert found is not None
    assert found.path.read_bytes() == b"other weights"
    assert found.signature == given.signature
