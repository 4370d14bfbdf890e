from __future__ import annotations

import numpy as np
import pytest

from pipeline.checks.metrics.moving_snr_db import moving_snr_db
from pipeline.checks.metrics.snr_db import snr_db

DETECTOR = 0.9 + 0.05 * np.random.default_rng(0).normal(size=(200, 3))


def test_an_output_stuck_at_its_mean_scores_nothing() -> None:
    stuck = np.broadcast_to(DETECTOR.mean(axis=0), DETECTOR.shape)
    assert moving_snr_db(DETECTOR, stuck)[0] == pytest.approx(0.0, abs=1e-9)
    assert snr_db.over_all(DETECTOR, stuck) > 20


def test_without_a_constant_part_it_is_the_plain_ratio() -> None:
    centred = DETECTOR - DETECTOR.mean(axis=0)
    assert moving_snr_db(centred, centred * 1.1)[0] == pytest.approx(20.0)
