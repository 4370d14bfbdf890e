from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from converters.devices import cache, gpu, vulkan
from converters.devices.vulkan import Found, Gpu

H200 = Gpu("NVIDIA H200", "discrete", "570.1.0")
IRIS = Gpu("Intel(R) Iris(R) Xe Graphics (TGL GT2)", "integrated", "24.2.8")
LLVMPIPE = Gpu("llvmpipe (LLVM 15.0.6, 256 bits)", "software", "22.3.6")
SOFTWARE = Gpu("SwiftShader Device (Subzero)", "software", "5.0.0")
NO_LOADER = Found(problem="no Vulkan loader (libvulkan.so.1: not found)", loader=False)
NO_DRIVER = Found(problem="the Vulkan loader finds no driver")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No drivers named, an empty cache, no NVIDIA device."""
    for variable in (*vulkan.DRIVER_VARIABLES, "LD_LIBRARY_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(gpu, "_NVIDIA_DEVICE", tmp_path / "none")


class Machine:
    """What the system's loader finds, what ours finds of the system's drivers, and what SwiftShader says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.system, self.ours, self.software = NO_LOADER, NO_DRIVER, Found((SOFTWARE,))
        monkeypatch.setattr(gpu, "probe", self.probe)

    def probe(self, env: Mapping[str, str]) -> Found:
        if "VK_DRIVER_FILES" in env:
            return self.software
        return self.ours if env else self.system


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.fixture
def installed() -> Path:
    def build(folder: Path) -> None:
        for name in (gpu.LOADER, gpu.DRIVER, gpu.ORIGIN):
            (folder / name).write_text("chromium-common 1.2")

    return cache.make("gpu", gpu.INGREDIENTS, build)


def test_a_real_gpu_is_taken_before_the_software_one(machine: Machine, installed: Path) -> None:
    machine.system = Found((LLVMPIPE, IRIS, H200))
    (device,) = gpu.devices()
    assert (device.name, device.emulated, device.missing) == ("NVIDIA H200", False, "")
    assert device.version == "NVIDIA H200, driver 570.1.0"
    assert device.launch.env == {}


def test_a_real_gpu_without_a_loader_gets_ours(machine: Machine, installed: Path) -> None:
    machine.ours = Found((H200,))
    (device,) = gpu.devices()
    assert device.name == "NVIDIA H200"
    assert device.launch.env == {"LD_LIBRARY_PATH": str(installed)}


def test_else_the_software_gpu(machine: Machine, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/own")
    (device,) = gpu.devices()
    assert (device.name, device.emulated) == ("SwiftShader", True)
    assert device.version == "SwiftShader Device (Subzero), driver 5.0.0, chromium-common 1.2"
    assert device.launch.env == {
        "LD_LIBRARY_PATH": f"{installed}:/opt/own",
        "VK_DRIVER_FILES": str(installed / gpu.DRIVER),
        "VK_ICD_FILENAMES": str(installed / gpu.DRIVER),
    }


def test_the_software_gpu_is_taken_when_asked_for(
    machine: Machine, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.system = Found((H200,))
    monkeypatch.setenv(gpu.VARIABLE, "swiftshader")
    assert [device.name for device in gpu.devices()] == ["SwiftShader"]


def test_another_name_is_no_choice(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gpu.VARIABLE, "RTX")
    (device,) = gpu.devices()
    assert (device.name, device.missing) == (
        "",
        "EDGE_EXPORT_GPU is 'RTX', and the only name that it takes is SwiftShader",
    )
    assert "unset EDGE_EXPORT_GPU" in device.remedy


@pytest.mark.parametrize(
    ("system", "why"),
    [
        (NO_LOADER, "no Vulkan loader"),
        (NO_DRIVER, "the Vulkan loader finds no driver"),
        (Found((LLVMPIPE,)), "Vulkan offers only llvmpipe"),
        (Found(problem="the Vulkan driver died of SIGSEGV when it was asked for its devices"), "died of SIGSEGV"),
    ],
)
def test_no_gpu_at_all(machine: Machine, system: Found, why: str) -> None:
    machine.system = system
    (device,) = gpu.devices()
    assert device.name == ""
    assert why in device.missing
    assert "no software GPU is installed" in device.missing
    assert device.remedy == gpu.INSTALL


def test_an_nvidia_gpu_whose_driver_is_not_in_the_container(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "nvidiactl").touch()
    monkeypatch.setattr(gpu, "_NVIDIA_DEVICE", tmp_path / "nvidiactl")
    (device,) = gpu.devices()
    assert "NVIDIA_DRIVER_CAPABILITIES=all" in device.missing


def test_a_damaged_software_gpu_is_not_used(machine: Machine, installed: Path) -> None:
    (installed / gpu.LOADER).write_text("")
    (device,) = gpu.devices()
    assert f"is damaged ({gpu.LOADER} has changed)" in device.missing
    assert device.remedy == gpu.INSTALL


def test_a_software_gpu_that_does_not_answer(machine: Machine, installed: Path) -> None:
    machine.software = Found(problem="the Vulkan driver died of SIGILL when it was asked for its devices")
    (device,) = gpu.devices()
    assert "does not work: the Vulkan driver died of SIGILL" in device.missing
    assert gpu.INSTALL in device.remedy


@pytest.mark.parametrize("variable", vulkan.DRIVER_VARIABLES)
def test_drivers_that_the_user_names_are_the_only_ones(
    machine: Machine, installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    icd = tmp_path / "own.json"
    icd.touch()
    monkeypatch.setenv(variable, str(icd))
    machine.system = Found((LLVMPIPE,))
    (device,) = gpu.devices()
    assert (device.name, device.emulated, device.launch.env) == ("llvmpipe", True, {})
    machine.system = NO_DRIVER
    (device,) = gpu.devices()
    assert device.missing == f"{variable} is {icd}; the Vulkan loader finds no driver"
    assert device.remedy == f"unset {variable}, or let it name a driver's JSON file"


def test_a_named_driver_file_that_points_nowhere(
    machine: Machine, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VK_DRIVER_FILES", "/nowhere.json")
    machine.system = NO_DRIVER
    (device,) = gpu.devices()
    assert device.missing.startswith("VK_DRIVER_FILES names /nowhere.json, which is not there")
    machine.system, machine.ours = NO_LOADER, NO_LOADER
    (device,) = gpu.devices()
    assert "it brings a Vulkan loader" in device.remedy


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("NVIDIA H200", "NVIDIA H200"),
        ("SwiftShader Device (LLVM 16.0.0)", "SwiftShader"),
        ("SwiftShader Device (Subzero)", "SwiftShader"),
        ("AMD Radeon RX 6800 (RADV NAVI21)", "AMD Radeon RX 6800"),
        ("Intel(R) Arc(tm) A770 Graphics (DG2)", "Intel Arc A770 Graphics"),
        ("llvmpipe (LLVM 15.0.6, 256 bits)", "llvmpipe"),
        ("Odd, name [rev 2]", "Odd name"),
        ("()", "GPU"),
    ],
)
def test_names_are_fit_for_a_runtime(said: str, name: str) -> None:
    assert gpu.short_name(said) == name


def test_this_machine_s_answer_is_whole_and_quick(user_cache: Path) -> None:
    vulkan._probe.cache_clear()
    start = time.perf_counter()
    (device,) = gpu.devices()
    assert bool(device.name) != bool(device.missing)
    assert not device.missing or device.remedy
    assert time.perf_counter() - start < 5  # 0.3 s where nothing else runs
