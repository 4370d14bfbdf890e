from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from drift_models import KERNEL, dense
from gates.in_process import InProcess
from onnx_files import dense_in_onnx

from converters.graph import Op
from pipeline import config
from pipeline.drift import drift
from pipeline.drift.blaming import _turned_before

LIMITS = config.load().limits


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"kernel": np.roll(KERNEL, 1, 0)}, "kernel: output channels are shifted by one"),
        ({"bias": [0.2, 0.3, -0.4, 0.1]}, "bias: values are shifted by one channel"),
        ({"activation": 0}, "Relu is skipped"),
    ],
)
def test_the_operator_and_the_cause_are_told_across_formats(tmp_path, changes, cause):
    right = tmp_path / "right.onnx"
    dense_in_onnx(right)
    found = drift(right, dense(tmp_path / "wrong.tflite", **changes).path, "", InProcess(), LIMITS)
    assert [suspect.b.op_index for suspect in found.suspects] == [1]
    assert cause in found.suspects[0].cause


@pytest.mark.parametrize(("before", "behind", "told"), [("Transpose", "Reshape", True), ("Relu", "Reshape", False)])
def test_a_reshape_keeps_its_order_so_that_what_turned_the_axes_before_it_is_to_blame(before, behind, told):
    maker = Op(1, before, (1,), (2,))
    alone = SimpleNamespace(b=SimpleNamespace(maker={2: maker}))
    end = SimpleNamespace(layout=SimpleNamespace(fits=True))
    cut = SimpleNamespace(given=[SimpleNamespace(b=2)], ops_b=(Op(2, behind, (2,), (3,)),), out=end)
    assert _turned_before(alone, cut) is (maker if told else None)
