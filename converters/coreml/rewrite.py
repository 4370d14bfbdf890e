"""Operators of PyTorch that coremltools converts wrongly or not at all, written with those that it converts rightly.

A decomposition that returns NotImplemented leaves the operator as it is. Each was seen on coremltools 9.0: arguments by
keyword are dropped in exported programs (`alpha`, `approximate`), 1 / x becomes 1 / (x + 1e-4), and an argmax of all
values becomes one along the last axis; none of it with a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

LACKING = frozenset((
    "addcdiv", "addcmul", "celu", "channel_shuffle", "cosine_similarity", "rms_norm", "_fused_rms_norm",
    "lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell",
))  # fmt: skip
"""Operators that coremltools refuses, and that PyTorch itself can write with others; recurrent layers step by step."""

aten: Any = torch.ops.aten
Table = dict[Any, Callable[..., Any]]


def decompositions() -> Table:
    """For `ExportedProgram.run_decompositions`."""
    whole: Table = torch.export.default_decompositions()
    known = {op: whole[op] for op in list(whole) if op._schema.name.rpartition("::")[2] in LACKING}
    return {**known, **_OURS}


def _add(a: Any, b: Any, *, alpha: float = 1) -> Any:
    return NotImplemented if alpha == 1 else aten.add(a, aten.mul(b, alpha))


def _sub(a: Any, b: Any, *, alpha: float = 1) -> Any:
    return NotImplemented if alpha == 1 else aten.sub(a, aten.mul(b, alpha))


def _rsub(a: Any, b: Any, alpha: float = 1) -> Any:
    return NotImplemented if alpha == 1 else aten.add(aten.mul(a, -alpha), b)


def _addmm(bias: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    if beta == alpha == 1:
        return NotImplemented
    return aten.add(aten.mul(bias, beta), aten.mul(aten.matmul(a, b), alpha))


def _gelu(x: Any, *, approximate: str = "none") -> Any:
    if approximate == "none":
        return NotImplemented
    inner = aten.mul(aten.add(x, aten.mul(aten.mul(aten.mul(x, x), x), 0.044715)), 0.7978845608028654)
    return aten.mul(aten.mul(x, 0.5), aten.add(aten.tanh(inner), 1.0))


def _reciprocal(x: Any) -> Any:
    return aten.div(aten.ones_like(x), x)


def _argmax(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    return NotImplemented if dim is not None or keepdim else aten.argmax(aten.reshape(x, [-1]), 0)


def _argmin(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    return NotImplemented if dim is not None or keepdim else aten.argmin(aten.reshape(x, [-1]), 0)


def _trunc(x: Any) -> Any:
    return aten.mul(aten.sign(x), aten.floor(aten.abs(x)))


def _fmod(a: Any, b: Any) -> Any:
    return aten.sub(a, aten.mul(_trunc(aten.div(a, b)), b))


def _asinh(x: Any) -> Any:
    size = aten.abs(x)
    return aten.mul(aten.sign(x), aten.log(aten.add(size, aten.sqrt(aten.add(aten.mul(size, size), 1.0)))))


def _acosh(x: Any) -> Any:
    return aten.log(aten.add(x, aten.sqrt(aten.sub(aten.mul(x, x), 1.0))))


def _log_sigmoid(x: Any) -> Any:
    return aten.neg(aten.softplus(aten.neg(x)))


def _lerp(a: Any, b: Any, weight: Any) -> Any:
    return aten.add(a, aten.mul(aten.sub(b, a), weight))


def _group_norm(x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5, *_: Any) -> Any:
    """As one normalization of each group: coremltools writes squares out, which float16 holds up to 256 only."""
    flat = aten.reshape(x, [x.shape[0], groups, -1])
    made = aten.reshape(aten.layer_norm(flat, [flat.shape[-1]], None, None, eps), x.shape)
    along = [1, x.shape[1], *[1] * (x.dim() - 2)]
    made = made if weight is None else aten.mul(made, aten.reshape(weight, along))
    return made if bias is None else aten.add(made, aten.reshape(bias, along))


def _where(condition: Any, a: float, b: Any) -> Any:
    """A whole number in the place of a tensor of floats is one of integers to coremltools."""
    return aten.where(condition, aten.full_like(b, a), b)


def _pad(x: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """Negative amounts cut off; the first pair is of the last axis."""
    if min(pad) >= 0:
        return NotImplemented
    for place, (low, high) in enumerate(zip(pad[::2], pad[1::2], strict=True)):
        axis = x.dim() - 1 - place
        x = aten.slice(x, axis, max(-low, 0), x.shape[axis] - max(-high, 0))
    grown = [max(amount, 0) for amount in pad]
    return aten.pad(x, grown, mode, value) if any(grown) else x


def _max_pool(function: Any) -> Callable[..., Any]:
    def pool(x: Any, kernel: Any, stride: Any = (), *others: Any) -> Any:
        return NotImplemented if len(stride) else function(x, kernel, list(kernel), *others)

    return pool


_OURS: Table = {
    aten.add.Tensor: _add,
    aten.sub.Tensor: _sub,
    aten.rsub.Tensor: _rsub,
    aten.rsub.Scalar: _rsub,
    aten.addmm.default: _addmm,
    aten.baddbmm.default: _addmm,
    aten.gelu.default: _gelu,
    aten.group_norm.default: _group_norm,
    aten.reciprocal.default: _reciprocal,
    aten.argmax.default: _argmax,
    aten.argmin.default: _argmin,
    aten.trunc.default: _trunc,
    aten.fmod.Tensor: _fmod,
    aten.asinh.default: _asinh,
    aten.acosh.default: _acosh,
    aten.log_sigmoid.default: _log_sigmoid,
    aten.unsafe_split.Tensor: aten.split.Tensor,
    aten.lerp.Scalar: _lerp,
    aten.lerp.Tensor: _lerp,
    aten.where.ScalarSelf: _where,
    aten.pad.default: _pad,
    aten.max_pool2d.default: _max_pool(aten.max_pool2d),
    aten.max_pool3d.default: _max_pool(aten.max_pool3d),
}
