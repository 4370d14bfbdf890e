from __future__ import annotations

from pipeline.checks.drift.suspects import Drift, Side, Suspect
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
