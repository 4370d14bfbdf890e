from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job, registry
from converters.contract import Artifact, ConversionRequest, Format, Precision, Signature, TensorSpec
from converters.errors import ContractError, UnsupportedError

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]
TINY = [name for name, model in MODELS.items() if model.framework == "torch"]

MODEL_FILE = """
import torch

class Sorted(torch.nn.Module):
    def forward(self, x):
        return torch.sort(x, dim=-1).values

class Many(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(7, 4)

    def forward(self, pair):
        a, b = pair["a"], pair["b"]
        h = self.linear(a)
        return {"sum": h + b, "parts": [h, b * 2], "same": b}

class Counter(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.full((2,), 5.0))

    def forward(self, x):
        self.count.add_(1)
        return x + self.count

def counts(): return Counter()
def sorts(): return Sorted()
def many(): return Many()
"""


def convert(edge: str, source: Artifact, target: Path) -> Artifact:
    return job.convert(f"executorch_{edge}_from_torch", ConversionRequest(source, target, Precision.FP32))


def captured(tmp_path: Path, builder: str, signature: str) -> Artifact:
    """The source artifact of a model of MODEL_FILE, as `edge-export run file.py:builder` makes it."""
    from converters import source
    from pipeline.request import parse_input

    (tmp_path / "model.py").write_text(MODEL_FILE)
    specs = tuple(parse_input(text) for text in signature.split())
    return source.capture(f"{tmp_path / 'model.py'}:{builder}", {}, tmp_path / "w.safetensors", specs, "torch")


@pytest.mark.parametrize("backend", ["xnnpack", "portable"])
@pytest.mark.parametrize("tiny", TINY)
def test_outputs_are_the_frameworks_by_name(exported: Exported, tiny: str, backend: str, tmp_path: Path) -> None:
    model, artifact = MODELS[tiny], exported(tiny, backend)
    assert artifact.signature == model.signature
    np.savez(tmp_path / "samples.npz", **model.inputs(8))
    wanted = job.run_samples("torch-eager", model.source(tmp_path), tmp_path / "samples.npz")
    found = job.run_samples("executorch", artifact, tmp_path / "samples.npz")
    model.check(found, 8)
    for name, value in wanted.items():
        assert np.abs(found[name] - value).max() <= 2e-6 * np.ptp(value), name


def test_a_convolutional_network_is_xnnpacks_as_a_whole(exported: Exported) -> None:
    assert {device for _, device in job.placement("executorch", exported("torch_conv"))} == {"xnnpack"}


def test_what_runs_what_is_declared() -> None:
    """A file for Vulkan is proved on Vulkan, the others on the CPU."""
    runs = {edge.name: edge.runtimes for edge in registry.edges() if edge.target is Format.EXECUTORCH}
    assert runs == {
        "executorch_xnnpack_from_torch": ("executorch",),
        "executorch_portable_from_torch": ("executorch",),
        "executorch_vulkan_from_torch": ("executorch-vulkan",),
    }


def test_an_open_batch_becomes_one(tmp_path: Path) -> None:
    model = MODELS["torch_conv"]
    source = model.source(tmp_path)
    image, logits = source.source.inputs[0], source.source.outputs[0]
    open_batch = Signature(
        (dataclasses.replace(image, shape=(None, *image.shape[1:])),),
        (dataclasses.replace(logits, shape=(None, *logits.shape[1:])),),
    )
    source = dataclasses.replace(source, signature=open_batch, source=open_batch)
    assert convert("portable", source, tmp_path / "m.pte").signature == model.signature


def test_another_dynamic_axis_is_refused(tmp_path: Path) -> None:
    source = MODELS["torch_conv"].source(tmp_path)
    image = dataclasses.replace(source.source.inputs[0], shape=(1, 3, None, 20))
    source = dataclasses.replace(source, source=Signature((image,), source.source.outputs))
    with pytest.raises(ContractError, match=r"'image' has the dynamic shape \(1, 3, None, 20\)"):
        convert("portable", source, tmp_path / "m.pte")


def test_a_mapping_in_and_nested_outputs_keep_their_names(tmp_path: Path) -> None:
    source = captured(tmp_path, "many", "a:1x7 b:1x4")
    names = [spec.name for spec in source.source.outputs]
    assert names == ["sum", "parts.0", "parts.1", "same"]
    made = convert("xnnpack", source, tmp_path / "m.pte")
    assert [spec.name for spec in made.signature.outputs] == names
    random = np.random.default_rng(0)
    inputs = {"a": random.normal(size=(3, 1, 7)), "b": random.normal(size=(3, 1, 4))}
    np.savez(tmp_path / "samples.npz", **{name: value.astype("float32") for name, value in inputs.items()})
    wanted = job.run_samples("torch-eager", source, tmp_path / "samples.npz")
    found = job.run_samples("executorch", made, tmp_path / "samples.npz")
    for name in names:
        assert np.allclose(found[name], wanted[name], rtol=1e-5, atol=1e-6), name


def test_a_state_starts_with_the_models_values(tmp_path: Path) -> None:
    """ExecuTorch by itself leaves it unset, which is mostly zero: wrong without a word."""
    from converters import source

    (tmp_path / "model.py").write_text(MODEL_FILE)
    place = f"{tmp_path / 'model.py'}:counts"
    source.save_weights(source.build(place, {}, "torch"), tmp_path / "w.safetensors")
    signature = Signature((TensorSpec("x", (2,), "float32"),), (TensorSpec("y", (2,), "float32"),))
    artifact = source.artifact(tmp_path / "w.safetensors", place, {}, "torch", signature)
    made = convert("portable", artifact, tmp_path / "m.pte")
    np.savez(tmp_path / "samples.npz", x=np.zeros((3, 2), np.float32))
    found = job.run_samples("executorch", made, tmp_path / "samples.npz", fresh=True)
    assert found["y"][:, 0].tolist() == [6, 7, 8]
    assert job.run_samples("executorch", made, tmp_path / "samples.npz", fresh=True)["y"][0, 0] == 6


def test_a_model_of_which_a_backend_takes_nothing_is_unsupported(tmp_path: Path) -> None:
    source = captured(tmp_path, "sorts", "x:1x6")
    with pytest.raises(UnsupportedError, match="Xnnpack takes no operator of this model; executorch-portable makes it"):
        convert("xnnpack", source, tmp_path / "m.pte")
    assert not (tmp_path / "m.pte").exists()
