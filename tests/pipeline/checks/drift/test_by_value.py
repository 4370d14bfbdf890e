from __future__ import annotations

import numpy as np
import pytest
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.by_value import first_lost, partners, wrong_ends

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(4, 1, 3, 5, 6)).astype(np.float32)
OTHER = RNG.normal(size=(4, 1, 3, 5, 6)).astype(np.float32)
PLAIN = {n: tensor(n) for n in range(4)}


def test_partners_are_found_in_any_layout_and_a_stranger_has_none():
    turned = IMAGE.transpose(0, 1, 3, 4, 2) * np.float32(1 + 1e-6)
    found = partners({0: OTHER, 1: IMAGE}, {2: turned, 3: IMAGE.reshape(4, 90), 0: -OTHER}, PLAIN, PLAIN)
    assert found == {2: 1, 3: 1}


def test_half_precision_is_no_partner_of_float_unless_the_file_says_so():
    coarse = (IMAGE + 0.02 * OTHER).astype(np.float32)
    assert partners({0: IMAGE}, {1: coarse}, PLAIN, PLAIN) == {}
    eight = PLAIN | {9: tensor(9, dtype="int8", scale=(0.1, 0))}
    assert partners({0: IMAGE}, {1: coarse}, PLAIN, eight) == {1: 0}


def chain():
    ops = [Op(n, kind, (n,), (n + 1,)) for n, kind in enumerate(("EXP", "NEG", "ABS"))]
    return graph([tensor(n) for n in range(4)], ops, (0,), (3,))


@pytest.mark.parametrize(("known", "place"), [({1: 1}, 1), ({}, 0), ({1: 1, 3: 3}, None), ({1: 1, 2: 2, 3: 3}, None)])
def test_the_first_operator_behind_which_nothing_is_known(known, place):
    found = first_lost(chain(), chain(), known)
    assert (found and found.b.op_index) == place


@pytest.mark.parametrize(
    ("names", "known", "causes"),
    [
        (("x", "y"), {2: 2, 3: 3}, []),
        (("y", "x"), {2: 3, 3: 2}, []),
        (("x", "y"), {2: 3, 3: 2}, ["outputs are exchanged", "outputs are exchanged"]),
        (("p", "q"), {2: 2}, ["output 'y' is not the reference's"]),
    ],
)
def test_outputs_by_name_or_by_place(names, known, causes):
    ops = [Op(0, "SPLIT", (0,), (2, 3))]
    one, two = (
        graph([tensor(n) for n in (0, 2, 3)], ops, (0,), (2, 3), output_names=given) for given in (("x", "y"), names)
    )
    found = [suspect.cause for suspect in wrong_ends(one, two, known)]
    assert len(found) == len(causes)
    assert all(want in got for want, got in zip(causes, found, strict=True))
