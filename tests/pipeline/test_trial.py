from __future__ import annotations

import dataclasses
import zlib
from typing import Any

import numpy as np
import pytest
import toy_workers
from gates import mini
from toy_workers import ToyWorkers

from converters import registry
from converters.contract import Arrays, Format, Precision, Signature, TensorSpec
from converters.errors import ModelError, ToolkitCrash, UnsupportedError
from converters.samples import load_samples
from converters.state import Probe
from pipeline import config, lone
from pipeline.trial import prepare

LIMITS = config.load().limits
GATE = mini.gates().parity[Precision.FP32]
FIRST, SECOND = "torchscript", "torchscript-other"


@pytest.fixture(autouse=True)
def _two_kernel_sets(monkeypatch):
    first = registry.runtime(FIRST)
    monkeypatch.setattr(registry, "missing", lambda packages: ())
    monkeypatch.setattr(registry, "runtimes_for", lambda format: (first, dataclasses.replace(first, name=SECOND)))


class Workers(ToyWorkers):
    """Runtimes that compute `answer(x)` of their first input, a sample at a time."""

    def __init__(self, answer, takes=lambda runtime, x: "", **probe: Any) -> None:
        super().__init__()
        self.answer, self.takes, self.probe = answer, takes, probe

    def _inputs(self, artifact, samples, prefix) -> np.ndarray:
        return load_samples(samples, prefix)[artifact.source.inputs[0].name]

    def _run_samples(self, runtime, artifact, samples, prefix="", fresh=False) -> Arrays:
        x = self._inputs(artifact, samples, prefix)
        return {"y": np.stack([self.answer(each) for each in x])}

    def _probe(self, runtime, artifact, samples, prefix="") -> Probe:
        x = self._inputs(artifact, samples, prefix)
        if why := self.takes(runtime, x):
            return Probe(error=why)
        y = [self.answer(each) for each in x]
        moves = any((each != y[0]).any() for each in y)
        shapes = {"y": y[0].shape}
        return dataclasses.replace(Probe(finite=bool(np.isfinite(y).all()), moves=moves, shapes=shapes), **self.probe)


@pytest.fixture
def artifact(tmp_path):
    (tmp_path / "m.pt").write_bytes(b"m")

    def make(*shape, dtype="float32", outputs=(1, 4), **quantized):
        own = Signature((TensorSpec("x", shape, dtype),), (TensorSpec("y", outputs, "float32", **quantized),))
        made = toy_workers.artifact(tmp_path / "m.pt", Format.TORCHSCRIPT, Precision.FP32)
        return dataclasses.replace(made, signature=own, source=own)

    return make


def tried(artifact, workers, given=None):
    return prepare(artifact, given, GATE, workers, LIMITS)


def plain(x):
    return x.reshape(1, -1)[:, :4] * 2


def test_the_first_set_of_inputs_will_do_where_the_outputs_follow_it(artifact):
    subject = tried(artifact(1, 4), Workers(plain))
    assert subject.origin == "made up, seed 0"
    assert subject.inputs["x"].shape == (64, 1, 4)
    np.testing.assert_array_equal(subject.outputs(registry.runtime(FIRST))["y"], subject.inputs["x"] * 2)


def test_open_sizes_are_tried_until_one_runs(artifact):
    workers = Workers(plain, lambda runtime, x: "" if x.shape[-1] == 48 else "only 48")
    subject = tried(artifact(None, None), workers)
    assert subject.inputs["x"].shape[1:] == (1, 48)
    assert subject.artifact.signature.inputs[0].shape == (None, None)


def test_values_out_of_a_table_give_way_to_smaller_ones(artifact):
    workers = Workers(plain, lambda runtime, x: "no such row" if x.max() > 9 else "")
    subject = tried(artifact(1, 4, dtype="int32"), workers)
    assert subject.artifact.source.inputs[0].limits == (0.0, 9.0)


def test_values_that_give_infinities_give_way_to_those_that_do_not(artifact):
    with np.errstate(invalid="ignore", divide="ignore"):
        subject = tried(artifact(1, 4), Workers(lambda x: np.log(x)))
    assert subject.artifact.source.inputs[0].limits == (0.0, 1.0)


def test_a_detector_that_waits_is_given_inputs_that_last(artifact):
    patient = Workers(lambda x: np.maximum(x.mean(keepdims=True) - 1.0, 0).repeat(4, axis=1))
    subject = tried(artifact(1, 40), patient)
    assert subject.origin == "made up, chosen by what comes out"
    assert len(np.unique(subject.outputs(registry.runtime(FIRST))["y"])) > 1


def test_an_output_of_few_steps_is_driven_further(artifact):
    def stored(x):
        return np.round(np.maximum(x.mean(keepdims=True), 0) * 50).repeat(4, axis=1).astype(np.float32) / 256

    subject = tried(artifact(1, 40, scale=1 / 256, zero_point=0), Workers(stored))
    assert np.ptp(subject.outputs(registry.runtime(FIRST))["y"]) * 256 >= 32


def test_what_never_moves_ends_with_the_first_set(artifact):
    subject = tried(artifact(1, 4), Workers(lambda x: np.zeros((1, 4), np.float32)))
    assert subject.origin == "made up, seed 0"


def test_a_slow_model_that_never_moves_is_not_asked_for_ever(artifact):
    workers = Workers(lambda x: np.zeros((1, 4), np.float32), call_s=0.5)
    tried(artifact(1, 4), workers)
    assert workers.calls.count("run_samples") < 5


def test_outputs_are_described_as_they_are(artifact):
    subject = tried(artifact(None, 4, outputs=(1, 1)), Workers(plain))
    assert subject.artifact.source.outputs[0].shape == (1, None)
    assert tried(artifact(None, 4, outputs=(1,)), Workers(plain)).artifact.signature.outputs[0].shape == (None, None)


def test_an_onnx_file_that_gives_other_sizes_than_it_declares_is_refused(artifact):
    wrong = dataclasses.replace(artifact(1, 4, outputs=(1, 7)), format=Format.ONNX)
    with pytest.raises(ModelError, match=r"declares its output 'y' as \[1, 7\] and gives \[1, 4\]"):
        tried(wrong, Workers(plain))


def test_state_is_run_from_a_fresh_session(artifact):
    workers = Workers(plain, stateful=True)
    tried(artifact(1, 4), workers)
    assert workers.asked["run_samples"]["fresh"] is True


def test_chance_is_unsupported_with_the_reason_on_every_runtime(artifact):
    subject = tried(artifact(1, 4), Workers(plain, random=True))
    for name in (FIRST, SECOND):
        said = subject.outputs(dataclasses.replace(registry.runtime(FIRST), name=name))
        assert isinstance(said, UnsupportedError)
        assert "draws random numbers" in str(said)


def test_the_next_runtime_is_tried_where_one_cannot_and_its_own_words_are_kept(artifact):
    workers = Workers(plain, lambda runtime, x: "no kernel" if runtime == FIRST else "")
    subject = tried(artifact(1, 4), workers)
    assert "no kernel" in str(subject.outputs(registry.runtime(FIRST)))
    assert isinstance(subject.outputs(lone.cpu_runtimes(Format.TORCHSCRIPT)[1]), dict)


def test_a_runtime_that_crashed_is_not_asked_again(artifact):
    workers = Workers(plain)
    workers.fault = lambda name, arguments: ToolkitCrash("died") if arguments["runtime"] == FIRST else None
    subject = tried(artifact(1, 4), workers)
    asked = len(workers.calls)
    assert isinstance(subject.outputs(registry.runtime(FIRST)), ToolkitCrash)
    assert len(workers.calls) == asked


def test_where_no_runtime_takes_anything_every_one_says_why(artifact):
    subject = tried(artifact(1, 4), Workers(plain, lambda runtime, x: f"{runtime} cannot"))
    assert set(subject.refusals) == {FIRST, SECOND}
    assert "torchscript cannot" in str(subject.outputs(registry.runtime(FIRST)))


def test_inputs_that_are_given_are_used_as_they_are(artifact):
    given = {"x": np.arange(80, dtype=np.float32).reshape(20, 1, 4)}
    subject = tried(artifact(None, None), Workers(plain), given)
    assert subject.origin == "given"
    assert subject.inputs is given
    assert subject.artifact.source.inputs[0].shape == (1, 4)


def test_strings_are_unsupported_before_anything_runs(artifact):
    workers = Workers(plain)
    with pytest.raises(UnsupportedError, match="takes str"):
        tried(artifact(1, 4, dtype="str"), workers)
    assert workers.calls == []


def test_a_detector_that_rounds_everything_to_nothing_is_shown_what_wakes_it(artifact):
    """On noise it gives 1e-7 and what rounding makes of it; on edges it fires."""

    def edges(x):
        row = x.reshape(-1)
        strength = np.abs(row.reshape(32, 32).mean(axis=0) - row.mean()).max() * 60 - 36
        rounding = zlib.crc32(x.tobytes()) % 5 * 6e-8
        return np.full((1, 4), 1 / (1 + np.exp(-strength)) + rounding, np.float32)

    subject = tried(artifact(1, 1, 32, 32), Workers(edges))
    assert subject.origin == "made up, chosen by what comes out"
    assert np.ptp(subject.outputs(registry.runtime(FIRST))["y"]) > 0.1


def test_a_model_with_state_is_given_sequences_until_its_output_spans_its_grid(artifact):
    def word(x):
        level = np.clip(x.mean(keepdims=True) * 0.5, 0, 1)
        return (np.round(level * 255) / 256).repeat(4, axis=1).astype(np.float32)

    subject = tried(artifact(1, 40, scale=1 / 256, zero_point=0), Workers(word, stateful=True))
    assert subject.origin.startswith("made up in sequences, turn ")
    assert np.ptp(subject.outputs(registry.runtime(FIRST))["y"]) * 256 >= 64
