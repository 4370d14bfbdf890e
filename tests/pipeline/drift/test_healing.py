from __future__ import annotations

import numpy as np
import pytest
from drift_models import KERNEL, dense
from gates.in_process import InProcess
from onnx_files import dense_in_onnx

from pipeline import config
from pipeline.drift import drift

LIMITS = config.load().limits


@pytest.mark.parametrize(("changes", "place"), [({"kernel": -KERNEL}, 1), ({"crossed": True}, 0)])
def test_behind_a_fault_all_is_known_again(tmp_path, changes, place):
    right = tmp_path / "right.onnx"
    dense_in_onnx(right)
    found = drift(right, dense(tmp_path / "wrong.tflite", **changes).path, "", InProcess(), LIMITS)
    assert [suspect.b.op_index for suspect in found.suspects] == [place]


def test_two_faults_are_both_found(tmp_path):
    right = tmp_path / "right.onnx"
    dense_in_onnx(right)
    wrong = dense(tmp_path / "wrong.tflite", crossed=True, kernel=np.roll(KERNEL, 1, 0)).path
    found = drift(right, wrong, "", InProcess(), LIMITS)
    assert [suspect.b.op_index for suspect in found.suspects] == [0, 1]
