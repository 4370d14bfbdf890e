from __future__ import annotations

from converters.graph import Op
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.layout import Layout
from pipeline.checks.drift.matching import Partner
from pipeline.checks.drift.nearness import Nearness
from pipeline.drift.pairing import inner_ends, still

PLAIN = Layout((1, 4), (1, 4), (0,))
RIGHT, WRONG = Nearness(True, 0.1, 0.0), Nearness(False, 3.0, 0.1)
FIRST, SECOND, THIRD = (Op(n, "ADD", (n,), (n + 1,)) for n in range(3))


def pair(index):
    return Partner(index, index, PLAIN, 30.0)


def cut(end, starts, *ops):
    return Segment(pair(end), tuple(map(pair, starts)), ops, ops)


def test_an_end_inside_another_wrong_segment_is_no_partner():
    results = {cut(2, (0,), FIRST, SECOND): WRONG, cut(3, (0,), FIRST, SECOND, THIRD): WRONG}
    assert inner_ends(results) == {2}


def test_one_from_which_a_segment_agrees_is_one():
    results = {
        cut(2, (0,), FIRST, SECOND): WRONG,
        cut(3, (0,), FIRST, SECOND, THIRD): WRONG,
        cut(4, (2,), THIRD): RIGHT,
    }
    assert inner_ends(results) == set()


def test_the_ends_of_right_segments_stay():
    results = {cut(2, (0,), FIRST, SECOND): RIGHT, cut(3, (0,), FIRST, SECOND, THIRD): WRONG}
    assert inner_ends(results) == set()


def test_what_looked_like_a_tensor_is_no_partner_where_the_right_one_is_known():
    before_the_bias, behind_it = Partner(5, 8, PLAIN, 25.0), Partner(5, 9, PLAIN, 200.0)
    pairs = {2: pair(2), 8: before_the_bias}
    assert still(pairs, {2: pair(2), 9: behind_it}, ()) == {2: pair(2)}
    assert still(pairs, {2: pair(2), 9: behind_it}, (8,)) == pairs  # an output is what it is
    assert still(pairs, {8: before_the_bias}, ()) == pairs
