"""Models of one ONNX node through our own converter to TensorFlow Lite, run in LiteRT."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from ai_edge_litert.interpreter import Interpreter
from onnx_nodes import RANDOM, model_of

from converters.contract import TensorSpec
from converters.onnx.prepass.fold import session_of
from converters.onnx_tflite.convert import lowered


def agrees(kind: str, x: np.ndarray, constants: Mapping[str, np.ndarray] | None = None, **form: object) -> list[str]:
    """Lowers a node as it is and holds it against ONNX Runtime; the operators of the file."""
    return model_agrees(model_of(kind, x, constants, **form), x)  # type: ignore[arg-type]


def model_agrees(model: onnx.ModelProto, x: np.ndarray, near: float = 1e-5) -> list[str]:
    """The same for a whole model whose one input is `x`."""
    content = lowered(model, {"x": TensorSpec("x", x.shape, str(x.dtype))})
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    for sample in (x, RANDOM.permutation(x.ravel()).reshape(x.shape)):
        want = session_of(model).run(None, {"x": sample})
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample)
        interpreter.invoke()
        for value, details in zip(want, interpreter.get_output_details(), strict=True):
            got = interpreter.get_tensor(details["index"])
            assert got.shape == value.shape
            assert got.dtype == value.dtype
            np.testing.assert_allclose(
                got, value, rtol=near, atol=near * max(1.0, float(np.ptp(value.astype(np.float64))))
            )
    return [row["op_name"] for row in interpreter._get_ops_details()]
