"""The demo app's program on a JVM of this machine: where it lies, and how it is asked."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from converters.contract import RuntimeSpec
from converters.device import Device
from converters.errors import DataError, ModelError, ToolkitCrash, ToolkitTimeout, UnavailableError, UnsupportedError

VARIABLE = "EDGE_EXPORT_ANDROID_JVM"
JAR = "edge-export-jvm.jar"
MAIN = "dev.edgeexport.jvm.MainKt"
HEAP = "-Xmx768m"
"""About what a phone gives an app: what does not fit here would not fit there."""
SELF_CHECK_S = 600.0
LEAST_JAVA = 11
_BUILT = Path(__file__).resolve().parents[2] / "android_demo/jvm/target"
_USAGE, _DATA, _MODEL, _TOOLKIT = 2, 4, 5, 6
_JUDGED = (0, 1)
"""Exit codes of a program that did what it was asked."""


def devices() -> tuple[Device, ...]:
    """The JVM of this machine, which stands in for a phone; or one device that says what is missing. Never raises."""
    java, jar = find_java(), find_jar()
    if java is None:
        return (Device("JVM", "no Java was found on PATH or in JAVA_HOME", "install a JDK of 17 or newer"),)
    version = java_version(java)
    if version is None or version < LEAST_JAVA:
        return (Device("JVM", f"{java} is Java {version or 'of an unknown version'}", "install a JDK of 17 or newer"),)
    if jar is None:
        named = os.environ.get(VARIABLE)
        where = f"{VARIABLE} names {named}, which holds no {JAR}" if named else "the app's classes are not built"
        remedy = f"make android-jvm in a checkout; elsewhere, {VARIABLE}=FOLDER of its android_demo/jvm/target"
        return (Device("JVM", where, remedy),)
    return (Device("JVM", emulated=True, version=f"{JAR} of {jar.stat().st_size} bytes, Java {version}"),)


def find_jar() -> Path | None:
    """The program that was built: $EDGE_EXPORT_ANDROID_JVM, a folder or the jar itself, else this checkout's."""
    named = os.environ.get(VARIABLE)
    place = Path(named).expanduser() if named else _BUILT
    jar = place if place.suffix == ".jar" else place / JAR
    return jar.resolve() if jar.is_file() and (jar.parent / "lib").is_dir() else None


def find_java() -> Path | None:
    """JAVA_HOME's, else the first on PATH."""
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home) / "bin/java")] if home else []
    found = next(filter(None, (shutil.which(name) for name in (*candidates, "java"))), None)
    return Path(found) if found else None


@cache
def java_version(java: Path) -> int | None:
    """17 for `openjdk version "17.0.15"`, 8 for `"1.8.0"`; None where it does not start or say."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    numbers = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(numbers.group(1)) if numbers else None


def self_check(bundle: Path, spec: RuntimeSpec) -> dict[str, Any]:
    """The report of the app's self-check on a bundle, a folder or a .zip; its own verdicts, as its JSON says them.

    Raises:
        ModelError: the app refuses the bundle; its own sentence says why.
        DataError: the same, for what its golden packs and labels say.
        UnavailableError: no Java, or no program, is here.
    """
    host = spec.device.name if spec.device else "JVM"
    with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
        out = Path(folder) / "report.json"
        ask("self-check", bundle, SELF_CHECK_S, out=out, host=host)
        report: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return report


def ask(command: str, argument: Path, timeout_s: float, *, out: Path, **options: object) -> None:
    """Runs the program on one argument, which writes `out`; what it says instead becomes the error of its exit code.

    Raises:
        ToolkitCrash: it died, or ended in a way that it never should.
        ToolkitTimeout: it was stopped after `timeout_s`.
        ModelError, DataError, UnsupportedError: as it says.
        UnavailableError: no Java, or no program, is here.
    """
    java, jar = find_java(), find_jar()
    if java is None or jar is None:
        missing = devices()[0]
        raise UnavailableError(f"android-jvm cannot run here: {missing.missing}; to have it: {missing.remedy}")
    line = [java, HEAP, "-cp", f"{jar}{os.pathsep}{jar.parent / 'lib'}/*", MAIN, command, argument.resolve()]
    for name, value in {"out": out, **options}.items():
        line += [f"--{name}", value]
    try:
        done = subprocess.run(list(map(str, line)), capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise ToolkitTimeout(f"the app's {command} took more than {timeout_s:.0f} s and was stopped") from error
    if done.returncode in _JUDGED and out.is_file():  # a JVM that does not start ends with 1 as well
        return
    said = done.stderr.strip()
    kind = {_DATA: DataError, _MODEL: ModelError, _TOOLKIT: UnsupportedError}.get(done.returncode)
    if kind is not None and said:
        raise kind(said.splitlines()[-1])
    last = "; ".join(said.splitlines()[-3:]) or "it said nothing"
    raise ToolkitCrash(f"the app's {command} ended with {done.returncode}: {last}")
