from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from converters.devices import gpu, vulkan
from converters.devices.vulkan import Gpu, probe


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable in vulkan.DRIVER_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    vulkan._probe.cache_clear()
    yield
    vulkan._probe.cache_clear()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that stands in for the one that asks the loader."""
    path = tmp_path / "ask.py"
    monkeypatch.setattr(vulkan, "PROGRAM", path)
    return path


def test_what_the_loader_says(program: Path) -> None:
    program.write_text(
        'print("a driver talks")\nprint(\'vulkan:{"gpus": [{"name": "Arc", "kind": "discrete", "driver": "1.2.3"}], '
        '"problem": "", "loader": true}\')'
    )
    found = probe({})
    assert found.gpus == (Gpu("Arc", "discrete", "1.2.3"),)
    assert (found.problem, found.loader) == ("", True)


def test_it_is_asked_once_for_the_same_environment(program: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    program.write_text(
        f'open({str(log)!r}, \'a\').write(\'x\'); print(\'vulkan:{{"gpus": [], "problem": "", "loader": true}}\')'
    )
    probe({}), probe({}), probe({"VK_DRIVER_FILES": "/other.json"})
    assert log.read_text() == "xx"


def test_a_driver_that_crashes(program: Path) -> None:
    program.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert probe({}).problem == "the Vulkan driver died of SIGSEGV when it was asked for its devices"


def test_a_driver_that_ends_the_process(program: Path) -> None:
    program.write_text("raise SystemExit(3)")
    assert probe({}).problem.startswith("the Vulkan driver died of exit code 3")


def test_a_driver_that_hangs(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(vulkan, "TIMEOUT_S", 0.3)
    assert probe({}).problem == "the Vulkan driver did not answer within 0 s"


def test_no_loader(tmp_path: Path) -> None:
    found = probe({"LD_LIBRARY_PATH": str(tmp_path)})
    if found.loader:
        assert found.gpus or found.problem  # this machine has one of its own
    else:
        assert found.problem.startswith("no Vulkan loader (libvulkan.so.1")


def test_a_loader_that_is_no_library(tmp_path: Path) -> None:
    (tmp_path / vulkan.LOADER).write_text("not a library")
    found = probe({"LD_LIBRARY_PATH": str(tmp_path)})
    assert not found.loader
    assert "no Vulkan loader" in found.problem


@pytest.mark.parametrize(
    ("number", "vendor", "text"),
    [
        (5 << 22, 0x1AE0, "5.0.0"),
        ((24 << 22) | (2 << 12) | 8, 0x8086, "24.2.8"),
        ((570 << 22) | (124 << 14) | (6 << 6), 0x10DE, "570.124.6"),
    ],
)
def test_driver_versions_are_read_as_their_makers_write_them(number: int, vendor: int, text: str) -> None:
    assert vulkan._version(number, vendor) == text


@pytest.fixture
def swiftshader(user_cache: Path, not_run: object) -> dict[str, str]:
    """What a process needs for the installed software GPU."""
    if not (gpu.installed() / gpu.DRIVER).exists():
        not_run(f"needs the software GPU: {gpu.INSTALL}")  # type: ignore[operator]
    return gpu.swiftshader_environment(gpu.installed())


def test_the_installed_software_gpu_answers(swiftshader: dict[str, str]) -> None:
    found = probe(swiftshader)
    assert [g.kind for g in found.gpus] == ["software"], found
    assert found.gpus[0].name.startswith("SwiftShader")


def test_a_driver_file_that_points_nowhere(swiftshader: dict[str, str]) -> None:
    found = probe({**swiftshader, **dict.fromkeys(vulkan.DRIVER_VARIABLES, "/nowhere.json")})
    assert found.loader
    assert "finds no driver" in found.problem
    assert "/nowhere.json" in found.problem


def test_a_driver_whose_library_is_gone(swiftshader: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "icd.json"
    file.write_text('{"file_format_version": "1.0.0", "ICD": {"library_path": "./gone.so", "api_version": "1.1.0"}}')
    found = probe({**swiftshader, **dict.fromkeys(vulkan.DRIVER_VARIABLES, str(file))})
    assert "finds no driver" in found.problem
