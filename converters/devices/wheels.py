"""Wheels of another architecture, unpacked into a folder by this environment's pip or uv."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from converters.errors import DiskFullError, UnavailableError

PROJECT = Path(__file__).resolve().parent.parent.parent
LOCK = PROJECT / "requirements" / "all.lock"
OLDEST_GLIBC = 17
"""manylinux2014, which is manylinux_2_17, is the oldest that anyone still builds for."""
TIMEOUT_S = 1200.0
_CAUSE_CHARACTERS = 600
_QUIET_PIP = ("--disable-pip-version-check", "--no-compile", "--root-user-action", "ignore")
_PINNED = re.compile(r"([\w.-]+)==([\w.+!-]+)")
_NOT_LOCKED = re.compile(r"Hashes are required|requirements must have their versions pinned")
_HASH = re.compile(r"--hash=\S+")


def unpack(wishes: Mapping[str, str], folder: Path, machine: str, glibc: tuple[int, int], python: str) -> None:
    """Unpacks packages, by name and version, and all that they need into `folder`, to be put on a Python's path.

    What they need comes in the version that this environment has. Hashes are checked where the project's lock has
    them. `machine` is `aarch64`, `python` is `3.11`, `glibc` that of the system which shall import them.

    Raises:
        UnavailableError: no pip and no uv, no network, or no such wheel.
        DiskFullError: no space is left.
    """
    hashes = _hashes()
    done = _run(wishes, folder, machine, glibc, python, hashes)
    if hashes and done.returncode and _NOT_LOCKED.search(done.stderr):  # more is needed than this pip finds locked
        done = _run(wishes, folder, machine, glibc, python, {})
    if done.returncode:
        raise _failure(machine, done.stderr + done.stdout)
    for leftover in ("bin", ".lock"):
        if (folder / leftover).is_dir():
            shutil.rmtree(folder / leftover)
        else:
            (folder / leftover).unlink(missing_ok=True)


def install_locked(lock: Path, folder: Path, python: str, interpreter: str) -> None:
    """Unpacks what a lock pins for this machine into `folder`; every hash is checked. `python` is `3.11`.

    Raises:
        UnavailableError: no pip and no uv, no network, or no such wheel.
        DiskFullError: no space is left.
    """
    wanted = (
        "--quiet",
        "--target",
        str(folder),
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirement",
        str(lock),
    )
    for command in _programs():
        kind = _kind(command)
        if kind == "uv":
            words = [*command, "pip", "install", "--python-version", python, "--python", interpreter, *wanted]
        elif kind == "pip":
            words = [
                *command,
                "install",
                *_QUIET_PIP,
                "--python-version",
                python,
                "--implementation",
                "cp",
                "--no-deps",
                *wanted,
            ]
        else:
            continue
        try:
            done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"{words[0]} was not done after {TIMEOUT_S:.0f} s; try again") from error
        if done.returncode:
            raise _failure("this machine", done.stderr + done.stdout)
        (folder / ".lock").unlink(missing_ok=True)
        return
    raise UnavailableError("wheels are downloaded by pip or uv, and neither is here; install one")


def uv() -> str:
    """A working uv, or nothing."""
    return next((command[0] for command in _programs() if len(command) == 1 and _kind(command) == "uv"), "")


def _run(
    wishes: Mapping[str, str],
    folder: Path,
    machine: str,
    glibc: tuple[int, int],
    python: str,
    hashes: Mapping[tuple[str, str], str],
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory(prefix="edge-export-wheels-") as temporary:
        asked, constraints = Path(temporary) / "asked.txt", Path(temporary) / "constraints.txt"
        for path, versions in ((asked, wishes), (constraints, _installed())):
            lines = (f"{name}=={version} {hashes.get((name, version), '')}\n" for name, version in versions.items())
            path.write_text("".join(lines), encoding="utf-8")
        command = [
            *_installer(machine, glibc),
            *("--quiet", "--target", str(folder), "--python-version", python, "--only-binary", ":all:"),
            *("--constraint", str(constraints), "--requirement", str(asked)),
        ]
        try:
            return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"{command[0]} was not done after {TIMEOUT_S:.0f} s; try again") from error


def _installer(machine: str, glibc: tuple[int, int]) -> list[str]:
    """The command that installs wheels for another machine: this environment's pip, uv, or another pip."""
    newest_first = range(glibc[1], OLDEST_GLIBC - 1, -1)
    platforms = [f"manylinux_{glibc[0]}_{minor}_{machine}" for minor in newest_first] + [f"manylinux2014_{machine}"]
    for_pip = [word for name in platforms for word in ("--platform", name)]
    for_uv = ["--python-platform", f"{machine}-manylinux_{glibc[0]}_{min(glibc[1], 40)}", "--link-mode", "copy"]
    for command in _programs():
        kind = _kind(command)
        if kind == "uv":
            return [*command, "pip", "install", *for_uv]
        if kind == "pip":
            alike = ("--implementation", "cp", "--ignore-requires-python")  # uv, too, takes no upper bound for one
            return [*command, "install", *_QUIET_PIP, *alike, *for_pip]
    raise UnavailableError(f"wheels for {machine} are downloaded by pip or uv, and neither is here; install one")


def _kind(command: list[str]) -> str:
    """`uv` or `pip`, as the program says itself; empty where it does not start."""
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.partition(" ")[0] if done.returncode == 0 else ""


def _programs() -> Iterator[list[str]]:
    yield [sys.executable, "-m", "pip"]
    for uv in (os.environ.get("UV", ""), shutil.which("uv") or "", str(PROJECT / ".tools" / "uv" / "bin" / "uv")):
        if uv:
            yield [uv]
    yield ["pip3"]
    yield ["python3", "-m", "pip"]


def _hashes() -> dict[tuple[str, str], str]:
    """The hashes of each name and version in the project's lock, as pip's options."""
    if not LOCK.is_file():
        return {}
    blocks = re.split(r"^(?=\S)", LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    pinned = [(match, block) for block in blocks if (match := _PINNED.match(block))]
    return {(match[1], match[2]): " ".join(_HASH.findall(block)) for match, block in pinned}


def _installed() -> dict[str, str]:
    """The version of every package that is installed here, but for those built for this machine alone."""
    found = {
        re.sub(r"[-_.]+", "-", package.name).lower(): package.version
        for package in importlib.metadata.distributions()
        if package.name
    }
    return {name: version for name, version in sorted(found.items()) if "+" not in version}


def _failure(machine: str, said: str) -> UnavailableError | DiskFullError:
    if "No space left on device" in said:
        return DiskFullError(f"the wheels for {machine} cannot be unpacked: no space is left; free some and run again")
    words = [line.strip(" ×╰─▶│┌┐└┘") for line in said.splitlines()]
    cause = " ".join(line for line in words if line and not line.startswith("WARNING"))[-_CAUSE_CHARACTERS:]
    return UnavailableError(
        f"the wheels for {machine} cannot be installed: {cause or 'it does not say why'}; see whether the network "
        "and the package index of this machine work"
    )
