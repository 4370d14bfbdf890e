"""ONNX files by hand, and the tiny models exported once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Precision

TINY = [
    pytest.param(name, marks=pytest.mark.torch if model.framework == "torch" else pytest.mark.tensorflow)
    for name, model in MODELS.items()
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests with an argument `tiny` run for every tiny model."""
    if "tiny" in metafunc.fixturenames:
        metafunc.parametrize("tiny", TINY)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Artifact]:
    """The fp32 artifact of a tiny model by its name."""
    folder = tmp_path_factory.mktemp("onnx")
    made: dict[str, Artifact] = {}

    def export(name: str) -> Artifact:
        if name not in made:
            model = MODELS[name]
            edge = "onnx_from_torch" if model.framework == "torch" else "onnx_from_keras"
            target = folder / f"{name}.onnx"
            made[name] = job.convert(edge, ConversionRequest(model.source(folder), target, Precision.FP32))
        return made[name]

    return export


@pytest.fixture
def linear() -> Callable[..., onnx.ModelProto]:
    """Makes y = relu(x @ weight + bias): x (None, 3), weight (3, 5)."""

    def make(
        *,
        weight: np.ndarray | None = None,
        prefix: str = "",
        swap: bool = False,
        alpha: float = 1.0,
        relu: str = "Relu",
    ) -> onnx.ModelProto:
        values = np.arange(15, dtype=np.float32).reshape(3, 5) if weight is None else weight
        weights = [
            numpy_helper.from_array(values, f"{prefix}weight"),
            numpy_helper.from_array(np.ones(5, values.dtype), f"{prefix}bias"),
        ]
        graph = helper.make_graph(
            [
                helper.make_node("Gemm", ["x", f"{prefix}weight", f"{prefix}bias"], [f"{prefix}sum"], alpha=alpha),
                helper.make_node(relu, [f"{prefix}sum"], ["y"]),
            ],
            f"{prefix}graph",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 5])],
            weights[::-1] if swap else weights,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)

    return make


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[onnx.ModelProto], Path]:
    """Writes a model without any check."""

    def save(model: onnx.ModelProto) -> Path:
        path = tmp_path / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    return save
