from __future__ import annotations

from pipeline.checks.drift.suspects import Drift, Side, Suspect, other_attribute
from pipeline.checks.outcome import Outcome


def test_the_document_names_the_first_suspect_with_both_sides():
    there, gone = Side(3, "CONV_2D", ("x",), {"stride": 2}), Side(None, "")
    found = Drift("a", "b", Outcome.FAILED, (Suspect("missing", there, gone, "one", "CONV_2D is skipped"),), {"ops": 4})
    said = found.to_json()
    assert said["first"] == said["suspects"][0]
    assert (said["first"]["op_index"], said["first"]["op_type"]) == (3, "CONV_2D")
    assert said["first"]["b"]["op_index"] is None
    assert said["outcome"] == "FAILED"
    assert said["schema_version"] == 1
    assert Drift("a", "b", Outcome.PASSED, (), {}).to_json()["first"] is None


def test_of_a_long_attribute_the_first_value_that_differs_is_told():
    leaves = tuple(n / 10 for n in range(900))
    other = (*leaves[:70], 9.5, *leaves[71:])
    assert (
        other_attribute("leaves", leaves, other) == "1 of 900 values of leaves differ: the first, 70, is 9.5, not 7.0"
    )
    assert other_attribute("leaves", leaves, leaves[:50]) == "leaves has 50 values, not 900"
    assert other_attribute("pads", (0, 1), (1, 0)) == "pads is (1, 0), not (0, 1)"
    assert other_attribute("pads", (0, 1), leaves) == "pads is 900 values, not (0, 1)"
