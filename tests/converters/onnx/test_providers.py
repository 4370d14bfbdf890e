from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from converters.contract import Artifact, Format, Precision
from converters.devices import cache, gpu, onnx_gpu, vulkan
from converters.errors import UnavailableError, UnsupportedError
from converters.onnx import providers
from converters.onnx.inspect import inspect
from converters.worker import Worker

USER_CACHE = cache.root()  # before the tests' isolation


@pytest.mark.parametrize(
    ("runtime", "provider"),
    [
        ("onnxruntime", "CPUExecutionProvider"),
        ("onnxruntime[4t]", "CPUExecutionProvider"),
        ("onnxruntime-arm64[max]", "CPUExecutionProvider"),
        ("onnxruntime-gpu[CUDA]", "CUDAExecutionProvider"),
        ("onnxruntime-gpu[CUDA,strict]", "CUDAExecutionProvider"),
        ("onnxruntime-gpu[SwiftShader]", "WebGpuExecutionProvider"),
    ],
)
def test_a_runtime_s_name_says_the_provider(runtime: str, provider: str) -> None:
    assert providers.provider_of(runtime) == provider


def file(path: Path, *types: str, dtype: int = TensorProto.FLOAT) -> Artifact:
    """x (1, 4), operators of one input and output one after the other, y."""
    names = ["x", *(f"t{place}" for place in range(1, len(types))), "y"]
    nodes = [helper.make_node(type, [a], [b]) for type, a, b in zip(types, names, names[1:], strict=False)]
    ends = [helper.make_tensor_value_info(name, dtype, [1, 4]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    signature = inspect(path).signature
    return Artifact(path, Format.ONNX, Precision.FP32, signature, signature)


def test_a_provider_that_this_build_has_not_is_never_replaced(tmp_path: Path) -> None:
    """ONNX Runtime only warns, and runs on the CPU."""
    with (
        pytest.warns(UserWarning, match="DmlExecutionProvider"),
        pytest.raises(UnavailableError, match="does not load DmlExecutionProvider, it has CPUExecutionProvider"),
    ):
        providers.load(
            file(tmp_path / "a.onnx", "Relu").path, onnxruntime.SessionOptions(), "onnxruntime-gpu[DirectML]"
        )


class OnGpu:
    """Calls of `converters.job` in the worker of the first GPU that ONNX Runtime reaches."""

    def __init__(self, worker: Worker, name: str) -> None:
        self.worker, self.name = worker, name

    def call(self, function: str, artifact: Artifact, variant: str = "", **more: Any) -> Any:
        runtime = f"onnxruntime-gpu[{','.join(filter(None, [self.name, variant]))}]"
        return self.worker.call(f"converters.job:{function}", 60, {"runtime": runtime, "artifact": artifact, **more})


@pytest.fixture(scope="module")
def on_gpu(tmp_path_factory: pytest.TempPathFactory, not_run: Callable[..., NoReturn]) -> Iterator[OnGpu]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(USER_CACHE))
        for variable in (*vulkan.DRIVER_VARIABLES, gpu.VARIABLE):
            patch.delenv(variable, raising=False)
        device = onnx_gpu.devices()[0]
    if device.missing:
        not_run(f"needs a GPU for ONNX Runtime: {device.remedy}", ci_installs_it=onnx_gpu.WEBGPU not in device.remedy)
    worker = Worker("onnx-gpu", tmp_path_factory.mktemp("gpu") / "log", 6 << 30, device.launch)
    yield OnGpu(worker, device.name)
    worker.close()


def test_a_whole_file_on_the_gpu(on_gpu: OnGpu, tmp_path: Path) -> None:
    artifact = file(tmp_path / "a.onnx", "Exp", "Relu", "Sqrt")
    x = np.random.default_rng(0).uniform(-2, 2, (3, 1, 4)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    for variant in ("", "strict"):
        found = on_gpu.call("run_samples", artifact, variant, samples=tmp_path / "x.npz")
        np.testing.assert_allclose(found["y"], np.sqrt(np.exp(x)), rtol=1e-5)
        assert {device for _, device in on_gpu.call("placement", artifact, variant)} == {"gpu"}


def test_what_stays_on_the_cpu_is_named(on_gpu: OnGpu, tmp_path: Path) -> None:
    artifact = file(tmp_path / "a.onnx", "Exp", "Relu", "Hardmax")
    rows = on_gpu.call("placement", artifact)
    left = [op for op, device in rows if device == "cpu"]
    assert "Hardmax" in left
    with pytest.raises(UnsupportedError, match=r"operators of a.onnx are not for the GPU: .*1 Hardmax.*let the CPU"):
        on_gpu.call("placement", artifact, "strict")
