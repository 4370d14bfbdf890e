from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import toy_workers
from toy_workers import ToyWorkers

from converters import registry
from converters.contract import Framework, Precision
from converters.errors import UnsupportedError
from pipeline import config, golden
from pipeline.entries import read_artifact
from pipeline.evidence import GOLDEN
from pipeline.stages.convert import CALIBRATION, calibration_task, convert_task
from pipeline.stages.data import data_task
from pipeline.stages.reference import reference_task
from pipeline.stages.train import capture_task

CONFIGS = config.load()
LIMITS = CONFIGS.limits
RECIPE = CONFIGS.recipes[Precision.INT8]
TO_ONNX, QUANTIZE = registry.edge("onnx_from_torch"), registry.edge("quantize_onnx")


@pytest.fixture
def source(tmp_path):
    toy_workers.request(tmp_path / "p")
    return capture_task(f"{tmp_path / 'p' / 'net.py'}:build", Framework.TORCH, (), LIMITS, name="net")


@pytest.fixture
def data(tmp_path):
    return data_task(str(toy_workers.write_data(tmp_path / "toy.npz")))


def convert(source, edge=TO_ONNX, precision=Precision.FP32, recipe=RECIPE, identity="net_torch_onnx_fp32", **more):
    return convert_task(source, edge, precision, recipe, LIMITS, identity=identity, route="onnx", **more)


def calibration(source, data, tmp_path, samples=50, seed=1):
    task = calibration_task(source, data, samples, LIMITS, seed)
    return np.load(toy_workers.result(task, tmp_path / "ws").file(CALIBRATION))


def test_the_artifact_has_the_name_of_the_grammar_and_the_whole_route(source, tmp_path):
    artifact = read_artifact(toy_workers.result(convert(source), tmp_path / "ws"))
    assert artifact.path.name == "net_torch_onnx_fp32.onnx"
    assert artifact.route == "onnx"
    assert artifact.path.is_file()


def test_the_converter_gets_the_options_that_the_recipe_has_for_it_and_no_other(source, tmp_path):
    recipe = dataclasses.replace(RECIPE, options={"quantize_onnx": {"a": 1}, "quantize_litert": {"b": 2}})
    workers = ToyWorkers()
    made = convert(
        convert(source), QUANTIZE, Precision.INT8, recipe, "net_torch_onnx_int8",
        calibration=calibration_task(source, None, 20, LIMITS),
    )  # fmt: skip
    toy_workers.result(made, tmp_path / "ws", workers)
    request = workers.asked["convert"]["request"]
    assert request.options == {"a": 1}
    assert request.precision is Precision.INT8
    assert request.source.path.name == "net_torch_onnx_fp32.onnx"
    assert request.calibration.name == CALIBRATION
    assert workers.asked["convert"]["worker"] == QUANTIZE.worker


def test_without_a_calibration_task_none_is_given(source, tmp_path):
    workers = ToyWorkers()
    toy_workers.result(convert(source), tmp_path / "ws", workers)
    assert workers.asked["convert"]["request"].calibration is None
    assert workers.asked["convert"]["timeout_s"] == LIMITS.convert_s


def test_a_refusal_of_the_toolkit_reaches_the_driver_and_leaves_no_file(source, tmp_path):
    refuse = ToyWorkers(lambda name, arguments: UnsupportedError("no such operator") if name == "convert" else None)
    with pytest.raises(UnsupportedError, match="no such operator"):
        toy_workers.result(convert(source), tmp_path / "ws", refuse)
    assert not list((tmp_path / "ws").rglob("*.onnx"))


def test_the_key_follows_options_precision_converter_and_name_but_no_title_and_no_other_converter(source):
    first = convert(source).key
    assert (
        convert(source, recipe=dataclasses.replace(RECIPE, title="x", options={"quantize_onnx": {"a": 1}})).key == first
    )
    others = [
        convert(source, recipe=dataclasses.replace(RECIPE, options={TO_ONNX.name: {"a": 1}})).key,
        convert(source, precision=Precision.FP16).key,
        convert(source, registry.edge("torchscript_from_torch")).key,
        convert(source, identity="other").key,
    ]
    assert len({first, *others}) == 5


def test_a_toolkit_of_other_people_counts_by_its_version(source):
    theirs = dataclasses.replace(TO_ONNX, module="somebody.convert", packages=("no-such-package",))
    ours = dataclasses.replace(TO_ONNX, packages=("no-such-package",))
    assert convert(source, theirs).ingredients["packages"] == "no-such-package missing"
    code = "code of the converter"
    assert convert(source, theirs).ingredients[code] != convert(source, ours).ingredients[code]


def test_one_worker_converts_one_at_a_time(source):
    assert convert(source).lane == TO_ONNX.worker


def test_calibration_takes_training_images_as_the_model_takes_them(source, data, tmp_path):
    inputs = calibration(source, data, tmp_path)["image"]
    assert inputs.shape == (50, 1, 12, 20, 3)
    assert inputs.dtype == np.float32
    with np.load(tmp_path / "toy.npz") as arrays:
        training = {row.tobytes() for row in arrays["x_train"].astype(np.float32)}
    assert all(row[0].tobytes() in training for row in inputs)
    assert len({row.tobytes() for row in inputs}) == 50


def test_calibration_is_spread_evenly_over_the_classes(source, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (400, 12, 20, 3), np.uint8)
    rare = np.r_[np.zeros(380, int), np.ones(20, int)]
    images[:, 0, 0, 0] = rare
    np.savez(tmp_path / "rare.npz", image=images, labels=rare)
    inputs = calibration(source, data_task(str(tmp_path / "rare.npz")), tmp_path, samples=20)["image"]
    assert inputs[:, 0, 0, 0, 0].sum() == 10


def test_calibration_follows_its_seed_and_its_count(source, data, tmp_path):
    first, again = (calibration(source, data, tmp_path / str(i))["image"] for i in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, calibration(source, data, tmp_path, seed=2)["image"])
    keys = {calibration_task(source, data, count, LIMITS, seed).key for count, seed in ((50, 1), (51, 1), (50, 2))}
    assert len(keys) == 3


def test_more_samples_than_there_are_take_all_once(source, data, tmp_path):
    assert len(calibration(source, data, tmp_path, samples=1000)["image"]) == 128


def test_without_data_calibration_is_made_up(source, tmp_path):
    inputs = calibration(source, None, tmp_path)["image"]
    assert inputs.shape == (50, 1, 12, 20, 3)
    assert 0 <= inputs.min() < inputs.max() <= 255


def test_half_of_what_is_made_up_are_golden_inputs_on_which_the_outputs_tell_more(source, tmp_path):
    reference = reference_task(source, None, LIMITS, golden_samples=8)
    task = calibration_task(source, None, 6, LIMITS, reference=reference)
    done = toy_workers.result(reference, tmp_path / "ws")
    pack = golden.read(done.file(GOLDEN))
    inputs = np.load(toy_workers.result(task, tmp_path / "ws").file(CALIBRATION))["image"]
    alone = np.load(toy_workers.result(calibration_task(source, None, 6, LIMITS), tmp_path / "ws").file(CALIBRATION))
    np.testing.assert_array_equal(inputs[:3], pack.inputs["image"][~pack.at_limits][:3])
    np.testing.assert_array_equal(inputs[3:], alone["image"][:3])


TO_TFLITE = registry.edge("tflite_from_onnx")


def test_a_converter_with_a_pre_pass_is_given_the_prepared_file(source, tmp_path):
    workers = ToyWorkers()
    made = convert(convert(source), TO_TFLITE, identity="net_torch_onnx-tflite_fp32")
    artifact = read_artifact(toy_workers.result(made, tmp_path / "ws", workers))
    assert workers.asked["prepared"]["source"].path.name == "net_torch_onnx_fp32.onnx"
    assert workers.asked["convert"]["request"].source.path.name == "net_torch_onnx-tflite_fp32.prepared.onnx"
    assert artifact.notes == ("the pre-pass replaced 1 Toy",)
    assert not list(artifact.path.parent.glob("*.prepared.onnx")), "what lies between is not kept"


def test_without_the_pre_pass_it_is_given_the_file_as_it_is(source, tmp_path):
    workers = ToyWorkers()
    recipe = dataclasses.replace(RECIPE, options={"tflite_from_onnx": {"prepass": False}})
    made = convert(convert(source), TO_TFLITE, recipe=recipe, identity="net_torch_onnx-tflite_fp32")
    artifact = read_artifact(toy_workers.result(made, tmp_path / "ws", workers))
    assert "prepared" not in workers.calls
    assert workers.asked["convert"]["request"].source.path.name == "net_torch_onnx_fp32.onnx"
    assert artifact.notes == ()
