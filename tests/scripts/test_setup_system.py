"""setup_system.sh installs where it may, says so first, and never stops the tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from scripts import bootstrap

SCRIPT = bootstrap.ROOT / "scripts" / "setup_system.sh"


def program(folder: Path, name: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH without a browser, with a user who is root and an apt-get that writes down what it is asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "mktemp", "tail", "rm"):
        (folder / tool).symlink_to(shutil.which(tool) or "")
    program(folder, "id", "echo 0")
    program(folder, "apt-get", f'echo "$*" >> "{tmp_path}/asked"')
    return folder


def setup_system(machine: Path) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(SCRIPT)]
    return subprocess.run(command, env={"PATH": str(machine)}, capture_output=True, text=True, timeout=60, check=False)


def test_root_with_apt_installs_and_says_so_first(machine: Path) -> None:
    done = setup_system(machine)
    assert done.returncode == 0
    assert done.stderr.startswith("[system] installing chromium")
    update, install = (machine.parent / "asked").read_text().splitlines()
    assert update.endswith("update")
    assert install.endswith("install -y --no-install-recommends chromium fonts-dejavu-core")


def test_without_root_the_command_is_told(machine: Path) -> None:
    program(machine, "id", "echo 1000")
    done = setup_system(machine)
    assert done.returncode == 0
    assert "NOT_RUN; to have them run: sudo apt-get install -y chromium" in done.stderr
    assert not (machine.parent / "asked").exists()


def test_a_browser_that_is_there_is_enough(machine: Path) -> None:
    program(machine, "google-chrome", "exit 0")
    done = setup_system(machine)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_failing_apt_is_told_and_does_not_stop_the_tests(machine: Path) -> None:
    program(machine, "apt-get", "echo 'E: no network'; exit 100")
    done = setup_system(machine)
    assert done.returncode == 0
    assert "E: no network" in done.stderr
    assert "apt-get failed: the tests of the HTML report will report NOT_RUN" in done.stderr
