"""A user's own model with two inputs and two outputs, from builder to bundle, and what may go wrong on the way."""

from __future__ import annotations

import shutil

import pytest

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def made(cli, own_model):
    """The folder after `run --target all`, and how that ended."""
    (own_model / "mine").mkdir()
    ended = cli("run", "net.py:build", "--target", "all", "--json", cwd=own_model)
    return own_model, ended


def cell(report, precision, runtime):
    return next(c for c in report["cells"] if (c["precision"], c["runtime"]) == (precision, runtime))


def shipped(folder, ending):
    """The file of the bundle whose name ends so, by whichever route it was taken from."""
    [found] = (folder / "dist" / "net").glob(f"net_torch_*_{ending}")
    return found


def test_every_cell_passes_and_the_document_is_all_of_standard_output(made):
    _, ended = made
    assert ended.code == 0, ended.err
    report = ended.json
    assert report["outcome"] == "PASSED"
    runtimes = {c["runtime"] for c in report["cells"]}
    own = {"torchscript", "torch-export", "torch-mobile", "executorch"}
    assert runtimes == {"litert-xnnpack", "litert-reference", "onnxruntime", "coreml-mil", *own}
    for found in report["cells"]:
        assert {"route", "precision", "runtime", "outcome", "reasons", "metrics"} <= set(found)
        assert found["outcome"] == "PASSED", found["reasons"]
    assert cell(report, "fp32", "litert-xnnpack")["metrics"]["parity.snr_db"] > 100
    assert any("accuracy was NOT_RUN" in note for note in report["notes"])


def test_an_unchanged_run_has_nothing_to_do_and_gives_the_same_document(made, cli):
    folder, first = made
    again = cli("run", "net.py:build", "--target", "all", "--json", cwd=folder)
    assert again.code == 0
    assert again.err.count("nothing to do") >= 5
    assert again.json == first.json


def test_a_changed_recipe_reruns_only_what_depends_on_it(made, cli):
    folder, _ = made
    recipes = folder / "mine" / "recipes"
    recipes.mkdir()
    (recipes / "int8.toml").write_text('title = "fewer"\ncalibration_samples = 32\n')
    said = cli("explain", "net.py:build", "--target", "all", "--configs", "mine", "--json", cwd=folder).json["tasks"]
    would_run = {row["task"] for row in said if row["would_run"]}
    assert would_run
    assert all("_int8" in name or name == "calibration net_torch 32" for name in would_run)
    assert not any("int8-io" in name for name in would_run)


def test_compare_judges_the_second_by_the_first(made, cli):
    folder, _ = made
    right, other = shipped(folder, "fp32.onnx"), shipped(folder, "fp32.tflite")
    good = cli("compare", right, other, "--inputs", "golden", "--json", cwd=folder)
    assert good.code == 0, good.err
    assert good.json["cells"][0]["metrics"]["parity.snr_db"] > 100
    # alone, outside its bundle, the same files still bind: layouts are found from the shapes
    shutil.copy(other, folder / "mine" / "alone.tflite")
    shutil.copy(right, folder / "mine" / "alone.onnx")
    lone = cli(
        "compare",
        folder / "mine" / "alone.onnx",
        folder / "mine" / "alone.tflite",
        "--inputs",
        "random",
        "--json",
        cwd=folder,
    )
    assert lone.code == 0, lone.err + lone.out


def test_compare_fails_on_a_changed_weight(made, cli):
    folder, _ = made
    content = bytearray(shipped(folder, "fp32.tflite").read_bytes())
    import numpy as np

    from converters.litert.inspect import inspect

    largest = max(
        (t for t in inspect(shipped(folder, "fp32.tflite")).tensors if t.constant), key=lambda t: t.size_bytes
    )
    # the largest constant lies somewhere in the file as it is: find it by its source weights and negate one value
    import safetensors.numpy

    weights = next((folder / ".edge-export").rglob("weights.safetensors"))
    second = safetensors.numpy.load_file(weights)["second.weight"].transpose(0, 2, 3, 1)
    assert largest.size_bytes == second.nbytes
    at = bytes(content).find(np.ascontiguousarray(second).tobytes())
    assert at > 0
    content[at + 3] ^= 0x80  # the sign of one weight
    (folder / "mine" / "changed.tflite").write_bytes(content)
    ended = cli("compare", shipped(folder, "fp32.onnx"), "mine/changed.tflite", "--json", cwd=folder)
    assert ended.code == 1
    assert ended.json["outcome"] == "FAILED"
    assert any("parity" in reason for reason in ended.json["cells"][0]["reasons"])


def test_validate_judges_a_bundle_anew(made, cli):
    folder, _ = made
    ended = cli("validate", "dist/net", "--runtime", "onnxruntime", "--json", cwd=folder)
    assert ended.code == 0, ended.err
    assert {c["runtime"] for c in ended.json["cells"]} == {"onnxruntime"}


def test_validate_refuses_a_bundle_with_a_changed_byte(made, cli):
    folder, _ = made
    shutil.copytree(folder / "dist" / "net", folder / "tampered")
    file = folder / "tampered" / "net_torch_onnx_fp32.onnx"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    ended = cli("validate", "tampered", cwd=folder)
    assert ended.code == 5
    assert "net_torch_onnx_fp32.onnx" in ended.err


def test_inspect_and_report_and_bench(made, cli):
    folder, _ = made
    seen = cli("inspect", shipped(folder, "int8.tflite"), "--json", cwd=folder)
    assert seen.json["precision"] == "int8"
    text = cli("report", "dist", "--format", "markdown", cwd=folder)
    assert text.code == 0
    assert "PASSED" in text.out
    sides = (shipped(folder, "fp32.tflite"), shipped(folder, "fp32.onnx"))
    raced = cli("bench", *sides, "--budget", "1", "--json", cwd=folder)
    assert raced.json["metrics"]["latency_ms_p50"] > 0


def test_a_corrupt_cache_entry_is_found_said_and_rebuilt(made, cli):
    folder, first = made
    artifact = next((folder / ".edge-export").rglob("net_torch_onnx_fp32.onnx"))
    artifact.write_bytes(artifact.read_bytes()[:-100])
    again = cli(
        "run", "net.py:build", "--target", "onnx", "--precision", "fp32", "--json", "--out", "other", cwd=folder
    )
    assert again.code == 0, again.err
    assert "damaged" in again.err
    assert first.code == 0
