"""tflite-runtime, where its sealed environment has been made: a device, for it computes under another interpreter."""

from __future__ import annotations

from converters.device import Device
from converters.errors import EdgeExportError
from converters.onnx_tf import NAME, TOOLCHAINS
from converters.toolchains import sealed

PACKAGE = "tflite-runtime"


def devices() -> tuple[Device, ...]:
    """The one of the sealed environment; what would make it where it is not there."""
    (chain,) = TOOLCHAINS
    version = sealed.packages(chain)[PACKAGE]
    wrong = sealed.damage(chain)
    remedy = f"edge-export toolchains build {NAME}"
    if wrong:
        return (Device("", missing=f"toolchain {NAME}: {wrong}", remedy=remedy),)
    try:
        return (Device(version, version=f"{PACKAGE} {version}", launch=sealed.inside(chain, sealed.folder(chain))),)
    except EdgeExportError as error:
        return (Device("", missing=str(error), remedy=remedy),)
