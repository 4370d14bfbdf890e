"""Faults planted in real models, converted by the real converters, judged against the honest reference."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gates import mini
from safetensors.numpy import load_file, save_file
from tiny_models import MODELS

from converters.contract import Arrays, Artifact, ConversionRequest, Precision, Signature
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.parity import check_parity
from pipeline.checks.precision import check_precision

GATES = mini.gates()
Weights = dict[str, np.ndarray]
Fault = Callable[[Weights], None]


def channels_first(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values.transpose(0, 1, 4, 2, 3))


def lose_last_bias(weights: Weights) -> None:
    weights["head.bias"][:] = 0


def lose_inner_bias(weights: Weights) -> None:
    weights["depthwise.bias"][:] = 0


def swap_channels(weights: Weights) -> None:
    weights["stem.weight"] = np.ascontiguousarray(weights["stem.weight"][:, ::-1])


def transpose_square(weights: Weights) -> None:
    weights["depthwise.weight"] = np.ascontiguousarray(weights["depthwise.weight"].swapaxes(2, 3))


def shift_classes(weights: Weights) -> None:
    for name in ("head.weight", "head.bias"):
        weights[name] = np.roll(weights[name], 1, axis=0)


def halve(weights: Weights) -> None:
    for name, values in weights.items():
        weights[name] = values.astype(np.float16).astype(values.dtype)


def break_one(weights: Weights) -> None:
    weights["head.weight"][0, 0] = np.nan


def forget_the_norm(weights: Weights) -> None:
    weights["norm.running_var"][:] = 1


FAULTS: dict[str, tuple[Fault, str]] = {
    "lost bias of the last layer": (lose_last_bias, "a bias is lost"),
    "lost bias of an inner layer": (lose_inner_bias, "snr_db"),
    "swapped channels": (swap_channels, "snr_db"),
    "transposed square weights": (transpose_square, "snr_db"),
    "classes shifted by one": (shift_classes, r"classes are shifted by \+1"),
    "weights rounded to float16": (halve, "size of 16-bit weights"),
    "a NaN weight": (break_one, "NaN or Inf in 128 of 128"),
    "statistics of the norm lost": (forget_the_norm, "snr_db"),
}


def said(check: Check, pattern: str) -> None:
    assert check.outcome is Outcome.FAILED
    assert re.search(pattern, " ".join(check.reasons)), check.reasons


def _exchanged(signature: Signature) -> Signature:
    """The two outputs under each other's name."""
    first, second = signature.outputs
    outputs = (dataclasses.replace(first, name=second.name), dataclasses.replace(second, name=first.name))
    return Signature(signature.inputs, outputs)


def outputs(runtime: str, artifact: Artifact, inputs: Arrays, folder: Path) -> Arrays:
    from converters import job

    samples = folder / f"{len(list(folder.iterdir()))}.npz"
    np.savez(samples, **inputs)
    return job.run_samples(runtime, artifact, samples)


@dataclasses.dataclass(frozen=True)
class Honest:
    """A source model, inputs for it, its own answers, and its weights."""

    source: Artifact
    inputs: Arrays
    reference: Arrays
    folder: Path

    def convert(self, edge: str, precision: str = "fp32", source: Artifact | None = None) -> Artifact:
        from converters import job, registry

        calibration = self.folder / "calibration.npz"
        np.savez(calibration, **self.inputs)
        suffix = registry.edge(edge).target.suffix
        name = f"{len(list(self.folder.iterdir()))}{suffix}"
        request = ConversionRequest(source or self.source, self.folder / name, Precision(precision), calibration)
        return job.convert(edge, request)

    def judge(self, got: Arrays, precision: str = "fp32") -> Check:
        return check_parity(self.reference, got, self.source.source.outputs, GATES.parity[Precision(precision)])

    def with_fault(self, fault: Fault) -> Artifact:
        from converters import content

        weights = load_file(self.source.path)
        fault(weights)
        path = self.folder / f"{fault.__name__}.safetensors"
        save_file(weights, path)
        return dataclasses.replace(self.source, path=path, sha256=content.sha256(path))


@pytest.fixture(scope="module")
def torch_model(tmp_path_factory: pytest.TempPathFactory) -> Honest:
    import torch

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("torch")
    source = MODELS["torch_conv"].source(folder)
    inputs = {"image": channels_first(mini.images())}
    return Honest(source, inputs, outputs("torch-eager", source, inputs, folder), folder)


@pytest.fixture(scope="module")
def keras_model(tmp_path_factory: pytest.TempPathFactory) -> Honest:
    import keras

    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("keras")
    source = MODELS["keras_conv"].source(folder)
    inputs = {"image": mini.images()}
    return Honest(source, inputs, outputs("keras-eager", source, inputs, folder), folder)


@pytest.mark.torch
class TestTorchToOnnx:
    def test_the_honest_file_passes(self, torch_model: Honest) -> None:
        made = torch_model.convert("onnx_from_torch")
        check = torch_model.judge(outputs("onnxruntime", made, torch_model.inputs, torch_model.folder))
        assert check.outcome is Outcome.PASSED, check.reasons

    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_fault_fails(self, torch_model: Honest, fault: str) -> None:
        plant, reason = FAULTS[fault]
        made = torch_model.convert("onnx_from_torch", source=torch_model.with_fault(plant))
        said(torch_model.judge(outputs("onnxruntime", made, torch_model.inputs, torch_model.folder)), reason)

    def test_weights_rounded_to_float16_are_seen_in_the_file(self, torch_model: Honest) -> None:
        from converters import job

        made = torch_model.convert("onnx_from_torch", source=torch_model.with_fault(halve))
        inspection = job.inspect(made.path, made.format)
        said(check_precision(inspection, Precision.FP32, GATES.precision[Precision.FP32]), "values of 16 bits only")

    @pytest.mark.parametrize("fault", ["lost bias of the last layer", "classes shifted by one"])
    def test_a_fault_fails_as_int8_too(self, torch_model: Honest, fault: str) -> None:
        plant, _ = FAULTS[fault]
        faulty = torch_model.convert("onnx_from_torch", source=torch_model.with_fault(plant))
        made = torch_model.convert("quantize_onnx", "int8", faulty)
        said(torch_model.judge(outputs("onnxruntime", made, torch_model.inputs, torch_model.folder), "int8"), "snr_db")

    def test_inputs_scaled_by_256_fail(self, torch_model: Honest) -> None:
        made = torch_model.convert("onnx_from_torch")
        scaled = {"image": torch_model.inputs["image"] / np.float32(256)}
        said(torch_model.judge(outputs("onnxruntime", made, scaled, torch_model.folder)), "hardly follows its input")

    def test_exchanged_output_names_fail(self, tmp_path: Path) -> None:
        import onnx

        model = MODELS["torch_two_in_two_out"]
        source = model.source(tmp_path)
        honest = Honest(source, model.inputs(32), {}, tmp_path)
        honest = dataclasses.replace(honest, reference=outputs("torch-eager", source, honest.inputs, tmp_path))
        made = honest.convert("onnx_from_torch")
        file = onnx.load(made.path)
        exchange = {"scores": "mask", "mask": "scores"}
        for names in (node.output for node in file.graph.node):
            names[:] = [exchange.get(name, name) for name in names]
        for node in file.graph.node:
            node.input[:] = [exchange.get(name, name) for name in node.input]
        for value in file.graph.output:
            value.name = exchange[value.name]
        onnx.save(file, made.path)
        wrong = dataclasses.replace(made, signature=_exchanged(made.signature))
        wrong = dataclasses.replace(wrong, source=_exchanged(made.source))
        check = honest.judge(outputs("onnxruntime", wrong, honest.inputs, tmp_path))
        said(check, "`mask` equals the reference's `scores`: outputs are exchanged")


@pytest.mark.tensorflow
class TestKerasToLiteRT:
    @pytest.mark.parametrize("runtime", ["litert-xnnpack", "litert-reference"])
    @pytest.mark.parametrize("precision", ["fp32", "fp16", "int8", "int8-io"])
    def test_honest_files_pass_under_their_own_name_only(
        self, keras_model: Honest, precision: str, runtime: str
    ) -> None:
        from converters import job

        made = keras_model.convert("litert_from_keras", precision)
        check = keras_model.judge(outputs(runtime, made, keras_model.inputs, keras_model.folder), precision)
        assert check.outcome is Outcome.PASSED, check.reasons
        inspection = job.inspect(made.path, made.format)
        for claimed in Precision:
            check = check_precision(inspection, claimed, GATES.precision[claimed])
            assert (check.outcome is Outcome.PASSED) == (claimed == precision), (claimed, check.reasons)

    def test_int8_under_the_fp32_gate_fails(self, keras_model: Honest) -> None:
        made = keras_model.convert("litert_from_keras", "int8")
        said(
            keras_model.judge(outputs("litert-xnnpack", made, keras_model.inputs, keras_model.folder)), "8-bit weights"
        )

    def test_a_float_file_called_dynamic_fails(self, keras_model: Honest) -> None:
        from converters import job

        made = keras_model.convert("litert_from_keras")
        inspection = job.inspect(made.path, made.format)
        check = check_precision(inspection, Precision.DYNAMIC, GATES.precision[Precision.DYNAMIC])
        said(check, "called dynamic, but its weights are 3.. float32")
