"""Kotlin and Python give the same verdict on the same numbers, faults included, on every precision's gate."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.android import jvm
from converters.contract import Arrays, Precision, TensorSpec
from pipeline.checks.gates import Gates, parse_gates
from pipeline.checks.outcome import Check, Outcome
from pipeline.checks.parity import check_parity
from pipeline.checks.verdict import _widened

from .mini import gates

N = 64
LOGITS = TensorSpec("logits", (1, 10), "float32", "NC", meaning="logits")
BOX = TensorSpec("box", (1, 10), "float32", "NC")
WHOLE = TensorSpec("ids", (1, 6), "int64")
Case = tuple[str, tuple[TensorSpec, ...], Arrays, Arrays, np.ndarray]


def reference(seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    return {
        "logits": (rng.normal(size=(N, 1, 10)) * 4).astype(np.float32),
        "box": (rng.normal(size=(N, 1, 10)) + 3).astype(np.float32),
        "ids": rng.integers(0, 50, (N, 1, 6)),
    }


def noisy(values: np.ndarray, snr_db: float, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=values.shape)
    power = np.sqrt(np.square(values.astype(np.float64)).mean()) * 10 ** (-snr_db / 20)
    return (values + noise * power).astype(values.dtype)


def stepped(values: np.ndarray, steps: int = 255) -> np.ndarray:
    """Values on an 8-bit grid."""
    step = np.ptp(values) / steps
    return (np.round(values / step) * step).astype(np.float32)


def off_by(values: np.ndarray, tolerance: float, ulps: int) -> np.ndarray:
    """One value away by a tolerance of the range, give or take some last places."""
    away = values.astype(np.float64)
    bound = tolerance * float(np.ptp(away))
    for _ in range(abs(ulps)):
        bound = math.nextafter(bound, math.inf if ulps > 0 else 0.0)
    place = np.unravel_index(np.abs(away).argmin(), away.shape)
    away[place] = 0.0
    kept = away.copy()
    away[place] = bound
    return np.stack([kept, away])


def cases() -> Iterator[Case]:
    """(name, outputs, reference, got, at_limits)."""
    good, none = reference(), np.zeros(N, dtype=bool)
    one = {"logits": good["logits"]}
    for snr in (150, 110, 99, 80, 60, 49, 40, 30, 24, 18, 12, 5):
        yield f"noise {snr} dB", (LOGITS,), one, {"logits": noisy(one["logits"], snr)}, none
        limits = np.arange(N) % 4 == 0
        extreme = one["logits"].copy()
        extreme[limits] *= 30
        got = noisy(extreme, snr)
        yield f"noise {snr} dB with limits", (LOGITS,), {"logits": extreme}, {"logits": got}, limits
    yield "equal", (LOGITS,), one, dict(one), none
    yield "8-bit steps", (LOGITS,), one, {"logits": stepped(one["logits"])}, none
    yield "4-bit steps", (LOGITS,), one, {"logits": stepped(one["logits"], 15)}, none
    for precision in ("fp32", "int8"):
        for ulps in (-1, 0, 1):
            spec = TensorSpec("logits", (1, 10), "float64", "NC")
            tolerance = gates().parity[Precision(precision)].max_rel_range
            kept, away = off_by(one["logits"], tolerance, ulps)
            yield f"at the tolerance of {precision} {ulps:+d}", (spec,), {"logits": kept}, {"logits": away}, none
    yield from _broken(good, none)
    yield from _unproved(none)


def _broken(good: Arrays, none: np.ndarray) -> Iterator[Case]:
    one = {"logits": good["logits"]}
    for name, value in (("NaN", np.nan), ("Inf", np.inf), ("-Inf", -np.inf)):
        bad = one["logits"].copy()
        bad[[7, 9], 0, 2] = value
        yield name, (LOGITS,), one, {"logits": bad}, none
        yield f"{name} in the reference", (LOGITS,), {"logits": bad}, one, none
    both, specs = {name: good[name] for name in ("logits", "box")}, (LOGITS, BOX)
    yield "two outputs", specs, both, {n: noisy(v, 120) for n, v in both.items()}, none
    yield "swapped outputs", specs, both, {"logits": both["box"], "box": both["logits"]}, none
    shapes = (TensorSpec("logits", (1, 10), "float32"), TensorSpec("box", (10, 1), "float32"))
    odd = {"logits": both["logits"], "box": both["box"].reshape(N, 10, 1)}
    yield "swapped of other shapes", shapes, odd, {"logits": odd["box"], "box": odd["logits"]}, none
    yield "missing output", specs, both, {"logits": both["logits"]}, none
    yield "nothing given", specs, both, {}, none
    yield "surplus output", (LOGITS,), one, both, none
    yield "no reference", specs, one, both, none
    yield "no outputs", (), {}, {}, none
    yield "wrong shape", (LOGITS,), one, {"logits": one["logits"][:, :, :9]}, none
    yield "scalar", (LOGITS,), one, {"logits": np.float32(3.0).reshape(())}, none
    yield "fewer samples", (LOGITS,), one, {"logits": one["logits"][:-1]}, none
    yield "wrong kind", (LOGITS,), one, {"logits": one["logits"].astype(np.int32)}, none
    yield "float64 is a float", (LOGITS,), one, {"logits": one["logits"].astype(np.float64)}, none
    yield "float16 is a float", (LOGITS,), one, {"logits": one["logits"].astype(np.float16)}, none
    yield "reference unlike its spec", (TensorSpec("logits", (1, 11), "float32"),), one, one, none
    yield "shifted classes", (LOGITS,), one, {"logits": np.roll(one["logits"], 1, axis=-1)}, none
    yield "neighbour's output", (LOGITS,), one, {"logits": np.roll(one["logits"], 1, axis=0)}, none
    yield from _causes(one["logits"], none)
    yield "scaled", (LOGITS,), one, {"logits": one["logits"] * 1.5}, none
    yield "constant", (LOGITS,), one, {"logits": np.full_like(one["logits"], 0.25)}, none
    yield "zeros", (LOGITS,), one, {"logits": np.zeros_like(one["logits"])}, none
    ids = {"ids": good["ids"]}
    yield "integers", (WHOLE,), ids, dict(ids), none
    for changed in (1, 30):
        other = good["ids"].copy()
        other.reshape(-1)[:changed] += 1
        yield f"{changed} other integers", (WHOLE,), ids, {"ids": other}, none
    nothing = {"logits": good["logits"][:, :, :0]}
    yield "no elements", (TensorSpec("logits", (1, 0), "float32"),), nothing, dict(nothing), none
    yield "integers of another width", (WHOLE,), ids, {"ids": good["ids"].astype(np.int32)}, none


def _causes(values: np.ndarray, none: np.ndarray) -> Iterator[Case]:
    """What each guess at a cause is made for."""
    faults = {
        "classes shifted back": np.roll(values, -1, axis=-1),
        "neighbour before": np.roll(values, -1, axis=0),
        "classes reversed": values[..., ::-1],
        "classes in another order": values[..., [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]],
        "bias lost": values + np.linspace(0.2, 2, 10, dtype=np.float32),
        "hardly moves": values * np.float32(0.001) + np.random.default_rng(5).normal(size=10).astype(np.float32),
    }
    for name, got in faults.items():
        yield name, (LOGITS,), {"logits": values}, {"logits": np.ascontiguousarray(got)}, none
    image = (np.random.default_rng(4).normal(size=(N, 1, 6, 6, 3))).astype(np.float32)
    spec = TensorSpec("y", (1, 6, 6, 3), "float32", "NHWC")
    for name, turned in {
        "height and width exchanged": image.transpose(0, 1, 3, 2, 4),
        "channels first in memory": image.transpose(0, 1, 4, 2, 3),
        "another order of all": image.transpose(0, 1, 4, 3, 2),
    }.items():
        got = np.ascontiguousarray(turned).reshape(image.shape)
        yield name, (spec,), {"y": image}, {"y": got}, none


def _unproved(none: np.ndarray) -> Iterator[Case]:
    for count in (0, 1, 15, 16):
        few = {"logits": reference()["logits"][:count]}
        yield f"{count} samples", (LOGITS,), few, dict(few), none[:count]
    some = np.arange(N) >= 10
    all_ = {"logits": reference()["logits"]}
    yield "10 real samples", (LOGITS,), all_, dict(all_), some
    for name, values in (
        ("constant reference", np.full((N, 1, 10), 2.5)),
        ("zero reference", np.zeros((N, 1, 10))),
        ("tiny reference", np.random.default_rng(0).normal(size=(N, 1, 10)) * 1e-20),
        ("saturated reference", np.where(np.arange(N * 10).reshape(N, 1, 10) == 77, 0.5, np.eye(10)[:1][None])),
        ("ties", np.round(np.random.default_rng(2).normal(size=(N, 1, 10)))),
    ):
        array = values.astype(np.float32)
        yield name, (LOGITS,), {"logits": array}, {"logits": array.copy()}, none
    ties = np.round(np.random.default_rng(2).normal(size=(N, 1, 10))).astype(np.float32)
    yield "ties broken", (LOGITS,), {"logits": ties}, {"logits": noisy(ties, 130)}, none
    quiet = reference()["logits"] * np.where(np.arange(N) % 3 == 0, 1e-6, 1).reshape(N, 1, 1)
    quiet = quiet.astype(np.float32)
    yield "samples near zero", (LOGITS,), {"logits": quiet}, {"logits": noisy(quiet, 60)}, none


def tensors(arrays: Arrays) -> dict[str, Any]:
    return {
        name: {
            "dtype": str(values.dtype),
            "shape": list(values.shape),
            "bytes": base64.b64encode(np.ascontiguousarray(values).tobytes()).decode(),
        }
        for name, values in arrays.items()
    }


def written(rows: list[tuple[str, str, str, Case]], gates: Gates, path: Path) -> Path:
    """The cases as the app's program reads them."""
    content = {"schema_version": 1, "precisions": [p.value for p in Precision], "gates": gates.to_json()}
    listed = [
        {
            "name": name,
            "precision": precision,
            "family": family,
            "arithmetic": "",
            "outputs": [{**vars(spec), "shape": list(spec.shape)} for spec in case[1]],
            "reference": tensors(case[2]),
            "got": tensors(case[3]),
            "at_limits": case[4].tolist(),
        }
        for name, precision, family, case in rows
    ]
    path.write_text(json.dumps({"gates": content, "cases": listed}))
    return path


def python_says(precision: str, family: str, case: Case, all_gates: Gates) -> Check:
    gate = all_gates.parity[Precision(precision)]
    if family in all_gates.kernels:
        import dataclasses

        device = all_gates.kernels[family]
        least = min(gate.min_moving_snr_db, device.min_snr_db)
        gate = dataclasses.replace(_widened(gate, device), min_moving_snr_db=least)
    _, outputs, want, got, limits = case
    return check_parity(want, got, outputs, gate, limits)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-7)
    return bool(one == other)


@pytest.fixture(scope="module")
def verdicts(app_program: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Check, dict[str, Any]]]:
    """(case, Python's verdict, Kotlin's) of every case by every precision's gate."""
    folder, all_gates = tmp_path_factory.mktemp("cases"), parse_gates(gates().to_json())
    families = {Precision.FP32.value: ("android-jvm", "android", "litert-gpu")}
    rows = [
        (f"{case[0]} / {precision.value} / {family}", precision.value, family, case)
        for case in cases()
        for precision in Precision
        for family in families.get(precision.value, ("android-jvm",))
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(jvm.VARIABLE, str(app_program))
        jvm.ask("judge", written(rows, all_gates, folder / "cases.json"), 120.0, out=folder / "verdicts.json")
    said = json.loads((folder / "verdicts.json").read_text())
    return [(name, python_says(p, family, case, all_gates), said[name]) for name, p, family, case in rows]


def test_the_outcome_is_the_same(verdicts: list[tuple[str, Check, dict[str, Any]]]) -> None:
    other = [
        f"{name}: Python {ours.outcome} {ours.reasons}, Kotlin {theirs['outcome']} {theirs['reasons']}"
        for name, ours, theirs in verdicts
        if ours.outcome.value != theirs["outcome"]
    ]
    assert not other, "\n".join(other)
    assert len(verdicts) > 500
    passed = sum(ours.outcome is Outcome.PASSED for _, ours, _ in verdicts)
    assert 100 < passed < len(verdicts) - 100, "a table of one outcome would prove nothing"


def test_the_metrics_are_the_same(verdicts: list[tuple[str, Check, dict[str, Any]]]) -> None:
    far = [
        f"{name}: {metric} is {ours.metrics.get(metric)} in Python, {theirs['metrics'].get(metric)} in Kotlin"
        for name, ours, theirs in verdicts
        for metric in {*ours.metrics, *theirs["metrics"]}
        if not same(ours.metrics.get(metric), theirs["metrics"].get(metric))
    ]
    assert not far, "\n".join(far[:40])


def test_the_reasons_are_the_same_guesses_at_the_cause_too(verdicts: list[tuple[str, Check, dict[str, Any]]]) -> None:
    other = [
        f"{name}:\n  Python {ours.reasons}\n  Kotlin {theirs['reasons']}"
        for name, ours, theirs in verdicts
        if sorted(ours.reasons) != sorted(theirs["reasons"])  # a JSON object has no order of its own
    ]
    assert not other, "\n".join(other[:20])
    said = [reason.partition("likely cause: ")[2] for _, ours, _ in verdicts for reason in ours.reasons]
    guessed = {" ".join(cause.split()[:4]) for cause in said if cause}
    assert len(guessed) >= 9, f"few causes are guessed at: {guessed}"
