"""All that is read from a finished APK before it is judged."""

from __future__ import annotations

import re
import subprocess
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from android_demo.packaging import archive, dex, elf, platform
from android_demo.packaging.archive import Entry

BUNDLE = "assets/bundle/"


@dataclass(frozen=True)
class Manifest:
    """The manifest as the system reads it. `extracts` is whether it unpacks the libraries when it installs."""

    package: str
    version: str
    min_sdk: int
    target_sdk: int
    permissions: tuple[str, ...]
    activity: str
    debuggable: bool
    extracts: bool


@dataclass(frozen=True)
class Facts:
    """An APK. `libraries` are by path; what is no library stands there as text, saying why.

    `download_bytes` is every entry as gzip packs it, and `bundle_bytes` what the bundle takes of the file.
    `newer` is what our classes use that the oldest Android lacks, with one class each; None where nobody looked.
    `refusals` are what `zipalign -c -p` and `apksigner verify` had against it.
    """

    name: str
    entries: tuple[Entry, ...]
    libraries: Mapping[str, elf.Library | str]
    natives: tuple[dex.NativeMethod, ...]
    manifest: Manifest
    disk_bytes: int
    download_bytes: int
    bundle_bytes: int
    bundle_download_bytes: int
    refusals: tuple[str, ...]
    newer: Mapping[str, str] | None = None


def read(apk: Path, platforms: tuple[Path, Path] | None = None) -> Facts:
    """Reads the file by our own eyes and by those of Android's tools.

    Args:
        apk: the file.
        platforms: jars of the oldest and of the newest Android, to tell what came between them.

    Raises:
        RuntimeError: a tool is missing, or refuses the file altogether.
    """
    with zipfile.ZipFile(apk) as opened:
        contents = {info.filename: opened.read(info) for info in opened.infolist()}
    entries = tuple(archive.entries(apk))
    packed = {name: len(zlib.compress(data, 6)) for name, data in contents.items()}
    return Facts(
        name=apk.name,
        entries=entries,
        libraries={name: _library(data) for name, data in contents.items() if name.endswith(".so")},
        natives=tuple(dex.native_methods(dex.dump(apk).splitlines())),
        manifest=manifest(
            asked("aapt", "dump", "badging", apk), asked("aapt", "dump", "xmltree", apk, "AndroidManifest.xml")
        ),
        disk_bytes=apk.stat().st_size,
        download_bytes=sum(packed.values()),
        bundle_bytes=sum(entry.compressed for entry in entries if entry.name.startswith(BUNDLE)),
        bundle_download_bytes=sum(size for name, size in packed.items() if name.startswith(BUNDLE)),
        refusals=tuple(
            filter(None, (_refusal("zipalign", "-c", "-p", "4", apk), _refusal("apksigner", "verify", apk)))
        ),
        newer=platform.newer(apk, *platforms) if platforms else None,
    )


def _library(data: bytes) -> elf.Library | str:
    try:
        return elf.read(data)
    except elf.NotALibrary as error:
        return str(error)


def manifest(badging: str, tree: str) -> Manifest:
    """The manifest out of what `aapt dump badging` and `aapt dump xmltree` print."""

    def value(pattern: str, default: str = "") -> str:
        match = re.search(pattern, badging, re.MULTILINE)
        return match[1] if match else default

    return Manifest(
        package=value(r"^package: name='([^']*)'"),
        version=value(r"^package: .*versionName='([^']*)'"),
        min_sdk=int(value(r"^sdkVersion:'(\d+)'", "0")),
        target_sdk=int(value(r"^targetSdkVersion:'(\d+)'", "0")),
        permissions=tuple(re.findall(r"^uses-permission(?:-sdk-23)?: name='([^']*)'", badging, re.MULTILINE)),
        activity=value(r"^launchable-activity: name='([^']*)'"),
        debuggable="application-debuggable" in badging.splitlines(),
        extracts=not re.search(r"extractNativeLibs\S*=\(type 0x12\)0x0$", tree, re.MULTILINE),
    )


def asked(*command: str | Path) -> str:
    """What a tool prints.

    Raises:
        RuntimeError: it is missing or fails; the message says which, and its last words.
    """
    done = _run(command)
    if done.returncode:
        raise RuntimeError(f"{command[0]} refuses {Path(command[-1]).name}: {_last(done)}")
    return done.stdout


def _refusal(*command: str | Path) -> str:
    done = _run(command)
    return f"{command[0]}: {_last(done)}" if done.returncode else ""


def _run(command: tuple[str | Path, ...]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError:
        raise RuntimeError(f"{command[0]} is not installed; to have it: make setup-android") from None


def _last(done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return said[-1] if said else f"exit code {done.returncode}, and not a word"
