"""The tests of the demo's core and of its program for the JVM, which are written in Kotlin."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import app_models
import app_program as program
import onnx

ROOT = Path(__file__).resolve().parents[2]


def test_the_kotlin_tests_pass(app_program: Path) -> None:
    """Real inference by every engine that runs here, and each fault of a bundle as its own sentence."""
    words = ["flock", program.LOCKS / "lock", "mvn", "-B", "-f", program.DEMO / "pom.xml", "-pl", "core,jvm", "test"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    counts = [
        int(found)
        for found in re.findall(r"^\[INFO\] Tests run: (\d+), Failures: 0, Errors: 0, Skipped: 0$", done.stdout, re.M)
    ]
    assert sum(counts) >= 60, "tests that were not run prove nothing"


def test_the_models_of_the_kotlin_tests_are_those_that_this_writes(tmp_path: Path) -> None:
    app_models.write(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in app_models.FOLDER.iterdir()}
    assert set(made) == set(kept)
    for name, content in made.items():
        if name.endswith(".onnx"):  # protobuf promises no order of bytes
            assert onnx.load_from_string(content) == onnx.load_from_string(kept[name])
        else:
            assert content == kept[name], f"{name} is another; write it anew: python tests/app_models.py"
