from __future__ import annotations

import numpy as np
from rooted_models import both, normed, opened, whole

from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.nearness import Nearness
from pipeline.drift import unrounding

FINE = Nearness(True, 0.1, 0.0)


def test_a_segment_that_is_right_where_nothing_is_rounded_is_as_it_was_found(tmp_path):
    alone = opened(tmp_path)
    assert unrounding.settled(alone, whole(alone), FINE) is FINE


def test_half_a_percent_of_a_factor_shows_where_a_twentieth_of_a_step_would_not(tmp_path):
    alone = opened(tmp_path, gain=1.005)
    found = unrounding.settled(alone, whole(alone), FINE)
    assert not found.agrees
    assert 0.0005 < found.gap < 0.005


def test_a_segment_that_rounds_what_it_computes_is_not_exact(tmp_path):
    alone = opened(tmp_path)
    assert not unrounding.exact(alone, whole(alone))


def test_a_reference_that_rounds_itself_is_not_held_to_what_is_left_of_no_rounding(tmp_path):
    alone = opened(tmp_path, rounds=True)
    assert unrounding.settled(alone, whole(alone), FINE) is FINE
    assert not unrounding.exact(alone, whole(alone))


def test_a_norm_of_8_bits_that_the_reference_has_in_its_kernel_is_as_it_was_found(tmp_path):
    alone = both(tmp_path, normed(tmp_path / "a.onnx", small=False), normed(tmp_path / "b.onnx", small=True))
    assert unrounding.settled(alone, whole(alone), FINE) is FINE


def test_a_segment_that_gives_the_same_on_all_of_these_inputs_rounds_all_the_same(tmp_path):
    alone = opened(tmp_path)
    alone.b.__dict__["steady"] = frozenset(alone.b.recorded)  # as a detector's outputs, all zero in 8 bits
    assert not unrounding.exact(alone, whole(alone))


def test_values_of_another_size_are_none():
    layout = Layout((2, 2), (4,), (0, 1))
    cut = Segment(Partner(1, 1, layout, 99.0), (), (), ())
    assert unrounding._back(cut, np.zeros((3, 5))) is None
    found = unrounding._back(cut, np.zeros((3, 4)))
    assert found is not None
    assert found.shape == (3, 2, 2)
