from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from converters import disturbance
from converters.disturbance import Disturbance, Watch

BEFORE = "cpu  100 0 100 900 0 0 0 0 0 0\ncpu0 50 0 50 450 0 0 0 0 0 0\ncpu1 50 0 50 450 0 0 0 10 0 0\nintr 5\n"
AFTER = "cpu  300 0 200 950 0 0 0 40 0 0\ncpu0 150 0 50 480 0 0 0 0 0 0\ncpu1 150 20 130 470 0 0 0 50 0 0\nintr 9\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files as Linux has them."""
    monkeypatch.setattr(disturbance, "STAT", tmp_path / "stat")
    monkeypatch.setattr(disturbance, "CPUS", tmp_path / "cpu")
    (tmp_path / "stat").write_text(BEFORE)
    for cpu, khz, throttled in ((0, 2_000_000, 1), (1, 3_000_000, 4)):
        for name, value in (("cpufreq/scaling_cur_freq", khz), ("thermal_throttle/core_throttle_count", throttled)):
            path = tmp_path / "cpu" / f"cpu{cpu}" / name
            path.parent.mkdir(parents=True)
            path.write_text(f"{value}\n")
    return tmp_path


def test_what_the_watched_cpu_did_for_others(machine: Path) -> None:
    tick = 1 / os.sysconf("SC_CLK_TCK")
    with Watch([1]) as watch:
        (machine / "stat").write_text(AFTER)
        (machine / "cpu/cpu1/cpufreq/scaling_cur_freq").write_text("1200000\n")
        (machine / "cpu/cpu1/thermal_throttle/core_throttle_count").write_text("6\n")
    seen = watch.seen
    assert seen.others_s == pytest.approx(200 * tick, abs=0.05), "but for this process's own time"
    assert seen.stolen_s == pytest.approx(40 * tick)
    assert (seen.mhz_low, seen.mhz_high, seen.throttled) == (1200.0, 3000.0, 2)


def test_its_own_work_is_not_that_of_others(not_run: Callable[[str], None]) -> None:
    if not Path("/proc/stat").exists():
        not_run("a Linux machine, which tells what its CPUs do")
    with Watch(sorted(os.sched_getaffinity(0))) as watch:
        end = time.perf_counter() + 0.2
        while time.perf_counter() < end:
            pass
    assert watch.seen.elapsed_s == pytest.approx(0.2, abs=0.2)
    assert watch.seen.others_s is not None
    assert watch.seen.preempted is not None


def test_a_system_that_does_not_tell_says_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disturbance, "STAT", tmp_path / "none")
    monkeypatch.setattr(disturbance, "CPUS", tmp_path / "none")
    monkeypatch.setattr(disturbance, "resource", None)
    with Watch([0]) as watch:
        pass
    assert watch.seen == Disturbance(elapsed_s=watch.seen.elapsed_s)


def test_an_unreadable_file_says_none(machine: Path) -> None:
    (machine / "stat").write_text("cpu1 many\n")
    with Watch([1]) as watch:
        pass
    assert watch.seen.others_s is watch.seen.stolen_s is None


def test_stretches_add_up() -> None:
    a = Disturbance(1.0, 0.5, None, 3, 2000.0, 2100.0, None)
    b = Disturbance(2.0, 0.25, 0.1, 4, 1900.0, 2050.0, 1)
    assert a + b == Disturbance(3.0, 0.75, 0.1, 7, 1900.0, 2100.0, 1)
    assert Disturbance(1.0) + Disturbance(1.0) == Disturbance(2.0)
