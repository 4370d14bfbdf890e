"""Whether what stands in a node's place computes the same, by ONNX Runtime on the same inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper

from converters.contract import Arrays
from converters.onnx.prepass.fold import session_of

CLOSE = 1e-4
"""Of a tensor's range: another order of float32 sums is nearer, another formula is not."""
NOTHING = 5e-7
"""What may differ of any tensor: a sigmoid's share of 1 near its ends, where all that it gives out is as small."""


def values(model: onnx.ModelProto, names: Sequence[str], samples: Sequence[Arrays]) -> list[list[np.ndarray]]:
    """The tensors of those names for each sample, whether they are outputs of the model or not."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    known = {value.name for value in probe.graph.output}
    probe.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names if name not in known)
    session = session_of(probe)
    return [session.run(list(names), sample) for sample in samples]


def differs(want: np.ndarray, got: np.ndarray) -> str:
    """What is different, in a few words; nothing where both are the same but for rounding."""
    if not isinstance(want, np.ndarray) or not isinstance(got, np.ndarray):
        return "" if type(want) is type(got) and _listed(want, got) else "it is another kind of value"
    if want.shape != got.shape:
        return f"the shape is {got.shape} instead of {want.shape}"
    if want.dtype != got.dtype:
        return f"the type is {got.dtype} instead of {want.dtype}"
    if want.dtype.kind not in "fc":
        wrong = int((want != got).sum())
        return f"{wrong} of {want.size} values are others" if wrong else ""
    finite = np.isfinite(want)
    if not np.array_equal(finite, np.isfinite(got)) or not np.array_equal(want[~finite], got[~finite], equal_nan=True):
        return "NaN or Inf stand elsewhere"
    if not finite.any():
        return ""
    real, other = want[finite].astype(np.float64), got[finite].astype(np.float64)
    spread = max(float(np.ptp(real)), float(np.abs(real).max()))
    worst = float(np.abs(real - other).max())
    return f"values differ by {worst:.2g} in a range of {spread:.2g}" if worst > CLOSE * spread + NOTHING else ""


def _listed(want: object, got: object) -> bool:
    if isinstance(want, list) and isinstance(got, list):
        return len(want) == len(got) and not any(differs(a, b) for a, b in zip(want, got, strict=True))
    return want is got is None
