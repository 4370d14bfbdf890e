"""Core ML itself, which is a part of macOS: on the CPU, the GPU and the Neural Engine of this Mac."""

from __future__ import annotations

import platform
import sys

from converters.device import Device

UNITS = {"cpu": "CPU_ONLY", "gpu": "CPU_AND_GPU", "ane": "CPU_AND_NE"}
"""Name of a device -> `coremltools.ComputeUnit`; what the GPU or the Neural Engine does not take, the CPU does."""
OLDEST = 14
"""Of macOS: it runs files for iOS 17, which the converters write."""


def devices() -> tuple[Device, ...]:
    """The CPU, the GPU and the Neural Engine of a Mac that is new enough; elsewhere what is missing."""
    remedy = f"run it on a Mac with macOS {OLDEST} or newer; the interpreter `coreml-mil` runs here"
    if sys.platform != "darwin":
        return (Device("", missing=f"needs macOS, and this is {platform.system()}", remedy=remedy),)
    version = platform.mac_ver()[0]
    if int(version.partition(".")[0] or 0) < OLDEST:
        return (Device("", missing=f"needs macOS {OLDEST}, and this is macOS {version}", remedy=remedy),)
    return tuple(Device(name, version=f"macOS {version}") for name in UNITS)
