"""Results counted, and told; what is wrong and passed stands out."""

from __future__ import annotations

from coverage_cases import CORPUS, case, trial, way

from pipeline.coverage.table import count, main_cases, page, right_by_some, summary
from pipeline.coverage.trial import Result


def _found(tmp_path):
    cases = [
        case(tmp_path, "test_a", "A"),
        case(tmp_path, "test_b", "B"),
        case(tmp_path, "test_b_expanded_ver18", "B", repeats=True),
        case(tmp_path, "test_dropout", "Dropout", random=True),
    ]
    ways = [way("first"), way("second")]
    results = {
        "first": {
            "test_a": trial("test_a", Result.WRONG, passed=False, reason="off by 3 | 4"),
            "test_b": trial("test_b"),
            "test_dropout": trial("test_dropout", Result.CRASHED, passed=False, reason="died"),
        },
        "second": {
            "test_a": trial("test_a"),
            "test_b": trial(
                "test_b", Result.REFUSED, passed=False, reason="no <B> in /opt/me/x/net.py:3, https://a.org/b/c"
            ),
        },
    }
    return cases, ways, results


def test_outcomes_are_counted(tmp_path) -> None:
    cases, ways, results = _found(tmp_path)
    row = count(ways[0], results["first"], cases)
    assert (row.tried, row.of, row.passed, row.passed_wrong) == (3, 4, 1, ())
    assert row.results[Result.WRONG] == row.results[Result.CRASHED] == row.results[Result.RIGHT] == 1


def test_right_by_some_route(tmp_path) -> None:
    cases, ways, results = _found(tmp_path)
    assert right_by_some(results, ways, cases) == 2
    assert right_by_some(results, ways[:1], cases) == 1
    assert [each.name for each in main_cases(cases)] == ["test_a", "test_b"]


def test_what_is_wrong_and_passed_is_shouted(tmp_path) -> None:
    cases, ways, results = _found(tmp_path)
    assert "WRONG AND PASSED" not in "\n".join(summary(CORPUS, cases, ways, results))
    results["first"]["test_a"] = trial("test_a", Result.WRONG, passed=True, reason="off")
    assert "WRONG AND PASSED: test_a" in "\n".join(summary(CORPUS, cases, ways, results))
    assert count(ways[0], results["first"], cases).passed_wrong == ("test_a",)


def test_the_summary_says_what_was_not_tried(tmp_path) -> None:
    cases, ways, results = _found(tmp_path)
    lines = summary(CORPUS, cases, ways, results)
    assert lines[0] == "first: 1 right, 1 wrong, 1 crashed, 1 not tried"
    assert lines[-1] == "right by some route to onnx: 2 of 4 (2 of 2 without repeats and chance)"


def test_the_page(tmp_path) -> None:
    cases, ways, results = _found(tmp_path)
    text = page([(CORPUS, cases, ways, results, {"left out": {"no float32 input": 7}, "of": 11})])
    assert "4 cases, of 11 there are: left out are 7 no float32 input." in text
    assert "| first | 1 | 0 | 1 | 1 | 0 | 1 | 0 |" in text
    assert "| A | 1 | 0, 1 **wrong** | all |" in text
    assert "| **wrong**, FAILED by parity | off by 3 \\| 4 | test_a |" in text
    assert "no &lt;B> in net.py:3, https://a.org/b/c" in text, "no path of the machine that made the page"
