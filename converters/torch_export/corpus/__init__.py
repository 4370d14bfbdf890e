"""Small PyTorch modules, one operator or one form of it each, for holding files against the framework.

Together they use PyTorch's core operators (`core_operators` counts which).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from converters import source
from converters.capture import capture
from converters.contract import TensorSpec
from converters.torch_export.corpus.elementwise import BINARY, POSITIVE, REDUCE, SMALL, UNARY
from converters.torch_export.corpus.layers import LAYERS
from converters.torch_export.corpus.make import Case, call, floats
from converters.torch_export.corpus.shapes import SHAPE

SAMPLES = 16
DATA, INDEX, WEIGHTS = "data.npz", "index.json", "weights.safetensors"
INPUT, OUTPUT, EXPECTED = "input/", "output/", "expected/"
BUILDER = "converters.torch_export.corpus:module"


def cases() -> dict[str, Callable[[], Case]]:
    """Every case by its name; a case is made when it is called."""

    def one(function: Callable[..., Any], *inputs: torch.Tensor) -> Callable[[], Case]:
        return lambda: call(function, *inputs)

    return {
        **{f"unary-{name}": one(function, floats(2, 3, 4, 6)) for name, function in UNARY.items()},
        **{f"positive-{name}": one(function, floats(2, 3, 4, positive=True)) for name, function in POSITIVE.items()},
        **{f"small-{name}": one(function, floats(2, 3, 4).tanh() * 0.9) for name, function in SMALL.items()},
        **{
            f"binary-{name}": one(function, floats(2, 3, 4), floats(2, 3, 4, seed=1))
            for name, function in BINARY.items()
        },
        **{
            f"broadcast-{name}": one(BINARY[name], floats(2, 3, 4), floats(3, 1, seed=1))
            for name in ("add", "mul", "div", "where", "gt")
        },
        **{f"reduce-{name}": one(function, floats(2, 3, 4, 6)) for name, function in REDUCE.items()},
        **{f"shape-{name}": one(function, floats(2, 3, 4, 6)) for name, function in SHAPE.items()},
        **{f"layer-{name}": case for name, case in LAYERS.items()},
    }


def module(name: str) -> nn.Module:
    """The module of a case, as a builder gives it."""
    return cases()[name]()[0]


def build(folder: Path) -> dict[str, int]:
    """Writes every case into a folder of its own name, and an index of all; how many fell out, by reason.

    `data.npz` of a case holds stacked inputs, the case's own first, and PyTorch's eager outputs.
    """
    index, out = [], {}
    for name, make in cases().items():
        try:
            index.append(_written(name, make(), folder))
        except Exception as error:
            out[f"{name}: {type(error).__name__}"] = 1
    ops = core_operators()
    (folder / INDEX).write_text(json.dumps({"cases": index, "left out": out, "of": len(index) + len(out), **ops}))
    return out


def core_operators() -> dict[str, list[str]]:
    """PyTorch's core operators that the cases use when they are exported, and those that none uses."""
    known = set()
    for name in torch._C._dispatch_get_all_op_names():
        space, _, rest = name.partition("::")
        if space == "aten":
            operator, _, overload = rest.partition(".")
            packet = getattr(torch.ops.aten, operator, None)
            entry = getattr(packet, overload or "default", None) if packet is not None else None
            if entry is not None and torch.Tag.core in entry.tags:
                known.add(operator)
    used = set()
    for make in cases().values():
        model, inputs = make()
        try:
            program = torch.export.export(model, inputs).run_decompositions()
        except Exception:  # one that cannot be exported uses none
            continue
        used |= {str(node.target).split(".")[1] for node in program.graph.nodes if str(node.target).startswith("aten.")}
    return {"used": sorted(known & used), "unused": sorted(known - used)}


def _written(name: str, case: Case, folder: Path) -> dict[str, Any]:
    made = folder / name
    made.mkdir(parents=True, exist_ok=True)
    _, tensors = case
    specs = tuple(_spec(f"x{place}", tensor) for place, tensor in enumerate(tensors))
    artifact = capture(BUILDER, {"name": name}, made / WEIGHTS, specs, "torch")
    artifact = replace(artifact, sha256="")  # built anew for each question: one name, one module
    model = source.load(artifact)
    random = np.random.default_rng(sum(map(ord, name)))
    names = [spec.name for spec in artifact.signature.inputs]
    stacks: dict[str, list[np.ndarray]] = {}
    for place in range(SAMPLES):
        sample = {
            key: tensor.numpy() if place == 0 else _moved(tensor.numpy(), random)
            for key, tensor in zip(names, tensors, strict=True)
        }
        outputs = source.call(model, sample, artifact.signature)
        for prefix, values in ((INPUT, sample), (OUTPUT, outputs)):
            for key, value in values.items():
                stacks.setdefault(prefix + key, []).append(np.asarray(value))
    arrays = {key: np.stack(rows) for key, rows in stacks.items()}
    np.savez(made / DATA, allow_pickle=False, **arrays)
    return {"name": name, "op": name.partition("-")[2], "artifact": asdict(artifact) | {"path": str(artifact.path)}}


def _spec(name: str, tensor: torch.Tensor) -> TensorSpec:
    dtype = str(tensor.dtype).removeprefix("torch.")
    layout = "NCHW" if tensor.ndim == 4 and dtype == "float32" else ""
    return TensorSpec(name, tuple(tensor.shape), dtype, layout)


def _moved(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The same numbers in other places."""
    return np.asarray(random.permutation(values.ravel()).reshape(values.shape))
