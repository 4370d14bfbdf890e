"""Which metrics of the checks are the key numbers of a cell, under their names."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.checks.outcome import Cell
from pipeline.report.text import signed

SNR = "parity.snr_db"
DROP, DROP_LOW, DROP_HIGH = "accuracy.drop_points", "accuracy.drop_points_low", "accuracy.drop_points_high"
P50, P90 = "latency.latency_ms_p50", "latency.latency_ms_p90"
DECISION = "latency.decision"
RATIO, RATIO_LOW, RATIO_HIGH = "latency.ratio", "latency.ratio_low", "latency.ratio_high"


@dataclass(frozen=True)
class Figures:
    """The key numbers of a cell; None where its checks did not get so far.

    `snr_db` of the worst output; `drop` in points of accuracy, positive is worse, with its confidence interval;
    `p50` and `p90` in milliseconds; `ratio` of the time to fp32's in the same runtime, below 1 is faster;
    `decision` is what the interval of the ratio allows to say: faster, slower, equal, cannot tell.
    """

    snr_db: float | None
    drop: float | None
    drop_low: float | None
    drop_high: float | None
    p50: float | None
    p90: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    decision: str


def figures(cell: Cell) -> Figures:
    """The key numbers of a cell."""
    metrics = cell.metrics

    def number(name: str) -> float | None:
        value = metrics.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    return Figures(
        snr_db=number(SNR),
        drop=number(DROP),
        drop_low=number(DROP_LOW),
        drop_high=number(DROP_HIGH),
        p50=number(P50),
        p90=number(P90),
        ratio=number(RATIO),
        ratio_low=number(RATIO_LOW),
        ratio_high=number(RATIO_HIGH),
        decision=str(metrics.get(DECISION) or ""),
    )


def key_numbers(cell: Cell) -> tuple[str, ...]:
    """What a matrix shows in a cell: `112 dB`, `bit-equal`, `−0.1 pt`, `0.19 ms`, those that there are."""
    found = figures(cell)
    texts = []
    if found.snr_db is not None:
        texts.append(f"{signed(found.snr_db, 3)} dB")
    if beside := beside_home(cell):
        texts.append(beside)
    if found.drop is not None:
        texts.append(f"{points(found.drop)} pt")
    if found.p50 is not None:
        texts.append(f"{signed(found.p50, 2)} ms")
    return tuple(texts)


def beside_home(cell: Cell) -> str:
    """How far the cell is from its file's home runtime: `bit-equal`, `equal steps`, `±1 step`, `±2e-07`; or empty."""
    check = next((check for check in cell.checks if check.name == "kernels"), None)
    if check is None or "equal_share" not in check.metrics:
        return ""
    if check.metrics["equal_share"] == 1.0:
        return "bit-equal"
    steps, share = check.metrics.get("max_steps"), check.metrics.get("max_rel_range")
    if isinstance(steps, float):
        return f"±{steps:g} step{'s' if steps != 1 else ''}" if steps else "equal steps"
    return f"±{share:.0e}" if isinstance(share, float) else ""


def points(drop: float) -> str:
    """A drop as the change of accuracy that people expect: a drop of 0.3 reads `−0.3`."""
    return signed(round(-drop, 2) + 0.0, 3, plus=True)
