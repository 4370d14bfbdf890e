"""Brings what runs models in a browser: LiteRT.js by npm, and a Chromium where the machine has none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from converters.devices import browser, cache, debian
from converters.errors import DiskFullError, UnavailableError

NPM_TIMEOUT_S = 600.0
APT_TIMEOUT_S = 1200.0
_NPM = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
_BY_HAND = (
    f"install Chrome or Chromium by your system's own means, or name one with {browser.VARIABLE}, and run this again"
)


def install(say: Callable[[str], None]) -> None:
    """Installs LiteRT.js into the user's cache, a Chromium where none is found, and starts it once.

    Raises:
        UnavailableError: no npm, no network, or no Chromium for this machine; the message says what to do.
        DiskFullError: no space is left.
    """
    folder = cache.make("litertjs", browser.LITERT, lambda place: _build_litert(place, say), say)
    say(f"LiteRT.js {browser.LITERT['@litertjs/core'][0]} is in {folder}")
    found = browser.find_browser()
    if found is None:
        if named := os.environ.get(browser.VARIABLE):
            raise UnavailableError(f"{browser.VARIABLE} names {named}, which is no program: name another or unset it")
        found = _bring_chromium(say)
    offer = browser.ask(found)
    say(f"{offer.version} is at {found.executable}, WebGPU on {offer.adapter or 'nothing: it offers no adapter'}")


def lock_files() -> dict[str, str]:
    """`package.json` and `package-lock.json` by name: versions with integrity, no addresses."""
    versions = {name: version for name, (version, _) in browser.LITERT.items()}
    root = {"name": "edge-export-litertjs", "version": "1.0.0", "dependencies": versions}
    packages = {
        f"node_modules/{name}": {"version": version, "integrity": integrity}
        for name, (version, integrity) in browser.LITERT.items()
    }
    lock = {**root, "lockfileVersion": 3, "requires": True, "packages": {"": root, **packages}}
    del lock["dependencies"]
    return {
        "package.json": json.dumps({**root, "private": True}, indent=1),
        "package-lock.json": json.dumps(lock, indent=1),
    }


def _build_litert(place: Path, say: Callable[[str], None]) -> None:
    if not shutil.which("npm"):
        raise UnavailableError(
            f"npm is not on PATH; it fetches {' and '.join(browser.LITERT)}: install Node.js with npm "
            "(Debian and Ubuntu: apt-get install npm) and run this again"
        )
    for name, text in lock_files().items():
        (place / name).write_text(text, encoding="utf-8")
    say(f"fetching {', '.join(f'{name} {version}' for name, (version, _) in browser.LITERT.items())} by npm")
    _run(_NPM, place, NPM_TIMEOUT_S, "npm cannot fetch LiteRT.js")


def _bring_chromium(say: Callable[[str], None]) -> browser.Browser:
    """By apt where root asks, unpacked into the cache where not."""
    names = ", ".join(browser.CHROMIUM_PACKAGES)
    try:
        if os.geteuid() == 0 and shutil.which("apt-get"):
            say(f"installing {names} by apt-get")
            for action in (("update",), ("install", "-y", "--no-install-recommends", *browser.CHROMIUM_PACKAGES)):
                _run(("apt-get", *action), Path("/"), APT_TIMEOUT_S, f"apt-get cannot {action[0]} {names}")
        else:
            packages = browser.CHROMIUM_PACKAGES
            cache.make("chromium", packages, lambda place: _unpack(packages, place, say), say)
    except UnavailableError as error:
        raise UnavailableError(f"no Chromium could be brought: {error}; {_BY_HAND}") from error
    found = browser.find_browser()
    if found is None:  # Ubuntu's package is an empty one that asks for a snap
        raise UnavailableError(f"the package {names} of this system holds no browser; {_BY_HAND}")
    return found


def _unpack(packages: tuple[str, ...], place: Path, say: Callable[[str], None]) -> None:
    debian.unpack(list(packages), place, say=say)
    if browser.unpacked(place) is None:
        raise UnavailableError(f"the package {', '.join(packages)} of this system holds no browser")


def _run(command: tuple[str, ...], folder: Path, timeout_s: float, what: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{what}: not done after {timeout_s:.0f} s; is the network slow or gone?") from None
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        told = next((line for line in said if "ENOSPC" in line or "No space left" in line), "")
        if told:
            raise DiskFullError(f"{what}: no space is left ({told})")
        raise UnavailableError(f"{what}: {'; '.join(said[-4:]) or f'exit code {done.returncode}'}")
