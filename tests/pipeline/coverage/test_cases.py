"""The corpora: made once, found again, and narrowed."""

from __future__ import annotations

import json

import pytest
from coverage_cases import SIGNATURE, case

from converters.errors import UsageError
from pipeline.coverage import cases as module
from pipeline.coverage.cases import CORPORA, cases_of, corpus_of, key_of, narrowed


class Pool:
    """Writes an index in the place of a worker process."""

    calls = 0

    def call(self, worker: str, target: str, timeout_s: float, folder) -> None:
        self.calls += 1
        import dataclasses

        for name in ("test_a", "test_list"):
            (folder / name).mkdir()
            (folder / name / "model.onnx").write_bytes(b"x")
        rows = [
            {"name": "test_a", "op": "A", "signature": dataclasses.asdict(SIGNATURE), "repeats": False, "random": True},
            {"name": "test_list", "op": "L", "signature": None, "repeats": False, "random": False},
        ]
        (folder / "index.json").write_text(json.dumps({"cases": rows, "left out": {}, "of": 2}))


def test_a_corpus_is_made_once(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("EDGE_EXPORT_CACHE", str(tmp_path))
    monkeypatch.setattr(module.cache, "root", lambda: tmp_path)
    pool, said = Pool(), []
    found, index = cases_of(CORPORA[0], pool, said.append)
    again, _ = cases_of(CORPORA[0], pool, said.append)
    assert pool.calls == 1
    assert found == again
    assert [each.name for each in found] == ["test_a", "test_list"]
    assert found[0].artifact is not None
    assert found[0].artifact.signature == SIGNATURE
    assert found[0].random
    assert found[1].artifact is None
    assert index["of"] == 2
    assert "making the cases" in said[0]


def test_names_that_do_not_exist_are_told_what_does(tmp_path) -> None:
    with pytest.raises(UsageError, match="no corpus is called 'x'; there are onnx, torch"):
        corpus_of("x")
    with pytest.raises(UsageError, match="finds none of 1 cases; they are called as test_one"):
        narrowed([case(tmp_path)], "nothing")
    with pytest.raises(UsageError, match="is no regular expression"):
        narrowed([case(tmp_path)], "(")


def test_cases_are_found_by_name_and_by_operator(tmp_path) -> None:
    rows = [case(tmp_path, "test_a", "Resize"), case(tmp_path, "test_b", "Add")]
    assert [each.name for each in narrowed(rows, "Resize")] == ["test_a"]
    assert [each.name for each in narrowed(rows, "_b$")] == ["test_b"]


def test_a_key_is_of_code_and_versions() -> None:
    assert key_of(CORPORA[0]) != key_of(CORPORA[1])
    assert key_of(CORPORA[0]) == key_of(CORPORA[0])
