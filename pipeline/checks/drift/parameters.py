"""The parameters of partners, side by side: type, attributes, constants, and the quantization of what they give out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from converters.graph import Quantization, Tensor
from pipeline.checks.drift.align import Pairs
from pipeline.checks.drift.net import COMMUTATIVE, Net, Node
from pipeline.checks.drift.padding import pads_nothing
from pipeline.checks.drift.suspects import Side, Suspect, holds_numbers, other_attribute, shortened
from pipeline.checks.drift.weights import differs

SAME_CALIBRATION_SHARE = 0.5
"""Of activations with equal scales: above it both files were calibrated alike, and one that differs is a fault."""
RANGE_SHRUNK, RANGE_WIDENED = 0.45, 0.9
"""Shares of a tensor's range by which its ends may move in and out, together, when a file is calibrated on other
samples: a range is set by the largest value seen, which was 0.61 times as large on others; scales halved are beyond."""
_LIMITING = frozenset(("MAXIMUM", "MINIMUM", "GREATER", "LESS"))
_LINEAR = ("QuantizeLinear", "DequantizeLinear")
_SILENT = (0, "", "NOTSET")
"""Values of an attribute that say what leaving it out says."""
_HALF = 2.0**-10
"""Between two precisions: limits and slopes are stored as the tensors are."""
_LATER = {"saturate": 1, "stash_type": 1, "keep_aspect_ratio_policy": "stretch"}
"""What attributes that a later opset brought say where an earlier one could not say it."""
_BODIES = ("then_branch", "else_branch", "body")
"""Attributes that stand for all that a branch or a loop computes."""
_STORED = ("SubgraphIndex", "asymmetricQuantizeInputs", "quantizedBiasType", "stash_type")
"""How attributes of TFLite and ONNX end that tell how things are stored or rounded, which is another precision's own:
hashes of bodies with all their weights, how a layer rounds its inputs as it runs, in which type it adds up."""
_WORDS = {
    "padding": "the padding", "strideH": "the stride", "strideW": "the stride", "strides": "the stride",
    "dilationHFactor": "the dilation", "dilationWFactor": "the dilation", "dilations": "the dilation",
    "axis": "the axis", "axes": "the axis", "epsilon": "epsilon", "alignCorners": "align_corners of the resize",
    "halfPixelCenters": "half_pixel_centers of the resize", "pads": "the padding", "auto_pad": "the padding",
    "beta": "beta", "alpha": "alpha", "perm": "the order of the axes", "keepDims": "keep_dims",
    "depthMultiplier": "the depth multiplier", "filterHeight": "the window", "filterWidth": "the window",
    "kernel_shape": "the window", "coordinate_transformation_mode": "the resize's coordinates",
}  # fmt: skip


def suspects(pairs: Pairs) -> Iterator[Suspect]:
    """A suspect for each pair of partners whose parameters differ, one for all that differs in it."""
    moved = recalibrated(pairs)
    for in_a, in_b in sorted(pairs.to_b.items()):
        if in_a in pairs.exact:
            continue
        found = list(_differences(pairs, pairs.a.nodes[in_a], pairs.b.nodes[in_b], moved))
        if found:
            kinds, ours, theirs, measures, causes = zip(*found, strict=True)
            yield Suspect(
                kind=kinds[0],
                a=side(pairs.a, pairs.a.nodes[in_a], _merged(ours)),
                b=side(pairs.b, pairs.b.nodes[in_b], _merged(theirs)),
                measure="; ".join(dict.fromkeys(measures)),
                cause="; ".join(dict.fromkeys(causes)),
                order=in_a,
            )
    yield from _inputs(pairs, moved)


def side(net: Net, node: Node, parameters: Mapping[str, Any] | None = None) -> Side:
    """A layer as one file has it."""
    names = tuple(net.tensors[index].name for index in node.op.outputs)
    return Side(node.op.index, node.op.type, names, dict(parameters or {}))


_Difference = tuple[str, dict[str, Any], dict[str, Any], str, str]


def _differences(pairs: Pairs, one: Node, two: Node, moved: bool) -> Iterator[_Difference]:
    """(kind, parameters of a, of b, measure, cause) of each difference."""
    if one.type != two.type:
        yield "type", {"type": one.type}, {"type": two.type}, "another operator", f"{one.type} became {two.type}"
    for name in sorted({*one.attributes, *two.attributes}):
        ours, theirs = one.attributes.get(name), two.attributes.get(name)
        since = name in _LATER and None in (ours, theirs) and _LATER[name] in (ours, theirs)
        stored = pairs.bridged and name.endswith(_STORED)
        stored |= name == "padding" and pads_nothing(pairs.a, one) and pads_nothing(pairs.b, two)
        if not since and not stored and not _same(ours, theirs, _HALF if pairs.bridged else 0.0):
            sides = {name: shortened(ours)}, {name: shortened(theirs)}
            if name.startswith(_BODIES):  # known by a hash
                yield "body", *sides, "something inside", f"its {name} computes something else"
            else:
                cause = other_attribute(_WORDS.get(name, name), ours, theirs)
                kind = "weights" if holds_numbers(ours) and holds_numbers(theirs) else "attribute"  # leaves of a tree
                yield kind, *sides, "another attribute", cause
    grids = [_grid(net, node) for net, node in ((pairs.a, one), (pairs.b, two))]
    if grids[0] is not None and grids[1] is not None:
        yield from () if pairs.bridged else _quantized(grids[0], grids[1], moved)
    else:
        yield from _constants(pairs, one, two)
    for slot, (first, second) in enumerate(zip(one.outputs, two.outputs, strict=False)):
        ours_t, theirs_t = pairs.a.tensors[first], pairs.b.tensors[second]
        yield from _shapes(ours_t, theirs_t, slot, types=not pairs.bridged)
        if not pairs.bridged:
            yield from _quantized(ours_t, theirs_t, moved)


def _shapes(ours: Tensor, theirs: Tensor, slot: int, types: bool = True) -> Iterator[_Difference]:
    if types and ours.dtype != theirs.dtype and ours.dtype and theirs.dtype:
        cause = f"output {slot} is {theirs.dtype}, not {ours.dtype}"
        yield "dtype", {"dtype": ours.dtype}, {"dtype": theirs.dtype}, "another number type", cause
    sizes = ours.shape, theirs.shape
    if sizes[0] is not None and sizes[1] is not None and _other_size(sizes[0], sizes[1]):
        yield "shape", {"shape": sizes[0]}, {"shape": sizes[1]}, f"{sizes[0]} became {sizes[1]}", "another shape"


def _open(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without its batch axis where that may be open."""
    return shape[1:] if shape and shape[0] in (-1, 1) else shape


def _other_size(one: tuple[int, ...], two: tuple[int, ...]) -> bool:
    """Whether two shapes cannot be one; an open axis takes any size, and one of them may lack the batch."""
    same = [
        len(x) == len(y) and all(-1 in pair or len({*pair}) == 1 for pair in zip(x, y, strict=True))
        for x, y in ((one, two), (_open(one), _open(two)))
    ]
    return not any(same)


def _grid(net: Net, node: Node) -> Tensor | None:
    """The scale and zero point of a QuantizeLinear or DequantizeLinear of what is computed, as a tensor has them."""
    held = [net.tensors.get(index) for index in node.inputs[1:3]]
    if node.type not in _LINEAR or len(held) != 2 or net.tensors[node.inputs[0]].constant:
        return None
    scale, zero = (tensor.data if tensor is not None else None for tensor in held)
    if scale is None or zero is None or scale.size != 1 or zero.size != 1:
        return None
    found = Quantization(scale.reshape(-1).astype(np.float64), zero.reshape(-1).astype(np.int64))
    return replace(net.tensors[node.outputs[0]], dtype=str(zero.dtype), quantization=found)


def _constants(pairs: Pairs, one: Node, two: Node) -> Iterator[_Difference]:
    ours, theirs = (read_by(net, node, one.type) for net, node in ((pairs.a, one), (pairs.b, two)))
    for slot in range(max(len(ours), len(theirs))):
        first = ours[slot] if slot < len(ours) else None
        second = theirs[slot] if slot < len(theirs) else None
        name = _role(one, slot, first or second)
        if (first is None) != (second is None):
            there = first or second
            if there is not None and there.constant and there.data is not None and there.data.any():
                what = "is lost" if first else "was added"
                yield "weights", {name: brief(first)}, {name: brief(second)}, f"{name} {what}", f"the {name} {what}"
            continue
        if first is None or second is None or not (first.constant and second.constant):
            continue
        if found := differs(_limit(first, second) if one.type in _LIMITING else first, second):
            measure, cause = found
            yield "weights", {name: brief(first)}, {name: brief(second)}, f"{name}: {measure}", f"{name}: {cause}"


def _limit(ours: Tensor, theirs: Tensor) -> Tensor:
    """A limit as a grid that ends before it can hold it: values beyond the end are not there to be cut off."""
    grid, ends = theirs.quantization, np.iinfo(theirs.dtype) if theirs.dtype.startswith(("int", "uint")) else None
    if grid is None or ends is None or len(grid.scales) != 1:
        return ours
    if ours.quantization is not None:  # cut off by both
        sides = [one.data for one in (ours, theirs) if one.data is not None and one.data.size == 1]
        both = len(sides) == 2 and ours.dtype == theirs.dtype and sides[0].item() == sides[1].item()
        return theirs if both and sides[0].item() in (ends.min, ends.max) else ours
    least, most = ((end - grid.zero_points[0]) * grid.scales[0] for end in (ends.min, ends.max))
    cut = np.clip(ours.real(), least, most)
    return replace(ours, data=cut.astype(ours.data.dtype if ours.data is not None else np.float32))


def read_by(net: Net, node: Node, kind: str) -> list[Tensor | None]:
    """A node's inputs; of one whose inputs may stand in any order, the constants."""
    found = [net.tensors.get(index) for index in node.inputs]
    return [tensor for tensor in found if tensor and tensor.constant] if kind in COMMUTATIVE else found


def _role(node: Node, slot: int, tensor: Tensor | None) -> str:
    """What a constant input is for."""
    if slot == 1 and tensor is not None and tensor.shape and len(tensor.shape) > 1:
        return "kernel"
    if slot == 2 and tensor is not None and tensor.shape is not None and len(tensor.shape) == 1:
        return "bias"
    return f"constant input {slot}"


def brief(tensor: Tensor | None) -> Any:
    """A constant in a few words: its values where they are few, else what they are like."""
    if tensor is None or tensor.data is None:
        return None
    said: dict[str, Any] = {"shape": tensor.data.shape, "dtype": tensor.dtype}
    if tensor.data.dtype.kind in "fiub":
        real = tensor.real()
        if real.size <= 8:
            said["values"] = real.reshape(-1).tolist()
        else:
            said |= {"least": float(real.min()), "greatest": float(real.max()), "std": float(real.std())}
    if tensor.quantization is not None:
        said |= _told(tensor.quantization)
    return said


def _told(found: Quantization) -> dict[str, Any]:
    few = slice(0, 4)
    return {"scale": found.scales[few].tolist(), "zero_point": found.zero_points[few].tolist()}


def _quantized(ours: Tensor, theirs: Tensor, moved: bool) -> Iterator[_Difference]:
    one, two = ours.quantization, theirs.quantization
    if (one is None and two is None) or (one is not None and one.same(two)):
        return
    if one is None or two is None:
        if ours.dtype == theirs.dtype and ours.dtype.startswith(("int8", "uint8", "int16", "uint16")):
            yield "quantization", {}, {}, "no scale", "the quantization parameters are lost or were added"
        return
    if len(one.scales) != 1 or len(two.scales) != 1:
        yield "quantization", _told(one), _told(two), "several scales", "the scales of the output differ"
        return
    if moved and np.isclose(one.scales[0], two.scales[0], rtol=1e-6):
        moved = False  # other samples move the scale too
    if moved:
        ends = np.array(_ends_moved(ours, theirs))
        if np.maximum(ends, 0).sum() <= RANGE_SHRUNK and np.maximum(-ends, 0).sum() <= RANGE_WIDENED:
            return
    yield "quantization", _told(one), _told(two), *_requantized(one, two)


def _requantized(one: Quantization, two: Quantization) -> tuple[str, str]:
    ratio, shift = two.scales[0] / one.scales[0], int(two.zero_points[0] - one.zero_points[0])
    if abs(ratio - 1) <= 1e-6:
        return (
            f"zero point off by {shift}",
            f"the output's zero point is {two.zero_points[0]}, not {one.zero_points[0]}",
        )
    if not shift:
        return f"scale x{ratio:.5g}", f"the output's scale is {two.scales[0]:.6g}, not {one.scales[0]:.6g}"
    return f"scale x{ratio:.5g}, zero point off by {shift}", "the output's range differs"


def _ends_moved(ours: Tensor, theirs: Tensor) -> tuple[float, float]:
    """How far the two ends of the range moved in, as shares of it; negative where they moved out."""
    ends = []
    for tensor in (ours, theirs):
        limits = np.iinfo(tensor.dtype)
        assert tensor.quantization is not None
        zero, scale = float(tensor.quantization.zero_points[0]), float(tensor.quantization.scales[0])
        ends.append(((limits.min - zero) * scale, (limits.max - zero) * scale))
    (low, high), (lower, higher) = ends
    width = max(high - low, 1e-30)
    return (lower - low) / width, (high - higher) / width


def recalibrated(pairs: Pairs) -> bool:
    """Whether most activations have other scales: the same network calibrated on other samples."""
    same = different = 0
    for in_a, in_b in pairs.to_b.items():
        grids = [_grid(net, node) for net, node in ((pairs.a, pairs.a.nodes[in_a]), (pairs.b, pairs.b.nodes[in_b]))]
        tensors = [
            (pairs.a.tensors[i], pairs.b.tensors[k])
            for i, k in zip(pairs.a.nodes[in_a].outputs, pairs.b.nodes[in_b].outputs, strict=False)
        ]
        for first, second in [*tensors, *([(grids[0], grids[1])] if grids[0] and grids[1] else [])]:
            one, two = first.quantization, second.quantization
            if one is not None and two is not None and len(one.scales) == len(two.scales) == 1:
                close = bool(np.isclose(one.scales[0], two.scales[0], rtol=1e-6))
                same, different = same + close, different + (not close)
    return different > 0 and same < SAME_CALIBRATION_SHARE * (same + different)


def _inputs(pairs: Pairs, moved: bool) -> Iterator[Suspect]:
    """The quantization and shapes of the graphs' own inputs."""
    for place, (first, second) in enumerate(zip(pairs.a.inputs, pairs.b.inputs, strict=False)):
        ours, theirs = pairs.a.tensors[first], pairs.b.tensors[second]
        scales = () if pairs.bridged else _quantized(ours, theirs, moved)
        for kind, mine, yours, measure, cause in (*_shapes(ours, theirs, 0, not pairs.bridged), *scales):
            reader = next(iter(pairs.b.readers.get(second, ())), None)
            number = pairs.b.nodes[reader[0]].op.index if reader else None
            cause = f"input {place}: {cause}".replace("output 0 is", "it is").replace("output's", "input's")
            a, b = Side(number, "INPUT", (ours.name,), mine), Side(number, "INPUT", (theirs.name,), yours)
            yield Suspect(f"input {kind}", a, b, measure, cause, -1)


def _same(one: Any, two: Any, rounding: float = 0.0) -> bool:
    """Whether two attributes say the same; `rounding` is that of numbers that are not whole."""
    if isinstance(one, float | int) and isinstance(two, float | int):
        whole = float(one).is_integer() and float(two).is_integer()
        return bool(np.isclose(one, two, rtol=1e-6 if whole else max(1e-6, rounding), atol=0))
    if isinstance(one, tuple | list) and isinstance(two, tuple | list):
        return len(one) == len(two) and all(_same(*both, rounding) for both in zip(one, two, strict=True))
    return bool(one == two) or (one is None and two in _SILENT) or (two is None and one in _SILENT)


def _merged(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}
