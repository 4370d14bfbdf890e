from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision, Signature, TensorSpec
from converters.errors import ContractError
from converters.onnx.convert import _spelled_out, rename

Exported = Callable[[str], Artifact]


def test_names_order_dtypes_and_layouts_are_the_sources(tiny: str, exported: Exported) -> None:
    artifact = exported(tiny)
    assert artifact.signature == MODELS[tiny].signature
    assert job.inspect(artifact.path, Format.ONNX).signature == MODELS[tiny].signature, "a lone file tells as much"


def test_outputs_are_the_frameworks(tiny: str, exported: Exported, tmp_path: Path) -> None:
    model, artifact = MODELS[tiny], exported(tiny)
    np.savez(tmp_path / "samples.npz", **model.inputs(8))
    reference = "torch-eager" if model.framework == "torch" else "keras-eager"
    wanted = job.run_samples(reference, model.source(tmp_path), tmp_path / "samples.npz")
    found = job.run_samples("onnxruntime", artifact, tmp_path / "samples.npz")
    model.check(found, 8)
    for name, value in wanted.items():
        assert np.abs(found[name] - value).max() <= 1e-5 * np.ptp(value), name


def test_graph_hash_is_that_of_another_export(tiny: str, exported: Exported, tmp_path: Path) -> None:
    first = exported(tiny)
    request = ConversionRequest(MODELS[tiny].source(tmp_path), tmp_path / "again.onnx", Precision.FP32)
    assert job.convert(first.producer, request).graph_hash == first.graph_hash


def test_weights_are_inside_the_file(tiny: str, exported: Exported) -> None:
    path = exported(tiny).path
    assert not [
        tensor for tensor in onnx.load(path, load_external_data=False).graph.initializer if tensor.external_data
    ]
    assert [other for other in path.parent.iterdir() if other.suffix == ".data"] == []


@pytest.mark.tensorflow
def test_an_open_batch_becomes_one(tmp_path: Path) -> None:
    model = MODELS["keras_conv"]
    source = model.source(tmp_path)
    (image,), (logits,) = source.source.inputs, source.source.outputs
    open_batch = Signature(
        (dataclasses.replace(image, shape=(None, *image.shape[1:])),),
        (dataclasses.replace(logits, shape=(None, *logits.shape[1:])),),
    )
    source = dataclasses.replace(source, signature=open_batch, source=open_batch)
    made = job.convert("onnx_from_keras", ConversionRequest(source, tmp_path / "m.onnx", Precision.FP32))
    assert made.signature == model.signature


@pytest.mark.torch
def test_another_dynamic_axis_is_refused(tmp_path: Path) -> None:
    source = MODELS["torch_conv"].source(tmp_path)
    image = dataclasses.replace(source.source.inputs[0], shape=(1, 3, None, 20))
    source = dataclasses.replace(source, source=Signature((image,), source.source.outputs))
    with pytest.raises(ContractError, match=r"'image' has the dynamic shape \(1, 3, None, 20\)"):
        job.convert("onnx_from_torch", ConversionRequest(source, tmp_path / "m.onnx", Precision.FP32))


@pytest.mark.torch
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["torch_two_in_two_out", "keras_two_in_two_out"])
def test_nothing_is_printed(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = MODELS[name]
    edge = "onnx_from_torch" if model.framework == "torch" else "onnx_from_keras"
    job.convert(edge, ConversionRequest(model.source(tmp_path), tmp_path / "m.onnx", Precision.FP32))
    assert capfd.readouterr().out == ""


def test_rename_moves_a_tensor_that_has_the_new_name() -> None:
    """y is wanted for the output z, and an inner tensor of the graph and of a branch is called y."""
    then = helper.make_graph(
        [helper.make_node("Identity", ["y"], ["branch"])],
        "then",
        [],
        [helper.make_tensor_value_info("branch", TensorProto.FLOAT, [2])],
    )
    graph = helper.make_graph(
        [
            helper.make_node("Neg", ["x"], ["y"]),
            helper.make_node("If", ["condition"], ["z"], then_branch=then, else_branch=then),
        ],
        "graph",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]),
            helper.make_tensor_value_info("condition", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [2])],
    )
    rename(graph, {"z": "y", "x": "image"})
    onnx.checker.check_model(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]))
    assert [value.name for value in (*graph.input, *graph.output)] == ["image", "condition", "y"]
    negated = graph.node[0].output[0]
    assert negated != "y"
    assert graph.node[1].attribute[0].g.node[0].input[0] == negated


@pytest.mark.tensorflow
def test_tensors_that_a_saved_model_holds_are_constants_and_no_inputs(tmp_path: Path) -> None:
    import tensorflow as tf

    class Holding(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = tf.constant(np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32))

        @tf.function(input_signature=[tf.TensorSpec((1, 40), tf.float32, name="x")])
        def serve(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"y": x @ self.table}

    model, x = Holding(), np.random.default_rng(1).normal(size=(3, 1, 40)).astype(np.float32)
    tf.saved_model.save(model, str(tmp_path / "m"), signatures={"serving_default": model.serve})
    told = Signature((TensorSpec("x", (1, 40), "float32"),), (TensorSpec("y", (1, 5), "float32"),))
    source = Artifact(tmp_path / "m", Format.SAVEDMODEL, Precision.FP32, told, told, framework="tensorflow")
    made = job.convert("onnx_from_keras", ConversionRequest(source, tmp_path / "m.onnx", Precision.FP32))
    np.savez(tmp_path / "samples.npz", x=x)
    found = job.run_samples("onnxruntime", made, tmp_path / "samples.npz")
    np.testing.assert_allclose(found["y"], x @ model.table.numpy(), rtol=1e-4, atol=1e-5)


def test_an_operator_that_onnx_has_not_is_spelled_out() -> None:
    """Keras's exact GELU: tf2onnx hands its Erfc on, and no file was made of a text classifier."""
    import onnxruntime

    takes, gives = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [5]) for name in ("x", "y"))
    nodes = [
        helper.make_node("Neg", ["x"], ["n"]),
        helper.make_node("Erfc", ["n"], ["e"]),
        helper.make_node("Neg", ["e"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [takes], [gives])
    model = _spelled_out(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9))
    onnx.checker.check_model(model, full_check=True)
    x = np.float32([-2, -0.5, 0, 0.5, 2])
    (y,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    assert y == pytest.approx([-math.erfc(-value) for value in x], abs=1e-6)
