from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift import rounded, scaling
from pipeline.checks.drift.cuts import segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner

RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=(8, 6))
STEP = np.abs(KERNEL).max() / 127
PAIRS = {0: Partner(0, 0, Layout((6,), (6,), (0,)), 99.0), 1: Partner(1, 1, Layout((8,), (8,), (0,)), 99.0)}
VALUES = {0: RNG.normal(size=(4, 6)).astype(np.float32), 1: np.abs(RNG.normal(size=(4, 8))).astype(np.float32)}
VALUES[1][:, ::2] = 0


def sides(kernel=None, scale=(0.02, -128)):
    ops = [Op(0, "FC", (0, 2), (1,))]
    a = Known(graph([tensor(0), tensor(1), tensor(2, data=KERNEL)], ops, (0,), (1,)), VALUES)
    stored = np.rint(KERNEL / STEP) if kernel is None else kernel
    theirs = [tensor(0), tensor(1, dtype="int8", scale=scale), tensor(2, data=stored, dtype="int8", scale=(STEP, 0))]
    b = Known(graph(theirs, ops, (0,), (1,)), {0: VALUES[0], 1: np.zeros((4, 8), np.int8)})
    cut = segment(a, b, PAIRS[1], PAIRS)
    assert cut is not None
    return a, b, [cut]


def test_weights_rounded_to_nearest_pass_and_one_step_off_fails():
    a, b, cuts = sides()
    found = rounded.matches(a, b, cuts)
    assert rounded.share(a, found) == 1.0
    assert not list(rounded.weights(a, b, found))
    wrong = np.rint(KERNEL / STEP)
    wrong[2, 3] += -2 if wrong[2, 3] > 0 else 2
    a, b, cuts = sides(wrong)
    (suspect,) = rounded.weights(a, b, rounded.matches(a, b, cuts))
    assert suspect.measure.startswith("1 of 48 values off by up to 2")


def test_a_kernel_of_which_a_part_was_changed_is_told():
    stored = np.rint(KERNEL / STEP)
    a, b, cuts = sides(stored)
    assert not list(rounded.changed(a, b, rounded.matches(a, b, cuts)))
    a, b, cuts = sides(stored[[1, 0, *range(2, 8)]])
    (suspect,) = rounded.changed(a, b, rounded.matches(a, b, cuts))
    assert suspect.measure.endswith("of the values are not the rounding of what they were")


def test_ranges_start_where_an_activation_does_and_reach_what_is_needed():
    assert not list(rounded.ranges(*sides()))
    (shifted,) = rounded.ranges(*sides(scale=(0.02, -127)))
    assert "what is never below zero starts at -128" in shifted.cause
    (short,) = rounded.ranges(*sides(scale=(0.004, -128)))
    assert "cuts off values" in short.cause


def test_what_a_selection_may_leave_out_may_lie_beyond_a_range():
    a, b, cuts = sides(scale=(0.004, -128))
    more = [*b.graph.tensors.values(), tensor(3, (1, 8), dtype="bool"), tensor(4, (1, 8)), tensor(5, (1, 8))]

    def read_by(*inputs):
        ops = [*b.graph.ops, Op(1, "DEQUANTIZE", (1,), (4,)), Op(2, "SELECT_V2", inputs, (5,))]
        return Known(graph(more, ops, (0,), (5,)), {0: VALUES[0], 1: np.zeros((4, 8), np.int8)})

    assert not list(rounded.ranges(a, read_by(3, 4, 4), cuts))
    assert list(rounded.ranges(a, read_by(4, 3, 3), cuts))


@pytest.mark.parametrize(("back", "told"), [("DEQUANTIZE", ["ADD"]), ("DequantizeLinear", [])])
def test_an_operator_left_in_float_is_told_but_in_onnx_where_every_one_stands_so(back, told):
    kinds = ("QUANTIZE", "CONV", "CONV", back, "ADD", "QUANTIZE", "CONV")
    ops = [Op(n, kind, (n,), (n + 1,)) for n, kind in enumerate(kinds)]
    small = {1, 2, 3, 6, 7}
    values = {n: RNG.normal(size=(3, 4)).astype(np.int8 if n in small else np.float32) for n in range(8)}
    values = {n: RNG.integers(-9, 9, (3, 4)).astype(v.dtype) for n, v in values.items()}
    b = Known(graph([tensor(n) for n in range(8)], ops, (0,), (7,)), values)
    a = Known(b.graph, {n: v.astype(np.float32) for n, v in values.items()})
    pairs = {n: Partner(n, n, Layout((4,), (4,), (0,)), 99.0) for n in range(8)}
    cuts = [cut for n in range(1, 8) if (cut := segment(a, b, pairs[n], pairs))]
    assert [suspect.b.op_type for suspect in rounded.left_in_float(a, b, cuts)] == told


def test_a_kernel_whose_channels_are_all_scaled_is_told_where_nothing_was_folded_in():
    assert not list(scaling.scaled(*sides()))
    a, b, cuts = sides(np.rint(KERNEL / STEP / 2))
    (suspect,) = scaling.scaled(a, b, cuts)
    assert suspect.cause == "kernel: its scales are not those of its weights"
    assert suspect.measure.startswith("8 of 8 channels scaled, by up to x0.")


def test_the_factor_of_a_folded_norm_tells_the_scales_and_another_vector_does_not():
    factor = RNG.uniform(0.5, 2, 8)
    stored = np.rint(KERNEL * factor[:, None] / STEP / 2)

    def judged(vector):
        tensors = [tensor(0), tensor(1), tensor(2, data=KERNEL), tensor(3), tensor(4, data=vector)]
        ops = [Op(0, "FC", (0, 2), (3,)), Op(1, "MUL", (3, 4), (1,))]
        a = Known(graph(tensors, ops, (0,), (1,)), {**VALUES, 3: VALUES[1]})
        _, b, _ = sides(stored)
        cut = segment(a, b, PAIRS[1], PAIRS)
        return [suspect.cause for suspect in scaling.scaled(a, b, [cut])]

    assert judged(factor) == judged(1 / factor) == []
    assert judged(factor[::-1]) == ["kernel: its scales are not those of its weights"]


def test_a_channel_that_is_zero_and_was_not_is_lost():
    stored = np.rint(KERNEL / STEP)
    a, b, cuts = sides(stored)
    assert not list(scaling.lost(a, b, rounded.matches(a, b, cuts)))
    stored[:, 2] = 0
    a, b, cuts = sides(stored)
    (suspect,) = scaling.lost(a, b, rounded.matches(a, b, cuts))
    assert (suspect.cause, suspect.measure) == ("kernel: channels are lost", "1 of 6 slices are zero")


def test_constants_in_float_are_the_references_to_the_precision_of_their_type():
    factor = np.float32(1 / 255)

    def judged(value, kind="float32"):
        ops = [Op(0, "MUL", (0, 2), (1,))]
        a = Known(graph([tensor(0), tensor(1), tensor(2, data=factor.reshape(1))], ops, (0,), (1,)), VALUES)
        held = np.asarray(value, kind).reshape(1)
        theirs = [tensor(0), tensor(1), tensor(2, data=held, dtype=kind)]
        b = Known(graph(theirs, ops, (0,), (1,)), VALUES)
        return [suspect.cause for suspect in rounded.plain(a, b, [segment(a, b, PAIRS[1], PAIRS)])]

    assert judged(factor) == judged(factor, "float16") == []
    assert judged(1 / 256) == ["constant: all values are multiplied by 0.996094: a division by 256 instead of 255"]
    assert judged(1 / 256, "float16")


def test_a_range_inside_a_segment_cuts_off_too():
    a, b, _ = sides()

    def narrow(scale):
        held = [*list(b.graph.tensors.values())[:1], tensor(1, dtype="int8", scale=(scale, -128))]
        held += [tensor(2, data=np.rint(KERNEL / STEP), dtype="int8", scale=(STEP, 0))]
        held += [tensor(3, dtype="int8", scale=(0.02, -128))]
        ops = [*b.graph.ops, Op(1, "QUANTIZE", (1,), (3,))]
        known = Known(graph(held, ops, (0,), (3,)), {0: VALUES[0], 3: np.zeros((4, 8), np.int8)})
        pairs = {0: PAIRS[0], 3: Partner(1, 3, PAIRS[1].layout, 99.0)}
        cut = segment(a, known, pairs[3], pairs)
        assert cut is not None
        return list(rounded.ranges(a, known, [cut]))

    (found,) = narrow(0.004)
    assert "cuts off values" in found.cause
    assert not narrow(0.02)


def test_one_value_in_hundreds_may_lie_beyond_a_range_by_less_than_its_width():
    a, b, cuts = sides(scale=(0.01, -128))
    most = np.repeat(np.clip(VALUES[1], 0, 2.5), 64, axis=1)
    for far, fails in ((4.5, False), (9.0, True)):
        values = most.copy()
        values[0, 0] = far
        seen = Known(a.graph, {**a.recorded, 1: values})
        assert bool(list(rounded.ranges(seen, b, cuts))) is fails


def test_a_range_is_right_if_it_is_for_the_narrow_samples_or_for_the_wide_ones():
    a, b, cuts = sides(scale=(0.01, -128))
    values = np.clip(VALUES[1], 0, 2.5)
    for narrow, wide, fails in ((4, 1, False), (1, 4, False), (4, 4, True), (1, 1, False)):
        spread = values.copy()
        spread[::2] *= narrow
        spread[1::2] *= wide
        seen = Known(a.graph, {**a.recorded, 1: spread})
        assert bool(list(rounded.ranges(seen, b, cuts, guessed=True))) is fails
        assert bool(list(rounded.ranges(seen, b, cuts))) is (max(narrow, wide) > 1)
