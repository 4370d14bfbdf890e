"""What this machine has, what it lacks and what to do about it. Reads metadata only; imports no toolkit."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline import config
from pipeline.devices import CPU, DeviceRow, device_rows

DISTRIBUTION = "edge-export"
PYTHONS = ((3, 11), (3, 13))  # from, up to: what the locked toolkits have wheels for
FREE_DISK_GB = 2.0
FREE_MEMORY_GB = 4.0

Lookup = Callable[[str], str]
"""The installed version of a distribution, or an empty text."""


class Health(StrEnum):
    """How one finding is."""

    OK = "OK"
    WARNING = "WARNING"  # works, but not as well as it could, or not as tested
    MISSING = "MISSING"  # what needs it is NOT_RUN
    PROBLEM = "PROBLEM"  # exports fail until it is put right


@dataclass(frozen=True)
class DoctorRow:
    """One finding: what was looked at, how it is, what was found and what to do (empty when all is well)."""

    name: str
    health: Health
    found: str
    advice: str = ""


def checks(workspace: Path | None = None) -> tuple[DoctorRow, ...]:
    """Every finding about this machine; `workspace` is where state is written (default: the working folder)."""
    workspace = workspace or Path.cwd()
    requirements = importlib.metadata.requires(DISTRIBUTION) if installed_version(DISTRIBUTION) else None
    return (
        python_row(sys.version_info[:2]),
        *toolkit_rows(requirements or (), installed_version),
        triton_row(installed_version),
        cores_row(),
        memory_row(),
        disk_row(workspace),
        writable_row(workspace),
        *device_health(device_rows(config.load().targets.values())),
    )


def installed_version(distribution: str) -> str:
    """The installed version of a distribution, or an empty text."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def python_row(version: tuple[int, int]) -> DoctorRow:
    """Whether the running Python is one that the locked toolkits were built for."""
    found = ".".join(map(str, version))
    oldest, newest = (".".join(map(str, end)) for end in PYTHONS)
    if version < PYTHONS[0]:
        return DoctorRow("python", Health.PROBLEM, found, f"use Python {oldest} to {newest}: make setup PYTHON=...")
    if version > PYTHONS[1]:
        return DoctorRow("python", Health.WARNING, found, f"the locked toolkits have wheels for {oldest} to {newest}")
    return DoctorRow("python", Health.OK, found)


def pinned(requirements: Iterable[str]) -> dict[str, str]:
    """The exact versions that the extras of the project ask for, by distribution: those known to work together."""
    matches = (re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", text) for text in requirements)
    return {match[1]: match[2] for match in matches if match}


def toolkit_rows(requirements: Iterable[str], version: Lookup) -> tuple[DoctorRow, ...]:
    """Each toolkit's installed version against the one known to work."""
    known = pinned(requirements)
    if not known:
        advice = "install the project: make setup"
        return (DoctorRow("toolkits", Health.WARNING, "edge-export is not installed, so no version is known", advice),)
    return tuple(_toolkit_row(name, wanted, version(name)) for name, wanted in known.items())


def _toolkit_row(name: str, wanted: str, found: str) -> DoctorRow:
    if not found:
        return DoctorRow(name, Health.MISSING, "not installed", f"make setup, or pip install {name}=={wanted}")
    if found.split("+")[0] != wanted:  # 2.13.0+cpu is 2.13.0 from another index
        return DoctorRow(name, Health.WARNING, found, f"known to work: {wanted}; make setup brings it")
    return DoctorRow(name, Health.OK, found)


def triton_row(version: Lookup) -> DoctorRow:
    """Whether triton is there: a process that imports TensorFlow before it dies of SIGSEGV."""
    found = version("triton")
    if not found:
        return DoctorRow("triton", Health.OK, "not installed, as it should be")
    if not version("tensorflow-cpu") and not version("tensorflow"):
        return DoctorRow("triton", Health.OK, f"{found}, without TensorFlow beside it")
    advice = "beside TensorFlow it ends processes with SIGSEGV: uv pip uninstall triton"
    return DoctorRow("triton", Health.PROBLEM, found, advice)


def cores_row() -> DoctorRow:
    """How many cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = f"{cores} ({platform.machine()})"
    if cores < 2:
        return DoctorRow("cores", Health.WARNING, found, "latencies are judged best on 2 cores or more")
    return DoctorRow("cores", Health.OK, found)


def memory_row(available_gb: float | None = None) -> DoctorRow:
    """How much memory is free, in GB (1e9 bytes)."""
    import psutil

    free = psutil.virtual_memory().available / 1e9 if available_gb is None else available_gb
    found = f"{free:.1f} GB free"
    if free < FREE_MEMORY_GB:
        return DoctorRow(
            "memory", Health.WARNING, found, f"converters take up to {FREE_MEMORY_GB:g} GB: close programs"
        )
    return DoctorRow("memory", Health.OK, found)


def disk_row(workspace: Path, free_gb: float | None = None) -> DoctorRow:
    """How much disk is free where state is written, in GB (1e9 bytes)."""
    if free_gb is None:
        folder = next(place for place in (workspace.absolute(), *workspace.absolute().parents) if place.is_dir())
        free_gb = shutil.disk_usage(folder).free / 1e9
    found = f"{free_gb:.1f} GB free for {workspace}"
    if free_gb < FREE_DISK_GB:
        advice = f"a run may need {FREE_DISK_GB:g} GB: free some, or remove old results with edge-export clean"
        return DoctorRow("disk", Health.WARNING, found, advice)
    return DoctorRow("disk", Health.OK, found)


def writable_row(workspace: Path) -> DoctorRow:
    """Whether state can be written."""
    folder = next(place for place in (workspace.absolute(), *workspace.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return DoctorRow("workspace", Health.PROBLEM, f"{folder}: {error.strerror}", "run in a folder you can write")
    return DoctorRow("workspace", Health.OK, f"{workspace} can be written")


def device_health(rows: Iterable[DeviceRow]) -> tuple[DoctorRow, ...]:
    """One finding for each family of runtimes that needs more than this machine's CPU."""
    families: dict[str, list[DeviceRow]] = {}
    for row in rows:
        if row.device != CPU:
            families.setdefault(row.family, []).append(row)
    return tuple(_family_health(family, members) for family, members in families.items())


def _family_health(family: str, rows: list[DeviceRow]) -> DoctorRow:
    here = list(dict.fromkeys(row.device for row in rows if row.available))
    if here:
        return DoctorRow(family, Health.OK, ", ".join(here))
    return DoctorRow(family, Health.MISSING, rows[0].missing, rows[0].remedy)
