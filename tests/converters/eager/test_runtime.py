from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import saved_models
from tiny_models import MODELS

from converters import registry, source
from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.eager import runtime
from converters.errors import ContractError
from converters.model_files import pt2, saved_model

TINY = [
    pytest.param(name, marks=pytest.mark.torch if model.framework == "torch" else pytest.mark.tensorflow)
    for name, model in MODELS.items()
]
NAMES = {"torch": "torch-eager", "tensorflow": "keras-eager"}


def open_batch(artifact: Artifact) -> Artifact:
    """The artifact with every batch axis open."""

    def opened(specs: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
        return tuple(dataclasses.replace(spec, shape=(None, *spec.shape[1:])) for spec in specs)

    signature = Signature(opened(artifact.source.inputs), opened(artifact.source.outputs))
    return dataclasses.replace(artifact, signature=signature, source=signature)


def session(artifact: Artifact) -> Any:
    return runtime.open(artifact, NAMES[artifact.framework], 1)


def test_each_framework_has_one_reference() -> None:
    built = [
        spec.name for spec in registry.runtimes() if spec.reference and {Format.TORCH, Format.KERAS} & {*spec.formats}
    ]
    assert built == list(NAMES.values())


@pytest.mark.parametrize("name", TINY)
def test_run_is_the_models_own_call(name: str, tmp_path: Path) -> None:
    model = MODELS[name]
    artifact = model.source(tmp_path)
    inputs = {key: value[0] for key, value in model.inputs(1).items()}
    wanted = source.call(source.load(artifact), inputs, artifact.source)
    found = session(artifact).run(inputs)
    assert list(found) == [spec.name for spec in model.signature.outputs]
    for key, value in wanted.items():
        assert np.array_equal(found[key], value), key


@pytest.mark.parametrize("name", TINY)
def test_batches_give_what_single_calls_give(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS[name]
    artifact = model.source(tmp_path)
    inputs = model.inputs(9)
    single = session(artifact).run_many(inputs)
    model.check(single, 9)
    monkeypatch.setattr(runtime, "BATCH", 4)
    calls = []
    batched_session = session(open_batch(artifact))
    one_call = batched_session._call
    monkeypatch.setattr(
        batched_session, "_call", lambda call: calls.append(len(next(iter(call.values())))) or one_call(call)
    )
    batched = batched_session.run_many(inputs)
    assert calls == [4, 4, 1]
    model.check(batched, 9)
    for key, value in single.items():
        assert np.abs(batched[key] - value).max() <= 1e-5 * np.ptp(value), key


MIXING = """
import torch

class Mixing(torch.nn.Module):
    def forward(self, x):
        return x.sum(0, keepdim=True)

def mixing(): return Mixing()
"""


@pytest.mark.torch
def test_a_model_that_mixes_samples_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MIXING)
    place = f"{tmp_path / 'model.py'}:mixing"
    source.save_weights(source.build(place, {}, "torch"), tmp_path / "w.safetensors")
    signature = Signature((TensorSpec("x", (None, 3), "float32"),), (TensorSpec("y", (None, 3), "float32"),))
    artifact = source.artifact(tmp_path / "w.safetensors", place, {}, "torch", signature)
    with pytest.raises(ContractError, match=r"a batch of 5 gave outputs of .*\(1, 3\).* mixes or drops samples"):
        session(artifact).run_many({"x": np.ones((5, 1, 3), np.float32)})


@pytest.mark.torch
def test_no_samples_and_unequal_numbers_are_refused(tmp_path: Path) -> None:
    model = MODELS["torch_two_in_two_out"]
    opened = session(open_batch(model.source(tmp_path)))
    inputs = model.inputs(3)
    with pytest.raises(ContractError, match=r"different numbers of samples, or none: \[2, 3\]"):
        opened.run_many({**inputs, "vector": inputs["vector"][:2]})
    with pytest.raises(ContractError, match="or none"):
        opened.run_many({name: value[:0] for name, value in inputs.items()})
    with pytest.raises(ContractError, match="name different inputs"):
        opened.run_many({"image": inputs["image"]})


@pytest.mark.torch
def test_wrong_inputs_are_refused(tmp_path: Path) -> None:
    opened = session(open_batch(MODELS["torch_conv"].source(tmp_path)))
    with pytest.raises(ContractError, match=r"shape \(2, 20, 12, 3\) does not fit \(None, 3, 12, 20\)"):
        opened.run_many({"image": np.zeros((2, 1, 20, 12, 3), np.float32)})
    with pytest.raises(ContractError, match="dtype float64 is not float32"):
        opened.run_many({"image": np.zeros((2, 1, 3, 12, 20))})


@pytest.mark.torch
def test_threads_are_the_sessions(tmp_path: Path) -> None:
    import torch

    artifact = MODELS["torch_conv"].source(tmp_path)
    inputs = {"image": MODELS["torch_conv"].inputs(1)["image"][0]}
    one, two = (runtime.open(artifact, "torch-eager", threads) for threads in (1, 2))
    for opened, threads in ((one, 1), (two, 2), (one, 1)):
        opened.run(inputs)
        assert torch.get_num_threads() == threads


@pytest.mark.torch
def test_a_model_is_called_in_its_own_order_and_layout_whatever_the_question_speaks(tmp_path: Path) -> None:
    model = MODELS["torch_two_in_two_out"]
    artifact = model.source(tmp_path)
    vector, image = artifact.signature.inputs
    turned = dataclasses.replace(image, shape=(1, 12, 20, 3), layout="NHWC")
    asked = Signature((turned, vector), artifact.source.outputs[::-1])
    spoken = dataclasses.replace(artifact, source=asked)
    inputs = model.inputs(3)
    found = session(spoken).run_many({**inputs, "image": inputs["image"].transpose(0, 1, 3, 4, 2)})
    wanted = session(artifact).run_many(inputs)
    for key, value in wanted.items():
        np.testing.assert_array_equal(found[key], value)
    assert list(found) == ["mask", "scores"]


@pytest.mark.tensorflow
def test_a_saved_model_with_state_starts_afresh(tmp_path: Path) -> None:
    path = saved_models.saved_model(tmp_path, "counter")
    signature = saved_model.signature(saved_model.load(path))
    artifact = Artifact(path, Format.SAVEDMODEL, Precision.FP32, signature, signature, sha256="known")
    one = {"x": np.ones((1, 3), np.float32)}
    first, second = runtime.open(artifact, "tensorflow", 1), runtime.open(artifact, "tensorflow", 1)
    assert first.stateful
    assert [first.run(one)["sum"][0, 0] for _ in range(2)] == [2.0, 4.0]
    assert second.run(one)["sum"][0, 0] == 2.0
    first.reset()
    assert first.run(one)["sum"][0, 0] == 2.0


@pytest.mark.torch
def test_an_exported_program_is_run_as_its_file_says(tmp_path: Path) -> None:
    import torch

    path = saved_models.pt2(tmp_path)
    signature = pt2.signature(pt2.load(path))
    artifact = Artifact(path, Format.PT2, Precision.FP32, signature, signature)
    given = {"image": np.full((1, 3, 8, 10), 0.5, np.float32), "scale": np.full((1, 1), 2.0, np.float32)}
    found = runtime.open(artifact, "torch-export", 1).run(given)
    with torch.no_grad():
        wanted = saved_models.torch_net()(*map(torch.from_numpy, given.values()))
    np.testing.assert_allclose(found["feat"], wanted["feat"], rtol=1e-5)
    assert list(found) == ["logits", "feat"]


@pytest.mark.tensorflow
@pytest.mark.parametrize("kind", ["two", "counter"])
def test_xla_computes_the_same_by_other_kernels_state_too(tmp_path: Path, kind: str) -> None:
    path = saved_models.saved_model(tmp_path, kind) if kind == "counter" else saved_models.saved_model(tmp_path)
    signature = saved_model.signature(saved_model.load(path))
    sized = Signature(
        tuple(dataclasses.replace(s, shape=tuple(n or 1 for n in s.shape)) for s in signature.inputs),
        tuple(dataclasses.replace(s, shape=tuple(n or 1 for n in s.shape)) for s in signature.outputs),
    )
    artifact = Artifact(path, Format.SAVEDMODEL, Precision.FP32, signature, sized)
    random = np.random.default_rng(0)
    inputs = {s.name: (random.random((3, *s.shape)) * 3).astype(s.dtype) for s in sized.inputs}
    plain, other = (runtime.open(artifact, name, 1) for name in ("tensorflow", "tensorflow-xla"))
    assert other.stateful == (kind == "counter")
    for _ in range(2):
        wanted, found = plain.run_many(inputs), other.run_many(inputs)
        for name in wanted:
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5)


@pytest.mark.torch
def test_a_program_runs_on_pytorchs_own_kernels_too(tmp_path: Path) -> None:
    import torch

    torch.manual_seed(0)
    x = torch.rand(1, 64, 28, 30)
    torch.export.save(torch.export.export(torch.nn.Conv2d(64, 64, 3).eval(), (x,)), tmp_path / "m.pt2")
    signature = pt2.signature(pt2.load(tmp_path / "m.pt2"))
    artifact = Artifact(tmp_path / "m.pt2", Format.PT2, Precision.FP32, signature, signature)
    given = {signature.inputs[0].name: x.numpy()}
    one, two = (runtime.open(artifact, name, 1).run(given) for name in ("torch-export", "torch-export-plain"))
    np.testing.assert_allclose(next(iter(one.values())), next(iter(two.values())), atol=1e-5)
