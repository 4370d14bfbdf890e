"""Whether the ExecuTorch installed here was built with its Vulkan backend, told from its libraries: none is loaded."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import mmap
from functools import cache
from pathlib import Path

from converters.device import Device

BACKEND = b"VulkanBackend"
_LIBRARIES = ("lib/*.so*", "lib/*.dylib", "extension/pybindings/*.so", "extension/pybindings/*.pyd")
REMEDY = (
    "build ExecuTorch from source with -DEXECUTORCH_BUILD_VULKAN=ON (needs glslc of the Vulkan SDK 1.4.341 or newer), "
    "or run the file in an Android app with an ExecuTorch library that was"
)


def devices() -> tuple[Device, ...]:
    """The GPU as ExecuTorch reaches it, by whatever Vulkan driver is the first; missing without its backend."""
    spec = importlib.util.find_spec("executorch")
    folders = [Path(root) for root in (spec and spec.submodule_search_locations) or ()]
    if not folders:
        return (Device("", missing="executorch is not installed", remedy="pip install executorch"),)
    version = importlib.metadata.version("executorch")
    if not any(_registers(path) for folder in folders for pattern in _LIBRARIES for path in folder.glob(pattern)):
        return (
            Device("", missing=f"the installed ExecuTorch {version} is built without VulkanBackend", remedy=REMEDY),
        )
    return (Device("Vulkan", version=f"executorch {version}"),)


@cache
def _registers(library: Path) -> bool:
    """Whether the name that a backend registers itself by is among the library's bytes."""
    try:
        with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(BACKEND) >= 0
    except (OSError, ValueError):  # gone, not readable, or empty
        return False
