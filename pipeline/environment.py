"""Facts about the machine and the packages that a report was made with."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path

from converters import registry
from pipeline import __version__


def environment(packages: Iterable[str]) -> dict[str, str]:
    """Host facts and the versions of the packages that are installed, in reading order."""
    import psutil

    facts = {
        "edge-export": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
    }
    versions = {name: registry.version(name) for name in sorted(set(packages))}
    return facts | {name: version for name, version in versions.items() if version}


def load_note() -> str:
    """What a reader of latencies must know of other work on this machine, or an empty text."""
    import psutil

    busy = psutil.getloadavg()[0]
    cores = os.cpu_count() or 1
    if busy <= cores + 0.5:
        return ""
    return f"the machine was busy while this ran (load {busy:.1f} on {cores} cores): latencies are less certain"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
