from __future__ import annotations

from pathlib import Path

import numpy as np
import outlier_nets
import pytest

from converters import job, sensitivity
from converters.contract import ConversionRequest, Precision
from converters.sensitivity import sensitivities


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_layers_are_ranked_by_what_each_alone_does_to_the_outputs(kind: str, tmp_path: Path) -> None:
    images = outlier_nets.images()
    if kind == "tflite":
        source, edge = outlier_nets.tflite(tmp_path / "net.tflite", blocked=True), "quantize_litert"
    else:
        source, edge = outlier_nets.onnx_file(tmp_path / "net.onnx"), "quantize_onnx"
        images = images.transpose(0, 1, 4, 2, 3)
    np.savez(tmp_path / "c.npz", image=images)
    made = job.convert(edge, ConversionRequest(source, tmp_path / f"int8.{kind}", Precision.INT8, tmp_path / "c.npz"))
    found = sensitivities(edge, source, made, tmp_path / "c.npz", {})
    assert [row.damage for row in found] == sorted((row.damage for row in found), reverse=True)
    assert all(row.noise >= 0 for row in found)
    names = [row.name for row in found]
    assert len(set(names)) == len(names)
    worst = {"hidden", "same", "deep"} if kind == "tflite" else {"hidden", "deep", "mean"}
    assert set(names[:3]) == worst
    assert found[0].damage > 4 * found[-1].damage
    reads = {row.name: row.reads for row in found}
    assert reads["deep"] == ("same",) if kind == "tflite" else reads["deep"] == ("hidden",)


def test_where_time_is_short_the_rest_is_told_from_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / "c.npz", image=outlier_nets.images())
    source = outlier_nets.tflite(tmp_path / "net.tflite")
    request = ConversionRequest(source, tmp_path / "int8.tflite", Precision.INT8, tmp_path / "c.npz")
    made = job.convert("quantize_litert", request)
    whole = sensitivities("quantize_litert", source, made, tmp_path / "c.npz", {})
    monkeypatch.setattr(sensitivity, "BUDGET_S", 0.0)
    short = sensitivities("quantize_litert", source, made, tmp_path / "c.npz", {})
    assert {row.name for row in short} == {row.name for row in whole}
    assert len({round(row.damage / row.noise, 9) for row in short[1:]}) == 1
    assert all(row.damage > 0 for row in short)
