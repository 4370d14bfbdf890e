"""Operators whose output has no size before they run: a delegate that compiles for fixed sizes refuses the file."""

from __future__ import annotations

from converters.litert.flatbuffer import Model

ALWAYS = ("WHERE", "UNIQUE", "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5")
"""By the values of their inputs, whatever they are given."""
SIZES = {
    **dict.fromkeys(("RESHAPE", "BROADCAST_TO", "TILE", "PAD", "PADV2", "MIRROR_PAD", "ONE_HOT", "TOPK_V2"), (1,)),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "EXPAND_DIMS", "SUM", "MEAN", "REDUCE_MAX"), (1,)),
    **dict.fromkeys(("FILL", "TRANSPOSE_CONV", "SPLIT"), (0,)),
    **dict.fromkeys(("SLICE", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "SPLIT_V"), (1, 2)),
    "STRIDED_SLICE": (1, 2, 3),
    "RANGE": (0, 1, 2),
}
"""The inputs that tell the size of an output, by operator; computed ones leave it open."""


def sized_at_run_time(model: Model) -> list[str]:
    """`RESHAPE (operator 3)`, `STRIDED_SLICE (operator 7)`: those of the first graph, in order."""
    graph = model.root.Subgraphs(0)
    return [
        f"{type} (operator {place})"
        for place, op in enumerate(model.items(graph, "Operators"))
        if (type := model.op_type(op)) in ALWAYS
        or any(
            which < op.InputsLength()
            and op.Inputs(which) >= 0
            and model.constant(graph.Tensors(op.Inputs(which))) is None
            for which in SIZES.get(type, ())
        )
    ]
