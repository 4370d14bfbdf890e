"""The routes of a corpus."""

from __future__ import annotations

import dataclasses

import pytest

from converters.contract import Format
from converters.errors import UsageError
from pipeline.configs import load_configs
from pipeline.coverage import ways
from pipeline.coverage.cases import CORPORA
from pipeline.coverage.ways import ways_of, with_routes

CONFIGS = load_configs(None, None)[0]
ONNX, TORCH = CORPORA


def test_every_converter_of_onnx_and_the_file_itself() -> None:
    found = {way.name: way for way in ways_of(ONNX, CONFIGS)}
    assert {"onnxruntime", "tflite", "onnx2tf", "onnx-tf"} <= found.keys()
    assert found["tflite"].target is Format.TFLITE
    assert found["onnxruntime"].edges == ()
    assert found["onnx2tf"].sealed
    assert not found["tflite"].sealed


def test_torch_goes_through_onnx_too() -> None:
    names = {way.name for way in ways_of(TORCH, CONFIGS)}
    assert {"litert", "onnx", "onnx-tflite", "torchscript"} <= names
    assert not any("vulkan" in name for name in names), "its files run on a device only"


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match="no route of the corpus onnx is called 'x'; there are"):
        ways_of(ONNX, CONFIGS, ("x",))


def test_results_belong_to_code_versions_and_the_pre_pass() -> None:
    (way,) = ways_of(ONNX, CONFIGS, ("tflite",))
    (bare,) = ways_of(ONNX, CONFIGS, ("tflite",), prepass=False)
    assert way.key() == dataclasses.replace(way).key()
    assert way.key() != bare.key()


def test_a_route_alone_says_which_corpus_is_meant() -> None:
    assert with_routes((), CORPORA, CONFIGS) == ("onnx", "torch")
    assert with_routes(("tflite",), CORPORA, CONFIGS) == ("onnx",)
    assert with_routes(("litert",), CORPORA, CONFIGS) == ("torch",)
    with pytest.raises(UsageError, match="no corpus has the routes x; there are of onnx"):
        with_routes(("x",), CORPORA, CONFIGS)


def test_a_route_depends_on_what_its_steps_import_and_not_on_their_neighbours():
    found = set(ways.imported("converters.litert.convert"))
    assert {"converters/litert/convert.py", "converters/litert/signature.py"} <= found
    assert not {"converters/litert/quantize.py", "converters/litert/tracer.py"} & found
    assert not any(place.startswith("converters/onnx") for place in found)
