"""Faults in biases and in the float constants of other operators: the same for every format."""

from __future__ import annotations

import numpy as np

from benchmarks.mutation.kernels import grid, of_another, two
from benchmarks.mutation.layer import Planter
from benchmarks.mutation.planting import biases, constants

SCALING = ("MUL", "DIV", "Mul", "Div", "mul", "real_div")
SHIFTING = ("SUB", "ADD", "Sub", "Add", "sub", "add")
SLOPES = ("PRELU", "PRelu", "prelu")
LIMITS = ("MINIMUM", "MAXIMUM", "Clip", "Min", "Max", "clip", "minimum", "maximum")
TABLES = ("GATHER", "Gather", "EMBEDDING_LOOKUP", "gather")
LARGE = 1 << 22
"""Values: more than any table has that is tried here."""

BIAS_FAULTS: dict[str, Planter] = {
    "bias shifted by one channel": biases(lambda b, r: np.roll(b, 1)),
    "bias reversed": biases(lambda b, r: b[::-1]),
    "two biases exchanged": biases(two(0)),
    "bias lost": biases(lambda b, r: np.zeros_like(b)),
    "bias doubled": biases(lambda b, r: b * 2),
    "bias halved": biases(lambda b, r: b / 2),
    "bias's sign exchanged": biases(lambda b, r: -b),
    "bias scaled by 1.01": biases(lambda b, r: b * 1.01),
    "one bias lost": biases(lambda b, r: np.where(np.arange(b.size) == np.abs(b).argmax(), 0, b)),
    "one bias off by 10 %": biases(lambda b, r: np.where(np.arange(b.size) == 1, b + np.abs(b).max() * 0.1 + 1e-3, b)),
    "one bias off by 1 %": biases(lambda b, r: np.where(np.arange(b.size) == 1, b + np.abs(b).max() * 0.01, b)),
    "bias rounded to float16": biases(lambda b, r: b.astype(np.float16), "f"),
    "bias in 8 bits": biases(grid(127), "f"),
    "bias of another layer": of_another("bias"),
}

VALUE_FAULTS: dict[str, Planter] = {
    "preprocessing by 256": constants(lambda v, r: v * np.float32(255 / 256), SCALING, most=4),
    "preprocessing not scaled": constants(lambda v, r: np.ones_like(v), SCALING, most=4),
    "offset not subtracted": constants(lambda v, r: np.zeros_like(v), SHIFTING, most=4),
    "offset's sign exchanged": constants(lambda v, r: -v, SHIFTING),
    "offset off by 2 %": constants(lambda v, r: v * np.float32(1.02), SHIFTING),
    "factor off by 0.1 %": constants(lambda v, r: v * np.float32(1.001), SCALING),
    "factors shifted by one channel": constants(lambda v, r: np.roll(v, 1, -1), SCALING, 2),
    "offsets shifted by one channel": constants(lambda v, r: np.roll(v, 1, -1), SHIFTING, 2),
    "a mean for every channel": constants(lambda v, r: np.full_like(v, v.mean()), (), 2),
    "slope off by 10 %": constants(lambda v, r: v * np.float32(1.1), SLOPES),
    "a limit moved": constants(lambda v, r: v * np.float32(1.25), LIMITS),
    "epsilon in a constant": constants(lambda v, r: v * np.float32(10), ("ADD", "Add", "add", "MAXIMUM"), most=1),
    "a constant folded to zero": constants(lambda v, r: np.zeros_like(v)),
    "a table's rows shifted": constants(lambda v, r: np.roll(v, 1, 0), TABLES, 2, LARGE),
    "a constant NaN": constants(lambda v, r: np.full_like(v, np.nan)),
    "a constant rounded to float16": constants(lambda v, r: v.astype(np.float16), (), 4, LARGE),
}
