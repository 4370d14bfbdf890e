"""Which operator of one graph is which of the other: by what they hold and by their neighbours, never by names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

import numpy as np

from converters.digest import digest
from converters.graph import Tensor
from pipeline.checks.drift.net import COMMUTATIVE, Net, Node

Key = Callable[[Net, int], Hashable]
_MIN_WEIGHTS = 8
"""Fewer constant values than this do not identify a layer."""
_FEW = 12
"""Nodes of one kind that are told apart by their constants."""


@dataclass
class Pairs:
    """Partners by node number, both ways; `exact` ones are the same with all that lies before them.

    `bridged` pairs are of two precisions: number types differ, and values agree only roughly.
    """

    a: Net
    b: Net
    bridged: bool = False
    to_b: dict[int, int] = field(default_factory=dict)
    to_a: dict[int, int] = field(default_factory=dict)
    exact: set[int] = field(default_factory=set)

    def add(self, in_a: int, in_b: int) -> None:
        """Notes two partners."""
        self.to_b[in_a], self.to_a[in_b] = in_b, in_a

    def tensors(self) -> dict[int, int]:
        """For each tensor of file b that a partner of an operator of a gives out, the one of file a."""
        ops = ((self.a.nodes[in_a].op, self.b.nodes[in_b].op) for in_a, in_b in self.to_b.items())
        return {theirs: ours for one, two in ops for ours, theirs in zip(one.outputs, two.outputs, strict=False)}

    def free(self, in_a: int, in_b: int) -> bool:
        """Whether neither has a partner yet."""
        return in_a not in self.to_b and in_b not in self.to_a


def align(a: Net, b: Net, bridged: bool = False) -> Pairs:
    """Partners of two graphs: first what is the same with all that lies before it, then alike, then neighbours."""
    pairs = Pairs(a, b, bridged)
    before_a, before_b = _histories(a), _histories(b)
    _claim(pairs, lambda net, n: (before_a if net is a else before_b)[n], alike=True)
    pairs.exact = set(pairs.to_b)
    digests: dict[int, bytes] = {}

    def constants(net: Net, number: int, least: int = 0) -> tuple[bytes, ...]:
        return tuple(
            digests.setdefault(id(tensor), _digest(tensor))
            for tensor in net.constants(net.nodes[number])
            if tensor.data is not None and tensor.data.size >= least
        )

    def local(net: Net, number: int) -> Hashable:
        node = net.nodes[number]
        return node.type, node.part, _frozen(node), constants(net, number), _shapes(net, node.outputs)

    def weights(net: Net, number: int) -> Hashable:
        return constants(net, number, _MIN_WEIGHTS) or None

    def sizes(net: Net, number: int) -> Hashable:
        node = net.nodes[number]
        held = tuple(tensor.shape for tensor in net.constants(node))
        return node.type, node.part, held, _shapes(net, node.outputs)

    def kind(net: Net, number: int) -> Hashable:
        node = net.nodes[number]
        held = tuple(sorted(tuple(sorted(tensor.shape or ())) for tensor in net.constants(node)))
        return node.type, node.part, held

    for key in (local, weights):
        _claim(pairs, key)
        _spread(pairs)
    for key in (sizes, kind):
        _claim(pairs, key)
        _spread(pairs)
        _claim(pairs, key, alike=True, equal_numbers=True)
        _spread(pairs)
    _spread(pairs, any_type=True)
    return pairs


def _claim(pairs: Pairs, key: Key, alike: bool = False, equal_numbers: bool = False) -> None:
    """Pairs free nodes of one key: the only ones of it, or with `alike` all in their order."""
    sides: list[dict[Hashable, list[int]]] = []
    for net, taken in ((pairs.a, pairs.to_b), (pairs.b, pairs.to_a)):
        groups = defaultdict(list)
        for number in range(len(net.nodes)):
            if number not in taken and (found := key(net, number)) is not None:
                groups[found].append(number)
        sides.append(groups)
    for found, first in sides[0].items():
        second = sides[1].get(found, [])
        if equal_numbers and len(first) != len(second):
            continue
        if alike or (len(first) == 1 and len(second) == 1):
            nearest = (
                _nearest(pairs, first, second) if pairs.bridged and 1 < len(first) == len(second) <= _FEW else second
            )
            for in_a, in_b in zip(first, nearest, strict=False):
                pairs.add(in_a, in_b)


def _nearest(pairs: Pairs, first: list[int], second: list[int]) -> list[int]:
    """Of nodes of one kind those of b in the order of their partners, by their constants; as they stand without any.

    A file of another precision holds the same numbers rounded, and its operators in any order that computes the same.
    """
    ours, theirs = ([_numbers(net, n) for n in side] for net, side in ((pairs.a, first), (pairs.b, second)))
    if len({None if one is None else one.size for one in (*ours, *theirs)}) != 1 or ours[0] is None:
        return second
    known = [[one for one in side if one is not None] for side in (ours, theirs)]
    gaps = sorted((float(np.square(x - y).sum()), i, k) for i, x in enumerate(known[0]) for k, y in enumerate(known[1]))
    found: dict[int, int] = {}
    for _, i, k in gaps:
        if i not in found and k not in found.values():
            found[i] = k
    return [second[found[i]] for i in range(len(first))]


def _numbers(net: Net, number: int) -> np.ndarray | None:
    """The real values of a node's largest constant."""
    held = [tensor for tensor in net.constants(net.nodes[number]) if tensor.data is not None]
    largest = max(held, key=lambda tensor: tensor.data.size if tensor.data is not None else 0, default=None)
    if (
        largest is None
        or largest.data is None
        or largest.data.dtype.kind not in "fiu"
        or largest.data.size < _MIN_WEIGHTS
    ):
        return None
    return np.nan_to_num(largest.real().reshape(-1))


def _spread(pairs: Pairs, any_type: bool = False) -> None:
    """Pairs neighbours of partners until nothing changes: the one reader, or maker, of a type at the same place."""
    queue = list(pairs.to_b.items())
    for in_a, in_b in zip(pairs.a.inputs, pairs.b.inputs, strict=False):
        queue += _readers(pairs, in_a, in_b, any_type)
    while queue:
        in_a, in_b = queue.pop()
        one, two = pairs.a.nodes[in_a], pairs.b.nodes[in_b]
        for first, second in zip(one.outputs, two.outputs, strict=False):
            queue += _readers(pairs, first, second, any_type)
        for first, second in _partner_inputs(one, two):
            made_a, made_b = pairs.a.maker.get(first), pairs.b.maker.get(second)
            if made_a and made_b and made_a[1] == made_b[1] and pairs.free(made_a[0], made_b[0]):
                alike = pairs.a.nodes[made_a[0]].type == pairs.b.nodes[made_b[0]].type
                if alike or (any_type and _held(pairs.a, made_a[0]) == _held(pairs.b, made_b[0])):
                    pairs.add(made_a[0], made_b[0])
                    queue.append((made_a[0], made_b[0]))


def _partner_inputs(one: Node, two: Node) -> Iterable[tuple[int, int]]:
    if one.type in COMMUTATIVE and len(one.inputs) > 1:
        return ()
    return zip(one.inputs, two.inputs, strict=False)


def _readers(pairs: Pairs, in_a: int, in_b: int, any_type: bool) -> list[tuple[int, int]]:
    """New partners among the readers of two tensors that correspond."""
    found = []
    groups: dict[Hashable, tuple[list[int], list[int]]] = {}
    for side, (net, tensor, taken) in enumerate(((pairs.a, in_a, pairs.to_b), (pairs.b, in_b, pairs.to_a))):
        for number, slot in net.readers.get(tensor, ()):
            if number not in taken:
                node = net.nodes[number]
                place = -1 if node.type in COMMUTATIVE else slot
                key = (_held(net, number),) if any_type else (node.type, node.part, place)
                groups.setdefault(key, ([], []))[side].append(number)
    for first, second in groups.values():
        if len(set(first)) == 1 and len(set(second)) == 1:
            pairs.add(first[0], second[0])
            found.append((first[0], second[0]))
    return found


def _held(net: Net, number: int) -> Hashable:
    """The shapes of a node's constants: what another operator in its place has too."""
    return tuple(tensor.shape for tensor in net.constants(net.nodes[number]))


def _histories(net: Net) -> list[bytes]:
    """A hash for each node of all that it computes, from the inputs on."""
    known = {index: digest("input", place) for place, index in enumerate(net.inputs)}
    for tensor in net.tensors.values():
        if tensor.constant:
            known[tensor.index] = _digest(tensor)
    hashes = []
    for node in net.nodes:
        read = [known.get(index, b"free") for index in node.inputs]
        if node.type in COMMUTATIVE:
            read.sort()
        kinds = [(net.tensors[i].dtype, net.tensors[i].shape, _quantization(net.tensors[i])) for i in node.outputs]
        own = digest("node", node.type, _frozen(node), kinds, *read)
        hashes.append(own)
        for slot, index in enumerate(node.outputs):
            known[index] = digest(own, slot)
    return hashes


def _digest(tensor: Tensor) -> bytes:
    assert tensor.data is not None
    return digest(tensor.dtype, tensor.shape, np.ascontiguousarray(tensor.data).tobytes(), _quantization(tensor))


def _quantization(tensor: Tensor) -> Hashable:
    found = tensor.quantization
    return found and (found.scales.tolist(), found.zero_points.tolist(), found.axis if len(found.scales) > 1 else 0)


def _frozen(node: Node) -> Hashable:
    return tuple(sorted((name, repr(value)) for name, value in node.attributes.items()))


def _shapes(net: Net, tensors: Iterable[int]) -> Hashable:
    return tuple(net.tensors[index].shape for index in tensors)
