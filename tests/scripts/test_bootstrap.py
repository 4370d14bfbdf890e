"""The environment's installer, on a fake uv that writes down what it is asked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import bootstrap

REPOSITORY = bootstrap.ROOT
LOCKS = [f"{name}.lock" for name in bootstrap.SETS]

FAKE_UV = """#!/bin/sh
if [ "$1" = --version ]; then echo "uv 0.13.9 (fake)"; exit 0; fi
echo "$* backend=${UV_TORCH_BACKEND:-none}" >> calls
if [ "$1" = venv ]; then rm -rf .venv; mkdir -p .venv/bin; : > .venv/bin/python; fi
if [ -e fail ] && [ "$2" = sync ]; then exit 3; fi
exit 0
"""


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with locks, targets and a fake uv, and nothing installed."""
    root = tmp_path / "checkout"
    shutil.copytree(REPOSITORY / "requirements", root / "requirements")
    shutil.copytree(REPOSITORY / "configs", root / "configs")
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    monkeypatch.setenv("UV", str(executable(tmp_path / "bin" / "uv", FAKE_UV)))
    monkeypatch.delenv("UV_TORCH_BACKEND", raising=False)
    return root


def calls(root: Path) -> list[str]:
    """What uv was asked since the last look."""
    path = root / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def test_installs_the_lock_with_hashes_and_then_the_project(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main(["--set", "torch"], root) == 0
    venv, sync, project = calls(root)
    assert venv.startswith("venv --quiet --clear --python ")
    assert sync == "pip sync --require-hashes --python .venv/bin/python requirements/torch.lock backend=none"
    assert "--no-deps --no-build-isolation" in project
    assert project.endswith("--editable . backend=none")
    assert {path.name for path in (root / ".venv").glob(".ready-*")} == {".ready-core", ".ready-torch"}
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "[setup] making .venv (torch: up to 5.2 GB" in captured.err


def test_the_second_time_nothing_is_installed(root: Path) -> None:
    bootstrap.main(["--set", "dev"], root)
    calls(root)
    for name in bootstrap.SETS:
        assert bootstrap.main(["--set", name], root) == 0
    assert calls(root) == []


def test_a_changed_lock_is_installed_into_the_same_environment(root: Path) -> None:
    bootstrap.main(["--set", "core"], root)
    calls(root)
    with (root / "requirements" / "core.lock").open("a") as lock:
        lock.write("# changed\n")
    assert bootstrap.main(["--set", "core"], root) == 0
    assert [line.split()[1] for line in calls(root)] == ["sync", "install"]


def test_the_other_framework_joins_and_does_not_replace(root: Path) -> None:
    bootstrap.main(["--set", "torch"], root)
    bootstrap.main(["--set", "tensorflow"], root)
    assert "requirements/all.lock" in calls(root)[-2]
    assert (root / ".venv" / ".ready-torch").exists()


@pytest.mark.parametrize(
    ("installed", "wanted", "served"),
    [
        ("", "core", "core"),
        ("core", "torch", "torch"),
        ("torch", "core", "torch"),
        ("torch", "tensorflow", "all"),
        ("all", "dev", "dev"),
        ("dev", "torch", "dev"),
    ],
)
def test_join(installed: str, wanted: str, served: str) -> None:
    assert bootstrap.join(installed, wanted) == served


def test_an_interrupted_installation_is_started_afresh(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "fail").touch()
    assert bootstrap.main(["--set", "all"], root) == bootstrap.UNAVAILABLE
    assert re.search(r"error: `uv pip sync .*` failed with exit code 3; its message is above", capsys.readouterr().err)
    assert not list((root / ".venv").glob(".ready-*"))
    (root / "fail").unlink()
    calls(root)
    assert bootstrap.main(["--set", "all"], root) == 0
    assert calls(root)[0].startswith("venv ")
    assert ".venv was not finished; it is made afresh" in capsys.readouterr().err


def test_a_damaged_state_file_is_an_unfinished_environment(root: Path) -> None:
    bootstrap.main(["--set", "core"], root)
    calls(root)
    (root / ".venv" / bootstrap.STATE).write_text("{")
    assert bootstrap.main(["--set", "core"], root) == 0
    assert calls(root)[0].startswith("venv ")


def test_another_torch_build_is_installed_by_version_and_the_rest_by_hash(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_TORCH_BACKEND", "cpu")
    assert bootstrap.main(["--set", "torch"], root) == 0
    _, sync, torch, _ = calls(root)
    assert "--require-hashes" in sync
    assert sync.endswith(".tools/torch-without-torch.lock backend=none")
    assert re.search(r"install --no-deps --python \S+ torch==2\.\S+ backend=cpu$", torch)
    assert (root / ".venv" / ".ready-torch-cpu").exists()


def test_the_lock_without_torch_keeps_all_that_is_not_cuda() -> None:
    lock = (REPOSITORY / "requirements" / "torch.lock").read_text()
    rest, version = bootstrap.without_torch(lock)
    names = re.compile(r"^([a-z][\w.-]*)==", flags=re.MULTILINE)
    gone = set(names.findall(lock)) - set(names.findall(rest))
    assert re.fullmatch(r"2\.\d+\.\d+", version)
    assert "torch" in gone
    assert all(name == "torch" or name.startswith(("nvidia-", "cuda-")) for name in gone)
    assert {"torchao", "litert-torch", "numpy"} <= set(names.findall(rest))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "tflit"], r"there is no target 'tflit'; choose one:\n  make export TARGET=tflite"),
        (["--target", "tflite,xyz"], "there is no target 'xyz'"),
        (["--target", ""], "TARGET is not given; choose one:"),
        (["--target", "onnx", "--framework", "jax"], "there is no framework 'jax'; FRAMEWORK is one of torch"),
    ],
)
def test_what_does_not_exist_is_refused_before_anything_is_installed(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert bootstrap.main(["--set", "all", *arguments], root) == bootstrap.USAGE
    assert re.search(message, capsys.readouterr().err)
    assert calls(root) == []
    assert not (root / ".venv").exists()


def test_too_little_disk_is_told_before_anything_is_installed(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bootstrap.SETS, "all", (bootstrap.SETS["all"][0], 1e9))
    assert bootstrap.main(["--set", "all"], root) == bootstrap.WORKSPACE
    assert re.search(r"needs 1e\+09 GB, .* has \d+\.\d GB free; free some", capsys.readouterr().err)
    assert calls(root) == []


def test_a_uv_that_does_not_work_is_not_used(tmp_path: Path) -> None:
    shim = executable(tmp_path / "uv", "#!/bin/sh\necho 'no version of uv is set' >&2\nexit 127\n")
    old = executable(tmp_path / "old" / "uv", "#!/bin/sh\necho 'uv 0.4.1'\n")
    good = executable(tmp_path / "good" / "uv", FAKE_UV)
    assert [bootstrap.uv_works(str(path)) for path in (shim, old, good, tmp_path / "none")] == [
        False,
        False,
        True,
        False,
    ]


def test_uv_is_fetched_by_the_first_pip_that_works(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = executable(tmp_path / "pip1", "#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    pip = executable(
        tmp_path / "pip2",
        '#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" = --target ] && to=$2; shift; done\n'
        f'mkdir -p "$to/bin"; cp "{tmp_path}/bin/uv" "$to/bin/uv"\n',
    )
    monkeypatch.setenv("UV", "")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    monkeypatch.setattr(bootstrap, "pips", lambda root: iter([[str(broken)], [str(pip)]]))
    assert bootstrap.find_uv(root) == str(root / ".tools" / "uv" / "bin" / "uv")
    assert not (root / ".tools" / "uv.new").exists()
    monkeypatch.setattr(bootstrap, "pips", lambda root: pytest.fail("fetched twice"))
    assert bootstrap.find_uv(root).startswith(str(root))


def test_no_pip_at_all_is_one_clear_message(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = executable(tmp_path / "pip1", "#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    monkeypatch.setenv("UV", "")
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    monkeypatch.setattr(bootstrap, "pips", lambda root: iter([[str(broken)]]))
    with pytest.raises(bootstrap.SetupError, match=r"(?s)tried\n  .*pip1: No module named pip\nInstall uv, or pip"):
        bootstrap.find_uv(root)


def test_two_at_once_install_once(root: Path, tmp_path: Path) -> None:
    slow = FAKE_UV.replace('exit 0\n"""', "").replace('if [ "$1" = venv ]', 'sleep 0.3\nif [ "$1" = venv ]')
    executable(tmp_path / "bin" / "uv", slow)
    code = (
        "import sys; from pathlib import Path; from scripts import bootstrap;"
        f"sys.exit(bootstrap.main(['--set', 'core'], Path({str(root)!r})))"
    )
    running = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert len(calls(root)) == 3
    assert sum("another process is making the environment; waiting" in text for text in said) == 1


def test_where_uv_is_can_be_asked(root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert bootstrap.main(["--uv"], root) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'bin' / 'uv'}\n"


def test_the_state_says_what_is_installed(root: Path) -> None:
    bootstrap.main(["--set", "core"], root)
    state = json.loads((root / ".venv" / bootstrap.STATE).read_text())
    assert state == bootstrap.fingerprint(root, "core", "")


def test_what_every_command_loads_is_compiled_where_python_may_write_no_bytecode(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    rich = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "rich"
    for folder in (rich, tmp_path / "pipeline"):
        folder.mkdir(parents=True)
        (folder / "module.py").write_text("x = 1\n")
    bootstrap.compile_core(tmp_path)
    assert list(rich.rglob("*.pyc"))
    assert list((tmp_path / "pipeline").rglob("*.pyc"))


def test_an_environment_without_python_compiles_nothing(tmp_path):
    bootstrap.compile_core(tmp_path)
    assert not list(tmp_path.rglob("*.pyc"))
