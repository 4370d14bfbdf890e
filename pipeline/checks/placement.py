"""Whether the operators run where the runtime's name says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pipeline.checks.gates import PlacementGate
from pipeline.checks.outcome import Check, Metric, Outcome


def check_placement(placement: Sequence[tuple[str, str]], gate: PlacementGate | None) -> Check:
    """The check `placement`: the share of (operator, device) rows on the promised device.

    A runtime that promises nothing (no gate) or cannot tell is NOT_RUN and not required. A delegate that took no
    operator at all is FAILED: it quietly left the work to something else.
    """
    devices = Counter(device for _, device in placement)
    metrics: dict[str, Metric] = {"operators": len(placement), **{f"on_{d}": n for d, n in sorted(devices.items())}}
    if gate is None:
        reason = "the gates hold no promise for this runtime"
        return Check("placement", Outcome.NOT_RUN, (reason,), metrics, required=False)
    if not placement:
        reason = "the runtime does not tell where its operators run"
        return Check("placement", Outcome.NOT_RUN, (reason,), metrics, required=False)
    share = devices[gate.device] / len(placement)
    metrics["share"] = share
    if share >= gate.min_share and share > 0:
        return Check("placement", Outcome.PASSED, (), metrics)
    extent = "partial acceleration" if share else "no acceleration"
    elsewhere = "; ".join(_elsewhere(placement, device) for device, _ in devices.most_common() if device != gate.device)
    reason = (
        f"{extent}: {share:.0%} of the operators run on {gate.device}, promised {gate.min_share:.0%}. {elsewhere}. "
        "Build the model of other operators, or accept it: lower min_share of this runtime with --gates"
    )
    return Check("placement", Outcome.FAILED, (reason,), metrics)


def _elsewhere(placement: Sequence[tuple[str, str]], device: str) -> str:
    """`36 on cpu: 12 READ_VARIABLE, 6 VAR_HANDLE` of the operators on another device, the commonest first."""
    types = Counter(op for op, where in placement if where == device)
    listed = ", ".join(f"{count} {op}" for op, count in types.most_common())
    return f"{types.total()} on {device}: {listed}"
