"""Files beside their origins, layer by layer, arranged for a reader: rows, suspects and the plot of a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.checks.drift.check import place, worst_layer
from pipeline.checks.drift.suspects import Drift, Layer, Side, Suspect
from pipeline.checks.metrics.snr_db import SNR_CAP_DB
from pipeline.checks.outcome import Outcome
from pipeline.report import plots
from pipeline.report.text import signed

BRIDGES = frozenset(("QUANTIZE", "DEQUANTIZE", "QuantizeLinear", "DequantizeLinear", "CAST", "Cast"))
"""Operators between number types: without a partner they are counted, not listed."""


@dataclass(frozen=True)
class Row:
    """One line of a file's table: operators of the origin, those of the file, and how far their values are apart."""

    ours: str
    theirs: str
    tensors: str
    snr: str
    steps: str
    suspect: bool


@dataclass(frozen=True)
class Difference:
    """A suspect: where, what it looks like, how much, and its parameters as (name, right, here)."""

    where: str
    cause: str
    measure: str
    parameters: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class FileLayers:
    """What the report shows of one file. `bridges` counts operators that are not listed."""

    file: str
    against: str
    outcome: Outcome
    summary: str
    differences: tuple[Difference, ...]
    rows: tuple[Row, ...]
    bridges: int
    notes: tuple[str, ...]
    plot: Markup | None

    @property
    def in_steps(self) -> bool:
        """Whether any layer is on a grid."""
        return any(row.steps for row in self.rows)


def file_layers(drifts: Iterable[Drift]) -> tuple[FileLayers, ...]:
    """Every file, those with suspects first."""
    found = sorted(drifts, key=lambda drift: drift.outcome is Outcome.PASSED)
    return tuple(_of_file(drift) for drift in found)


def summary(drift: Drift) -> str:
    """How much was held side by side, in one line: `27 of 27 layers aligned, all weights compared, worst 28.6 dB`."""
    ops, aligned, weights = (drift.coverage.get(name) for name in ("ops", "ops_aligned", "weights_compared"))
    parts = []
    if ops is not None and aligned is not None:
        parts.append(f"{round(ops * aligned)} of {ops} layers aligned")
    if weights is not None:
        parts.append("all weights compared" if weights == 1 else f"{weights:.1%} of the weights compared")
    worst = worst_layer(drift.layers)
    if worst is not None and worst.b is not None:
        parts.append(f"worst layer {_db(worst.snr_db)} ({place(Side(worst.b.op_index, worst.b.op_type))})")
    return ", ".join(parts)


def _of_file(drift: Drift) -> FileLayers:
    shown = [layer for layer in drift.layers if not _bridge(layer, drift.suspects)]
    groups = list(_folded(shown, drift.suspects))
    rows = tuple(_row(group, drift.suspects) for group in groups)
    values = [(group[-1].snr_db, row) for group, row in zip(groups, rows, strict=True)]
    return FileLayers(
        file=drift.b,
        against=drift.a,
        outcome=drift.outcome,
        summary=summary(drift),
        differences=tuple(map(_difference, drift.suspects)),
        rows=rows,
        bridges=len(drift.layers) - len(shown),
        notes=drift.notes,
        plot=_plot(drift.b, values),
    )


def _bridge(layer: Layer, suspects: Sequence[Suspect]) -> bool:
    lonely = layer.a is None and layer.b is not None and layer.b.op_type in BRIDGES
    return lonely and not _suspect(layer, suspects)


def _folded(layers: Sequence[Layer], suspects: Sequence[Suspect]) -> Iterable[list[Layer]]:
    """Layers of the origin alone go with the next that has a partner: it is their last one, fused."""
    waiting: list[Layer] = []
    for layer in layers:
        if layer.b is None and not _suspect(layer, suspects):
            waiting.append(layer)
        elif layer.a is None or layer.b is None:
            yield from ([one] for one in waiting)
            yield [layer]
            waiting = []
        else:
            yield [*waiting, layer]
            waiting = []
    yield from ([one] for one in waiting)


def _suspect(layer: Layer, suspects: Sequence[Suspect]) -> bool:
    """Whether a suspect is this layer: by the file's operator, or by the origin's where the file has none."""
    for suspect in suspects:
        if suspect.b.op_index is not None:
            if layer.b is not None and layer.b.op_index == suspect.b.op_index:
                return True
        elif suspect.a.op_index is not None and layer.a is not None and layer.a.op_index == suspect.a.op_index:
            return True
    return False


def _row(group: Sequence[Layer], suspects: Sequence[Suspect]) -> Row:
    last = group[-1]
    return Row(
        ours=" + ".join(_operator(layer.a) for layer in group if layer.a is not None),
        theirs=_operator(last.b) if last.b is not None else "",
        tensors=", ".join(last.b.tensors if last.b is not None else last.a.tensors if last.a is not None else ()),
        snr="" if last.snr_db is None else _db(last.snr_db),
        steps="" if last.steps is None else signed(last.steps, 2),
        suspect=any(_suspect(layer, suspects) for layer in group),
    )


def _operator(side: Side) -> str:
    return side.op_type if side.op_index is None else f"{side.op_index} {side.op_type}"


def _db(value: float | None) -> str:
    if value is None:
        return "—"
    return "equal" if value >= SNR_CAP_DB else f"{value:.1f} dB".replace("-", "\N{MINUS SIGN}")


def _difference(suspect: Suspect) -> Difference:
    names = dict.fromkeys((*suspect.a.parameters, *suspect.b.parameters))
    rows = tuple((name, _given(suspect.a, name), _given(suspect.b, name)) for name in names)
    shown = suspect.b if suspect.b.op_index is not None or suspect.a.op_index is None else suspect.a
    return Difference(place(shown), suspect.cause, suspect.measure, rows)


def _given(side: Side, name: str) -> str:
    return str(side.parameters[name]) if name in side.parameters else "—"


def _plot(file: str, values: Sequence[tuple[float | None, Row]]) -> Markup | None:
    """Signal to error by layer; None where no values were seen."""
    columns = [
        plots.Column(value, f"{row.theirs or row.ours}: {row.snr or 'no values'}", row.suspect) for value, row in values
    ]
    return plots.columns(columns, "dB", f"Signal to error of each layer of {file}, in the order of computation")
