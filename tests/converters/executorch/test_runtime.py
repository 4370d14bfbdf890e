from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, Format, Precision, Signature
from converters.errors import ModelError, UnavailableError, UnsupportedError

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]


def opened(artifact: Artifact, runtime: str = "executorch", threads: int = 1) -> Any:
    from converters.executorch import runtime as executorch

    return executorch.open(artifact, runtime, threads)


def image() -> dict[str, np.ndarray]:
    return {"image": MODELS["torch_conv"].inputs(1)["image"][0]}


def test_inputs_and_outputs_are_bound_by_name(exported: Exported) -> None:
    """The artifact's signature lists them in another order than the file."""
    artifact = exported("torch_two_in_two_out")
    own = artifact.signature
    turned = dataclasses.replace(artifact, signature=Signature(own.inputs[::-1], own.outputs[::-1]))
    inputs = {name: value[0] for name, value in MODELS["torch_two_in_two_out"].inputs(1).items()}
    wanted, found = opened(artifact).run(inputs), opened(turned).run(dict(reversed(inputs.items())))
    for name, value in wanted.items():
        assert np.array_equal(found[name], value), name


def test_outputs_are_the_callers_own(exported: Exported) -> None:
    session, inputs = opened(exported("torch_conv")), image()
    first = session.run(inputs)["logits"]
    kept = first.copy()
    session.run({"image": 255 - inputs["image"]})
    assert np.array_equal(first, kept)


def test_read_only_inputs_are_taken_and_left_alone(exported: Exported) -> None:
    inputs = image()
    before = inputs["image"].copy()
    inputs["image"].flags.writeable = False
    opened(exported("torch_conv")).run(inputs)
    assert np.array_equal(inputs["image"], before)


def test_threads_change_under_open_sessions(exported: Exported) -> None:
    from executorch.extension.pybindings import portable_lib

    one, four = opened(exported("torch_conv")), opened(exported("torch_conv"), "executorch[4t]")
    wanted = one.run(image())["logits"]
    for session, threads in ((four, 4), (one, 1), (four, 4), (one, 1)):
        assert np.array_equal(session.run(image())["logits"], wanted)
        assert portable_lib._threadpool_get_thread_count() == threads


def test_placement_names_what_stayed_outside(exported: Exported) -> None:
    assert job.placement("executorch", exported("torch_mixed")) == [
        ("aten::embedding.out", "portable"),
        ("StaticReshape", "xnnpack"),
        ("Multiply", "xnnpack"),
        ("aten::sum.IntList_out", "portable"),
        ("FullyConnected", "xnnpack"),
    ]
    assert job.placement("executorch", exported("torch_mixed", "portable")) == [], "no delegate, no promise"


def test_a_file_for_a_backend_that_is_not_here_says_so(exported: Exported) -> None:
    from executorch.runtime import Runtime

    if Runtime.get().backend_registry.is_available("VulkanBackend"):
        assert opened(exported("torch_conv", "vulkan"), "executorch-vulkan").run(image())
        return
    with pytest.raises(UnavailableError, match=r"was lowered for VulkanBackend, which the installed ExecuTorch .* was"):
        opened(exported("torch_conv", "vulkan"))


def test_an_unknown_backend_is_no_crash(exported: Exported, tmp_path: Path) -> None:
    changed = exported("torch_conv").path.read_bytes().replace(b"XnnpackBackend", b"UnknownBackend")
    (tmp_path / "m.pte").write_bytes(changed)
    with pytest.raises(UnavailableError, match=r"lowered for UnknownBackend.*built without \(it has .*XnnpackBackend"):
        opened(dataclasses.replace(exported("torch_conv"), path=tmp_path / "m.pte"))


def test_an_unknown_operator_is_named(exported: Exported, tmp_path: Path) -> None:
    changed = exported("torch_mixed").path.read_bytes().replace(b"aten::embedding", b"mine::embedding")
    (tmp_path / "m.pte").write_bytes(changed)
    with pytest.raises(UnsupportedError, match=r"has no operator mine::embedding.out"):
        opened(dataclasses.replace(exported("torch_mixed"), path=tmp_path / "m.pte"))


def test_vulkan_is_for_files_that_were_made_for_it(exported: Exported) -> None:
    with pytest.raises(UnsupportedError, match="was lowered for XnnpackBackend, not for Vulkan"):
        opened(exported("torch_conv"), "executorch-vulkan")
    with pytest.raises(UnsupportedError, match="was lowered for ExecuTorch's own kernels, not for Vulkan"):
        opened(exported("torch_conv", "portable"), "executorch-vulkan")


def test_other_names_than_the_files_are_refused(exported: Exported) -> None:
    other = dataclasses.replace(exported("torch_conv"), signature=MODELS["torch_mixed"].signature)
    with pytest.raises(ModelError, match=r"has the inputs \['image'\], its signature says \['token', 'weight'\]"):
        opened(other)


def test_a_model_with_state_starts_afresh(tmp_path: Path) -> None:
    """Made by ExecuTorch alone, as others make theirs: no signature inside, a buffer that counts calls."""
    import torch
    from executorch.exir import to_edge_transform_and_lower

    class Counter(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", torch.zeros(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.count.add_(1)
            return x + self.count

    program = torch.export.export(Counter(), (torch.zeros(2),))
    path = tmp_path / "counter.pte"
    path.write_bytes(to_edge_transform_and_lower(program).to_executorch().buffer)
    own = job.inspect(path, Format.EXECUTORCH).signature
    assert [spec.name for spec in own.inputs + own.outputs] == ["input_0", "output_0"]
    session = opened(Artifact(path, Format.EXECUTORCH, Precision.FP32, own, own))
    assert session.stateful
    zeros = {"input_0": np.zeros(2, np.float32)}
    first, second = session.run(zeros)["output_0"], session.run(zeros)["output_0"]
    assert np.array_equal(second - first, [1, 1])
    session.reset()
    assert np.array_equal(session.run(zeros)["output_0"], first)
