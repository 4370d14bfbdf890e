from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_models import MODELS

from converters import job
from converters.contract import Artifact, Precision, Signature
from converters.errors import ContractError, EdgeExportError, ModelError
from converters.litert import runtime

Converted = Callable[..., Artifact]
pytestmark = pytest.mark.tensorflow


def sample(name: str = "keras_conv") -> dict[str, np.ndarray]:
    return {key: value[0] for key, value in MODELS[name].inputs(1).items()}


def test_placement_tells_the_delegate_s_operators(converted: Converted) -> None:
    whole = runtime.open(converted("keras_conv"), "litert-xnnpack", 1).placement()
    assert {device for _, device in whole} == {"xnnpack"}
    assert [op for op, _ in whole].count("CONV_2D") == 1
    mixed = dict(runtime.open(converted("keras_mixed"), "litert-xnnpack", 1).placement())
    assert mixed["GATHER"] == "builtin"
    assert mixed["FULLY_CONNECTED"] == "xnnpack"
    plain = runtime.open(converted("keras_conv"), "litert-reference", 1).placement()
    assert [op for op, _ in plain] == [op for op, _ in whole]
    assert {device for _, device in plain} == {"reference"}


def test_int8_runs_through_quantized_edges(converted: Converted) -> None:
    inside = runtime.open(converted("keras_conv", Precision.INT8), "litert-reference", 1).run(sample())
    outside = runtime.open(converted("keras_conv", Precision.INT8_IO), "litert-reference", 1).run(sample())
    np.testing.assert_allclose(inside["logits"], outside["logits"], atol=1e-6)
    assert outside["logits"].dtype == np.float32


def test_sessions_are_stateless_and_own_what_they_return(converted: Converted) -> None:
    session, inputs = (
        runtime.open(converted("keras_two_in_two_out"), "litert-xnnpack", 2),
        sample("keras_two_in_two_out"),
    )
    first = session.run(inputs)
    kept = {name: value.copy() for name, value in first.items()}
    session.run({name: value * 0 for name, value in inputs.items()})
    for name, value in session.run(inputs).items():
        np.testing.assert_array_equal(first[name], kept[name])
        np.testing.assert_array_equal(value, kept[name])


@pytest.mark.parametrize("cut", [0, 7, 100, 0.5, 0.99])
def test_a_damaged_file_is_refused_before_it_is_run(cut: float, converted: Converted, tmp_path: Path) -> None:
    whole = converted("keras_conv")
    data, path = whole.path.read_bytes(), tmp_path / "cut.tflite"
    path.write_bytes(data[: int(cut * len(data)) if isinstance(cut, float) else cut])
    with pytest.raises(ModelError, match=r"cut\.tflite"):
        runtime.open(dataclasses.replace(whole, path=path), "litert-xnnpack", 1)


def test_other_names_than_the_file_s_are_refused(converted: Converted) -> None:
    whole = converted("keras_conv")
    other = Signature((dataclasses.replace(whole.signature.inputs[0], name="picture"),), whole.signature.outputs)
    with pytest.raises(ContractError, match=r"has the inputs \['image'\], not \['picture'\]"):
        runtime.open(dataclasses.replace(whole, signature=other), "litert-xnnpack", 1)


def test_a_file_without_signatures_binds_by_tensor_names(edited: Callable[..., Path], converted: Converted) -> None:
    from converters.litert.signature import read_signature

    def strip(model: object) -> None:
        model.signatureDefs = []  # type: ignore[attr-defined]

    path = edited(strip)
    own = read_signature(path)
    assert [spec.name for spec in own.inputs] == ["serving_default_image:0"]
    session = runtime.open(
        dataclasses.replace(converted("keras_conv"), path=path, signature=own), "litert-reference", 1
    )
    expected = runtime.open(converted("keras_conv"), "litert-reference", 1).run(sample())["logits"]
    outputs = session._call({"serving_default_image:0": sample()["image"]})
    np.testing.assert_array_equal(next(iter(outputs.values())), expected)


def test_an_operator_that_litert_does_not_have(edited: Callable[..., Path], converted: Converted) -> None:
    def strange(model: object) -> None:
        code = model.operatorCodes[0]  # type: ignore[attr-defined]
        code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, b"NoSuchOperator"

    artifact = dataclasses.replace(converted("keras_conv"), path=edited(strange))
    with pytest.raises(EdgeExportError, match="NoSuchOperator") as raised:
        job.open_session("litert-reference", artifact)
    assert type(raised.value).__name__ == "UnsupportedError"
