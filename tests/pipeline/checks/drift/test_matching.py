from __future__ import annotations

from dataclasses import replace

import numpy as np
from drift_models import graph, tensor

from converters.graph import Op, Quantization
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.matching import best_layout, matched

RNG = np.random.default_rng(0)
IMAGE, OTHER = RNG.normal(size=(2, 4, 1, 3, 5, 6)).astype(np.float32)
TURNED = IMAGE.transpose(0, 1, 3, 4, 2)


def side(*values):
    """A chain of operators whose tensors hold `values`."""
    ops = [Op(n, "NEG", (n,), (n + 1,)) for n in range(len(values) - 1)]
    tensors = [tensor(n, v.shape[1:]) for n, v in enumerate(values)]
    return Known(graph(tensors, ops, (0,), (len(values) - 1,)), dict(enumerate(values)))


def test_partners_are_found_in_any_layout_and_a_stranger_has_none():
    found = matched(side(OTHER, IMAGE), side(OTHER, TURNED * np.float32(1 + 1e-6), -OTHER))
    assert {b: pair.a for b, pair in found.items()} == {0: 0, 1: 1}
    assert found[1].layout.order == (1, 2, 0)
    assert found[1].db > 100


def test_the_surest_partner_is_taken_first_and_a_coarse_one_only_where_none_is_sure():
    coarse = IMAGE + np.float32(0.05) * OTHER
    assert {b: pair.a for b, pair in matched(side(OTHER, IMAGE), side(OTHER, IMAGE, coarse)).items()} == {0: 0, 1: 1}
    assert {b: pair.a for b, pair in matched(side(OTHER, IMAGE), side(OTHER, coarse)).items()} == {0: 0, 1: 1}


def test_tensors_of_the_same_values_are_paired_in_order_or_the_last_ones():
    equal = matched(side(OTHER, IMAGE, IMAGE), side(OTHER, IMAGE, TURNED))
    assert {b: pair.a for b, pair in equal.items()} == {0: 0, 1: 1, 2: 2}
    more = matched(side(OTHER, IMAGE, IMAGE), side(OTHER, TURNED))
    assert {b: pair.a for b, pair in more.items()} == {0: 0, 1: 2}


def test_no_pair_crosses_the_order_of_computation():
    found = matched(side(OTHER, IMAGE, -IMAGE + OTHER), side(OTHER, -IMAGE + OTHER, IMAGE))
    assert len(found) == 2


def test_the_layout_nearest_to_the_reference_is_chosen():
    db, layout = best_layout(IMAGE, TURNED)
    assert layout is not None
    assert layout.order == (1, 2, 0)
    assert db > 100
    assert best_layout(IMAGE, IMAGE[..., :5])[1] is None


def test_what_is_nothing_once_it_is_cut_off_is_no_partner_of_what_is_cut_off():
    """The variance of a normalization, all above the range in which its root lies."""
    root = np.linspace(0.1, 0.2, 16, dtype=np.float32).reshape(4, 1, 4)
    grid = Quantization(np.array([0.0007]), np.array([-128]), 0)
    codes = np.clip(np.rint(root / 0.0007) - 128, -128, 127).astype(np.int8)
    found = matched(side(OTHER, 30 + root), quantized(side(OTHER, codes), 1, grid))
    assert list(found) == [0]
    assert {b: pair.a for b, pair in matched(side(OTHER, root), quantized(side(OTHER, codes), 1, grid)).items()} == {
        0: 0,
        1: 1,
    }


def quantized(known, index, grid):
    """The side with a tensor on a grid."""
    tensors = {**known.graph.tensors, index: replace(known.graph.tensors[index], dtype="int8", quantization=grid)}
    return Known(replace(known.graph, tensors=tensors), known.recorded)
