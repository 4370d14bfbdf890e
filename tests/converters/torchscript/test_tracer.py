from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import saved_models
from tiny_models import MODELS

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.errors import ModelError, UnsupportedError

pytestmark = pytest.mark.torch


def opened(path: Path):
    from converters.torchscript import tracer

    nothing = Signature((), ())
    return tracer.open(Artifact(path, Format.TORCHSCRIPT, Precision.FP32, nothing, nothing))


def scripted(folder, function, name="m.pt"):
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(4, 4)

    Model.forward = function
    torch.jit.save(torch.jit.script(Model().eval()), str(folder / name))
    return opened(folder / name)


def calls(n=3, shape=(2, 4)):
    random = np.random.default_rng(0)
    return [{"x": random.normal(size=shape).astype(np.float32)} for _ in range(n)]


def check_alone(tracer, samples):
    """Each operator whose ends can be seen gives alone what it gave in the model; how many that were."""
    tensors = tracer.graph.tensors
    values = tracer.trace(samples, [index for index, tensor in tensors.items() if not tensor.constant])
    alone = 0
    for op in tracer.graph.ops:
        read = [index for index in op.inputs if index >= 0 and not tensors[index].constant]
        if not read or not all(index in values for index in (*read, *op.outputs)):
            continue
        found = tracer.run({index: values[index] for index in read}, op.outputs)
        for index in op.outputs:
            np.testing.assert_array_equal(found[index], values[index])
        alone += 1
    return alone


def test_outputs_and_each_operator_are_those_of_libtorch(tiny, exported):
    import torch

    artifact = exported(tiny)
    tracer = opened(artifact.path)
    stacked = MODELS[tiny].inputs(3)
    samples = [{name: values[place] for name, values in stacked.items()} for place in range(3)]
    module = torch.jit.load(str(artifact.path))
    names = [spec.name for spec in artifact.signature.inputs]
    assert tracer.graph.input_names == tuple(names)
    found = tracer.trace(samples, tracer.graph.outputs)
    for place, sample in enumerate(samples):
        made = module(*(torch.from_numpy(sample[name]) for name in names))
        wanted = [made] if isinstance(made, torch.Tensor) else list(made.values() if isinstance(made, dict) else made)
        for index, value in zip(tracer.graph.outputs, wanted, strict=True):
            np.testing.assert_allclose(found[index][place], value.detach().numpy(), rtol=1e-6, atol=1e-6)
    assert check_alone(tracer, samples) == len(tracer.graph.ops)
    assert all(tensor.shape is not None for tensor in tracer.graph.tensors.values())


def test_attributes_have_the_names_of_the_schema(exported):
    tracer = opened(exported("torch_conv").path)
    stem = next(op for op in tracer.graph.ops if "conv" in op.type)
    assert {"stride": (2, 2), "padding": (1, 1), "dilation": (1, 1), "groups": 1}.items() <= stem.attributes.items()
    assert tracer.graph.tensors[stem.inputs[1]].data.shape == (8, 3, 3, 3)


def branching(self, x):
    y = self.linear(x)
    y = y * 2 if bool(y.sum() > 0) else y - 1
    for _ in range(int(y.size(0))):
        y = y + x
    return y, [x, y * 3]


def test_branches_and_loops_are_operators_with_bodies(tmp_path):
    import torch

    tracer = scripted(tmp_path, branching)
    assert [op.type for op in tracer.graph.ops if op.type in ("prim.If", "prim.Loop")] == ["prim.If", "prim.Loop"]
    found = tracer.trace(calls(), tracer.graph.outputs)
    module = torch.jit.load(str(tmp_path / "m.pt"))
    for place, call in enumerate(calls()):
        first, (second, third) = module(torch.from_numpy(call["x"]))
        for index, value in zip(tracer.graph.outputs, (first, second, third), strict=True):
            np.testing.assert_allclose(found[index][place], value.detach().numpy(), rtol=1e-6)
    assert check_alone(tracer, calls()) >= 6


def test_a_part_that_is_changed_in_place_has_no_single_value(tmp_path):
    def masked(self, x):
        y = x * 2
        y[:, :1] = 0
        return self.linear(y)

    tracer = scripted(tmp_path, masked)
    times = next(op for op in tracer.graph.ops if op.type == "aten.mul")
    values = tracer.trace(calls(), [*tracer.graph.inputs, *times.outputs, *tracer.graph.outputs])
    assert set(values) == {*tracer.graph.inputs, *tracer.graph.outputs}
    [end] = tracer.graph.outputs
    found = tracer.run({tracer.graph.inputs[0]: values[tracer.graph.inputs[0]]}, [end])
    np.testing.assert_array_equal(found[end], values[end])


def test_what_is_needed_and_not_given_is_said(tmp_path):
    tracer = scripted(tmp_path, branching)
    with pytest.raises(UnsupportedError, match="is needed and not given"):
        tracer.run({}, tracer.graph.outputs)


def test_a_file_that_is_none_is_a_model_error(tmp_path):
    (tmp_path / "m.pt").write_bytes(b"no model")
    with pytest.raises(ModelError):
        opened(tmp_path / "m.pt")


def test_a_text_of_any_number_of_parts_is_put_together(tmp_path: Path) -> None:
    import torch

    from converters.torchscript import tracer

    class Says(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            text = f"{x.dim()} of {x.size(0)}"
            return x + len(text)

    torch.jit.save(torch.jit.script(Says()), str(tmp_path / "m.pt"))
    own = Signature((TensorSpec("x", (1, 4), "float32"),), (TensorSpec("output", (1, 4), "float32"),))
    opened = tracer.open(Artifact(tmp_path / "m.pt", Format.TORCHSCRIPT, Precision.FP32, own, own))
    [end] = opened.graph.outputs
    [values] = opened.trace([{"x": np.zeros((1, 4), np.float32)}], [end])[end]
    assert values.tolist() == [[6, 6, 6, 6]]


def test_a_module_that_changes_itself_is_not_looked_into(tmp_path: Path) -> None:
    from converters.torchscript import tracer

    path = saved_models.counting_script(tmp_path / "m.pt")
    own = Signature((TensorSpec("x", (1, 4), "float32"),), (TensorSpec("output", (1, 4), "float32"),))
    with pytest.raises(UnsupportedError, match=r"keeps values from one call to the next \(`seen`\)"):
        tracer.open(Artifact(path, Format.TORCHSCRIPT, Precision.FP32, own, own))
