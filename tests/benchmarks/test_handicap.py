"""What the harness is asked to find is there: the wrapped side takes as much longer as it says."""

from __future__ import annotations

import numpy as np
import pytest
from gates import sleeper

from benchmarks.handicap import CALIBRATING_CALLS, Handicapped
from converters.contract import Arrays


class Clocked(sleeper.Sleeper):
    """Its calls move the clock."""

    def __init__(self, artifact, clock):
        super().__init__(artifact)
        self.clock = clock

    def _call(self, inputs: Arrays) -> Arrays:
        self.clock.now_ns += 1_000_000
        return super()._call(inputs)


class Clock:
    """Ten nanoseconds pass between two looks."""

    now_ns = 0

    def __call__(self):
        self.now_ns += 10
        return self.now_ns


@pytest.mark.parametrize("share", [0.0, 0.03, 0.5])
def test_each_call_takes_longer_by_the_share(tmp_path, monkeypatch, share):
    clock = Clock()
    monkeypatch.setattr("benchmarks.handicap.time.perf_counter_ns", clock)
    session = Clocked(sleeper.artifact(tmp_path / "a", 1000), clock)
    wrapped = Handicapped(session, share)
    inputs = {"x": np.zeros((2, 1, 3), np.float32)}
    seconds = wrapped.time(inputs, 5)
    assert seconds == pytest.approx(np.full(5, 1e-3 * (1 + share)), rel=1e-4)
    assert session.calls == CALIBRATING_CALLS + 5
    wrapped.close()
    assert session.closed
