"""The whole pipeline on the digits, from both frameworks: trained, converted, proved, bundled, and resumed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import pytest

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]
PRECISIONS = {"fp32", "fp16", "int8-weights", "int4-weights", "dynamic", "int8", "int8-io", "int16x8"}


@pytest.fixture(scope="module")
def made(cli, tmp_path_factory):
    """The folder after `run digits-cnn --target all`, and how that ended."""
    folder = tmp_path_factory.mktemp("digits")
    return folder, cli("run", "digits-cnn", "--target", "all", "--json", cwd=folder, timeout=900)


def test_both_frameworks_pass_in_every_precision_and_runtime(made):
    _, ended = made
    assert ended.code == 0, ended.err
    report = ended.json
    cells = {(c["framework"], c["target"], c["precision"], c["runtime"]): c for c in report["cells"]}
    for framework in ("torch", "tensorflow"):
        for runtime in ("litert-xnnpack", "litert-reference"):
            assert {key[2] for key in cells if key[0] == framework and key[3] == runtime} == PRECISIONS
        assert {"fp32", "int8"} <= {key[2] for key in cells if key[0] == framework and key[1] == "onnx"}
    assert ("torch", "torchscript", "fp32", "torchscript") in cells
    assert {("torch", "pt2"), ("torch", "ptl"), ("torch", "ort"), ("tensorflow", "savedmodel")} <= {
        k[:2] for k in cells
    }
    assert {key[2] for key in cells if key[3] == "executorch"} == {"fp32", "int8", "int8-io"}
    assert all(cell["outcome"] == "PASSED" for cell in cells.values())
    for key, cell in cells.items():
        if key[2] == "fp32":
            assert cell["metrics"]["parity.max_rel_range"] <= 1e-5
        if key[2].startswith("int8"):
            assert cell["metrics"]["parity.snr_db"] < 80, "an int8 file as exact as float is no int8 file"


def test_the_reference_models_learn_and_are_judged_on_the_whole_test_split(made):
    models = made[1].json["models"]
    assert {model["framework"] for model in models} == {"torch", "tensorflow"}
    assert all(model["accuracy"] > 0.95 and model["test_samples"] > 300 for model in models)
    assert all(model["golden_samples"] == 128 for model in models)


def test_the_bundle_holds_what_a_mobile_developer_needs(made):
    folder, _ = made
    bundle = folder / "dist" / "digits-cnn"
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert (bundle / "labels.txt").read_text().split() == [str(digit) for digit in range(10)]
    assert set(manifest["golden"]) == {"torch", "tensorflow"}
    for row in manifest["artifacts"]:
        assert row["signature"]["inputs"][0]["name"] == "image"
        assert row["signature"]["outputs"][0]["name"] == "logits"
        if row["format"] == "tflite":
            layout, shape = row["signature"]["inputs"][0]["layout"], row["signature"]["inputs"][0]["shape"]
            assert layout == "NHWC" or "onnx" in row["route"]  # a route through ONNX may keep what that has
            assert shape[layout.index("C")] == 1
        if row["precision"] == "int8-io":
            assert row["signature"]["inputs"][0]["dtype"] == "int8"
    for name in ("README.md", "gates.toml", "report/report.html", "report/report.md"):
        assert (bundle / name).stat().st_size > 500
    cases = ElementTree.parse(bundle / "report" / "junit.xml").getroot().iter("testcase")
    assert len(list(cases)) == len(made[1].json["cells"])


def test_an_unchanged_run_says_for_each_stage_that_there_is_nothing_to_do(made, cli):
    folder, _ = made
    again = cli("run", "digits-cnn", "--target", "all", cwd=folder)
    assert again.code == 0
    for stage in ("data", "train", "reference", "calibrate", "convert", "validate", "package"):
        assert f"{stage}: nothing to do" in again.err


def test_a_changed_gate_judges_anew_and_nothing_else(made, cli):
    folder, _ = made
    (folder / "strict.toml").write_text('[parity.int8]\nmin_snr_db = 90.0\nreason = "a test"\n')
    strict = cli(
        "run",
        "digits-cnn",
        "-t",
        "tflite",
        "-p",
        "int8",
        "--gates",
        "strict.toml",
        "--out",
        "strict",
        "--json",
        cwd=folder,
    )
    assert strict.code == 1, strict.err
    assert "convert: nothing to do" in strict.err
    outcomes = {cell["precision"]: cell["outcome"] for cell in strict.json["cells"]}
    assert outcomes == {"int8": "FAILED", "int8-io": "PASSED"}


def test_a_killed_training_is_taken_up_and_ends_in_the_same_bytes(made, cli, tmp_path):
    command = [sys.executable, "-m", "pipeline.cli", "train", "digits-cnn", "--framework", "torch"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list(tmp_path.glob(".edge-export/scratch/*/*")):
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(tmp_path.glob(".edge-export/store/*/*/weights.safetensors"))
    again = cli("train", "digits-cnn", "--framework", "torch", "--json", cwd=tmp_path)
    assert again.code == 0, again.err
    resumed = again.json["artifacts"][0]["sha256"]
    whole = cli("train", "digits-cnn", "--framework", "torch", "--json", cwd=made[0]).json["artifacts"][0]["sha256"]
    assert resumed == whole
