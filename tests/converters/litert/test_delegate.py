from __future__ import annotations

from pathlib import Path

import flat_models
import pytest
from ai_edge_litert import schema_py_generated as schema
from flat_models import Graph, Op, T

from converters.contract import Artifact
from converters.litert import delegate
from converters.litert.delegate import CUT_OFF, ONCE, Message, Placed
from converters.litert.flatbuffer import opened

SPARSE = """INFO: [compiled_model.cc:829] Flatbuffer model initialized directly from incoming litert model.
ERROR: Following operations are not supported by GPU delegate:
DENSIFY: Operation is not supported.
DEQUANTIZE: {nothing}
DEQUANTIZE: Dequantize for Densify is not supported
159 operations will run on the GPU, and the remaining 229 operations will run on the CPU.
I0000 00:00:1795464359.380719   16907 delegate_kernel.cc:984] Initializing WebGPU-based API from graph.
""".replace("{nothing}", "")
STATEFUL = """ERROR: Following operations are not supported by GPU delegate:
ASSIGN_VARIABLE: Operation is not supported.
VAR_HANDLE: Operation is not supported.
26 operations will run on the GPU, and the remaining 19 operations will run on the CPU.
ERROR: Following operations are not supported by GPU delegate:
TFLite_Detection_PostProcess: TFLite_Detection_PostProcess
No operations will run on the GPU, and all 12 operations will run on the CPU.
"""


def test_messages_are_read() -> None:
    refusals = {
        "DENSIFY": ("Operation is not supported.",),
        "DEQUANTIZE": ("Dequantize for Densify is not supported",),
    }
    assert delegate.messages(SPARSE) == [Message(refusals, 159, 229)]
    first, second = delegate.messages(STATEFUL)
    assert (first.on_gpu, first.on_cpu, set(first.refusals)) == (26, 19, {"ASSIGN_VARIABLE", "VAR_HANDLE"})
    assert (second.on_gpu, second.on_cpu, set(second.refusals)) == (0, 12, {"TFLite_Detection_PostProcess"})
    assert delegate.messages("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n") == []


def chain(path: Path, *types: str) -> Artifact:
    """Operators of one input and one output, one after the other."""
    tensors = [T(f"t{place}", (1, 4)) for place in range(len(types) + 1)]
    ops = [Op(type, (f"t{place}",), (f"t{place + 1}",)) for place, type in enumerate(types)]
    names = {"t0": "x", f"t{len(types)}": "y"}
    return flat_models.save(path, Graph(tensors, ops, ("t0",), (f"t{len(types)}",), names))


def rows(artifact: Artifact, *said: Message, **more: object) -> list[Placed]:
    with opened(artifact.path) as model:
        return delegate.placed(model, list(said), **more)  # type: ignore[arg-type]


def test_without_a_word_all_is_on_the_gpu(tmp_path: Path) -> None:
    found = rows(chain(tmp_path / "a.tflite", "RELU", "TANH"))
    assert found == [Placed("RELU", 0, 0, "gpu"), Placed("TANH", 0, 1, "gpu")]
    assert delegate.told(found) == ""


def test_what_is_refused_and_what_is_cut_off(tmp_path: Path) -> None:
    artifact = chain(tmp_path / "a.tflite", "RELU", "FLOOR", "TANH", "LOGISTIC", "RELU")
    found = rows(artifact, Message({"FLOOR": ("Operation is not supported.",)}, 3, 2))
    assert [row.device for row in found] == ["cpu", "cpu", "gpu", "gpu", "gpu"]
    assert [row.reason for row in found[:2]] == [CUT_OFF, "Operation is not supported."]
    assert delegate.told(found) == (
        f"1 RELU (operator 0: {CUT_OFF}); 1 FLOOR (operator 1: Operation is not supported.)"
    )


def test_which_of_a_type_are_refused_is_asked_for(tmp_path: Path) -> None:
    artifact = chain(tmp_path / "a.tflite", "RELU", "TANH", "RELU", "TANH", "LOGISTIC")
    said = Message({"TANH": ("Not so wide.",)}, 3, 2)
    found = rows(artifact, said, refuses=lambda graph, place: place == 1)
    assert [row.device for row in found] == ["cpu", "cpu", "gpu", "gpu", "gpu"]
    assert [row.type for row in found if row.reason == "Not so wide."] == ["TANH"]


def test_where_neighbours_are_the_reason_the_numbers_tell(tmp_path: Path) -> None:
    artifact = chain(tmp_path / "a.tflite", "RELU", "TANH", "RELU", "TANH", "LOGISTIC")
    found = rows(artifact, Message({"TANH": ("After a RELU.",)}, 1, 4), refuses=lambda graph, place: False)
    assert [row.device for row in found].count("gpu") == 1
    assert [row.device for row in found if row.type == "TANH"] == ["cpu", "cpu"]


def test_what_stays_open_is_unknown(tmp_path: Path) -> None:
    artifact = chain(tmp_path / "a.tflite", "RELU", "FLOOR", "TANH", "LOGISTIC")
    found = rows(artifact, Message({"FLOOR": ("Operation is not supported.",)}, 1, 3))
    assert [row.device for row in found] == ["unknown", "cpu", "unknown", "unknown"]
    assert "1 RELU (perhaps) (operator 0: the delegate does not say why)" in delegate.told(found)


def test_a_message_that_is_about_no_graph(tmp_path: Path) -> None:
    found = rows(chain(tmp_path / "a.tflite", "RELU", "TANH"), Message({"RELU": ()}, 5, 4))
    assert {row.device for row in found} == {"unknown"}


def test_what_runs_before_the_first_call_is_not_a_call_s(tmp_path: Path) -> None:
    artifact = flat_models.running_sum(tmp_path / "sum.tflite")
    all_of_them = ("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")
    said = "Operation is not supported."
    found = rows(
        artifact,
        Message(dict.fromkeys(all_of_them, (said,)), 1, 4),
        Message(dict.fromkeys(("VAR_HANDLE", "ASSIGN_VARIABLE"), (said,)), 0, 2),
    )
    assert [(row.type, row.device) for row in found if row.device == "gpu"] == [("ADD", "gpu")]
    assert {row.graph for row in found} == {0}


def test_long_lists_are_cut(tmp_path: Path) -> None:
    artifact = chain(tmp_path / "a.tflite", *["FLOOR"] * 9)
    text = delegate.told(rows(artifact, Message({"FLOOR": ("no",)}, 0, 9)))
    assert text == "9 FLOOR (operators 0, 1, 2, 3, 4, 5 and 3 more: no)"


@pytest.mark.parametrize("whole", [True, False])
def test_float16_constants_stay_on_the_cpu_of_a_parted_graph(
    tmp_path: Path, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The delegate reads them itself only where it takes the whole graph."""
    monkeypatch.setitem(flat_models.TYPES, "float16", schema.TensorType.FLOAT16)
    tensors = [
        T("x", (1, 4)), T("half", (1, 4), "float16", [[1, 2, 3, 4]]), T("single", (1, 4)), T("sum", (1, 4)),
        T("y", (1, 4)),
    ]  # fmt: skip
    ops = [
        Op("DEQUANTIZE", ("half",), ("single",)), Op("ADD", ("x", "single"), ("sum",)), Op("FLOOR", ("sum",), ("y",)),
    ]  # fmt: skip
    artifact = flat_models.save(tmp_path / "half.tflite", Graph(tensors, ops, ("x",), ("y",), {"x": "x", "y": "y"}))
    said = [] if whole else [Message({"DEQUANTIZE": (), "FLOOR": ("no",)}, 1, 2)]
    found = rows(artifact, *said)
    assert [row.device for row in found] == (["gpu"] * 3 if whole else ["cpu", "gpu", "cpu"])
    assert found[0].reason == ("" if whole else ONCE)
