"""Brings the software GPU: SwiftShader, as Chromium carries it, and a Vulkan loader. No root, no running browser."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from converters.devices import cache, debian, gpu
from converters.devices.vulkan import probe
from converters.errors import UnavailableError

PACKAGE = "chromium-common"
LIBRARY = "libvk_swiftshader.so"
BROWSERS = (
    *("/opt/google/chrome", "/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/chromium.org/chromium"),
    *("/opt/microsoft/msedge", "/snap/chromium/current/usr/lib/chromium-browser"),
)
"""Where browsers that carry SwiftShader are installed; Ubuntu has no package of it."""


def install(say: Callable[[str], None]) -> None:
    """Installs the software GPU into the user's cache, unless it is there and whole; proves that it answers.

    Raises:
        UnavailableError: no package and no browser here has it, or it does not work on this machine.
    """
    folder = cache.make("gpu", gpu.INGREDIENTS, lambda place: _build(place, say), say)
    found = probe(gpu.swiftshader_environment(folder))
    if not found.gpus:
        raise UnavailableError(f"the software GPU in {folder} does not work on this machine: {found.problem}")
    say(f"{found.gpus[0].name} is in {folder}")


def _build(place: Path, say: Callable[[str], None]) -> None:
    """The loader, the driver's library and the JSON file that names it, side by side in one folder."""
    with tempfile.TemporaryDirectory(prefix="edge-export-gpu-") as temporary:
        unpacked = Path(temporary)
        try:
            versions = debian.unpack(["libvulkan1", PACKAGE], unpacked, say=say, alone=True)
            source = _only(unpacked, f"chromium/{LIBRARY}").parent
            origin = f"{PACKAGE} {versions[PACKAGE]}"
        except UnavailableError as error:
            source = browser_with_swiftshader(BROWSERS, error)
            origin = f"{source}, {(source / LIBRARY).stat().st_size} bytes"
            say(f"taking SwiftShader from {source}")
            debian.unpack(["libvulkan1"], unpacked, say=say, alone=True)
        shutil.copyfile(_only(unpacked / "usr" / "lib", f"*-linux-*/{gpu.LOADER}"), place / gpu.LOADER)
        for name in (LIBRARY, gpu.DRIVER):
            shutil.copyfile(source / name, place / name)
        (place / gpu.ORIGIN).write_text(origin, encoding="utf-8")


def browser_with_swiftshader(folders: Iterable[str], package: UnavailableError) -> Path:
    """The first of the folders that holds SwiftShader.

    Raises:
        UnavailableError: none does; the message says why there is no package either.
    """
    places = (*folders, *sorted(str(path) for path in _playwright().glob("chromium*/chrome-linux*")))
    for folder in map(Path, places):
        if all(os.access(folder / name, os.R_OK) for name in (LIBRARY, gpu.DRIVER)):
            return folder
    raise UnavailableError(
        f"{package}; no installed browser carries {LIBRARY} either: install Chrome or Chromium (not as a snap), "
        "then run this again"
    ) from package


def _playwright() -> Path:
    return Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")


def _only(folder: Path, pattern: str) -> Path:
    found = next(folder.rglob(pattern), None)
    if found is None:
        raise UnavailableError(f"{pattern} is not in the packages that should hold it; their layout has changed")
    return found
