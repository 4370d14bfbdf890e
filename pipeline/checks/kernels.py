"""Whether two kernel sets, devices or thread counts compute the same from the same file."""

from __future__ import annotations

import numpy as np

from converters.contract import Arrays
from converters.errors import EdgeExportError
from converters.inspection import Inspection
from pipeline.checks.gates import KernelsGate
from pipeline.checks.metrics.max_rel_range import max_rel_range
from pipeline.checks.metrics.snr_db import snr_db
from pipeline.checks.outcome import Check, Metric, Outcome

_MOST_STEPS = 255
"""An 8-bit output has no more steps than that between its least and its greatest value."""
_OFF_GRID = 1e-3
"""Of a step: how far from a whole number of steps float32 puts a dequantized value."""


def half_between(inspection: Inspection | EdgeExportError) -> bool:
    """Whether operators hand on float16: ONNX Runtime 1.29 rounds each result to it, 1.31 keeps float32 in between."""
    tensors = () if isinstance(inspection, EdgeExportError) else inspection.tensors
    return any(tensor.dtype == "float16" and not tensor.constant for tensor in tensors)


def check_kernels(home: Arrays, got: Arrays, home_runtime: str, gate: KernelsGate) -> Check:
    """The check `kernels`: the outputs of one file here against those on its home runtime, sample by sample.

    Args:
        home: outputs on the home runtime, (n, *shape) by name.
        got: outputs on the runtime in question, in the same layout.
        home_runtime: its name, for the reasons.
        gate: how far apart honest kernels may be: a share of the range, or steps of an output that lies on a grid.
    """
    missing = [name for name, values in home.items() if name not in got or got[name].shape != values.shape]
    if missing or not home:
        reason = f"output {', '.join(missing) or 'none'} cannot be laid beside {home_runtime}'s: see `parity`"
        return Check("kernels", Outcome.FAILED, (reason,))
    reasons: list[str] = []
    metrics: dict[str, Metric] = {"home": home_runtime, "equal_share": 1.0}
    for name, values in home.items():
        found, said = _judge(name, values, got[name], home_runtime, gate)
        reasons += said
        metrics["equal_share"] = min(float(metrics["equal_share"] or 0), float(found.pop("equal_share")))
        for metric, value in found.items():
            metrics[metric] = max(float(metrics.get(metric) or 0), value)
    return Check("kernels", Outcome.FAILED if reasons else Outcome.PASSED, tuple(reasons), metrics)


def _judge(
    name: str, home: np.ndarray, got: np.ndarray, home_runtime: str, gate: KernelsGate
) -> tuple[dict[str, float], list[str]]:
    """(metrics, reasons) of one output."""
    equal = {"equal_share": float((home == got).mean()) if home.size else 0.0}
    if home.dtype.kind not in "f" or not home.size:
        worst = np.abs(home.astype(np.float64) - got.astype(np.float64)).max(initial=0.0)
        off = [f"output `{name}` differs from {home_runtime}'s by {worst:g}"] if worst > gate.max_steps else []
        return {**equal, "max_steps": float(worst)}, off
    if not np.isfinite(got).all():
        return equal, [f"output `{name}` holds NaN or Inf, which {home_runtime} does not give"]
    relative = max_rel_range(home, got)
    sample = int(relative.argmax())
    metrics = {**equal, "max_rel_range": float(relative.max())}
    step = grid_step(home)
    if step:
        steps = np.abs(home.astype(np.float64) - got) / step
        metrics["max_steps"] = float(steps.max().round())
        sample = int(steps.reshape(len(steps), -1).max(axis=1).argmax())
        near = float((steps.round() <= gate.max_steps).mean())
        if near >= gate.min_near_share and metrics["max_steps"] <= 3 * gate.max_steps:
            return metrics, []
        said = f"up to {metrics['max_steps']:g} steps of its 8-bit grid, and {near:.2%} of the values lie within "
        said += f"{gate.max_steps:g}, wanted {gate.min_near_share:.2%} and none beyond {3 * gate.max_steps:g}"
    else:
        snr = snr_db.over_all(home, got)
        if metrics["max_rel_range"] <= gate.max_rel_range and snr >= gate.min_snr_db:
            return metrics, []
        said = (
            f"{metrics['max_rel_range']:.3g} of its range, allowed {gate.max_rel_range:g}, and lies at {snr:.4g} dB, "
        )
        said += f"wanted {gate.min_snr_db:g}"
    return metrics, [f"output `{name}` differs from {home_runtime}'s by {said} (worst sample {sample})"]


def grid_step(array: np.ndarray) -> float:
    """The step of the 8-bit grid that all values lie on, as outputs of int8 files do; 0 where they lie on none.

    Told from the home runtime: a shader that dequantizes adds float32 rounding to each value.
    """
    values = np.unique(np.asarray(array, np.float64))
    if not 2 < len(values) <= _MOST_STEPS + 1:
        return 0.0
    gaps = np.diff(values)
    spread = np.float64(np.abs(values).max()) * np.finfo(np.float32).eps * 4
    step = float(gaps[gaps > spread].min(initial=np.inf))
    if not np.isfinite(step) or (values[-1] - values[0]) / step > _MOST_STEPS + 0.5:
        return 0.0
    places = (values - values[0]) / step
    return step if float(np.abs(places - places.round()).max()) <= _OFF_GRID * max(1.0, places[-1]) else 0.0
