"""What the pre-pass replaces for onnx-tf: all but the operators that it was seen to do right in every form."""

from __future__ import annotations

from converters.onnx.prepass.rules import Rule, rules_without

_KEPT = frozenset(("BatchNormalization", "Clip", "Elu", "Flatten", "Gemm", "LeakyRelu", "Split"))


def rules() -> dict[str, Rule]:
    """By operator."""
    return rules_without(_KEPT)
