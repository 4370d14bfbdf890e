from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tiny_models import MODELS

from converters import calling
from converters.builder import build
from converters.contract import Arrays, Signature, TensorSpec
from converters.errors import ContractError


def named(*names: str) -> Signature:
    return Signature((), tuple(TensorSpec(name, (), "float32") for name in names))


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (1, {"output": 1}),
        ([1, 2], {"output_0": 1, "output_1": 2}),
        ({"b": 1, "a": 2}, {"b": 1, "a": 2}),
        ({"boxes": (1, 2), "more": {"deep": 3}}, {"boxes.0": 1, "boxes.1": 2, "more.deep": 3}),
        ((1, {"a": 2}, [3]), {"output_0": 1, "output_1.a": 2, "output_2.0": 3}),
        ((1, None, 2), {"output_0": 1, "output_2": 2}),
    ],
)
def test_outputs_are_flattened_into_names(outputs: Any, expected: dict[str, int]) -> None:
    flat = calling.flatten(outputs)
    assert flat == expected
    assert list(flat) == list(expected)


def test_outputs_bind_by_name_else_by_position() -> None:
    assert calling.name_outputs({"b": 1, "a": 2}, named("a", "b")) == {"a": 2, "b": 1}
    assert calling.name_outputs((1, 2), named("a", "b")) == {"a": 1, "b": 2}
    assert calling.name_outputs(1, named("logits")) == {"logits": 1}
    with pytest.raises(ContractError, match=r"returns 2 outputs .*its signature names \['a'\]"):
        calling.name_outputs((1, 2), named("a"))


TINY = [
    pytest.param(name, marks=pytest.mark.torch if model.framework == "torch" else pytest.mark.tensorflow)
    for name, model in MODELS.items()
]


@pytest.mark.parametrize("name", TINY)
def test_tiny_models_are_called_by_name(name: str) -> None:
    tiny = MODELS[name]
    model, inputs = build(tiny.builder, {}, tiny.framework), tiny.inputs(4)
    samples = [{key: value[i] for key, value in reversed(inputs.items())} for i in range(4)]
    outputs = [calling.call(model, sample, tiny.signature) for sample in samples]
    tiny.check({key: np.stack([output[key] for output in outputs]) for key in outputs[0]})


@pytest.mark.torch
def test_torch_models_bind_by_parameter_names_else_by_position() -> None:
    import torch

    class Difference(torch.nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return a - b

    def run(*names: str) -> float:
        specs = tuple(TensorSpec(name, (), "float32") for name in names)
        inputs: Arrays = {names[0]: np.array(5, np.float32), names[1]: np.array(3, np.float32)}
        return float(calling.call(Difference(), inputs, Signature(specs, named("x").outputs))["x"])

    assert run("a", "b") == 2
    assert run("b", "a") == -2
    assert run("left", "right") == 2


@pytest.mark.torch
def test_bfloat16_and_read_only_arrays() -> None:
    import torch

    value = np.ones(3, np.float32)
    value.flags.writeable = False
    signature = Signature((TensorSpec("x", (3,), "float32"),), (TensorSpec("y", (3,), "float32"),))

    class Half(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.to(torch.bfloat16)

    assert calling.call(Half(), {"x": value}, signature)["y"].dtype == np.float32


@pytest.mark.tensorflow
def test_subclassed_keras_models_bind_by_parameter_names_else_as_a_list() -> None:
    import keras

    class ByName(keras.Model):
        def call(self, a: Any, b: Any) -> Any:
            return a - b

    class AsList(keras.Model):
        def call(self, inputs: Any) -> Any:
            return inputs[0] - inputs[1]

    five, three = np.float32([[5]]), np.float32([[3]])
    assert float(calling.invoke_keras(ByName(), ["b", "a"], [three, five])[0, 0]) == 2
    assert float(calling.invoke_keras(AsList(), ["x", "y"], [five, three])[0, 0]) == 2


@pytest.mark.tensorflow
def test_keras_inputs_given_as_a_dict_bind_by_their_names() -> None:
    import keras

    inputs = {"zebra": keras.Input((1,), name="zebra"), "ant": keras.Input((1,), name="ant")}
    model = keras.Model(inputs, inputs["zebra"] - inputs["ant"])
    five, three = np.float32([[5]]), np.float32([[3]])
    assert float(calling.invoke_keras(model, ["zebra", "ant"], [five, three])[0, 0]) == 2
    assert float(calling.invoke_keras(model, ["ant", "zebra"], [three, five])[0, 0]) == 2


@pytest.mark.torch
def test_a_torch_model_of_one_parameter_takes_several_tensors_as_a_mapping() -> None:
    import torch

    class Batch(torch.nn.Module):
        def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
            return batch["a"] - batch["b"]

    assert calling.invoke_torch(Batch(), ["a", "b"], [torch.tensor(3), torch.tensor(1)]) == 2


@pytest.mark.tensorflow
def test_subclassed_keras_models_take_names_positions_lists_and_mappings() -> None:
    import keras

    class ByName(keras.Model):
        def call(self, b: Any, a: Any) -> Any:
            return a - b

    class ByPosition(keras.Model):
        def call(self, first: Any, second: Any) -> Any:
            return first - second

    class AsList(keras.Model):
        def call(self, inputs: Any) -> Any:
            return inputs[0] - inputs[1]

    class AsMapping(keras.Model):
        def call(self, inputs: Any) -> Any:
            return inputs["a"] - inputs["b"]

    tensors = [np.float32([[3.0]]), np.float32([[1.0]])]
    for kind in (ByName, ByPosition, AsList, AsMapping):
        model = kind()
        for _ in range(2):
            assert np.asarray(calling.invoke_keras(model, ["a", "b"], tensors)) == 2


@pytest.mark.tensorflow
def test_a_keras_model_that_takes_nothing_of_it_tells_its_own_error() -> None:
    import keras

    class Broken(keras.Model):
        def call(self, inputs: Any) -> Any:
            raise ValueError("the wheel came off")

    with pytest.raises(ValueError, match="the wheel came off"):
        calling.invoke_keras(Broken(), ["a"], [np.zeros((1, 1), np.float32)])
