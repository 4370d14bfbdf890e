"""The demo app's self-check on a device: installed, given a bundle, started, waited for, read, and cleaned up."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from converters.android.adb import Adb, is_emulated
from converters.contract import Artifact
from converters.errors import ModelError, ToolkitCrash, ToolkitError, ToolkitTimeout, UnavailableError, UnsupportedError
from converters.session import Session

PACKAGE = "dev.edgeexport.demo"
ACTIVITY = f"{PACKAGE}/.HeadlessActivity"
APK_VARIABLE = "EDGE_EXPORT_APK"
APKS = Path("dist/android")
OLDEST = 26
_FOLDER = "/data/local/tmp/edge-export"
"""Where adb may write and every app may read."""
_TAG = "edge-export"
_INSTALL_S, _PUSH_S = 180.0, 600.0
_POLL_S = 0.5
_LAST_LINES = 12
_FULL = re.compile(r"No space left on device|INSUFFICIENT_STORAGE|not enough space", re.IGNORECASE)


Say = Callable[[str], None]


@dataclass(frozen=True)
class Answer:
    """What the app wrote, the report of docs/report_schema.md, and whether the device is software."""

    document: Mapping[str, Any]
    emulated: bool


def open(artifact: Artifact, runtime: str, threads: int) -> Session:
    """Refuses: the app checks whole bundles.

    Raises:
        UnsupportedError: always.
    """
    raise UnsupportedError(f"{runtime} checks whole bundles: edge-export validate BUNDLE --runtime {runtime}")


def self_check(
    serial: str, bundle: Path, step_s: float, stop: threading.Event | None = None, say: Say = lambda _: None
) -> Answer:
    """What the app finds on a device about a bundle. Afterwards nothing of it is left there.

    Args:
        serial: of the device, as adb names it.
        bundle: a folder.
        step_s: after so many seconds without progress the app is stopped.
        stop: set by whoever does not want the answer any more.
        say: told what is being done, in a few words.

    Raises:
        UnsupportedError: the device is too old, or of another processor than the APKs.
        UnavailableError: there is no APK, or the device is full.
        ToolkitCrash: the app or the device went away; the message ends with the end of logcat.
        ToolkitTimeout: the app hung.
        ModelError: the app refuses the bundle, or wrote no JSON.
    """
    adb = Adb(serial)
    facts = adb.properties()
    apk = find_apk(serial, facts)
    run = _Run(adb, f"{_FOLDER}/{uuid.uuid4().hex[:8]}", step_s, stop or threading.Event(), say)
    with run.installed(apk), run.pushed(bundle):
        return Answer(run.checked(), is_emulated(serial, facts))


def find_apk(serial: str, facts: Mapping[str, str]) -> Path:
    """The newest APK for a device's processor: $EDGE_EXPORT_APK, a file or a folder, else in dist/android.

    Raises:
        UnsupportedError: the device is too old.
        UnavailableError: there is no APK for it.
    """
    api = int(facts.get("ro.build.version.sdk", "0"))
    if api < OLDEST:
        raise UnsupportedError(f"{serial} has Android of API {api}, the app needs {OLDEST} (Android 8) or newer")
    named = os.environ.get(APK_VARIABLE)
    place = Path(named).expanduser() if named else APKS
    if place.is_file():
        return place
    abis = (facts.get("ro.product.cpu.abilist") or facts.get("ro.product.cpu.abi", "")).split(",")
    for abi in abis:
        found = [path for path in place.glob(f"edge-export-demo-*-{abi}.apk") if "-gpu-" not in path.name]
        if found:
            return max(found, key=lambda path: path.stat().st_mtime)
    raise UnavailableError(f"{place} holds no APK for {serial} ({', '.join(abis)}); to have one: make apk")


@dataclass(frozen=True)
class _Run:
    """One self-check on one device; `folder` is its own there."""

    adb: Adb
    folder: str
    step_s: float
    stop: threading.Event
    say: Say

    @contextlib.contextmanager
    def installed(self, apk: Path) -> Iterator[None]:
        """The app on the device; one that was there before stays there, in our version."""
        before = PACKAGE in self.adb.run("shell", f"pm path {PACKAGE}").stdout
        try:
            self._install(apk)
            yield
        finally:
            if not before:
                self._quietly("uninstall", PACKAGE)

    def _install(self, apk: Path) -> None:
        self.say(f"installing {apk.name}")
        said = self._install_once(apk)
        if "INSTALL_FAILED_UPDATE_INCOMPATIBLE" in said:  # signed by another key: a debug build of somebody else
            self._quietly("uninstall", PACKAGE)
            said = self._install_once(apk)
        if _FULL.search(said):
            raise UnavailableError(f"{self.adb.serial} is full: {_last(said)}; free some space on it")
        if "Success" not in said:
            raise ToolkitError(f"{apk.name} cannot be installed on {self.adb.serial}: {_last(said)}")

    def _install_once(self, apk: Path) -> str:
        done = self.adb.run("install", "-r", "-d", "-t", apk, limit_s=_INSTALL_S)
        return done.stdout + done.stderr

    @contextlib.contextmanager
    def pushed(self, bundle: Path) -> Iterator[None]:
        """The bundle in the device's folder for such things."""
        self.say(f"copying {bundle.name}")
        try:
            self.adb.shell("mkdir", "-p", self.folder)
            done = self.adb.run("push", f"{bundle}/.", f"{self.folder}/bundle/", limit_s=_PUSH_S)
            said = done.stdout + done.stderr
            if done.returncode and _FULL.search(said):
                raise UnavailableError(f"{self.adb.serial} is full: {_last(said)}; free some space on it")
            if done.returncode:
                raise ToolkitError(f"{bundle} cannot be copied to {self.adb.serial}: {_last(said)}")
            self.adb.shell("chmod", "-R", "a+rX", self.folder)
            yield
        finally:
            self._quietly("shell", f"rm -rf {self.folder}")

    def checked(self) -> Mapping[str, Any]:
        """What the app wrote."""
        name = f"self-check-{self.folder.rpartition('/')[2]}.json"
        with tempfile.TemporaryFile("w+", errors="replace") as log, self._logging(log):
            try:
                self.adb.run("shell", "input keyevent KEYCODE_WAKEUP")  # a sleeping phone does not start activities
                self._start(name)
                path = self._wait(name, log)
                return _document(self.adb.shell(*path, limit_s=_PUSH_S), self.adb.serial)
            except (ToolkitCrash, ToolkitTimeout) as error:
                end = _end(log)
                raise type(error)(f"{error}; the end of its log:\n{end}" if end else str(error)) from error
            finally:
                self._quietly("shell", f"am force-stop {PACKAGE}")
                self._quietly("shell", f"run-as {PACKAGE} rm -f files/{name}")

    def _start(self, name: str) -> None:
        extras = ("--es", "run", "self-check", "--es", "bundle", f"{self.folder}/bundle", "--es", "out", name)
        said = self.adb.shell("am", "start", "-n", ACTIVITY, *extras, limit_s=60)
        if "Error" in said:
            raise ToolkitError(f"the app cannot be started on {self.adb.serial}: {_last(said)}")

    def _wait(self, name: str, log: IO[str]) -> tuple[str, ...]:
        """The command that prints what the app wrote, once it has."""
        ours = ("run-as", PACKAGE, "cat", f"files/{name}")
        shared = ("cat", f"/sdcard/Android/data/{PACKAGE}/files/{name}")
        ask = (
            f"if run-as {PACKAGE} test -f files/{name}; then echo ours; elif test -f {shared[1]}; then echo shared; "
            f"else echo pid $(pidof {PACKAGE}); fi"
        )
        moved, known, absent = time.monotonic(), [""], 0
        while not self.stop.is_set():
            said = self.adb.ask("shell", ask).split()
            if said[:1] in (["ours"], ["shared"]):
                return ours if said == ["ours"] else shared
            told = _told(log)
            absent = absent + 1 if said == ["pid"] or _over(told) else 0
            if absent > 2:  # it starts, and may end just after it wrote
                last = told[-1] if _over(told) else "not a word"
                raise ToolkitCrash(f"the app ended on {self.adb.serial} without a report: {last}")
            if told != known:
                moved, known = time.monotonic(), told
                self.say(told[-1] if told else "started")
            if time.monotonic() - moved > self.step_s:
                raise ToolkitTimeout(f"the app on {self.adb.serial} made no step for {self.step_s:g} s and was stopped")
            time.sleep(_POLL_S)
        raise ToolkitCrash(f"the self-check on {self.adb.serial} was interrupted")

    @contextlib.contextmanager
    def _logging(self, log: IO[str]) -> Iterator[None]:
        """Logcat from now on, into a file: after a device went away there is nobody to ask."""
        now = self.adb.shell("date", "+%m-%d %H:%M:%S.000").strip()
        what = (f"{_TAG}:V", "AndroidRuntime:E", "DEBUG:F", "libc:F", "*:S")
        command = self.adb.command("logcat", "-v", "brief", "-T", now, *what)
        with subprocess.Popen(command, stdout=log, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as process:
            try:
                yield
            finally:
                process.kill()

    def _quietly(self, *words: str) -> None:
        """A command of cleaning up; what fails there says nothing of the check."""
        with contextlib.suppress(ToolkitError, UnavailableError):
            self.adb.run(*words, limit_s=30)


def _lines(log: IO[str]) -> list[str]:
    log.seek(0)
    return [line.rstrip() for line in log if line.strip() and not line.startswith("-----")]


def _told(log: IO[str]) -> list[str]:
    """What the app itself said: `I/edge-export( 4711): step 1/2 what` without its head."""
    return [line.partition("): ")[2] for line in _lines(log) if f"/{_TAG}" in line]


def _over(told: list[str]) -> bool:
    """Whether the app has said its last word."""
    return told[-1:] != [] and told[-1].startswith(("self-check done", "self-check failed"))


def _end(log: IO[str]) -> str:
    return "\n".join(_lines(log)[-_LAST_LINES:])


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "not a word"


def _document(text: str, serial: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ModelError(f"what the app wrote on {serial} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ModelError(f"what the app wrote on {serial} is no report")
    if "error" in document:
        raise ModelError(f"the app on {serial} says: {document['error']}")
    return document
