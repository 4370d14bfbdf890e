"""RNN, GRU and LSTM step by step: every direction, state, layout, and the ways of each kind."""

from __future__ import annotations

import onnx
import pytest
from onnx_nodes import kinds, model_of, normal, replaced

from converters.onnx.prepass.rules import rules_without
from converters.onnx.prepass.run import prepare

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def _weights(kind: str, directions: int, size: int = 3, width: int = 2):
    gates = GATES[kind] * size
    return {
        "w": normal(directions, gates, width),
        "r": normal(directions, gates, size),
        "b": normal(directions, 2 * gates),
    }


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("kind", GATES)
def test_every_direction(kind, direction, tmp_path):
    x = normal(4, 2, 2)
    form = {"hidden_size": 3, "direction": direction, "outputs": 3 if kind == "LSTM" else 2}
    made = replaced(tmp_path, model_of(kind, x, _weights(kind, 2 if direction[0] == "b" else 1), **form), x)
    assert kind not in kinds(made)


@pytest.mark.parametrize("kind", GATES)
def test_a_state_to_begin_with_and_the_batch_first(kind, tmp_path):
    x = normal(2, 4, 2)
    constants = {**_weights(kind, 1), "h": normal(2, 1, 3), **({"c": normal(2, 1, 3)} if kind == "LSTM" else {})}
    order = ("x", "w", "r", "b", "", "h", *(["c"] if kind == "LSTM" else []))
    form = {"hidden_size": 3, "layout": 0}
    constants |= {key: value.transpose(1, 0, 2) for key, value in constants.items() if key in "hc"}
    x = x.transpose(1, 0, 2)
    replaced(tmp_path, model_of(kind, x, constants, order=order, outputs=2, **form), x)


def test_the_ways_of_each_kind(tmp_path):
    x = normal(3, 2, 2)
    replaced(tmp_path, model_of("GRU", x, _weights("GRU", 1), hidden_size=3, linear_before_reset=1), x)
    replaced(tmp_path, model_of("RNN", x, _weights("RNN", 1), hidden_size=3, activations=["Relu"]), x)
    replaced(tmp_path, model_of("LSTM", x, _weights("LSTM", 1), hidden_size=3, clip=0.4), x)
    holes = {**_weights("LSTM", 1), "p": normal(1, 9)}
    order = ("x", "w", "r", "b", "", "", "", "p")
    replaced(tmp_path, model_of("LSTM", x, holes, order=order, hidden_size=3), x)


def test_a_long_sequence_stays(tmp_path):
    x = normal(200, 1, 2)
    onnx.save(model_of("RNN", x, _weights("RNN", 1), hidden_size=3), tmp_path / "m.onnx")
    made = prepare(tmp_path / "m.onnx", rules_without(frozenset()), [{"x": x}])
    assert not made.replaced
    assert "too many to be written out" in made.refused[0]
