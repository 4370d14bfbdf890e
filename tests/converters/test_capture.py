from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import source
from converters.capture import capture
from converters.contract import Format, Signature, TensorSpec
from converters.errors import ModelError, UsageError

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4 + 5, classes)

    def forward(self, picture, extra):
        x = self.conv(picture)
        return {"logits": self.head(torch.cat([x.mean((2, 3)), extra], 1)), "maps": [x, x.mean()]}

def make(classes=6):
    return Net(classes)
"""
EXAMPLES = "def example_inputs():\n    return torch.rand(1, 3, 9, 14), torch.rand(1, 5)\n"


def write(folder: Path, text: str) -> str:
    (folder / "net.py").write_text(text)
    return f"{folder / 'net.py'}:make"


@pytest.mark.torch
@pytest.mark.parametrize("given", [False, True])
def test_a_torch_model_with_nested_outputs(tmp_path: Path, given: bool) -> None:
    builder = write(tmp_path, NET + ("" if given else EXAMPLES))
    inputs = (TensorSpec("picture", (1, 3, 9, 14), "float32"), TensorSpec("extra", (1, 5), "float32"))
    artifact = capture(builder, {"classes": 7}, tmp_path / "w.safetensors", inputs if given else None)
    signature = artifact.signature
    assert [(s.name, s.shape, s.dtype, s.layout, s.meaning) for s in signature.inputs] == [
        ("picture", (1, 3, 9, 14), "float32", "NCHW", "image"),
        ("extra", (1, 5), "float32", "NC", ""),
    ]
    assert [(s.name, s.shape, s.layout, s.meaning) for s in signature.outputs] == [
        ("logits", (1, 7), "NC", "logits"),
        ("maps.0", (1, 4, 7, 12), "NCHW", ""),
        ("maps.1", (), "", ""),
    ]
    assert (artifact.format, artifact.framework, artifact.model) == (Format.TORCH, "torch", "make")
    model = source.load(artifact)
    values = {"picture": np.ones((1, 3, 9, 14), np.float32), "extra": np.ones((1, 5), np.float32)}
    assert source.call(model, values, signature)["logits"].shape == (1, 7)


@pytest.mark.torch
def test_the_tiny_torch_model_says_what_its_signature_says(tmp_path: Path) -> None:
    tiny = MODELS["torch_two_in_two_out"]
    assert capture(tiny.builder, {}, tmp_path / "w.safetensors", tiny.signature.inputs).signature == tiny.signature


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["keras_conv", "keras_two_in_two_out", "keras_mixed"])
def test_keras_models_say_it_themselves(tmp_path: Path, name: str) -> None:
    tiny = MODELS[name]
    artifact = capture(tiny.builder, {}, tmp_path / "w.weights.h5")
    inputs = tuple(replace(spec, limits=None) for spec in artifact.signature.inputs)
    assert Signature(inputs, artifact.signature.outputs) == tiny.signature
    assert {spec.limits for spec in artifact.signature.inputs if spec.name == "token"} <= {(0.0, 10.0)}
    assert artifact.format is Format.KERAS


@pytest.mark.tensorflow
def test_a_subclassed_keras_model_is_built_by_its_first_call(tmp_path: Path) -> None:
    builder = write(
        tmp_path,
        "import keras\nclass Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        "        self.dense = keras.layers.Dense(3)\n    def call(self, x):\n        return self.dense(x), x\n"
        "def make():\n    return Net()\n",
    )
    inputs = (TensorSpec("x", (None, 4), "float32"),)
    artifact = capture(builder, {}, tmp_path / "w.weights.h5", inputs)
    assert [spec.name for spec in artifact.signature.outputs] == ["output_0", "output_1"]
    first = source.call(source.load(artifact), {"x": np.ones((1, 4), np.float32)}, artifact.signature)
    assert np.ptp(first["output_0"]) > 0


@pytest.mark.torch
def test_unknown_inputs_say_how_to_give_them(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--input image:1x3x224x224:float32.*or write a function example_inputs"):
        capture(write(tmp_path, NET), {}, tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match="returned nothing"):
        capture(write(tmp_path, NET + "def example_inputs(): return ()\n"), {}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"example_inputs.* failed: ValueError: why"):
        capture(
            write(tmp_path, NET + "def example_inputs(): raise ValueError('why')\n"), {}, tmp_path / "w.safetensors"
        )


@pytest.mark.torch
def test_inputs_that_the_model_does_not_take(tmp_path: Path) -> None:
    wrong = (TensorSpec("picture", (1, 1, 9, 14), "float32"), TensorSpec("extra", (1, 5), "float32"))
    with pytest.raises(ModelError, match=r"does not take picture \(1, 1, 9, 14\) float32, extra .*: RuntimeError"):
        capture(write(tmp_path, NET), {}, tmp_path / "w.safetensors", wrong)
    assert not (tmp_path / "w.safetensors").exists()


@pytest.mark.torch
def test_dynamic_shapes_ask_for_fixed_ones(tmp_path: Path) -> None:
    dynamic = (TensorSpec("picture", (1, 3, None, 14), "float32"), TensorSpec("extra", (1, 5), "float32"))
    with pytest.raises(UsageError, match=r"input 'picture' of .* has a dynamic shape; fix it: --input picture:"):
        capture(write(tmp_path, NET), {}, tmp_path / "w.safetensors", dynamic)


@pytest.mark.tensorflow
def test_other_names_than_the_keras_models(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has the inputs \['image'\], not \['picture'\]"):
        capture(
            MODELS["keras_conv"].builder,
            {},
            tmp_path / "w.weights.h5",
            (TensorSpec("picture", (1, 12, 20, 3), "float32"),),
        )


@pytest.mark.torch
def test_the_weights_file_has_the_framework_s_suffix(tmp_path: Path) -> None:
    tiny = MODELS["torch_conv"]
    with pytest.raises(UsageError, match=r"w\.weights\.h5 cannot hold the weights of a torch model; .*\.safetensors"):
        capture(tiny.builder, {}, tmp_path / "w.weights.h5", tiny.signature.inputs)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("net", "message"),
    [
        ("nn.Linear(3, 2).double()", r"not float32: weight \(float64\) and 1 more; return model.float\(\)"),
        ("nn.Sequential(nn.Linear(3, 2), Noise())", "gives another 'output' for the same input a second time"),
    ],
)
def test_models_that_no_route_can_prove(tmp_path: Path, net: str, message: str) -> None:
    noise = "class Noise(nn.Module):\n    def forward(self, x):\n        return x + torch.randn_like(x)\n"
    builder = write(tmp_path, f"import torch\nfrom torch import nn\n{noise}def make():\n    return {net}\n")
    with pytest.raises(ModelError, match=message):
        capture(builder, {}, tmp_path / "w.safetensors", (TensorSpec("x", (1, 3), "float32"),))


@pytest.mark.torch
def test_examples_that_need_gradients_and_tell_a_range(tmp_path: Path) -> None:
    text = "import torch\ndef make():\n    return torch.nn.Linear(40, 2)\n"
    text += "def example_inputs():\n    return torch.linspace(0, 1, 40, requires_grad=True)[None]\n"
    artifact = capture(write(tmp_path, text), {}, tmp_path / "w.safetensors")
    assert artifact.signature.inputs[0].limits == (0.0, 1.0)


@pytest.mark.tensorflow
def test_names_that_a_toolkit_would_lose_are_changed(tmp_path: Path) -> None:
    text = (
        "import keras\ndef make():\n    a, b = keras.Input((2,), name='été'), keras.Input((2,), name='my input:1')\n"
        "    return keras.Model([a, b], {'out 1': a - b, 'ok': keras.layers.Dense(3)(b)})\n"
    )
    artifact = capture(write(tmp_path, text), {}, tmp_path / "w.weights.h5")
    assert [spec.name for spec in artifact.signature.inputs] == ["ete", "my_input_1"]
    assert [spec.name for spec in artifact.signature.outputs] == ["out_1", "ok"]
    values = {"ete": np.float32([[5, 5]]), "my_input_1": np.float32([[3, 3]])}
    assert source.call(source.load(artifact), values, artifact.signature)["out_1"].tolist() == [[2, 2]]


@pytest.mark.torch
def test_renamed_inputs_of_torch_stay_with_their_parameters(tmp_path: Path) -> None:
    text = (
        "import torch\nclass Net(torch.nn.Module):\n    def forward(self, _a, b):\n        return _a - 2 * b\n"
        "def make():\n    return Net()\n"
    )
    inputs = (TensorSpec("b", (1, 2), "float32"), TensorSpec("_a", (1, 2), "float32"))
    artifact = capture(write(tmp_path, text), {}, tmp_path / "w.safetensors", inputs)
    values = {"a": np.float32([[5, 5]]), "b": np.float32([[3, 3]])}
    assert source.call(source.load(artifact), values, artifact.signature)["output"].tolist() == [[-1, -1]]
