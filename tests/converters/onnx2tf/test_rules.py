"""What is replaced for onnx2tf, and what it keeps."""

from __future__ import annotations

from converters.onnx2tf.rules import rules


def test_what_it_does_right_stays() -> None:
    kept = {"Conv2D", "Gemm", "BatchNormalization", "DepthToSpace", "PRelu"}
    assert not kept & rules().keys()


def test_what_it_gets_wrong_or_lacks_is_replaced() -> None:
    assert {"Acosh", "AveragePool", "LSTM", "Loop", "MaxPool", "RoiAlign", "ScatterElements"} <= rules().keys()
