from __future__ import annotations

import platform
import shutil
import subprocess

import pytest
from debian_archive import Archive

from converters.devices import arm64, arm64_install, cache, sources, wheels
from converters.errors import UnavailableError

PYTHON = """#!/bin/sh
for word; do last=$word; done
echo "$last" >> "$EDGE_EXPORT_CACHE/programs"
{ending}
"""
EMULATOR = """#!/bin/sh
if [ "$1" = --version ]; then echo "qemu-aarch64 version {version} (Debian)"; exit; fi
while [ "${{1#*python3}}" = "$1" ]; do shift; done
exec /bin/sh "$@"
"""


@pytest.fixture
def archive(tmp_path, monkeypatch, not_run):
    """An archive with an ARM64 system of shell scripts, an old emulator and a newer one in backports."""
    if not shutil.which("apt-get"):
        not_run("needs apt: run on Debian or Ubuntu", ci_installs_it=False)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(sources, "release", lambda: ("debian", "tests"))
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(arm64.shutil, "which", lambda name: None if "qemu" in name else f"/usr/bin/{name}")
    own = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    archive = Archive(tmp_path / "archive")
    for version, suite in (("7.2", "tests"), ("10.0", "tests-backports")):
        files = {"usr/bin/qemu-aarch64": EMULATOR.format(version=version), "usr/bin/qemu-riscv64": "another"}
        archive.add("qemu-user", files, own, f"1:{version}", suite=suite)
    for name in arm64.SYSTEM_PACKAGES:
        archive.add(name, {f"usr/share/doc/{name}": "manual"} | SYSTEM.get(name, {}), "arm64")
    monkeypatch.setenv(sources.VARIABLE, str(archive.write()))
    return archive


SYSTEM = {
    "python3-minimal": {"usr/bin/python3.11": PYTHON.format(ending="echo imported")},
    "libc6": {"lib/aarch64-linux-gnu/libc.so.6": "GNU C Library (Debian) stable release version 2.36.\n"},
}


@pytest.fixture
def unpacked(monkeypatch):
    """What the installer asked of pip, in the place of a package index."""
    asked: list[tuple[object, ...]] = []

    def unpack(wishes, folder, machine, glibc, python):
        asked.append((machine, glibc, python))
        for name in wishes:
            (folder / f"{name}.py").write_text(wishes[name])

    monkeypatch.setattr(wheels, "unpack", unpack)
    return asked


def install() -> list[str]:
    said: list[str] = []
    arm64_install.install(said.append)
    return said


def made() -> dict[str, int]:
    """When each folder was made."""
    return {path.parent.name: path.stat().st_mtime_ns for path in (cache.root() / "devices").glob("*/contents.json")}


def test_everything_is_installed_tried_and_found(archive, unpacked):
    said = install()
    assert [device.name for device in arm64.devices()] == ["cortex-a53", "cortex-a76", "max"]
    assert unpacked == [("aarch64", (2, 36), "3.11")]
    assert said[-2:] == [
        "importing them under QEMU",
        f"ARM64 is ready: cortex-a53, cortex-a76, max in {cache.root()}",
    ]
    (program,) = (cache.root() / "programs").read_text().splitlines()
    assert program.startswith("import numpy, safetensors.numpy, converters.worker, converters.job")
    assert not (arm64.system_folder() / "usr/share").exists()


def test_the_emulator_comes_from_the_first_suite_that_has_it_new_enough(archive, unpacked):
    install()
    assert arm64.qemu() == (arm64.qemu_folder() / "qemu-aarch64", "10.0.0")
    assert sorted(path.name for path in arm64.qemu_folder().iterdir()) == ["contents.json", "qemu-aarch64"]


def test_a_second_time_nothing_is_done(archive, unpacked):
    install()
    assert install() == [f"ARM64 is ready: cortex-a53, cortex-a76, max in {cache.root()}"]
    assert len(unpacked) == 1


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        (arm64.qemu_folder, "qemu-aarch64"),
        (arm64.system_folder, "usr/bin/python3.11"),
        (arm64.packages_folder, "numpy.py"),
    ],
)
def test_what_is_damaged_is_installed_anew_and_nothing_else(archive, unpacked, folder, file):
    install()
    before = made()
    (folder() / file).unlink()
    said = install()
    assert f"{folder()} is damaged ({file} is missing): it is made anew" in said
    assert ("importing them under QEMU" in said) == (folder != arm64.qemu_folder)  # the bytecode is new as well
    assert len(arm64.devices()) == 3
    assert [name for name, when in made().items() if before[name] != when] == [folder().name]


def test_packages_that_do_not_start_are_not_kept(archive, unpacked):
    tree = {"usr/bin/python3.11": PYTHON.format(ending="echo 'ImportError: wrong' >&2; exit 1")}
    archive.add("python3-minimal", tree, "arm64", "2.0")
    archive.write()
    with pytest.raises(
        UnavailableError, match=r"under .*qemu-aarch64, .*import numpy.* exit code 1: ImportError: wrong"
    ):
        install()
    assert cache.damage(arm64.packages_folder()) == cache.ABSENT


def test_an_emulator_that_is_nowhere_new_enough_is_said_with_what_was_found(archive, unpacked, monkeypatch):
    monkeypatch.setattr(arm64, "OLDEST_QEMU", 12)
    with pytest.raises(UnavailableError, match=r"(?s)no QEMU >= 12 .*backports has 10.0.0; tests has 7.2.0; .*QEMU"):
        install()
    assert cache.damage(arm64.qemu_folder()) == cache.ABSENT


def test_a_system_without_a_c_library_is_not_kept(archive, unpacked):
    archive.add("libc6", {"usr/share/none": ""}, "arm64", "2.0")
    archive.write()
    with pytest.raises(UnavailableError, match="holds no GNU C library"):
        install()
    assert cache.damage(arm64.system_folder()) == cache.ABSENT


def test_a_system_that_the_sources_do_not_have_is_said(archive, unpacked, monkeypatch):
    monkeypatch.setattr(arm64, "SYSTEM_PACKAGES", ("python9-minimal",))
    with pytest.raises(UnavailableError, match=f"python9-minimal for arm64 cannot be had: .*{sources.VARIABLE}"):
        install()


def test_an_emulator_that_the_user_names_is_not_replaced(archive, unpacked, monkeypatch, tmp_path):
    old = tmp_path / "old"
    old.write_text(EMULATOR.format(version="7.2"))
    old.chmod(0o755)
    monkeypatch.setenv(arm64.QEMU_VARIABLE, str(old))
    with pytest.raises(UnavailableError, match="named by EDGE_EXPORT_QEMU. is QEMU 7.2.0: needs >= 10"):
        install()


def test_nothing_is_installed_where_this_is_an_arm64_machine(monkeypatch):
    monkeypatch.setattr(arm64, "native", lambda: True)
    assert install() == ["this machine is an ARM64 one: nothing is to be installed"]


def test_without_toolkits_there_is_nothing_to_install(monkeypatch):
    monkeypatch.setattr(arm64, "native", lambda: False)
    monkeypatch.setattr(arm64, "wheels", lambda: {"numpy": "2.0"})
    with pytest.raises(UnavailableError, match="neither ai-edge-litert nor onnxruntime is installed.*make setup"):
        install()


def test_off_linux_the_reason_is_the_system(monkeypatch):
    monkeypatch.setattr(arm64, "native", lambda: False)
    monkeypatch.setattr(arm64.sys, "platform", "darwin")
    with pytest.raises(UnavailableError, match="emulates other CPUs on Linux only"):
        install()
