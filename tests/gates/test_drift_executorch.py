"""Faults in ExecuTorch programs: of portable kernels layer by layer, of what a delegate hides at its ends."""

from __future__ import annotations

import pytest
from gates.in_process import InProcess

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision
from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift_of
from pipeline.lone import open_artifact

pytestmark = pytest.mark.torch
LIMITS = config.load().limits
CODE = """
import torch
from torch import nn

class Attention(nn.Module):
    def __init__(self, axis, most):
        super().__init__()
        torch.manual_seed(0)
        self.mix, self.key, self.out = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)
        self.axis, self.most = axis, most
        with torch.no_grad():
            self.mix.weight.mul_(4)

    def forward(self, x):
        x = torch.clamp(x, -self.most, self.most).reshape(-1, 4, 6)
        t, k = self.mix(x), self.key(x)
        return self.out((torch.softmax(t @ k.transpose(1, 2), self.axis) @ k).reshape(-1, 6)).reshape(-1, 12)

def honest():
    return Attention(-1, 6.0).eval()

def another_axis():
    return Attention(1, 6.0).eval()

def another_limit():
    return Attention(-1, 7.0).eval()

def example_inputs():
    return (torch.rand(1, 24) * 2 - 1,)
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    (folder / "nets.py").write_text(CODE)
    pool, made = InProcess(folder), {}
    for name in ("honest", "another_axis", "another_limit"):
        source, _ = open_artifact(f"{folder / 'nets.py'}:{name}", pool, LIMITS)
        made[name] = source
        for kernels in ("portable", "xnnpack"):
            request = ConversionRequest(source, folder / f"{name}_{kernels}.pte", Precision.FP32)
            made[name, kernels] = job.convert(f"executorch_{kernels}_from_torch", request)
    return pool, made


def verdict(programs, name, kernels):
    pool, made = programs
    found: Artifact = made[name, kernels]
    assert found.format is Format.EXECUTORCH
    return drift_of(made["honest"], found, None, pool, LIMITS)


@pytest.mark.parametrize("kernels", ["portable", "xnnpack"])
def test_an_honest_program_passes(programs, kernels):
    found = verdict(programs, "honest", kernels)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())
    if kernels == "portable":
        assert (found.coverage["proved_a"], found.coverage["proved_b"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("name", "kernels", "layer"),
    [
        ("another_axis", "portable", "aten._softmax"),
        ("another_axis", "xnnpack", ""),  # somewhere between what its delegates show
        ("another_limit", "portable", "aten.clamp"),
    ],
)
def test_a_fault_fails_and_in_portable_kernels_in_its_layer(programs, name, kernels, layer):
    found = verdict(programs, name, kernels)
    assert found.outcome is Outcome.FAILED
    assert layer in found.suspects[0].b.op_type or layer in found.suspects[0].cause
