"""The interpreter against PyTorch, operator by operator: each case is converted, saved, read back and run.

A case that coremltools refuses proves nothing and is not counted; one that computes something else fails.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch

from converters.coreml.interpreter import Interpreter
from converters.coreml.package import read_package
from converters.coreml.program import read_program
from converters.coreml.signature import ends
from converters.torch_export import corpus

TOLERANCE = 2e-5
"""Of the range of an output: orders of summing, and functions of other libraries."""
CASES = corpus.cases()
QUICK = tuple(sorted(CASES))[::10]
LEAST_CONVERTED = 0.85


def _judge(name: str, folder: Path) -> str:
    """What is wrong with a case; an empty text where nothing is, `refused` where coremltools does not convert it."""
    from converters.coreml.rewrite import decompositions
    from converters.coreml.toolkit import coremltools

    ct = coremltools("torch")
    model, inputs = CASES[name]()
    try:
        with torch.no_grad(), contextlib.redirect_stderr(io.StringIO()):
            program = torch.export.export(model.eval(), inputs).run_decompositions(decompositions())
            single = {"compute_precision": ct.precision.FLOAT32, "minimum_deployment_target": ct.target.iOS17}
            made = ct.convert(program, convert_to="mlprogram", skip_model_load=True, **single)
            wanted, _ = torch.utils._pytree.tree_flatten(model(*inputs))
    except (NotImplementedError, ValueError, AttributeError, TypeError):
        return "refused"
    made.save(str(folder / "m.mlpackage"))
    saved = read_program(read_package(folder / "m.mlpackage"))
    given, outputs = ends(saved)
    got = Interpreter(saved).run({value.name: x.numpy() for value, x in zip(given, inputs, strict=True)})
    for value, reference in zip(outputs, wanted, strict=True):
        want, have = reference.numpy().astype(np.float64), got[value.name].astype(np.float64)
        if want.shape != have.shape:
            return f"{name}: {have.shape} for {want.shape}"
        span = max(float(np.ptp(want)), float(np.abs(want).max(initial=0)), 1e-6)
        if not np.allclose(have, want, rtol=0, atol=TOLERANCE * span, equal_nan=True):
            return f"{name}: off by {np.nanmax(np.abs(have - want)) / span:.3g} of the range"
    return ""


def _sweep(names: tuple[str, ...], folder: Path) -> None:
    found = {name: _judge(name, folder) for name in names}
    wrong = [text for text in found.values() if text not in ("", "refused")]
    assert not wrong, "\n".join(wrong)
    refused = [name for name, text in found.items() if text == "refused"]
    assert len(refused) <= (1 - LEAST_CONVERTED) * len(names), f"coremltools refuses {', '.join(refused)}"


@pytest.mark.torch
def test_every_tenth_case(tmp_path: Path) -> None:
    _sweep(QUICK, tmp_path)


@pytest.mark.torch
@pytest.mark.slow
def test_every_case(tmp_path: Path) -> None:
    _sweep(tuple(CASES), tmp_path)
