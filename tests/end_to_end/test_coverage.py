"""The verb `coverage` as a user runs it, on a slice of the corpus that no converter may get wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

EDGE = Path(sys.executable).with_name("edge-export")
SLICE = (
    r"^test_(softsign|acosh|matmul_2d|averagepool_2d_pads|lstm_defaults|resize_upsample_scales_cubic|top_k_smallest)$"
)


def test_a_slice_by_our_own_route() -> None:
    command = [EDGE, "coverage", "--corpus", "onnx", "--route", "tflite", "--case", SLICE, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["coverage"]["onnx"]["results"]["tflite"]
    assert len(rows) >= 6
    assert {row["result"] for row in rows} == {"right"}
    assert all(row["passed"] for row in rows), "the product's own check passes them too"
    assert any("the pre-pass replaced 1 LSTM" in note for row in rows for note in row["notes"])
