"""What the pre-pass replaces for this converter: all but the operators that TensorFlow Lite has as ONNX has them."""

from __future__ import annotations

import numpy as np
import onnx

from converters.onnx.prepass.build import Build, LeaveError, attributes, reads
from converters.onnx.prepass.rules import Rule, linear, rules_without, shapes

_KEPT = frozenset(
    (
        *("Atan", "Clip", "CumSum", "Elu", "Flatten", "Gelu", "Gemm", "HardSwish", "IsNaN", "LeakyRelu", "PRelu"),
        *("Range", "Sign", "Split", "Squeeze", "Unsqueeze"),
    )
)


def rules() -> dict[str, Rule]:
    """By operator."""
    return {
        **rules_without(_KEPT),
        "DepthToSpace": _depth_to_space,
        "GatherND": _gather_nd,
        "Resize": _resize,
        "ScatterND": _scatter_nd,
    }


def _depth_to_space(build: Build, node: onnx.NodeProto) -> list[str] | None:
    return None if attributes(node).get("mode", "DCR") == "DCR" else shapes.depth_to_space(build, node)


def _gather_nd(build: Build, node: onnx.NodeProto) -> list[str] | None:
    return None if build.value(node.input[1]) is None else shapes.gather_nd(build, node)


def _scatter_nd(build: Build, node: onnx.NodeProto) -> list[str] | None:
    computed = build.value(node.input[1]) is None
    if computed and attributes(node).get("reduction", "none") != "none":
        raise LeaveError("its indices are computed while the model runs, and updates are combined")
    return None if computed else shapes.scatter_nd(build, node)


def _resize(build: Build, node: onnx.NodeProto) -> list[str] | None:
    """Left where TensorFlow Lite's two kernels for images do it."""
    return None if _is_image(build, node) else linear.resize(build, node)


def _is_image(build: Build, node: onnx.NodeProto) -> bool:
    given = attributes(node)
    sizes = build.sizes(node.input[0])
    if len(sizes) != 4 or given.get("antialias", 0) or given.get("axes"):
        return False
    goal, factors = build.value(reads(node, 3)), build.value(reads(node, 2))
    if None in sizes[2:] or given.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        return False
    have = [int(size) for size in sizes[2:] if size is not None]
    if goal is not None and goal.size:
        want = [int(size) for size in goal]
        if None in sizes or want[:2] != [sizes[0], sizes[1]]:
            return False
        scales = [w / h for w, h in zip(want[2:], have, strict=True)]
    elif factors is not None and factors.size == 4:
        scales = [float(f) for f in factors[2:]]
        if list(factors[:2]) != [1.0, 1.0] or any(n * f != np.floor(n * f) for n, f in zip(have, scales, strict=True)):
            return False
    else:
        return False
    mode = given.get("coordinate_transformation_mode", "half_pixel")
    if given.get("mode", "nearest") == "nearest":
        whole = all(scale >= 1 and scale == round(scale) for scale in scales)
        rounding = given.get("nearest_mode", "round_prefer_floor")
        asymmetric = mode == "asymmetric" and rounding == "floor"
        return whole and (asymmetric or (mode == "half_pixel" and rounding == "round_prefer_floor"))
    larger = all(n * s > 1 for n, s in zip(have, scales, strict=True))
    return (
        given.get("mode") == "linear"
        and larger
        and mode in (*("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"),)
    )
