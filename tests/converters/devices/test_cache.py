from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from converters.devices import cache
from converters.errors import DiskFullError, UnavailableError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def build(folder: Path) -> None:
    (folder / "bin").mkdir()
    (folder / "bin" / "tool").write_text("#!/bin/sh\n")
    (folder / "bin" / "tool").chmod(0o755)
    (folder / "link").symlink_to("bin/tool")


def test_the_root_is_the_variable_s_else_xdg_s_else_home_s(monkeypatch, tmp_path):
    assert cache.root() == tmp_path / "cache"
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.root() == tmp_path / "xdg" / "edge-export"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.root() == Path.home() / ".cache" / "edge-export"


def test_other_ingredients_are_another_folder(own_cache):
    one = cache.folder("qemu", (1, "a"))
    assert one == cache.folder("qemu", (1, "a")) != cache.folder("qemu", (1, "b"))
    assert one.parent == own_cache / "devices"
    assert one.name.startswith("qemu-")
    with pytest.raises(ValueError, match="cannot name a folder"):
        cache.folder("../qemu", 1)


def test_a_folder_is_built_once():
    built = []

    def count(folder: Path) -> None:
        built.append(folder)
        build(folder)

    place = cache.make("thing", 1, count)
    assert cache.make("thing", 1, count) == place == cache.folder("thing", 1)
    assert len(built) == 1
    assert not built[0].exists()
    assert cache.damage(place) == ""


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda place: (place / "bin" / "tool").unlink(), "bin/tool is missing"),
        (lambda place: (place / "bin" / "tool").write_text("less"), "bin/tool has changed"),
        (lambda place: (place / "bin" / "tool").chmod(0o644), "bin/tool has changed"),
        (lambda place: (place / "contents.json").write_text("{"), "its contents.json cannot be read"),
        (lambda place: (place / "contents.json").write_text("[]"), "its contents.json cannot be read"),
        (lambda place: (place / "contents.json").unlink(), "it has no contents.json"),
    ],
)
def test_a_damaged_folder_is_said_and_built_anew(harm, said):
    place = cache.make("thing", 1, build)
    harm(place)
    assert cache.damage(place) == said
    words: list[str] = []
    assert cache.make("thing", 1, build, words.append) == place
    assert cache.damage(place) == ""
    assert words == [f"{place} is damaged ({said}): it is made anew"]


def test_bytecode_that_comes_later_is_no_damage():
    place = cache.make("thing", 1, build)
    (place / "__pycache__").mkdir()
    (place / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert cache.damage(place) == ""


def test_what_fails_leaves_nothing(own_cache):
    def fail(folder: Path) -> None:
        build(folder)
        (folder / "bin").chmod(0o500)
        raise UnavailableError("no network")

    with pytest.raises(UnavailableError, match="no network"):
        cache.make("thing", 1, fail)
    assert [path.name for path in (own_cache / "devices").iterdir()] in (["thing.lock"], [])
    assert cache.damage(cache.folder("thing", 1)) == cache.ABSENT


def test_a_full_disk_and_a_place_that_cannot_be_written_are_said(own_cache, monkeypatch):
    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(DiskFullError, match="no space is left in .*devices"):
        cache.make("thing", 1, full)
    (own_cache / "file").write_text("")
    monkeypatch.setenv(cache.VARIABLE, str(own_cache / "file"))
    with pytest.raises(UnavailableError, match="cannot be written .*name another with EDGE_EXPORT_CACHE"):
        cache.make("thing", 1, build)


def test_one_builds_and_the_others_wait():
    built = []

    def slow(folder: Path) -> None:
        built.append(1)
        time.sleep(0.2)
        build(folder)

    threads = [threading.Thread(target=cache.make, args=("thing", 1, slow)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert cache.damage(cache.folder("thing", 1)) == ""


def test_a_killed_build_is_no_folder_and_the_next_goes_on(own_cache):
    program = (
        "import os, signal\nfrom converters.devices import cache\n"
        "def build(folder):\n    (folder / 'half').write_text('x')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "cache.make('thing', 1, build)\n"
    )
    subprocess.run([sys.executable, "-c", program], env=dict(os.environ), check=False)
    assert (own_cache / "devices" / f".{cache.folder('thing', 1).name}" / "half").exists()
    assert not (cache.make("thing", 1, build) / "half").exists()
    assert [path.name for path in (own_cache / "devices").glob(".thing*")] == []
