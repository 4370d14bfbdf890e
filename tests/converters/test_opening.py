from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from types import ModuleType

import fake_toolkit
import pytest

from converters import opening, registry
from converters.contract import Artifact, Format, Precision, Signature, TensorSpec
from converters.errors import ContractError, ModelError, ToolkitCrash, UnsupportedError, UsageError

OWN = Signature((TensorSpec("image", (1, 2, 3, 1), "float32"),), (TensorSpec("logits", (1, 5), "float32"),))


@pytest.fixture
def float_file(tmp_path: Path) -> Artifact:
    (tmp_path / "f.tflite").write_bytes(b"f")
    made = Artifact(tmp_path / "f.tflite", Format.TFLITE, Precision.FP32, OWN, OWN)
    return dataclasses.replace(made, route="fake", producer="fake_quantizer")


def test_a_changed_file_is_opened_anew_and_few_stay_open(
    toolkit: ModuleType, float_file: Artifact, tmp_path: Path
) -> None:
    path = tmp_path / "copy.tflite"
    path.write_bytes(float_file.path.read_bytes())
    artifact = dataclasses.replace(float_file, path=path)
    sessions = []
    for stamp in range(1, 13):
        os.utime(path, ns=(stamp, stamp))
        sessions.append(opening.open_session("fake-runtime", artifact))
    assert len(set(map(id, sessions))) == 12
    assert fake_toolkit.Echo.closed >= 4


def test_sessions_that_cannot_be_opened(toolkit: ModuleType, float_file: Artifact, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.tflite is missing; convert the model again"):
        opening.open_session("fake-runtime", dataclasses.replace(float_file, path=tmp_path / "gone.tflite"))
    with pytest.raises(ContractError, match="fake-runtime opens tflite files, not onnx"):
        opening.open_session("fake-runtime", dataclasses.replace(float_file, format=Format.ONNX))
    with pytest.raises(UsageError, match="no runtime is called 'no-such'"):
        opening.open_session("no-such", float_file)


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [(RuntimeError("failed to prepare"), "ToolkitError"), (ModelError("does not load"), "ModelError")],
)
def test_a_file_of_ours_that_a_runtime_does_not_open_is_unsupported_and_one_of_others_damaged(
    toolkit: ModuleType, float_file: Artifact, refusal: Exception, kind: str
) -> None:
    def refuse(*_: object) -> None:
        raise refusal

    toolkit.open = refuse
    with pytest.raises(UnsupportedError, match=f"fake-runtime does not open what fake_quantizer wrote: .*{refusal}"):
        opening.open_session("fake-runtime", float_file)
    with pytest.raises(Exception, match=str(refusal)) as caught:
        opening.open_session("fake-runtime", dataclasses.replace(float_file, route="", producer=""))
    assert type(caught.value).__name__ == kind


def test_what_fails_when_it_is_run_is_no_refusal(toolkit: ModuleType) -> None:
    def work() -> None:
        raise RuntimeError("went wrong")

    with pytest.raises(Exception, match="fake-runtime: RuntimeError: went wrong") as caught:
        opening.guarded(registry.runtime("fake-runtime"), work)
    assert not isinstance(caught.value, (UnsupportedError, ToolkitCrash))


def test_one_session_answers_in_the_words_of_one_source_only(toolkit: ModuleType, float_file: Artifact) -> None:
    image = dataclasses.replace(OWN.inputs[0], name="picture", dtype="uint8")
    other = dataclasses.replace(float_file, source=Signature((image,), OWN.outputs))
    first = opening.open_session("fake-runtime", float_file)
    assert opening.open_session("fake-runtime", other) is not first
    assert opening.open_session("fake-runtime", float_file) is first
