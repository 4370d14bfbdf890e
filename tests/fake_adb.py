"""A program with adb's interface whose devices are folders: commands run under a real shell on the host's files.

$FAKE_ADB is a folder with `devices.json`, one object a device: `serial`, `state`, `note` (what `devices -l` prints
behind it), `properties`, `app` (the command that starts as the app) and `faults`:

    full, full-push         install or push meets a full disk
    other-key               an installed app was signed by another key
    vanishes                the device is gone as soon as the app is started
    silent                  logcat stays empty

Each device is the folder of its serial: its files below `data/` and `sdcard/`, `log`, `calls`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PACKAGE = "dev.edgeexport.demo"
TOOLS = ("getprop", "pm", "am", "input", "run-as", "pidof")
HOME = Path(os.environ.get("FAKE_ADB", "."))
FILES = f"data/data/{PACKAGE}/files"


def fail(text: str) -> int:
    sys.stderr.write(text + "\n")
    return 1


class FakeDevice:
    """One device and what is known of it."""

    def __init__(self, facts: dict) -> None:
        self.facts = facts
        self.serial: str = facts["serial"]
        self.root = HOME / self.serial.replace(":", "_")
        for folder in ("data/local/tmp", "data/data", "sdcard"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "log").touch()

    def has(self, fault: str) -> bool:
        return fault in self.facts.get("faults", ())

    @property
    def gone(self) -> bool:
        return (self.root / "gone").exists()

    @property
    def installed(self) -> Path:
        return self.root / "installed"

    def local(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def log(self, line: str) -> None:
        with (self.root / "log").open("a") as file:
            file.write(line + "\n")


def devices() -> list[FakeDevice]:
    return [FakeDevice(facts) for facts in json.loads((HOME / "devices.json").read_text())]


def main(words: list[str]) -> int:
    if words[:1] == ["devices"]:
        print("List of devices attached")  # noqa: T201 - it is a program
        for device in devices():
            if not device.gone:
                state = device.facts.get("state", "device")
                print(f"{device.serial:<22} {state} {device.facts.get('note', '')}".rstrip())  # noqa: T201
        print()  # noqa: T201
        return 0
    serial, (command, *rest) = words[1], words[2:]
    found = [device for device in devices() if device.serial == serial and not device.gone]
    if not found:
        return fail(f"adb: device '{serial}' not found")
    (device,) = found
    with (device.root / "calls").open("a") as file:
        file.write(" ".join(words[2:]) + "\n")
    if device.facts.get("state", "device") != "device":
        return fail(f"adb: device {device.facts['state']}")
    return {"install": install, "uninstall": uninstall, "push": push, "shell": shell, "logcat": logcat}[command](
        device, rest
    )


def install(device: FakeDevice, words: list[str]) -> int:
    apk = Path(words[-1])
    if device.has("full"):
        return fail(f"adb: failed to install {apk}: Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE]")
    if device.has("other-key") and device.installed.exists():
        return fail(f"adb: failed to install {apk}: Failure [INSTALL_FAILED_UPDATE_INCOMPATIBLE: signatures differ]")
    device.installed.write_text(apk.read_text(errors="replace")[:50])
    (device.root / FILES).mkdir(parents=True, exist_ok=True)
    print("Performing Streamed Install\nSuccess")  # noqa: T201
    return 0


def uninstall(device: FakeDevice, words: list[str]) -> int:
    device.installed.unlink(missing_ok=True)
    shutil.rmtree(device.root / "data/data" / words[0], ignore_errors=True)
    return 0


def push(device: FakeDevice, words: list[str]) -> int:
    source, target = words
    if device.has("full-push"):
        return fail(
            f"adb: error: failed to copy '{source}' to '{target}': remote write failed: No space left on device"
        )
    shutil.copytree(source.removesuffix("/."), device.local(target), dirs_exist_ok=True)
    return 0


def logcat(device: FakeDevice, words: list[str]) -> int:
    """Every line of the log from now on."""
    with (device.root / "log").open() as file:
        file.seek(0, os.SEEK_END)
        while not device.gone:
            line = "" if device.has("silent") else file.readline()
            sys.stdout.write(line)
            sys.stdout.flush()
            time.sleep(0 if line else 0.02)
    return 1


def shell(device: FakeDevice, words: list[str]) -> int:
    """A command under this machine's shell, with the device's tools, on the device's files."""
    tools = device.root / "bin"
    if not tools.exists():
        tools.mkdir()
        for name in TOOLS:
            script = tools / name
            script.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {__file__} tool {name} "$@"\n')
            script.chmod(0o755)
    line = re.sub(r"(?<![\w./])/(data|sdcard)/", rf"{device.root}/\1/", " ".join(words))
    environment = {**os.environ, "PATH": f"{tools}:/usr/bin:/bin", "FAKE_SERIAL": device.serial}
    return subprocess.run(["sh", "-c", line], env=environment, check=False).returncode


def tool(name: str, words: list[str]) -> int:
    """A program of the device."""
    (device,) = (each for each in devices() if each.serial == os.environ["FAKE_SERIAL"])
    if name == "getprop":
        for key, value in device.facts.get("properties", {}).items():
            print(f"[{key}]: [{value}]")  # noqa: T201
    elif name == "pm":
        print(f"package:/data/app/{PACKAGE}/base.apk" if device.installed.exists() else "")  # noqa: T201
    elif name == "run-as":
        if not device.installed.exists():
            return fail(f"run-as: unknown package: {words[0]}")
        return subprocess.run(words[1:], cwd=device.root / "data/data" / words[0], check=False).returncode
    elif name == "pidof":
        if not (pid := running(device)):
            return 1
        print(pid)  # noqa: T201
    elif name == "am":
        return activity(device, words)
    return 0


def running(device: FakeDevice) -> int:
    """The number of the app's process; 0 where it has ended."""
    try:
        pid = int((device.root / "pid").read_text())
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (OSError, ValueError):
        return 0
    return 0 if stat.rpartition(")")[2].split()[0] == "Z" else pid


def activity(device: FakeDevice, words: list[str]) -> int:
    if words[0] == "force-stop":
        if pid := running(device):
            os.kill(pid, signal.SIGKILL)
        return 0
    if not device.installed.exists():
        print("Error: Activity class does not exist.")  # noqa: T201
        return 0
    extras = {words[at + 1]: words[at + 2] for at, word in enumerate(words) if word == "--es"}
    command = [*device.facts["app"], extras["bundle"], str(device.root / FILES / extras["out"])]
    with (device.root / "log").open("a") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    (device.root / "pid").write_text(str(process.pid))
    if device.has("vanishes"):
        device.log("E/AndroidRuntime( 77): the GPU driver fell over")
        time.sleep(0.3)
        (device.root / "gone").touch()
    print(f"Starting: Intent {{ cmp={words[words.index('-n') + 1]} }}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(tool(sys.argv[2], sys.argv[3:]) if sys.argv[1:2] == ["tool"] else main(sys.argv[1:]))
