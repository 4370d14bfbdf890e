from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, Format, Signature
from converters.errors import ModelError
from converters.inspection import Inspection

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]


def save(module: Any, path: Path) -> Inspection:
    import torch

    torch.jit.save(module, str(path))
    return job.inspect(path, Format.TORCHSCRIPT)


def traced(scale: float = 2.0, weight: float = 1.0, operator: str = "relu") -> Any:
    """relu((x @ w) * scale) with all weights equal."""
    import torch

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(3, 4, bias=False)
            torch.nn.init.constant_(self.linear.weight, weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return getattr(torch, operator)(self.linear(x) * scale)

    return torch.jit.trace(Model().eval(), torch.ones(1, 3))


def test_weights_of_a_frozen_trace(tiny: str, exported: Exported, tmp_path: Path) -> None:
    from converters import source

    found = job.inspect(exported(tiny).path, Format.TORCHSCRIPT)
    constants = [tensor for tensor in found.tensors if tensor.constant and tensor.shape]
    assert {tensor.dtype for tensor in constants} == {"float32"}
    assert all(tensor.finite and tensor.size_bytes == 4 * np.prod(tensor.shape) for tensor in constants)
    parameters = source.parameter_count(MODELS[tiny].source(tmp_path))
    assert 0.9 * parameters <= sum(np.prod(tensor.shape) for tensor in constants) <= parameters


def test_operators_in_order_by_tensor(exported: Exported) -> None:
    found = job.inspect(exported("torch_mixed").path, Format.TORCHSCRIPT)
    assert [op.type for op in found.ops] == [
        "aten::embedding",
        "aten::unsqueeze",
        "aten::mul",
        "aten::sum",
        "aten::linear",
    ]
    table, token = (found.tensors[i] for i in found.ops[0].inputs[:2])
    assert (table.shape, table.constant) == ((11, 8), True)
    assert not token.constant
    assert found.ops[2].inputs == (found.ops[0].outputs[0], found.ops[1].outputs[0])


def test_hash_is_that_of_another_export(tiny: str, exported: Exported) -> None:
    first, second = exported(tiny), exported(tiny, again="2")
    assert first.graph_hash == second.graph_hash
    assert first.sha256 != second.sha256, "the bytes differ: the archive's own name is in them"


def test_what_changes_the_meaning_changes_the_hash(tmp_path: Path) -> None:
    variants: list[dict[str, Any]] = [
        {},
        {"scale": 3.0},
        {"weight": np.nextafter(1, 2, dtype=np.float32)},
        {"operator": "tanh"},
    ]
    hashes = [save(traced(**variant), tmp_path / "m.pt").graph_hash for variant in variants]
    assert len(set(hashes)) == len(variants)
    assert save(traced(), tmp_path / "other_name.pt").graph_hash == hashes[0]


def test_order_of_inputs_counts(tmp_path: Path) -> None:
    import torch

    def model(swap: bool) -> Any:
        function = (lambda a, b: b - a) if swap else (lambda a, b: a - b)
        return torch.jit.trace_module(_Call(function), {"forward": (torch.ones(2), torch.ones(2))})

    class _Call(torch.nn.Module):
        def __init__(self, function: Callable[..., torch.Tensor]) -> None:
            super().__init__()
            self.function = function

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return self.function(a, b)

    assert save(model(False), tmp_path / "a.pt").graph_hash != save(model(True), tmp_path / "b.pt").graph_hash


def test_a_scripted_module_of_others_is_read(tmp_path: Path) -> None:
    """Unfrozen parameters, submodules, a branch, and no recorded signature."""
    import torch

    class Branch(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layers(x) if bool(x.sum() > 0) else self.layers(-x) * 2

    found = save(torch.jit.script(Branch()), tmp_path / "m.pt")
    assert found.signature == Signature((), ())
    assert found.metadata["inputs"] == "x"
    assert {tensor.shape for tensor in found.tensors if tensor.constant} >= {(4, 3), (4,)}
    kinds = [op.type for op in found.ops]
    assert "prim::If" in kinds
    assert kinds.count("aten::linear") == 2


def test_branches_count(tmp_path: Path) -> None:
    import torch

    class One(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.exp() if bool(x.sum() > 0) else x.abs()

    class Two(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.exp() if bool(x.sum() > 0) else x.neg()

    first, second = (save(torch.jit.script(kind()), tmp_path / f"{kind.__name__}.pt") for kind in (One, Two))
    assert first.graph_hash != second.graph_hash


def test_constants_that_are_not_finite_are_marked(tmp_path: Path) -> None:
    assert all(tensor.finite for tensor in save(traced(), tmp_path / "m.pt").tensors)
    assert [t.shape for t in save(traced(weight=np.nan), tmp_path / "n.pt").tensors if not t.finite] == [(4, 3)]


def test_half_precision_is_told(tmp_path: Path) -> None:
    import torch

    module = torch.jit.script(torch.nn.Linear(3, 4).to(torch.bfloat16))
    constants = [tensor for tensor in save(module, tmp_path / "m.pt").tensors if tensor.constant]
    assert {(tensor.dtype, tensor.size_bytes) for tensor in constants} == {("bfloat16", 24), ("bfloat16", 8)}


def test_a_signature_of_other_inputs_is_refused(tmp_path: Path) -> None:
    from converters.torchscript.archive import save as save_archive

    save_archive(traced(), tmp_path / "m.pt", MODELS["torch_two_in_two_out"].signature)
    with pytest.raises(ModelError, match=r"takes \['x'\], the signature in it names \['vector', 'image'\]"):
        job.inspect(tmp_path / "m.pt", Format.TORCHSCRIPT)
