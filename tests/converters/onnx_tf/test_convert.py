"""Real conversions in the sealed environments, held against ONNX Runtime; they make the environments when missing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from onnx_files import saved

from converters import job, registry
from converters.contract import Artifact, ConversionRequest, Format, Precision, Signature, TensorSpec
from converters.worker import WorkerPool

SIDES = Signature((TensorSpec("x", (1, 4), "float32"),), (TensorSpec("y", (1, 3), "float32"),))


@pytest.fixture
def dense(tmp_path):
    path = saved(tmp_path / "m.onnx")
    found = job.inspect(path, Format.ONNX).signature
    return Artifact(path, Format.ONNX, Precision.FP32, found, found)


@pytest.mark.slow
@pytest.mark.parametrize("edge", ["tflite_by_onnx2tf", "tflite_by_onnx_tf"])
def test_a_file_computes_what_the_onnx_file_does(edge, dense, tmp_path):
    spec = registry.edge(edge)
    with WorkerPool(tmp_path, 8 << 30) as pool:
        request = ConversionRequest(dense, tmp_path / "made.tflite", Precision.FP32)
        made = pool.call(spec.worker, "converters.job:convert", 600, edge_name=edge, request=request)
        assert set(made.versions) == set(spec.packages)
        rows = np.random.default_rng(0).normal(size=(5, 1, 4)).astype(np.float32)
        np.savez(tmp_path / "rows.npz", **{dense.signature.inputs[0].name: rows})
        want = job.run_samples("onnxruntime", dense, tmp_path / "rows.npz")
        runtimes = ["litert-reference"]
        if edge == "tflite_by_onnx_tf":
            runtimes += [spec.name for spec in registry.expand(registry.runtime("tflite-runtime"))]
        for runtime in runtimes:
            worker = next(s.worker for s in registry.select(runtime))
            samples = tmp_path / "rows.npz"
            artifact = dataclasses.replace(made)
            got = pool.call(
                worker, "converters.job:run_samples", 600, runtime=runtime, artifact=artifact, samples=samples
            )
            for name, values in want.items():
                np.testing.assert_allclose(got[name], values, rtol=1e-5, atol=1e-5, err_msg=runtime)
