from __future__ import annotations

import pytest

from benchmarks import toolchains
from pipeline.checks.outcome import Outcome


def test_own_imports_and_the_first_start_do_not_count() -> None:
    found = toolchains.figure("onnx2tf", [(9.0, 1.0), (1.25, 1.0), (1.5, 1.0), (1.25, 1.0)])
    assert found.value == 0.25
    assert found.outcome is Outcome.PASSED
    assert toolchains.figure("onnx2tf", [(0.0, 0.0), (1.5, 1.0)]).outcome is Outcome.FAILED


def test_one_that_is_not_there_says_what_would_make_it_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchains.registry, "made", lambda name: False)
    found = list(toolchains.figures(None))  # type: ignore[arg-type]
    assert {one.outcome for one in found} == {Outcome.NOT_RUN}
    assert "`edge-export toolchains build onnx_tf` first" in {one.detail for one in found}
