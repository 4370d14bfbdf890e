"""Plants what a wrong kernel does: a step too many, a wrong rounding, a swapped sample, float16 in place of float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pipeline import config
from pipeline.checks.gates import parse_gates
from pipeline.checks.kernels import check_kernels
from pipeline.checks.outcome import Outcome

GATES = parse_gates(config.load().gates)
# Core ML's own engines may compute a float32 file in float16, which its gate allows: parity judges those.
JUDGED = [name for name, gate in GATES.kernels.items() if gate.max_rel_range < 2e-3 and name != "alone"]
RNG = np.random.default_rng(1)
FLOATS = (RNG.normal(size=(256, 10)) * 8).astype(np.float32)
STORED = RNG.integers(-128, 128, (256, 10)).astype(np.int64)


def quantized(stored: np.ndarray) -> np.ndarray:
    return ((np.clip(stored, -128, 127) + 3).astype(np.float32) * np.float32(0.0371)).astype(np.float32)


FAULTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "float16": lambda y: y.astype(np.float16).astype(np.float32),
    "two samples exchanged": lambda y: y[[1, 0, *range(2, len(y))]],
    "one value wrong": lambda y: np.where((np.arange(10) == 3) & (np.arange(256) == 77)[:, None], y + 0.2, y),
    "tanh for relu6": lambda y: np.clip(y, -6, 6),
}
INT8_FAULTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "zero point off by two": lambda q: q + 2,
    "one value off by four": lambda q: np.where((np.arange(10) == 3) & (np.arange(256) == 77)[:, None], q - 4, q),
    "scale 5 % too large": lambda q: np.rint(q * 1.05).astype(np.int64),
}


@pytest.mark.parametrize("runtime", JUDGED)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_float_fault_fails(runtime: str, fault: str) -> None:
    wrong = FAULTS[fault](FLOATS).astype(np.float32)
    assert check_kernels({"y": FLOATS}, {"y": wrong}, "home", GATES.kernels[runtime]).outcome is Outcome.FAILED


@pytest.mark.parametrize("runtime", JUDGED)
@pytest.mark.parametrize("fault", INT8_FAULTS)
def test_an_int8_fault_fails(runtime: str, fault: str) -> None:
    home, wrong = quantized(STORED), quantized(INT8_FAULTS[fault](STORED))
    assert check_kernels({"y": home}, {"y": wrong}, "home", GATES.kernels[runtime]).outcome is Outcome.FAILED


@pytest.mark.parametrize("runtime", [name for name in JUDGED if GATES.kernels[name].max_steps > 0])
def test_honest_kernels_pass(runtime: str) -> None:
    gate = GATES.kernels[runtime]
    summed = (FLOATS.astype(np.float64) * (1 + 1e-7 * RNG.normal(size=FLOATS.shape))).astype(np.float32)
    assert check_kernels({"y": FLOATS}, {"y": summed}, "home", gate).outcome is Outcome.PASSED
    rounded = STORED + (RNG.random(STORED.shape) < 0.02)
    assert check_kernels({"y": quantized(STORED)}, {"y": quantized(rounded)}, "home", gate).outcome is Outcome.PASSED
