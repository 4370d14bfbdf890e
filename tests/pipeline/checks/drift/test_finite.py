from __future__ import annotations

import numpy as np
from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift import finite
from pipeline.checks.drift.known import Known

VALUES = {index: np.random.default_rng(index).normal(size=(4, 4)).astype(np.float32) for index in (0, 1)}


def side(kind, constant=1.0, **attributes):
    """x -> kind(x, constant) -> y"""
    ops = [Op(0, kind, (0, 2), (1,), attributes)]
    return Known(graph([tensor(0), tensor(1), tensor(2, data=[constant] * 4)], ops, (0,), (1,)), VALUES)


def test_a_bound_at_infinity_is_no_broken_constant():
    honest = side("MINIMUM", 6.0)
    assert not list(finite.broken(honest, side("MINIMUM", np.inf)))
    for wrong in (side("MINIMUM", np.nan), side("MUL", np.inf)):
        (suspect,) = finite.broken(honest, wrong)
        assert suspect.cause == "a constant holds NaN or Inf"


def test_a_margin_at_infinity_is_broken_only_where_what_reads_it_shows_it():
    honest = side("RELU")
    for kind, after, told in (("MAX_POOL_2D", 1.0, 0), ("AVERAGE_POOL_2D", -np.inf, 1)):
        tensors = [tensor(0), tensor(1), tensor(2, data=[-np.inf] * 4), tensor(3)]
        ops = [Op(0, "PADV2", (0, 2), (1,), {}), Op(1, kind, (1,), (3,), {})]
        values = VALUES | {3: np.full((4, 4), after, np.float32)}
        assert len(list(finite.broken(honest, Known(graph(tensors, ops, (0,), (3,)), values)))) == told


def test_an_attribute_that_is_no_number_is_told_at_its_operator():
    wrong = side("thresholded_relu", alpha=float("nan"))
    (found,) = finite.broken(side("thresholded_relu", alpha=0.0), wrong)
    assert (found.b.op_index, found.cause) == (0, "alpha is no number")
    assert not list(finite.broken(wrong, wrong))
