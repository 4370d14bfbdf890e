"""Real files on this machine's GPU, or on the software one, in the worker that the device has of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import flat_models
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flat_models import Graph, Op, T
from tiny_models import MODELS

from converters.contract import Arrays, Artifact, Precision
from converters.device import Device
from converters.devices import cache, gpu, vulkan
from converters.errors import ContractError, ModelError, UnavailableError, UnsupportedError
from converters.worker import Worker

USER_CACHE = cache.root()  # before the tests' isolation
VARIANTS = ("", "fp32", "strict", "strict,fp32")
MEMORY = 6 << 30


class OnGpu:
    """Calls of `converters.job` in the device's worker."""

    def __init__(self, device: Device, folder: Path) -> None:
        self.device, self.folder = device, folder
        self.worker = Worker("gpu", folder / "gpu.log", MEMORY, device.launch)

    def name(self, variant: str = "") -> str:
        return f"litert-gpu[{','.join(filter(None, [self.device.name, variant]))}]"

    def run(self, artifact: Artifact, variant: str = "", runtime: str = "", **inputs: Any) -> Arrays:
        """Outputs for stacked inputs."""
        samples = self.folder / "samples.npz"
        np.savez(samples, **inputs)
        return self._call("run_samples", artifact, runtime or self.name(variant), samples=samples)

    def placement(self, artifact: Artifact, variant: str = "") -> list[tuple[str, str]]:
        return self._call("placement", artifact, self.name(variant))

    def _call(self, function: str, artifact: Artifact, runtime: str, **more: Any) -> Any:
        return self.worker.call(f"converters.job:{function}", 60, {"runtime": runtime, "artifact": artifact, **more})


@pytest.fixture(scope="module")
def on_gpu(tmp_path_factory: pytest.TempPathFactory, not_run: Callable[..., NoReturn]) -> Iterator[OnGpu]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(USER_CACHE))
        for variable in (*vulkan.DRIVER_VARIABLES, gpu.VARIABLE):
            patch.delenv(variable, raising=False)
        (device,) = gpu.devices()
    if device.missing:
        not_run(f"needs a GPU ({device.missing}): {device.remedy}")
    found = OnGpu(device, tmp_path_factory.mktemp("gpu"))
    yield found
    found.worker.close()


def samples(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).uniform(-2, 2, shape).astype(np.float32)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_whole_file_on_the_gpu(on_gpu: OnGpu, tmp_path: Path, variant: str) -> None:
    artifact, x = flat_models.affine(tmp_path / "affine.tflite"), samples(3, 1, 2, 3)
    np.testing.assert_allclose(
        on_gpu.run(artifact, variant, x=x)["y"], 2 * x + 1, rtol=1e-3 if variant != "fp32" else 1e-6
    )
    assert on_gpu.placement(artifact, variant) == [("MUL", "gpu"), ("ADD", "gpu")]


def test_names_types_and_order_are_kept(on_gpu: OnGpu, tmp_path: Path) -> None:
    artifact = flat_models.crossed(tmp_path / "crossed.tflite")
    a, b, n = samples(2, 1, 2), -samples(2, 1, 2), np.arange(8, dtype=np.int32).reshape(2, 1, 4)
    found = on_gpu.run(artifact, "fp32", a=a, b=b, n=n)
    np.testing.assert_allclose(found["difference"], a - b, rtol=1e-6)
    np.testing.assert_array_equal(found["count"], n + 1)


def test_eight_bit_inputs_and_outputs(on_gpu: OnGpu, tmp_path: Path) -> None:
    artifact = flat_models.eight_bit(tmp_path / "relu.tflite")
    x = np.array([[[-128, -1, 1, 127]]], np.int8)
    found = on_gpu.run(artifact, x=x)["y"]
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, np.maximum(x, 0))


@pytest.mark.tensorflow
@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16, Precision.INT8, Precision.INT8_IO])
def test_a_converted_model_agrees_with_the_cpu(
    on_gpu: OnGpu, converted: Callable[..., Artifact], precision: Precision
) -> None:
    from converters.litert import runtime

    artifact = converted("keras_conv", precision)
    inputs = MODELS["keras_conv"].inputs(4, seed=3)
    expected = runtime.open(artifact, runtime.XNNPACK, 1).run_many(inputs)["logits"]
    (spec,) = artifact.signature.outputs
    limit = 1.01 * spec.scale if spec.scale else 1e-4 * float(np.ptp(expected))
    difference = np.abs(on_gpu.run(artifact, "fp32", **inputs)["logits"] - expected).max()
    assert difference <= (limit if precision is not Precision.INT8 else 0.05 * np.ptp(expected))
    assert {device for _, device in on_gpu.placement(artifact, "strict")} == {"gpu"}


def test_a_file_of_five_axes_runs_on_the_cpu_and_says_so(on_gpu: OnGpu, tmp_path: Path) -> None:
    """LiteRT calls this file fully accelerated: the CPU's own delegate has taken it."""
    artifact, x = flat_models.affine(tmp_path / "five.tflite", shape=(1, 2, 3, 4, 5)), samples(2, 1, 2, 3, 4, 5)
    np.testing.assert_allclose(on_gpu.run(artifact, x=x)["y"], 2 * x + 1, rtol=1e-6)
    assert on_gpu.placement(artifact) == [("MUL", "cpu"), ("ADD", "cpu")]
    with pytest.raises(
        UnsupportedError, match=r"2 of 2 operators of five.tflite .*1 MUL \(operator 0: .*dimensions.*without `strict`"
    ):
        on_gpu.run(artifact, "strict", x=x)


def gathers(path: Path) -> Artifact:
    """Rows of a table by indices of one axis, which the delegate takes, and of two, which it does not."""
    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    options = ("GatherOptions", schema.GatherOptionsT())
    tensors = [
        T("table", (4, 3), value=table), T("i", (2,), "int32"), T("j", (1, 2), "int32"), T("two", (), value=2.0),
        T("rows", (2, 3)), T("more", (1, 2, 3)), T("a", (2, 3)), T("b", (1, 2, 3)),
    ]  # fmt: skip
    ops = [
        Op("GATHER", ("table", "i"), ("rows",), options), Op("GATHER", ("table", "j"), ("more",), options),
        Op("MUL", ("rows", "two"), ("a",)), Op("MUL", ("more", "two"), ("b",)),
    ]  # fmt: skip
    return flat_models.save(path, Graph(tensors, ops, ("i", "j"), ("a", "b"), {"i": "i", "j": "j", "a": "a", "b": "b"}))


def test_one_of_two_operators_of_a_type_is_refused(on_gpu: OnGpu, tmp_path: Path) -> None:
    """The message names the type only, and its numbers fit both guesses: each operator is tried alone."""
    artifact = gathers(tmp_path / "gathers.tflite")
    assert on_gpu.placement(artifact) == [("GATHER", "gpu"), ("GATHER", "cpu"), ("MUL", "gpu"), ("MUL", "cpu")]
    found = on_gpu.run(artifact, i=np.array([[3, 0]], np.int32), j=np.array([[[1, 2]]], np.int32))
    np.testing.assert_allclose(found["b"], [[[[6, 8, 10], [12, 14, 16]]]])
    with pytest.raises(UnsupportedError, match=r"2 of 4 operators .*1 GATHER \(operator 1: Only support 1D indices\)"):
        on_gpu.placement(artifact, "strict")


def test_state_is_a_sequence_from_a_fresh_start(on_gpu: OnGpu, tmp_path: Path) -> None:
    artifact, x = flat_models.running_sum(tmp_path / "sum.tflite"), samples(4, 1, 2)
    for _ in range(3):
        np.testing.assert_allclose(on_gpu.run(artifact, x=x)["y"], np.cumsum(x, 0), rtol=1e-5)
    assert ("ASSIGN_VARIABLE", "cpu") in on_gpu.placement(artifact)
    with pytest.raises(UnsupportedError, match="VAR_HANDLE.*ASSIGN_VARIABLE"):
        on_gpu.run(artifact, "strict", x=x)


def test_open_sizes_are_those_of_the_call(on_gpu: OnGpu, tmp_path: Path) -> None:
    artifact = flat_models.affine(tmp_path / "open.tflite", shape=(-1, 3))
    for size in (2, 5, 2):
        x = samples(2, size, 3)
        np.testing.assert_allclose(on_gpu.run(artifact, "fp32", x=x)["y"], 2 * x + 1, rtol=1e-6)


def test_sizes_known_only_at_run_time(on_gpu: OnGpu, tmp_path: Path) -> None:
    tensors = [T("in", (2, 3)), T("sizes", (2,), "int32"), T("out", (3, 2))]
    reshape = Op("RESHAPE", ("in", "sizes"), ("out",), ("ReshapeOptions", schema.ReshapeOptionsT()))
    names = {"in": "x", "sizes": "sizes", "out": "y"}
    artifact = flat_models.save(tmp_path / "sizes.tflite", Graph(tensors, [reshape], ("in", "sizes"), ("out",), names))
    for variant in ("", "strict"):  # LiteRT itself says why for the first one of a process only
        with pytest.raises(UnsupportedError, match=r"dynamic size.*RESHAPE \(operator 0\).*fixed shapes"):
            on_gpu.placement(artifact, variant)


def test_an_operator_that_nobody_knows(on_gpu: OnGpu, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="no kernel for FancyWarp, on the GPU or the CPU"):
        on_gpu.placement(flat_models.custom(tmp_path / "custom.tflite"))


def test_an_output_that_is_an_input(on_gpu: OnGpu, tmp_path: Path) -> None:
    tensors = [T("in", (1, 4)), T("out", (1, 4))]
    names = {"in": "x", "out": "y"}
    graph = Graph(tensors, [Op("RELU", ("in",), ("out",))], ("in",), ("out", "in"), names)
    artifact = flat_models.save(tmp_path / "through.tflite", graph)
    with pytest.raises(UnsupportedError, match="gives its input in out again as it is"):
        on_gpu.run(artifact, x=samples(1, 1, 4))


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0\0\0\0TFL3" + b"\xff" * 64])
def test_a_file_that_is_none(on_gpu: OnGpu, tmp_path: Path, content: bytes) -> None:
    artifact = flat_models.affine(tmp_path / "broken.tflite")
    artifact.path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken.tflite is (empty|not a TensorFlow Lite file|damaged)"):
        on_gpu.placement(artifact)


def test_a_signature_of_other_names(on_gpu: OnGpu, tmp_path: Path) -> None:
    artifact = flat_models.affine(tmp_path / "affine.tflite")
    (spec,) = artifact.signature.inputs
    other = dataclasses.replace(artifact.signature, inputs=(dataclasses.replace(spec, name="image"),))
    with pytest.raises(ContractError, match=r"has the inputs \['x'\], not \['image'\]"):
        on_gpu.placement(dataclasses.replace(artifact, signature=other))


def test_another_gpu_than_the_named_one_is_not_taken_for_it(on_gpu: OnGpu, tmp_path: Path) -> None:
    artifact = flat_models.affine(tmp_path / "affine.tflite")
    with pytest.raises(UnavailableError, match=r"litert-gpu\[Voodoo 5\]: LiteRT has chosen"):
        on_gpu.run(artifact, runtime="litert-gpu[Voodoo 5]", x=samples(1, 1, 2, 3))


def test_a_driver_that_has_gone_meanwhile(on_gpu: OnGpu, tmp_path: Path) -> None:
    env = {**on_gpu.device.launch.env, **dict.fromkeys(vulkan.DRIVER_VARIABLES, "/nowhere.json")}
    lost = OnGpu(
        dataclasses.replace(on_gpu.device, launch=dataclasses.replace(on_gpu.device.launch, env=env)), tmp_path
    )
    try:
        with pytest.raises(UnavailableError, match=r"LiteRT reaches no GPU \(.*\); see `edge-export devices`"):
            lost.placement(flat_models.affine(tmp_path / "affine.tflite"))
    finally:
        lost.worker.close()


def test_a_call_s_time_holds_the_work_and_the_reading(on_gpu: OnGpu, tmp_path: Path) -> None:
    """A run returns at once: without reading, a large file takes as long as a small one."""
    artifact = flat_models.affine(tmp_path / "large.tflite", shape=(1, 512, 512, 4))
    run, whole = on_gpu.worker.call(
        "gpu_targets:run_and_call_s", 60, {"runtime": on_gpu.name("strict"), "artifact": artifact}
    )
    assert whole > run > 0
