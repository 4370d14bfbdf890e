"""Whether a file is as large as its precision says: quantized files shrink, and no weights are missing."""

from __future__ import annotations

from pipeline.checks.gates import SizeGate
from pipeline.checks.outcome import Check, Metric, Outcome

SCALE_BYTES = 12
"""Of a channel's grid in the largest format: a float32 scale and an int64 zero point (TFLite)."""
TURN_BYTES = 256
"""Of an operator that only turns numbers into integers or back, with its names and scale: 160 to 320 in ONNX files."""
TURNS = frozenset(("QuantizeLinear", "DequantizeLinear", "QUANTIZE", "DEQUANTIZE"))


def check_size(
    size_bytes: int,
    fp32_bytes: int | None,
    parameters: int | None,
    gate: SizeGate,
    wide_bytes: int = 0,
    scales: int = 0,
    turns: int = 0,
) -> Check:
    """The check `size`.

    What the fp32 file holds beyond 4 bytes a parameter is its graph, which quantizing makes larger, not smaller.

    Args:
        size_bytes: of the artifact.
        fp32_bytes: of the fp32 artifact of the same route; None where none was made, which leaves the ratio out.
        parameters: of the source model; None where nobody counted them, which leaves the lower bound out.
        gate: the bounds of the artifact's precision.
        wide_bytes: by how much constants that no quantizer makes small, and what the recipe keeps, are larger than
            `max_ratio` of them.
        scales: how many scales of channels the file holds; of a net of small layers they weigh as much as weights.
        turns: how many of its operators are `TURNS`; of a net of many small operators they weigh as much, too.
    """
    metrics: dict[str, Metric] = {"size_bytes": size_bytes}
    if size_bytes <= 0:
        return Check("size", Outcome.FAILED, ("the file is empty",), metrics)
    if fp32_bytes is None and parameters is None:
        reason = "nothing to compare with: neither an fp32 file of the same route nor a parameter count"
        return Check("size", Outcome.NOT_RUN, (reason,), metrics, required=False)
    reasons = []
    if fp32_bytes is not None:
        graph = max(fp32_bytes - 4 * parameters, 0) if parameters is not None else 0
        weights = fp32_bytes - graph
        largest = round(gate.max_ratio * weights + gate.max_graph_ratio * graph) + gate.overhead_bytes
        largest += SCALE_BYTES * scales + TURN_BYTES * turns
        largest += wide_bytes if gate.max_ratio < 1 else 0
        metrics |= {"ratio_to_fp32": size_bytes / fp32_bytes if fp32_bytes else None, "largest_allowed_bytes": largest}
        if size_bytes > largest:
            reasons.append(
                f"{size_bytes:,} bytes, {size_bytes / max(fp32_bytes, 1):.2f} of the fp32 file; allowed {largest:,} "
                f"({gate.max_ratio:g} of {weights:,} for weights, {gate.max_graph_ratio:g} of {graph:,} for the graph, "
                f"{wide_bytes:,} more for constants that stay in float, "
                f"{SCALE_BYTES * scales:,} for scales a channel, {TURN_BYTES * turns:,} for {turns} operators that "
                f"only quantize, and {gate.overhead_bytes:,})"
            )
    if parameters is not None:
        least = round(gate.min_bytes_per_parameter * parameters)
        metrics |= {"smallest_allowed_bytes": least}
        if size_bytes < least:
            reasons.append(
                f"{size_bytes:,} bytes cannot hold {parameters:,} parameters (least {least:,}): weights are missing; "
                "were the variables frozen?"
            )
    return Check("size", Outcome.FAILED if reasons else Outcome.PASSED, tuple(reasons), metrics)
