from __future__ import annotations

import dataclasses

import pytest
import toy_workers
from gates import mini
from toy_workers import ToyWorkers

from converters import registry
from converters.contract import Format, Precision, Signature
from converters.errors import ModelError
from pipeline import config
from pipeline.asking import run
from pipeline.golden_inputs import choose_synthetic

LIMITS = config.load().limits


@pytest.fixture
def right(tmp_path):
    toy_workers.store(tmp_path / "right.pt", mini.parameters())
    return tmp_path / "right.pt"


def renamed(artifact, *names):
    outputs = tuple(
        dataclasses.replace(spec, name=name) for spec, name in zip(artifact.signature.outputs, names, strict=True)
    )
    own = Signature(artifact.signature.inputs, outputs)
    return dataclasses.replace(artifact, signature=own, source=own)


class Renaming(ToyWorkers):
    """A runtime that gives outputs under the file's own names, as every runtime does."""

    def _run_samples(self, runtime, artifact, samples, prefix="", fresh=False):
        outputs = super()._run_samples(runtime, artifact, samples, prefix)
        return dict(zip((spec.name for spec in artifact.signature.outputs), outputs.values(), strict=False))


@pytest.mark.parametrize("names", [("a", "b"), ("logits", "b"), ("logits", "box")])
def test_outputs_that_lost_their_names_come_back_under_those_of_the_source(right, names):
    artifact = renamed(toy_workers.artifact(right, Format.TORCHSCRIPT, Precision.FP32), *names)
    inputs = choose_synthetic(toy_workers.SIGNATURE, 20, 0).inputs
    got = run(artifact, inputs, toy_workers.SIGNATURE, registry.runtime("torchscript"), Renaming(), LIMITS)
    assert list(got) == (["logits", "b"] if names == ("logits", "b") else ["logits", "box"])


def test_an_input_of_another_size_is_refused_before_anything_runs(right):
    artifact = toy_workers.artifact(right, Format.TORCHSCRIPT, Precision.FP32)
    wide = dataclasses.replace(toy_workers.SIGNATURE.inputs[0], shape=(1, 12, 21, 3))
    workers = ToyWorkers()
    with pytest.raises(ModelError, match=r"NHWC \(1, 12, 21, 3\) on one side and NHWC \(1, 12, 20, 3\) in right.pt"):
        run(artifact, {}, Signature((wide,), mini.OUTPUTS), registry.runtime("torchscript"), workers, LIMITS)
    assert workers.calls == []
