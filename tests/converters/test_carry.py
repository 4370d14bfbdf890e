"""Which outputs are the state of the next call, told by names; and calls in sequence."""

from __future__ import annotations

import numpy as np
import pytest

from converters.carry import in_8_bits, pairs, run_carried, states
from converters.contract import Arrays, Artifact, Signature, TensorSpec
from converters.errors import ConfigError, UnsupportedError
from converters.session import Session


def signature(inputs: dict[str, tuple], outputs: dict[str, tuple]) -> Signature:
    return Signature(*(tuple(TensorSpec(n, s, "float32") for n, s in side.items()) for side in (inputs, outputs)))


@pytest.mark.parametrize(
    ("inputs", "outputs", "found"),
    [
        ({"input": (1, 512), "state": (2, 1, 128)}, {"output": (1, 1), "stateN": (2, 1, 128)}, {"stateN": "state"}),
        (
            {"x": (1, 512), "h": (2, 1, 64), "c": (2, 1, 64)},
            {"y": (1, 1), "hn": (2, 1, 64), "cn": (2, 1, 64)},
            {"hn": "h", "cn": "c"},
        ),
        (
            {"src": (1, 3, 8, 8), "r1i": (1, 16, 4, 4), "r2i": (1, 16, 4, 4)},
            {"pha": (1, 1, 8, 8), "r1o": (1, 16, 4, 4), "r2o": (1, 16, 4, 4)},
            {"r1o": "r1i", "r2o": "r2i"},
        ),
        ({"x": (1, 9), "in_state": (1, 4)}, {"y": (1, 1), "out_state": (1, 4)}, {"out_state": "in_state"}),
        ({"x": (1, 9), "prevHidden": (1, 4)}, {"y": (1, 1), "newHidden": (1, 4)}, {"newHidden": "prevHidden"}),
        ({"x": (1, 9), "h0": (1, 4)}, {"y": (1, 1), "hn": (1, 4)}, {"hn": "h0"}),
        ({"x": (1, 9), "h": (1, 4), "c": (1, 4)}, {f"output_{i}": s for i, s in enumerate([(1, 1), (1, 4), (1, 4)])},
         {"output_1": "h", "output_2": "c"}),
        # no state: nothing like it in the names, another shape, nothing left beside it, or nobody can tell which
        ({"image": (1, 8), "sigma": (1, 1)}, {"image_out": (1, 8), "score": (1, 1)}, {}),
        ({"x": (1, 9), "state": (1, 4)}, {"y": (1, 1), "state_out": (1, 5)}, {}),
        ({"state_in": (1, 4)}, {"state_out": (1, 4)}, {}),
        ({"x": (1, 9), "h": (1, 4)}, {"y": (1, 1), "output_1": (1, 4), "output_2": (1, 4)}, {}),
    ],
)  # fmt: skip
def test_names_tell_which_output_goes_back_in(inputs: dict, outputs: dict, found: dict) -> None:
    assert pairs(signature(inputs, outputs)) == found


def test_what_the_user_says_is_taken_and_checked() -> None:
    model = signature({"x": (1, 9), "memo": (1, 4)}, {"y": (1, 1), "note": (1, 4)})
    assert pairs(model) == {}
    assert pairs(model, {"note": "memo"}) == {"note": "memo"}
    with pytest.raises(ConfigError, match=r"\[state\]: the model has no output 'notes'; it has y, note"):
        pairs(model, {"notes": "memo"})
    with pytest.raises(ConfigError, match="no input 'memory'; it has x, memo"):
        pairs(model, {"note": "memory"})
    with pytest.raises(ConfigError, match=r"output 'y' is 1x1 float32 and input 'memo' takes 1x4 float32"):
        pairs(model, {"y": "memo"})
    twins = signature({"x": (1, 4), "memo": (1, 4)}, {"y": (1, 4), "note": (1, 4)})
    with pytest.raises(ConfigError, match="input 'memo' is given two outputs"):
        pairs(twins, {"y": "memo", "note": "memo"})


class Sum(Session):
    """Adds what comes in to its state and gives the sum out."""

    resets = 0

    def reset(self) -> None:
        self.resets += 1

    def _call(self, inputs: Arrays) -> Arrays:
        total = inputs["x"] + inputs["state"]
        return {"y": 2 * total, "stateN": total}


SIGNATURE = signature({"x": (1,), "state": (1,)}, {"y": (1,), "stateN": (1,)})
CARRIED = {"stateN": "state"}


def session(kind: type[Session] = Sum) -> Session:
    from pathlib import Path

    from converters.contract import Format, Precision

    return kind(Artifact(Path("m"), Format.ONNX, Precision.FP32, SIGNATURE, SIGNATURE))


def test_the_state_of_a_call_is_what_the_one_before_gave_and_begins_anew_as_zeros() -> None:
    inputs = {"x": np.ones((5, 1), np.float32), "state": np.full((5, 1), 9, np.float32)}
    found = run_carried(session(), inputs, CARRIED, steps=3)
    assert found["stateN"][:, 0].tolist() == [1, 2, 3, 1, 2]
    assert found["y"][:, 0].tolist() == [2, 4, 6, 2, 4]
    assert states(inputs, found, CARRIED, steps=3)["state"][:, 0].tolist() == [0, 1, 2, 0, 1]


def test_what_is_no_number_goes_back_as_zero_and_shows_where_it_came_out() -> None:
    inputs = {"x": np.float32([[1], [np.inf], [1]]), "state": np.zeros((3, 1), np.float32)}
    assert run_carried(session(), inputs, CARRIED)["stateN"][:, 0].tolist() == [1, np.inf, 1]


def test_an_output_that_grows_cannot_be_compared() -> None:
    class Growing(Sum):
        calls = 0

        def run(self, inputs: Arrays) -> Arrays:
            self.calls += 1
            return {"y": np.zeros(self.calls, np.float32), "stateN": np.zeros(1, np.float32)}

    inputs = {"x": np.ones((3, 1), np.float32), "state": np.zeros((3, 1), np.float32)}
    with pytest.raises(UnsupportedError, match="changes its shape from call to call"):
        run_carried(session(Growing), inputs, CARRIED)


def test_8_bits_keep_the_ends_and_zero() -> None:
    values = np.float32([-1, 0, 0.3, 2])
    rounded = in_8_bits(values, (-1.0, 2.0))
    np.testing.assert_allclose(rounded, values, atol=3 / 255 / 2)
    assert rounded[1] == 0
    assert len(np.unique(in_8_bits(np.linspace(-1, 2, 5000, dtype=np.float32), (-1, 2)))) in (255, 256, 257)
    assert in_8_bits(np.array([3]), (0.0, 1.0)).tolist() == [3]


def test_rounded_inputs_move_a_sequence_by_what_their_rounding_adds_up_to() -> None:
    inputs = {"x": np.full((4, 1), 0.003, np.float32), "state": np.zeros((4, 1), np.float32)}
    found = run_carried(session(), inputs, CARRIED, ranges={"x": (0.0, 1.0), "state": (0.0, 1.0)})
    assert found["stateN"][:, 0] == pytest.approx(np.arange(1, 5) / 255)


def test_a_state_that_does_not_fit_says_so() -> None:
    class Wide(Sum):
        def run(self, inputs: Arrays) -> Arrays:
            return {"y": np.zeros(1, np.float32), "stateN": np.zeros(2, np.float32)}

    inputs = {"x": np.ones((3, 1), np.float32), "state": np.zeros((3, 1), np.float32)}
    with pytest.raises(UnsupportedError, match=r"output 'stateN' is \(2,\) and input 'state' takes \(1,\)"):
        run_carried(session(Wide), inputs, CARRIED)
