import pickle
from pathlib import Path

import numpy as np
import pytest
import saved_models

from converters.contract import Artifact, Format, Precision, TensorSpec
from converters.errors import ModelError, UnsupportedError, UsageError
from converters.model_files import script

pytestmark = pytest.mark.torch
IMAGE, SCALE = TensorSpec("image", (1, 3, 8, 10), "float32"), TensorSpec("scale", (1, 1), "float32")


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    path = tmp_path_factory.mktemp("script") / "net.pt"
    example = torch.rand(1, 3, 8, 10), torch.ones(1, 1)
    torch.jit.save(torch.jit.trace(saved_models.torch_net(), example, strict=False), str(path))
    return path


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    return saved_models.counting_script(tmp_path / "counter.pt")


def test_a_call_tells_what_comes_out_whatever_the_order_of_the_inputs(traced: Path) -> None:
    told = script.described(traced, (SCALE, IMAGE))
    assert [spec.name for spec in told.inputs] == ["image", "scale"]
    assert [(spec.name, spec.shape) for spec in told.outputs] == [("logits", (1, 5)), ("feat", (1, 4))]
    renamed = script.described(traced, (TensorSpec("a", IMAGE.shape, "float32"), TensorSpec("b", (1, 1), "float32")))
    assert [spec.name for spec in renamed.inputs] == ["a", "b"]


def test_what_it_does_not_take_is_said(traced: Path) -> None:
    with pytest.raises(ModelError, match=r"does not take image \(1, 4, 8, 10\) float32, scale .*Error"):
        script.described(traced, (TensorSpec("image", (1, 4, 8, 10), "float32"), SCALE))


def test_a_pickle_is_refused_before_torch_sees_it(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(pickle.dumps({"w": [1.0]}))
    with pytest.raises(ModelError, match="a pickle can run code, so it is not loaded"):
        script.load(tmp_path / "m.pt")


def test_it_opens_as_plain_operators(traced: Path) -> None:
    import torch

    told = script.described(traced, (IMAGE, SCALE))
    module = script.opened(Artifact(traced, Format.TORCHSCRIPT, Precision.FP32, told, told))
    image, scale = torch.rand(1, 3, 8, 10), torch.full((1, 1), 2.0)
    wanted = saved_models.torch_net()(image, scale)
    found = module(image, scale)
    np.testing.assert_allclose(found["logits"].detach(), wanted["logits"].detach(), rtol=1e-5)


def test_what_torch_export_does_not_read_is_unsupported(tmp_path: Path) -> None:
    import torch

    class Keeps(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            items: list[torch.Tensor] = []
            while bool(x.sum() > 0):
                x = x - 1
                items.append(x)
            return torch.stack(items)

    torch.jit.save(torch.jit.script(Keeps()), str(tmp_path / "m.pt"))
    told = script.described(tmp_path / "m.pt", (TensorSpec("x", (1, 4), "float32"),))
    with pytest.raises(UnsupportedError, match="torch.export does not read this TorchScript"):
        script.opened(Artifact(tmp_path / "m.pt", Format.TORCHSCRIPT, Precision.FP32, told, told))


def test_an_argument_that_is_no_tensor_is_named(tmp_path: Path) -> None:
    import torch

    class Rate(torch.nn.Module):
        def forward(self, x: torch.Tensor, rate: int) -> torch.Tensor:
            return x * rate

    torch.jit.save(torch.jit.script(Rate()), str(tmp_path / "m.pt"))
    inputs = TensorSpec("x", (1, 4), "float32"), TensorSpec("rate", (1,), "int64")
    with pytest.raises(UnsupportedError, match="argument `rate` is int, and no tensor: .* --input rate=1"):
        script.described(tmp_path / "m.pt", inputs)
    script.bind(tmp_path / "m.pt", tmp_path / "bound.pt", {"rate": 3})
    bound = script.load(tmp_path / "bound.pt")
    assert bound(torch.ones(1, 4)).sum() == 12
    assert [spec.name for spec in script.described(tmp_path / "bound.pt", inputs[:1]).inputs] == ["x"]
    with pytest.raises(UsageError, match="m.pt has no input 'sr'; it takes x, rate"):
        script.bind(tmp_path / "m.pt", tmp_path / "bound.pt", {"sr": 3})
    with pytest.raises(ModelError, match="m.pt does not take x=x, rate=1.5: "):
        script.bind(tmp_path / "m.pt", tmp_path / "bound.pt", {"rate": 1.5})


def test_a_module_that_changes_itself_is_no_graph(counter: Path) -> None:
    assert script.keeps_state(script.load(counter)) == "seen"
    told = script.described(counter, (TensorSpec("x", (1, 4), "float32"),))
    with pytest.raises(UnsupportedError, match=r"keeps values from one call to the next \(`seen`\)"):
        script.opened(Artifact(counter, Format.TORCHSCRIPT, Precision.FP32, told, told))
