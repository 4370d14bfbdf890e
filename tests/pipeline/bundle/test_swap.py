from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from converters.errors import WorkspaceError
from pipeline.bundle.swap import replacing, require_replaceable, restore


def ours(folder: Path) -> bool:
    return (folder / "mark").exists()


def put(out: Path, text: str) -> None:
    with replacing(out, ours) as folder:
        (folder / "mark").write_text(text)


def folders(parent: Path) -> list[str]:
    return sorted(path.name for path in parent.iterdir() if path.is_dir())


def test_a_new_folder_and_its_successor(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    put(out, "one")
    put(out, "two")
    assert (out / "mark").read_text() == "two"
    assert folders(out.parent) == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_keeps_the_old_one(tmp_path: Path, error: type[BaseException]) -> None:
    put(tmp_path / "out", "one")

    def fail() -> None:
        with replacing(tmp_path / "out", ours) as folder:
            (folder / "mark").write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert (tmp_path / "out" / "mark").read_text() == "one"
    assert folders(tmp_path) == ["out"]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    put(tmp_path / "out", "one")
    assert ours(tmp_path / "out")


def test_a_file_or_a_strange_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "thesis.tex").write_text("x")
    for name in ("file", "strange"):
        with pytest.raises(WorkspaceError, match="is not one of our bundles; it is left alone: choose another --out"):
            put(tmp_path / name, "one")
    assert (tmp_path / "file").read_text() == "x"
    assert (tmp_path / "strange" / "thesis.tex").exists()


def test_a_linked_folder_stays_a_link(tmp_path: Path) -> None:
    put(tmp_path / "real", "one")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    put(tmp_path / "link", "two")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "mark").read_text() == "two"


def test_a_run_killed_between_the_renames_is_mended(tmp_path: Path) -> None:
    put(tmp_path / "out", "one")
    (tmp_path / "out").rename(tmp_path / ".out.old")
    restore(tmp_path / "out")
    assert (tmp_path / "out" / "mark").read_text() == "one"


def test_a_run_killed_after_the_renames_is_tidied(tmp_path: Path) -> None:
    put(tmp_path / "out", "two")
    (tmp_path / ".out.old").mkdir()
    (tmp_path / ".out.new").mkdir()
    put(tmp_path / "out", "three")
    assert folders(tmp_path) == ["out"]


def test_a_killed_process_leaves_the_old_one(tmp_path: Path) -> None:
    put(tmp_path / "out", "one")
    code = (
        "import os, sys; from pathlib import Path; from pipeline.bundle.swap import replacing\n"
        "with replacing(Path(sys.argv[1]), lambda folder: True) as folder:\n"
        "    (folder / 'mark').write_text('half'); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)
    assert done.returncode == -9
    assert (tmp_path / "out" / "mark").read_text() == "one"
    put(tmp_path / "out", "two")
    assert folders(tmp_path) == ["out"]


def test_two_runs_at_once(tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / ".out.lock"),
        pytest.raises(WorkspaceError, match="another run is writing"),
        replacing(tmp_path / "out", ours, wait_s=0.05),
    ):
        pass


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError, match="cannot write"):
        put(tmp_path / "file" / "out", "one")


def test_where_nothing_can_be_put_is_said_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_text("x")
    for out, reason in (
        (tmp_path / "file", "not one of our bundles"),
        (tmp_path / "photos", "not one of our bundles"),
        (tmp_path / "file" / "deep" / "m", "cannot write .*: .*file is a file; choose another --out"),
    ):
        with pytest.raises(WorkspaceError, match=reason):
            require_replaceable(out, ours)
    put(tmp_path / "out", "one")
    for out in (tmp_path / "new" / "deep", tmp_path / "out"):
        require_replaceable(out, ours)
    assert not (tmp_path / "new").exists()
