"""What LiteRT's integer kernels and a quantized input leave in ordinary networks, and a fault beside it."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flat_models import Graph, Op, T, save
from gates.in_process import InProcess

from benchmarks.mutation.flat import File
from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.drift import drift

LIMITS = config.load().limits
C, M = 6 / 255, 6 / 255 / 1.113
KERNEL = np.random.default_rng(0).integers(-127, 128, (16, 3, 3, 3)) * np.float32(0.01)


def squeezed(path, *, integers, point=-128, given=-128):
    """x (1, 16, 16, 3), up to 255: a convolution and RELU6, the mean of each channel: y (1, 1, 1, 16)."""
    options = schema.Conv2DOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
    options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
    kept = schema.ReducerOptionsT()
    kept.keepDims = True
    kind = "int8" if integers else "float32"
    kernel = np.rint(KERNEL / 0.01) if integers else KERNEL
    tensors = [
        *(T("x", (1, 16, 16, 3)), T("q", (1, 16, 16, 3), kind, scale=1.0), T("k", KERNEL.shape, kind, kernel, 0.01)),
        T("b", (16,), "int32" if integers else "float32", np.zeros(16), 0.01),
        *(T("c", (1, 16, 16, 16), kind, scale=C), T("axes", (2,), "int32", [1, 2])),
        *(T("m", (1, 1, 1, 16), kind, scale=M), T("y", (1, 1, 1, 16))),
    ]
    body = [
        Op("CONV_2D", ("q" if integers else "x", "k", "b"), ("c",), ("Conv2DOptions", options)),
        Op("MEAN", ("c", "axes"), ("m" if integers else "y",), ("ReducerOptions", kept)),
    ]
    ops = [Op("QUANTIZE", ("x",), ("q",)), *body, Op("DEQUANTIZE", ("m",), ("y",))] if integers else body
    save(path, Graph(tensors, ops, ("x",), ("y",), {"x": "image", "y": "means"}))
    file = File.read(path)
    for tensor in file.graph.tensors:
        name = tensor.name.decode()
        if not integers:
            tensor.quantization = None
        elif name in ("q", "c", "m"):
            tensor.quantization.zeroPoint = [{"q": -128, "c": point, "m": given}[name]]
    file.write(path)
    return path


def test_pixels_that_are_no_whole_numbers_and_a_zero_point_that_a_kernel_rounds_are_no_faults(tmp_path):
    right, small = squeezed(tmp_path / "a.tflite", integers=False), squeezed(tmp_path / "b.tflite", integers=True)
    found = drift(right, small, "", InProcess(), LIMITS)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


def test_two_steps_behind_the_kernel_are_told(tmp_path):
    right, small = squeezed(tmp_path / "a.tflite", integers=False), squeezed(tmp_path / "b.tflite", integers=True)
    file = File.read(small)
    place = file.add_tensor(int(file.ops[3].inputs[0]), "moved")
    file.tensor(place).quantization = schema.QuantizationParametersT()
    file.tensor(place).quantization.scale, file.tensor(place).quantization.zeroPoint = [M], [-126]
    file.ops[2].outputs = [place]
    file.tensor(int(file.ops[3].inputs[0])).quantization.zeroPoint = [-128]
    file.insert(3, "RESHAPE", [place, file.add_constant(np.int32([1, 1, 1, 16]), "s")], int(file.ops[3].inputs[0]))
    wrong = file.write(tmp_path / "c.tflite")
    assert drift(right, wrong, "", InProcess(), LIMITS).outcome is Outcome.FAILED
