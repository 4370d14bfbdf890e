from __future__ import annotations

import hashlib
import importlib.metadata
import os
import zipfile
from pathlib import Path

import pytest

from converters.devices import wheels
from converters.errors import DiskFullError, UnavailableError


def wheel(folder: Path, name: str, version: str, tag: str, depends: str = "") -> Path:
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", f"tag = {tag!r}\n")
        file.writestr(f"{info}/METADATA", metadata + (f"Requires-Dist: {depends}\n" if depends else ""))
        file.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        file.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture(params=["pip", "uv"])
def index(request, tmp_path, monkeypatch, not_run):
    """A folder of wheels in the place of a package index, for each installer that is here."""
    programs = [program for program in wheels._programs() if (Path(program[0]).stem == "uv") == (request.param == "uv")]
    monkeypatch.setattr(wheels, "_programs", lambda: iter(programs))
    try:
        wheels._installer("aarch64", (2, 36))
    except UnavailableError:
        not_run(f"needs {request.param}", ci_installs_it=False)
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    return folder


def unpack(folder: Path, **wishes: str) -> set[str]:
    wheels.unpack(wishes, folder, "aarch64", (2, 36), "3.11")
    return {path.name for path in folder.iterdir()}


def test_wheels_of_the_other_machine_come_with_what_they_need(index, tmp_path):
    wheel(index, "farfetched", "1.5", "cp311-cp311-manylinux_2_27_x86_64")
    wheel(index, "farfetched", "1.5", "cp311-cp311-manylinux_2_28_aarch64", depends="leaning")
    wheel(index, "leaning", "0.1", "py3-none-any")
    found = unpack(tmp_path / "to", farfetched="1.5")
    assert {"farfetched.py", "leaning.py", "farfetched-1.5.dist-info"} <= found
    assert "aarch64" in (tmp_path / "to" / "farfetched.py").read_text()
    assert ".lock" not in found


def test_needs_come_in_this_environment_s_version(index, tmp_path):
    here = importlib.metadata.version("filelock")
    wheel(index, "farfetched", "1.5", "cp311-cp311-manylinux2014_aarch64", depends="filelock")
    for version in ("0.0.1", here, "999.0"):
        wheel(index, "filelock", version, "py3-none-any")
    found = unpack_unhashed(tmp_path, farfetched="1.5")
    assert f"filelock-{here}.dist-info" in found


def unpack_unhashed(tmp_path: Path, **wishes: str) -> set[str]:
    lock, wheels.LOCK = wheels.LOCK, tmp_path / "none.lock"
    try:
        return unpack(tmp_path / "to", **wishes)
    finally:
        wheels.LOCK = lock


def test_what_is_not_what_the_lock_knows_is_refused(index, tmp_path, monkeypatch):
    here = importlib.metadata.version("filelock")
    theirs = wheel(index, "filelock", here, "py3-none-any")
    lock = tmp_path / "all.lock"
    monkeypatch.setattr(wheels, "LOCK", lock)
    lock.write_text(f"filelock=={here} \\\n    --hash=sha256:{'0' * 64}\nother==1 \\\n    --hash=sha256:{'1' * 64}\n")
    with pytest.raises(UnavailableError, match="wheels for aarch64 cannot be installed: "):
        unpack(tmp_path / "to", filelock=here)
    digest = hashlib.sha256(theirs.read_bytes()).hexdigest()
    lock.write_text(f"filelock=={here} \\\n    --hash=sha256:{digest}\n")
    assert "filelock.py" in unpack(tmp_path / "to", filelock=here)


def test_what_the_lock_does_not_know_is_installed_all_the_same(index, tmp_path, monkeypatch):
    here = importlib.metadata.version("filelock")
    wheel(index, "filelock", here, "py3-none-any")
    ours = wheel(index, "farfetched", "1.5", "cp311-cp311-manylinux2014_aarch64", depends="filelock")
    monkeypatch.setattr(wheels, "LOCK", tmp_path / "all.lock")
    wheels.LOCK.write_text(f"farfetched==1.5 --hash=sha256:{hashlib.sha256(ours.read_bytes()).hexdigest()}\n")
    assert {"farfetched.py", "filelock.py"} <= unpack(tmp_path / "to", farfetched="1.5")


def test_a_wheel_that_is_not_for_that_machine_is_named(index, tmp_path):
    wheel(index, "farfetched", "1.5", "cp311-cp311-manylinux_2_27_x86_64")
    with pytest.raises(UnavailableError, match=r"wheels for aarch64 cannot be installed: .*farfetched.*network"):
        unpack(tmp_path / "to", farfetched="1.5")


def fake(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_a_full_disk_is_one(tmp_path, monkeypatch):
    bin = tmp_path / "bin"
    fake(
        bin, "pip3", '[ "$1" = --version ] && echo pip 25.0 && exit\necho "[Errno 28] No space left on device"; exit 1'
    )
    monkeypatch.setattr(wheels.sys, "executable", str(tmp_path / "none"))
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", f"{bin}:/usr/bin:/bin")
    monkeypatch.setattr(wheels, "PROJECT", tmp_path)
    monkeypatch.setattr(wheels.shutil, "which", lambda _: None)
    with pytest.raises(DiskFullError, match="no space is left"):
        unpack(tmp_path / "to", numpy="2.0")


def test_neither_pip_nor_uv_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(wheels.sys, "executable", str(tmp_path / "none"))
    monkeypatch.setattr(wheels, "PROJECT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    with pytest.raises(UnavailableError, match="pip or uv, and neither is here"):
        unpack(tmp_path / "to", numpy="2.0")
