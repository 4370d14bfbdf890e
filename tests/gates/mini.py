"""A model in plain numpy whose every fault can be planted by hand: the gates are judged on it.

image (n, 1, 12, 20, 3) pixels 0..255 -> normalise -> 3x3 convolution, stride 2 -> relu -> two halves pooled
-> square dense 16x16 -> relu -> logits (n, 1, 5); a second head gives box (n, 1, 5) of the same shape.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np

from converters.contract import Arrays, Precision, TensorSpec
from pipeline.checks.gates import Gates, parse_gates

ROOT = Path(__file__).resolve().parents[2]
OUTPUTS = (
    TensorSpec("logits", (1, 5), "float32", "NC", meaning="logits"),
    TensorSpec("box", (1, 5), "float32", "NC"),
)
Parameters = dict[str, np.ndarray]


def gates() -> Gates:
    """The project's own gates, as shipped."""
    return parse_gates(tomllib.loads((ROOT / "configs/gates.toml").read_text()))


def images(n: int = 128, seed: int = 0) -> np.ndarray:
    """(n, 1, 12, 20, 3) float32 pixels: coloured gradients with texture, each different."""
    rng = np.random.default_rng(seed)
    level, slope, texture = (
        rng.random((n, 1, 1, 1, 3)),
        rng.normal(size=(n, 1, 1, 20, 3)),
        rng.random((n, 1, 12, 20, 3)),
    )
    amount = rng.random((n, 1, 1, 1, 1))
    return np.clip(255 * (level + 0.3 * slope * amount + 0.3 * texture), 0, 255).round().astype(np.float32)


def parameters(seed: int = 7) -> Parameters:
    """Random weights; the dense layer in the middle is square, so that a transposition keeps its shape."""
    rng = np.random.default_rng(seed)
    shapes = {"kernel": (3, 3, 3, 8), "square": (16, 16), "head": (16, 5), "box": (16, 5)}
    made = {name: rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1])) for name, shape in shapes.items()}
    made |= {"kernel_bias": rng.normal(size=8) * 0.3, "square_bias": rng.normal(size=16) * 0.3}
    made |= {"head_bias": rng.normal(size=5) * 0.5, "scale": np.array(1 / 127.5), "shift": np.array(-1.0)}
    plain = {name: values.astype(np.float32) for name, values in made.items()}
    logits = run(plain, images(256, seed=99))["logits"][:, 0]
    plain["head"] /= logits.std(axis=0)  # every class is answered about equally often
    plain["head_bias"] = -(logits - plain["head_bias"]).mean(axis=0) / logits.std(axis=0)
    return plain


def run(p: Parameters, pixels: np.ndarray, dtype: type = np.float32) -> Arrays:
    """The outputs by name, computed in `dtype`."""
    p = {name: values.astype(dtype) for name, values in p.items()}
    x = pixels[:, 0].astype(dtype) * p["scale"] + p["shift"]
    patches = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2]
    x = np.maximum(np.einsum("nhwcij,ijco->nhwo", patches, p["kernel"], dtype=dtype) + p["kernel_bias"], 0)
    x = np.concatenate([x[:, :, :5].mean((1, 2)), x[:, :, 5:].mean((1, 2))], axis=1)
    x = np.maximum(x @ p["square"] + p["square_bias"], 0)
    logits, box = x @ p["head"] + p["head_bias"], x @ p["box"]
    return {"logits": logits[:, None].astype(np.float32), "box": box[:, None].astype(np.float32)}


def rounded(p: Parameters, bits: int) -> Parameters:
    """The weights on a symmetric grid of `bits` bits per output channel; 16 means float16."""
    if bits == 16:
        return {name: values.astype(np.float16).astype(np.float32) for name, values in p.items()}
    largest = 2 ** (bits - 1) - 1

    def grid(values: np.ndarray) -> np.ndarray:
        if values.ndim < 2:
            return values
        peaks = np.abs(values).max(axis=tuple(range(values.ndim - 1)))
        step = np.where(peaks > 0, peaks, 1) / largest
        return (np.rint(values / step) * step).astype(np.float32)

    return {name: grid(values) for name, values in p.items()}


def labels(logits: np.ndarray, wrong: float = 0.08, seed: int = 1) -> np.ndarray:
    """Labels that the reference mostly gets right."""
    rng = np.random.default_rng(seed)
    answers = logits.reshape(len(logits), -1)
    noisy = answers + rng.normal(size=answers.shape) * answers.std() * wrong
    return noisy.argmax(axis=1)


def parity_gate(precision: str) -> object:
    """The parity gate of a precision."""
    return gates().parity[Precision(precision)]
