"""What the pre-pass replaces for onnx2tf: all but the operators that it was seen to do right in every form."""

from __future__ import annotations

from converters.onnx.prepass.rules import Rule, rules_without

_KEPT = frozenset(
    (
        *("BatchNormalization", "Clip", "Elu", "Flatten", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "HardSwish"),
        *("HardSigmoid", "LeakyRelu", "PRelu", "Split", "Squeeze", "Unsqueeze", "DepthToSpace", "SpaceToDepth"),
    )
)


def rules() -> dict[str, Rule]:
    """By operator."""
    return rules_without(_KEPT)
