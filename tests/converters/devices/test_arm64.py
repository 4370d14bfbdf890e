from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

from converters import registry
from converters.device import Device
from converters.devices import arm64, cache
from converters.errors import UnavailableError


@pytest.fixture(autouse=True)
def linux_without_devices(tmp_path, monkeypatch):
    """An x86-64 Linux, an empty cache and no emulator on PATH."""
    monkeypatch.setattr(arm64.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(arm64.sys, "platform", "linux")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def emulator(path: Path, version: str = "10.0.2", says: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says or f'qemu-aarch64 version {version} (Debian 1:{version}+ds)'}'\n")
    path.chmod(0o755)
    return path


def install_system() -> Path:
    def build(folder: Path) -> None:
        (folder / "usr" / "bin").mkdir(parents=True)
        (folder / "usr" / "bin" / "python3.11").write_text("an ARM64 program")

    return cache.make("arm64-python", arm64.system_ingredients(), build)


def install_packages() -> Path:
    return cache.make("arm64-packages", arm64.packages_ingredients(), lambda folder: (folder / "numpy.py").touch())


def install_qemu(version: str = "10.0.2") -> Path:
    def build(folder: Path) -> None:
        emulator(folder / "qemu-aarch64", version)

    return cache.make("qemu", arm64.qemu_ingredients(), build)


def missing() -> Device:
    (device,) = arm64.devices()
    assert device.name == ""
    assert device.missing
    return device


def test_nothing_installed_is_one_missing_device_with_the_command():
    device = missing()
    assert device.missing == "no emulator is here: QEMU's user mode, 10 or newer, is not installed"
    assert device.remedy == "edge-export devices install arm64"


def test_an_emulator_alone_is_not_enough(tmp_path):
    emulator(tmp_path / "bin" / "qemu-aarch64")
    assert missing().missing == "its ARM64 Python is not installed"
    install_system()
    assert missing().missing == "what its ARM64 Python imports is not installed"
    install_packages()
    assert [device.name for device in arm64.devices()] == ["cortex-a53", "cortex-a76", "max"]


def test_each_cpu_is_a_device_that_starts_python_in_its_system(tmp_path, monkeypatch):
    qemu = emulator(tmp_path / "bin" / "qemu-aarch64-static", "10.1.0")
    system, packages = install_system(), install_packages()
    monkeypatch.setenv("PYTHONPATH", "/of/the/user")
    for device, cpu in zip(arm64.devices(), arm64.CPUS, strict=True):
        assert device.name == device.launch.env["QEMU_CPU"] == cpu
        assert device.emulated
        assert device.version.startswith("QEMU 10.1.0, ")
        assert "numpy " in device.version
        assert device.launch.command[:3] == (str(qemu), "-L", str(system))
        assert str(system / "usr/bin/python3.11") in device.launch.command
        assert device.launch.env["PYTHONPATH"] == f"{packages}:{arm64.PROJECT}:/of/the/user"


def test_an_old_emulator_is_refused_with_the_version_that_is_needed(tmp_path):
    old = emulator(tmp_path / "bin" / "qemu-aarch64", "7.2.19")
    install_system()
    install_packages()
    device = missing()
    assert f"{old} is QEMU 7.2.19: needs >= 10, older ones crash" in device.missing
    assert device.remedy == arm64.INSTALL
    installed = install_qemu()
    assert arm64.qemu() == (installed / "qemu-aarch64", "10.0.2")
    assert len(arm64.devices()) == 3


def test_the_emulator_that_the_user_names_is_taken_or_refused_but_never_replaced(tmp_path, monkeypatch):
    install_system()
    install_packages()
    install_qemu()
    named = emulator(tmp_path / "mine" / "qemu", "11.0.0")
    monkeypatch.setenv(arm64.QEMU_VARIABLE, str(named))
    assert arm64.qemu() == (named, "11.0.0")
    emulator(named, "7.2.0")
    assert "named by EDGE_EXPORT_QEMU) is QEMU 7.2.0: needs >= 10" in missing().missing
    monkeypatch.setenv(arm64.QEMU_VARIABLE, str(tmp_path / "nowhere"))
    assert "nowhere does not start: No such file" in missing().missing


@pytest.mark.parametrize(
    ("says", "found"), [("hello", "does not say its version: hello"), (" ", "does not say its version: exit code 0")]
)
def test_a_program_that_is_no_emulator_is_said(tmp_path, monkeypatch, says, found):
    monkeypatch.setenv(arm64.QEMU_VARIABLE, str(emulator(tmp_path / "mine" / "qemu", says=says)))
    assert found in missing().missing


def test_an_emulator_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(arm64, "_TIMEOUT_S", 0.2)
    hanging = emulator(tmp_path / "mine" / "qemu")
    hanging.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    monkeypatch.setenv(arm64.QEMU_VARIABLE, str(hanging))
    assert "does not start: no answer in 0.2 s" in missing().missing


def test_a_damaged_installation_is_said_with_what_is_wrong(tmp_path):
    install_qemu()
    system, packages = install_system(), install_packages()
    (packages / "numpy.py").write_text("cut")
    assert missing().missing.startswith("what its ARM64 Python imports is damaged: numpy.py has changed (in ")
    (system / "usr/bin/python3.11").unlink()
    assert missing().missing.startswith("its ARM64 Python is damaged: usr/bin/python3.11 is missing (in ")
    (arm64.qemu_folder() / "qemu-aarch64").chmod(0o644)
    assert missing().missing.startswith("QEMU is damaged: qemu-aarch64 has changed (in ")


def test_other_versions_here_ask_for_other_packages_there(monkeypatch):
    before = arm64.packages_folder()
    monkeypatch.setattr(arm64, "wheels", lambda: {"numpy": "0.0.1"})
    assert arm64.packages_folder() != before


@pytest.mark.parametrize("machine", ["aarch64", "arm64"])
def test_an_arm64_machine_is_itself_the_device(monkeypatch, machine):
    monkeypatch.setattr(arm64.platform, "machine", lambda: machine)
    (device,) = arm64.devices()
    assert (device.name, device.missing, device.emulated, device.launch.command) == ("native", "", False, ())


def test_where_there_is_no_user_mode_the_reason_is_the_system(monkeypatch):
    monkeypatch.setattr(arm64.sys, "platform", "darwin")
    device = missing()
    assert device.missing == "QEMU's user mode emulates other CPUs on Linux only, and this is darwin"
    assert device.remedy == ""


def test_finding_is_quick(tmp_path):
    emulator(tmp_path / "bin" / "qemu-aarch64")
    install_system()
    install_packages()
    start = time.perf_counter()
    arm64.devices()
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize("family", ["litert-arm64", "onnxruntime-arm64"])
def test_the_families_are_declared_and_a_missing_device_says_what_to_do(family):
    spec = registry.runtime(family)
    assert spec.devices == "converters.devices.arm64:devices"
    assert spec.variants == ("",)
    away = dataclasses.replace(spec, device=missing())
    with pytest.raises(
        UnavailableError, match=f"{family} cannot run here: .*; to have it: edge-export devices install"
    ):
        registry.require_device(away)
