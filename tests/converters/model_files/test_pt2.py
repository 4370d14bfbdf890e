"""Exported programs are looked through before PyTorch reads them: each archive here would run code otherwise."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import saved_models

from converters.errors import ModelError
from converters.model_files import pt2

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_models.pt2(tmp_path_factory.mktemp("pt2"))


def edited(path: Path, folder: Path, changes: dict[str, bytes | Callable[[Any], Any] | None]) -> Path:
    """A copy with some members replaced (bytes), edited as JSON (a function), added, or left out (None)."""
    made = folder / "edited.pt2"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w") as new:
        seen = set()
        for name in old.namelist():
            inside = name.partition("/")[2]
            change = changes.get(inside, old.read(name))
            seen.add(inside)
            if callable(change):
                change = json.dumps(change(json.loads(old.read(name)))).encode()
            if change is not None:
                new.writestr(name, change)
        for inside, data in changes.items():
            if inside not in seen and isinstance(data, bytes):
                new.writestr(f"net/{inside}", data)
    return made


def with_target(target: str) -> Callable[[Any], Any]:
    def change(program: Any) -> Any:
        program["graph_module"]["graph"]["nodes"][0]["target"] = target
        return program

    return change


def with_size(text: str) -> Callable[[Any], Any]:
    def change(program: Any) -> Any:
        program["graph_module"]["graph"]["tensor_values"]["image"]["sizes"][0] = {
            "as_expr": {"expr_str": text, "hint": None}
        }
        return program

    return change


def pickled(payload: Any) -> Any:
    next(iter(payload["config"].values()))["use_pickle"] = True
    return payload


class Code:
    """Unpickled, it would make a file."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return Path.touch, (self.place,)


def test_a_program_is_called_with_its_tensors_in_order(whole: Path) -> None:
    import torch

    program = pt2.load(whole)
    signature = pt2.signature(program)
    assert [(spec.name, spec.shape) for spec in signature.inputs] == [("image", (None, 3, 8, 10)), ("scale", (None, 1))]
    assert [(spec.name, spec.shape) for spec in signature.outputs] == [("logits", (None, 5)), ("feat", (None, 4))]
    image, scale = torch.rand(1, 3, 8, 10), torch.ones(1, 1)
    found, wanted = pt2.module(whole)(image, scale), saved_models.torch_net()(image, scale)
    np.testing.assert_allclose(found["logits"].detach(), wanted["logits"].detach(), rtol=1e-5)


def test_nested_inputs_and_outputs_get_stable_names(tmp_path: Path) -> None:
    import torch

    class Nested(torch.nn.Module):
        def forward(self, pair: Any, k: int = 2, *, extra: Any) -> Any:
            return [pair[0] * k, {"z": extra["a"] + 1, "none": None}]

    example = ([torch.ones(2), torch.zeros(3)], 3)
    program = torch.export.export(Nested(), example, {"extra": {"a": torch.ones(1, dtype=torch.int64)}})
    torch.export.save(program, str(tmp_path / "n.pt2"))
    loaded = pt2.load(tmp_path / "n.pt2")
    signature = pt2.signature(loaded)
    assert [spec.name for spec in signature.inputs] == ["pair_0", "pair_1", "extra_a"]
    assert [spec.name for spec in signature.outputs] == ["output_0", "output_1.z"]
    found = pt2.flat_module(loaded)(torch.ones(2), torch.zeros(3), torch.ones(1, dtype=torch.int64))
    assert found[0].tolist() == [3, 3]
    assert found[1]["z"].tolist() == [2]


@pytest.mark.parametrize(
    "target", ["torch.os.system", "torch.hub.load", "_operator.methodcaller", "torch.ops.load_library"]
)
def test_what_is_no_operator_is_not_called(whole: Path, tmp_path: Path, target: str) -> None:
    with pytest.raises(ModelError, match=f"not loaded: it calls '{target}', which is no operator"):
        pt2.check(edited(whole, tmp_path, {pt2.MODEL: with_target(target)}))


@pytest.mark.parametrize(
    "text", ["__import__('os').system('true')", "s0.func", "s0[0]", "(lambda: 1)()", "open", "Symbol('a b()')"]
)
def test_a_size_is_arithmetic(whole: Path, tmp_path: Path, text: str) -> None:
    with pytest.raises(ModelError, match="not loaded: it calls the text .* a size"):
        pt2.check(edited(whole, tmp_path, {pt2.MODEL: with_size(text)}))


@pytest.mark.parametrize(
    "text", ["2*s0 + 1", "Max(1, s77)", "Mul(Integer(2), Symbol('s0', positive=True))", "(s0 + 1)//2"]
)
def test_formulas_of_sizes_are_taken(whole: Path, tmp_path: Path, text: str) -> None:
    pt2.check(edited(whole, tmp_path, {pt2.MODEL: with_size(text)}))


def test_pickles_are_not_loaded(whole: Path, tmp_path: Path) -> None:
    import torch

    with pytest.raises(ModelError, match="is a pickle, which can run code"):
        pt2.check(edited(whole, tmp_path, {"data/weights/model_weights_config.json": pickled}))
    buffer = io.BytesIO()
    torch.save((Code(tmp_path / "ran"),), buffer)
    with pytest.raises(ModelError, match="its example inputs are a pickle of more than tensors"):
        pt2.load(edited(whole, tmp_path, {"data/sample_inputs/model.pt": buffer.getvalue()}))
    assert not (tmp_path / "ran").exists()


def test_compiled_code_is_not_loaded(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="it holds compiled code"):
        pt2.check(edited(whole, tmp_path, {"data/aotinductor/model/x.so": b"\x7fELF"}))


def test_damage_is_said(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no JSON"):
        pt2.check(edited(whole, tmp_path, {pt2.MODEL: b"{"}))
    with pytest.raises(ModelError, match="comes from another version of PyTorch"):
        pt2.check(edited(whole, tmp_path, {"data/constants/model_constants_config.json": None}))
    with pytest.raises(ModelError, match="no program that PyTorch .* reads"):
        pt2.load(edited(whole, tmp_path, {pt2.MODEL: b"{}"}))
