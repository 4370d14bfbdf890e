"""A sealed environment is made once, whole or not at all, found again, and sees nothing of the main one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from converters import registry
from converters.device import Launch
from converters.devices import cache
from converters.errors import ModelError, UnavailableError
from converters.toolchains import sealed
from converters.toolchains.toolchain import Toolchain
from converters.worker import Worker

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toolchain:
    """One whose only package is a module `only_here`; what is fetched is counted in `fetched` of this module."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    fetched.clear()

    def fetch(lock: Path, folder: Path, python: str, interpreter: str) -> None:
        fetched.append(python)
        (folder / "only_here.py").write_text("import numpy_is_not_here" if "broken" in lock.read_text() else "A = 1")

    monkeypatch.setattr(sealed.wheels, "install_locked", fetch)
    monkeypatch.setattr(sealed, "_ours", lambda: _bare_modules(tmp_path))
    lock = tmp_path / "toolchain.lock"
    lock.write_text("only-here==1.0 \\\n    --hash=sha256:00\n")
    return Toolchain("toy_chain", "A toy", lock, HERE, ("only_here",), "1 KB")


fetched: list[str] = []


def _bare_modules(tmp_path: Path) -> Path:
    """Stand-ins of what a worker imports, for a Python that has no package at all."""
    folder = tmp_path / "ours" / "converters"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("__init__", "worker", "job"):
        (folder / f"{name}.py").write_text("")
    return folder.parent


def test_it_is_made_on_first_use_and_found_again(chain):
    said: list[str] = []
    assert sealed.damage(chain) == cache.ABSENT
    folder = sealed.make(chain, said.append)
    assert (folder / "only_here.py").is_file()
    assert said[0] == f"A toy: installing 1 packages for Python {HERE} (1 KB), once"
    assert sealed.make(chain, said.append) == folder
    assert len(fetched) == 1
    sealed.check(chain)


def test_a_damaged_one_is_found_and_made_anew(chain):
    folder = sealed.make(chain, lambda _: None)
    (folder / "only_here.py").unlink()
    with pytest.raises(UnavailableError, match="toy_chain: only_here.py is missing; `edge-export toolchains build`"):
        sealed.check(chain)
    said: list[str] = []
    assert sealed.make(chain, said.append) == folder
    assert "only_here.py is missing" in said[0]
    sealed.check(chain)


def test_what_does_not_import_is_not_kept(chain):
    chain.lock.write_text("broken==1.0\n")
    with pytest.raises(UnavailableError, match="toy_chain does not import: .*numpy_is_not_here"):
        sealed.make(chain, lambda _: None)
    assert sealed.damage(chain) == cache.ABSENT


def test_another_lock_is_another_environment(chain):
    before = sealed.folder(chain)
    chain.lock.write_text("only-here==1.1\n")
    assert sealed.folder(chain) != before


def test_nothing_of_the_main_environment_is_seen(chain, tmp_path):
    import subprocess

    how = sealed.launch(chain, lambda _: None)
    program = "import only_here\ntry:\n    import numpy\nexcept ImportError:\n    print('sealed')"
    done = subprocess.run([*how.command, "-P", "-c", program], env=dict(how.env), capture_output=True, text=True)
    assert done.stdout.strip() == "sealed", done.stderr


def test_removing_says_whether_there_was_one(chain):
    assert not sealed.remove(chain)
    sealed.make(chain, lambda _: None)
    assert sealed.remove(chain)
    assert sealed.damage(chain) == cache.ABSENT


def test_a_python_that_is_not_here_is_said_with_what_to_do(monkeypatch):
    monkeypatch.setenv("EDGE_EXPORT_PYTHON311", "/nowhere/python")
    with pytest.raises(UnavailableError, match=r"Python 3.11 is needed.*EDGE_EXPORT_PYTHON311=/path/to/python3.11"):
        sealed.interpreter("3.11")
    with pytest.raises(UnavailableError, match=r"Python 2.6 is needed, and none is here"):
        sealed.interpreter("2.6")


def test_our_modules_are_reached_without_what_lies_beside_them():
    assert [item.name for item in sealed._ours().iterdir()] == ["converters"]


def test_a_worker_of_that_name_starts_in_it(chain, monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "toolchains", lambda: (chain,))
    how = registry.launch("toy_chain")
    assert isinstance(how, Launch)
    assert str(sealed.folder(chain)) in how.env["PYTHONPATH"]
    assert registry.launch("elsewhere") == Launch()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["onnx2tf", "onnx_tf"])
def test_a_real_one_runs_our_jobs(name, tmp_path):
    how = registry.launch(name)
    worker = Worker(name, tmp_path / "worker.log", 8 << 30, how)
    (tmp_path / "m.tflite").write_bytes(b"no model")
    try:
        from converters.contract import Format

        with pytest.raises(ModelError, match="is not a TensorFlow Lite file"):
            worker.call("converters.job:inspect", 300, {"path": tmp_path / "m.tflite", "format": Format.TFLITE})
    finally:
        worker.close()
