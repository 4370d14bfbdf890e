from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.contract import Arrays, Artifact, Format, Precision, Signature, TensorSpec
from converters.errors import ModelError, ToolkitError, UnsupportedError
from converters.session import Session
from converters.state import calls, probe

X = TensorSpec("x", (1, 3), "float32")
Y = TensorSpec("y", (1, 3), "float32")
SAMPLES = {"x": np.arange(1, 13, dtype=np.float32).reshape(4, 1, 3)}


class Fake(Session):
    """Computes `answer(session, x)`."""

    def __init__(self, answer, says_so=False):
        own = Signature((X,), (Y,))
        super().__init__(Artifact(Path("m"), Format.ONNX, Precision.FP32, own, own))
        self.answer, self.seen, self.stateful, self.closed = answer, 0, says_so, False

    def _call(self, inputs: Arrays) -> Arrays:
        self.seen += 1
        return {"y": self.answer(self, inputs["x"])}

    def close(self) -> None:
        self.closed = True


def found(answer, samples=SAMPLES, says_so=False):
    opened = []

    def fresh():
        opened.append(Fake(answer, says_so))
        return opened[-1]

    result = probe(fresh, samples)
    assert all(session.closed for session in opened)
    return result


def test_a_plain_model_is_neither_stateful_nor_random():
    plain = found(lambda session, x: 2 * x)
    assert not plain.error
    assert (plain.stateful, plain.random, plain.finite, plain.moves) == (False, False, True, True)
    assert plain.shapes == {"y": (1, 3)}
    assert plain.call_s > 0


def test_two_equal_calls_that_differ_are_state_and_two_fresh_sessions_that_differ_are_chance():
    rng = np.random.default_rng(0)
    counting = found(lambda session, x: x + session.seen)
    drawing = found(lambda session, x: x + rng.random())
    assert (counting.stateful, counting.random) == (True, False)
    assert (drawing.stateful, drawing.random, drawing.steady) == (False, True, False)


def test_a_file_that_says_that_it_keeps_state_is_believed_though_the_outputs_do_not_show_it():
    assert found(lambda session, x: x, says_so=True).stateful


@pytest.mark.parametrize(
    ("answer", "finite", "moves"),
    [
        (lambda session, x: x * np.nan, False, False),
        (lambda session, x: x * 0, True, False),
        (lambda session, x: np.where(x > 11, np.inf, x), False, True),
    ],
)
def test_what_proves_nothing_is_seen(answer, finite, moves):
    assert (found(answer).finite, found(answer).moves) == (finite, moves)


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (lambda session, x: x[:, :0], r"an output is empty: y \(1, 0\)"),
        (lambda session, x: np.zeros((int(x[0, 0]), 1)), "the shapes of the outputs depend on the values"),
        (lambda session, x: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_inputs_that_the_model_does_not_take_are_told_with_its_words(answer, match):
    import re

    assert re.search(match, found(answer).error)


def test_an_error_of_ours_keeps_its_text():
    def refuse(session, x):
        raise ModelError("no such row")

    assert found(refuse).error == "no such row"


def test_a_file_that_does_not_open_is_an_error_not_a_finding():
    def fresh():
        raise UnsupportedError("no kernel for Mystery")

    with pytest.raises(UnsupportedError, match="Mystery"):
        probe(fresh, SAMPLES)


def test_calls_do_not_put_a_session_back():
    session = Fake(lambda session, x: x + session.seen)
    first, second = (calls(session, {"x": SAMPLES["x"][:2]})[0]["y"] for _ in range(2))
    np.testing.assert_array_equal(second - first, 2)


def test_a_file_of_open_sizes_that_does_not_open_with_these_refuses_them():
    def refuses():
        raise ToolkitError("litert: CONV_2D failed to prepare")

    assert probe(refuses, SAMPLES, unsized=True).error == "litert: CONV_2D failed to prepare"
    with pytest.raises(ToolkitError, match="failed to prepare"):
        probe(refuses, SAMPLES)

    def lacks():
        raise UnsupportedError("no kernel for Mystery")

    with pytest.raises(UnsupportedError, match="no kernel"):
        probe(lacks, SAMPLES, unsized=True)
