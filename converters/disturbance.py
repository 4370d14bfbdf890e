"""What else happened on this machine while something was timed: other programs, stolen time, a changing clock."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

STAT = Path("/proc/stat")
CPUS = Path("/sys/devices/system/cpu")
_Count = TypeVar("_Count", int, float)


@dataclass(frozen=True)
class Disturbance:
    """Seconds and counts over a stretch of time, on the CPUs in use; None where the system does not tell."""

    elapsed_s: float = 0.0
    others_s: float | None = None  # CPU time of other programs
    stolen_s: float | None = None  # that the hypervisor gave to other machines
    preempted: int | None = None  # how often this process had to make room
    mhz_low: float | None = None
    mhz_high: float | None = None
    throttled: int | None = None  # how often a CPU slowed down because of heat

    def __add__(self, other: Disturbance) -> Disturbance:
        """Both stretches together."""
        return Disturbance(
            self.elapsed_s + other.elapsed_s,
            _sum(self.others_s, other.others_s),
            _sum(self.stolen_s, other.stolen_s),
            _sum(self.preempted, other.preempted),
            min((m for m in (self.mhz_low, other.mhz_low) if m is not None), default=None),
            max((m for m in (self.mhz_high, other.mhz_high) if m is not None), default=None),
            _sum(self.throttled, other.throttled),
        )


class Watch:
    """Watches some CPUs from entering to leaving a block; then `seen` tells."""

    def __init__(self, cpus: Sequence[int]) -> None:
        self.cpus = tuple(cpus)
        self.seen = Disturbance()

    def __enter__(self) -> Watch:
        self._before = _Snapshot(self.cpus)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        before, after = self._before, _Snapshot(self.cpus)
        busy = _difference(before.busy_s, after.busy_s)
        clocks = [*before.mhz, *after.mhz]
        preempted, throttled = (
            _difference(before.preempted, after.preempted),
            _difference(before.throttled, after.throttled),
        )
        self.seen = Disturbance(
            elapsed_s=after.at_s - before.at_s,
            others_s=None if busy is None else max(0.0, busy - (after.own_s - before.own_s)),
            stolen_s=_difference(before.stolen_s, after.stolen_s),
            preempted=None if preempted is None else int(preempted),
            mhz_low=min(clocks, default=None),
            mhz_high=max(clocks, default=None),
            throttled=None if throttled is None else int(throttled),
        )


class _Snapshot:
    """The counters of the system at one moment."""

    def __init__(self, cpus: Sequence[int]) -> None:
        self.at_s, self.own_s = time.perf_counter(), time.process_time()
        self.busy_s, self.stolen_s = _proc_stat(cpus)
        self.preempted = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw if resource else None
        self.mhz = [khz / 1e3 for khz in _numbers(cpus, "cpufreq/scaling_cur_freq")]
        counts = _numbers(cpus, "thermal_throttle/core_throttle_count")
        self.throttled = sum(counts) if counts else None


def _proc_stat(cpus: Sequence[int]) -> tuple[float | None, float | None]:
    """(busy, stolen) seconds of some CPUs since the start of the machine (proc(5), /proc/stat)."""
    try:
        tick = 1 / os.sysconf("SC_CLK_TCK")
        rows = [line.split() for line in STAT.read_text(encoding="ascii").splitlines() if line.startswith("cpu")]
        chosen = [[int(text) for text in row[1:9]] for row in rows if row[0] in {f"cpu{cpu}" for cpu in cpus}]
        busy = sum(user + nice + system + irq + soft for user, nice, system, _, _, irq, soft, _ in chosen)
        return (busy * tick, sum(row[7] for row in chosen) * tick) if chosen else (None, None)
    except (OSError, ValueError, AttributeError):
        return None, None


def _numbers(cpus: Sequence[int], name: str) -> list[float]:
    """What a file of each CPU says, of those that have it."""
    found = []
    for cpu in cpus:
        with contextlib.suppress(OSError, ValueError):
            found.append(float((CPUS / f"cpu{cpu}" / name).read_text(encoding="ascii")))
    return found


def _sum(a: _Count | None, b: _Count | None) -> _Count | None:
    return a if b is None else b if a is None else a + b


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
