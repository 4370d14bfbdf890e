"""live/parity.js and pipeline/checks/parity.py are twins: on the same arrays they give the same verdict."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from converters.contract import Precision, TensorSpec
from pipeline.checks.gates import Gates, to_toml
from pipeline.checks.parity import check_parity
from pipeline.configs import load_configs

Script = Callable[..., Any]
RNG = np.random.default_rng(7)
LOGITS = RNG.normal(size=(40, 1, 10)).astype(np.float32)
BOXES = RNG.normal(size=(40, 3, 4)).astype(np.float32)
IDS = RNG.integers(0, 50, (40, 5)).astype(np.int32)
ONE = (TensorSpec("logits", (1, 10), "float32", "NC", meaning="logits"),)
TWO = (*ONE, TensorSpec("boxes", (None, 4), "float32"))
WHOLE = (TensorSpec("ids", (5,), "int32"),)


@pytest.fixture(scope="module")
def gates() -> Gates:
    return load_configs(None, None)[1]


def noisy(values: np.ndarray, size: float) -> np.ndarray:
    return (values + size * RNG.normal(size=values.shape)).astype(values.dtype)


def changed(values: np.ndarray, where: Any, value: float) -> np.ndarray:
    copy = values.copy()
    copy[where] = value
    return copy


TIED = changed(LOGITS, (slice(None), 0, slice(0, 2)), 9.0)
QUIET = LOGITS * np.where(np.arange(40) % 8, 1.0, 1e-7).astype(np.float32)[:, None, None]
CASES: dict[str, tuple[tuple[TensorSpec, ...], dict, dict]] = {
    "equal": (ONE, {"logits": LOGITS}, {"logits": LOGITS}),
    "rounding": (ONE, {"logits": LOGITS}, {"logits": noisy(LOGITS, 1e-7)}),
    "16 bits": (ONE, {"logits": LOGITS}, {"logits": LOGITS.astype(np.float16).astype(np.float32)}),
    "8 bits": (ONE, {"logits": LOGITS}, {"logits": np.round(LOGITS * 32) / np.float32(32)}),
    "wrong": (ONE, {"logits": LOGITS}, {"logits": noisy(LOGITS, 1.0)}),
    "one wrong sample": (ONE, {"logits": LOGITS}, {"logits": changed(LOGITS, 17, 0.0)}),
    "NaN": (ONE, {"logits": LOGITS}, {"logits": changed(LOGITS, (3, 0, 1), math.nan)}),
    "Inf in the reference": (ONE, {"logits": changed(LOGITS, (3, 0, 1), math.inf)}, {"logits": LOGITS}),
    "wrong shape": (ONE, {"logits": LOGITS}, {"logits": LOGITS[:, :, :5]}),
    "fewer samples": (ONE, {"logits": LOGITS}, {"logits": LOGITS[:30]}),
    "too few samples": (ONE, {"logits": LOGITS[:9]}, {"logits": LOGITS[:9]}),
    "one sample": (ONE, {"logits": LOGITS[:1]}, {"logits": LOGITS[:1]}),
    "no samples": (ONE, {"logits": LOGITS[:0]}, {"logits": LOGITS[:0]}),
    "missing": (TWO, {"logits": LOGITS, "boxes": BOXES}, {"logits": LOGITS}),
    "surplus": (ONE, {"logits": LOGITS}, {"logits": LOGITS, "boxes": BOXES}),
    "missing in the reference": (TWO, {"logits": LOGITS}, {"logits": LOGITS, "boxes": BOXES}),
    "two": (TWO, {"logits": LOGITS, "boxes": BOXES}, {"logits": noisy(LOGITS, 1e-7), "boxes": noisy(BOXES, 1e-3)}),
    "swapped": (
        (ONE[0], dataclasses.replace(ONE[0], name="other")),
        {"logits": LOGITS, "other": LOGITS[::-1]},
        {"logits": LOGITS[::-1], "other": LOGITS},
    ),
    "swapped shapes": (TWO, {"logits": LOGITS, "boxes": BOXES}, {"logits": BOXES, "boxes": LOGITS}),
    "unequal counts": (TWO, {"logits": LOGITS, "boxes": BOXES[:20]}, {"logits": LOGITS, "boxes": BOXES[:20]}),
    "other reference shape": (ONE, {"logits": BOXES}, {"logits": BOXES}),
    "constant": (ONE, {"logits": np.ones_like(LOGITS)}, {"logits": np.ones_like(LOGITS)}),
    "zero": (ONE, {"logits": LOGITS * 1e-20}, {"logits": LOGITS * 0}),
    "saturated": (ONE, {"logits": np.where(LOGITS > 2.6, 1, 0).astype(np.float32)}, {"logits": LOGITS * 0}),
    "ties": (ONE, {"logits": TIED}, {"logits": changed(TIED, (slice(None), 0, 1), 9.0 + 1e-6)}),
    "quiet samples": (ONE, {"logits": QUIET}, {"logits": noisy(QUIET, 1e-3)}),
    "zero rows": (ONE, {"logits": changed(LOGITS, 5, 0)}, {"logits": noisy(changed(LOGITS, 5, 0), 1e-3)}),
    "integers": (WHOLE, {"ids": IDS}, {"ids": IDS}),
    "one integer": (WHOLE, {"ids": IDS}, {"ids": changed(IDS, (3, 2), 77)}),
    "wide integers": (WHOLE, {"ids": IDS.astype(np.int64)}, {"ids": IDS}),
    "floats for integers": (WHOLE, {"ids": IDS}, {"ids": IDS.astype(np.float32)}),
    "flags": ((TensorSpec("ids", (5,), "bool"),), {"ids": IDS > 25}, {"ids": changed(IDS > 25, (0, 0), True)}),
    "exactly off by the range": (ONE, {"logits": LOGITS}, {"logits": LOGITS + np.float32(np.ptp(LOGITS))}),
}


def in_browser(
    script: Script, gates: Gates, precision: Precision, case: tuple, at_limits: np.ndarray | None
) -> dict[str, Any]:
    outputs, reference, got = case
    arrays = {f"r/{k}": v for k, v in reference.items()} | {f"g/{k}": v for k, v in got.items()}
    return script(
        "parity.js",
        """const { parseGates } = await import("/live/bundle.js");
           const side = (prefix, names) => Object.fromEntries(names.map((name) => [name, tensors[prefix + name]]));
           return m.checkParity(side("r/", wanted), side("g/", given), outputs,
             parseGates(gates).parity[precision], limits);""",
        arrays,
        outputs=[dataclasses.asdict(spec) for spec in outputs],
        wanted=list(reference),
        given=list(got),
        gates=to_toml(gates),
        precision=precision.value,
        limits=None if at_limits is None else at_limits.tolist(),
    )


def require_twins(
    script: Script, gates: Gates, precision: Precision, case: tuple, at_limits: np.ndarray | None = None
) -> str:
    outputs, reference, got = case
    own = check_parity(reference, got, outputs, gates.parity[precision], at_limits)
    theirs = in_browser(script, gates, precision, case, at_limits)
    assert (theirs["outcome"], bool(theirs["reasons"])) == (own.outcome.value, bool(own.reasons)), (own, theirs)
    assert list(theirs["metrics"]) == list(own.metrics) or set(theirs["metrics"]) == set(own.metrics)
    for name, value in own.metrics.items():
        assert theirs["metrics"][name] == pytest.approx(value, rel=1e-9, abs=1e-12), name
    return own.outcome.value


@pytest.mark.parametrize("name", CASES)
def test_the_verdicts_are_the_same(name: str, script: Script, gates: Gates) -> None:
    for precision in (Precision.FP32, Precision.FP16, Precision.INT8):
        require_twins(script, gates, precision, CASES[name])


def test_the_cases_pass_and_fail(gates: Gates) -> None:
    def outcome(name: str, precision: Precision) -> str:
        outputs, reference, got = CASES[name]
        return check_parity(reference, got, outputs, gates.parity[precision]).outcome.value

    assert outcome("rounding", Precision.FP32) == "PASSED"
    assert outcome("16 bits", Precision.FP32) == "FAILED"
    assert outcome("16 bits", Precision.FP16) == "PASSED"
    assert outcome("8 bits", Precision.INT8) == "PASSED"
    assert outcome("swapped", Precision.INT8) == "FAILED"


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_made_up_extremes_are_left_out_where_the_gate_says_so(
    precision: Precision, script: Script, gates: Gates
) -> None:
    limits = np.arange(40) % 5 == 0
    case = (ONE, {"logits": LOGITS}, {"logits": changed(LOGITS, limits, 0.0)})
    outcome = require_twins(script, gates, precision, case, limits)
    assert outcome == ("FAILED" if gates.parity[precision].at_limits else "PASSED")


def test_random_arrays(script: Script, gates: Gates) -> None:
    outcomes = set()
    for seed in range(25):
        rng = np.random.default_rng(seed)
        reference = (rng.normal(size=(int(rng.integers(16, 40)), 1, 10)) * 10 ** rng.uniform(-4, 4)).astype(np.float32)
        size = float(np.ptp(reference)) * 10 ** rng.uniform(-8, 0)
        got = (reference + rng.normal(size=reference.shape) * size).astype(np.float32)
        precision = list(Precision)[seed % len(Precision)]
        outcomes.add(require_twins(script, gates, precision, (ONE, {"logits": reference}, {"logits": got})))
    assert outcomes == {"PASSED", "FAILED"}


def test_what_is_named_is_the_same(script: Script, gates: Gates) -> None:
    def reasons(name: str) -> str:
        return "\n".join(in_browser(script, gates, Precision.FP32, CASES[name], None)["reasons"])

    assert "NaN or Inf in 1 of 40 samples (first: 3)" in reasons("NaN")
    assert "logits equals the reference's other: outputs are exchanged" in reasons("swapped")
    assert "boxes equals the reference's logits" in reasons("swapped shapes")
    assert "missing output boxes; the artifact gives logits" in reasons("missing")
    assert "wrong shape [40,1,5], the reference is [40,1,10]" in reasons("wrong shape")
    assert "proves nothing" in reasons("constant")


def test_gates_that_cannot_be_read_are_said(script: Script, gates: Gates) -> None:
    from converters.devices.chromium import PageError

    found = script("bundle.js", "return m.parseGates(text);", text=to_toml(gates))
    assert found == gates.to_json()
    with pytest.raises(PageError, match=r"cannot read the line"):
        script("bundle.js", "return m.parseGates(text);", text='[parity.fp32]\nreason = """\nx\n"""')
