"""What disturbed a measurement of time, in words."""

from __future__ import annotations

from converters.disturbance import Disturbance

STOLEN, OTHERS = 0.01, 0.05
"""Shares of the time on the CPUs in use: more is noise."""
PREEMPTED_PER_S = 20.0
CLOCK_SPREAD = 0.1


def noise(seen: Disturbance) -> str:
    """Everything that stood out, in words; empty on a quiet machine."""
    elapsed_s = max(seen.elapsed_s, 1e-9)
    said = []
    if (seen.stolen_s or 0.0) > STOLEN * elapsed_s:
        said.append(f"the hypervisor gave {(seen.stolen_s or 0.0) / elapsed_s:.0%} of the CPU to other machines")
    if (seen.others_s or 0.0) > OTHERS * elapsed_s:
        said.append(f"other programs took {(seen.others_s or 0.0) / elapsed_s:.0%} of the CPU")
    if (seen.preempted or 0) > PREEMPTED_PER_S * elapsed_s:
        said.append(f"the process was interrupted {(seen.preempted or 0) / elapsed_s:.0f} times a second")
    if seen.mhz_low and seen.mhz_high and seen.mhz_high > (1 + CLOCK_SPREAD) * seen.mhz_low:
        said.append(f"the CPU's clock went between {seen.mhz_low:.0f} and {seen.mhz_high:.0f} MHz")
    if seen.throttled:
        said.append(f"the CPU slowed down {seen.throttled} times because of heat")
    return ", ".join(said)
