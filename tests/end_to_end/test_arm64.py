"""The runtimes on ARM64, for real: the same files and samples as on this machine's CPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from flat_models import Graph, Op, T, classifier, running_sum, save

from converters import registry
from converters.contract import Arrays, Artifact, Format, Precision, Signature, TensorSpec
from converters.device import Launch
from converters.devices import arm64
from converters.errors import ModelError, ToolkitCrash, ToolkitTimeout
from converters.worker import Worker

FLOAT_SHARE = 1e-6
"""Of the output's range: sums in another order."""
LIMIT_S = 120.0
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Worker]]:
    """One process a CPU, for all tests here."""
    workers: dict[str, Worker] = {}
    yield workers
    for worker in workers.values():
        worker.close()


@pytest.fixture
def on(running: dict[str, Worker], user_cache: Path, tmp_path_factory: pytest.TempPathFactory, not_run: Any) -> Call:
    """The worker of a CPU, started with what is installed."""
    found = {device.name: device for device in arm64.devices()}
    if "" in found:
        not_run(f"needs ARM64: {found[''].missing}; {found[''].remedy}")

    def worker(cpu: str) -> Worker:
        if cpu not in running:
            launch = found[cpu].launch if cpu in found else Launch()
            running[cpu] = Worker(cpu, tmp_path_factory.mktemp("logs") / f"{cpu}.log", 2**29, launch)
        return running[cpu]

    return worker


CPUS = arm64.CPUS if not arm64.native() else ("native",)
any_cpu = CPUS[0]


def int8_layer(path: Path) -> Artifact:
    """A fully connected layer (1, 96) to (1, 10) whose numbers are all stored as int8."""
    weights = rng().integers(-127, 128, (10, 96), dtype=np.int8)
    tensors = [
        T("in", (1, 96), "int8", scale=0.1), T("weights", (10, 96), "int8", weights, scale=0.02),
        T("bias", (10,), "int32", np.arange(10) * 40, scale=0.002), T("out", (1, 10), "int8", scale=0.5),
    ]  # fmt: skip
    ops = [Op("FULLY_CONNECTED", ("in", "weights", "bias"), ("out",), ("FullyConnectedOptions", options()))]
    return save(path, Graph(tensors, ops, ("in",), ("out",), {"in": "x", "out": "y"}))


def options() -> Any:
    from ai_edge_litert import schema_py_generated as schema

    return schema.FullyConnectedOptionsT()


def onnx_convolution(path: Path) -> Artifact:
    """x (1, 3, 12, 20) by a convolution, a ReLU and a mean to y (1, 8, 1, 1)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = rng().standard_normal((8, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["y"]),
    ]
    value = helper.make_tensor_value_info
    x, y = value("x", TensorProto.FLOAT, (1, 3, 12, 20)), value("y", TensorProto.FLOAT, (1, 8, 1, 1))
    graph = helper.make_graph(nodes, "convolution", [x], [y], [numpy_helper.from_array(weights, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    signature = Signature((TensorSpec("x", (1, 3, 12, 20), "float32"),), (TensorSpec("y", (1, 8, 1, 1), "float32"),))
    return Artifact(path, Format.ONNX, Precision.FP32, signature, signature)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def outputs(worker: Worker, runtime: str, artifact: Artifact, inputs: Arrays) -> Arrays:
    samples = artifact.path.with_suffix(".npz")
    np.savez(samples, **inputs)
    arguments = {"runtime": runtime, "artifact": artifact, "samples": samples}
    return worker.call("converters.job:run_samples", LIMIT_S, arguments)


def test_each_cpu_has_the_features_that_its_kernels_ask_for(on):
    found = {cpu: on(cpu).call("arm64_targets:features", LIMIT_S, {}) for cpu in CPUS}
    expected = {
        "cortex-a53": ("aarch64", False, False),
        "cortex-a76": ("aarch64", True, False),
        "max": ("aarch64", True, True),
    }
    assert {cpu: expected.get(cpu, found[cpu]) for cpu in found} == found


def test_litert_computes_int8_bit_for_bit(on, tmp_path):
    artifact = int8_layer(tmp_path / "int8.tflite")
    samples = {"x": rng().integers(-128, 128, (32, 1, 96), dtype=np.int8)}
    here = outputs(on("here"), "litert-xnnpack", artifact, samples)["y"]
    assert len(np.unique(here)) > 50
    for cpu in CPUS:
        np.testing.assert_array_equal(outputs(on(cpu), f"litert-arm64[{cpu}]", artifact, samples)["y"], here, cpu)


def test_litert_computes_float32_to_its_rounding(on, tmp_path):
    artifact = classifier(tmp_path / "float.tflite", rng().standard_normal((10, 256)).astype(np.float32))
    samples = {"image": rng().standard_normal((32, 1, 8, 32, 1)).astype(np.float32)}
    here = outputs(on("here"), "litert-xnnpack", artifact, samples)["logits"]
    for cpu in CPUS:
        there = outputs(on(cpu), f"litert-arm64[{cpu}]", artifact, samples)["logits"]
        assert np.max(np.abs(there - here)) <= FLOAT_SHARE * np.ptp(here), cpu


def test_onnx_runtime_computes_float32_to_its_rounding(on, tmp_path):
    artifact = onnx_convolution(tmp_path / "convolution.onnx")
    samples = {"x": rng().standard_normal((8, 1, 3, 12, 20)).astype(np.float32)}
    here = outputs(on("here"), "onnxruntime", artifact, samples)["y"]
    for cpu in CPUS:
        there = outputs(on(cpu), f"onnxruntime-arm64[{cpu}]", artifact, samples)["y"]
        assert np.max(np.abs(there - here)) <= FLOAT_SHARE * np.ptp(here), cpu


def test_a_stateful_model_is_one_sequence_there_too(on, tmp_path):
    samples = {"x": np.ones((3, 1, 2), np.float32)}
    there = outputs(on(any_cpu), f"litert-arm64[{any_cpu}]", running_sum(tmp_path / "sum.tflite"), samples)["y"]
    np.testing.assert_array_equal(there[:, 0, 0], [1, 2, 3])


def test_the_kernels_are_xnnpack_s_there_too(on, tmp_path):
    arguments = {"runtime": f"litert-arm64[{any_cpu}]", "artifact": int8_layer(tmp_path / "int8.tflite")}
    placement = on(any_cpu).call("converters.job:placement", LIMIT_S, arguments)
    assert placement == [("FULLY_CONNECTED", "xnnpack")]


def test_arrays_and_records_pass_between_the_architectures_unchanged(on):
    values = np.random.default_rng(0).standard_normal((64, 1024, 16)).astype(np.float32)
    there = on(any_cpu).call("numpy:transpose", LIMIT_S, {"a": values})
    np.testing.assert_array_equal(there, values.T)
    launch = Launch(("a", "b"), {"c": "d"})
    assert on(any_cpu).call("converters.device:Launch", LIMIT_S, {"command": ("a", "b"), "env": {"c": "d"}}) == launch
    assert on(any_cpu).call("pathlib:Path", LIMIT_S, {}) == Path()
    empty = {"inputs": [], "outputs": []}
    artifact = {"path": "/none.tflite", "format": "tflite", "precision": "fp32", "signature": empty, "source": empty}
    arguments = {"runtime": "litert-arm64[x]", "artifact": Artifact.from_json(artifact)}
    with pytest.raises(ModelError, match="none.tflite is missing"):
        on(any_cpu).call("converters.job:open_session", LIMIT_S, arguments)


def test_a_crash_inside_is_one_outside_and_the_next_call_works(on):
    with pytest.raises(ToolkitCrash, match=r"(?s)died of SIGSEGV.*wrote last"):
        on(any_cpu).call("faulthandler:_sigsegv", LIMIT_S, {})
    assert on(any_cpu).call("platform:machine", LIMIT_S, {}) == "aarch64"


def test_what_hangs_is_stopped_with_its_emulator(on):
    worker = on(any_cpu)
    process = psutil.Process(worker.call("os:getpid", LIMIT_S, {}))
    start = time.monotonic()
    with pytest.raises(ToolkitTimeout, match=r"not done after 0.5 s"):
        worker.call("faulty_toolkit:faulty_hang", 0.5, {"request": None})
    assert time.monotonic() - start < 15
    assert not process.is_running()


def test_memory_is_counted_with_the_emulator_s(on):
    worker = on(any_cpu)
    with pytest.raises(ToolkitCrash, match="GiB of memory, the limit is 0.5 GiB"):
        worker.call("faulty_toolkit:burn", LIMIT_S, {"gibibytes": 1.0})


@pytest.mark.parametrize("family", ["litert-arm64", "onnxruntime-arm64"])
def test_the_registry_starts_each_cpu_as_its_device_says(on, family):
    registry.devices.cache_clear()
    try:
        for spec in registry.select(family):
            assert registry.launch(spec.worker) == spec.device.launch
            assert spec.name == f"{family}[{spec.device.name}]"
    finally:
        registry.devices.cache_clear()
