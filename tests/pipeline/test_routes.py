from __future__ import annotations

import pytest

from converters import registry
from converters.contract import EXPANDED, Edge, Format, Framework, Precision
from converters.errors import UsageError
from pipeline.routes import FILES, find_routes, routes_of

FP32, FP16, INT8 = Precision.FP32, Precision.FP16, Precision.INT8


def edge(toolkit, source, target, *precisions):
    return Edge(f"{target}_from_{source}", toolkit, "m", source, target, precisions, "w", ())


def names(routes):
    return {(route.name, route.target.value, route.precision.value) for route in routes}


def test_a_chain_of_two_converters_is_a_route():
    edges = [edge("onnx", Format.TORCH, Format.ONNX, FP32), edge("onnx2tf", Format.ONNX, Format.TFLITE, FP32, INT8)]
    assert names(find_routes(Framework.TORCH, edges)) == {
        ("onnx", "onnx", "fp32"),
        ("onnx-onnx2tf", "tflite", "fp32"),
        ("onnx-onnx2tf", "tflite", "int8"),
    }
    assert find_routes(Framework.TENSORFLOW, edges) == ()


def test_a_quantizer_is_taken_only_for_what_the_converter_does_not_make():
    convert = edge("litert", Format.KERAS, Format.TFLITE, FP32, INT8)
    quantize = edge("litert", Format.TFLITE, Format.TFLITE, FP16, INT8)
    found = {route.precision: route for route in find_routes(Framework.TENSORFLOW, [quantize, convert])}
    assert found[INT8].edges == (convert,)
    assert found[FP16].edges == (convert, quantize)
    assert found[FP16].steps() == ((convert, FP32), (quantize, FP16))


def test_conversions_start_from_fp32_and_visit_a_format_once():
    edges = [
        edge("a", Format.TORCH, Format.ONNX, INT8),
        edge("b", Format.ONNX, Format.TFLITE, FP32),
        edge("c", Format.TFLITE, Format.ONNX, FP32),
    ]
    assert names(find_routes(Framework.TORCH, edges)) == {("a", "onnx", "int8")}


def test_the_real_graph_reaches_every_target_in_the_promised_precisions():
    torch = names(find_routes(Framework.TORCH, registry.edges()))
    keras = names(find_routes(Framework.TENSORFLOW, registry.edges()))
    every = {precision.value for precision in Precision if precision is not Precision.PALETTIZED}
    assert {p for route, target, p in torch if (route, target) == ("litert", "tflite")} == every
    assert {p for route, target, p in keras if (route, target) == ("litert", "tflite")} == every
    assert {("coreml", "coreml", p) for p in ("fp32", "fp16", *EXPANDED)} <= torch & keras
    assert ("torchscript", "torchscript", "fp32") in torch
    assert {p for route, _, p in torch if route == "executorch-xnnpack"} == {"fp32", "int8", "int8-io"}
    assert {("executorch-portable", "executorch", "fp32"), ("executorch-vulkan", "executorch", "fp32")} <= torch
    assert {("onnx", "onnx", p) for p in every} <= torch & keras
    assert {("torch-export", "pt2", "fp32"), ("torchscript-ptl", "ptl", "fp32")} <= torch
    assert ("tensorflow", "savedmodel", "fp32") in keras
    assert {("onnx-ort", "ort", "fp32"), ("onnx-ort", "ort", "int8")} <= torch & keras
    assert ("litert-pt2e", "tflite", "int8-io") in torch


def test_a_route_through_a_sealed_toolchain_is_weighed_where_that_is_here_and_taken_where_it_is_named():
    found = find_routes(Framework.TORCH, registry.edges())
    plain = routes_of((), found, lambda chain: False)
    assert not any(route.sealed for route in plain)
    assert routes_of(("best",), found, lambda chain: False) == plain
    weighed = routes_of((), found, lambda chain: chain == "onnx2tf")
    assert {chain for route in weighed for chain in route.sealed} == {"onnx2tf"}
    assert {route.name for route in routes_of(("onnx-onnx2tf",), found, bool)} == {"onnx-onnx2tf"}
    assert set(routes_of(("all",), found, lambda chain: False)) == set(found) > set(plain)
    with pytest.raises(UsageError, match=r"no route is called 'onnx2tf'; there are .*onnx-onnx2tf.*best, all"):
        routes_of(("onnx2tf",), found, bool)
    with pytest.raises(UsageError, match="beside best, litert it says nothing"):
        routes_of(("best", "litert"), found, bool)


@pytest.mark.parametrize("start", FILES)
def test_a_file_starts_where_its_framework_would_and_at_converters_of_files(start):
    found = names(find_routes(FILES[start], registry.edges(), start))
    onnx = {"onnx": ("onnx", "fp32"), "torchscript": ("onnx-jit", "fp32")}.get(start, ("onnx", "fp32"))
    assert (onnx[0], "onnx", onnx[1]) in found
    assert (f"{onnx[0]}-onnx2tf", "tflite", "int8") in found
    assert (("litert", "tflite", "fp32") in found) is (start is not Format.ONNX)
    assert (("executorch-xnnpack", "executorch", "fp32") in found) is (start in (Format.PT2, Format.TORCHSCRIPT))
    assert all(route.start is start for route in find_routes(FILES[start], registry.edges(), start))


def test_what_starts_from_files_that_were_brought_is_no_step_on_the_way():
    for framework in (Framework.TORCH, Framework.TENSORFLOW):
        for route in find_routes(framework, registry.edges()):
            assert not any(edge.brought for edge in route.edges)


def test_a_sealed_toolchain_is_taken_where_nothing_else_leads_to_a_format():
    from_onnx = routes_of((), find_routes(Framework.ONNX, registry.edges()), lambda chain: False)
    assert {route.sealed for route in from_onnx if route.target is Format.TFLITE} == {()}, "ours needs none"
    bare = [edge for edge in registry.edges() if edge.toolkit != "tflite"]
    from_onnx = routes_of((), find_routes(Framework.ONNX, bare), lambda chain: False)
    assert {route.sealed for route in from_onnx if route.target is Format.TFLITE} == {("onnx2tf",), ("onnx_tf",)}
    script = find_routes(Framework.TORCH, registry.edges(), Format.TORCHSCRIPT)
    taken = {route.name for route in routes_of((), script, lambda chain: False)}
    assert {"litert", "onnx-jit-tflite"} <= taken  # torch.export does not read every TorchScript
