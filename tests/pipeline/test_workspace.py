from __future__ import annotations

import json
import subprocess
import sys

import pytest

from converters.errors import WorkspaceError
from pipeline.workspace import open_workspace


def nobody(message):
    raise AssertionError(message)


def test_a_second_run_is_told_who_is_at_work(tmp_path):
    with open_workspace(tmp_path / "w", "edge-export run", nobody):
        code = (
            "import pathlib; from pipeline.workspace import open_workspace\n"
            "with open_workspace(pathlib.Path('w'), 'x', print): pass"
        )
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert "another run is using the workspace" in other.stderr
        assert "edge-export run" in other.stderr
        assert "--workspace OTHER" in other.stderr
    with open_workspace(tmp_path / "w", "again", nobody) as store:
        assert json.loads((store.root / "owner.json").read_text())["command"] == "again"


def test_the_lock_of_a_killed_run_does_not_last(tmp_path):
    code = (
        "import os, pathlib; from pipeline.workspace import open_workspace\n"
        f"with open_workspace(pathlib.Path({str(tmp_path)!r}), 'x', print) as store:\n"
        "    (store.root / 'tmp').mkdir(); (store.root / 'tmp' / 'half').write_text('x'); os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with open_workspace(tmp_path, "next", nobody):
        assert not (tmp_path / "tmp").exists()


def test_a_place_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError, match="cannot write"), open_workspace(tmp_path / "file", "x", nobody):
        pass


def test_somebodys_folder_is_no_workspace_and_loses_nothing(tmp_path):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "thesis.tex").write_text("x")
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    with (
        pytest.raises(WorkspaceError, match="holds other files and is no workspace .* --workspace"),
        open_workspace(tmp_path, "run", nobody),
    ):
        pass
    assert (tmp_path / ".gitignore").read_text() == "*.pyc\n"
    assert (tmp_path / "tmp" / "thesis.tex").exists()


def test_a_used_workspace_and_an_empty_folder_are_taken(tmp_path):
    for _ in range(2):
        with open_workspace(tmp_path / "w", "run", nobody) as store:
            store.add("ab" * 32, {}, lambda folder: 0.0)
            store.remember("task", {})
