from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from converters.contract import Artifact, Format, Precision, Signature, TensorSpec, signature_from_json
from converters.errors import ContractError

IMAGE = TensorSpec("image", (None, 3, 12, 20), "float32", "NCHW", meaning="image")
STORED = TensorSpec("image", (None, 12, 20, 3), "int8", "NHWC", 0.5, -128, "image")
LOGITS = TensorSpec("logits", (1, 5), "float32", "NC", meaning="logits")
ARTIFACT = Artifact(
    path=Path("m.tflite"),
    format=Format.TFLITE,
    precision=Precision.INT8_IO,
    signature=Signature((STORED,), (LOGITS,)),
    source=Signature((IMAGE,), (LOGITS,)),
    versions={"litert": "2"},
    builder_args={"width": 0.5, "mean": [1, 2]},
)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"layout": "NCH"}, "layout 'NCH' does not name the axes of"),
        ({"scale": 0.5}, "scale and zero point come together"),
        ({"zero_point": 0}, "scale and zero point come together"),
    ],
)
def test_a_spec_that_contradicts_itself_dies_at_construction(changes, match):
    with pytest.raises(ContractError, match=match):
        dataclasses.replace(IMAGE, **changes)


def test_a_type_that_numpy_does_not_know_dies_at_construction():
    with pytest.raises(TypeError, match="float33"):
        dataclasses.replace(IMAGE, dtype="float33")


def test_a_zero_scale_point_still_counts_as_quantized():
    assert dataclasses.replace(STORED, scale=1.0, zero_point=0).quantized
    assert not IMAGE.quantized


@pytest.mark.parametrize("names", [("x", "x"), ("x", "")])
def test_two_tensors_of_one_name_or_none_cannot_be_bound(names):
    specs = tuple(dataclasses.replace(IMAGE, name=name) for name in names)
    with pytest.raises(ContractError, match="input names must be unique and not empty"):
        Signature(specs, (LOGITS,))
    with pytest.raises(ContractError, match="output names must be unique and not empty"):
        Signature((IMAGE,), specs)


def test_an_input_and_an_output_may_share_a_name():
    Signature((IMAGE,), (IMAGE,))


def test_an_artifact_comes_back_from_json_with_dynamic_axes_and_types():
    text = json.dumps(ARTIFACT.to_json())
    found = Artifact.from_json(json.loads(text))
    assert found == ARTIFACT
    assert isinstance(found.path, Path)
    assert found.format is Format.TFLITE
    assert found.precision is Precision.INT8_IO
    assert found.source.inputs[0].shape == (None, 3, 12, 20)


def test_a_damaged_record_is_an_error_not_a_default():
    record = ARTIFACT.to_json()
    with pytest.raises(ValueError, match="int7"):
        Artifact.from_json({**record, "precision": "int7"})
    with pytest.raises(TypeError, match="unknown"):
        Artifact.from_json({**record, "unknown": 1})
    with pytest.raises(ContractError, match="does not name the axes"):
        signature_from_json({"inputs": [{**dataclasses.asdict(IMAGE), "layout": "N"}], "outputs": []})


def test_every_format_has_an_ending_of_its_own():
    endings = [format.suffix for format in Format]
    assert len(set(endings)) == len(endings)
    assert all(ending.startswith(".") for ending in endings)
