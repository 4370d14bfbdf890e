from __future__ import annotations

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from converters.contract import Precision
from converters.errors import ConfigError
from pipeline.checks.gates import parse_gates, to_toml

FILE = Path(__file__).resolve().parents[3] / "configs/gates.toml"
SHIPPED: dict[str, Any] = tomllib.loads(FILE.read_text())


@pytest.fixture
def content() -> dict[str, Any]:
    return copy.deepcopy(SHIPPED)


def test_the_shipped_file_is_complete() -> None:
    gates = parse_gates(SHIPPED)
    for table in (gates.parity, gates.accuracy, gates.precision, gates.size):
        assert set(table) == set(Precision)


def test_every_table_says_why() -> None:
    gates = parse_gates(SHIPPED)
    rows = [*gates.parity.values(), *gates.accuracy.values(), *gates.precision.values(), *gates.size.values()]
    rows += [*gates.placement.values(), gates.coverage, gates.latency]
    assert all(len(row.reason) > 8 for row in rows)


def test_fp32_is_as_tight_as_honest_pairs_allow() -> None:
    gate = parse_gates(SHIPPED).parity[Precision.FP32]
    assert gate.max_rel_range <= 1e-5
    assert gate.min_snr_db >= 100
    assert gate.min_top1 == 1.0
    assert parse_gates(SHIPPED).accuracy[Precision.INT8].max_drop_points == 0.5


def test_gates_survive_json() -> None:
    gates = parse_gates(SHIPPED)
    assert parse_gates(json.loads(json.dumps(gates.to_json()))) == gates


def test_an_override_changes_what_it_names_only() -> None:
    override = {"parity": {"int8": {"min_snr_db": 25, "reason": "our model is easy"}}}
    gates, shipped = parse_gates(SHIPPED, override), parse_gates(SHIPPED)
    assert gates.parity[Precision.INT8].min_snr_db == 25.0
    assert gates.parity[Precision.INT8].max_rel_range == shipped.parity[Precision.INT8].max_rel_range
    assert gates.parity[Precision.FP16] == shipped.parity[Precision.FP16]
    assert gates.accuracy == shipped.accuracy


def test_an_override_may_add_a_runtime() -> None:
    row = {"device": "gpu", "min_share": 1.0, "reason": "the name promises it"}
    assert parse_gates(SHIPPED, {"placement": {"litert-gpu": row}}).placement["litert-gpu"].device == "gpu"


def test_an_override_of_a_single_section() -> None:
    gates = parse_gates(SHIPPED, {"latency": {"max_ratio": 1.1, "reason": "must not be slower"}})
    assert gates.latency.max_ratio == 1.1


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"pariti": {}}, r"unknown section 'pariti'; did you mean 'parity'\? There are: parity, accuracy"),
        ({"parity": {"int-8": {"reason": "x"}}}, r"\[parity\]: unknown precision 'int-8'; did you mean 'int8'"),
        ({"parity": {"int8": {"min_snr": 3, "reason": "x"}}}, r"\[parity.int8\]: unknown key 'min_snr'; did you mean"),
        ({"parity": {"int8": {"zzz": 3, "reason": "x"}}}, r"unknown key 'zzz'\. There are: min_samples"),
        ({"latency": {"max_ration": 3, "reason": "x"}}, r"\[latency\]: unknown key 'max_ration'"),
        ({"parity": {"int8": {"min_snr_db": 3}}}, r"\[parity.int8\]: a changed tolerance needs its own `reason`"),
        ({"latency": {"max_ratio": 3}}, r"\[latency\]: a changed tolerance needs its own `reason`"),
        ({"parity": {"int8": {"min_snr_db": "20", "reason": "x"}}}, "min_snr_db must be a number, got '20'"),
        ({"parity": {"int8": {"min_snr_db": True, "reason": "x"}}}, "min_snr_db must be a number, got True"),
        ({"parity": {"int8": {"min_samples": 1.5, "reason": "x"}}}, "min_samples must be a whole number, got 1.5"),
        ({"parity": {"int8": {"at_limits": 1, "reason": "x"}}}, "at_limits must be true or false, got 1"),
        ({"parity": {"int8": {"min_snr_db": float("nan"), "reason": "x"}}}, "finite, got nan"),
        ({"parity": {"int8": {"max_rel_range": -1e-3, "reason": "x"}}}, "zero or more and finite, got -0.001"),
        ({"parity": {"int8": {"min_top1": 95, "reason": "x"}}}, "is a share: it must be within 0 and 1, got 95"),
        ({"parity": {"int8": {"reason": " "}}}, "reason must be a text that says something"),
        ({"parity": {"int8": 3}}, r"\[parity.int8\] must be a table, got 3"),
        ({"parity": 3}, r"\[parity\] must be a table, got 3"),
        ({"placement": {"new": {"device": "gpu", "reason": "x"}}}, r"\[placement.new\]: missing min_share"),
    ],
)
def test_what_does_not_fit_is_named(override: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_gates(SHIPPED, override)


def test_a_missing_gate_is_not_filled_in(content: dict[str, Any]) -> None:
    del content["parity"]["int8"]["min_snr_db"]
    with pytest.raises(ConfigError, match=r"\[parity.int8\]: missing min_snr_db; a gate has no defaults"):
        parse_gates(content)
    del content["parity"]["int8"]
    with pytest.raises(ConfigError, match=r"\[parity.int8\] is missing"):
        parse_gates(content)


def test_runtimes_that_nobody_knows() -> None:
    with pytest.raises(ConfigError, match="unknown runtime 'litert-xnnpack'; did you mean 'litert-xnn'"):
        parse_gates(SHIPPED, runtimes=("litert-xnn", "litert-reference", "onnxruntime"))


def test_gates_survive_toml() -> None:
    gates = parse_gates(SHIPPED)
    assert parse_gates(tomllib.loads(to_toml(gates))) == gates
