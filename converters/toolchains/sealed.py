"""Makes, finds, checks and removes sealed environments; starts workers in them.

An environment is a folder of unpacked wheels in the user's cache, named by its lock's hash, put on the path of a
Python that sees nothing else (`-s -S`): what the main environment holds cannot leak in. Nothing is fetched once it is
there.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache as memoised
from functools import partial
from pathlib import Path

from converters.device import Launch
from converters.devices import cache, wheels
from converters.digest import digest
from converters.errors import UnavailableError
from converters.toolchains.toolchain import Toolchain

Say = Callable[[str], None]
KIND = "toolchains"
LAYOUT = 1
PROJECT = Path(__file__).resolve().parent.parent.parent
PYTHON_VARIABLE = "EDGE_EXPORT_PYTHON"
"""Followed by the version without its dot (EDGE_EXPORT_PYTHON311): the interpreter to use."""
CHECK_TIMEOUT_S = 300.0
_PINNED = re.compile(r"^([\w.-]+)==([\w.+!-]+)", re.MULTILINE)


def folder(toolchain: Toolchain) -> Path:
    """Where the environment is, or would be."""
    return cache.folder(toolchain.name.replace("_", "-"), _ingredients(toolchain), KIND)


def damage(toolchain: Toolchain) -> str:
    """What is wrong with the environment, in a few words; `cache.ABSENT` where it was never made, empty when whole."""
    return cache.damage(folder(toolchain))


def packages(toolchain: Toolchain) -> dict[str, str]:
    """The version of every package that the lock pins, by name."""
    return dict(_PINNED.findall(toolchain.lock.read_text(encoding="utf-8")))


def make(toolchain: Toolchain, say: Say) -> Path:
    """The environment's folder, made from the lock unless it is there and whole.

    Raises:
        UnavailableError: no such Python, no network, or packages that do not import.
        DiskFullError: no space is left.
    """
    build = partial(_build, toolchain=toolchain, say=say)
    return cache.make(toolchain.name.replace("_", "-"), _ingredients(toolchain), build, say, KIND)


def remove(toolchain: Toolchain) -> bool:
    """Removes the environment; whether there was one."""
    place = folder(toolchain)
    there = place.exists()
    cache.remove(place)
    return there


def launch(toolchain: Toolchain, say: Say) -> Launch:
    """How a worker starts in the environment, which is made first where it is missing or damaged.

    Raises:
        UnavailableError, DiskFullError: as `make`.
    """
    return inside(toolchain, make(toolchain, say))


def check(toolchain: Toolchain) -> None:
    """Imports what the environment is for, in a process of its own.

    Raises:
        UnavailableError: it is missing or damaged, or something does not import.
    """
    wrong = damage(toolchain)
    if wrong:
        raise UnavailableError(f"toolchain {toolchain.name}: {wrong}; `edge-export toolchains build` makes it")
    _import(toolchain, folder(toolchain))


def interpreter(version: str) -> Path:
    """A Python of that version that is no virtual environment's: named by a variable, this one, or one on the PATH.

    Raises:
        UnavailableError: there is none; the message says what to install or to name.
    """
    variable = PYTHON_VARIABLE + version.replace(".", "")
    for candidate in _candidates(version, variable):
        if _version_of(candidate) == version:
            return Path(candidate)
    raise UnavailableError(
        f"Python {version} is needed, and none is here: install it (`uv python install {version}` does), "
        f"or name one with {variable}=/path/to/python{version}"
    )


def _candidates(version: str, variable: str) -> Iterator[str]:
    if named := os.environ.get(variable, ""):
        yield named
        return
    yield _base()
    if found := shutil.which(f"python{version}"):
        yield found
    if uv := wheels.uv():
        done = subprocess.run([uv, "python", "find", version], capture_output=True, text=True, timeout=60)
        if done.returncode == 0:
            yield done.stdout.strip()


def _base() -> str:
    """The Python that this one is, or that its virtual environment was made from."""
    return str(getattr(sys, "_base_executable", sys.executable))


@memoised
def _version_of(python: str) -> str:
    """`3.11` of an interpreter; a virtual environment's says that of the Python that it was made from."""
    if python == _base():
        return "{}.{}".format(*sys.version_info)
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _ingredients(toolchain: Toolchain) -> tuple[object, ...]:
    lock = digest(toolchain.lock.read_text(encoding="utf-8")).hex()
    return LAYOUT, lock, toolchain.python, sys.platform, platform.machine()


def _build(place: Path, toolchain: Toolchain, say: Say) -> None:
    python = interpreter(toolchain.python)
    count = len(packages(toolchain))
    say(f"{toolchain.title}: installing {count} packages for Python {toolchain.python} ({toolchain.size}), once")
    wheels.install_locked(toolchain.lock, place, toolchain.python, str(python))
    say("importing them")
    _import(toolchain, place)


def _import(toolchain: Toolchain, place: Path) -> None:
    how = inside(toolchain, place)
    program = f"import {', '.join((*toolchain.imports, 'converters.worker', 'converters.job'))}; print('imported')"
    try:
        done = subprocess.run(
            [*how.command, "-P", "-c", program],
            env={**os.environ, **how.env},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CHECK_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"toolchain {toolchain.name} does not start: {error}") from error
    if done.returncode or "imported" not in done.stdout:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UnavailableError(f"toolchain {toolchain.name} does not import: {last}")


def inside(toolchain: Toolchain, place: Path) -> Launch:
    """How a worker starts in the environment at `place`, which is there; UnavailableError without its Python."""
    environment = {
        "PYTHONPATH": os.pathsep.join((str(place), str(_ours()))),
        "PYTHONHOME": "",
        "EDGE_EXPORT_TOOLKITS": "",  # other people's modules have their packages in the main environment
        "TF_USE_LEGACY_KERAS": "1",
    }
    return Launch((str(interpreter(toolchain.python)), "-s", "-S"), environment)


def _ours() -> Path:
    """A folder that holds our own modules and nothing of the environment that they are installed in."""
    place = cache.root() / KIND / f"modules-{digest(str(PROJECT)).hex()[:12]}"
    link = place / "converters"
    if not link.is_symlink() or link.resolve() != PROJECT / "converters":
        place.mkdir(parents=True, exist_ok=True)
        fresh = place / f".{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(PROJECT / "converters", target_is_directory=True)
        fresh.replace(link)
    return place
