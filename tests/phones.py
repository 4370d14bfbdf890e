"""Fake phones for a test: folders behind `tests/fake_adb.py`, which stands where adb is looked for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from converters import registry
from converters.android import adb, phone

HERE = Path(__file__).parent
PIXEL = {
    "ro.product.model": "Pixel 8",
    "ro.build.version.release": "14",
    "ro.build.version.sdk": "34",
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a",
}
EMULATOR = {**PIXEL, "ro.product.model": "sdk_gphone64", "ro.product.cpu.abilist": "x86_64", "ro.kernel.qemu": "1"}


class Phones:
    """Every device that the fake adb knows."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.known = folder, list[dict]()
        folder.mkdir()
        program = folder / "adb"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {HERE / "fake_adb.py"} "$@"\n')
        program.chmod(0o755)
        apks = folder / "apks"
        apks.mkdir()
        for abi in ("arm64-v8a", "x86_64"):
            (apks / f"edge-export-demo-0.1.0-{abi}.apk").write_text(f"an APK for {abi}")
        (apks / "edge-export-demo-gpu-0.1.0-arm64-v8a.apk").write_text("another one")
        monkeypatch.setenv("FAKE_ADB", str(folder))
        monkeypatch.setenv(adb.VARIABLE, str(program))
        monkeypatch.setenv(phone.APK_VARIABLE, str(apks))
        registry.devices.cache_clear()
        self._write()

    def add(self, serial: str = "PIXEL", how: str = "works", **facts: object) -> Path:
        """Connects a device whose app behaves as `how` says; the folder that it is."""
        app = [sys.executable, "-I", "-S", str(HERE / "fake_app.py"), how]
        self.known.append({"serial": serial, "properties": PIXEL, "app": app, **facts})
        self._write()
        folder = self.folder / serial.replace(":", "_")
        folder.mkdir()
        return folder

    def _write(self) -> None:
        (self.folder / "devices.json").write_text(json.dumps(self.known))


@pytest.fixture
def phones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """No device yet; afterwards the registry looks for devices anew."""
    yield Phones(tmp_path / "phones", monkeypatch)
    registry.devices.cache_clear()
