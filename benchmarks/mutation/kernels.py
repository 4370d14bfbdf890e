"""Faults in the kernels of layers: the same for every format."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.mutation.layer import Editable, Layer, Planter, shuffled
from benchmarks.mutation.planting import Array, Changed, kernels, like, other


def single(size: Callable[[Array], float], steps: int) -> Changed:
    """One value of some weight is changed: by `size` of the kernel, or by so many integer steps."""

    def change(kernel: Array, rng: np.random.Generator) -> Array:
        changed = kernel.copy().reshape(-1)
        large = np.flatnonzero(np.abs(changed) >= np.abs(changed).max() / 4)
        place = int(large[int(rng.integers(large.size))])
        if kernel.dtype.kind in "iu":
            changed[place] = changed[place] - steps if changed[place] > 0 else changed[place] + steps
        else:
            changed[place] += size(kernel)
        return changed.reshape(kernel.shape)

    return change


def _put(value: float) -> Changed:
    def change(kernel: Array, rng: np.random.Generator) -> Array:
        changed = kernel.copy().reshape(-1)
        changed[int(rng.integers(changed.size))] = value
        return changed.reshape(kernel.shape)

    return change


def _by_channel(change: Callable[[Array, np.random.Generator], Array]) -> Changed:
    """One output channel is changed."""

    def apply(kernel: Array, rng: np.random.Generator) -> Array | None:
        changed = kernel.copy()
        channel = int(rng.integers(kernel.shape[0]))
        changed[channel] = change(kernel[channel].astype(np.float64), rng)
        return changed if kernel.shape[0] > 1 else None

    return apply


def two(axis: int) -> Changed:
    """Two neighbours along an axis change places."""

    def change(kernel: Array, rng: np.random.Generator) -> Array | None:
        count = kernel.shape[axis]
        if count < 2:
            return None
        order = np.arange(count)
        first = int(rng.integers(count - 1))
        order[[first, first + 1]] = order[[first + 1, first]]
        return kernel.take(order, axis)

    return change


def _mantissa(bits: int) -> Changed:
    """Float values cut to so many bits of mantissa, rounding to nearest."""

    def change(kernel: Array, rng: np.random.Generator) -> Array:
        fraction, exponent = np.frexp(kernel.astype(np.float64))
        return np.ldexp(np.rint(np.ldexp(fraction, bits + 1)), exponent - bits - 1)

    return change


def grid(levels: float, per_channel: bool = False) -> Changed:
    """Values on a grid of so many levels on each side of zero."""

    def change(kernel: Array, rng: np.random.Generator) -> Array:
        axes = tuple(range(1, kernel.ndim)) if per_channel else None
        step = np.maximum(np.abs(kernel).max(axis=axes, keepdims=True), 1e-12) / levels
        return np.rint(kernel / step) * step

    return change


def _square(kernel: Array) -> bool:
    return kernel.shape[1] == kernel.shape[2] > 1


def _ring(kernel: Array, rng: np.random.Generator) -> Array | None:
    """A window of 3 by 3 shrunk to its middle."""
    if min(kernel.shape[1:3]) < 3:
        return None
    changed = np.zeros_like(kernel)
    changed[:, 1:-1, 1:-1] = kernel[:, 1:-1, 1:-1]
    return changed


def _tail(kernel: Array, rng: np.random.Generator) -> Array:
    """A table that was cut short: the last sixteenth is zero."""
    changed = kernel.copy().reshape(-1)
    changed[-max(1, changed.size // 16) :] = 0
    return changed.reshape(kernel.shape)


def _pruned(kernel: Array, rng: np.random.Generator) -> Array:
    return np.where(np.abs(kernel) < np.abs(kernel).max() * 0.05, 0, kernel)


def of_another(what: str) -> Planter:
    """A layer has the weights of another one of the same shape."""

    def plant(file: Editable, rng: np.random.Generator) -> int | None:
        layers = file.layers()
        for layer in shuffled(layers, rng):
            own = getattr(layer, what)
            for giver in shuffled(layers, rng):
                theirs = getattr(giver, what)
                same = (
                    own is not None and theirs is not None and theirs.shape == own.shape and theirs.dtype == own.dtype
                )
                if same and other(theirs, own) and (what == "kernel" or own.any() or theirs.any()):
                    (layer.set_kernel if what == "kernel" else layer.set_bias)(theirs.copy())
                    return int(layer.place)
        return None

    return plant


def _folded(factors: Callable[[int, np.random.Generator], Array], bias_too: bool) -> Planter:
    """A batch norm folded with wrong numbers: each output channel, and the bias with it, has a factor of its own."""

    def plant(file: Editable, rng: np.random.Generator) -> int | None:
        for layer in shuffled([row for row in file.layers() if row.kernel.dtype.kind == "f"], rng):
            found: Layer = layer
            factor = factors(found.kernel.shape[0], rng)
            found.set_kernel(like(found.kernel * factor.reshape(-1, 1, 1, 1), found.kernel))
            if bias_too and found.bias is not None and found.bias.size == factor.size:
                found.set_bias(like(found.bias * factor, found.bias))
            return int(found.place)
        return None

    return plant


def _channels_moved(file: Editable, rng: np.random.Generator) -> int | None:
    """Two output channels, with their biases, change places, and the next layer does not know."""
    for layer in shuffled(file.layers(), rng):
        bias = layer.bias
        if (
            layer.kernel.shape[0] > 2
            and bias is not None
            and bias.size == layer.kernel.shape[0]
            and not layer.depthwise
        ):
            order = np.arange(bias.size)
            order[[0, 1]] = [1, 0]
            if other(layer.kernel[order], layer.kernel):
                layer.set_kernel(layer.kernel[order])
                layer.set_bias(bias[order])
                return int(layer.place)
    return None


def _first_channels(order: list[int]) -> Planter:
    """The colours of the picture in another order, in the first layer that reads three channels."""

    def plant(file: Editable, rng: np.random.Generator) -> int | None:
        for layer in file.layers():
            if layer.kernel.shape[3] == len(order) and not layer.depthwise:
                layer.set_kernel(layer.kernel[..., order])
                return int(layer.place)
        return None

    return plant


def _flattened(kernel: Array, rng: np.random.Generator) -> Array | None:
    """A dense layer behind a picture, with its inputs in the order of channels first."""
    if kernel.shape[1:3] != (1, 1) or kernel.shape[3] < 8:
        return None
    size = kernel.shape[3]
    channels = next((c for c in (4, 8, 16, 32, 64, 3, 2, 5, 7) if size % c == 0 and size > c), 0)
    if not channels:
        return None
    return kernel.reshape(kernel.shape[0], -1, channels).swapaxes(1, 2).reshape(kernel.shape)


KERNEL_FAULTS: dict[str, Planter] = {
    "kernel height and width exchanged": kernels(lambda k, r: k.swapaxes(1, 2) if _square(k) else None),
    "kernel reversed along height": kernels(lambda k, r: np.flip(k, 1) if k.shape[1] > 1 else None),
    "kernel reversed along width": kernels(lambda k, r: np.flip(k, 2) if k.shape[2] > 1 else None),
    "kernel turned by 180 degrees": kernels(lambda k, r: np.flip(k, (1, 2)) if k.shape[1] > 1 else None),
    "output channels shifted": kernels(lambda k, r: np.roll(k, 1, 0)),
    "output channels reversed": kernels(lambda k, r: k[::-1]),
    "two output channels exchanged": kernels(two(0)),
    "two input channels exchanged": kernels(two(3)),
    "input channels permuted": kernels(lambda k, r: k[..., r.permutation(k.shape[3])] if k.shape[3] > 3 else None),
    "input and output channels exchanged": kernels(
        lambda k, r: k.swapaxes(0, 3) if k.shape[0] == k.shape[3] > 1 else None
    ),
    "kernel transposed in memory": kernels(lambda k, r: np.ascontiguousarray(k.transpose(3, 1, 2, 0)).reshape(k.shape)),
    "flattened in another order": kernels(_flattened),
    "kernel shifted by one value in memory": kernels(lambda k, r: np.roll(k.reshape(-1), 1).reshape(k.shape)),
    "kernel of another layer": of_another("kernel"),
    "two channels moved with their biases": _channels_moved,
    "kernel's sign exchanged": kernels(lambda k, r: -k.astype(np.float32)),
    "one channel's sign exchanged": kernels(_by_channel(lambda c, r: -c)),
    "one channel zero": kernels(_by_channel(lambda c, r: c * 0)),
    "one input channel zero": kernels(lambda k, r: k * (np.arange(k.shape[3]) != r.integers(k.shape[3]))),
    "one channel scaled by 1.05": kernels(_by_channel(lambda c, r: c * 1.05), "f"),
    "one channel doubled": kernels(_by_channel(lambda c, r: c * 2)),
    "kernel scaled by 1.01": kernels(lambda k, r: k * np.float32(1.01), "f"),
    "kernel scaled by 1.0002": kernels(lambda k, r: k * np.float32(1.0002), "f"),
    "kernel halved": kernels(lambda k, r: k / 2),
    "kernel off by a constant": kernels(lambda k, r: k + np.abs(k).max() * np.float32(0.01), "f"),
    "mean taken out of the kernel": kernels(lambda k, r: k - k.mean(), "f"),
    "noise of 1e-3 in the kernel": kernels(lambda k, r: k * (1 + 1e-3 * r.normal(size=k.shape)), "f"),
    "noise of 1e-4 in the kernel": kernels(lambda k, r: k * (1 + 1e-4 * r.normal(size=k.shape)), "f"),
    "kernel rounded to float16": kernels(lambda k, r: k.astype(np.float16), "f"),
    "kernel rounded to bfloat16": kernels(_mantissa(7), "f"),
    "kernel rounded to 10 bits of mantissa": kernels(_mantissa(10), "f"),
    "kernel rounded to 14 bits of mantissa": kernels(_mantissa(14), "f"),
    "kernel rounded to an 8-bit grid": kernels(grid(127), "f"),
    "kernel rounded to 8-bit grids by channel": kernels(grid(127, True), "f"),
    "kernel rounded to a 4-bit grid": kernels(grid(7), "f"),
    "kernel rounded to a 16-bit grid": kernels(grid(32767), "f"),
    "one weight off by 20 %": kernels(single(lambda k: float(np.abs(k).max() * 0.2), 25)),
    "one weight off by 1 %": kernels(single(lambda k: float(np.abs(k).max() * 0.01), 2)),
    "one weight off by one step": kernels(single(lambda k: 0.0, 1), "i"),
    "one weight's sign exchanged": kernels(
        lambda k, r: np.where(np.arange(k.size).reshape(k.shape) == np.abs(k).argmax(), -k.astype(np.float32), k)
    ),
    "one weight NaN": kernels(_put(np.nan), "f"),
    "one weight infinite": kernels(_put(np.inf), "f"),
    "one weight enormous": kernels(_put(1e30), "f"),
    "small weights pruned": kernels(_pruned),
    "window shrunk to its middle": kernels(_ring),
    "table cut short": kernels(_tail),
    "weights one step off": kernels(lambda k, r: k.astype(int) + 1, "i"),
    "weights clipped": kernels(lambda k, r: np.clip(k, -100, 100), "i"),
    "weights in 7 bits": kernels(lambda k, r: np.rint(k / 2) * 2, "i"),
    "colours in another order": _first_channels([2, 1, 0]),
    "batch norm folded without its root": _folded(lambda n, r: r.uniform(0.6, 1.6, n), True),
    "batch norm folded with another epsilon": _folded(lambda n, r: 1 - r.uniform(2e-4, 5e-3, n), True),
    "batch norm folded into the kernel alone": _folded(lambda n, r: r.uniform(0.8, 1.25, n), False),
}
