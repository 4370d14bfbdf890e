from __future__ import annotations

import numpy as np
import pytest
from drift_models import KERNEL, dense, graph, tensor
from gates.in_process import InProcess
from onnx_files import dense_in_onnx

from converters.graph import Op
from pipeline import config
from pipeline.checks.drift.cuts import Segment
from pipeline.checks.drift.known import Known
from pipeline.checks.drift.layout import layouts
from pipeline.checks.drift.matching import Partner
from pipeline.drift import drift, healing

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


def steps(first, values, wrong=None):
    """What a chain of 16 operators holds behind tensor `first`; operator `wrong` turns its values round."""
    found = {first: values}
    for place in range(first, 16):
        found[place + 1] = np.sin(found[place] * 3 + place) + place
        found[place + 1] = found[place + 1][..., ::-1] * 2 if place == wrong else found[place + 1]
    return found


class Steps:
    """Such a chain as a file, with a fault."""

    a = b = None

    def ask(self, _file, _what, given, wanted):
        (start,) = given
        return {index: values for index, values in steps(start, given[start], wrong=3).items() if index in wanted}


def test_where_all_tensors_are_of_one_size_those_that_come_as_far_on_both_sides_are_tried():
    ops = tuple(Op(n, "SIN", (n,), (n + 1,), {}) for n in range(16))
    chain = graph([tensor(n, (1, 3, 5, 2)) for n in range(17)], [*ops], (0,), (16,))
    given = np.random.default_rng(0).normal(size=(4, 3, 5, 2)).astype(np.float32)
    right, wrong = Known(chain, steps(0, given)), Known(chain, steps(0, given, wrong=3))
    layout = next(layouts((3, 5, 2), (3, 5, 2)))
    start, end = Partner(0, 0, layout, 99.0), Partner(16, 16, layout, 0.0)
    cut = Segment(end, (start,), ops, ops)
    found = healing.heal(Steps(), right, wrong, {0: start, 16: end}, cut, frozenset(), coarse=False)
    assert (found[0].pair.a, found[0].pair.b) == (4, 4)
    assert found[0].sure
