"""Writes the model files that the demo app's own tests run: python tests/app_models.py FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

import flat_models
import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).resolve().parents[1] / "android_demo/core/src/test/resources/models"
UNKNOWN_VERSION = 99


def write(folder: Path) -> None:
    """One file a fault or contract, the same in both formats."""
    folder.mkdir(parents=True, exist_ok=True)
    flat_models.affine(folder / "affine.tflite", shape=(1, -1, 3))
    flat_models.crossed(folder / "crossed.tflite")
    flat_models.eight_bit(folder / "eight_bit.tflite")
    flat_models.custom(folder / "custom.tflite")
    _newer(folder / "crossed.tflite", folder / "newer.tflite")
    _onnx(folder / "affine.onnx", *_affine())
    _onnx(folder / "crossed.onnx", *_crossed())
    _onnx(folder / "custom.onnx", *_custom(), domain="somebody")
    _onnx(folder / "newer.onnx", *_crossed(), opset=UNKNOWN_VERSION)


def _newer(source: Path, target: Path) -> None:
    """The file with an operator of a version that no runtime has."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(source.read_bytes(), 0))
    model.operatorCodes[0].version = UNKNOWN_VERSION
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    target.write_bytes(builder.Output())


def _affine() -> tuple[list[onnx.NodeProto], list[onnx.ValueInfoProto], list[onnx.ValueInfoProto], dict[str, float]]:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, "n", 3)) for name in "xy")
    nodes = [helper.make_node("Mul", ["x", "two"], ["twice"]), helper.make_node("Add", ["twice", "one"], ["y"])]
    return nodes, [x], [y], {"two": 2.0, "one": 1.0}


def _crossed() -> tuple[list[onnx.NodeProto], list[onnx.ValueInfoProto], list[onnx.ValueInfoProto], dict[str, float]]:
    nodes = [helper.make_node("Sub", ["a", "b"], ["difference"]), helper.make_node("Add", ["n", "n_one"], ["count"])]
    n, count = (helper.make_tensor_value_info(name, TensorProto.INT32, (1, 4)) for name in ("n", "count"))
    b, a, difference = (helper.make_tensor_value_info(s, TensorProto.FLOAT, (1, 2)) for s in ("b", "a", "difference"))
    return nodes, [n, b, a], [difference, count], {"n_one": 1}


def _custom() -> tuple[list[onnx.NodeProto], list[onnx.ValueInfoProto], list[onnx.ValueInfoProto], dict[str, float]]:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4)) for name in "xy")
    return [helper.make_node("FancyWarp", ["x"], ["y"], domain="somebody")], [x], [y], {}


def _onnx(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    held: dict[str, float],
    opset: int = 17,
    domain: str = "",
) -> None:
    values = [
        numpy_helper.from_array(np.array(v, np.int32 if isinstance(v, int) else np.float32), name)
        for name, v in held.items()
    ]
    graph = helper.make_graph(nodes, "g", inputs, outputs, values)
    sets = [helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])]
    onnx.save(helper.make_model(graph, opset_imports=sets, ir_version=10, producer_name="edge-export"), path)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
