"""What is decided here, not by onnx2tf: layouts. Real conversions are in tests/converters/onnx_tf/test_convert.py."""

from __future__ import annotations

import sys
import types

import numpy as np
import onnx
import pytest
from flat_models import affine
from onnx import TensorProto, helper, numpy_helper

from converters.contract import Signature, TensorSpec
from converters.errors import UnsupportedError
from converters.litert.flatbuffer import opened
from converters.litert.pack import packed
from converters.litert.signature import read_signature
from converters.onnx2tf import convert


@pytest.mark.parametrize(
    ("layout", "shape", "found", "orders"),
    [
        ("NCHW", (1, 3, 4, 5), (1, 4, 5, 3), [(0, 2, 3, 1)]),
        ("NCHW", (1, 3, 4, 5), (1, 3, 4, 5), [(0, 1, 2, 3)]),
        ("NCHW", (1, 4, 4, 4), (1, 4, 4, 4), [(0, 1, 2, 3), (0, 1, 3, 2), (0, 2, 1, 3)]),
        ("", (2, 3), (3, 2), []),
        ("", (2, 3), (2, 3), [(0, 1)]),
        ("NC", (1, 7), (1, 7, 1), []),
    ],
)
def test_the_orders_of_axes_that_fit_a_shape(layout, shape, found, orders):
    own, other = TensorSpec("x", shape, "float32", layout), TensorSpec("x", found, "float32")
    assert list(convert._orders(own, other))[: len(orders) or None] == orders


def test_images_are_channels_last_in_the_file():
    image = TensorSpec("x", (1, 3, 8, 6), "float32", "NCHW", meaning="image", limits=(0, 255))
    turned = convert._turned(image, TensorSpec("x", (1, 8, 6, 3), "float32"))
    assert (turned.layout, turned.meaning, turned.limits) == ("NHWC", "image", (0, 255))
    row = convert._turned(TensorSpec("v", (1, 7), "float32", "NC"), TensorSpec("v", (1, 7), "float32"))
    assert row.layout == "NC"


def test_values_decide_where_shapes_do_not():
    want = np.random.default_rng(0).normal(size=(1, 4, 4)).astype(np.float32)
    assert convert._near(want, want + 1e-6)
    assert not convert._near(want.transpose(0, 2, 1), want)
    assert not convert._near(want, want[:, :3])


def test_a_file_that_lost_its_signature_gets_the_graph_s_by_the_order_of_its_ends(tmp_path):
    """As onnx2tf leaves a model whose output is called `save_infer_model/scale_0.tmp_1`."""
    ends = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 3]) for name in ("end_0_x", "w", "end_1_y"))
    x, w, y = ends
    weight = numpy_helper.from_array(np.ones((1, 2, 3), np.float32), "w")
    graph = helper.make_graph([helper.make_node("Add", ["end_0_x", "w"], ["end_1_y"])], "g", [x, w], [y], [weight])
    made = affine(tmp_path / "m.tflite").path
    named = read_signature(made)
    convert._sign(made, graph)
    assert read_signature(made) == named  # it has one
    with opened(made) as model:
        whole = model.schema.ModelT.InitFromObj(model.root)
    whole.signatureDefs = []
    made.write_bytes(packed(whole))
    convert._sign(made, graph)
    found = read_signature(made)
    assert [spec.name for spec in (*found.inputs, *found.outputs)] == ["end_0_x", "end_1_y"]


def test_an_operator_that_onnx2tf_has_not_is_refused_by_its_name(tmp_path, monkeypatch):
    def lacking(name):
        def call(**given):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        return types.SimpleNamespace(convert=call)

    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in "xy")
    model = helper.make_model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y]))
    onnx.save(model, tmp_path / "m.onnx")
    ends = tuple((TensorSpec(name, (1, 2), "float32"),) for name in "xy")
    source = types.SimpleNamespace(path=tmp_path / "m.onnx", signature=Signature(*ends))
    request = types.SimpleNamespace(source=source, target=tmp_path / "m.tflite")
    monkeypatch.setitem(sys.modules, "onnx2tf", lacking("onnx2tf.ops.TreeEnsemble"))
    with pytest.raises(UnsupportedError, match="operator TreeEnsemble is not there"):
        convert.tflite_by_onnx2tf(request)
    monkeypatch.setitem(sys.modules, "onnx2tf", lacking("somewhere"))
    with pytest.raises(ModuleNotFoundError):
        convert.tflite_by_onnx2tf(request)
