from __future__ import annotations

import pytest

from converters.contract import Format, Framework, Precision
from converters.errors import ModelError
from pipeline.bundle import ArtifactName, artifact_file_name, parse_artifact_file_name, slug


def test_the_name_of_the_documentation() -> None:
    name = artifact_file_name("fashion-cnn", "torch", "litert", "int8", "tflite")
    assert name == "fashion-cnn_torch_litert_int8.tflite"
    parsed = parse_artifact_file_name(name)
    assert parsed == ArtifactName("fashion-cnn", Framework.TORCH, "litert", Precision.INT8, Format.TFLITE)
    assert str(parsed) == name


@pytest.mark.parametrize("format", list(Format))
@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("framework", list(Framework))
def test_every_name_is_read_back(framework: Framework, precision: Precision, format: Format) -> None:
    name = artifact_file_name("m2", framework, "onnx-onnx2tf", precision, format)
    assert parse_artifact_file_name(name) == ArtifactName("m2", framework, "onnx-onnx2tf", precision, format)


@pytest.mark.parametrize("model", ["a_b", "", "A", "a.b", "../a", "a/b", "a--b", "-a", "a-", "a b", "ü"])
def test_a_part_outside_the_grammar_is_refused(model: str) -> None:
    with pytest.raises(ModelError, match="cannot be part of a file name"):
        artifact_file_name(model, "torch", "litert", "int8", "tflite")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("m", "jax", "litert", "int8", "tflite"), "framework 'jax' is none of torch, tensorflow"),
        (("m", "torch", "litert", "int4", "tflite"), "precision 'int4' is none of fp32"),
        (("m", "torch", "litert", "int8", "caffe"), "format 'caffe' is none of torch"),
    ],
)
def test_what_does_not_exist_is_refused(parts: tuple[str, str, str, str, str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        artifact_file_name(*parts)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("m_torch_litert_int8.zip", "ends in none of"),
        ("m_torch_int8.tflite", "is not named <model>_<framework>"),
        ("m_torch_a_b_int8.tflite", "is not named"),
        ("../m_torch_litert_int8.tflite", "is not named"),
        ("m_torch_litert_int4.tflite", "precision 'int4'"),
        ("m_torch_litert_int8.tflite\n", "ends in none of"),
    ],
)
def test_a_strange_file_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        parse_artifact_file_name(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fashion-cnn", "fashion-cnn"),
        ("My Model v1.0", "my-model-v1-0"),
        ("a_b__c", "a-b-c"),
        ("Café/../Modèle", "cafe-modele"),
        ("<script>", "script"),
    ],
)
def test_slugs(text: str, expected: str) -> None:
    assert slug(text) == expected


@pytest.mark.parametrize("text", ["模型", "", "!!!", "\udc80", "x" * 300, "a-" * 200])
def test_any_name_gives_a_usable_part(text: str) -> None:
    made = slug(text)
    assert len(made) <= 64
    assert parse_artifact_file_name(artifact_file_name(made, "torch", "litert", "fp32", "onnx")).model == made


def test_names_without_latin_letters_stay_apart() -> None:
    assert slug("模型") != slug("型模")
    assert slug("x" * 300) != slug("x" * 301)
