from __future__ import annotations

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import ConversionRequest, Precision
from converters.executorch.program import opened

pytestmark = pytest.mark.torch


def test_each_instruction_shows_what_it_gives_out(tmp_path):
    import torch

    from converters.executorch.dump import places, recorded

    model = MODELS["torch_two_in_two_out"]
    made = job.convert(
        "executorch_portable_from_torch",
        ConversionRequest(model.source(tmp_path), tmp_path / "m.pte", Precision.FP32),
    )
    with opened(made.path) as program:
        plan = program.methods[program.main]
    inputs = [torch.from_numpy(model.inputs(1)[spec.name][0]) for spec in made.signature.inputs]
    found = recorded(made.path, plan, inputs)
    relu = next(
        call
        for kind, call in (instruction["instr_args"] for instruction in plan["chains"][0]["instructions"])
        if plan["operators"][call["op_index"]]["name"] == "aten::relu"
    )
    [before], [after] = (places(plan, relu["args"][slot]) for slot in (0, -1))
    np.testing.assert_array_equal(found[after], np.maximum(found[before], 0))
    assert (found[before] < 0).any()
