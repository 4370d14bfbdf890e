"""The search, on models in plain numpy: what is silent is woken, what hangs on a rounding gives way to the steady."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import toy_workers
from gates import mini

from converters.contract import Arrays, Format, Precision, Signature, TensorSpec
from converters.errors import ToolkitError
from pipeline.golden_inputs import synthesise
from pipeline.telling import ENOUGH, Search, Tried

GATE = mini.gates().parity[Precision.FP32]
X = TensorSpec("x", (1, 1, 32, 32), "float32")
COUNT = 64


@pytest.fixture
def artifact(tmp_path):
    (tmp_path / "m.pt").write_bytes(b"m")

    def make(*shape: int, **quantized):
        own = Signature((dataclasses.replace(X, shape=shape),), (TensorSpec("y", (1, 4), "float32", **quantized),))
        made = toy_workers.artifact(tmp_path / "m.pt", Format.TORCHSCRIPT, Precision.FP32)
        return dataclasses.replace(made, signature=own, source=own, size_bytes=4_000_000)

    return make


class Model:
    """Computes `answer(x)` a sample at a time, and counts how often."""

    def __init__(self, answer) -> None:
        self.answer, self.runs = answer, 0

    def __call__(self, inputs: Arrays) -> Arrays:
        self.runs += len(inputs["x"])
        return {"y": np.stack([self.answer(each) for each in inputs["x"]]).astype(np.float32)}


def searched(artifact, answer, most=4096, **how):
    model = Model(answer)
    search = Search(model, artifact, GATE)
    first = search.tried(synthesise(artifact.source.inputs, COUNT, 0), "noise")
    found = search.most_telling(first, most, **how)
    return search.weighed(first)[0], search.weighed(found)[0], found, model


def saturated(x):
    """A detector: 0 everywhere but where an edge stands, as a map of probabilities is."""
    row = x.reshape(32, 32).mean(axis=0)
    edge = np.abs(np.diff(row)).max()
    return np.clip(edge * np.array([2.0, 2.5, 3.0, 3.5]) - 3, 0, 1)[np.newaxis]


def test_a_saturated_detector_is_shown_what_wakes_it(artifact):
    before, after, found, _ = searched(artifact(1, 1, 32, 32), saturated)
    assert before[0] < 0
    assert after[0] == 0
    assert ((found.outputs["y"] > 0) & (found.outputs["y"] < 1)).mean() > 0.01
    assert len(found) == COUNT


def spectrum(x):
    """The logarithm of the powers of four bands: where one is empty, the last bits of the input make the answer."""
    bands = np.abs(np.fft.rfft(x.reshape(-1).astype(np.float64)))[[10, 40, 80, 120]]
    return np.log10(bands**2 + 1e-14)[np.newaxis]


def test_samples_that_hang_on_the_rounding_of_the_inputs_give_way_to_steadier_ones(artifact):
    model = Model(spectrum)
    search = Search(model, artifact(1, 256), GATE)
    inputs = synthesise(search.artifact.source.inputs, COUNT, 0)
    inputs["x"][::2] = np.linspace(0.5, 2, 32)[:, np.newaxis, np.newaxis]  # the same everywhere: all bands are empty
    before, first = search.weighed(search.tried(inputs, "half of it flat"))
    after, found = search.weighed(search.most_telling(first, 4096))
    assert before[:2] < (0, 60.0)
    assert after >= ENOUGH
    assert len(found) >= 32


def test_what_tells_enough_at_once_is_left_as_it_is(artifact):
    model = Model(lambda x: x.reshape(1, -1)[:, :4] * 2)
    search = Search(model, artifact(1, 16), GATE)
    first = search.tried(synthesise(search.artifact.source.inputs, COUNT, 0), "noise")
    found = search.most_telling(first, 4096)
    assert search.weighed(found)[0] >= ENOUGH
    assert found.origin == "noise"
    np.testing.assert_array_equal(found.inputs["x"], first.inputs["x"])
    assert model.runs == 2 * COUNT  # and once more, moved by a rounding


def test_what_never_moves_is_given_up_after_as_many_samples_as_are_allowed(artifact):
    before, after, found, model = searched(artifact(1, 16), lambda x: np.zeros((1, 4)), most=300)
    assert before == after
    assert found.origin == "noise"
    assert model.runs <= COUNT + 300 + COUNT


def test_the_search_finds_the_same_every_time(artifact):
    first, again = (searched(artifact(1, 1, 32, 32), saturated)[2] for _ in range(2))
    np.testing.assert_array_equal(first.inputs["x"], again.inputs["x"])


def test_a_set_that_the_model_does_not_take_is_passed_over(artifact):
    def picky(x):
        if np.ptp(x) == 0:
            raise ToolkitError("flat")
        return saturated(x)

    _, after, _, _ = searched(artifact(1, 1, 32, 32), picky)
    assert after[0] == 0


def test_of_quantized_outputs_no_rounding_is_asked(artifact):
    model = Model(lambda x: np.round(np.clip(x.mean() + 0.5, 0, 1) * 255) / 256 * np.ones((1, 4)))
    search = Search(model, artifact(1, 4, scale=1 / 256, zero_point=0), GATE)
    tried = search.tried(synthesise(search.artifact.source.inputs, COUNT, 0), "noise")
    worth, _ = search.weighed(tried)
    assert model.runs == COUNT
    assert worth[2] == min(np.ptp(tried.outputs["y"]) * 256, 128)


def test_rows_and_their_moved_outputs_stay_together():
    tried = Tried({"x": np.arange(4)}, {"y": np.arange(4) * 2}, "a", ({"y": np.arange(4) * 3},))
    both = tried.rows(np.array([1, 3])).beside(tried.rows(np.array([0])))
    assert both.inputs["x"].tolist() == [1, 3, 0]
    assert both.outputs["y"].tolist() == [2, 6, 0]
    assert both.moved is not None
    assert both.moved[0]["y"].tolist() == [3, 9, 0]
    assert both.beside(dataclasses.replace(tried, moved=None)).moved is None
