from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision, Signature
from converters.errors import ContractError, UnsupportedError

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]

MODEL_FILE = """
import torch

class Branch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(20, 5)

    def forward(self, image):
        x = image / 255.0
        if int(image.sum()) % 2:
            x = -x
        return self.linear(x).mean((1, 2))

class Noise(Branch):
    def forward(self, image):
        return self.linear(image / 255.0 + torch.rand_like(image)).mean((1, 2))

def branch(): return Branch()
def noise(): return Noise()
"""


def test_names_order_and_dtypes_are_the_sources(tiny: str, exported: Exported) -> None:
    artifact = exported(tiny)
    assert artifact.signature == MODELS[tiny].signature
    found = job.inspect(artifact.path, Format.TORCHSCRIPT)
    assert found.signature == MODELS[tiny].signature, "a lone file tells as much"
    names = ", ".join(spec.name for spec in MODELS[tiny].signature.inputs)
    assert found.metadata["inputs"] == names, "forward's own parameters have the names too"


def test_outputs_are_the_frameworks(tiny: str, exported: Exported, tmp_path: Path) -> None:
    model, artifact = MODELS[tiny], exported(tiny)
    np.savez(tmp_path / "samples.npz", **model.inputs(8))
    wanted = job.run_samples("torch-eager", model.source(tmp_path), tmp_path / "samples.npz")
    found = job.run_samples("torchscript", artifact, tmp_path / "samples.npz")
    model.check(found, 8)
    for name, value in wanted.items():
        assert np.abs(found[name] - value).max() <= 1e-5 * np.ptp(value), name


def test_a_lone_output_has_no_tuple_around_it(exported: Exported) -> None:
    import torch

    module = torch.jit.load(str(exported("torch_conv").path))
    assert isinstance(module(torch.zeros(1, 3, 12, 20)), torch.Tensor)
    assert isinstance(module(image=torch.zeros(1, 3, 12, 20)), torch.Tensor)


def test_an_open_batch_becomes_one(tmp_path: Path) -> None:
    model = MODELS["torch_conv"]
    source = model.source(tmp_path)
    image, logits = source.source.inputs[0], source.source.outputs[0]
    open_batch = Signature(
        (dataclasses.replace(image, shape=(None, *image.shape[1:])),),
        (dataclasses.replace(logits, shape=(None, *logits.shape[1:])),),
    )
    source = dataclasses.replace(source, signature=open_batch, source=open_batch)
    made = job.convert("torchscript_from_torch", ConversionRequest(source, tmp_path / "m.pt", Precision.FP32))
    assert made.signature == model.signature


def test_names_that_are_no_identifiers_are_kept_in_the_signature(tmp_path: Path) -> None:
    model = MODELS["torch_two_in_two_out"]
    source = model.source(tmp_path)
    names = {"vector": "my.vector", "image": "class", "scores": "scores:0", "mask": "mask"}

    def renamed(specs: tuple) -> tuple:
        return tuple(dataclasses.replace(spec, name=names[spec.name]) for spec in specs)

    signature = Signature(renamed(source.source.inputs), renamed(source.source.outputs))
    source = dataclasses.replace(source, signature=signature, source=signature)
    made = job.convert("torchscript_from_torch", ConversionRequest(source, tmp_path / "m.pt", Precision.FP32))
    assert made.signature == signature
    np.savez(tmp_path / "samples.npz", **{names[name]: value for name, value in model.inputs(2).items()})
    found = job.run_samples("torchscript", made, tmp_path / "samples.npz")
    assert {name: value.shape for name, value in found.items()} == {"scores:0": (2, 1, 4), "mask": (2, 1, 2, 6, 10)}


@pytest.mark.parametrize("builder", ["branch", "noise"])
def test_a_trace_that_is_not_the_model_is_refused(builder: str, tmp_path: Path) -> None:
    from converters import source

    (tmp_path / "model.py").write_text(MODEL_FILE)
    place = f"{tmp_path / 'model.py'}:{builder}"
    source.save_weights(source.build(place, {}, "torch"), tmp_path / "w.safetensors")
    signature = MODELS["torch_conv"].signature
    logits = dataclasses.replace(signature.outputs[0], shape=(1, 5))
    artifact = source.artifact(
        tmp_path / "w.safetensors", place, {}, "torch", Signature(signature.inputs, (logits,)), model=builder
    )
    with pytest.raises(UnsupportedError, match=r"the trace gives another 'logits' than the model.*branches on values"):
        job.convert("torchscript_from_torch", ConversionRequest(artifact, tmp_path / "m.pt", Precision.FP32))
    assert not (tmp_path / "m.pt").exists()


def test_another_dynamic_axis_is_refused(tmp_path: Path) -> None:
    source = MODELS["torch_conv"].source(tmp_path)
    image = dataclasses.replace(source.source.inputs[0], shape=(1, 3, None, 20))
    source = dataclasses.replace(source, source=Signature((image,), source.source.outputs))
    with pytest.raises(ContractError, match=r"'image' has the dynamic shape \(1, 3, None, 20\)"):
        job.convert("torchscript_from_torch", ConversionRequest(source, tmp_path / "m.pt", Precision.FP32))
