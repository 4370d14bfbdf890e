"""Whether a result is the one that a test expects, by the tolerance of ONNX's own test runner."""

from __future__ import annotations

from typing import Any

import numpy as np

RELATIVE, ABSOLUTE = 1e-3, 1e-4


def near(want: Any, got: Any) -> bool:
    """Whether shape and type are the same and the values as near as `RELATIVE` and `ABSOLUTE` say; NaN equals NaN."""
    want, got = np.asarray(want), np.asarray(got)
    if want.shape != got.shape or want.dtype != got.dtype:
        return False
    if want.dtype.kind in "fc":
        return bool(np.allclose(got, want, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True))
    return bool((want == got).all())
