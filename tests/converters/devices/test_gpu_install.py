from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from converters.devices import cache, debian, gpu, gpu_install
from converters.devices.vulkan import Found, Gpu
from converters.errors import UnavailableError

ANSWERS = Found((Gpu("SwiftShader Device (Subzero)", "software", "5.0.0"),))


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(gpu_install, "probe", lambda env: ANSWERS)
    monkeypatch.setattr(gpu_install, "BROWSERS", (str(tmp_path / "browser"),))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))


class Archive:
    """Packages as Debian's are laid out; `asked` lists what was unpacked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, names: Sequence[str]) -> None:
        self.names, self.asked = list(names), list[list[str]]()
        monkeypatch.setattr(debian, "unpack", self.unpack)

    def unpack(self, packages: list[str], folder: Path, *, say: object, alone: bool) -> dict[str, str]:
        assert alone, "what Chromium needs is not needed here"
        self.asked.append(packages)
        if lost := [name for name in packages if name not in self.names]:
            raise UnavailableError(f"apt finds no package {', '.join(lost)}")
        library = folder / "usr/lib/x86_64-linux-gnu"
        library.mkdir(parents=True, exist_ok=True)
        (library / "libvulkan.so.1.3.239").write_text("loader")
        (library / gpu.LOADER).symlink_to("libvulkan.so.1.3.239")
        if gpu_install.PACKAGE in packages:
            browser = folder / "usr/lib/chromium"
            browser.mkdir(parents=True)
            for name in (gpu_install.LIBRARY, gpu.DRIVER, gpu.LOADER):
                (browser / name).write_text("of the browser")
        return dict.fromkeys(packages, "1.0")


def test_it_is_made_of_two_packages_and_then_known(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(monkeypatch, ["libvulkan1", "chromium-common"])
    said: list[str] = []
    gpu_install.install(said.append)
    folder = gpu.installed()
    assert not cache.damage(folder)
    assert (folder / gpu.LOADER).read_text() == "loader"  # the browser's own cannot be used by others
    assert (folder / gpu_install.LIBRARY).read_text() == "of the browser"
    assert (folder / gpu.ORIGIN).read_text() == "chromium-common 1.0"
    assert said[-1] == f"SwiftShader Device (Subzero) is in {folder}"
    gpu_install.install(said.append)
    assert len(archive.asked) == 1


def test_it_is_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(monkeypatch, ["libvulkan1", "chromium-common"])
    gpu_install.install(print)
    (gpu.installed() / gpu.DRIVER).unlink()
    said: list[str] = []
    gpu_install.install(said.append)
    assert not cache.damage(gpu.installed())
    assert any("is damaged" in line for line in said)
    assert len(archive.asked) == 2


@pytest.mark.parametrize("place", ["browser", "playwright/chromium-1200/chrome-linux"])
def test_where_there_is_no_package_an_installed_browser_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    Archive(monkeypatch, ["libvulkan1"])
    (tmp_path / place).mkdir(parents=True)
    for name in (gpu_install.LIBRARY, gpu.DRIVER):
        (tmp_path / place / name).write_text("Chrome's")
    gpu_install.install(print)
    assert (gpu.installed() / gpu_install.LIBRARY).read_text() == "Chrome's"
    assert str(tmp_path / place) in (gpu.installed() / gpu.ORIGIN).read_text()


def test_neither_package_nor_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    Archive(monkeypatch, ["libvulkan1"])
    with pytest.raises(
        UnavailableError, match=r"no package chromium-common; no installed browser carries .*install Chrome"
    ):
        gpu_install.install(print)
    assert not gpu.installed().exists()


def test_what_does_not_work_here_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    Archive(monkeypatch, ["libvulkan1", "chromium-common"])
    monkeypatch.setattr(gpu_install, "probe", lambda env: Found(problem="the Vulkan driver died of SIGILL"))
    with pytest.raises(UnavailableError, match="does not work on this machine: the Vulkan driver died of SIGILL"):
        gpu_install.install(print)


@pytest.mark.slow
def test_the_real_packages(monkeypatch: pytest.MonkeyPatch, not_run: object) -> None:
    monkeypatch.undo()
    try:
        debian.require_tools("the software GPU")
    except UnavailableError as error:
        not_run(str(error), ci_installs_it=False)  # type: ignore[operator]
    gpu_install.install(print)
    assert [device.name for device in gpu.devices()]
