"""The demo app's program for the JVM, built from these sources once, by whichever test needs it first."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

from converters.android import jvm

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "android_demo"
LOCKS = ROOT / "build/android"
"""`lock` in it is held by whoever starts Maven: two in one tree break each other."""
JAR = DEMO / "jvm/target" / jvm.JAR


def missing() -> str:
    """What would make it run here; empty where it does."""
    return "" if jvm.find_java() and shutil.which("mvn") else "needs a JDK and Maven: make setup-android"


def build() -> Path:
    """The folder of the program, made anew where a source is newer."""
    LOCKS.mkdir(parents=True, exist_ok=True)
    with (LOCKS / "jvm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not JAR.is_file() or JAR.stat().st_mtime < _newest():
            subprocess.run(["make", "-C", ROOT, "android-jvm"], check=True, timeout=600)
    return JAR.parent


def _newest() -> float:
    places = (DEMO / "core", DEMO / "jvm")
    files = [path for place in places for path in place.glob("src/main/**/*") if path.is_file()]
    return max(path.stat().st_mtime for path in (*files, *(place / "pom.xml" for place in (DEMO, *places))))
