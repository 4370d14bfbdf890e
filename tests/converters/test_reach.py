from __future__ import annotations

import numpy as np
import pytest

from converters.reach import (
    MOST_CHANNELS,
    MULTIPLICATIONS,
    Recorder,
    Watched,
    looked_at,
    moves_only,
    multiplications,
    plain,
    thresholds,
)


@pytest.mark.parametrize(
    ("op", "bounds", "at"),
    [
        ("relu_", (), (0.0,)),
        ("Relu6", (), (0.0, 6.0)),
        ("hardtanh", (0.0, 6.0), (0.0, 6.0)),
        ("hardtanh", (), (-1.0, 1.0)),
        ("hardswish", (), (-3.0, 3.0)),
        ("clamp", (4.0, -2.0, np.inf), (-2.0, 4.0)),
        ("conv2d", (), ()),
    ],
)
def test_thresholds_of_activations_as_frameworks_name_them(op: str, bounds: tuple, at: tuple) -> None:
    assert thresholds(op, bounds) == at


def test_names_without_what_frameworks_add() -> None:
    assert plain("relu_") == plain("ReLU") == "relu"
    assert moves_only("Reshape")
    assert not moves_only("Conv2D")


def test_a_value_is_known_by_its_name_and_its_turn() -> None:
    recorder = Recorder()
    for call in range(2):
        for turn in range(2):
            value = np.full((3, 2), 10 * call + turn, np.float32)
            recorder.add("block", "relu", value, value + 0.5, 8, (0.0,))
        recorder.end_of_call(3)
    reach = recorder.reach(np.ones(6, dtype=bool))
    assert reach.watched == (Watched("block", "relu", 2, (0.0,)),) * 2
    assert reach.least[:, 0].tolist() == [0, 0, 0, 10, 10, 10]
    assert reach.greatest[:, 2].tolist() == [1.5, 1.5, 1.5, 11.5, 11.5, 11.5]
    assert reach.work == 16


def test_what_did_not_run_for_a_sample_is_not_a_number() -> None:
    recorder = Recorder()
    for name in ("left", "right"):
        recorder.add(name, "conv", np.zeros((1, 1)), np.ones((1, 1)), 1)
        recorder.end_of_call(1)
    least = recorder.reach(np.ones(2, dtype=bool)).least
    np.testing.assert_array_equal(least, [[0, np.nan], [np.nan, 0]])


def test_of_wide_values_evenly_many_channels_are_looked_at() -> None:
    assert looked_at(5).tolist() == [0, 1, 2, 3, 4]
    many = looked_at(1000)
    assert len(many) == MOST_CHANNELS
    assert (many[0], many[-1]) == (0, 999)


@pytest.mark.parametrize(
    ("op", "made", "given", "fixed", "number"),
    [
        ("Conv", (1, 8, 5, 7), [(1, 3, 5, 7)], [(8, 3, 3, 3), (8,)], 8 * 5 * 7 * 27),
        ("CONV_2D", (1, 5, 7, 8), [(1, 5, 7, 3)], [(8, 3, 3, 3), (8,)], 8 * 5 * 7 * 27),
        ("conv2d", (1, 8, 5, 7), [(1, 8, 5, 7)], [(8, 1, 3, 3)], 8 * 5 * 7 * 9),  # depthwise
        ("MatMul", (4, 6), [(4, 10)], [(10, 6)], 4 * 6 * 10),
        ("bmm", (2, 4, 6), [(2, 4, 10), (2, 10, 6)], [], 2 * 4 * 6 * 10),
        ("lstm", (20, 1, 32), [(20, 1, 16)], [(128, 16), (128, 32), (128,)], 20 * 128 * (16 + 32)),
        ("Relu", (1, 8, 5, 7), [(1, 8, 5, 7)], [], 0),
        ("Mul", (1, 8, 5, 7), [(1, 8, 5, 7)], [(1, 8, 1, 1)], 0),
    ],
)
def test_what_operators_multiply(op: str, made: tuple, given: list, fixed: list, number: int) -> None:
    assert multiplications(op, made, given, fixed) == number


def test_work_is_of_one_sample_however_many_a_call_holds() -> None:
    work = []
    for count in (1, 4):
        recorder = Recorder()
        value = np.zeros((count, 32))
        recorder.add("dense", "linear", value, value, 32)
        recorder.multiplied("linear", (count, 32), [(count, 1024)], [(32, 1024)])
        recorder.end_of_call(count)
        work.append(recorder.reach(np.ones(count, bool)).work)
    assert work == [32 + 32 * 1024 // MULTIPLICATIONS] * 2
