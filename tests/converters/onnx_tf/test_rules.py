"""What is replaced for onnx-tf, and what it keeps."""

from __future__ import annotations

from converters.onnx_tf.rules import rules


def test_what_it_does_right_stays() -> None:
    kept = {"Gemm", "BatchNormalization", "Clip", "LeakyRelu"}
    assert not kept & rules().keys()


def test_what_it_gets_wrong_or_lacks_is_replaced() -> None:
    assert {"Acosh", "AveragePool", "LSTM", "Loop", "MaxPool", "RoiAlign", "ScatterElements"} <= rules().keys()


def test_what_it_knows_of_older_opsets_only_is_replaced() -> None:
    assert {"Squeeze", "Unsqueeze"} <= rules().keys()
