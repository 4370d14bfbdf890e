from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from converters.errors import DiskFullError, WorkspaceError
from pipeline.store import Store, digest, disk_errors, file_sha256, write_atomic


def fill_with(text):
    def fill(folder):
        (folder / "sub").mkdir()
        (folder / "sub" / "value.txt").write_text(text)
        return 0.5

    return fill


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def store(tmp_path, warnings):
    return Store(tmp_path, warnings.append)


def test_an_entry_is_found_again_by_another_store(store, tmp_path):
    store.add("k" * 64, {"a": "1"}, fill_with("hello"))
    entry = Store(tmp_path).find("k" * 64)
    assert entry.file("sub/value.txt").read_text() == "hello"
    assert entry.ingredients == {"a": "1"}
    assert entry.seconds == 0.5


@pytest.mark.parametrize("damage", ["change", "truncate", "delete", "no record", "broken record"])
def test_a_damaged_entry_is_said_removed_and_made_anew(store, tmp_path, warnings, damage):
    folder = store.add("k" * 64, {}, fill_with("hello")).folder
    value = folder / "sub" / "value.txt"
    {
        "change": lambda: value.write_text("hellO"),
        "truncate": lambda: value.write_text(""),
        "delete": value.unlink,
        "no record": (folder / "entry.json").unlink,
        "broken record": lambda: (folder / "entry.json").write_text("{"),
    }[damage]()
    fresh = Store(tmp_path, warnings.append)
    assert fresh.find("k" * 64) is None
    assert "damaged" in warnings[0]
    assert not folder.exists()
    assert fresh.add("k" * 64, {}, fill_with("hello")).file("sub/value.txt").read_text() == "hello"


def test_a_failing_fill_leaves_nothing(store, tmp_path):
    def fill(folder):
        (folder / "half").write_text("x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add("k" * 64, {}, fill)
    assert store.find("k" * 64) is None
    assert not list(tmp_path.rglob("half"))


def test_a_killed_fill_leaves_nothing_that_is_found(tmp_path):
    code = (
        "import os, sys, pathlib; from pipeline.store import Store\n"
        f"store = Store(pathlib.Path({str(tmp_path)!r}))\n"
        "def fill(folder):\n"
        "    (folder / 'half').write_text('x'); os.kill(os.getpid(), 9)\n"
        "store.add('k' * 64, {}, fill)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    store = Store(tmp_path)
    assert store.find("k" * 64) is None
    assert list(tmp_path.rglob("half"))
    store.clear_temporary()
    assert not list(tmp_path.rglob("half"))


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(store, tmp_path):
    def fill(folder):
        (folder / "big").write_bytes(b"x" * 4_000_000)
        return 0.0

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, old[1]))
    try:
        with pytest.raises(DiskFullError, match="no space is left .* what was finished is kept"):
            store.add("k" * 64, {}, fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert store.find("k" * 64) is None
    assert not list(tmp_path.rglob("big"))


def test_writing_atomically_keeps_the_old_bytes_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(DiskFullError):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot write .*file"), disk_errors(tmp_path / "file"):
        (tmp_path / "file" / "folder").mkdir()


def test_last_remembers_what_a_task_was_made_from(store):
    assert store.last("convert x") is None
    store.remember("convert x", {"recipe": "1"})
    assert store.last("convert x") == {"recipe": "1"}


def test_digest_is_of_the_value_not_of_its_order():
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1}) != digest({"a": 1, "b": [2, 1]})


def test_file_sha256(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    assert file_sha256(tmp_path / "f").startswith("ba7816bf")


def test_drop(store):
    store.add("k" * 64, {}, fill_with("x"))
    store.drop("k" * 64)
    assert store.find("k" * 64) is None
    assert not Path(store.folder("k" * 64)).exists()
