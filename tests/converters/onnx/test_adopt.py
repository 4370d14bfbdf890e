import re
from pathlib import Path

import numpy as np
import onnx
import onnx_files
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters.contract import Artifact, ConversionRequest, Format, Precision, Signature, TensorSpec
from converters.errors import ModelError, UnsupportedError, UsageError
from converters.onnx import adopt
from converters.onnx.prepass.rules import rules_without
from converters.onnx.prepass.run import prepare


def stored(folder: Path, location: str, **changes: object) -> Path:
    """y = x W, with W in another file; ends are renamed on demand."""
    given, got = (changes.get(key, key) for key in ("x", "y"))
    x, y = (helper.make_tensor_value_info(str(name), TensorProto.FLOAT, ("n", 4)) for name in (given, got))
    weight = numpy_helper.from_array(onnx_files.WEIGHT, "w")
    graph = helper.make_graph([helper.make_node("MatMul", [given, "w"], [got])], "g", [x], [y], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, folder / "m.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    if location != "weights.bin":
        model = onnx.load(folder / "m.onnx", load_external_data=False)
        model.graph.initializer[0].external_data[0].value = location
        onnx.save(model, folder / "m.onnx")
    return folder / "m.onnx"


def test_weights_beside_a_file_are_taken_into_it(tmp_path: Path) -> None:
    adopt.keep(stored(tmp_path, "weights.bin"), tmp_path / "kept.onnx")
    kept = onnx.load(tmp_path / "kept.onnx", load_external_data=False)
    np.testing.assert_array_equal(numpy_helper.to_array(kept.graph.initializer[0]), onnx_files.WEIGHT)


def test_a_whole_file_is_kept_byte_by_byte(tmp_path: Path) -> None:
    path = onnx_files.saved(tmp_path / "m.onnx")
    adopt.keep(path, tmp_path / "kept.onnx")
    assert (tmp_path / "kept.onnx").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("location", "message"),
    [("../weights.bin", "outside the model's folder .*: refused"), ("no.bin", "which does not exist; copy it there")],
)
def test_weights_elsewhere_are_refused(tmp_path: Path, location: str, message: str) -> None:
    (tmp_path / "inner").mkdir()
    path = stored(tmp_path / "inner", location)
    (tmp_path / "inner" / "weights.bin").replace(tmp_path / "weights.bin")
    with pytest.raises(ModelError, match=message):
        adopt.keep(path, tmp_path / "kept.onnx")
    assert not (tmp_path / "kept.onnx").exists()


def test_names_that_toolkits_lose_are_changed(tmp_path: Path) -> None:
    adopt.keep(stored(tmp_path, "weights.bin", x="my input:0", y="out[1]"), tmp_path / "kept.onnx")
    graph = onnx.load(tmp_path / "kept.onnx").graph
    assert [value.name for value in (*graph.input, *graph.output)] == ["my_input_0", "out_1_"]
    onnx.checker.check_model(onnx.load(tmp_path / "kept.onnx"), full_check=True)


@pytest.mark.parametrize(("x", "y"), [("", "y"), ("x", "x")])
def test_ends_without_names_of_their_own_are_refused(tmp_path: Path, x: str, y: str) -> None:
    path = onnx_files.saved(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.output.append(model.graph.output[0] if (x, y) == ("", "y") else model.graph.input[0])
    onnx.save(model, path)
    with pytest.raises(ModelError, match="two outputs called 'y'|is an input and an output|no valid ONNX"):
        adopt.keep(path, tmp_path / "kept.onnx")


def test_a_model_beyond_one_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adopt, "MAX_BYTES", 10)
    with pytest.raises(UnsupportedError, match="one ONNX file holds 10"):
        adopt.keep(onnx_files.saved(tmp_path / "m.onnx"), tmp_path / "kept.onnx")


def test_sizes_that_a_run_settled_on_are_written(tmp_path: Path) -> None:
    path = stored(tmp_path, "weights.bin")
    adopt.keep(path, tmp_path / "kept.onnx")
    settled = Signature(
        (TensorSpec("x", (3, 4), "float32", "NC", limits=(0.0, 1.0)),), (TensorSpec("y", (3, 4), "float32", "NC"),)
    )
    source = Artifact(tmp_path / "kept.onnx", Format.ONNX, Precision.FP32, settled, settled)
    made = adopt.onnx_from_onnx(ConversionRequest(source, tmp_path / "made.onnx", Precision.FP32))
    assert made == settled
    graph = onnx.load(tmp_path / "made.onnx").graph
    ends = (*graph.input, *graph.output)
    shapes = [[dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in ends]
    assert shapes == [[3, 4], [3, 4]]


def test_operators_get_names_that_tensorflow_takes(tmp_path: Path) -> None:
    path = onnx_files.saved(tmp_path / "m.onnx")
    model = onnx.load(path)
    for place, node in enumerate(model.graph.node):
        node.name = ("Same@0", "Same@0", "_under", "fine/as.it-is")[place]
    onnx.save(model, path)
    told = Signature((TensorSpec("x", (1, 4), "float32"),), (TensorSpec("y", (1, 4), "float32"),))
    source = Artifact(path, Format.ONNX, Precision.FP32, told, told)
    adopt.onnx_from_onnx(ConversionRequest(source, tmp_path / "made.onnx", Precision.FP32))
    names = [node.name for node in onnx.load(tmp_path / "made.onnx").graph.node]
    assert names[-1] == "fine/as.it-is"
    assert len(set(names)) == 3  # a constant is no operator any more
    assert all(re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*", name) for name in names)


def test_an_input_that_never_changes_becomes_a_constant(tmp_path: Path) -> None:
    x, rate = (helper.make_tensor_value_info(n, t, s) for n, t, s in (("x", 1, (4,)), ("rate", TensorProto.INT64, ())))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (4,))
    nodes = [helper.make_node("Cast", ["rate"], ["r"], to=1), helper.make_node("Mul", ["x", "r"], ["y"])]
    graph = helper.make_graph(nodes, "g", [x, rate], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "m.onnx")
    adopt.keep(tmp_path / "m.onnx", tmp_path / "kept.onnx", {"rate": 16000})
    kept = onnx.load(tmp_path / "kept.onnx")
    assert [value.name for value in kept.graph.input] == ["x"]
    assert numpy_helper.to_array(kept.graph.initializer[0]) == 16000
    with pytest.raises(UsageError, match="m.onnx has no input 'sr'; it takes x, rate"):
        adopt.keep(tmp_path / "m.onnx", tmp_path / "kept.onnx", {"sr": 1})
    with pytest.raises(UsageError, match="--input rate=0.5: m.onnx takes rate as int64, which is never that"):
        adopt.keep(tmp_path / "m.onnx", tmp_path / "kept.onnx", {"rate": 0.5})


def test_weights_that_operators_give_are_weights(tmp_path: Path) -> None:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4)) for name in "xy")
    given = helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(onnx_files.WEIGHT, "w"))
    graph = helper.make_graph([given, helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "m.onnx")
    told = Signature((TensorSpec("x", (1, 4), "float32"),), (TensorSpec("y", (1, 4), "float32"),))
    source = Artifact(tmp_path / "m.onnx", Format.ONNX, Precision.FP32, told, told)
    adopt.onnx_from_onnx(ConversionRequest(source, tmp_path / "made.onnx", Precision.FP32))
    made = onnx.load(tmp_path / "made.onnx").graph
    assert [node.op_type for node in made.node] == ["MatMul"]
    assert made.initializer[0].name == "w"


def two_rates(path: Path) -> None:
    """x times 2 at a rate of 16000, times 3 at others."""

    def body(name: str, factor: float) -> onnx.GraphProto:
        end = helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4))
        constant = numpy_helper.from_array(np.full(1, factor, np.float32), f"k_{name}")
        return helper.make_graph([helper.make_node("Mul", ["x", f"k_{name}"], [name])], name, [], [end], [constant])

    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4)) for name in "xy")
    rate = helper.make_tensor_value_info("rate", TensorProto.INT64, ())
    nodes = [
        helper.make_node("Equal", ["rate", "fast"], ["is_fast"]),
        helper.make_node("If", ["is_fast"], ["b"], then_branch=body("t", 2), else_branch=body("e", 3)),
        helper.make_node("HardSwish", ["b"], ["y"]),
    ]
    fast = numpy_helper.from_array(np.array(16000, np.int64), "fast")
    graph = helper.make_graph(nodes, "g", [x, rate], [y], [fast])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)


def test_a_branch_that_a_constant_decides_is_taken_once_and_for_all(tmp_path: Path) -> None:
    """Twice, as an artifact that is converted further goes through the pre-pass again."""

    two_rates(tmp_path / "m.onnx")
    adopt.keep(tmp_path / "m.onnx", tmp_path / "kept.onnx", {"rate": 16000})
    told = Signature((TensorSpec("x", (1, 4), "float32"),), (TensorSpec("y", (1, 4), "float32"),))
    source = Artifact(tmp_path / "kept.onnx", Format.ONNX, Precision.FP32, told, told)
    adopt.onnx_from_onnx(ConversionRequest(source, tmp_path / "made.onnx", Precision.FP32))
    made = onnx.load(tmp_path / "made.onnx")
    assert [node.op_type for node in made.graph.node if node.op_type != "Identity"] == ["Mul", "HardSwish"]
    prepare(tmp_path / "made.onnx", rules_without(frozenset())).save(tmp_path / "again.onnx")
    onnx.checker.check_model(onnx.load(tmp_path / "again.onnx"), full_check=True)


@pytest.mark.parametrize(("rate", "factor"), [(16000, 2), (8000, 3)])
def test_a_bound_copy_holds_only_the_branch_that_the_value_takes(tmp_path: Path, rate: int, factor: float) -> None:
    two_rates(tmp_path / "m.onnx")
    adopt.bind(tmp_path / "m.onnx", tmp_path / "bound.onnx", {"rate": rate})
    bound = onnx.load(tmp_path / "bound.onnx")
    assert [value.name for value in bound.graph.input] == ["x"]
    assert [node.op_type for node in bound.graph.node if node.op_type != "Identity"] == ["Mul", "HardSwish"]
    assert [numpy_helper.to_array(tensor) for tensor in bound.graph.initializer] == [factor]
