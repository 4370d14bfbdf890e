"""What every metric refuses, and how its record reads."""

from __future__ import annotations

import numpy as np
import pytest

from converters.errors import ContractError
from pipeline.checks.metrics.agreement import agreement
from pipeline.checks.metrics.cosine import cosine
from pipeline.checks.metrics.max_abs import max_abs
from pipeline.checks.metrics.max_rel_range import max_rel_range
from pipeline.checks.metrics.measure import Measure
from pipeline.checks.metrics.moving_snr_db import moving_snr_db
from pipeline.checks.metrics.snr_db import snr_db
from pipeline.checks.metrics.top1_agreement import top1_agreement

ALL = [agreement, cosine, max_abs, max_rel_range, moving_snr_db, snr_db, top1_agreement]
ROWS = np.arange(24, dtype=np.float32).reshape(4, 1, 6)


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
class TestEveryMetric:
    def test_gives_one_finite_number_a_sample(self, metric: Measure) -> None:
        values = metric(ROWS, ROWS + 1)
        assert values.shape == (4,)
        assert np.isfinite(values).all()

    def test_is_as_good_as_can_be_on_equal_tensors(self, metric: Measure) -> None:
        same, other = metric(ROWS, ROWS), metric(ROWS, ROWS[:, :, ::-1] * 1.5)
        assert (same <= other).all() if metric.better == "lower" else (same >= other).all()

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_refuses_nan_and_inf_on_either_side(self, metric: Measure, value: float) -> None:
        broken = ROWS.copy()
        broken[1, 0, 2] = value
        with pytest.raises(ContractError, match="got holds 1 values that are NaN or Inf"):
            metric(ROWS, broken)
        with pytest.raises(ContractError, match="reference holds 1 values"):
            metric(broken, ROWS)

    def test_refuses_nothing_compared(self, metric: Measure) -> None:
        with pytest.raises(ContractError, match="nothing compared proves nothing"):
            metric(ROWS[:0], ROWS[:0])

    def test_refuses_another_shape(self, metric: Measure) -> None:
        with pytest.raises(ContractError, match=r"reference is \(4, 1, 6\), got is \(4, 6\)"):
            metric(ROWS, ROWS[:, 0])

    def test_leaves_its_arguments_alone(self, metric: Measure) -> None:
        reference, got = ROWS.astype(np.float64), ROWS.astype(np.float64) + 1
        metric(reference, got)
        np.testing.assert_array_equal(reference, ROWS)
        np.testing.assert_array_equal(got, ROWS + 1)

    def test_has_the_name_of_its_function(self, metric: Measure) -> None:
        assert metric.name == metric.of.__name__
        assert metric.of.__module__.endswith(f".{metric.name}")


def test_worst_is_by_the_direction_of_the_metric() -> None:
    values = np.array([3.0, 1.0, 2.0])
    assert max_abs.worst(values) == 0
    assert cosine.worst(values) == 1


def test_over_all_takes_the_samples_as_one_vector() -> None:
    reference, got = np.array([[3.0], [4.0]]), np.array([[3.0], [4.5]])
    assert snr_db.over_all(reference, got) == pytest.approx(20.0)
