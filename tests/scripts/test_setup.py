"""setup.sh finds a Python that the locks were made for, or says in one line that there is none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from scripts import bootstrap

SETUP = bootstrap.ROOT / "scripts" / "setup.sh"


def setup(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs setup.sh with nothing but `path` and a shell to find programs in."""
    command = ["/bin/sh", str(SETUP), "--target", "tflit"]
    variables = {"PATH": f"{path}:/bin", "HOME": os.environ["HOME"], **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)


def python(folder: Path, name: str, version: str) -> Path:
    """A program that answers like a Python of that version, and says what it was asked to run."""
    folder.mkdir(exist_ok=True)
    good = "0" if "3.11" <= version <= "3.13" else "1"
    script = f'case "$2" in *exit*) exit {good};; *print*) echo {version};; *) echo "ran $1 with {name}";; esac\n'
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)
    return path


def test_an_old_python_is_told_in_one_line(tmp_path: Path) -> None:
    old = python(tmp_path / "bin", "python3", "3.9")
    done = setup(tmp_path / "bin", PYTHON=str(old))
    assert done.returncode == 7
    assert done.stderr.count("\n") == 1
    assert f"needs Python 3.11, 3.12 or 3.13; found: {old} is 3.9;" in done.stderr


def test_no_python_is_told_in_one_line(tmp_path: Path) -> None:
    done = setup(tmp_path, PYTHON="no-such-python")
    assert done.returncode == 7
    assert done.stderr.count("\n") == 1
    assert "found: none; install one" in done.stderr


def test_a_newer_python_beside_an_old_one_is_found(tmp_path: Path) -> None:
    python(tmp_path / "bin", "python3", "3.9")
    python(tmp_path / "bin", "python3.13", "3.13")
    done = setup(tmp_path / "bin")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("bootstrap.py with python3.13\n")
