"""The Makefile: what it explains, what it would run, and which environment each target needs."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from scripts import bootstrap

MAKEFILE = (bootstrap.ROOT / "Makefile").read_text(encoding="utf-8")


def make(*arguments: str) -> str:
    """What make would run, were nothing made yet; or prints, for `help`."""
    command = ["make", "--no-print-directory", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "UV_"))}
    done = subprocess.run(command, cwd=bootstrap.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.replace("\\\n", " ").split())


def would(*arguments: str) -> str:
    """The commands of a dry run in which the environment is elsewhere, so that it counts as missing."""
    return make("--dry-run", *arguments, "VENV=no-environment")


def test_every_target_is_explained() -> None:
    phony = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)
    targets = set(" ".join(phony).split()) - {"broken"}
    explained = set(re.findall(r"^([a-z0-9-]+):.* ## \S", MAKEFILE, flags=re.MULTILINE))
    assert targets == explained
    shown = make("help")
    assert all(f"make {target} " in shown for target in targets)


def test_every_variable_is_explained() -> None:
    variables = re.findall(r"^([A-Z]+) +\?=", MAKEFILE, flags=re.MULTILINE)
    assert len(variables) == 13
    shown = make("help")
    assert all(f"{name} " in shown for name in variables)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["TARGET=tflite"], "all"),
        (["TARGET=tflite", "FRAMEWORK=torch"], "torch"),
        (["TARGET=onnx", "FRAMEWORK=tensorflow"], "tensorflow"),
        (["TARGET=torchscript"], "torch"),
        (["TARGET=executorch"], "torch"),
        (["TARGET=all"], "all"),
        ([], "all"),
    ],
)
def test_an_export_installs_only_what_it_needs(arguments: list[str], wanted: str) -> None:
    assert f"scripts/setup.sh --set {wanted} --target" in would("export", *arguments)


def test_variables_become_options() -> None:
    given = "TARGET=onnx FRAMEWORK=torch PRECISION=int8 MODEL=m.py:build OUT=out DATA=folder FORCE=train ARGS=--json"
    line = would("export", *given.split())
    options = '--target "onnx" --framework "torch" --precision "int8" --model "m.py:build" --out "out" --data "folder"'
    assert f'bin/edge-export run {options} --force "train" --json' in line


def test_without_a_target_none_is_made_up() -> None:
    assert 'edge-export run --framework "both"' in would("export")


def test_the_test_command_checks_everything_and_ends_with_pytest() -> None:
    line = would("test")
    steps = ["setup_system.sh", "setup_android.sh", "ruff format --check", "ruff check", "mypy", "pytest"]
    places = [line.index(step) for step in steps]
    assert places == sorted(places)
    assert line.endswith('-m "not slow"')
    assert "not slow" not in would("test-all")


@pytest.mark.parametrize(("target", "wanted"), [("doctor", "core"), ("bench", "all"), ("wheel", "dev")])
def test_each_target_makes_its_environment(target: str, wanted: str) -> None:
    assert f"scripts/setup.sh --set {wanted}" in would(target)


def test_another_torch_build_has_stamps_of_its_own() -> None:
    assert "scripts/setup.sh --set torch" in would("export", "TARGET=torchscript", "UV_TORCH_BACKEND=cpu")


def test_the_apk_takes_its_options_and_none_is_no_bundle() -> None:
    line = would("apk", "BUNDLE=dist/mine", "GPU=1", "ABI=x86_64")
    assert 'ABI="x86_64" GPU="1" BUNDLE="dist/mine"' in line
    assert line.endswith("bash android_demo/package.sh")
    assert 'BUNDLE=""' in would("apk", "BUNDLE=none")


def test_phones_get_the_apk_first() -> None:
    line = would("validate-android", "BUNDLE=dist/mine")
    assert line.index("package.sh") < line.index('edge-export validate "dist/mine" --runtime android')
