"""The check `drift` of a cell: whether every layer of its file is the framework's."""

from __future__ import annotations

from collections.abc import Iterator

from converters.errors import EdgeExportError, ToolkitCrash, ToolkitTimeout, UnavailableError, UnsupportedError
from pipeline.checks.drift.suspects import Drift, Layer, Side, Suspect
from pipeline.checks.outcome import Check, Metric, Outcome

NAME = "drift"
SHOWN = 5
"""Suspects told one by one: the first is the nearest to the cause."""
UNSEEN = {
    UnsupportedError: Outcome.UNSUPPORTED,
    UnavailableError: Outcome.NOT_RUN,
    ToolkitTimeout: Outcome.TIMED_OUT,
    ToolkitCrash: Outcome.CRASHED,
}
"""What keeps a file's inside from being seen and is no fault of the file: it proves nothing, and colours no cell."""
NO_ORIGIN = (
    "nothing is known that this file should be layer by layer; `edge-export drift ORIGIN FILE` holds it against a file"
)


def check_drift(found: Drift | EdgeExportError | None, origin: Drift | EdgeExportError | None = None) -> Check:
    """The check of a file that was held against its origin.

    Args:
        found: the file against its origin; None where none is known.
        origin: that origin against the framework's own model, where it is not that model itself.
    """
    if found is None:
        return Check(NAME, Outcome.NOT_RUN, (NO_ORIGIN,), required=False)
    if isinstance(found, EdgeExportError):
        outcome = next((value for kind, value in UNSEEN.items() if isinstance(found, kind)), Outcome.FAILED)
        reason = str(found) or type(found).__name__
        return Check(NAME, outcome, (f"not proved layer by layer: {reason}",), required=outcome is Outcome.FAILED)
    metrics = _metrics(found)
    if not compared(found):
        reason = f"no layer of {found.b} has a partner in {found.a}, so that nothing inside is proved"
        return Check(NAME, Outcome.NOT_RUN, (reason,), metrics, required=False)
    if isinstance(origin, Drift):
        metrics["origin_against"] = origin.a
    reasons = [*told(found), *_inherited(found, origin)]
    return Check(NAME, Outcome.FAILED if reasons else Outcome.PASSED, tuple(reasons), metrics)


def compared(found: Drift) -> bool:
    """Whether anything was held against anything, or a suspect found."""
    shares = (found.coverage.get("ops_aligned"), found.coverage.get("weights_compared"))
    return any(shares) or found.outcome is not Outcome.PASSED


def told(found: Drift) -> Iterator[str]:
    """The suspects in words, the first of them first."""
    for suspect in found.suspects[:SHOWN]:
        yield in_words(suspect)
    if len(found.suspects) > SHOWN:
        yield f"and {len(found.suspects) - SHOWN} suspects more: see the report's layers"


def in_words(suspect: Suspect) -> str:
    """A suspect in one line: where, what it looks like, how much, and both sides' parameters."""
    shown = suspect.b if suspect.b.op_index is not None else suspect.a
    sides = "; ".join(
        f"{name} {said}" for name, side in (("right", suspect.a), ("here", suspect.b)) if (said := parameters(side))
    )
    return f"{place(shown)}: {suspect.cause} ({suspect.measure})" + (f"; {sides}" if sides else "")


def place(side: Side) -> str:
    """An operator with its number and the names of what it gives out: `CONV_2D 3 (features/relu)`."""
    number = "" if side.op_index is None else f" {side.op_index}"
    tensors = f" ({', '.join(side.tensors)})" if side.tensors else ""
    return f"{side.op_type}{number}{tensors}"


def parameters(side: Side) -> str:
    """The parameters of a side that differ from the other's: `stride_h 1, stride_w 2`."""
    return ", ".join(f"{name} {value}" for name, value in side.parameters.items())


def worst_layer(layers: tuple[Layer, ...]) -> Layer | None:
    """The layer with the least signal to error; None where no values were seen."""
    return min((layer for layer in layers if layer.snr_db is not None), key=_snr, default=None)


def _snr(layer: Layer) -> float:
    assert layer.snr_db is not None
    return layer.snr_db


def _metrics(found: Drift) -> dict[str, Metric]:
    metrics: dict[str, Metric] = {"against": found.a, **found.coverage, "suspects": len(found.suspects)}
    worst = worst_layer(found.layers)
    if worst is not None and worst.b is not None:
        metrics |= {"worst_layer_snr_db": worst.snr_db, "worst_layer": place(worst.b)}
    return metrics


def _inherited(found: Drift, origin: Drift | EdgeExportError | None) -> Iterator[str]:
    """What is wrong with the origin already, and so with all that is made from it."""
    if isinstance(origin, Drift) and origin.suspects:
        yield f"{found.a}, from which this file is made, is not {origin.a}: {in_words(origin.suspects[0])}"
