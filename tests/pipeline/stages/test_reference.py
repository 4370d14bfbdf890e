from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import toy_workers
from gates import mini
from safetensors.numpy import load_file
from toy_workers import ToyWorkers

from converters import registry
from converters.contract import Framework, Precision
from converters.errors import DataError, ToolkitCrash, UnsupportedError
from converters.samples import load_samples
from pipeline import config, evidence, golden
from pipeline.checks.outcome import Outcome
from pipeline.checks.parity import check_parity
from pipeline.stages.data import data_task
from pipeline.stages.reference import reference_task
from pipeline.stages.train import capture_task

LIMITS = config.load().limits


@pytest.fixture
def source(tmp_path):
    toy_workers.request(tmp_path / "p")
    return capture_task(f"{tmp_path / 'p' / 'net.py'}:build", Framework.TORCH, (), LIMITS, name="net")


@pytest.fixture
def data(tmp_path):
    return data_task(str(toy_workers.write_data(tmp_path / "toy.npz")))


def reference(source, data=None, golden_samples=64, seed=0):
    return reference_task(source, data, LIMITS, golden_samples=golden_samples, seed=seed)


def test_the_golden_outputs_are_the_eager_models_own(source, data, tmp_path):
    entry = toy_workers.result(reference(source, data), tmp_path / "ws")
    pack = golden.read(entry.file(evidence.GOLDEN))
    assert pack.samples == 64
    np.testing.assert_array_equal(pack.outputs["logits"], mini.run(mini.parameters(), pack.inputs["image"])["logits"])


def test_golden_inputs_are_test_images_never_training_ones(source, data, tmp_path):
    entry = toy_workers.result(reference(source, data), tmp_path / "ws")
    pack = golden.read(entry.file(evidence.GOLDEN))
    with np.load(tmp_path / "toy.npz") as arrays:
        real = ~pack.at_limits
        np.testing.assert_array_equal(pack.inputs["image"][real, 0], arrays["x_test"][pack.index[real]])
        np.testing.assert_array_equal(pack.label[real], arrays["y_test"][pack.index[real]])


def test_a_small_test_split_is_filled_up_with_training_images(source, tmp_path):
    path = toy_workers.write_data(tmp_path / "small.npz")
    with np.load(path) as arrays:
        few = {name: value[:20] if "test" in name else value for name, value in arrays.items()}
    np.savez(path, allow_pickle=False, **few)
    entry = toy_workers.result(reference(source, data_task(str(path))), tmp_path / "ws")
    pack = golden.read(entry.file(evidence.GOLDEN))
    real = ~pack.at_limits
    assert real.sum() == 48
    images = np.concatenate([few["x_test"], few["x_train"]])
    np.testing.assert_array_equal(pack.inputs["image"][real, 0], images[pack.index[real]])
    assert len(evidence.read_labelled(entry).targets) == 20


def test_the_whole_test_split_is_run_labels_and_order_kept(source, data, tmp_path):
    entry = toy_workers.result(reference(source, data), tmp_path / "ws")
    labelled = evidence.read_labelled(entry)
    with np.load(tmp_path / "toy.npz") as arrays:
        right = mini.run(mini.parameters(), arrays["x_test"][:, None].astype(np.float32))
        np.testing.assert_array_equal(labelled.targets, arrays["y_test"])
    np.testing.assert_array_equal(labelled.outputs["logits"], right["logits"])


def test_inputs_for_other_runtimes_are_stored_as_the_model_takes_them(source, data, tmp_path):
    entry = toy_workers.result(reference(source, data), tmp_path / "ws")
    stored = load_file(entry.file(evidence.TEST))[evidence.INPUT + "image"]
    assert stored.dtype == np.float32
    assert stored.shape == (128, 1, 12, 20, 3)
    assert stored.max() > 200  # raw pixels: scaling lies inside the model


def test_without_data_inputs_are_made_up_and_no_test_split_is_claimed(source, tmp_path):
    entry = toy_workers.result(reference(source), tmp_path / "ws")
    assert (golden.read(entry.file(evidence.GOLDEN)).label == -1).all()
    assert evidence.read_labelled(entry) is None


def test_nothing_is_left_but_what_is_read_again(source, data, tmp_path):
    entry = toy_workers.result(reference(source, data), tmp_path / "ws")
    files = {path.name for path in entry.folder.iterdir()}
    assert files == {"entry.json", evidence.GOLDEN, evidence.TEST, evidence.FACTS}
    assert evidence.read_parameters(entry) == sum(values.size for values in mini.parameters().values())


def test_data_of_another_size_than_the_models_input_is_the_users_to_mend(source, tmp_path):
    np.savez(tmp_path / "small.npz", image=np.zeros((40, 9, 9, 3), np.uint8), labels=np.arange(40) % 2)
    with pytest.raises(DataError, match="takes images of 12x20 .*, the data has 9x9"):
        toy_workers.result(reference(source, data_task(str(tmp_path / "small.npz"))), tmp_path / "ws")


def test_a_model_that_answers_nan_gives_no_reference(source, tmp_path):
    class Broken(ToyWorkers):
        def _run_samples(self, **arguments):
            return {name: value * np.nan for name, value in super()._run_samples(**arguments).items()}

    with pytest.raises(DataError, match="NaN or Inf"):
        toy_workers.result(reference(source), tmp_path / "ws", Broken())


def test_what_the_inputs_exercise_is_in_the_pack(source, data, tmp_path):
    pack = golden.read(toy_workers.result(reference(source, data), tmp_path / "ws").file(evidence.GOLDEN))
    assert pack.at_limits.sum() == 16
    assert (pack.exercise.channels, pack.exercise.crossed, pack.exercise.reachable) == (10, 5, 5)


def test_a_model_that_shows_nothing_of_its_inside_is_proved_on_drawn_inputs(source, data, tmp_path):
    closed = ToyWorkers(lambda name, arguments: UnsupportedError("closed") if name == "survey" else None)
    pack = golden.read(toy_workers.result(reference(source, data), tmp_path / "ws", closed).file(evidence.GOLDEN))
    assert pack.exercise is None
    assert (pack.samples, pack.at_limits.sum()) == (64, 8)


def test_a_crash_leaves_no_half_reference(source, tmp_path):
    crash = ToyWorkers(lambda name, arguments: ToolkitCrash("died") if name == "parameter_count" else None)
    with pytest.raises(ToolkitCrash, match="died"):
        toy_workers.result(reference(source), tmp_path / "ws", crash)
    assert not list((tmp_path / "ws").rglob(evidence.GOLDEN))


def test_the_golden_count_and_the_seed_change_the_key(source):
    keys = {reference(source).key, reference(source, golden_samples=65).key, reference(source, seed=1).key}
    assert len(keys) == 3


class Detector(ToyWorkers):
    """Answers with 0 until a picture is brighter on average than noise is, as a map of probabilities does."""

    def _run_samples(self, runtime, artifact, samples, prefix="", fresh=False):
        found = super()._run_samples(runtime, artifact, samples, prefix)
        pictures = next(iter(load_samples(samples, prefix).values()))
        bright = pictures.reshape(len(pictures), -1).mean(axis=1) > self.from_
        return {n: np.where(bright.reshape(-1, *[1] * (v.ndim - 1)), v, np.float32(0)) for n, v in found.items()}

    from_ = 236.0


def test_made_up_inputs_on_which_a_detector_is_silent_give_way_to_those_that_wake_it(source, tmp_path):
    workers = Detector()
    entry = toy_workers.result(reference(source), tmp_path / "ws", workers)
    pack = golden.read(entry.file(evidence.GOLDEN))
    gate = mini.gates().parity[Precision.FP32]
    assert check_parity(pack.outputs, pack.outputs, pack.signature.outputs, gate).outcome is Outcome.PASSED
    real = {name: values[~pack.at_limits] for name, values in pack.outputs.items()}
    assert check_parity(real, real, pack.signature.outputs, gate).outcome is Outcome.PASSED
    assert pack.exercise is not None
    assert pack.made_up.rounding["max_rel_range"] < 1e-3


def test_what_never_moves_keeps_the_inputs_that_show_most_inside(source, tmp_path):
    silent = Detector()
    silent.from_ = 256.0
    pack = golden.read(toy_workers.result(reference(source), tmp_path / "ws", silent).file(evidence.GOLDEN))
    assert pack.samples == 64
    assert pack.at_limits.sum() == 16


def test_other_kernels_of_the_source_tell_how_far_honest_ones_are_apart(source, tmp_path, monkeypatch):
    class TwoKernels(ToyWorkers):
        def _run_samples(self, runtime, artifact, samples, prefix="", fresh=False):
            found = super()._run_samples(runtime, artifact, samples, prefix)
            off = np.float32(1e-4 if runtime == "torch-other" else 0)
            return {name: values * (1 + off) for name, values in found.items()}

    plain = registry.runtime("torch-eager")
    other = dataclasses.replace(plain, name="torch-other", reference=False)
    monkeypatch.setattr(registry, "runtimes_for", lambda format: (other, plain))
    entry = toy_workers.result(reference(source), tmp_path / "ws", TwoKernels())
    pack = golden.read(entry.file(evidence.GOLDEN))
    np.testing.assert_array_equal(pack.outputs["logits"], mini.run(mini.parameters(), pack.inputs["image"])["logits"])
    assert pack.made_up.rounding["snr_db"] == pytest.approx(80, abs=0.1)
