"""Whether partners read from partners: layers skipped, run twice or put in, inputs exchanged, outputs in disorder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from converters.graph import Op, Tensor
from pipeline.checks.drift.align import Pairs
from pipeline.checks.drift.net import COMMUTATIVE, Net, Node
from pipeline.checks.drift.parameters import side
from pipeline.checks.drift.suspects import Side, Suspect

Boundary = tuple[int, int]
"""A tensor of file a and one of file b that should hold the same values."""


@dataclass(frozen=True)
class Detour:
    """A suspect that only values can clear: where both tensors of each boundary hold the same, it is none.

    By their numbers in graph a: `reader` reads behind it, `touches` are the partners that it starts from; a rewrite may
    have folded its constants into theirs.
    """

    suspect: Suspect
    boundaries: tuple[Boundary, ...]
    reader: int = -1
    touches: frozenset[int] = frozenset()


def detours(pairs: Pairs) -> Iterator[Detour]:
    """Each place where a layer reads what its partner does not, told by what lies between."""
    for in_a, in_b in sorted(pairs.to_b.items()):
        one, two = pairs.a.nodes[in_a], pairs.b.nodes[in_b]
        wrong = _wrong_inputs(pairs, one, two)
        if not wrong:
            continue
        if len(wrong) == 2 and _crossed(pairs, wrong):
            measure, cause = "two inputs", "its inputs are exchanged"
            yield Detour(Suspect("wiring", side(pairs.a, one), side(pairs.b, two), measure, cause, in_a), tuple(wrong))
            continue
        for boundary in wrong:
            told = _told(pairs, boundary, (in_a, one), (in_b, two))
            yield Detour(told, (boundary,), in_a, _touched(pairs, boundary))
    yield from _ends(pairs)


def unanswered(pairs: Pairs) -> Iterator[Suspect]:
    """Operators without a partner that give nothing out: what they do, to a state, no reader tells."""
    cause = "a state does not begin, or is not kept, as in the reference"
    for net, taken in ((pairs.a, pairs.to_b), (pairs.b, pairs.to_a)):
        for number, node in enumerate(net.nodes):
            if number in taken or node.outputs:
                continue
            told, none = side(net, node), Side(None, "")
            if net is pairs.a:
                yield Suspect("missing", told, none, "a missing operator", f"{node.type} is skipped: {cause}", number)
            else:
                yield Suspect("extra", none, told, "one operator too many", f"{node.type} is put in: {cause}", number)


def corresponds(pairs: Pairs, in_a: int, in_b: int) -> bool:
    """Whether two tensors come from partners, or are the same input, or both constants."""
    made_a, made_b = pairs.a.maker.get(in_a), pairs.b.maker.get(in_b)
    if made_a and made_b:
        return pairs.to_b.get(made_a[0]) == made_b[0] and made_a[1] == made_b[1]
    if made_a or made_b:
        return False
    first, second = pairs.a.tensors.get(in_a), pairs.b.tensors.get(in_b)
    if in_a in pairs.a.inputs or in_b in pairs.b.inputs:
        places = [net.inputs.index(i) if i in net.inputs else -1 for net, i in ((pairs.a, in_a), (pairs.b, in_b))]
        return places[0] == places[1]
    return _constant(first) == _constant(second)


def _wrong_inputs(pairs: Pairs, one: Node, two: Node) -> list[Boundary]:
    """The inputs that do not correspond; a constant that is lost or added is the parameters' affair."""
    if one.type in COMMUTATIVE and one.type == two.type:
        rest = list(two.inputs)
        lonely = []
        for index in one.inputs:
            partner = next((other for other in rest if corresponds(pairs, index, other)), None)
            if partner is None:
                lonely.append(index)
            else:
                rest.remove(partner)
        return list(zip(lonely, rest, strict=False))
    return [
        (first, second)
        for first, second in zip(one.inputs, two.inputs, strict=False)
        if first >= 0 and second >= 0 and not corresponds(pairs, first, second)
    ]


def _crossed(pairs: Pairs, wrong: list[Boundary]) -> bool:
    (first, second), (third, fourth) = wrong
    return corresponds(pairs, first, fourth) and corresponds(pairs, third, second)


def _told(pairs: Pairs, boundary: Boundary, reader_a: tuple[int, Node], reader_b: tuple[int, Node]) -> Suspect:
    """What lies between a layer and what it should read: a skipped layer, one too many, or another source."""
    lost, before = chain_before(pairs.a, boundary[0], pairs.to_b)
    extra, _ = chain_before(pairs.b, boundary[1], pairs.to_a)
    reader = reader_b[1]
    if reader.inputs.count(boundary[1]) > reader_a[1].inputs.count(boundary[0]):
        sources = [_source(net, index) for net, index in zip((pairs.a, pairs.b), boundary, strict=True)]
        cause = f"it reads {sources[1]} twice, not {sources[0]}"
        ours, theirs = side(pairs.a, reader_a[1]), side(pairs.b, reader)
        return Suspect("wiring", ours, theirs, "one input read twice", cause, reader_a[0])
    if lost and not extra and not any(corresponds(pairs, index, boundary[1]) for index in before):
        lost = []  # not skipped: something else is read
    if extra and lost:
        one, two = pairs.a.nodes[lost[-1]], pairs.b.nodes[extra[-1]]
        what = " and ".join(_types(pairs.a, lost)), " and ".join(_types(pairs.b, extra))
        cause = f"{what[0]} became {what[1]}"
        return Suspect("replaced", side(pairs.a, one), side(pairs.b, two), "other operators", cause, lost[-1])
    if extra:
        node = pairs.b.nodes[extra[-1]]
        twin = _twin(pairs, node) or _again(pairs, node)
        cause = f"{node.type} is run twice" if twin else f"{node.type} is put in before {reader.type}"
        order = reader_a[0] - 0.5
        return Suspect("extra", twin or Side(None, ""), side(pairs.b, node), "one operator too many", cause, order)
    if lost:
        node = pairs.a.nodes[lost[-1]]
        cause = f"the fused {node.type} is missing" if node.part else f"{node.type} is skipped"
        there = side(pairs.b, reader) if not node.part else _owner(pairs, node, reader)
        gone = Side(None, "", there.tensors)
        return Suspect(
            "missing", side(pairs.a, node), gone if not node.part else there, "a missing operator", cause, lost[-1]
        )
    names = [_source(net, index) for net, index in zip((pairs.a, pairs.b), boundary, strict=True)]
    cause = f"it reads {names[1]}, not what corresponds to {names[0]}"
    ours, theirs = side(pairs.a, reader_a[1]), side(pairs.b, reader)
    return Suspect("wiring", ours, theirs, "another input", cause, reader_a[0])


def _owner(pairs: Pairs, activation: Node, reader: Node) -> Side:
    """The layer of file b that an activation of file a belongs to."""
    for in_a, in_b in pairs.to_b.items():
        if pairs.a.nodes[in_a].op is activation.op:
            return side(pairs.b, pairs.b.nodes[in_b])
    return side(pairs.b, reader)


def chain_before(net: Net, index: int, taken: dict[int, int]) -> tuple[list[int], list[int]]:
    """The chain of nodes without a partner that ends in a tensor, last first, and the tensors that it starts from."""
    chain: list[int] = []
    starts: list[int] = []
    while (made := net.maker.get(index)) is not None and made[0] not in taken:
        chain.append(made[0])
        computed = [i for i in net.nodes[made[0]].inputs if i >= 0 and not net.tensors[i].constant]
        if not computed:
            break
        index = computed[0]
        starts += computed
    return chain, starts


def _touched(pairs: Pairs, boundary: Boundary) -> frozenset[int]:
    """The partners that the nodes without one, before a boundary, read from; by their numbers in graph a."""
    found = set()
    for net, index, taken in ((pairs.a, boundary[0], pairs.to_b), (pairs.b, boundary[1], pairs.to_a)):
        chain, starts = chain_before(net, index, taken)
        for start in starts if chain else ():
            made = net.maker.get(start)
            if made and made[0] in taken:
                found.add(made[0] if net is pairs.a else pairs.to_a[made[0]])
    return frozenset(found)


def _types(net: Net, chain: list[int]) -> list[str]:
    return [net.nodes[number].type for number in reversed(chain)][:4]


def _twin(pairs: Pairs, node: Node) -> Side | None:
    """The layer of file a whose constants an extra layer has."""
    held = pairs.b.constants(node)
    for other in pairs.a.nodes:
        have = pairs.a.constants(other)
        if other.type == node.type and held and len(have) == len(held) and all(map(_equal, have, held)):
            return side(pairs.a, other)
    return None


def _again(pairs: Pairs, node: Node) -> Side | None:
    """The layer of file a whose partner an extra layer repeats on its own output."""
    made = pairs.b.maker.get(node.inputs[0]) if node.inputs else None
    first = pairs.b.nodes[made[0]] if made else None
    if made is None or first is None or first.type != node.type or dict(first.attributes) != dict(node.attributes):
        return None
    partner = pairs.to_a.get(made[0])
    return side(pairs.a, pairs.a.nodes[partner]) if partner is not None else None


def _equal(one: Tensor, two: Tensor) -> bool:
    assert one.data is not None
    assert two.data is not None
    return one.dtype == two.dtype and one.data.shape == two.data.shape and one.data.tobytes() == two.data.tobytes()


def _source(net: Net, index: int) -> str:
    made = net.maker.get(index)
    if made:
        node = net.nodes[made[0]]
        return f"output {made[1]} of {node.op.type} {node.op.index}"
    tensor = net.tensors[index]
    return "a constant" if tensor.constant else f"input {tensor.name!r}"


def _constant(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.constant


def _ends(pairs: Pairs) -> Iterator[Detour]:
    """The outputs, by place and by name."""
    a, b = pairs.a, pairs.b
    names_a, names_b = a.graph.output_names, b.graph.output_names
    if len(a.outputs) != len(b.outputs):
        measure = f"{len(a.outputs)} became {len(b.outputs)}"
        ours, theirs = (Side(None, "OUTPUT", names) for names in (names_a, names_b))
        cause = "outputs are missing or were added"
        yield Detour(Suspect("outputs", ours, theirs, measure, cause, len(a.nodes)), ())
        return
    wrong = [place for place in range(len(a.outputs)) if not corresponds(pairs, a.outputs[place], b.outputs[place])]
    moved = {
        place: next((k for k in wrong if corresponds(pairs, a.outputs[place], b.outputs[k])), None) for place in wrong
    }
    for place in wrong:
        boundary = (a.outputs[place], b.outputs[place])
        if moved[place] is None:
            end = Node(_made(a, boundary[0]), "OUTPUT", (), ())
            other = Node(_made(b, boundary[1]), "OUTPUT", (), ())
            told = _told(pairs, boundary, (len(a.nodes), end), (len(b.nodes), other))
            yield Detour(told, (boundary,), -1, _touched(pairs, boundary))
        else:
            cause = f"output {place} of the reference is output {moved[place]} here: outputs are in another order"
            yield Detour(_end(pairs, place, "outputs", cause), (boundary,))
    if sorted(names_a) == sorted(names_b):
        for place, name in enumerate(names_a):
            named = names_b.index(name)
            if named != place and moved.get(place, place) != named:
                cause = f"output {name!r} has the values of another: names are exchanged"
                yield Detour(_end(pairs, place, "names", cause), ((a.outputs[place], b.outputs[named]),))


def _made(net: Net, index: int) -> Op:
    made = net.maker.get(index)
    if not net.nodes:  # a graph that hands its inputs on
        return Op(0, "INPUT", (), ())
    return net.nodes[made[0]].op if made else net.nodes[-1].op


def _end(pairs: Pairs, place: int, kind: str, cause: str) -> Suspect:
    sides = []
    for net in (pairs.a, pairs.b):
        op = _made(net, net.outputs[place])
        sides.append(Side(op.index, op.type, (net.graph.output_names[place],), {"output": place}))
    return Suspect(kind, sides[0], sides[1], "outputs by place and by name", cause, len(pairs.a.nodes) + place)
