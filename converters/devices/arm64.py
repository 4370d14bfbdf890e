"""ARM64: this machine itself where it is one, else the same wheels under QEMU's user mode, on three models of CPU.

QEMU computes what the CPU computes, bit for bit; its seconds say nothing of the CPU's.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from converters.device import Device, Launch
from converters.devices import cache, sources
from converters.errors import UnavailableError

CPUS = ("cortex-a53", "cortex-a76", "max")
"""Old 8.0-A phones; 8.2-A with dot products and float16; all that QEMU knows, SVE and SME included."""
OLDEST_QEMU = 10
QEMU_VARIABLE = "EDGE_EXPORT_QEMU"
INSTALL = "edge-export devices install arm64"
SYSTEM_PACKAGES = ("python3-minimal", "libpython3-stdlib", "libc6", "libstdc++6", "zlib1g")
NEEDED = ("numpy", "safetensors")
TOOLKITS = ("ai-edge-litert", "onnxruntime")
LAYOUT = 1
"""Counts up when the installed folders are made in another way."""
PROJECT = Path(__file__).resolve().parent.parent.parent

_VERSION = re.compile(r"version (\d+)\.(\d+)(?:\.(\d+))?")
_TIMEOUT_S = 20.0


def devices() -> tuple[Device, ...]:
    """The ARM64 CPUs of this machine, real or emulated; one that is missing where there are none."""
    if native():
        return (Device("native", version=platform.platform()),)
    try:
        emulator, version = qemu()
        system = whole(system_folder(), "its ARM64 Python")
        packages = whole(packages_folder(), "what its ARM64 Python imports")
        launches = [(cpu, launch(cpu, emulator, system, packages)) for cpu in CPUS]
    except UnavailableError as error:
        return (Device("", missing=str(error), remedy=INSTALL if emulates() else "", emulated=True),)
    parts = [f"QEMU {version}", *(f"{name} {number}" for name, number in wheels().items())]
    return tuple(Device(cpu, emulated=True, version=", ".join(parts), launch=how) for cpu, how in launches)


def native() -> bool:
    """Whether this machine is an ARM64 one."""
    return platform.machine().lower() in ("aarch64", "arm64")


def emulates() -> bool:
    """Whether QEMU's user mode exists for this system."""
    return sys.platform.startswith("linux")


def launch(cpu: str, emulator: Path, system: Path, packages: Path) -> Launch:
    """How the Python of an unpacked `system` starts on an emulated `cpu`, with its own packages and our modules.

    Raises:
        UnavailableError: the system has no Python.
    """
    path = os.pathsep.join(filter(None, [str(packages), str(PROJECT), os.environ.get("PYTHONPATH", "")]))
    without = [word for name in ("LD_PRELOAD", "LD_LIBRARY_PATH") for word in ("-U", name)]  # those are this machine's
    command = (str(emulator), "-L", str(system), *without, str(interpreter(system)), "-s", "-S")
    environment = {
        "QEMU_CPU": cpu,
        "PYTHONPATH": path,
        "PYTHONHOME": str(system / "usr"),
        "PYTHONPYCACHEPREFIX": "",  # the bytecode lies beside its modules: compiling it anew takes ten seconds
        "EDGE_EXPORT_TOOLKITS": "",  # other people's modules have their packages in this environment
    }
    return Launch(command, environment)


def qemu() -> tuple[Path, str]:
    """The emulator and its version: $EDGE_EXPORT_QEMU, else the system's where new enough, else the installed one.

    Raises:
        UnavailableError: there is none, or only one that is too old; the message says which.
    """
    if not emulates():
        raise UnavailableError(f"QEMU's user mode emulates other CPUs on Linux only, and this is {sys.platform}")
    if named := os.environ.get(QEMU_VARIABLE):
        return Path(named), _new_enough(Path(named), f" (named by {QEMU_VARIABLE})")
    old = ""
    for name in ("qemu-aarch64", "qemu-aarch64-static"):
        if found := shutil.which(name):
            try:
                return Path(found), _new_enough(Path(found))
            except UnavailableError as error:
                old = f"; {error}"
    if cache.damage(qemu_folder()) == cache.ABSENT:
        raise UnavailableError(f"no emulator is here: QEMU's user mode, {OLDEST_QEMU} or newer, is not installed{old}")
    installed = whole(qemu_folder(), "QEMU") / "qemu-aarch64"
    return installed, _new_enough(installed)


def qemu_version(emulator: Path) -> tuple[int, int, int]:
    """The version that an emulator says it has.

    Raises:
        UnavailableError: it does not start, or does not say.
    """
    try:
        command = [str(emulator), "--version"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = error.strerror if isinstance(error, OSError) else f"no answer in {_TIMEOUT_S:g} s"
        raise UnavailableError(f"{emulator} does not start: {reason}") from error
    said = _VERSION.search(done.stdout)
    if done.returncode or not said:
        words = (done.stderr + done.stdout).strip()[:200]
        raise UnavailableError(f"{emulator} does not say its version: {words or f'exit code {done.returncode}'}")
    return int(said[1]), int(said[2]), int(said[3] or 0)


def _new_enough(emulator: Path, where: str = "") -> str:
    version = qemu_version(emulator)
    text = ".".join(map(str, version))
    if version[0] < OLDEST_QEMU:
        raise UnavailableError(
            f"{emulator}{where} is QEMU {text}: needs >= {OLDEST_QEMU}, older ones crash in these runtimes"
        )
    return text


def wheels() -> dict[str, str]:
    """What is installed for ARM64, by name: the versions of this environment, so that both run the same kernels."""
    found = {}
    for name in (*TOOLKITS, *NEEDED):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def qemu_folder() -> Path:
    """Where the installed emulator is, or would be."""
    return cache.folder("qemu", qemu_ingredients())


def system_folder() -> Path:
    """Where the ARM64 C library and Python are, or would be."""
    return cache.folder("arm64-python", system_ingredients())


def packages_folder() -> Path:
    """Where the ARM64 wheels are, or would be."""
    return cache.folder("arm64-packages", packages_ingredients())


def qemu_ingredients() -> tuple[object, ...]:
    """What the emulator's folder depends on."""
    return LAYOUT, OLDEST_QEMU, platform.machine(), sources.release()


def system_ingredients() -> tuple[object, ...]:
    """What the ARM64 Python's folder depends on."""
    return LAYOUT, SYSTEM_PACKAGES, sources.release()


def packages_ingredients() -> tuple[object, ...]:
    """What the folder of wheels depends on."""
    return LAYOUT, tuple(wheels().items()), sources.release()


def interpreter(system: Path) -> Path:
    """The Python of an unpacked system.

    Raises:
        UnavailableError: it has none.
    """
    found = sorted(system.glob("usr/bin/python3.*"))
    if not found:
        raise UnavailableError(f"{system} holds no Python")
    return found[-1]


def whole(folder: Path, what: str) -> Path:
    """The folder of the cache, with every file in it.

    Raises:
        UnavailableError: it is not installed, or damaged.
    """
    wrong = cache.damage(folder)
    if wrong == cache.ABSENT:
        raise UnavailableError(f"{what} is not installed")
    if wrong:
        raise UnavailableError(f"{what} is damaged: {wrong} (in {folder})")
    return folder
