"""docs/add_a_converter.md works as it is written: its files are installed and its converter is run and compared."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import tiny_models

from converters.contract import ConversionRequest, Format, Precision
from converters.worker import WorkerPool

PAGE = Path(__file__).resolve().parents[2] / "docs" / "add_a_converter.md"
TIMEOUT_S = 300


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the workers' path that holds the page's package and its entry point."""
    text = PAGE.read_text(encoding="utf-8")
    for name, body in re.findall(r"```python\n# (\S+\.py)\n(.*?)```", text, flags=re.DOTALL):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(body)
    group, entry = re.search(r'\[project\.entry-points\."(.+)"\]\n(\S+) = "\S+"', text).groups()
    metadata = tmp_path / "onnx_classic-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: onnx-classic\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{entry} = onnx_classic\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]]))
    return tmp_path


@pytest.mark.torch
def test_the_page_as_it_is_written(installed: Path, tmp_path: Path) -> None:
    model = tiny_models.MODELS["torch_two_in_two_out"]
    source = model.source(tmp_path)
    samples = tmp_path / "samples.npz"
    np.savez(samples, **model.inputs())
    request = ConversionRequest(source, tmp_path / "classic.onnx", Precision.FP32)
    with WorkerPool(tmp_path / "logs", memory_limit_bytes=8 << 30) as pool:
        artifact = pool.call(
            "torch",
            "converters.job:convert",
            TIMEOUT_S,
            edge_name="onnx_classic_from_torch",
            request=request,
        )
        run = {"target": "converters.job:run_samples", "timeout_s": TIMEOUT_S, "samples": samples}
        got = pool.call("onnx", runtime="onnxruntime", artifact=artifact, **run)
        want = pool.call("torch", runtime="torch-eager", artifact=source, **run)
    assert (artifact.format, artifact.route) == (Format.ONNX, "classic")
    model.check(got)
    for name, values in want.items():
        np.testing.assert_allclose(got[name], values, rtol=1e-4, atol=1e-5)
