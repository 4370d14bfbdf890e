"""Every value that a model computes, seen while its framework computes it: nothing in the model is changed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from converters.reach import moves_only, plain, thresholds

Seen = Callable[[str, str, Any, int, tuple[float, ...]], None]
"""(layer, operator, tensor, axis of its channels, thresholds): thresholds where it is what an operator is given."""
Shape = Sequence[int]
Ran = Callable[[str, Shape, Sequence[Shape], Sequence[Shape]], None]
"""(operator, shape of what it gives, of what was computed before, of its weights): each operator that ran."""

_CHANNELS_FIRST = ("conv", "pool", "batchnorm", "instancenorm", "groupnorm", "interpolate", "pixelshuffle")
_CHANNELS_LAST = ("layernorm", "linear", "matmul", "bmm", "embedding", "softmax", "attention", "addmm")
_COMPARISONS = frozenset(("gt", "lt", "ge", "le", "eq", "ne", "greater", "less", "greaterequal", "lessequal", "equal"))
_CLAMPS = frozenset(("clamp", "clip", "hardtanh", "clampmin", "clampmax", "threshold"))
READS = frozenset(("bool", "float", "int", "index", "item", "tolist"))
"""Of torch: how a model takes a value out of its tensors, to branch on it."""
_EITHER = frozenset(("minimum", "maximum"))


def unheard(*told: Any) -> None:
    """What nobody asks."""


@contextlib.contextmanager
def watch_torch(model: Any, inputs: Sequence[Any], seen: Seen, ran: Ran = unheard) -> Iterator[None]:
    """While it lasts, `seen` is told of each tensor that a module computes from `inputs`, `ran` of each operator."""
    import torch
    from torch.nn.modules import module as hooks
    from torch.overrides import TorchFunctionMode
    from torch.utils import _pytree as pytree

    names = {id(part): name for name, part in model.named_modules()}
    where = [""]
    alive = {id(tensor): tensor for tensor in inputs}  # held, so that no other tensor gets the same id
    axes: dict[int, int] = {}

    class Watch(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            name = str(getattr(func, "__name__", "")).strip("_")
            given = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
            live = [tensor for tensor in given if id(tensor) in alive]
            if not live:
                return func(*args, **kwargs)
            at = thresholds(name, _bounds(name, args, kwargs))
            if at and live[0].is_floating_point():  # before the call, which may work in place
                seen(where[-1], name, live[0], axes.get(id(live[0]), _axis(name, live[0].ndim)), at)
            if name in READS and live[0].numel() == 1:
                seen(where[-1], name, live[0].float().reshape(1), -1, ())
            made = func(*args, **kwargs)
            results = [leaf for leaf in pytree.tree_leaves(made) if isinstance(leaf, torch.Tensor)]
            if results:
                fixed = [tuple(tensor.shape) for tensor in given if id(tensor) not in alive]
                ran(name, tuple(results[0].shape), [tuple(tensor.shape) for tensor in live], fixed)
            for tensor in results:
                inherited = next((axes[id(t)] for t in live if t.shape == tensor.shape and id(t) in axes), None)
                alive[id(tensor)] = tensor
                axes[id(tensor)] = axis = _axis(name, tensor.ndim, inherited)
                if not at and _tells(name, tensor.is_floating_point(), tensor.dtype is torch.bool):
                    seen(where[-1], name, tensor, axis, _of_comparison(name))
            return made

    def enter(part: Any, args: Any) -> None:
        where.append(names.get(id(part), where[-1]))

    def leave(part: Any, args: Any, output: Any) -> None:
        where.pop()

    with contextlib.ExitStack() as stack:
        stack.callback(hooks.register_module_forward_pre_hook(enter).remove)
        stack.callback(hooks.register_module_forward_hook(leave, always_call=True).remove)
        stack.enter_context(Watch())
        yield


@contextlib.contextmanager
def watch_keras(inputs: Sequence[Any], seen: Seen, ran: Ran = unheard) -> Iterator[None]:
    """While it lasts, `seen` is told of each tensor that TensorFlow computes from `inputs`, `ran` of each operator."""
    from tensorflow.python.framework import op_callbacks

    live = {tensor._id for tensor in inputs}

    def told(op_type: Any, given: Any, attributes: Any, made: Any, op_name: Any = None, graph: Any = None) -> None:
        if graph is not None or not any(getattr(tensor, "_id", None) in live for tensor in given):
            return
        name = op_type.decode() if isinstance(op_type, bytes) else str(op_type)
        layer, main = _layer(), next(tensor for tensor in given if getattr(tensor, "_id", None) in live)
        fixed = [tensor for tensor in given if getattr(tensor, "_id", None) not in live]
        at = thresholds(name, _constant_bounds(name, fixed))
        if made:
            ran(name, _sizes(made[0]), [_sizes(tensor) for tensor in given], [_sizes(tensor) for tensor in fixed])
        if at and main.dtype.is_floating:
            seen(layer, name, main, -1, at)
        for tensor in made:
            if getattr(tensor, "_id", None) is not None:
                live.add(tensor._id)
                if not at and _tells(name, tensor.dtype.is_floating, tensor.dtype.is_bool):
                    seen(layer, name, tensor, -1, _of_comparison(name))

    op_callbacks.add_op_callback(told)
    try:
        yield
    finally:
        op_callbacks.remove_op_callback(told)


def _sizes(tensor: Any) -> tuple[int, ...]:
    """The shape of an eager tensor; none of what is no array."""
    return tuple(int(size or 0) for size in tensor.shape) if tensor.shape.rank else ()


def _layer() -> str:
    """The path of the Keras layer at work."""
    try:
        from keras.src.backend.common.name_scope import current_path
    except ImportError:
        return ""
    return str(current_path() or "")


def _tells(name: str, floating: bool, boolean: bool) -> bool:
    return not moves_only(name) and (floating or (boolean and bool(_of_comparison(name))))


def _of_comparison(name: str) -> tuple[float, ...]:
    return (0.5,) if plain(name) in _COMPARISONS else ()


def _axis(name: str, rank: int, inherited: int | None = None) -> int:
    """Where the channels of a torch tensor are: as its operator has them, else as its operand has, else by rank."""
    kind = plain(name)
    if any(word in kind for word in _CHANNELS_LAST):
        return -1
    if any(word in kind for word in _CHANNELS_FIRST):
        return 1
    return inherited if inherited is not None else (1 if rank >= 4 else -1)


def _bounds(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> list[float]:
    """The limits that a clamp of torch was given, numbers or tensors of one element."""
    kind = plain(name)
    if kind not in _CLAMPS | _EITHER:
        return []
    others = [*args[1:3], *(kwargs.get(key) for key in ("min", "max", "min_val", "max_val", "threshold", "other"))]
    if kind == "threshold":
        others = others[:1]
    return [bound for bound in map(_number, others) if bound is not None]


def _constant_bounds(name: str, constants: Sequence[Any]) -> list[float]:
    if plain(name) not in _EITHER and plain(name) != "clipbyvalue":
        return []
    return [bound for bound in map(_number, constants) if bound is not None]


def _number(value: Any) -> float | None:
    """A number, of a tensor with one element too."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return float(value)
    shape = getattr(value, "shape", None)
    if shape is None or int(np.prod(tuple(shape), dtype=np.int64)) != 1 or not hasattr(value, "numpy"):
        return None
    return float(np.asarray(value.detach() if hasattr(value, "detach") else value).reshape(()))
