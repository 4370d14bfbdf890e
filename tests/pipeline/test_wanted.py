from __future__ import annotations

import pytest

from converters import registry
from converters.contract import Framework, Precision
from converters.errors import UsageError
from pipeline import config
from pipeline.plan import Plan, make_plan
from pipeline.request import Request
from pipeline.wanted import not_weighed, wanted_routes

CONFIGS = config.load()


def test_what_no_route_makes_is_told_where_it_was_asked_for_or_is_usual(monkeypatch):
    monkeypatch.setattr(registry, "made", lambda name: False)
    routes, missing = wanted_routes(Framework.TORCH, ("torchscript",), (Precision.PALETTIZED,), (), CONFIGS)
    assert routes == []
    assert missing == ["no route makes palettized of torchscript from torch"]
    _, missing = wanted_routes(Framework.TORCH, ("coreml",), (), (), CONFIGS)
    assert missing == ["no route makes dynamic, int8, int8-io of coreml from torch"]
    _, missing = wanted_routes(Framework.TORCH, ("pt2", "coreml", "torchscript"), (), (), CONFIGS)
    assert len(missing) == 2, "targets that lack the same are one note"
    assert missing[0].endswith("of pt2, torchscript from torch")


def test_a_route_that_only_one_of_two_frameworks_has_may_be_named():
    def routes(*names: str) -> set[tuple[str, str]]:
        plan = make_plan(Request(("tflite", "executorch"), "digits-cnn", routes=names), CONFIGS)
        return {(cell.route.framework.value, cell.route.name) for cell in plan.cells}

    assert routes("litert", "executorch-xnnpack") == {
        *(("torch", "litert"), ("tensorflow", "litert"), ("torch", "executorch-xnnpack"))
    }
    with pytest.raises(UsageError, match="no route is called 'executorch'; there are .*litert-pt2e"):
        routes("litert", "executorch")


def test_each_toolchain_that_is_not_here_is_named_once(monkeypatch):
    monkeypatch.setattr(registry, "made", lambda name: name == "onnx_tf")
    (note,) = not_weighed(tuple(Framework), ("tflite", "onnx"), CONFIGS)
    assert note.startswith("route onnx-onnx2tf was not weighed")
    assert not_weighed(tuple(Framework), ("onnx",), CONFIGS) == []


def test_sealed_routes_are_weighed_where_they_are_here_and_the_others_are_named(monkeypatch):
    def plan(*names: str) -> Plan:
        return make_plan(Request(("tflite",), "digits-cnn", routes=names), CONFIGS)

    def routes(*names: str) -> set[str]:
        return {cell.route.name for cell in plan(*names).cells}

    monkeypatch.setattr(registry, "made", lambda name: False)
    assert not {"onnx-onnx2tf", "onnx-onnx-tf"} & routes()
    assert plan().best
    (note,) = [note for note in plan().notes if "onnx-onnx2tf" in note]
    assert "was not weighed" in note
    assert "`edge-export toolchains build onnx2tf` brings it" in note
    assert routes("onnx-onnx-tf") == {"onnx-onnx-tf"}
    assert not plan("onnx-onnx-tf").best
    assert {"litert", "onnx-onnx2tf", "onnx-onnx-tf"} <= routes("all")
    monkeypatch.setattr(registry, "made", lambda name: name == "onnx2tf")
    assert {"litert", "onnx-onnx2tf"} <= routes("best")
    assert "onnx-onnx-tf" not in routes()
