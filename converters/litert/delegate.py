"""What the GPU delegate says while it compiles, read: which operators it refuses, why, and how many it takes.

Its message is one for each graph of the file that it cannot take whole, in their order:
`Following operations are not supported by GPU delegate:`, a line `OPERATOR: reason` for each different refusal, and
`159 operations will run on the GPU, and the remaining 229 operations will run on the CPU.`
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from converters.litert.flatbuffer import Model
from converters.litert.partition import Node, nodes_of, taken

GPU, CPU, UNKNOWN = "gpu", "cpu", "unknown"
CUT_OFF = "supported, but apart from the largest run of supported operators, and the delegate takes only that"
ONCE = "a float16 constant, made float32 once"
_UNTOLD = "the delegate does not say why"
_ALL = {"Operation is not supported."}  # said of a type as a whole
_MESSAGE = re.compile(
    r"Following operations are not supported by GPU delegate:\n(?P<refusals>.*?)\n"
    r"(?:(?P<gpu>\d+) operations will run on the GPU, and the remaining|No operations will run on the GPU, and all) "
    r"(?P<cpu>\d+) operations will run on the CPU",
    re.DOTALL,
)
_REFUSAL = re.compile(r"^(?P<op>[A-Za-z_][\w./-]*):[ ]?(?P<reason>.*)$", re.MULTILINE)
_SHOWN_PLACES = 6

Refuses = Callable[[int, int], bool | None]
"""Whether the delegate refuses the operator of a graph and place when it is alone; None where that cannot be tried."""


@dataclass(frozen=True)
class Message:
    """One graph's: reasons by operator type, and the numbers of operators on the GPU and on the CPU."""

    refusals: dict[str, tuple[str, ...]]
    on_gpu: int
    on_cpu: int


@dataclass(frozen=True)
class Placed:
    """One operator of the file, where it runs (`gpu`, `cpu`, `unknown`), and why where that is not the GPU."""

    type: str
    graph: int
    place: int
    device: str
    reason: str = ""


def messages(words: str) -> list[Message]:
    """The delegate's messages in what it wrote."""
    return [_message(match) for match in _MESSAGE.finditer(words)]


def _message(match: re.Match[str]) -> Message:
    refusals: dict[str, tuple[str, ...]] = {}
    for found in _REFUSAL.finditer(match["refusals"]):
        reasons = (found["reason"].strip(),) if found["reason"].strip() else ()
        refusals[found["op"]] = (*refusals.get(found["op"], ()), *reasons)
    return Message(refusals, int(match["gpu"] or 0), int(match["cpu"]))


def placed(model: Model, said: list[Message], refuses: Refuses = lambda graph, place: None) -> list[Placed]:
    """Where each operator of a call runs: of the first signature's graph and those that it calls.

    A graph that the delegate has not complained of is on the GPU. Of one that it has, the message tells types and
    numbers; the partitioning is repeated on the file, and holds where it gives those numbers. Where some operators of
    a type may be refused and others not, `refuses(graph, place)` finds out, or says None. What stays open is `unknown`.
    """
    left = list(said)
    rows: list[Placed] = []
    skipped = _not_in_a_call(model)
    for number, graph in enumerate(model.items(model.root, "Subgraphs")):
        nodes = nodes_of(model, graph)
        message = left.pop(0) if left and _fits(left[0], nodes) else None
        if number not in skipped:
            rows += _of_graph(number, nodes, message, refuses)
    if left:  # a message that fits no graph: which one it is about is not known
        return [Placed(row.type, row.graph, row.place, UNKNOWN, _UNTOLD) for row in rows]
    return rows


def _fits(message: Message, nodes: list[Node]) -> bool:
    return message.on_gpu + message.on_cpu == len(nodes) and set(message.refusals) <= {node.type for node in nodes}


def _of_graph(number: int, nodes: list[Node], message: Message | None, refuses: Refuses) -> list[Placed]:
    if message is None:
        return [Placed(node.type, number, place, GPU) for place, node in enumerate(nodes)]
    named, on_gpu = _settled(number, nodes, message, refuses)
    known = len(on_gpu) == message.on_gpu

    def row(place: int, node: Node) -> Placed:
        if place in named:
            told = ONCE if node.folded else "; ".join(message.refusals[node.type]) or _UNTOLD
            return Placed(node.type, number, place, CPU, told)
        if not known:
            return Placed(node.type, number, place, UNKNOWN, _UNTOLD)
        device = GPU if place in on_gpu else CPU
        return Placed(node.type, number, place, device, "" if device == GPU else ONCE if node.folded else CUT_OFF)

    return [row(place, node) for place, node in enumerate(nodes)]


def _settled(number: int, nodes: list[Node], message: Message, refuses: Refuses) -> tuple[set[int], set[int]]:
    """Places refused and places taken: of the operators tried alone, else of all whose type the message names.

    What refuses an operator can lie in its neighbours, which a trial does not see: the numbers then tell.
    """
    named = {place for place, node in enumerate(nodes) if node.type in message.refusals}
    doubtful = Counter(
        node.type for node in nodes if not node.folded and set(message.refusals.get(node.type, ())) - _ALL
    )
    answers = {p: refuses(number, p) for p in named if doubtful[nodes[p].type] > 1 and not nodes[p].folded}
    tried = {place for place in named if answers.get(place, True)}
    guesses = [tried, named] if None not in answers.values() else [named]
    for guess in guesses:
        on_gpu = taken(nodes, guess) if message.on_gpu else set()
        if len(on_gpu) == message.on_gpu:
            break
    return guess, on_gpu


def _not_in_a_call(model: Model) -> set[int]:
    """Graphs that a call does not run: other signatures', and those that CALL_ONCE runs before the first."""
    signatures = list(model.items(model.root, "SignatureDefs"))
    first = signatures[0].SubgraphIndex() if signatures else 0
    others = {int(signature.SubgraphIndex()) for signature in signatures[1:]}
    once = set[int]()
    for graph in model.items(model.root, "Subgraphs"):
        for op in model.items(graph, "Operators"):
            if model.op_type(op) == "CALL_ONCE" and op.BuiltinOptions() is not None:
                options = model.schema.CallOnceOptions()
                table = op.BuiltinOptions()
                options.Init(table.Bytes, table.Pos)
                once.add(int(options.InitSubgraphIndex()))
    return (others | once) - {int(first)}


def told(rows: list[Placed]) -> str:
    """What is not on the GPU, by type, with places in the file and reasons, in one line; empty where all is."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if row.device != GPU:
            place = f"{row.graph}:{row.place}" if row.graph else str(row.place)
            groups.setdefault((row.type, row.device, row.reason), []).append(place)
    return "; ".join(
        f"{len(places)} {type}{' (perhaps)' if device == UNKNOWN else ''} "
        f"(operator{'s' if len(places) > 1 else ''} {_list(places)}: {reason})"
        for (type, device, reason), places in groups.items()
    )


def _list(places: list[str]) -> str:
    more = len(places) - _SHOWN_PLACES
    return ", ".join(places[:_SHOWN_PLACES]) + (f" and {more} more" if more > 0 else "")
