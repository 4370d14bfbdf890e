from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import toy_workers
from gates import mini
from loose_files import NCHW, file, image
from toy_workers import ToyWorkers

from converters import registry
from converters.contract import Format, Precision
from converters.errors import DataError, ModelError, UnavailableError, UsageError
from converters.inspection import WRONG_SHAPES
from pipeline import config, golden
from pipeline.golden_inputs import choose_synthetic
from pipeline.lone import (
    cpu_runtimes,
    default_runtime,
    inputs_for,
    inspect_file,
    open_artifact,
    toolbox,
)

LIMITS = config.load().limits


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    monkeypatch.setattr(registry, "missing", lambda packages: ())


def test_a_file_alone_is_run_in_its_own_arithmetic() -> None:
    assert [spec.name for spec in cpu_runtimes(Format.COREML)] == ["coreml-mil"]


def test_the_default_runtime_is_the_first_of_the_format():
    assert default_runtime(file([NCHW])).name == "litert-xnnpack"
    assert default_runtime(file([NCHW]), "litert-reference").name == "litert-reference"


def test_a_runtime_of_another_format_is_refused_with_those_that_fit():
    with pytest.raises(UsageError, match="'onnxruntime' does not run tflite files; those that do: litert-xnnpack, "):
        default_runtime(file([NCHW]), "onnxruntime")


def test_what_is_not_installed_is_said_with_its_command(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "missing", lambda packages: packages)
    with pytest.raises(UnavailableError, match="running litert-xnnpack needs.*pip install ai-edge-litert"):
        default_runtime(file([NCHW]))
    toy_workers.save(tmp_path / "m.pt", Precision.FP32)
    with pytest.raises(UnavailableError, match="reading torchscript files needs.*pip install torch"):
        inspect_file(tmp_path / "m.pt", ToyWorkers(), LIMITS)


def test_a_lone_file_is_described_by_itself(tmp_path):
    toy_workers.save(tmp_path / "m.pt", Precision.FP16)
    artifact, pack = open_artifact(tmp_path / "m.pt", ToyWorkers(), LIMITS)
    assert pack is None
    assert (artifact.format, artifact.precision) == (Format.TORCHSCRIPT, Precision.FP16)
    assert artifact.size_bytes == (tmp_path / "m.pt").stat().st_size
    assert artifact.producer == ""


def test_a_publishers_own_manifest_is_no_bundle(tmp_path):
    toy_workers.save(tmp_path / "m.pt", Precision.FP16)
    (tmp_path / "manifest.json").write_text('{"models": ["m.pt"], "version": 3}')
    assert open_artifact(tmp_path / "m.pt", ToyWorkers(), LIMITS)[1] is None


def test_the_content_decides_the_format_not_the_ending(tmp_path):
    (tmp_path / "m.tflite").write_bytes(b"not a model at all" * 9)
    with pytest.raises(ModelError, match="m.tflite"):
        open_artifact(tmp_path / "m.tflite", ToyWorkers(), LIMITS)


def test_a_file_whose_declared_sizes_are_wrong_is_refused_by_whoever_opens_it(tmp_path):
    class Wrong(ToyWorkers):
        def _inspect(self, path, format):
            return dataclasses.replace(
                super()._inspect(path, format), metadata={WRONG_SHAPES: "'y' as [9] and gives [1]"}
            )

    toy_workers.save(tmp_path / "m.pt", Precision.FP32)
    with pytest.raises(
        ModelError, match=r"m.pt declares its output 'y' as \[9\] and gives \[1\]: the shapes in the file"
    ):
        open_artifact(tmp_path / "m.pt", Wrong(), LIMITS)


def pack_of(tmp_path, n=20):
    chosen = choose_synthetic(toy_workers.SIGNATURE, n, 0)
    outputs = mini.run(mini.parameters(), chosen.inputs["image"])
    toy_workers.save(tmp_path / "w", Precision.FP32)
    made = toy_workers.artifact(tmp_path / "w", Format.TORCH, Precision.FP32)
    return golden.write(tmp_path / "g.safetensors", chosen, outputs, made)


def test_inputs_come_from_the_first_pack_that_there_is(tmp_path):
    pack, place = pack_of(tmp_path), tmp_path / "g.safetensors"
    for wanted, packs in (("golden", [None, place]), (str(place), [])):
        got = inputs_for(file(toy_workers.SIGNATURE.inputs), wanted, packs)
        np.testing.assert_array_equal(got["image"], pack.inputs["image"])


def test_a_pack_of_another_layout_is_refused_not_fed(tmp_path):
    pack_of(tmp_path)
    with pytest.raises(DataError, match=r"'image' is \(20, 1, 12, 20, 3\), m.tflite takes .*\(1, 3, 12, 20\)"):
        inputs_for(file([NCHW]), "golden", [tmp_path / "g.safetensors"])


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"picture": image(2, 1, 3, 12, 20), "vector": image(2, 1, 7)}, "holds picture, vector, m.tflite takes image"),
        ({"image": image(1, 3, 12, 20)}, r"'image' is \(1, 3, 12, 20\), m.tflite takes \(samples, "),
        ({"image": image(2, 1, 3, 12, 20).astype("uint8")}, "'image' is uint8, m.tflite takes float32"),
    ],
)
def test_a_file_of_inputs_that_does_not_fit_is_the_users_to_mend(arrays, match):
    np.savez("i.npz", **arrays)
    with pytest.raises(DataError, match=match):
        inputs_for(file([NCHW]), "i.npz", [])


def test_a_single_array_may_have_any_name():
    np.savez("i.npz", arr_0=image(2, 1, 3, 12, 20))
    assert list(inputs_for(file([NCHW]), "i.npz", [])) == ["image"]


def test_inputs_from_an_npz_and_made_up_ones(tmp_path):
    np.savez(tmp_path / "i.npz", image=image(2, 1, 3, 12, 20))
    assert inputs_for(file([NCHW]), str(tmp_path / "i.npz"), [])["image"].shape == (2, 1, 3, 12, 20)
    made = inputs_for(file([NCHW]), "random", [])["image"]
    assert made.shape == (64, 1, 3, 12, 20)
    assert len(np.unique(made, axis=0)) == 64


@pytest.mark.parametrize(
    ("wanted", "error", "match"),
    [
        ("golden", UsageError, "neither file lies in a bundle.*--inputs FILE.*--inputs random"),
        ("none.npz", UsageError, "'none.npz' is no file; use golden, random"),
        ("broken.npz", DataError, "broken.npz cannot be read"),
        ("broken.safetensors", DataError, "broken.safetensors cannot be read"),
        ("pickled.npz", DataError, "pickled.npz cannot be read"),
    ],
)
def test_inputs_that_cannot_be_had_say_what_can(wanted, error, match):
    Path("broken.npz").write_bytes(b"PK nothing")
    Path("broken.safetensors").write_bytes(b"nothing")
    np.savez("pickled.npz", image=np.array([{"runs": "code"}], dtype=object))
    with pytest.raises(error, match=match):
        inputs_for(file([NCHW]), wanted, [None])


def test_the_toolbox_leaves_nothing_behind():
    with toolbox() as (pool, limits):
        folder = pool.log_folder
        assert folder.is_dir()
        assert limits == dataclasses.replace(LIMITS)
    assert not folder.exists()


def test_a_file_that_says_nothing_of_its_tensors_has_no_inputs_of_its_own():
    with pytest.raises(UsageError, match="does not say what it takes, .* name it second"):
        inputs_for(file([], [], Format.TORCHSCRIPT), "random", [])
