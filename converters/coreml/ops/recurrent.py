"""Recurrent layers; x is (steps, batch, size). Gate orders are those of the MIL specification."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from converters.coreml.ops.activation import relu, scaled_tanh, sigmoid, sigmoid_hard

Array = np.ndarray
_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": relu,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "sigmoid_hard": sigmoid_hard,
    "hard_sigmoid": sigmoid_hard,
    "scaled_tanh": scaled_tanh,
    "linear": lambda x: x,
}


def lstm(
    x: Array,
    initial_h: Array,
    initial_c: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias: Array | None = None,
    peephole: Array | None = None,
    weight_ih_back: Array | None = None,
    weight_hh_back: Array | None = None,
    bias_back: Array | None = None,
    peephole_back: Array | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    recurrent_activation: str = "sigmoid",
    cell_activation: str = "tanh",
    activation: str = "tanh",
    clip: float | None = None,
) -> tuple[Array, Array, Array]:
    """(hidden states of every step or of the last, the last, last cell state); gates input, forget, output, cell."""
    kinds = tuple(_ACTIVATIONS[name] for name in (recurrent_activation, cell_activation, activation))
    limit = np.inf if clip is None else float(clip)
    if direction != "bidirectional":
        steps = x[::-1] if direction == "reverse" else x
        found, h, c = _lstm(steps, initial_h, initial_c, weight_ih, weight_hh, bias, peephole, kinds, limit)
        found = found[::-1] if direction == "reverse" else found
        return (found if output_sequence else h[None]), h, c
    size = initial_h.shape[-1] // 2
    assert weight_ih_back is not None
    assert weight_hh_back is not None
    ahead = _lstm(x, initial_h[:, :size], initial_c[:, :size], weight_ih, weight_hh, bias, peephole, kinds, limit)
    later = (weight_ih_back, weight_hh_back, bias_back, peephole_back)
    back = _lstm(x[::-1], initial_h[:, size:], initial_c[:, size:], *later, kinds, limit)
    h, c = (np.concatenate([ahead[i], back[i]], axis=-1) for i in (1, 2))
    found = np.concatenate([ahead[0], back[0][::-1]], axis=-1)
    return (found if output_sequence else h[None]), h, c


def _lstm(
    x: Array,
    h: Array,
    c: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias: Array | None,
    peephole: Array | None,
    kinds: tuple[Callable[[Array], Array], ...],
    limit: float,
) -> tuple[Array, Array, Array]:
    gate, cell, last = kinds
    pre = np.matmul(x, weight_ih.T) + (0 if bias is None else bias)
    p_i, p_f, p_o = (0, 0, 0) if peephole is None else np.split(peephole, 3)
    found = []
    for step in pre:
        i, f, o, z = np.split(step + h @ weight_hh.T, 4, axis=-1)
        c = gate(f + p_f * c) * c + gate(i + p_i * c) * np.clip(cell(z), -limit, limit)
        h = gate(o + p_o * c) * last(c)
        found.append(h)
    return np.stack(found), h, c


def gru(
    x: Array,
    initial_h: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias: Array | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    recurrent_activation: str = "sigmoid",
    activation: str = "tanh",
) -> tuple[Array, Array]:
    """(hidden states of every step or of the last, the last one); gates reset, output, update."""
    gate, new, h = _ACTIVATIONS[recurrent_activation], _ACTIVATIONS[activation], initial_h
    pre = np.matmul(x[::-1] if direction == "reverse" else x, weight_ih.T) + (0 if bias is None else bias)
    found = []
    for step in pre:
        i_r, i_o, i_z = np.split(step, 3, axis=-1)
        h_r, h_o, h_z = np.split(h @ weight_hh.T, 3, axis=-1)
        r, z = gate(i_r + h_r), gate(i_z + h_z)
        o = new(i_o + r * h_o)
        h = (1 - z) * o + z * h
        found.append(h)
    return _sequence(found, h, direction, output_sequence)


def rnn(
    x: Array,
    initial_h: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias: Array | None = None,
    direction: str = "forward",
    output_sequence: bool = False,
    activation: str = "tanh",
) -> tuple[Array, Array]:
    """(hidden states of every step or of the last, the last one)."""
    h, found = initial_h, []
    for step in np.matmul(x[::-1] if direction == "reverse" else x, weight_ih.T) + (0 if bias is None else bias):
        h = _ACTIVATIONS[activation](step + h @ weight_hh.T)
        found.append(h)
    return _sequence(found, h, direction, output_sequence)


def _sequence(found: list[Array], h: Array, direction: str, output_sequence: bool) -> tuple[Array, Array]:
    steps = np.stack(found[::-1] if direction == "reverse" else found)
    return (steps if output_sequence else h[None]), h


KERNELS = {function.__name__: function for function in (lstm, gru, rnn)}
