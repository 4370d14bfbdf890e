from __future__ import annotations

import numpy as np
from rooted_models import opened, whole

from pipeline.checks.drift.stepwise import grain
from pipeline.drift.carrying import moved


def test_a_step_inside_is_carried_to_the_end(tmp_path):
    alone = opened(tmp_path)
    cut = whole(alone)
    rows = list(moved(alone, cut))
    assert len(rows) == 1  # the variance, before its root
    plain = alone.asked(alone.work.b, [alone.piece(False, cut, alone.values(cut).starts)])[0]
    assert 0 < np.abs(rows[0] - plain).max() < 3
    grid = alone.grid(False, cut.out.b)
    assert grain(plain, rows, grid) >= 1.0
    assert grain(plain, [plain + 10 * grid.scale], grid) > 4
