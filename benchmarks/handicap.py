"""A runtime's sessions made slower by a known share: what a harness is asked to find."""

from __future__ import annotations

import time

import numpy as np

from converters import timing
from converters.contract import Arrays
from converters.session import Session
from converters.timing import A, Pairing, Plan, Round

CALIBRATING_CALLS = 60


class Handicapped(Session):
    """Waits after each call, busily, for a share of the usual call that it found at the start.

    With a share of zero it does all but wait, so that the wrapping itself makes no difference between sides.
    """

    def __init__(self, session: Session, share: float) -> None:
        super().__init__(session.artifact)
        self.session, self.share, self.wait_ns = session, share, -1.0

    def time(self, inputs: Arrays, n: int) -> np.ndarray:
        """As `Session.time`; the first time also finds out how long a call takes."""
        if self.wait_ns < 0:
            self.wait_ns = 0.0
            usual = np.median(super().time(inputs, CALIBRATING_CALLS)[CALIBRATING_CALLS // 2 :])
            self.wait_ns = 1e9 * self.share * float(usual)
        return super().time(inputs, n)

    def _call(self, inputs: Arrays) -> Arrays:
        outputs = self.session._call(inputs)
        end = time.perf_counter_ns() + self.wait_ns
        while time.perf_counter_ns() < end:
            pass
        return outputs

    def close(self) -> None:
        """Closes the session that is wrapped."""
        self.session.close()


def time_round(pairing: Pairing, plan: Plan, seed: int, share: float) -> Round:
    """As `converters.timing.time_round`, with a slower by `share` of a call than it is."""
    return timing.time_round(
        pairing, plan, seed, lambda pairing, side: Handicapped(pairing.open(side), share if side == A else 0.0)
    )
