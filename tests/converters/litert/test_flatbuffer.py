from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.contract import Artifact
from converters.errors import ModelError
from converters.litert.flatbuffer import opened

pytestmark = pytest.mark.tensorflow


def test_tables_are_read_by_their_schema_names(converted: Callable[..., Artifact]) -> None:
    with opened(converted("keras_conv").path) as model:
        graph = model.root.Subgraphs(0)
        ops, tensors = list(model.items(graph, "Operators")), list(model.items(graph, "Tensors"))
        assert [model.op_type(op) for op in ops][2] == "CONV_2D"
        kernel = tensors[ops[2].Inputs(1)]
        assert (model.dtype(kernel), model.shape(kernel)) == ("float32", (8, 3, 3, 3))
        data = model.constant(kernel)
        assert data is not None
        assert np.isfinite(data.view(np.float32)).all()
        assert model.constant(tensors[ops[2].Outputs(0)]) is None
        assert model.metadata()["schema_version"] == "3"


def custom(model: Any) -> None:
    code = model.operatorCodes[0]
    code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, b"Mine"


def unknown(model: Any) -> None:
    model.operatorCodes[0].builtinCode = 9999


def strange_type(model: Any) -> None:
    model.subgraphs[0].tensors[0].type = 99


def test_custom_operators_have_their_own_name(edited: Callable[..., Path]) -> None:
    with opened(edited(custom)) as model:
        assert model.op_type(model.root.Subgraphs(0).Operators(0)) == "Mine"


def test_numbers_that_the_schema_does_not_have_are_damage(edited: Callable[..., Path]) -> None:
    path = edited(unknown)
    with (
        pytest.raises(ModelError, match=r"edited\.tflite is damaged: operator 9999 is not in the schema"),
        opened(path) as model,
    ):
        model.op_type(model.root.Subgraphs(0).Operators(0))
    path = edited(strange_type)
    with pytest.raises(ModelError, match="tensor type 99 is not in the schema"), opened(path) as model:
        model.dtype(model.root.Subgraphs(0).Tensors(0))


def test_constants_behind_the_flatbuffer_are_read(edited: Callable[..., Path]) -> None:
    """Files above 2 GB keep their buffers there (schema.fbs, Buffer.offset)."""

    def move(model: Any) -> None:
        buffer = model.buffers[model.subgraphs[0].tensors[model.subgraphs[0].operators[2].inputs[1]].buffer]
        buffer.data, buffer.offset, buffer.size = None, 100, 16

    with opened(edited(move)) as model:
        graph = model.root.Subgraphs(0)
        data = model.constant(graph.Tensors(graph.Operators(2).Inputs(1)))
        assert data is not None
        assert data.tobytes() == model.data[100:116]


def test_missing_files_are_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no file"), opened(tmp_path / "no.tflite"):
        pass
