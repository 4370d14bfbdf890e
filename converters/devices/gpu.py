"""The GPU that LiteRT can reach by Vulkan: a real one, else the installed software one, SwiftShader.

How the choice is made, and what to do where none is found: docs/devices/gpu.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from converters.device import Device, Launch
from converters.devices import cache
from converters.devices.vulkan import DRIVER_VARIABLES, Found, Gpu, probe

VARIABLE = "EDGE_EXPORT_GPU"
SWIFTSHADER = "SwiftShader"
INSTALL = "edge-export devices install gpu"
INGREDIENTS = ("libvulkan1", "chromium-common", "layout 2")
LOADER, DRIVER, ORIGIN = "libvulkan.so.1", "vk_swiftshader_icd.json", "origin.txt"
"""What the installed folder holds, with the library that the driver's file names beside it, and where it is from."""
REAL = ("discrete", "integrated", "virtual")
_NVIDIA_DEVICE = Path("/dev/nvidiactl")
_MARKS = re.compile(r"\((?:R|TM|C)\)", re.IGNORECASE)
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]|[,\[\]()]")


def devices() -> tuple[Device, ...]:
    """The one GPU that models run on here, or one Device that says why there is none.

    A real GPU is taken before the software one, unless $EDGE_EXPORT_GPU is `SwiftShader`. Drivers that the user
    names himself, by $VK_DRIVER_FILES or $VK_ICD_FILENAMES, are the only ones asked.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted and wanted.lower() != SWIFTSHADER.lower():
        why = f"{VARIABLE} is {wanted!r}, and the only name that it takes is {SWIFTSHADER}"
        return (Device("", why, f"unset {VARIABLE}: a real GPU is found by itself"),)
    if wanted:
        return (_swiftshader("only the software GPU was asked for"),)
    named = next((variable for variable in DRIVER_VARIABLES if os.environ.get(variable)), "")
    if named:
        return (_of_named_driver(named),)
    env, found = _ask()
    real = _best([gpu for gpu in found.gpus if gpu.kind in REAL])
    return (_device(real, env),) if real else (_swiftshader(_why_no_real_one(found)),)


def short_name(driver_name: str) -> str:
    """A driver's name for a device without marks, asides and what would break a runtime's name.

    `NVIDIA H200`, `AMD Radeon RX 6800` of `AMD Radeon RX 6800 (RADV NAVI21)`, `SwiftShader` of any build of it.
    """
    if driver_name.startswith(SWIFTSHADER):
        return SWIFTSHADER
    return " ".join(_ASIDE.sub(" ", _MARKS.sub("", driver_name)).split()) or "GPU"


def installed() -> Path:
    """Where the software GPU and the loader are, once installed."""
    return cache.folder("gpu", INGREDIENTS)


def swiftshader_environment(folder: Path) -> dict[str, str]:
    """What a process needs to find the loader and the software driver of `folder`, and no other driver."""
    return {**_with_loader(folder), **dict.fromkeys(DRIVER_VARIABLES, str(folder / DRIVER))}


def _with_loader(folder: Path) -> dict[str, str]:
    return {"LD_LIBRARY_PATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("LD_LIBRARY_PATH", "")]))}


def _ask() -> tuple[dict[str, str], Found]:
    """What the system's loader finds; where there is none, what ours finds of the system's drivers."""
    found = probe({})
    if found.loader or cache.damage(installed()):
        return {}, found
    env = _with_loader(installed())
    return env, probe(env)


def _of_named_driver(variable: str) -> Device:
    env, found = _ask()
    gpu = _best(list(found.gpus))
    if gpu:
        return _device(gpu, env)
    files = os.environ[variable]
    gone = [file for file in files.split(os.pathsep) if file and not Path(file).exists()]
    why = f"{variable} names {', '.join(gone)}, which is not there" if gone else f"{variable} is {files}"
    remedy = f"unset {variable}, or let it name a driver's JSON file"
    return Device("", f"{why}; {found.problem}", remedy if found.loader else f"{INSTALL} (it brings a Vulkan loader)")


def _swiftshader(why_not_a_real_one: str) -> Device:
    folder = installed()
    wrong = cache.damage(folder)
    if wrong:
        damaged = f"the software GPU in {folder} is damaged ({wrong})"
        software = damaged if folder.exists() else "no software GPU is installed"
        return Device("", f"{why_not_a_real_one}, and {software}", INSTALL)
    env = swiftshader_environment(folder)
    found = probe(env)
    gpu = _best(list(found.gpus))
    if gpu is None:
        why = f"{why_not_a_real_one}, and the software GPU in {folder} does not work: {found.problem}"
        return Device("", why, f"{INSTALL}, after removing that folder")
    return _device(gpu, env, (folder / ORIGIN).read_text(encoding="utf-8"))


def _device(gpu: Gpu, env: Mapping[str, str], origin: str = "") -> Device:
    return Device(
        name=short_name(gpu.name),
        emulated=gpu.kind not in REAL,
        version=", ".join(filter(None, [gpu.name, f"driver {gpu.driver}", origin])),
        launch=Launch(env=env),
    )


def _best(gpus: list[Gpu]) -> Gpu | None:
    """The one that LiteRT takes of several: the fastest kind, the first of those."""
    order = (*REAL, "other", "software")
    return min(gpus, key=lambda gpu: order.index(gpu.kind), default=None)


def _why_no_real_one(found: Found) -> str:
    if _NVIDIA_DEVICE.exists():
        return (
            f"the NVIDIA GPU's Vulkan driver is not reached: {found.problem or 'only software drivers answer'} "
            "(a container needs NVIDIA_DRIVER_CAPABILITIES=all)"
        )
    software = ", ".join(short_name(gpu.name) for gpu in found.gpus)
    return f"no real GPU: {found.problem or f'Vulkan offers only {software}'}"
