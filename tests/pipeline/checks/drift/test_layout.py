from __future__ import annotations

import numpy as np
import pytest

from pipeline.checks.drift.layout import Layout, layouts

VALUES = np.random.default_rng(0).normal(size=(2, 1, 3, 4, 5)).astype(np.float32)
TURNED = VALUES.transpose(0, 1, 3, 4, 2)


@pytest.mark.parametrize(
    ("layout", "there"),
    [
        (Layout((1, 3, 4, 5), (1, 4, 5, 3), (1, 2, 0)), TURNED),
        (Layout((1, 3, 4, 5), (20, 3), (1, 2, 0)), TURNED.reshape(2, 20, 3)),
        (Layout((1, 3, 4, 5), (3, 20), (0, 1, 2)), VALUES.reshape(2, 3, 20)),
    ],
)
def test_values_are_carried_there_and_back_and_places_say_where_they_lie(layout, there):
    carried = layout.carry(VALUES)
    assert np.array_equal(carried, there)
    assert np.array_equal(layout.back(carried), VALUES)
    at = np.arange(60)
    assert np.array_equal(there.reshape(2, -1)[:, layout.places(at)], VALUES.reshape(2, -1)[:, at])


def test_the_order_of_the_other_side_s_axes_is_turned_back():
    layout = Layout((60,), (1, 4, 5, 3), (2, 0, 1), of_a=False)
    flat = VALUES.reshape(2, 60)
    assert np.array_equal(layout.carry(flat), TURNED)
    assert np.array_equal(layout.back(TURNED), flat)
    at = np.arange(60)
    assert np.array_equal(TURNED.reshape(2, -1)[:, layout.places(at)], flat)


def test_every_order_that_fits_is_tried_and_the_plain_one_first():
    orders = [layout.order for layout in layouts((1, 3, 4, 4), (4, 4, 3))]
    assert orders == [(0, 1, 2), (1, 2, 0), (2, 1, 0)]
    assert not list(layouts((3, 4), (13,)))


def test_a_layout_fits_where_all_axes_are_ordered():
    """Outputs of as many values and other axes have none to carry: `drift` ended with an error for such files."""
    assert Layout((1, 4, 8), (8, 1, 4), (1, 0)).fits
    assert not Layout((1, 257, 1, 32), (1, 257, 32, 1, 1), ()).fits
    assert not Layout((4,), (8,), (0,)).fits
    assert Layout((1,), (1, 1), ()).fits
