"""The GPU as ONNX Runtime reaches it: by its WebGPU plug-in and Vulkan, or by a build for CUDA, DirectML or Core ML.

Told from the installed distributions; none is loaded.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import sys
from pathlib import Path

from converters.device import Device, Launch

WEBGPU = "onnxruntime-ep-webgpu"
REMEDY = f"pip install {WEBGPU}; for CUDA, onnxruntime-gpu in the place of onnxruntime"
NVIDIA_DEVICE = Path("/dev/nvidiactl")
PROVIDERS = {"CUDA": "CUDAExecutionProvider", "DirectML": "DmlExecutionProvider", "CoreML": "CoreMLExecutionProvider"}
"""ONNX Runtime's own names, by ours; a GPU of any other name is reached by the WebGPU plug-in."""
WEBGPU_PROVIDER = "WebGpuExecutionProvider"
_FIND_BY_VULKAN = {"ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER": "1"}  # its own search misses GPUs without a screen, too


def devices() -> tuple[Device, ...]:
    """The GPUs that the installed ONNX Runtime can use, or one Device that says why there is none."""
    from converters.devices import gpu  # not where workers take the names above: an emulated one has less installed

    found: list[Device] = []
    if version := _version("onnxruntime-gpu"):
        missing = "" if NVIDIA_DEVICE.exists() else f"onnxruntime-gpu {version} is for NVIDIA GPUs, and none is here"
        found.append(Device("" if missing else "CUDA", missing, version=f"onnxruntime-gpu {version}"))
    if version := _version("onnxruntime-directml"):
        found.append(Device("DirectML", version=f"onnxruntime-directml {version}"))
    if sys.platform == "darwin" and (version := _version("onnxruntime")):
        found.append(Device("CoreML", version=f"onnxruntime {version}"))
    if version := _version(WEBGPU):
        found += [_by_webgpu(device, version) for device in gpu.devices()]
    here = tuple(device for device in found if not device.missing)
    return here or tuple(found[:1]) or (Device("", "ONNX Runtime has no GPU execution provider here", REMEDY),)


def _by_webgpu(device: Device, version: str) -> Device:
    if device.missing:
        return device
    launch = Launch(device.launch.command, {**device.launch.env, **_FIND_BY_VULKAN})
    return dataclasses.replace(device, version=f"{device.version}, {WEBGPU} {version}", launch=launch)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
