from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import saved_models
from tiny_models import MODELS

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.errors import ModelError

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]


def opened(artifact: Artifact, threads: int = 1) -> Any:
    from converters.torchscript import runtime

    return runtime.open(artifact, "torchscript", threads)


def test_inputs_and_outputs_are_bound_by_name(exported: Exported) -> None:
    """The artifact's signature lists them in another order than the file."""
    artifact = exported("torch_two_in_two_out")
    own = artifact.signature
    turned = dataclasses.replace(artifact, signature=Signature(own.inputs[::-1], own.outputs[::-1]))
    inputs = {name: value[0] for name, value in MODELS["torch_two_in_two_out"].inputs(1).items()}
    wanted, found = opened(artifact).run(inputs), opened(turned).run(dict(reversed(inputs.items())))
    assert set(wanted) == {"scores", "mask"}
    for name, value in wanted.items():
        assert np.array_equal(found[name], value), name


def test_read_only_inputs_are_taken_and_left_alone(exported: Exported) -> None:
    session = opened(exported("torch_conv"))
    image = MODELS["torch_conv"].inputs(1)["image"][0]
    before = image.copy()
    image.flags.writeable = False
    session.run({"image": image})
    assert np.array_equal(image, before)


def test_threads_are_set_for_each_call(exported: Exported) -> None:
    import torch

    inputs = {"image": MODELS["torch_conv"].inputs(1)["image"][0]}
    one, two = opened(exported("torch_conv"), 1), opened(exported("torch_conv"), 2)
    for session, threads in ((one, 1), (two, 2), (one, 1)):
        session.run(inputs)
        assert torch.get_num_threads() == threads


def test_nested_outputs_of_others_bind_in_order(tmp_path: Path) -> None:
    import torch

    class Nested(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"b": x + 1, "a": x + 2}

    torch.jit.save(torch.jit.script(Nested()), str(tmp_path / "m.pt"))
    signature = Signature(
        (TensorSpec("x", (2,), "float32"),), (TensorSpec("b", (2,), "float32"), TensorSpec("a", (2,), "float32"))
    )
    artifact = Artifact(tmp_path / "m.pt", Format.TORCHSCRIPT, Precision.FP32, signature, signature)
    found = opened(artifact).run({"x": np.zeros(2, np.float32)})
    assert {name: value[0] for name, value in found.items()} == {"b": 1, "a": 2}
    fewer = dataclasses.replace(
        artifact, signature=Signature(signature.inputs, signature.outputs[:1]), source=Signature(signature.inputs, ())
    )
    with pytest.raises(ModelError, match=r"returns 2 outputs, its signature names \['b'\]"):
        opened(fewer).run({"x": np.zeros(2, np.float32)})


def test_other_names_than_recorded_are_refused(exported: Exported) -> None:
    artifact = exported("torch_conv")
    other = dataclasses.replace(artifact, signature=MODELS["torch_mixed"].signature)
    with pytest.raises(ModelError, match=r"records the inputs \['image'\], its signature says \['token', 'weight'\]"):
        opened(other)


def test_a_module_that_changes_itself_is_put_back(tmp_path: Path) -> None:
    signature = Signature((TensorSpec("x", (1, 4), "float32"),), (TensorSpec("output", (1, 4), "float32"),))
    path = saved_models.counting_script(tmp_path / "m.pt")
    session = opened(Artifact(path, Format.TORCHSCRIPT, Precision.FP32, signature, signature))
    ones = {"x": np.ones((3, 1, 4), np.float32)}
    assert session.stateful
    for _ in range(2):
        assert session.run_many(ones)["output"][:, 0, 0].tolist() == [1, 2, 3]


def test_the_plain_kernels_compute_the_same_in_another_order(tmp_path: Path) -> None:
    import torch

    from converters.torchscript import runtime

    torch.manual_seed(0)
    net = torch.jit.trace(torch.nn.Conv2d(64, 64, 3).eval(), torch.rand(1, 64, 28, 30))
    torch.jit.save(net, str(tmp_path / "m.pt"))
    signature = Signature(
        (TensorSpec("input", (1, 64, 28, 30), "float32"),), (TensorSpec("output", (1, 64, 26, 28), "float32"),)
    )
    artifact = Artifact(tmp_path / "m.pt", Format.TORCHSCRIPT, Precision.FP32, signature, signature)
    x = {"input": np.random.default_rng(0).random((1, 64, 28, 30), np.float32)}
    found = [runtime.open(artifact, name, 1).run(x)["output"] for name in ("torchscript", "torchscript-plain")]
    np.testing.assert_allclose(*found, atol=1e-5)
    assert torch.backends.mkldnn.enabled
