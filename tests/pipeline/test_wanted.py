from __future__ import annotations

from converters import registry
from converters.contract import Framework, Precision
from pipeline import config
from pipeline.wanted import not_weighed, wanted_routes

CONFIGS = config.load()


def test_what_no_route_makes_is_told_where_it_was_asked_for_or_is_usual(monkeypatch):
    monkeypatch.setattr(registry, "made", lambda name: False)
    routes, missing = wanted_routes(Framework.TORCH, ("torchscript",), (Precision.PALETTIZED,), (), CONFIGS)
    assert routes == []
    assert missing == ["no route makes palettized of torchscript from torch"]
    _, missing = wanted_routes(Framework.TORCH, ("coreml",), (), (), CONFIGS)
    assert missing == ["no route makes dynamic, int8, int8-io of coreml from torch"]


def test_each_toolchain_that_is_not_here_is_named_once(monkeypatch):
    monkeypatch.setattr(registry, "made", lambda name: name == "onnx_tf")
    (note,) = not_weighed(tuple(Framework), ("tflite", "onnx"), CONFIGS)
    assert note.startswith("route onnx-onnx2tf was not weighed")
    assert not_weighed(tuple(Framework), ("onnx",), CONFIGS) == []
