from __future__ import annotations

from converters.litert_web import words

NOTES = """INFO: [environment.cc:36] Creating LiteRT environment with options
WARNING: [npu_registry.cc:34] NPU accelerator could not be loaded and registered: kLiteRtStatusErrorInvalidArgument.
WARNING: [model_load.cc:303] Sparsity tensors may not yet be fully supported.
I1123 20:19:47.719000  755312 delegate_kernel.cc:855] Initializing WebGPU-based API from graph.
"""


def test_only_what_tells_is_kept_once() -> None:
    said = (
        NOTES
        + "ERROR: Encountered unresolved custom op: FancyWarp.\n"
        + "See instructions: https://example.org/ops_custom\n"
        + "ERROR: Encountered unresolved custom op: FancyWarp.\n"
        + "Error: ERROR: [third_party/odml/litert/litert/js/packages/core/src/cpp/litert_web.cc:245]\n"
        + "└ ERROR: [./runtime/compiled_model.cc:70] Failed to allocate tensors\n"
        + "    at Object.open (http://127.0.0.1:1/page/bench.js:13:19)"
    )
    assert words.in_short(said) == "Encountered unresolved custom op: FancyWarp; Failed to allocate tensors"
    assert words.in_short(NOTES) == ""
    refusal = "ERROR: Following operations are not supported by GPU delegate:\nIF: Operation is not supported.\n"
    assert words.in_short(refusal) == (
        "Following operations are not supported by GPU delegate: IF: Operation is not supported"
    )


def test_long_words_are_cut() -> None:
    assert len(words.in_short("Error: " + "x" * 5000)) < 800


def test_what_has_an_answer_gets_it() -> None:
    assert "float inputs" in words.advice("Element type INT8 is not supported.")
    assert words.advice("Element type FLOAT32 is not supported.") == ""
    assert "fixed shapes" in words.advice(
        "TensorBuffer ranked tensor type Float32[1, 1] does not match expected ranked tensor type Float32[-1, 1]"
    )
    assert words.advice("Encountered unresolved custom op: FancyWarp.") == ""
