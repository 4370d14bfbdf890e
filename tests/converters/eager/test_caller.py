from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

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
