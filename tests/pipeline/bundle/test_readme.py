"""The README's code: its Python runs as it stands, in a process of its own, on real files."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sample_bundle
from PIL import Image

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from pipeline.bundle import BundleContents, image_rules, open_bundle, write_bundle
from pipeline.bundle.contents import Verdict
from pipeline.bundle.readme import is_good, recommended, render_readme
from pipeline.checks.outcome import Outcome
from pipeline.preprocessing import Preprocessing

HEIGHT, WIDTH = 6, 4


def readme_of(contents: BundleContents, out: Path) -> str:
    return (write_bundle(contents, out) / "README.md").read_text(encoding="utf-8")


def code(readme: str, language: str) -> str:
    (block,) = re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL)
    return block


def test_the_readme_names_what_is_there(tmp_path: Path) -> None:
    readme = readme_of(sample_bundle.contents(tmp_path / "s"), tmp_path / "out")
    assert "**Take `fashion-cnn_torch_litert_fp32.tflite`** (1.1 kB)" in readme
    assert "| `fashion-cnn_torch_litert_int8-io.tflite` | 100 B | ✓ PASSED |" in readme
    assert "Resize to 20 wide and 28 high, bilinear, stretching." in readme
    assert "Normalisation is inside the model" in readme
    assert "Light clothes on black." in readme
    kotlin = code(readme, "kotlin")
    assert 'openFd("fashion-cnn_torch_litert_fp32.tflite")' in kotlin
    assert "allocateDirect(2240)" in kotlin
    assert 'mapOf<String, Any>("image" to input_image)' in kotlin
    assert "0.299f * Color.red(pixel)" in kotlin
    swift = code(readme, "swift")
    assert '"image": input_image.withUnsafeBytes { Data($0) }' in swift
    assert 'runner.output(named: "logits")' in swift


def only(tmp_path: Path, index: int, **changes: object) -> BundleContents:
    made = sample_bundle.contents(tmp_path / "s")
    return dataclasses.replace(made, artifacts=[dataclasses.replace(made.artifacts[index], **changes)])  # type: ignore[arg-type]


def test_quantized_inputs_and_outputs(tmp_path: Path) -> None:
    readme = readme_of(only(tmp_path, 1), tmp_path / "out")
    assert "np.round(input_image / 1.0) + -128" in code(readme, "python")
    assert "(output_logits.astype(np.float32) - 3) * 0.125" in code(readme, "python")
    assert "(Math.round(grey / 1.0f) + -128).coerceIn(-128, 127).toByte()" in code(readme, "kotlin")
    assert "The Swift interface of TensorFlow Lite has no int8 tensors" in readme


def test_a_bundle_without_a_good_artifact_says_so(tmp_path: Path) -> None:
    made = sample_bundle.contents(tmp_path / "s")
    failed = dataclasses.replace(made, report=sample_bundle.report_on(list(made.artifacts), Outcome.FAILED))
    readme = readme_of(failed, tmp_path / "out")
    assert "**No artifact of this bundle passed its gates.**" in readme
    assert "**Take" not in readme
    assert "✗ FAILED" in readme


def test_which_artifact_is_recommended(tmp_path: Path) -> None:
    made = sample_bundle.contents(tmp_path / "s")
    entries = open_bundle(write_bundle(made, tmp_path / "out")).manifest.artifacts
    float32, int8_io = entries
    assert recommended(entries) is float32, "easier to feed than the smaller one"
    small = dataclasses.replace(float32, size_bytes=1)
    assert recommended([float32, small]) is small
    timed = {
        ms: dataclasses.replace(float32, file=f"{ms}", verdicts={"r": Verdict(Outcome.PASSED, (), ms)})
        for ms in (1.0, 2.0)
    }
    quick, slow = timed[1.0], dataclasses.replace(timed[2.0], size_bytes=1)
    assert recommended([slow, quick]) is quick, "half the time is worth the bytes"
    nearly = dataclasses.replace(slow, verdicts={"r": Verdict(Outcome.PASSED, (), 1.05)})
    assert recommended([nearly, quick]) is nearly, "as fast within what phones differ by, and smaller"
    onnx = dataclasses.replace(small, format=Format.ONNX)
    assert recommended([onnx, int8_io]) is int8_io
    unproved = dataclasses.replace(small, verdicts={}, outcome=Outcome.FAILED)
    assert not is_good(unproved)
    assert recommended([unproved, float32]) is float32
    assert recommended([unproved]) is unproved
    assert recommended([]) is None


def test_names_of_strangers_are_quoted(tmp_path: Path) -> None:
    name = 'a"$b`\\n'
    spec = dataclasses.replace(sample_bundle.FLOAT.inputs[0], name=name, meaning="")
    hostile = Signature((spec, dataclasses.replace(spec, name="class")), sample_bundle.FLOAT.outputs)
    readme = readme_of(only(tmp_path, 0, signature=hostile), tmp_path / "out")
    compile(code(readme, "python"), "readme", "exec")
    assert '"a\\"\\$b`\\\\n" to input_a__b__n' in code(readme, "kotlin")
    assert '"class": input_class' in code(readme, "python")


@pytest.mark.parametrize("format", list(Format))
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_code_of_every_kind_is_complete(tmp_path: Path, format: Format, layout: str, channels: int) -> None:
    shape = {"N": 1, "H": 6, "W": 4, "C": channels}
    spec = TensorSpec("image", tuple(shape[axis] for axis in layout), "float32", layout)
    signature = Signature((spec,), sample_bundle.FLOAT.outputs)
    contents = dataclasses.replace(
        only(tmp_path, 0, format=format, signature=signature), preprocessing={"image": image_rules(spec)}
    )
    manifest = open_bundle(write_bundle(contents, tmp_path / "out")).manifest
    readme = render_readme(manifest, contents.labels)
    assert "{{" not in readme
    assert "{%" not in readme
    assert readme.count("```") % 2 == 0
    if format in (Format.TFLITE, Format.ONNX, Format.EXECUTORCH, Format.TORCHSCRIPT):
        compile(code(readme, "python"), "readme", "exec")
    for language in ("kotlin", "swift"):
        for block in re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL):
            for left, right in ("()", "[]", "{}"):
                assert block.count(left) == block.count(right)


@pytest.mark.parametrize("format", [Format.TFLITE, Format.ONNX])
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_scaled_as_the_rules_say(tmp_path: Path, format: Format, channels: int) -> None:
    spec = TensorSpec("image", (1, channels, 6, 4), "float32", "NCHW", limits=(-1.0, 1.0))
    how = Preprocessing(2 / 255, (1.0,), (1.0,), resize="fit")
    contents = dataclasses.replace(
        only(tmp_path, 0, format=format, signature=Signature((spec,), sample_bundle.FLOAT.outputs)),
        preprocessing={"image": image_rules(spec, preprocessing=how)},
    )
    readme = render_readme(open_bundle(write_bundle(contents, tmp_path / "out")).manifest, contents.labels)
    assert "Give 0..255 as -1..1, evenly in between" in readme
    assert "raw values" not in readme
    python = code(readme, "python")
    assert "input_image = input_image * 0.00784313725490196 + -1.0" in python
    assert "ImageOps.pad(picture, (4, 6)" in python
    compile(python, "readme", "exec")
    assert " * 0.00784313725490196f + -1.0f)" in code(readme, "kotlin")
    assert "input_image_raw.map { $0 * 0.00784313725490196 + -1.0 }" in readme


def run(contents: BundleContents, out: Path, picture: np.ndarray) -> str:
    """What the README's Python prints, run in the bundle's folder beside a picture."""
    source = code(readme_of(contents, out), "python")
    Image.fromarray(picture).save(out / "picture.png")
    done = subprocess.run([sys.executable, "-c", source], cwd=out, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def contents_of(path: Path, store: Path, signature: Signature, channels: int, **changes: object) -> BundleContents:
    made = sample_bundle.contents(store)
    artifact: Artifact = sample_bundle.artifact(path, signature=signature, **changes)
    return dataclasses.replace(
        made,
        artifacts=[artifact],
        labels=("top", "bottom"),
        report=sample_bundle.report_on([artifact]),
        preprocessing={"image": image_rules(signature.inputs[0])},
    )


def pictures(channels: int) -> dict[str, np.ndarray]:
    """Bright above and bright below, of another size than the model's."""
    top = np.zeros((2 * HEIGHT, 2 * WIDTH), np.uint8)
    top[:HEIGHT] = 200
    both = {"top": top, "bottom": top[::-1]}
    return {name: np.repeat(one[..., None], 3, axis=2) if channels == 3 else one for name, one in both.items()}


def signature(layout: str, channels: int, dtype: str = "float32") -> Signature:
    shape = {"N": 1, "H": HEIGHT, "W": WIDTH, "C": channels}
    return Signature(
        (TensorSpec("image", tuple(shape[axis] for axis in layout), dtype, layout, meaning="image"),),
        (TensorSpec("logits", (1, 2), dtype, "NC", meaning="logits"),),
    )


def quantized_signature(path: Path) -> Signature:
    """The signature with the quantization that the file says."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))

    def spec(given: TensorSpec, details: dict) -> tuple[TensorSpec]:
        scale, zero_point = details["quantization"]
        return (dataclasses.replace(given, dtype="int8", scale=float(scale), zero_point=int(zero_point)),)

    plain = signature("NHWC", 1)
    (given,), (taken,) = interpreter.get_input_details(), interpreter.get_output_details()
    return Signature(spec(plain.inputs[0], given), spec(plain.outputs[0], taken))


@pytest.mark.tensorflow
@pytest.mark.parametrize("quantized", [False, True], ids=["float", "int8-io"])
def test_the_python_for_tflite_runs(tmp_path: Path, quantized: bool) -> None:
    import tensorflow as tf

    class Halves(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, HEIGHT, WIDTH, 1), tf.float32, name="image")])
        def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
            means = tf.reduce_mean(image, axis=(2, 3))
            return {"logits": tf.matmul(means, tf.constant([[1.0, 0.0]] * 3 + [[0.0, 1.0]] * 3) / 3.0)}

    model = Halves()
    tf.saved_model.save(model, str(tmp_path / "saved"), signatures=model.__call__.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"))
    if quantized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        levels = np.linspace(0, 255, 20, dtype=np.float32)
        converter.representative_dataset = lambda: ([np.full((1, HEIGHT, WIDTH, 1), v, np.float32)] for v in levels)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    path = tmp_path / "model.tflite"
    path.write_bytes(converter.convert())
    made = quantized_signature(path) if quantized else signature("NHWC", 1)
    precision = Precision.INT8_IO if quantized else Precision.FP32
    contents = contents_of(path, tmp_path / "s", made, 1, precision=precision)
    for name, picture in pictures(1).items():
        assert run(contents, tmp_path / "out", picture) == name


@pytest.mark.torch
@pytest.mark.parametrize("channels", [1, 3])
def test_the_python_for_onnx_runs(tmp_path: Path, channels: int) -> None:
    import onnx
    from onnx import TensorProto, helper

    weights = np.zeros((channels * HEIGHT * WIDTH, 2), np.float32).reshape(channels, HEIGHT, WIDTH, 2)
    weights[-1, : HEIGHT // 2, :, 0] = weights[-1, HEIGHT // 2 :, :, 1] = 1.0
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["image"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["logits"])],
        "halves",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, channels, HEIGHT, WIDTH))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, (1, 2))],
        [helper.make_tensor("w", TensorProto.FLOAT, (channels * HEIGHT * WIDTH, 2), weights.ravel())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    contents = contents_of(path, tmp_path / "s", signature("NCHW", channels), channels, format=Format.ONNX)
    for name, picture in pictures(channels).items():
        if channels == 3:
            picture = picture.copy()
            picture[..., :2] = picture[::-1, :, :2]  # red and green say the opposite: the model reads blue only
        assert run(contents, tmp_path / "out", picture) == name


@pytest.mark.torch
def test_the_python_for_torchscript_runs(tmp_path: Path) -> None:
    import torch

    class Halves(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.cat([image[:, :, :3].mean(dim=(2, 3)), image[:, :, 3:].mean(dim=(2, 3))], dim=1)

    path = tmp_path / "model.pt"
    torch.jit.trace(Halves(), torch.zeros(1, 1, HEIGHT, WIDTH)).save(str(path))
    contents = contents_of(path, tmp_path / "s", signature("NCHW", 1), 1, format=Format.TORCHSCRIPT)
    for name, picture in pictures(1).items():
        assert run(contents, tmp_path / "out", picture) == name


@pytest.mark.torch
def test_the_python_for_executorch_runs(tmp_path: Path) -> None:
    import torch
    from executorch.exir import to_edge_transform_and_lower

    class Halves(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.cat([image[:, :, :3].mean(dim=(2, 3)), image[:, :, 3:].mean(dim=(2, 3))], dim=1)

    path = tmp_path / "model.pte"
    program = torch.export.export(Halves(), (torch.zeros(1, 1, HEIGHT, WIDTH),))
    path.write_bytes(to_edge_transform_and_lower(program).to_executorch().buffer)
    contents = contents_of(path, tmp_path / "s", signature("NCHW", 1), 1, format=Format.EXECUTORCH)
    for name, picture in pictures(1).items():
        assert run(contents, tmp_path / "out", picture) == name
