from __future__ import annotations

import dataclasses
import os

import pytest
import toy_workers
from toy_workers import ToyWorkers

from converters.contract import Format, Framework, TensorSpec
from converters.errors import ToolkitCrash
from pipeline import config
from pipeline.entries import read_artifact, read_facts
from pipeline.stages.data import data_task
from pipeline.stages.train import capture_task, train_task

LIMITS = config.load().limits
MODEL = dataclasses.replace(
    config.load_model("fashion-cnn"), training={"epochs": 12, "flip": True}, full_training={"epochs": 5}
)
TORCH, TENSORFLOW = Framework.TORCH, Framework.TENSORFLOW


@pytest.fixture
def data(tmp_path):
    return data_task(str(toy_workers.write_data(tmp_path / "toy.npz")))


def train(data, model=MODEL, framework=TORCH, limits=LIMITS, **more):
    return train_task(model, framework, data, limits, name=more.pop("name", "toy-cnn"), **more)


@pytest.mark.parametrize(
    ("framework", "shape", "format"),
    [(TORCH, (None, 3, 12, 20), Format.TORCH), (TENSORFLOW, (None, 12, 20, 3), Format.KERAS)],
)
def test_the_model_is_built_for_the_data_in_the_layout_of_its_framework(data, tmp_path, framework, shape, format):
    workers = ToyWorkers()
    artifact = read_artifact(toy_workers.result(train(data, framework=framework), tmp_path / "ws", workers))
    assert artifact.signature.inputs[0].shape == shape
    assert artifact.format is format
    assert artifact.builder == MODEL.builders[framework]
    geometry = {"height": 12, "width": 20, "channels": 3, "classes": 5}
    assert {**artifact.builder_args} == {**MODEL.arguments, **geometry} == workers.asked["train"]["builder_args"]
    assert workers.asked["train"]["worker"] == framework.value


def test_what_the_training_measured_is_kept(data, tmp_path):
    assert read_facts(toy_workers.result(train(data), tmp_path / "ws"))["accuracy"] == 0.9


def test_the_full_set_is_trained_with_its_own_options_laid_over(data, tmp_path):
    workers = ToyWorkers()
    toy_workers.result(train(data, full=True), tmp_path / "ws", workers)
    assert workers.asked["train"]["options"] == {"epochs": 5, "flip": True}
    assert train(data, full=True).key != train(data).key


def test_the_checkpoint_outlives_a_killed_training_and_is_found_again(data, tmp_path):
    places = []

    def killed(name, arguments):
        if name != "train":
            return None
        places.append(arguments["checkpoint"])
        (arguments["checkpoint"] / "epoch").write_text("3")
        return ToolkitCrash("killed")

    with pytest.raises(ToolkitCrash):
        toy_workers.result(train(data), tmp_path / "ws", ToyWorkers(killed))
    assert (places[0] / "epoch").read_text() == "3"
    workers = ToyWorkers()
    toy_workers.result(train(data), tmp_path / "ws", workers)
    assert workers.asked["train"]["checkpoint"] == places[0]


def test_other_options_never_resume_from_this_checkpoint(data, tmp_path):
    folders = []
    for epochs in (1, 2):
        workers = ToyWorkers()
        changed = dataclasses.replace(MODEL, training={"epochs": epochs})
        toy_workers.result(train(data, changed), tmp_path / "ws", workers)
        folders.append(workers.asked["train"]["checkpoint"])
    assert folders[0] != folders[1]


@pytest.mark.parametrize(
    "changes", [{"training": {"epochs": 13, "flip": True}}, {"arguments": {}}, {"builders": {"torch": "other:build"}}]
)
def test_what_the_weights_depend_on_changes_the_key(data, changes):
    assert train(data, dataclasses.replace(MODEL, **changes)).key != train(data).key


def test_titles_limits_and_golden_counts_do_not_train_again(data):
    relabelled = dataclasses.replace(MODEL, title="x", golden_samples=1)
    assert train(data, relabelled, limits=dataclasses.replace(LIMITS, train_s=1.0)).key == train(data).key


def test_training_runs_alone_on_the_machine(data):
    assert train(data).exclusive


@pytest.fixture
def builder(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "net.py").write_text(toy_workers.BUILDER)
    return f"{tmp_path / 'p' / 'net.py'}:build"


def capture(builder, inputs=(), name="net"):
    return capture_task(builder, TORCH, inputs, LIMITS, name=name)


def test_a_users_model_is_captured_under_its_name_with_the_inputs_that_were_said(builder, tmp_path):
    workers = ToyWorkers()
    inputs = (TensorSpec("x", (1, 3), "float32"),)
    artifact = read_artifact(toy_workers.result(capture(builder, inputs), tmp_path / "ws", workers))
    assert (artifact.model, artifact.framework) == ("net", "torch")
    assert workers.asked["capture"]["inputs"] == inputs
    assert workers.asked["capture"]["builder"] == builder


def test_an_edited_builder_or_a_file_beside_it_is_another_model(builder, tmp_path):
    keys = {capture(builder).key}
    (tmp_path / "p" / "net.py").write_text("import torch  # edited\n")
    keys.add(capture(builder).key)
    (tmp_path / "p" / "weights.pt").write_bytes(b"1")
    keys.add(capture(builder).key)
    os.utime(tmp_path / "p" / "weights.pt", ns=(1, 1))
    keys.add(capture(builder).key)
    assert len(keys) == 4


@pytest.mark.parametrize("name", ["net.tflite", "net.onnx", "README.md", "run.log", ".DS_Store"])
def test_what_an_export_leaves_beside_the_builder_does_not_run_it_again(builder, tmp_path, name):
    before = capture(builder).key
    (tmp_path / "p" / name).write_bytes(b"x")
    (tmp_path / "p" / ".edge-export").mkdir()
    assert capture(builder).key == before


def test_other_inputs_functions_and_names_are_other_results(builder):
    keys = [
        capture(builder).key,
        capture(builder, (TensorSpec("x", (1, 3), "float32"),)).key,
        capture(builder, name="other").key,
        capture(f"{builder}2").key,
    ]
    assert len(set(keys)) == 4
