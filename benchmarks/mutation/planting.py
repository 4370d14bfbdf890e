"""How a fault is put into weights and small constants: the same for every format."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.mutation.layer import Editable, Planter, shuffled

Array = np.ndarray
Changed = Callable[[Array, np.random.Generator], Array | None]


def kernels(change: Changed, only: str = "") -> Planter:
    """A fault in the kernel of a random layer that it changes; `only` kernels of dtype kind f or i."""

    def plant(file: Editable, rng: np.random.Generator) -> int | None:
        for layer in shuffled(file.layers(), rng):
            if only and layer.kernel.dtype.kind != only:
                continue
            changed = change(layer.kernel, rng)
            if changed is not None and other(changed, layer.kernel):
                layer.set_kernel(like(changed, layer.kernel))
                return int(layer.place)
        return None

    return plant


def biases(change: Changed, only: str = "") -> Planter:
    """A fault in the bias of a random layer that it changes."""

    def plant(file: Editable, rng: np.random.Generator) -> int | None:
        for layer in shuffled(file.layers(), rng):
            bias = layer.bias
            if bias is None or not bias.any() or bias.size < 4 or (only and bias.dtype.kind != only):
                continue
            changed = change(bias, rng)
            if changed is not None and other(changed, bias):
                layer.set_bias(like(changed, bias))
                return int(layer.place)
        return None

    return plant


def constants(change: Changed, types: tuple[str, ...] = (), least: int = 1, most: int = 4096) -> Planter:
    """A fault in a float constant of another operator, of some types."""

    def plant(file: Editable, rng: np.random.Generator) -> int | None:
        for found in shuffled(file.values(), rng):
            if types and found.type not in types:
                continue
            if not least <= found.data.size <= most or not found.data.any():
                continue
            changed = change(found.data, rng)
            if changed is not None and other(changed, found.data):
                found.set(like(changed, found.data))
                return int(found.place)
        return None

    return plant


def like(changed: Array, old: Array) -> Array:
    """Changed values in the type and shape of the old ones."""
    if old.dtype.kind in "iu":
        limits = np.iinfo(old.dtype)
        changed = np.clip(np.rint(changed), limits.min, limits.max)
    return np.ascontiguousarray(changed).astype(old.dtype).reshape(old.shape)


def other(changed: Array, old: Array) -> bool:
    """Whether a change leaves other bytes."""
    return like(changed, old).tobytes() != np.ascontiguousarray(old).tobytes()
