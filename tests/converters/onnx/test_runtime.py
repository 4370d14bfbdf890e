from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision, Signature, TensorSpec
from converters.errors import ModelError, UnsupportedError
from converters.onnx import runtime
from converters.onnx.inspect import inspect

Exported = Callable[[str], Artifact]
Linear = Callable[..., onnx.ModelProto]
Saved = Callable[[onnx.ModelProto], Path]


def artifact(path: Path, signature: Signature | None = None) -> Artifact:
    signature = signature or inspect(path).signature
    return Artifact(path, Format.ONNX, Precision.FP32, signature, signature)


def test_run_binds_by_name(linear: Linear, saved: Saved) -> None:
    session = runtime.open(artifact(saved(linear())), "onnxruntime", 1)
    x = np.array([[1.0, -2.0, 3.0]], np.float32)
    weight = np.arange(15, dtype=np.float32).reshape(3, 5)
    assert np.array_equal(session.run({"x": x})["y"], np.maximum(x @ weight + 1, 0))
    session.close()


@pytest.mark.torch
def test_outputs_keep_their_names_whatever_their_order(exported: Exported, tmp_path: Path) -> None:
    made = exported("torch_two_in_two_out")
    model = onnx.load(made.path)
    outputs = list(model.graph.output)[::-1]
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    onnx.save(model, tmp_path / "reordered.onnx")
    np.savez(tmp_path / "samples.npz", **MODELS["torch_two_in_two_out"].inputs(4))
    reordered = artifact(tmp_path / "reordered.onnx", made.signature)
    wanted, found = (job.run_samples("onnxruntime", one, tmp_path / "samples.npz") for one in (made, reordered))
    for name, value in wanted.items():
        assert np.array_equal(found[name], value), name


@pytest.mark.torch
def test_placement_is_of_the_nodes_that_ran(exported: Exported, tmp_path: Path) -> None:
    source = exported("torch_conv")
    np.savez(tmp_path / "samples.npz", **MODELS["torch_conv"].inputs(8))
    request = ConversionRequest(source, tmp_path / "int8.onnx", Precision.INT8, calibration=tmp_path / "samples.npz")
    nodes = job.placement("onnxruntime", job.convert("quantize_onnx", request))
    assert [kind for kind, _ in nodes].count("QLinearConv") == 2, "both convolutions run in integers"
    assert {device for _, device in nodes} == {"CPUExecutionProvider"}


def test_time_gives_seconds_of_each_call(linear: Linear, saved: Saved) -> None:
    session = runtime.open(artifact(saved(linear())), "onnxruntime", 1)
    seconds = session.time({"x": np.ones((2, 1, 3), np.float32)}, 5)
    assert seconds.shape == (5,)
    assert (seconds > 0).all()


def test_other_names_than_the_signatures_are_refused(linear: Linear, saved: Saved) -> None:
    other = Signature((TensorSpec("image", (None, 3), "float32"),), (TensorSpec("y", (None, 5), "float32"),))
    with pytest.raises(ModelError, match=r"has the inputs \['x'\], its signature says \['image'\]"):
        runtime.open(artifact(saved(linear()), other), "onnxruntime", 1)


def test_operators_of_unknown_domains_are_unsupported(linear: Linear, saved: Saved) -> None:
    model = linear(relu="Magic")
    model.graph.node[1].domain = "stranger"
    model.opset_import.append(helper.make_opsetid("stranger", 1))
    with pytest.raises(UnsupportedError, match=r"ONNX Runtime .*Magic.* is not a registered function/op"):
        runtime.open(artifact(saved(model)), "onnxruntime", 1)


def test_opsets_of_the_future_are_unsupported(linear: Linear, saved: Saved) -> None:
    path = saved(linear())
    known = artifact(path)
    model = linear()
    model.opset_import[0].version = 99
    saved(model)
    with pytest.raises(UnsupportedError, match=r"ONNX Runtime .*failed:ONNX Runtime only .*[Oo]pset 99"):
        runtime.open(known, "onnxruntime", 1)


def test_another_format_is_refused(linear: Linear, saved: Saved, tmp_path: Path) -> None:
    known = artifact(saved(linear()))
    known.path.write_bytes(bytes(64))
    with pytest.raises(ModelError, match="64 bytes of zeros"):
        runtime.open(known, "onnxruntime", 1)


def test_a_damaged_graph_is_a_model_error(linear: Linear, saved: Saved) -> None:
    path = saved(linear())
    known = artifact(path)
    model = linear()
    model.graph.node[1].input[0] = "nowhere"
    saved(model)
    with pytest.raises(ModelError, match=r"does not load .*nowhere"):
        runtime.open(known, "onnxruntime", 1)


def test_weights_outside_the_folder_are_refused(linear: Linear, saved: Saved) -> None:
    path = saved(linear())
    known = artifact(path)
    onnx.save(linear(), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        tensor.external_data[0].value = "../w.bin"
    (path.parent / "w.bin").rename(path.parent.parent / "w.bin")
    saved(model)
    with pytest.raises(ModelError, match="does not load"):
        runtime.open(known, "onnxruntime", 1)


def test_unfused_runs_every_node_by_its_own_kernel(linear: Linear, saved: Saved) -> None:
    made = artifact(saved(linear()))
    x = {"x": np.array([[1.0, -2.0, 3.0]], np.float32)}
    plain, unfused = (runtime.open(made, name, 1) for name in ("onnxruntime", "onnxruntime-unfused"))
    assert np.array_equal(plain.run(x)["y"], unfused.run(x)["y"])
    assert len(unfused.placement()) == len(onnx.load(made.path).graph.node)
    assert len(plain.placement()) < len(unfused.placement())


def test_placement_of_open_sizes_is_of_those_that_the_source_has(saved: Saved) -> None:
    """Two rows concatenated with a fixed one of 3: a width of 1 would not run."""
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, None])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, None])
    row = onnx.numpy_helper.from_array(np.ones((1, 3), np.float32), "row")
    graph = helper.make_graph([helper.make_node("Concat", ["x", "row"], ["y"], axis=0)], "g", [x], [y], [row])
    made = artifact(saved(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)))
    sized = Signature((TensorSpec("x", (2, 3), "float32"),), made.source.outputs)
    whole = Artifact(made.path, Format.ONNX, Precision.FP32, made.signature, sized)
    assert [kind for kind, _ in runtime.open(whole, "onnxruntime", 1).placement()] == ["Concat"]
