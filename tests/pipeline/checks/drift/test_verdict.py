from __future__ import annotations

from drift_models import graph, tensor

from converters.graph import Op
from pipeline.checks.drift.align import align
from pipeline.checks.drift.net import comparable
from pipeline.checks.drift.suspects import Drift, Side, Suspect
from pipeline.checks.drift.verdict import coverage, declared, judged, notes_differ
from pipeline.checks.outcome import Outcome


def suspect(place, order):
    return Suspect("weights", Side(place, "X"), Side(place, "X"), "m", "c", order)


def plain(**more):
    ops = [Op(0, "MUL", (0, 1), (2,))]
    return graph([tensor(0), tensor(1, data=[1.0, 2.0]), tensor(2)], ops, (0,), (2,), **more)


def test_any_suspect_fails_and_the_first_computed_comes_first():
    outcome, found = judged([suspect(5, 5), suspect(2, 2), suspect(2, 2)])
    assert (outcome, [s.a.op_index for s in found]) == (Outcome.FAILED, [2, 5])
    assert judged([]) == (Outcome.PASSED, ())


def test_coverage_says_what_was_looked_at():
    pairs = align(comparable(plain()), comparable(plain()))
    assert coverage(pairs, 3) == {"ops": 1, "ops_aligned": 1.0, "weights_compared": 1.0, "ops_isolated": 3}


def test_labels_in_another_order_are_a_fault_and_lost_ones_are_not():
    right = plain(notes={"labels.txt": b"cat\ndog\n"})
    (found,) = notes_differ(right, plain(notes={"labels.txt": b"dog\ncat\n"}))
    assert found.cause == "labels.txt has its lines in another order"
    assert list(notes_differ(right, plain())) == []


def test_a_later_version_of_the_format_is_no_fault():
    assert list(notes_differ(plain(notes={"opset": b"CoreML6"}), plain(notes={"opset": b"CoreML8"}))) == []


def test_an_operator_that_the_recipe_leaves_in_float_is_no_fault_and_another_is():
    left = Suspect("float", Side(0, "MUL"), Side(0, "MUL"), "float32 in a file of 8 bits", "left in float")
    found = Drift("a", "b", Outcome.FAILED, (left,), {})
    name = plain().tensors[2].name
    assert declared(found, plain(), (name,)).outcome is Outcome.PASSED
    assert declared(found, plain(), ("another",)) is found
    both = Drift("a", "b", Outcome.FAILED, (left, suspect(0, 0)), {})
    assert [s.kind for s in declared(both, plain(), (name,)).suspects] == ["weights"]
