from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, ConversionRequest, Format, Precision
from converters.errors import UnsupportedError

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]


def outputs(artifact: Artifact, runtime: str, tmp_path, seed: int = 0) -> dict[str, np.ndarray]:
    np.savez(tmp_path / "samples.npz", **MODELS["torch_conv"].inputs(16, seed=seed))
    return job.run_samples(runtime, artifact, tmp_path / "samples.npz")


@pytest.mark.parametrize("precision", ["int8", "int8-io"])
def test_int8_is_near_the_model_and_not_the_model(exported: Exported, precision: str, tmp_path) -> None:
    wanted = outputs(MODELS["torch_conv"].source(tmp_path), "torch-eager", tmp_path)["logits"]
    found = outputs(exported("torch_conv", precision=precision), "executorch", tmp_path)["logits"]
    apart = np.abs(found - wanted).max() / np.ptp(wanted)
    assert 1e-5 < apart < 0.05


def test_int8_io_takes_raw_pixels_exactly(exported: Exported) -> None:
    signature = exported("torch_conv", precision="int8-io").signature
    image, logits = signature.inputs[0], signature.outputs[0]
    assert (image.dtype, image.scale, image.zero_point, image.layout) == ("int8", 1.0, -128, "NCHW")
    assert logits.dtype == "int8"
    assert logits.scale


def test_every_operator_is_integer_between_the_ends(exported: Exported) -> None:
    found = job.inspect(exported("torch_conv", precision="int8").path, Format.EXECUTORCH)
    assert [op.type for op in found.ops] == [
        *("Quantize", "Multiply", "Add", "StaticTranspose", "Conv2d", "DepthwiseConv2d"),
        *("GlobalAvgPooling2d", "StaticTranspose", "StaticReshape", "FullyConnected", "Dequantize"),
    ], "division and subtraction of constants, ReLU6 and the mean have become what XNNPACK runs in integers"


def test_an_input_that_is_not_quantized_first_cannot_be_int8(tmp_path) -> None:
    model = MODELS["torch_mixed"]
    np.savez(tmp_path / "c.npz", **model.inputs(4))
    request = ConversionRequest(model.source(tmp_path), tmp_path / "m.pte", Precision.INT8_IO, tmp_path / "c.npz")
    with pytest.raises(UnsupportedError, match="'weight' cannot be int8: Input 1 is not used by a quantize op"):
        job.convert("executorch_xnnpack_from_torch", request)
    assert not request.target.exists()


def test_the_quantizer_is_left_as_it_was(exported: Exported) -> None:
    from executorch.backends.xnnpack.quantizer import xnnpack_quantizer_utils as utils

    exported("torch_conv", precision="int8")
    assert utils.is_relu_node.__module__ == utils.__name__
