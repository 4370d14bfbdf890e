"""coremltools without what a process does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import sys
from converters.coreml.toolkit import coremltools
assert coremltools().__name__ == "coremltools"
assert not {"torch", "tensorflow", "sklearn"} & set(sys.modules), "frameworks were imported"
import importlib.util
assert importlib.util.find_spec("json")
"""


@pytest.mark.torch
def test_it_is_imported_without_frameworks() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
