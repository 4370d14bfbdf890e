from __future__ import annotations

import pytest

from converters.disturbance import Disturbance
from pipeline.checks.noise import noise


def test_a_quiet_machine_says_nothing() -> None:
    assert noise(Disturbance(10.0, 0.1, 0.01, 30, 3000.0, 3100.0, 0)) == ""
    assert noise(Disturbance(10.0)) == "", "nor one that cannot tell"


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (Disturbance(10.0, stolen_s=0.5), "the hypervisor gave 5% of the CPU to other machines"),
        (Disturbance(10.0, others_s=4.0), "other programs took 40% of the CPU"),
        (Disturbance(10.0, preempted=900), "the process was interrupted 90 times a second"),
        (Disturbance(10.0, mhz_low=1200.0, mhz_high=3400.0), "the CPU's clock went between 1200 and 3400 MHz"),
        (Disturbance(10.0, throttled=3), "the CPU slowed down 3 times because of heat"),
    ],
)
def test_each_disturbance_is_named(seen: Disturbance, said: str) -> None:
    assert noise(seen) == said


def test_several_are_all_named() -> None:
    assert noise(Disturbance(1.0, others_s=0.5, throttled=1)).count(", ") == 1
