from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift import slopes
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner

RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=(16, 200))
GAIN, SHIFT = RNG.uniform(0.5, 1.5, 16), RNG.normal(size=16)
SEEN = RNG.normal(size=(16, 1, 200)).astype(np.float32)
MADE = SEEN @ KERNEL.T.astype(np.float32)
OUT, IN = Partner(4, 4, Layout((1, 16), (1, 16), (0,)), 99.0), Partner(0, 0, Layout((1, 200), (1, 200), (0,)), 99.0)


def judged(kernel, bits=127, dtype="int8"):
    """What is said of a kernel in integers, or float16, in the place of one with a norm behind it."""
    ops = [Op(0, "linear", (0, 1), (2,)), Op(1, "norm", (2, 5), (4,))]
    tensors = [tensor(0, (1, 200)), tensor(1, data=KERNEL), tensor(2, (1, 16)), tensor(4, (1, 16))]
    values = {0: SEEN, 2: MADE, 4: (MADE * GAIN + SHIFT).astype(np.float32)}
    a = Known(graph([*tensors, tensor(5, data=GAIN)], ops, (0,), (4,)), values)
    step = np.abs(kernel).max() / bits
    held = (
        tensor(1, data=kernel, dtype=dtype)
        if dtype == "float16"
        else tensor(1, data=np.rint(kernel / step), dtype=dtype, scale=(step, 0))
    )
    theirs = graph([tensor(0, (1, 200)), held, tensor(4, (1, 16))], [Op(0, "FC", (0, 1), (4,))], (0,), (4,))
    b = Known(theirs, {0: SEEN, 4: values[4]})
    cut = Segment(OUT, (IN,), a.graph.ops, b.graph.ops)
    return [suspect.measure for suspect in slopes.scaled(a, b, [cut])]


RIGHT = KERNEL * GAIN[:, None]


@pytest.mark.parametrize(("bits", "dtype"), [(127, "int8"), (7, "int8"), (0, "float16")])
def test_a_norm_that_was_folded_in_is_no_fault_whatever_the_rounding(bits, dtype):
    assert judged(RIGHT, bits or 127, dtype) == []
    assert judged(KERNEL, bits or 127, dtype) == []


def test_half_a_percent_of_all_channels_shows_in_8_bits_and_a_tenth_of_that_in_float16():
    (said,) = judged(RIGHT * 0.995)
    assert said.startswith("all of it by x0.995")
    (said,) = judged(RIGHT * 1.001, dtype="float16")
    assert said.startswith("all of it by x1.001")


def test_weights_near_zero_have_float16_s_last_step():
    """The window of a spectrum fades out, as in basic-pitch: a few places in it have one digit left in float16."""
    kernel = KERNEL / 10
    kernel[:, 5] = np.where(np.arange(16) == 3, 40.45 * 2**-24, 0)
    stored = kernel.astype(np.float16).astype(np.float64)
    layout = Layout(kernel.shape, kernel.shape, (0, 1))
    half = SimpleNamespace(values=stored, ends=None, step=None)
    found = slopes.sizes(SimpleNamespace(layout=layout, a=SimpleNamespace(values=kernel), b=half), 1, 1.0)
    off = np.abs(found.slope - 1)
    assert off[5] > slopes.LEAST
    assert (off < slopes.SURE * found.error).all()


def test_weights_below_a_step_that_became_zero_are_no_fault():
    """The window of a spectrum fades out at both ends, as in silero-vad: 4 of its 256 places are zero in 8 bits."""
    wide = RNG.normal(size=(600, 40))
    step = np.abs(wide).max() / 127
    wide[:, :4] = step * RNG.choice([-0.3, 0.3], size=(600, 4))
    seen = RNG.normal(size=(16, 1, 40)).astype(np.float32)
    ends = Partner(4, 4, Layout((1, 600), (1, 600), (0,)), 99.0), Partner(0, 0, Layout((1, 40), (1, 40), (0,)), 99.0)
    ours = graph(
        [tensor(0, (1, 40)), tensor(1, data=wide), tensor(4, (1, 600))], [Op(0, "linear", (0, 1), (4,))], (0,), (4,)
    )
    values = {0: seen, 4: seen @ wide.T.astype(np.float32)}

    def said(kernel):
        stored = tensor(1, data=np.rint(kernel / step), dtype="int8", scale=(step, 0))
        theirs = graph([tensor(0, (1, 40)), stored, tensor(4, (1, 600))], [Op(0, "FC", (0, 1), (4,))], (0,), (4,))
        cut = Segment(ends[0], (ends[1],), ours.ops, theirs.ops)
        return [one.measure for one in slopes.scaled(Known(ours, values), Known(theirs, values), [cut])]

    assert said(wide) == []
    step = np.abs(wide).max() / 7
    assert said(wide) == [], "nor in 4 bits"
    step = np.abs(wide).max() / 127
    (found,) = said(wide * np.where(np.arange(40) == 9, 1.02, 1.0))
    assert found.startswith("1 of 40 slices off by up to x1.02")


def test_one_channel_beside_others_that_are_right_shows():
    (said,) = judged(RIGHT * np.where(np.arange(16) == 3, 1.02, 1.0)[:, None])
    assert said.startswith("1 of 16 slices off by up to x1.02")


def test_what_the_reference_does_not_show_there_is_no_fault():
    assert judged(RIGHT * RNG.uniform(0.5, 2, 16)[:, None]) == []
    assert judged(RIGHT * 2) == []


def test_filters_that_training_has_let_die_are_zero_in_8_bits_with_a_scale_of_their_own():
    """A public net for seizures has 8 of them among 200, of 1e-15 and less; one that lives and is zero is told."""
    kernel = KERNEL.copy()
    kernel[0] *= 1e-16
    step = np.abs(kernel).max(1, keepdims=True) / 127
    stored = np.where(step > 1e-12, np.rint(kernel / step) * step, 0.0)
    stored[1] = 0.0
    side = SimpleNamespace(values=stored, ends=None, step=np.where(stored.any(1, keepdims=True), step, 0.0))
    layout = Layout(kernel.shape, kernel.shape, (0, 1))
    found = slopes.sizes(SimpleNamespace(layout=layout, a=SimpleNamespace(values=kernel), b=side), 0, 1.0)
    assert np.isinf(found.error[0])
    assert (found.slope[1], found.error[1]) == (0.0, 0.0)
    assert np.abs(found.slope[2:] - 1).max() < 8 * found.error[2:].max()


def test_a_table_of_which_each_value_is_the_nearest_integer_may_lean_to_a_side():
    """Positions as sines: many lie near the greatest, on one side of their integers."""
    table = np.where(RNG.random((16, 200)) < 0.4, 0.9885, RNG.uniform(-1, 1, (16, 200)))
    assert unfolded(table, np.rint(table * 127)) == []
    (said,) = unfolded(table, np.rint(table * 127 * 0.99))
    assert said.startswith("all of it by x0.9")


def unfolded(table, integers):
    """What is said of integers in the place of a table that is added to the input."""
    sides = []
    for held in (tensor(1, data=table), tensor(1, data=integers, dtype="int8", scale=(1 / 127, 0))):
        ops = [Op(0, "ADD", (0, 1), (4,))]
        values = {0: SEEN[:, 0, None, :] + np.zeros((1, 16, 1)), 4: SEEN[:, 0, None, :] + table}
        sides.append(Known(graph([tensor(0, (16, 200)), held, tensor(4, (16, 200))], ops, (0,), (4,)), values))
    layout = Layout((16, 200), (16, 200), (0, 1))
    cut = Segment(Partner(4, 4, layout, 99.0), (Partner(0, 0, layout, 99.0),), sides[0].graph.ops, sides[1].graph.ops)
    return [suspect.measure for suspect in slopes.scaled(*sides, [cut])]
