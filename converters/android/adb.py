"""Android devices as `adb` reaches them: which there are, what keeps those that are not usable, and commands to one."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from converters.device import Device
from converters.errors import ToolkitCrash, ToolkitError, ToolkitTimeout, UnavailableError

VARIABLE = "EDGE_EXPORT_ADB"
CONNECT = "connect a device, enable USB debugging (Settings, Developer options), and run this again"
_REMEDIES = {
    "unauthorized": "accept `Allow USB debugging?` on its screen; where it does not ask: adb kill-server, replug it",
    "authorizing": "it is asking: accept `Allow USB debugging?` on its screen",
    "offline": "it does not answer: unlock it, replug the cable, or: adb reconnect offline",
    "no permissions": "this user may not open it: sudo apt-get install -y android-sdk-platform-tools-common, replug it",
    "recovery": "it is in recovery: restart it",
    "sideload": "it is in recovery: restart it",
    "bootloader": "it is in its bootloader: restart it",
}
_ROW = re.compile(r"^(\S+)\s+(no permissions|\S+)(.*)$")
_GONE = re.compile(
    r"device '[^']*' not found|device offline|device unauthorized|device still authorizing|no devices/emulators found"
    r"|error: closed|protocol fault|connection reset|transport .* not found"
)
_LIST_S, _ASK_S = 20.0, 10.0


class DeviceGone(ToolkitCrash):
    """The device does not answer any more: unplugged, restarted, or its connection broke."""


@dataclass(frozen=True)
class Row:
    """A line of `adb devices -l`."""

    serial: str
    state: str
    facts: Mapping[str, str] = field(default_factory=dict)


def program() -> str | None:
    """$EDGE_EXPORT_ADB, else the `adb` of the system, else that of an Android SDK."""
    if named := os.environ.get(VARIABLE):
        return shutil.which(str(Path(named).expanduser()))
    homes = [os.environ.get("ANDROID_HOME"), os.environ.get("ANDROID_SDK_ROOT")]
    places = [str(Path(home) / "platform-tools") for home in homes if home]
    return shutil.which("adb") or shutil.which("adb", path=os.pathsep.join(places))


def rows(listed: str) -> tuple[Row, ...]:
    """The devices in what `adb devices -l` printed."""
    lines = listed.partition("List of devices attached")[2].splitlines()
    matches = [match for line in lines if (match := _ROW.match(line))]
    return tuple(Row(match[1], match[2], dict(re.findall(r"(\w+):(\S+)", match[3]))) for match in matches)


def devices() -> tuple[Device, ...]:
    """Every device that adb lists, or one that says what is missing. Never raises."""
    adb = program()
    if adb is None:
        named = os.environ.get(VARIABLE)
        missing = f"{VARIABLE} names {named}, which is no program" if named else "adb is not installed"
        return (Device("", missing, "make setup-android"),)
    try:
        done = subprocess.run([adb, "devices", "-l"], capture_output=True, text=True, timeout=_LIST_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return (Device("", f"`adb devices` did not answer: {error}", "adb kill-server, and run this again"),)
    if done.returncode:
        return (Device("", f"`adb devices` failed: {done.stderr.strip()}", "adb kill-server, and run this again"),)
    found = tuple(map(_device, rows(done.stdout)))
    return found or (Device("", "`adb devices` lists no Android device", CONNECT),)


def _device(row: Row) -> Device:
    name = row.facts.get("model", "").replace("_", " ")
    if row.state != "device":
        missing = f"`adb devices` says that {row.serial} is {row.state}"
        if row.state == "no permissions":
            missing = f"`adb devices` says that {row.serial} gives this user no permissions"
        return Device(row.serial, missing, _REMEDIES.get(row.state, CONNECT), version=name)
    try:
        facts = Adb(row.serial).properties()
    except ToolkitError as error:
        return Device(row.serial, str(error), _REMEDIES["offline"], version=name)
    version = f"{facts.get('ro.product.model', name)}, Android {facts.get('ro.build.version.release', '?')}"
    return Device(row.serial, emulated=is_emulated(row.serial, facts), version=version)


def is_emulated(serial: str, facts: Mapping[str, str]) -> bool:
    """Whether a device is software, by the properties that Android's emulators set and the name that adb gives them."""
    flags = [facts.get(name) for name in ("ro.kernel.qemu", "ro.boot.qemu")]
    hardware = facts.get("ro.hardware", "")
    return serial.startswith("emulator-") or "1" in flags or hardware in ("goldfish", "ranchu", "cutf_cvm", "vbox86")


@dataclass(frozen=True)
class Adb:
    """Commands to one device."""

    serial: str

    def run(self, *words: str | Path, limit_s: float = _ASK_S) -> subprocess.CompletedProcess[str]:
        """An adb command as it ended, whatever its exit code.

        Raises:
            DeviceGone: the device does not answer any more.
            ToolkitTimeout: it took too long.
            UnavailableError: there is no adb.
        """
        try:
            done = subprocess.run(
                self.command(*words), capture_output=True, text=True, errors="replace", timeout=limit_s, check=False
            )
        except subprocess.TimeoutExpired:
            raise ToolkitTimeout(f"`adb {words[0]}` on {self.serial} took more than {limit_s:g} s") from None
        if done.returncode and _GONE.search(done.stderr):
            said = done.stderr.strip().splitlines()[-1]
            raise DeviceGone(f"{self.serial} does not answer any more ({said})")
        return done

    def ask(self, *words: str | Path, limit_s: float = _ASK_S) -> str:
        """What an adb command prints.

        Raises:
            ToolkitError: it failed; the message ends with its own words. Or as `run`.
        """
        done = self.run(*words, limit_s=limit_s)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise ToolkitError(f"`adb {words[0]}` on {self.serial} failed: {said[-1] if said else done.returncode}")
        return done.stdout

    def shell(self, *words: str, limit_s: float = _ASK_S) -> str:
        """What a command on the device prints; its words arrive there as they are. Raises as `ask`."""
        return self.ask("shell", shlex.join(words), limit_s=limit_s)

    def command(self, *words: str | Path) -> list[str]:
        """The command line; for what runs on while other things are done."""
        adb = program()
        if adb is None:
            raise UnavailableError("adb is not installed; to have it: make setup-android")
        return [adb, "-s", self.serial, *map(str, words)]

    def properties(self) -> dict[str, str]:
        """What `getprop` says of the device."""
        return dict(re.findall(r"^\[([^\]]+)\]: \[(.*)\]$", self.shell("getprop"), re.MULTILINE))
