"""Models that come as files, kept and tried by their frameworks; ONNX stands for them all, whose runtime is quick."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_files
import pytest
import saved_models
import toy_workers
from onnx import TensorProto, helper, numpy_helper

from converters.contract import Format, TensorSpec
from converters.errors import ModelError, UsageError
from converters.worker import WorkerPool
from pipeline import config
from pipeline.entries import read_artifact
from pipeline.request import parse_input
from pipeline.stages.source import file_task
from pipeline.task import worker_limits

LIMITS = config.load().limits


def taken(path: Path, format: Format, folder: Path, *inputs: TensorSpec):
    """What a run keeps of a file."""
    task = file_task(path, format, inputs, LIMITS, name="mine")
    with WorkerPool(folder / "logs", worker_limits(LIMITS)) as pool:
        return read_artifact(toy_workers.result(task, folder / "ws", pool))


def model(path: Path, *, x=("n", 4), y=("n", 4), weight=onnx_files.WEIGHT, op="MatMul", domain="") -> Path:
    """y = x W with the shapes that the file declares."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (("x", x), ("y", y))]
    node = helper.make_node(op, ["x", "w"], ["y"], domain=domain)
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], [numpy_helper.from_array(weight, "w")])
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


def test_open_sizes_are_settled_and_the_file_is_kept(tmp_path):
    found = taken(model(tmp_path / "m.onnx"), Format.ONNX, tmp_path)
    assert found.source.inputs == (TensorSpec("x", (1, 4), "float32", "NC"),)
    assert found.source.outputs == (TensorSpec("y", (1, 4), "float32", "NC"),)
    assert (found.framework, found.model, found.producer) == ("onnx", "mine", "m.onnx")
    assert found.path.read_bytes() == (tmp_path / "m.onnx").read_bytes()


def test_sizes_and_values_may_be_said(tmp_path):
    said = TensorSpec("x", (5, 4), "float32", limits=(0.0, 2.0))
    found = taken(model(tmp_path / "m.onnx"), Format.ONNX, tmp_path, said)
    assert found.source.inputs[0].shape == (5, 4)
    assert found.source.inputs[0].limits == (0.0, 2.0)
    assert found.source.outputs[0].shape == (5, 4)
    with pytest.raises(UsageError, match="m.onnx has no input 'z'; it takes x"):
        taken(tmp_path / "m.onnx", Format.ONNX, tmp_path, TensorSpec("z", (5, 4), "float32"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": (1, 4), "y": (1, 5)}, r"declares its output 'y' as \[1, 5\] and gives \[1, 4\]|no valid ONNX|MatMul"),
        ({"weight": np.full((4, 4), np.nan, np.float32)}, "gives NaN or Inf .* weight 'w' holds such numbers"),
        ({"op": "Nonsense"}, "Nonsense"),
        ({"op": "Own", "domain": "com.mine"}, "com.mine"),
    ],
)
def test_what_cannot_be_proved_is_said_once(tmp_path, changes, message):
    with pytest.raises(Exception, match=message) as caught:
        taken(model(tmp_path / "m.onnx", **changes), Format.ONNX, tmp_path)
    assert caught.value.exit_code in (5, 6)


@pytest.mark.torch
def test_a_script_of_others_needs_its_sizes(tmp_path):
    import torch

    example = torch.rand(1, 3, 8, 10), torch.ones(1, 1)
    torch.jit.save(torch.jit.trace(saved_models.torch_net(), example, strict=False), str(tmp_path / "net.pt"))
    with pytest.raises(
        UsageError, match=r"takes \(image, scale\): give each argument, as in --input image:1x3x224x224"
    ):
        taken(tmp_path / "net.pt", Format.TORCHSCRIPT, tmp_path)
    inputs = TensorSpec("image", (1, 3, 8, 10), "float32"), TensorSpec("scale", (1, 1), "float32")
    found = taken(tmp_path / "net.pt", Format.TORCHSCRIPT, tmp_path, *inputs)
    assert [(spec.name, spec.layout) for spec in found.source.inputs] == [("image", "NCHW"), ("scale", "NC")]
    assert [spec.name for spec in found.source.outputs] == ["logits", "feat"]


@pytest.mark.tensorflow
def test_an_old_keras_file_keeps_its_ending_and_a_saved_model_its_state(tmp_path):
    found = taken(saved_models.keras_file(tmp_path, "two.h5"), Format.KERAS_FILE, tmp_path)
    assert found.path.suffix == ".h5"
    assert found.source.inputs[0].layout == "NHWC"
    counter = taken(saved_models.saved_model(tmp_path, "counter"), Format.SAVEDMODEL, tmp_path)
    assert counter.source.outputs[0].shape == (1, 3)


def test_weights_beside_the_file_count(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(onnx.load(model(path)), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    before = file_task(path, Format.ONNX, (), LIMITS, name="mine").key
    assert file_task(path, Format.ONNX, (), LIMITS, name="mine").key == before
    (tmp_path / "w.bin").write_bytes(bytes(4 * 16 + 4))
    assert file_task(path, Format.ONNX, (), LIMITS, name="mine").key != before


def test_a_missing_file_of_weights_is_said(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(onnx.load(model(path)), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    (tmp_path / "w.bin").unlink()
    with pytest.raises(ModelError, match="which does not exist; copy it there"):
        taken(path, Format.ONNX, tmp_path)


def test_a_value_that_never_changes_is_written_into_the_file(tmp_path):
    x, gain, y = (
        helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", (1, 4)), ("g", ()), ("y", (1, 4)))
    )
    graph = helper.make_graph([helper.make_node("Mul", ["x", "g"], ["y"])], "m", [x, gain], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "m.onnx")
    found = taken(tmp_path / "m.onnx", Format.ONNX, tmp_path, parse_input("g=2"))
    assert [spec.name for spec in found.source.inputs] == ["x"]
    with pytest.raises(UsageError, match="m.onnx has no input 'sr'; it takes x, g"):
        taken(tmp_path / "m.onnx", Format.ONNX, tmp_path, parse_input("sr=2"))


@pytest.mark.torch
def test_a_script_with_a_number_and_state_is_kept_as_it_is_called(tmp_path):
    import torch

    class Rate(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen = torch.zeros(1, 4)

        def forward(self, x: torch.Tensor, rate: int) -> torch.Tensor:
            self.seen = self.seen + x * rate
            return self.seen

    torch.jit.save(torch.jit.script(Rate()), str(tmp_path / "m.pt"))
    said = parse_input("x:1x4"), parse_input("rate=3")
    found = taken(tmp_path / "m.pt", Format.TORCHSCRIPT, tmp_path, *said)
    assert [spec.name for spec in found.source.inputs] == ["x"]
    assert torch.jit.load(str(found.path))(torch.ones(1, 4)).sum() == 12
    with pytest.raises(ModelError, match="its argument `rate` is int, and no tensor: .*--input rate=1"):
        taken(tmp_path / "m.pt", Format.TORCHSCRIPT, tmp_path, said[0], parse_input("rate:scalar:int64"))
