from __future__ import annotations

import numpy as np
import pytest

from converters.inspection import OpInfo
from converters.masks import masked, masks


@pytest.mark.parametrize("far", [-np.inf, np.inf, -1e4, -65504.0, -3.4e38])
def test_what_no_score_is_makes_a_mask(far):
    assert masks(np.float32([0, far]))
    assert masks(np.float32(far))


@pytest.mark.parametrize(
    "values", [np.float32([0, -100]), np.float32([-np.inf, np.nan]), np.int64([10**6]), np.float32([])]
)
def test_numbers_of_a_network_and_nan_make_none(values):
    assert not masks(values)


def test_what_lies_between_a_mask_and_its_softmax_is_told_and_nothing_else():
    mask, scores, moved, sums, soft, out, other = range(7)
    ops = [
        OpInfo("MatMul", (9, 9), (scores,)),
        OpInfo("Expand", (mask, 8), (moved,)),
        OpInfo("Add", (scores, moved), (sums,)),
        OpInfo("aten::softmax.int", (sums,), (soft,)),
        OpInfo("MatMul", (soft, 9), (out,)),
        OpInfo("Mul", (mask, 7), (other,)),
        OpInfo("Softmax", (out,), (10,)),
    ]
    found = masked(ops, [mask])
    assert [op.type for op in found.ops] == ["Expand", "Add", "aten::softmax.int"]
    assert found.tensors == {mask, moved, sums}


@pytest.mark.parametrize("kind", ["SELECT_V2", "Where", "aten::masked_fill.Scalar", "aten::where.self", "select"])
def test_the_ways_to_put_a_mask_in_are_known_in_every_format(kind):
    assert len(masked([OpInfo(kind, (1, 0, 2), (3,)), OpInfo("SOFTMAX", (3,), (4,))], [0]).ops) == 2


def test_a_mask_that_leads_to_no_softmax_excuses_nothing():
    assert masked([OpInfo("ADD", (0, 1), (2,)), OpInfo("FULLY_CONNECTED", (2, 3), (4,))], [0]).ops == ()
    assert masked([OpInfo("SOFTMAX", (1,), (2,))], [0]).ops == ()
