from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import MODELS

from converters.contract import Artifact
from converters.errors import ModelError, UnsupportedError
from converters.executorch.program import SIGNATURE_METHOD, Program, opened, read_signature, signature_text

pytestmark = pytest.mark.torch
Exported = Callable[..., Artifact]


def plan(name: str, instructions: int = 1) -> dict:
    return {"name": name, "chains": [{"instructions": [{}] * instructions}]}


def test_the_signature_is_a_method_of_the_file(exported: Exported) -> None:
    with opened(exported("torch_two_in_two_out").path) as program:
        assert set(program.methods) == {"forward", SIGNATURE_METHOD}
        assert program.main == "forward"
        assert read_signature(program) == MODELS["torch_two_in_two_out"].signature


def test_an_app_reads_the_signature_by_executorch_itself(exported: Exported) -> None:
    from executorch.runtime import Runtime

    artifact = exported("torch_two_in_two_out")
    program = Runtime.get().load_program(artifact.path)
    assert program.load_method(SIGNATURE_METHOD).execute([]) == [signature_text(artifact.signature)]


@pytest.mark.parametrize(
    ("plans", "main"),
    [
        ([plan("forward"), plan("backward")], "forward"),
        ([plan("encode"), plan("get_dim", 0)], "encode"),
    ],
)
def test_the_method_that_is_the_model(plans: list[dict], main: str) -> None:
    assert Program({"execution_plan": plans}, [], {}).main == main


def test_several_methods_without_forward_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="no method is called `forward`; there are encode, decode"):
        Program({"execution_plan": [plan("encode"), plan("decode")]}, [], {}).main  # noqa: B018


def test_a_damaged_signature_is_said_so() -> None:
    broken = {"name": SIGNATURE_METHOD, "values": [{"val": ("String", {"string_val": "{}"})}], "outputs": [0]}
    with pytest.raises(ModelError, match=f"damaged: the signature in its method {SIGNATURE_METHOD}"):
        read_signature(Program({"execution_plan": [broken]}, [], {}))


def test_another_format_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\x08\x0a\x3a\x02\x08\x01\x42\x02\x10\x12")
    with pytest.raises(ModelError, match="holds onnx, not an ExecuTorch program"), opened(tmp_path / "m.onnx"):
        pass


def test_segments_that_are_not_there_are_damage() -> None:
    program = Program({"constant_segment": {"segment_index": 3, "offsets": [0, 4]}}, [memoryview(b"1234")], {})
    with pytest.raises(ModelError, match="damaged: it speaks of segment 3 and has 1"):
        program.constant(1, 4)
    program = dataclasses.replace(program, tables={"constant_segment": {"segment_index": 0, "offsets": [0, 2]}})
    assert program.constant(0, 2) == b"12"
    with pytest.raises(ModelError, match="damaged: it points to byte 6 of 4"):
        program.constant(1, 4)
    with pytest.raises(ModelError, match="damaged: it speaks of entry 9 of a table of 2"):
        program.constant(9, 4)


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_program_is_damaged(exported: Exported, tmp_path: Path, keep: float) -> None:
    whole = exported("torch_conv").path.read_bytes()
    (tmp_path / "m.pte").write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(ModelError, match="damaged ExecuTorch file: truncated: it needs"), opened(tmp_path / "m.pte"):
        pass
