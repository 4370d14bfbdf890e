from __future__ import annotations

from rooted_models import opened, whole


def test_a_segment_that_rounds_is_judged_in_steps(tmp_path):
    alone = opened(tmp_path)
    near = alone.compare([whole(alone)])[whole(alone)]
    assert near is not None
    assert near.steps
    assert near.agrees
