from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

from converters.devices import executorch_gpu


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a make-believe executorch 9.9."""
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "9.9")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libexecutorch.so").write_bytes(b"\x7fELF" + bytes(5000) + b"XnnpackBackend")
    return tmp_path


def test_an_executorch_without_vulkan_is_missing_it(installed: Path) -> None:
    (installed / "lib" / "empty.so").touch()
    (device,) = executorch_gpu.devices()
    assert device.name == ""
    assert device.missing == "the installed ExecuTorch 9.9 is built without VulkanBackend"
    assert "-DEXECUTORCH_BUILD_VULKAN=ON" in device.remedy


def test_one_with_vulkan_is_here(installed: Path) -> None:
    (installed / "lib" / "libbackend.so.1").write_bytes(bytes(99) + b"VulkanBackend" + bytes(99))
    (device,) = executorch_gpu.devices()
    assert (device.name, device.missing, device.version) == ("Vulkan", "", "executorch 9.9")


def test_no_executorch_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (device,) = executorch_gpu.devices()
    assert (device.missing, device.remedy) == ("executorch is not installed", "pip install executorch")
