"""Weights of 4 bits, or out of a table: what their outputs still show of a fault, and what their layers show.

4 bits alone leave 13 to 18 dB of the mask below, so that the output tells faults that leave less. One channel of
sixteen that is lost leaves more; it is told by the layer, whose weights are no rounding of the float file's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gates import mini
from gates.in_process import InProcess

from converters import job
from converters.contract import Arrays, Artifact, ConversionRequest, Format, Precision, Signature, TensorSpec
from pipeline import config
from pipeline.checks.outcome import Outcome
from pipeline.checks.parity import check_parity
from pipeline.drift import drift

GATES = mini.gates()
CHANNELS = 16
MASK = TensorSpec("mask", (1, 1, 20, 16), "float32", "NCHW")
RANDOM = np.random.default_rng(0)
PICTURES = (
    RANDOM.normal(size=(24, 20, 16, 3)) * 0.3
    + RANDOM.normal(size=(24, 1, 1, 3))
    + RANDOM.normal(size=(24, 5, 4, 3)).repeat(4, 1).repeat(4, 2)
).astype(np.float32)
COARSE = {"int4-weights": lambda p: mini.rounded(p, 4), "palettized": lambda p: tables(p, 64)}


def parameters(seed: int) -> mini.Parameters:
    """Weights of a network that gives a steep mask."""
    random = np.random.default_rng(seed)
    shapes = {"first": (3, 3, 3, CHANNELS), "middle": (3, 3, CHANNELS, CHANNELS), "last": (1, 1, CHANNELS, 1)}
    made = {name: random.normal(size=shape) * np.sqrt(2 / np.prod(shape[:-1])) for name, shape in shapes.items()}
    made |= {f"{name}_bias": random.normal(size=CHANNELS) * 0.3 for name in ("first", "middle")}
    plain = {name: values.astype(np.float32) for name, values in made.items()} | {"last_bias": np.zeros(1, np.float32)}
    level = logits(plain)
    plain["last"] *= np.float32(3 / level.std())
    plain["last_bias"] = np.float32([-3 * level.mean() / level.std()])
    return plain


def logits(p: mini.Parameters, lost: str = "") -> np.ndarray:
    """(n, H, W, 1) before the sigmoid; the activation behind the layer `lost` is left out."""
    x = PICTURES
    for name in ("first", "middle", "last"):
        margin = p[name].shape[0] // 2
        padded = np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, p[name].shape[:2], axis=(1, 2))
        x = np.tensordot(windows.transpose(0, 1, 2, 4, 5, 3), p[name], 3) + p[f"{name}_bias"]
        x = x if name in (lost, "last") else np.maximum(x, 0)
    return x


def mask(p: mini.Parameters, lost: str = "") -> Arrays:
    return {"mask": (1 / (1 + np.exp(-logits(p, lost))))[:, None].transpose(0, 1, 4, 2, 3).astype(np.float32)}


def tables(p: mini.Parameters, size: int) -> mini.Parameters:
    """Each weight as the nearest of a table of so many values, found by k-means."""

    def palette(values: np.ndarray) -> np.ndarray:
        if values.ndim < 2:
            return values
        table = np.quantile(values, (np.arange(size) + 0.5) / size)
        for _ in range(8):
            nearest = np.abs(values.reshape(-1, 1) - table).argmin(1)
            sums, counts = np.bincount(nearest, values.reshape(-1), size), np.bincount(nearest, minlength=size)
            table = np.where(counts > 0, sums / np.maximum(counts, 1), table)
        return table[nearest].reshape(values.shape).astype(np.float32)

    return {name: palette(values) for name, values in p.items()}


FAULTS: dict[str, Callable[[mini.Parameters], Arrays]] = {
    "square kernel transposed": lambda p: mask({**p, "middle": p["middle"].transpose(0, 1, 3, 2)}),
    "kernel turned by 180 degrees": lambda p: mask({**p, "middle": p["middle"][::-1, ::-1]}),
    "height and width exchanged": lambda p: mask({**p, "first": p["first"].transpose(1, 0, 2, 3)}),
    "first kernel turned by 180 degrees": lambda p: mask({**p, "first": p["first"][::-1, ::-1]}),
    "the loudest channel lost": lambda p: mask({**p, "middle": without(p["middle"], np.abs(p["last"]).argmax())}),
    "first activation lost": lambda p: mask(p, "first"),
    "colours exchanged": lambda p: mask({**p, "first": p["first"][:, :, ::-1]}),
    "image flipped": lambda p: {"mask": mask(p)["mask"][..., ::-1]},
    "mask inverted": lambda p: {"mask": 1 - mask(p)["mask"]},
    "mask moved by a pixel": lambda p: {"mask": np.roll(mask(p)["mask"], 1, axis=-1)},
    "mask always empty": lambda p: {"mask": mask(p)["mask"] * np.float32(1e-3)},
}


def without(kernel: np.ndarray, channel: int) -> np.ndarray:
    """The kernel with one output channel of zeros."""
    return np.where(np.arange(kernel.shape[-1]) == channel, 0, kernel).astype(np.float32)


@pytest.mark.parametrize("precision", COARSE)
@pytest.mark.parametrize("seed", [3, 4])
def test_a_fault_shows_in_the_output_beside_coarse_weights(precision: str, seed: int) -> None:
    plain = parameters(seed)
    coarse, gate = COARSE[precision](plain), GATES.parity[Precision(precision)]
    honest = check_parity(mask(plain), mask(coarse), (MASK,), gate)
    assert honest.outcome is Outcome.PASSED, honest.reasons
    found = {name: check_parity(mask(plain), fault(coarse), (MASK,), gate).outcome for name, fault in FAULTS.items()}
    assert found == dict.fromkeys(FAULTS, Outcome.FAILED)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return written(parameters(5), tmp_path_factory.mktemp("plain"))


def test_the_honest_file_passes(plain: Artifact, tmp_path: Path) -> None:
    found = drift(plain.path, four_bits(plain, tmp_path), "random", InProcess(), config.load().limits)
    assert (found.outcome, found.suspects) == (Outcome.PASSED, ())


@pytest.mark.parametrize("fault", ["a quiet channel lost", "two channels exchanged", "bias lost", "activation lost"])
def test_a_fault_that_the_output_hides_fails(plain: Artifact, fault: str, tmp_path: Path) -> None:
    p, lost = parameters(5), ""
    if fault == "a quiet channel lost":
        p["middle"] = without(p["middle"], np.argsort(np.abs(p["last"][0, 0, :, 0]))[CHANNELS // 2])
    elif fault == "two channels exchanged":
        p["middle"] = p["middle"][..., [1, 0, *range(2, CHANNELS)]]
    elif fault == "bias lost":
        p["first_bias"] = 0 * p["first_bias"]
    else:
        lost = "middle"
    gate = GATES.parity[Precision.INT4_WEIGHTS]
    hidden = check_parity(mask(parameters(5)), mask(mini.rounded(p, 4), lost), (MASK,), gate)
    assert hidden.outcome is Outcome.PASSED, "the case that it is about"
    faulty = four_bits(written(p, tmp_path, lost), tmp_path)
    found = drift(plain.path, faulty, "random", InProcess(), config.load().limits)
    assert found.outcome is Outcome.FAILED
    assert found.suspects


def written(p: mini.Parameters, folder: Path, lost: str = "") -> Artifact:
    """The network as an .onnx file."""
    import onnx
    from onnx import helper, numpy_helper

    nodes, constants, last = [], [], "x"
    for name in ("first", "middle", "last"):
        margin = p[name].shape[0] // 2
        constants += [
            numpy_helper.from_array(np.ascontiguousarray(p[name].transpose(3, 2, 0, 1)), name),
            numpy_helper.from_array(p[f"{name}_bias"], f"{name}_bias"),
        ]
        nodes.append(helper.make_node("Conv", [last, name, f"{name}_bias"], [f"{name}_sum"], pads=[margin] * 4))
        last = f"{name}_sum"
        if name not in (lost, "last"):
            nodes.append(helper.make_node("Relu", [last], [f"{name}_out"]))
            last = f"{name}_out"
    nodes.append(helper.make_node("Sigmoid", [last], ["mask"]))
    ends = (
        [helper.make_tensor_value_info("x", 1, [1, 3, 20, 16])],
        [helper.make_tensor_value_info("mask", 1, MASK.shape)],
    )
    graph = helper.make_graph(nodes, "net", *ends, constants)
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    signature = Signature((TensorSpec("x", (1, 3, 20, 16), "float32", "NCHW", meaning="image"),), (MASK,))
    return Artifact(path, Format.ONNX, Precision.FP32, signature, signature, model="net", framework="onnx")


def four_bits(source: Artifact, folder: Path) -> Path:
    """The file with weights of 4 bits."""
    request = ConversionRequest(source, folder / "net_int4.onnx", Precision.INT4_WEIGHTS)
    return job.convert("quantize_onnx", request).path
