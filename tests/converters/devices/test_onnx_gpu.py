from __future__ import annotations

import sys
from pathlib import Path

import pytest

from converters.device import Device, Launch
from converters.devices import gpu, onnx_gpu

H200 = Device("NVIDIA H200", version="driver 570", launch=Launch(env={"LD_LIBRARY_PATH": "/loader"}))
NONE = Device("", "no real GPU", "edge-export devices install gpu")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Installed distributions by name, on Linux, without an NVIDIA device."""
    installed: dict[str, str] = {}
    monkeypatch.setattr(onnx_gpu, "_version", lambda name: installed.get(name, ""))
    monkeypatch.setattr(onnx_gpu, "NVIDIA_DEVICE", tmp_path / "nvidiactl")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(gpu, "devices", lambda: (H200,))
    return installed


def test_a_cpu_build_alone_has_none(machine: dict[str, str]) -> None:
    machine["onnxruntime"] = "1.31.1"
    (device,) = onnx_gpu.devices()
    assert device.missing == "ONNX Runtime has no GPU execution provider here"
    assert "pip install onnxruntime-ep-webgpu" in device.remedy


def test_the_webgpu_plug_in_reaches_what_vulkan_finds(machine: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    machine["onnxruntime-ep-webgpu"] = "0.4.0"
    (device,) = onnx_gpu.devices()
    assert (device.name, device.version) == ("NVIDIA H200", "driver 570, onnxruntime-ep-webgpu 0.4.0")
    assert device.launch.env == {"LD_LIBRARY_PATH": "/loader", "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER": "1"}
    monkeypatch.setattr(gpu, "devices", lambda: (NONE,))
    assert onnx_gpu.devices() == (NONE,)


def test_a_cuda_build_needs_an_nvidia_gpu(machine: dict[str, str], tmp_path: Path) -> None:
    machine["onnxruntime-gpu"] = "1.31.1"
    (device,) = onnx_gpu.devices()
    assert (device.name, device.missing) == ("", "onnxruntime-gpu 1.31.1 is for NVIDIA GPUs, and none is here")
    (tmp_path / "nvidiactl").touch()
    (device,) = onnx_gpu.devices()
    assert (device.name, device.missing, device.emulated) == ("CUDA", "", False)


def test_what_is_here_hides_what_is_missing(machine: dict[str, str]) -> None:
    machine |= {"onnxruntime-gpu": "1.31.1", "onnxruntime-ep-webgpu": "0.4.0"}
    assert [device.name for device in onnx_gpu.devices()] == ["NVIDIA H200"]


@pytest.mark.parametrize(
    ("platform", "distribution", "name"),
    [("win32", "onnxruntime-directml", "DirectML"), ("darwin", "onnxruntime", "CoreML")],
)
def test_other_systems_providers(
    machine: dict[str, str], monkeypatch: pytest.MonkeyPatch, platform: str, distribution: str, name: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    machine[distribution] = "1.24.4"
    assert [device.name for device in onnx_gpu.devices()] == [name]
    assert name in onnx_gpu.PROVIDERS
