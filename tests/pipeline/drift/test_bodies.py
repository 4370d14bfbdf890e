from __future__ import annotations

import pytest
from gates.in_process import InProcess
from gates.test_drift_optimized import branching, changed_branch

from pipeline import config
from pipeline.drift.alike import alike
from pipeline.drift.bodies import alike as bodies_alike
from pipeline.drift.sizes import sized
from pipeline.drift.work import Work
from pipeline.lone import open_artifact


@pytest.mark.parametrize(("kind", "same"), [("Tanh", True), ("Softsign", False)])
def test_a_branch_that_no_sample_takes_is_held_against_its_partner(tmp_path, kind, same):
    pool, limits = InProcess(), config.load().limits
    paths = branching(tmp_path / "a.onnx"), changed_branch(tmp_path, "then_branch", kind)
    a, b = (open_artifact(path, pool, limits)[0] for path in paths)
    work = Work(sized(a, b, pool, limits), b, None, pool, limits)
    ops = [next(op for op in work.ask(file, "graph").ops if op.type == "If") for file in (work.a, b)]
    assert bodies_alike(work, *ops, alike) is same
    assert any("in the then_branch: Softsign: Tanh became Softsign" in note for note in work.notes) is not same
