"""The browser as a device: which Chromium there is, what it offers, and where LiteRT.js lies."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters.device import Device
from converters.devices import cache
from converters.devices.chromium import Chromium
from converters.devices.local_server import LocalServer
from converters.errors import EdgeExportError

VARIABLE = "EDGE_EXPORT_CHROMIUM"
NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "msedge", "brave-browser"),
)
PLACES = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
INSTALL = "edge-export devices install browser"
LITERT = {
    "@litertjs/core": (
        "2.5.3",
        "sha512-PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
    ),
    "@litertjs/wasm-utils": (
        "2.5.3",
        "sha512-4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
    ),
}
"""npm packages: version and integrity."""
CHROMIUM_PACKAGES = ("chromium", "chromium-common")

WASM_FLAGS = ("--disable-gpu",)
SOFTWARE_FLAGS = (
    *("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"),
    *("--enable-features=Vulkan", "--use-vulkan=swiftshader"),
)
HARDWARE_FLAGS = ("--enable-unsafe-webgpu", "--enable-features=Vulkan", "--ignore-gpu-blocklist")
_PROBE_S = 10.0
_ADAPTER = """(async () => {
  const adapter = await navigator.gpu?.requestAdapter();
  return adapter && {name: `${adapter.info.vendor} ${adapter.info.architecture}`.trim(),
    software: Boolean(adapter.info.isFallbackAdapter) || adapter.info.architecture === "swiftshader"};
})()"""


@dataclass(frozen=True)
class Browser:
    """A Chromium or Chrome, and what its process needs to start."""

    executable: Path
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Offer:
    """What a browser said when it was started once: its version, and its WebGPU adapter where it has one."""

    version: str
    adapter: str = ""
    software: bool = False
    flags: tuple[str, ...] = ()


def devices() -> tuple[Device, ...]:
    """`wasm`, and `webgpu` where the browser offers it; or one device that says what is missing. Never raises."""
    named = os.environ.get(VARIABLE, "")
    found = find_browser()
    if found is None:
        missing = f"{VARIABLE} names {named}, which is no program" if named else "no Chromium or Chrome was found"
        remedy = f"name another, or: unset {VARIABLE} && {INSTALL}" if named else INSTALL
        return (Device("", missing, remedy),)
    if litert_folder() is None:
        return (Device("", f"LiteRT.js {LITERT['@litertjs/core'][0]} is not installed", INSTALL),)
    try:
        offer = ask(found)
    except EdgeExportError as error:
        return (Device("", str(error), f"install another browser ({INSTALL}) or name one with {VARIABLE}"),)
    version = f"LiteRT.js {LITERT['@litertjs/core'][0]} in {offer.version}"
    wasm = Device("wasm", version=version)
    if not offer.adapter:
        return (wasm,)
    return wasm, Device("webgpu", emulated=offer.software, version=f"{version}, WebGPU on {offer.adapter}")


def find_browser() -> Browser | None:
    """$EDGE_EXPORT_CHROMIUM, else the first Chromium or Chrome of the system, else the one that was installed by us."""
    if named := os.environ.get(VARIABLE):
        program = shutil.which(str(Path(named).expanduser()))
        return Browser(Path(program)) if program else None
    for name in NAMES:
        if program := shutil.which(name):
            return Browser(Path(program))
    for place in PLACES:
        if os.access(place, os.X_OK):
            return Browser(place)
    return unpacked(chromium_folder())


def chromium_folder() -> Path:
    """Where `browser_install` unpacks a Chromium of its own."""
    return cache.folder("chromium", CHROMIUM_PACKAGES)


def unpacked(folder: Path) -> Browser | None:
    """The Chromium of Debian packages unpacked in `folder`, started past its script, with their libraries."""
    program = folder / "usr/lib/chromium/chromium"
    if not os.access(program, os.X_OK):
        return None
    libraries = [*(folder / "usr/lib").glob("*-linux-*"), *(folder / "usr/lib").glob("*-linux-*/pulseaudio")]
    return Browser(program, {"LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries))})


def litert_folder() -> Path | None:
    """The folder that holds LiteRT.js's `core` and `wasm-utils`; None where it is not installed."""
    folder = cache.folder("litertjs", LITERT) / "node_modules/@litertjs"
    whole = all((folder / path).is_file() for path in ("core/dist/index.js", "wasm-utils/dist/bundle.js"))
    return folder if whole else None


def flags_for(accelerator: str) -> tuple[str, ...]:
    """How the browser that was found is started for `wasm` or `webgpu`."""
    found = find_browser()
    return ask(found).flags if accelerator == "webgpu" and found else WASM_FLAGS


def ask(browser: Browser) -> Offer:
    """What the browser offers: asked by starting it (2 s) when it was installed or changed, remembered else.

    Raises:
        UnavailableError: it does not start.
    """
    notes = cache.root() / "devices" / "browser-offer.json"
    key = _key(browser)
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        known = json.loads(notes.read_text(encoding="utf-8"))
        if known.pop("key") == key:
            return Offer(**{**known, "flags": tuple(known["flags"])})
    offer = _ask(browser, HARDWARE_FLAGS) if _has_gpu() else Offer("")
    if not offer.adapter or offer.software:
        offer = _ask(browser, SOFTWARE_FLAGS)
    with contextlib.suppress(OSError):
        notes.parent.mkdir(parents=True, exist_ok=True)
        new = notes.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps({**vars(offer), "key": key}), encoding="utf-8")
        new.replace(notes)
    return offer


def _ask(browser: Browser, flags: tuple[str, ...]) -> Offer:
    chromium = Chromium(browser.executable, flags, browser.env, _PROBE_S)
    server = LocalServer({})
    try:
        page = chromium.page(server.address + server.offer(b"a page", ".html"), _PROBE_S)
        found: dict[str, Any] = page.evaluate(_ADAPTER, _PROBE_S) or {"name": "", "software": False}
        return Offer(chromium.version.replace("/", " "), found["name"], found["software"], flags)
    finally:
        chromium.close()
        server.close()


def _key(browser: Browser) -> str:
    """Changes with the browser's file, with the flags and with what this function asks."""
    state = browser.executable.resolve().stat()
    return repr((str(browser.executable), state.st_mtime_ns, state.st_size, SOFTWARE_FLAGS, HARDWARE_FLAGS, _ADAPTER))


def _has_gpu() -> bool:
    return sys.platform == "darwin" or any(
        any(Path("/dev").glob(pattern)) for pattern in ("dri/renderD*", "nvidia[0-9]*", "dxg")
    )
