"""ML programs as data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mil_files import WEIGHT, saved

from converters.coreml.package import read_package, write_model
from converters.coreml.program import Type, read_program
from converters.errors import ModelError


def test_operators_types_and_constants_are_read(tmp_path: Path) -> None:
    program = read_program(read_package(saved(tmp_path / "m.mlpackage")))
    assert [op.type for op in program.block.operations if op.type != "const"] == ["linear", "leaky_relu", "mul"]
    assert program.inputs[0].type == Type("float32", (2, 3))
    values = {op.outputs[0].name: op.attributes["val"].value for op in program.block.operations if op.type == "const"}
    np.testing.assert_array_equal(values["inner_weight_0"], WEIGHT)
    assert values["y_y_0"] == np.float32(2)
    assert (program.opset, program.block.outputs) == ("CoreML7", ("y",))


def test_damage_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.mlpackage")
    for change, match in (
        (lambda f: f.update(opset="CoreML99"), "is said to be of CoreML99, and is of CoreML7"),
        (lambda f: f["inputs"][0]["type"]["tensor"].update(dataType=99), "a tensor is of type 99"),
        (
            lambda f: f["blocks"]["CoreML7"]["operations"][0]["attributes"]["val"].pop("blob"),
            "a constant without a value",
        ),
    ):
        package = read_package(saved(path))
        change(package.model["mlProgram"]["functions"]["main"])
        write_model(package)
        with pytest.raises(ModelError, match=match):
            read_program(read_package(path))
    package = read_package(saved(path))
    package.model["description"]["defaultFunctionName"] = "other"
    with pytest.raises(ModelError, match="there is no function 'other'; there are main"):
        read_program(package)
