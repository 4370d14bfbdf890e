from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import source
from converters.contract import Signature, TensorSpec
from converters.eager.caller import BATCH, Caller
from converters.reach import Recorder

TINY = [
    pytest.param(name, marks=pytest.mark.torch if model.framework == "torch" else pytest.mark.tensorflow)
    for name, model in MODELS.items()
]


@pytest.mark.parametrize("name", TINY)
def test_many_samples_a_call_give_what_single_ones_give(name: str, tmp_path: Path) -> None:
    model = MODELS[name]
    caller = Caller(model.source(tmp_path))
    inputs = model.inputs(7)
    calls = list(caller.calls(inputs))
    assert len(calls) == 1
    assert all(len(values) == 7 <= BATCH for values in calls[0].values())
    together = caller.run(calls[0])
    for i in range(7):
        alone = caller.run({key: values[i : i + 1] for key, values in calls[0].items()})
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], many[i], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", TINY)
def test_the_last_values_seen_are_the_outputs(name: str, tmp_path: Path) -> None:
    model = MODELS[name]
    caller, recorder = Caller(model.source(tmp_path)), Recorder()
    call = next(caller.calls(model.inputs(5)))
    outputs = caller.watched(call, recorder)
    recorder.end_of_call(5)
    reach = recorder.reach(np.ones(5, dtype=bool))
    assert len(reach.watched) > 3
    assert (reach.least <= reach.greatest).all()
    output = outputs[-1] if model.framework == "torch" else outputs[0]
    flat = output.reshape(5, -1)
    assert np.isclose(reach.least.min(axis=1)[:, None], flat).any() or flat.min() >= reach.least.min()
    assert flat.max() <= reach.greatest.max() + 1e-5


@pytest.mark.parametrize("name", TINY)
def test_slopes_point_to_where_the_goal_grows(name: str, tmp_path: Path) -> None:
    model = MODELS[name]
    caller = Caller(model.source(tmp_path))
    call = next(caller.calls(model.inputs(4)))
    moving = [key for key, values in call.items() if values.dtype.kind == "f"]
    first = moving[0]

    def seen(inputs: dict[str, np.ndarray]) -> np.ndarray:
        recorder = Recorder()
        caller.watched(inputs, recorder)
        recorder.end_of_call(4)
        reach = recorder.reach(np.ones(4, dtype=bool))
        return reach.greatest[:, _starts(reach.watched)]

    values = seen(call)
    grown = 0
    for number in range(values.shape[1]):
        slopes = caller.slopes(call, moving, np.tile([number, 0, 1], (4, 1)))
        if not np.abs(slopes[first]).any():
            continue
        step = 1e-3 * max(float(np.ptp(call[first])), 1.0)
        after = seen({**call, first: (call[first] + step * np.sign(slopes[first])).astype(call[first].dtype)})
        assert (after[:, number] >= values[:, number] - 1e-6).all()
        grown += bool((after[:, number] > values[:, number]).any())
    assert grown >= 2


def _starts(watched: tuple) -> list[int]:
    return [0, *np.cumsum([value.channels for value in watched])[:-1].tolist()]


BRANCHES = """
import torch


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x) if float(x.sum()) > 0 else -x


def build():
    return Net()
"""


@pytest.mark.torch
def test_a_model_that_branches_on_its_values_is_called_with_one_sample_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(BRANCHES)
    signature = Signature((TensorSpec("x", (None, 3), "float32"),), (TensorSpec("y", (None, 3), "float32"),))
    source.save_weights(source.build(f"{tmp_path / 'net.py'}:build", {}, "torch"), tmp_path / "w")
    model = source.artifact(tmp_path / "w", f"{tmp_path / 'net.py'}:build", {}, "torch", signature, model="net")
    inputs = {"x": np.array([[[1, 2, 3]], [[2, 1, 1]], [[3, 3, 3]]], np.float32)}
    assert [len(call["x"]) for call in Caller(model).calls(inputs)] == [1, 1, 1]


@pytest.mark.torch
def test_inputs_without_an_axis_of_samples(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        BRANCHES.replace("torch.relu(x) if float(x.sum()) > 0 else -x", "x.cumsum(0)[None]")
    )
    signature = Signature((TensorSpec("x", (5,), "float32"),), (TensorSpec("y", (1, 5), "float32"),))
    source.save_weights(source.build(f"{tmp_path / 'net.py'}:build", {}, "torch"), tmp_path / "w")
    model = source.artifact(tmp_path / "w", f"{tmp_path / 'net.py'}:build", {}, "torch", signature, model="net")
    caller = Caller(model)
    calls = list(caller.calls({"x": np.arange(10, dtype=np.float32).reshape(2, 5)}))
    assert [caller.run(call)[0].tolist() for call in calls] == [[[[0, 1, 3, 6, 10]]], [[[5, 11, 18, 26, 35]]]]
    slopes = caller.slopes(calls[0], ["x"], np.array([[0, 4, 1]]))
    assert slopes["x"].shape == (1, 5)
    assert (slopes["x"] > 0).all()
