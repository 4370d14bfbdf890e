"""Installs an ARM64 CPU: QEMU, an ARM64 Python and the wheels that it runs, into the cache and without root."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from converters.devices import arm64, cache, debian, sources, wheels
from converters.errors import UnavailableError

Say = Callable[[str], None]
NEWER_RELEASES = {"debian": ("trixie",), "ubuntu": ("resolute",)}
"""Where an older release finds an emulator that is new enough; it is one static program."""
CHECK_TIMEOUT_S = 300.0
IMPORTS = {"ai-edge-litert": "ai_edge_litert.interpreter", "onnxruntime": "onnxruntime"}
ALWAYS_IMPORTED = ("numpy", "safetensors.numpy", "converters.worker", "converters.job", "multiprocessing.connection")


def install(say: Say) -> None:
    """Installs what is missing or damaged, and says each step; nothing where this machine is an ARM64 one.

    Raises:
        UnavailableError: it cannot be had here; the message says why and what would change that.
        DiskFullError: no space is left.
    """
    if arm64.native():
        say("this machine is an ARM64 one: nothing is to be installed")
        return
    if not any(name in arm64.wheels() for name in arm64.TOOLKITS):
        raise UnavailableError(
            f"neither {' nor '.join(arm64.TOOLKITS)} is installed in this environment, so there is nothing that could "
            "run on ARM64; install the toolkits (make setup) and run this again"
        )
    emulator = _emulator(say)
    anew, others = cache.damage(arm64.system_folder()), not cache.damage(arm64.packages_folder())
    cache.make("arm64-python", arm64.system_ingredients(), partial(_build_system, say=say), say)
    build = partial(_build_packages, emulator=emulator, say=say)
    packages = cache.make("arm64-packages", arm64.packages_ingredients(), build, say)
    if anew and others:
        _start(packages, emulator, say)
    say(f"ARM64 is ready: {', '.join(arm64.CPUS)} in {cache.root()}")


def _emulator(say: Say) -> Path:
    try:
        return arm64.qemu()[0]
    except UnavailableError:
        if not arm64.emulates() or os.environ.get(arm64.QEMU_VARIABLE):
            raise
    folder = cache.make("qemu", arm64.qemu_ingredients(), partial(_build_qemu, say=say), say)
    return folder / "qemu-aarch64"


def _build_qemu(folder: Path, say: Say) -> None:
    """The one program of Debian's `qemu-user`, from the first suite that has it new enough."""
    distribution, codename = sources.release()
    tried = []
    for suite in (f"{codename}-backports", "", *NEWER_RELEASES.get(distribution, ())):
        unpacked = folder / "unpacked"
        try:
            debian.unpack(["qemu-user"], unpacked, suite=suite, say=say)
            program = unpacked / "usr/bin/qemu-aarch64"
            version = arm64.qemu_version(program)
            if version[0] >= arm64.OLDEST_QEMU:
                program.rename(folder / program.name)
                return
            tried.append(f"{suite or codename} has {'.'.join(map(str, version))}")
        except UnavailableError as error:
            tried.append(str(error))
        finally:
            cache.remove(unpacked)
    raise UnavailableError(
        f"no QEMU >= {arm64.OLDEST_QEMU} was found: {'; '.join(dict.fromkeys(tried))}; or install one and name "
        f"its qemu-aarch64 with {arm64.QEMU_VARIABLE}"
    )


def _build_system(folder: Path, say: Say) -> None:
    debian.unpack(arm64.SYSTEM_PACKAGES, folder, arch="arm64", say=say)
    cache.remove(folder / "usr/share")  # manuals and translations: nothing of it is read
    arm64.interpreter(folder)
    _glibc(folder)


def _build_packages(folder: Path, emulator: Path, say: Say) -> None:
    """The wheels for ARM64 in the versions that this environment has; kept where they can be imported."""
    system, chosen = arm64.system_folder(), arm64.wheels()
    say(f"downloading ARM64 wheels: {', '.join(f'{name} {version}' for name, version in chosen.items())}")
    python = arm64.interpreter(system).name.removeprefix("python")
    wheels.unpack(chosen, folder, "aarch64", _glibc(system), python)
    _start(folder, emulator, say)


def _start(packages: Path, emulator: Path, say: Say) -> None:
    """Imports everything once on the oldest CPU, which leaves the bytecode for the next time."""
    say("importing them under QEMU")
    how = arm64.launch(arm64.CPUS[0], emulator, arm64.system_folder(), packages)
    chosen = arm64.wheels()
    modules = [*ALWAYS_IMPORTED, *(IMPORTS[name] for name in arm64.TOOLKITS if name in chosen)]
    program = f"import {', '.join(modules)}; print('imported')"
    try:
        done = subprocess.run(
            [*how.command, "-P", "-c", program],
            env={**os.environ, **how.env, "PYTHONDONTWRITEBYTECODE": ""},  # compiled now, and not at each start
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CHECK_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"under QEMU, {program!r} was not done after {CHECK_TIMEOUT_S:.0f} s") from error
    if done.returncode or "imported" not in done.stdout:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UnavailableError(f"under {emulator}, {program!r} ended with exit code {done.returncode}: {last}")


def _glibc(system: Path) -> tuple[int, int]:
    """(2, 36): what the C library of an unpacked system says of itself.

    Raises:
        UnavailableError: it has none, or none of GNU.
    """
    for library in system.glob("usr/lib/*/libc.so.6"):
        if said := re.search(rb"GNU C Library [^\n]*version (\d+)\.(\d+)", library.read_bytes()):
            return int(said[1]), int(said[2])
    raise UnavailableError(f"{system} holds no GNU C library")
