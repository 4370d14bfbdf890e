"""The results of a run as one Markdown table, an artifact a row: what a README shows."""

from __future__ import annotations

from pipeline.checks.outcome import Cell, Outcome
from pipeline.report.document import ArtifactRow, Report
from pipeline.report.figures import figures, points
from pipeline.report.text import signed, size

HEAD = ("artifact", "size", "accuracy", "change", "parity", "latency", "to fp32", "verdict")
ACCURACY = "accuracy.accuracy"


def render(report: Report) -> str:
    """The table, under a line on the reference models.

    Accuracy, parity and latency are those of the artifact's first runtime; the verdict counts every runtime.
    """
    lines = []
    for model in report.models:
        reference = "no labelled data" if model.accuracy is None else f"{model.accuracy:.2%} in its own framework"
        lines.append(
            f"- **{model.name}** from {model.framework}: {model.parameters:,} parameters, {reference}, "
            f"{model.test_samples:,} test samples, {model.golden_samples} golden samples"
        )
    runtimes = list(dict.fromkeys(cell.runtime for cell in report.cells))
    rows = [
        _row(artifact, [cell for cell in report.cells if cell.artifact == artifact.file])
        for artifact in report.artifacts
    ]
    processor = report.environment.get("processor", "")
    place = f" on one thread of {processor}" if processor else ""
    lines += ["", _line(HEAD), _line(["---", "---:", "---:", "---:", "---:", "---:", "---:", "---"]), *rows, ""]
    lines.append(
        f"Runtimes: {', '.join(runtimes)}. Latency is the median{place}, in the first of an artifact's runtimes."
    )
    return "\n".join(lines) + "\n"


def _row(artifact: ArtifactRow, cells: list[Cell]) -> str:
    if not cells:
        return _line([f"`{artifact.file}`", size(artifact.size_bytes), *["—"] * 5, "not judged"])
    first = cells[0]
    found = figures(first)
    accuracy = first.metrics.get(ACCURACY)
    passed = sum(cell.outcome is Outcome.PASSED for cell in cells)
    return _line(
        [
            f"`{artifact.file}`",
            size(artifact.size_bytes),
            f"{accuracy:.2%}" if isinstance(accuracy, float) else "—",
            "—" if found.drop is None else f"{points(found.drop)} pt",
            "—" if found.snr_db is None else f"{signed(found.snr_db, 3)} dB",
            "—" if found.p50 is None else f"{signed(1000 * found.p50, 3)} µs",
            "—" if found.ratio is None else f"× {signed(found.ratio, 2)}",
            f"{'✓' if passed == len(cells) else '✗'} {passed} of {len(cells)} passed",
        ]
    )


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"
