from __future__ import annotations

from pathlib import Path

import flat_models
import pytest
from ai_edge_litert import schema_py_generated as schema
from flat_models import Graph, Op, T

from converters.litert.dynamic import ALWAYS, SIZES, sized_at_run_time
from converters.litert.flatbuffer import opened


@pytest.mark.parametrize(("value", "found"), [(None, ["RESHAPE (operator 0)"]), ([3, 2], [])])
def test_a_computed_size_is_open_and_a_constant_one_is_not(
    tmp_path: Path, value: list[int] | None, found: list[str]
) -> None:
    tensors = [T("in", (2, 3)), T("sizes", (2,), "int32", value), T("out", (3, 2))]
    ops = [Op("RESHAPE", ("in", "sizes"), ("out",), ("ReshapeOptions", schema.ReshapeOptionsT()))]
    inputs = ("in", "sizes") if value is None else ("in",)
    artifact = flat_models.save(tmp_path / "reshape.tflite", Graph(tensors, ops, inputs, ("out",)))
    with opened(artifact.path) as model:
        assert sized_at_run_time(model) == found


def test_open_inputs_alone_are_no_such_operator(tmp_path: Path) -> None:
    with opened(flat_models.affine(tmp_path / "open.tflite", shape=(-1, 3)).path) as model:
        assert sized_at_run_time(model) == []


def test_the_tables_name_operators_of_the_schema() -> None:
    known = vars(schema.BuiltinOperator)
    assert [name for name in (*ALWAYS, *SIZES) if name not in known] == []
