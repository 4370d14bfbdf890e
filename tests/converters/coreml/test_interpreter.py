"""The interpreter: what a saved program computes, and that it computes what is saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mil_files import MilFile, MilOp, expected, saved, type_message, write

from converters.coreml.interpreter import Interpreter
from converters.coreml.package import read_package
from converters.coreml.program import read_program
from converters.errors import ModelError, UnsupportedError

X = np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32)


def _run(path: Path, half: bool = False, **inputs: np.ndarray) -> dict[str, np.ndarray]:
    return Interpreter(read_program(read_package(path)), half=half).run(inputs or {"x": X})


def test_it_computes_what_the_file_says(tmp_path: Path) -> None:
    np.testing.assert_allclose(_run(saved(tmp_path / "m.mlpackage"))["y"], expected(X), rtol=1e-6)


def test_declared_float16_is_rounded_after_each_operator_and_half_rounds_all(tmp_path: Path) -> None:
    declared = _run(saved(tmp_path / "a.mlpackage", kind="float16"))["y"]
    assert 1e-5 < np.abs(declared - expected(X)).max() < 5e-3
    half = _run(saved(tmp_path / "b.mlpackage"), half=True)["y"]
    np.testing.assert_array_equal(half, half.astype(np.float16))
    assert not np.array_equal(half, declared), "weights and results are rounded too"


def test_too_large_for_float16_is_infinite(tmp_path: Path) -> None:
    ops = [MilOp("mul", {"x": "x", "y": 1e6}, [("y", "float16", (2, 3))])]
    assert np.isinf(_run(write(tmp_path / "m.mlpackage", ops), x=np.ones((2, 3), np.float32))["y"]).all()


def test_operators_that_it_lacks_are_named(tmp_path: Path) -> None:
    ops = [
        MilOp("random_normal", {"shape": [2]}, [("a", "float32", (2, 3))]),
        MilOp("classify", {"x": "a"}, [("y", "float32", (2, 3))]),
    ]
    with pytest.raises(UnsupportedError, match="has no operator classify, random_normal"):
        _run(write(tmp_path / "m.mlpackage", ops))


def test_a_parameter_that_does_not_fit_is_told_with_the_operator(tmp_path: Path) -> None:
    ops = [MilOp("reshape", {"x": "x", "shape": np.array([5, 5], np.int32)}, [("y", "float32", (5, 5))])]
    with pytest.raises(ModelError, match="reshape that makes 'y': cannot reshape array of size 6"):
        _run(write(tmp_path / "m.mlpackage", ops))


def test_a_value_that_nothing_makes(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'nowhere' is read before anything makes it"):
        _run(write(tmp_path / "m.mlpackage", [MilOp("relu", {"x": "nowhere"}, [("y", "float32", (2, 3))])]))


def test_branches_and_loops(tmp_path: Path) -> None:
    file = MilFile()
    shape = ("float32", (2, 3))

    def block(kind: str, name: str) -> dict[str, object]:
        return {"outputs": [name], "operations": file.operations([MilOp(kind, {"x": "x"}, [(name, *shape)])])}

    carried = [{"name": "v", "type": type_message(*shape)}]
    less = MilOp("less", {"x": "top", "y": 9.0}, [("go", "bool", ())])
    condition = [MilOp("reduce_max", {"x": "v"}, [("top", "float32", ())]), less]
    body = [MilOp("mul", {"x": "v", "y": 2.0}, [("next", *shape)])]
    operations = file.operations([
        MilOp("reduce_sum", {"x": "x"}, [("total", "float32", ())]),
        MilOp("greater", {"x": "total", "y": 0.0}, [("flag", "bool", ())]),
        MilOp("cond", {"pred": "flag"}, [("chosen", *shape)], blocks=[block("exp", "t"), block("square", "f")]),
        MilOp(
            "while_loop",
            {"loop_vars": ["chosen"]},
            [("y", *shape)],
            blocks=[
                {"inputs": carried, "outputs": ["go"], "operations": file.operations(condition)},
                {"inputs": carried, "outputs": ["next"], "operations": file.operations(body)},
            ],
        ),
    ])  # fmt: skip
    path = file.write(tmp_path / "m.mlpackage", [("x", *shape)], operations, ["y"])
    for x in (np.abs(X), -np.abs(X)):
        wanted = np.exp(x) if x.sum() > 0 else np.square(x)
        while wanted.max() < 9:
            wanted = wanted * 2
        np.testing.assert_allclose(_run(path, x=x)["y"], wanted, rtol=1e-6)


def test_states_are_kept_from_call_to_call_and_reset(tmp_path: Path) -> None:
    file = MilFile()
    operations = file.operations([
        MilOp("read_state", {"input": "memory"}, [("old", "float32", (2, 3))]),
        MilOp("add", {"x": "x", "y": "old"}, [("y", "float32", (2, 3))]),
        MilOp("write_state", {"input": "memory", "data": "y"}, []),
    ])  # fmt: skip
    path = file.write(tmp_path / "m.mlpackage", [("x", "float32", (2, 3))], operations, ["y"])
    package = read_package(path)
    state = {"name": "memory", "type": {"state": {"wrapped": type_message("float32", (2, 3))}}}
    package.model["mlProgram"]["functions"]["main"]["inputs"].append(state)
    interpreter = Interpreter(read_program(package))
    assert interpreter.stateful
    for times in (1, 2, 3):
        np.testing.assert_allclose(interpreter.run({"x": X})["y"], times * X, rtol=1e-6)
    interpreter.reset()
    np.testing.assert_array_equal(interpreter.run({"x": X})["y"], X)
