"""Names of inputs and outputs: those of the source, and such as Swift takes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from mil_files import saved

from converters.contract import Signature, TensorSpec
from converters.coreml.package import read_package, write_model
from converters.coreml.program import read_program
from converters.coreml.signature import KEY, feature_names, read_signature, rename, write_signature
from converters.errors import ModelError

OURS = Signature((TensorSpec("my input:0", (2, 3), "float32", "NC"),), (TensorSpec("y", (2, 4), "float32", "NC"),))


def test_names_that_swift_takes() -> None:
    specs = [TensorSpec(name, (1,), "float32") for name in ("my input:0", "my_input_0", "0", "é", "plain")]
    assert feature_names(specs) == ["my_input_0", "my_input_0_1", "tensor_0", "tensor__", "plain"]
    assert feature_names(specs[-1:], ["plain"]) == ["plain_1"]


def test_the_signature_in_the_metadata_names_by_position(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.mlpackage")
    package = read_package(path)
    assert [spec.name for spec in read_signature(package, read_program(package)).inputs] == ["x"]
    write_signature(package, OURS)
    write_model(package)
    package = read_package(path)
    assert read_signature(package, read_program(package)) == OURS
    write_signature(package, dataclasses.replace(OURS, inputs=(TensorSpec("a", (3, 2), "float32"),)))
    with pytest.raises(ModelError, match=r"the signature in it says \[\(\(3, 2\), 'float32'\)\]"):
        read_signature(package, read_program(package))
    package.model["description"]["metadata"]["userDefined"][KEY] = "{"
    with pytest.raises(ModelError, match="its metadata entry edge_export.signature"):
        read_signature(package, read_program(package))


def test_an_inner_value_gives_way_to_a_new_name(tmp_path: Path) -> None:
    package = read_package(saved(tmp_path / "m.mlpackage"))
    rename(package.model, {"x": "act", "y": "scores"})
    program = read_program(package)
    assert (program.inputs[0].name, program.block.outputs) == ("act", ("scores",))
    assert [op.outputs[0].name for op in program.block.operations if op.type == "leaky_relu"] == ["act__inner"]
    assert package.model["description"]["input"][0]["name"] == "act"


def test_an_output_that_nothing_makes(tmp_path: Path) -> None:
    package = read_package(saved(tmp_path / "m.mlpackage"))
    package.model["mlProgram"]["functions"]["main"]["blocks"]["CoreML7"]["outputs"] = ["gone"]
    with pytest.raises(ModelError, match="nothing makes the output gone"):
        read_signature(package, read_program(package))
