from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from converters.contract import Format
from converters.graph import Graph, Op, Quantization, Tensor
from pipeline.checks.drift.layers import layers

RNG = np.random.default_rng(0)
SHAPE = (1, 3, 4, 5)


def tensor(index, name, shape=SHAPE, dtype="float32", **more):
    return Tensor(index, name, shape, dtype, **more)


def graph(format, tensors, *ops):
    numbered = tuple(Op(n, kind, taken, given) for n, (kind, taken, given) in enumerate(ops))
    return Graph(format, {t.index: t for t in tensors}, numbered, (0,), numbered[-1].outputs, ("x",), ("y",))


WEIGHT = tensor(9, "w", (3,), data=np.ones(3, np.float32))
ONE = graph(
    Format.ONNX,
    [tensor(0, "x"), tensor(1, "conv"), tensor(2, "relu"), tensor(3, "y"), WEIGHT],
    ("Conv", (0, 9), (1,)),
    ("Relu", (1,), (2,)),
    ("Softmax", (2,), (3,)),
)
NHWC = (1, 4, 5, 3)
TWO = graph(
    Format.TFLITE,
    [tensor(0, "a", NHWC), tensor(1, "b", NHWC), tensor(2, "c", NHWC), tensor(3, "d"), WEIGHT, tensor(8, "v", (3,))],
    ("DEQUANTIZE", (9,), (8,)),
    ("TRANSPOSE", (0,), (1,)),
    ("CONV_2D", (1, 8), (2,)),
    ("SOFTMAX", (2,), (3,)),
)
VALUES = {index: RNG.standard_normal((6, *SHAPE)).astype(np.float32) for index in (0, 2, 3)}
KNOWN = {1: 0, 2: 2, 3: 3}


def turned(values):
    return values.transpose(0, 1, 3, 4, 2)


def rows(found):
    return [(row.a and (row.a.op_index, row.a.op_type), row.b and (row.b.op_index, row.b.op_type)) for row in found]


def test_every_operator_has_its_row_in_the_order_of_computation_and_constants_have_none() -> None:
    assert rows(layers(ONE, TWO, KNOWN, ({}, {}))) == [
        ((None, "INPUT"), (1, "TRANSPOSE")),
        ((0, "Conv"), None),
        ((1, "Relu"), (2, "CONV_2D")),
        ((2, "Softmax"), (3, "SOFTMAX")),
    ]
    assert rows(layers(ONE, TWO, {3: 3}, ({}, {}))) == [
        (None, (1, "TRANSPOSE")),
        (None, (2, "CONV_2D")),
        ((0, "Conv"), None),
        ((1, "Relu"), None),
        ((2, "Softmax"), (3, "SOFTMAX")),
    ]


def test_the_distance_is_that_of_the_values_in_whatever_order_of_axes_and_number_of_samples() -> None:
    mine = {1: turned(VALUES[0]), 2: turned(VALUES[2])[:4] * 1.001, 3: VALUES[3]}
    found = layers(ONE, TWO, KNOWN, (VALUES, mine))
    assert found[0].snr_db == 200.0
    assert found[2].snr_db == pytest.approx(60.0, abs=0.1)
    assert found[2].steps is None


def test_a_flattened_partner_is_turned_before_it_is_flattened() -> None:
    flat = dataclasses.replace(ONE.tensors[3], shape=(1, 60))
    one = dataclasses.replace(ONE, tensors={**ONE.tensors, 3: flat})
    seen = {3: turned(VALUES[3]).reshape(6, 1, 60)}, {3: VALUES[3]}
    assert layers(one, TWO, KNOWN, seen)[-1].snr_db == 200.0


def test_an_integer_tensor_is_measured_in_its_own_steps() -> None:
    grid = Quantization(np.array([0.5]), np.array([3]))
    two = dataclasses.replace(
        TWO, tensors={**TWO.tensors, 3: dataclasses.replace(TWO.tensors[3], dtype="int8", quantization=grid)}
    )
    want = RNG.integers(-20, 20, (6, *SHAPE)) * 0.5
    stored = (want / 0.5 + 3 + 1).astype(np.int8)
    row = layers(ONE, two, KNOWN, ({3: want}, {3: stored}))[-1]
    assert row.steps == pytest.approx(1.0)
    assert row.snr_db is not None
    assert 20 < row.snr_db < 30


def test_a_layer_whose_values_are_only_moved_next_has_the_partner_of_what_comes_next() -> None:
    two = graph(
        Format.TFLITE,
        [tensor(0, "a"), tensor(1, "c", NHWC), tensor(2, "t"), tensor(3, "d")],
        ("CONV_2D", (0,), (1,)),
        ("TRANSPOSE", (1,), (2,)),
        ("SOFTMAX", (2,), (3,)),
    )
    mine = {1: turned(VALUES[2]), 2: VALUES[2], 3: VALUES[3]}
    found = layers(ONE, two, {2: 2, 3: 3}, (VALUES, mine))
    assert rows(found) == [
        ((0, "Conv"), None),
        ((1, "Relu"), (0, "CONV_2D")),
        ((1, "Relu"), (1, "TRANSPOSE")),
        ((2, "Softmax"), (2, "SOFTMAX")),
    ]
    other = {**mine, 1: RNG.standard_normal((6, *NHWC))}
    assert (None, (0, "CONV_2D")) in rows(layers(ONE, two, {2: 2, 3: 3}, (VALUES, other)))


def test_what_is_rounded_next_is_measured_in_the_steps_of_that() -> None:
    scale = tensor(5, "scale", (), data=np.array(0.5, np.float32))
    two = graph(
        Format.ONNX,
        [tensor(0, "a"), tensor(2, "c"), tensor(4, "q", dtype="int8"), tensor(3, "d"), scale],
        ("Conv", (0,), (2,)),
        ("QuantizeLinear", (2, 5), (4,)),
        ("DequantizeLinear", (4, 5), (3,)),
    )
    row = layers(ONE, two, {2: 2}, (VALUES, {2: VALUES[2] + 0.25}))[1]
    assert row.steps == pytest.approx(0.5)


def test_what_was_not_seen_is_not_finite_or_is_of_another_size_has_no_numbers() -> None:
    for other in ({}, {3: VALUES[3][..., :2]}, {3: np.full_like(VALUES[3], np.nan)}):
        row = layers(ONE, TWO, KNOWN, (VALUES, other))[-1]
        assert (row.snr_db, row.steps) == (None, None)
        assert row.b is not None


def test_what_is_reshaped_to_as_many_axes_of_other_sizes_is_known_again():
    """Heads of a detector: (18, 8, 8) read as (3, 6, 64) ended the comparison of every layer with an error."""
    values = RNG.standard_normal((6, 1, 18, 8, 8)).astype(np.float32)
    a = graph(Format.ONNX, [tensor(0, "x"), tensor(1, "conv", (1, 18, 8, 8))], ("Conv", (0,), (1,)))
    b = graph(
        Format.TFLITE,
        [tensor(0, "x"), tensor(1, "view", (1, 3, 6, 64)), tensor(2, "y", (1, 18, 8, 8))],
        ("CONV_2D", (0,), (1,)),
        ("RESHAPE", (1,), (2,)),
    )
    found = layers(a, b, {2: 1}, ({1: values}, {1: values.reshape(6, 1, 3, 6, 64), 2: values}))
    assert [row.snr_db is not None and row.snr_db > 100 for row in found] == [True, True]


def test_what_a_mask_leaves_out_is_left_out_of_both() -> None:
    masked = {index: np.where(values > 0, values, -np.inf) for index, values in VALUES.items()}
    rows = layers(ONE, TWO, KNOWN, (masked, masked))
    assert rows[-1].snr_db is not None
    assert rows[-1].snr_db > 100
    assert layers(ONE, TWO, KNOWN, (masked, VALUES))[-1].snr_db is None
