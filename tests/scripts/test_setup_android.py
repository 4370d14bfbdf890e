"""setup_android.sh installs what is missing where it may, says so first, and says the one command where it may not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from scripts import bootstrap

SCRIPT = bootstrap.ROOT / "scripts" / "setup_android.sh"
TOOLS = ("javac", "mvn", "aapt", "aapt2", "zipalign", "apksigner", "dexdump", "adb")


def program(folder: Path, name: str, body: str = "exit 0") -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH with every tool, with a user who is root and an apt-get that writes down what it is asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "mktemp", "tail", "rm", "sort", "tr", "sed"):
        (folder / tool).symlink_to(shutil.which(tool) or "")
    for tool in TOOLS:
        program(folder, tool)
    program(folder, "javac", "echo javac 17.0.15")
    program(folder, "id", "echo 0")
    program(folder, "apt-get", f'echo "$*" >> "{tmp_path}/asked"')
    return folder


def setup_android(machine: Path) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(SCRIPT)]
    return subprocess.run(command, env={"PATH": str(machine)}, capture_output=True, text=True, timeout=60, check=False)


def asked(machine: Path) -> list[str]:
    log = machine.parent / "asked"
    return log.read_text().splitlines() if log.exists() else []


def test_where_all_is_there_nothing_is_said_or_done(machine: Path) -> None:
    done = setup_android(machine)
    assert (done.returncode, done.stderr, asked(machine)) == (0, "", [])


def test_root_with_apt_installs_what_is_missing_and_says_so_first(machine: Path) -> None:
    (machine / "zipalign").unlink()
    (machine / "aapt2").unlink()
    done = setup_android(machine)
    assert done.returncode == 0
    assert done.stderr.startswith("[android] installing aapt zipalign with apt-get")
    assert asked(machine)[-1].endswith("install -y --no-install-recommends aapt zipalign")


@pytest.mark.parametrize("said", ["echo javac 11.0.2", "echo javac 1.8.0_392"])
def test_a_jdk_that_is_too_old_counts_as_missing(machine: Path, said: str) -> None:
    program(machine, "javac", said)
    setup_android(machine)
    assert asked(machine)[-1].endswith("install -y --no-install-recommends openjdk-17-jdk-headless")


def test_a_newer_jdk_will_do(machine: Path) -> None:
    program(machine, "javac", "echo javac 21.0.1")
    assert setup_android(machine).returncode == 0
    assert asked(machine) == []


def test_without_root_the_one_command_is_told(machine: Path) -> None:
    program(machine, "id", "echo 1000")
    (machine / "dexdump").unlink()
    done = setup_android(machine)
    assert done.returncode == 1
    assert "to have them run: sudo apt-get install -y dexdump" in done.stderr
    assert asked(machine) == []


def test_a_failing_apt_is_told(machine: Path) -> None:
    (machine / "adb").unlink()
    program(machine, "apt-get", "echo 'E: no network'; exit 100")
    done = setup_android(machine)
    assert done.returncode == 1
    assert "E: no network" in done.stderr
    assert "apt-get failed: tests of the Android demo will report NOT_RUN" in done.stderr
