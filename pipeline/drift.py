"""Is file `b` the model that file `a` is, and where not: by their graphs, and by values where those must decide."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from converters import registry
from converters.contract import Arrays, Artifact, Signature
from converters.errors import EdgeExportError
from converters.graph import Graph, Op, Tensor
from converters.worker import WorkerPool
from pipeline.binding import speaking
from pipeline.checks.drift import by_value, parameters, precision, segments, values
from pipeline.checks.drift.align import Pairs, align
from pipeline.checks.drift.net import Net, Node, comparable
from pipeline.checks.drift.suspects import Drift, Side, Suspect
from pipeline.checks.drift.verdict import coverage, judged, notes_differ
from pipeline.checks.drift.wiring import Boundary, Detour, detours
from pipeline.compare import PREFIX
from pipeline.config import Limits
from pipeline.lone import inputs_for, open_artifact

SAMPLES = 16
MOST_BYTES = 256 << 20
"""Of recorded values at a time: fewer samples where tensors are large."""


def drift(path_a: Path, path_b: Path, inputs: str, pool: WorkerPool, limits: Limits) -> Drift:
    """The verdict on `path_b`, with `path_a` counting as right.

    `inputs` is as of `inputs_for`; empty: the golden pack where one of the files lies in a bundle, else made-up ones.

    Raises:
        ModelError: a file that cannot be read.
        UsageError: a format whose graphs are not read, or inputs that are not there.
    """
    a, pack_a = open_artifact(path_a, pool, limits)
    b, pack_b = open_artifact(path_b, pool, limits)
    for artifact in (a, b):
        registry.tracer(artifact.format)
    packs = [pack_a, pack_b]
    wanted = inputs or ("golden" if any(packs) else "random")
    given = None if wanted == "random" else inputs_for(a, wanted, packs)
    return dataclasses.replace(drift_of(a, b, given, pool, limits), a=str(path_a), b=str(path_b))


def drift_of(a: Artifact, b: Artifact, given: Arrays | None, pool: WorkerPool, limits: Limits) -> Drift:
    """The verdict on artifact `b`, with `a` counting as right, on stacked inputs in the layout of `a.source`.

    Made-up inputs where none are given.
    """
    work = _Work(a, b, given, pool, limits)
    graphs = [work.ask(artifact, "graph") for artifact in (a, b)]
    if a.format is not b.format:
        return _across(graphs[0], graphs[1], work)
    bridged = _bridged(*graphs)
    pairs = align(comparable(graphs[0], bridged), comparable(graphs[1], bridged), bridged)
    found = [*notes_differ(*graphs), *(precision.suspects(pairs) if bridged else ())]
    proved = _proved(pairs, work)
    ways, rewritten = _followed(pairs, work, {int(suspect.order) for suspect in proved})
    found += [*ways, *(suspect for suspect in proved if suspect.order not in rewritten)]
    if not found:
        found += _unexplained(pairs, work, bool(rewritten))
    outcome, suspects = judged(found)
    return Drift(str(a.path), str(b.path), outcome, suspects, coverage(pairs, work.isolated), tuple(work.notes))


def _across(one: Graph, two: Graph, work: _Work) -> Drift:
    """The verdict on a file of another format, by values alone."""
    recorded = []
    for artifact, graph in ((work.a, one), (work.b, two)):
        made = [index for op in graph.ops for index in op.outputs if graph.tensors[index].shape is not None]
        recorded.append(work.trace(artifact, graph, list(dict.fromkeys((*graph.inputs, *made)))))
    known = by_value.partners(recorded[0], recorded[1], one.tensors, two.tensors)
    found = by_value.wrong_ends(one, two, known)
    lost = by_value.first_lost(one, two, known) if found else None
    outcome, suspects = judged([*found, *([lost] if lost else [])])
    share = len(set(known) & set(recorded[1])) / max(len(recorded[1]), 1)
    shares: dict[str, float | int | None] = {"ops": len(one.ops), "ops_aligned": share, "weights_compared": None}
    note = "two formats: aligned by value on these inputs, weights and attributes not compared"
    names = str(work.a.path), str(work.b.path)
    return Drift(*names, outcome, suspects, {**shares, "ops_isolated": 0}, (*work.notes, note))


@dataclasses.dataclass
class _Work:
    """Two files, the inputs, and the workers that look inside."""

    a: Artifact
    b: Artifact
    given: Arrays | None
    pool: WorkerPool
    limits: Limits
    isolated: int = 0
    recorded: dict[Path, dict[int, np.ndarray | None]] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)

    @cached_property
    def inputs(self) -> Arrays:
        """The inputs that were given, or made-up ones, made when they are first needed."""
        return inputs_for(self.a, "random", []) if self.given is None else self.given

    def ask(self, file: Artifact, question: str, **arguments: Any) -> Any:
        """What a function of `converters.drift_job` says in the worker of the artifact's format."""
        worker = registry.tracer(file.format).worker
        return self.pool.call(
            worker, f"converters.drift_job:{question}", self.limits.measure_s, artifact=file, **arguments
        )

    def trace(self, artifact: Artifact, graph: Graph, indices: Sequence[int]) -> dict[int, np.ndarray]:
        """Values of tensors by index, recorded once; none of those that the file cannot show."""
        known = self.recorded.setdefault(artifact.path, {})
        missing = [index for index in indices if index not in known]
        if missing:
            known |= dict.fromkeys(missing) | self._record(artifact, graph, missing)
        return {index: values for index in indices if (values := known[index]) is not None}

    def _record(self, artifact: Artifact, graph: Graph, indices: Sequence[int]) -> dict[int, np.ndarray]:
        sizes = [np.prod([abs(n) for n in graph.tensors[i].shape or ()], dtype=np.int64) for i in indices]
        count = int(np.clip(MOST_BYTES // max(4 * int(sum(sizes)), 1), 1, SAMPLES))
        lone = dataclasses.replace(artifact, signature=Signature(artifact.signature.inputs, ()))
        spoken = speaking(lone, Signature(self.a.source.inputs, ()))
        pairs = zip(self.a.source.inputs, spoken.source.inputs, strict=True)
        own = {f"{PREFIX}{ours.name}": _spread(self.inputs[spec.name], count) for spec, ours in pairs}
        with tempfile.TemporaryDirectory(prefix="edge-export-") as folder:
            samples = Path(folder) / "inputs.npz"
            np.savez(samples, allow_pickle=False, **own)
            found: dict[int, np.ndarray] = self.ask(
                spoken, "trace", samples=samples, prefix=PREFIX, indices=tuple(indices)
            )
            return found


def _spread(stacked: np.ndarray, count: int) -> np.ndarray:
    """The first `count` of `SAMPLES` samples that lie evenly in all: the same ones, whatever the count."""
    return stacked[np.unique(np.linspace(0, len(stacked) - 1, min(SAMPLES, len(stacked))).astype(int))[:count]]


def _bridged(a: Graph, b: Graph) -> bool:
    """Whether the files are of two precisions: their inputs, weights or activations have other types."""
    kinds = [{t.dtype for t in graph.tensors.values() if t.dtype != "int64"} for graph in (a, b)]
    ends = [[graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)] for graph in (a, b)]
    small = [{"int8", "uint8", "float16", "int16"} & kind for kind in kinds]
    return ends[0] != ends[1] or small[0] != small[1]


def _proved(pairs: Pairs, work: _Work) -> list[Suspect]:
    """Suspects by their parameters, without those that do the same work on the same values."""
    found = list(parameters.suspects(pairs))
    doubtful = {suspect.a.op_index for suspect in found if suspect.kind in segments.CLEARABLE}
    ops = [op for op in pairs.a.graph.ops if op.index in doubtful]
    needed = {tensor.index for op in ops for tensor in segments.computed(pairs.a.graph, op)}
    if needed:
        with contextlib.suppress(EdgeExportError):  # said where it is needed
            work.trace(work.a, pairs.a.graph, sorted(needed))
    return [s for s in found if s.kind not in segments.CLEARABLE or not _harmless(pairs, s, work)]


def _harmless(pairs: Pairs, suspect: Suspect, work: _Work) -> bool:
    """Whether both files' operators give the same, alone, on recorded and made-up values."""
    one, two = (
        next(op for op in net.graph.ops if op.index == side.op_index)
        for net, side in ((pairs.a, suspect.a), (pairs.b, suspect.b))
    )
    ours, theirs = segments.computed(pairs.a.graph, one), segments.computed(pairs.b.graph, two)
    if one.type != two.type or not ours or len(ours) != len(theirs) or len(one.outputs) != len(two.outputs):
        return False
    if any(first.shape != second.shape for first, second in zip(ours, theirs, strict=True)):  # another layout
        return _alike(pairs, work, one, two)
    try:
        recorded = work.trace(work.a, pairs.a.graph, [tensor.index for tensor in ours])
        if any(tensor.index not in recorded for tensor in ours):
            return False
        samples = segments.stressed([recorded[tensor.index] for tensor in ours], ours)
        sides = ((work.a, one, ours, samples), (work.b, two, theirs, segments.regridded(samples, ours, theirs)))
        want, got = (_alone(work, file, op, tensors, rows) for file, op, tensors, rows in sides)
    except EdgeExportError:
        return suspect.kind == "attribute" and _alike(pairs, work, one, two)
    work.isolated += 1
    outs = [[net.graph.tensors[i] for i in op.outputs] for net, op in ((pairs.a, one), (pairs.b, two))]
    return all(result.agrees for result in segments.same_work(want, got, *outs))


def _alone(
    work: _Work, file: Artifact, op: Op, computed: list[Tensor], rows: list[list[np.ndarray]]
) -> list[np.ndarray]:
    """What one operator gives out, stacked, for rows of values of its computed inputs."""
    given = {tensor.index: np.stack(column) for tensor, column in zip(computed, zip(*rows, strict=True), strict=True)}
    found = work.ask(file, "run", given=given, wanted=op.outputs)
    return [found[index] for index in op.outputs]


def _alike(pairs: Pairs, work: _Work, one: Op | Node, two: Op | Node) -> bool:
    """Whether two operators give out the same where they stand, in whatever layout."""
    ends = list(zip(one.outputs, two.outputs, strict=False))
    found = _agreeing(pairs, work, ends, any_layout=True)
    return len(found) == len(ends) > 0 and all(result.agrees for result in found.values())


def _followed(pairs: Pairs, work: _Work, doubted: set[int]) -> tuple[list[Suspect], set[float]]:
    """Suspects by what is read from where, without those whose values agree; and the partners that a rewrite changed.

    `doubted` are partners, by number in graph a, whose parameters differ: what is folded into them changes them too.
    """
    found: list[Detour] = list(detours(pairs))
    agreed = _agreeing(pairs, work, [boundary for way in found for boundary in way.boundaries]) if found else {}
    kept: list[Suspect] = []
    rewritten: set[float] = set()
    for way in found:
        results = [agreed.get(boundary) for boundary in way.boundaries]
        if way.suspect.kind == "replaced" or (pairs.bridged and "transpose" not in way.suspect.cause.lower()):
            agreed |= _agreeing(pairs, work, way.boundaries, any_layout=True)
            results = [agreed.get(boundary) for boundary in way.boundaries]
        if way.boundaries and all(result is not None and result.agrees for result in results):
            rewritten |= way.touches
            continue
        if way.reader in doubted and way.suspect.kind != "wiring":
            one, two = pairs.a.nodes[way.reader], pairs.b.nodes[pairs.to_b[way.reader]]
            if _alike(pairs, work, one, two):
                rewritten |= {way.reader, *way.touches}
                continue
        said = "; ".join(dict.fromkeys(result.said() for result in results if result is not None and not result.agrees))
        measure = f"{way.suspect.measure}: {said}" if said else way.suspect.measure
        kept.append(dataclasses.replace(way.suspect, measure=measure))
    return kept, rewritten


def _agreeing(
    pairs: Pairs, work: _Work, boundaries: Sequence[Boundary], any_layout: bool = False
) -> dict[Boundary, values.Agreement]:
    """Whether both tensors of each boundary hold the same values; none where they cannot be seen."""
    if pairs.bridged:
        behind = {(x, y): (precision.rounded(pairs.a, x), precision.rounded(pairs.b, y)) for x, y in boundaries}
    else:
        behind = {boundary: boundary for boundary in boundaries}
    sides = []
    for artifact, net, place in ((work.a, pairs.a, 0), (work.b, pairs.b, 1)):
        asked = {seen[place] for seen in behind.values()}
        constant = {index: net.tensors[index].data for index in asked if net.tensors[index].constant}
        try:
            computed = work.trace(artifact, net.graph, sorted(asked & set(net.graph.tensors) - set(constant)))
        except EdgeExportError as error:
            work.notes.append(str(error))
            return {}
        sides.append({**{index: data[None] for index, data in constant.items() if data is not None}, **computed})
    compare = values.agree_roughly if pairs.bridged else values.agree
    found = {}
    for boundary, (first, second) in behind.items():
        if first in sides[0] and second in sides[1]:
            ours, theirs = pairs.a.tensors[first], pairs.b.tensors[second]
            want, got = _as_many(sides[0][first], sides[1][second], ours.constant or theirs.constant)
            found[boundary] = compare(want, values.turned(want, got) if any_layout else got, ours, theirs)
    return found


def _as_many(one: np.ndarray, two: np.ndarray, constant: bool) -> tuple[np.ndarray, np.ndarray]:
    """Both for as many samples: a constant is the same for each, a slower file was run on fewer."""
    count = max(len(one), len(two)) if constant else min(len(one), len(two))
    first, second = (np.repeat(v, count, axis=0) if constant and len(v) == 1 else v[:count] for v in (one, two))
    return first, second


def _unexplained(pairs: Pairs, work: _Work, cleared: bool) -> Iterator[Suspect]:
    """Where nothing was found, the first partners whose values differ all the same.

    Not asked where every operator has its partner: that is proof, and a logarithm may blow up what rounding leaves.
    """
    if len(pairs.to_b) == len(pairs.a.nodes) == len(pairs.b.nodes) and not cleared:
        return
    ends = list(zip(pairs.a.outputs, pairs.b.outputs, strict=False))
    agreed = _agreeing(pairs, work, ends)
    if all(result.agrees for result in agreed.values()):
        return
    inner = [
        (first, second)
        for in_a, in_b in sorted(pairs.to_b.items())
        for first, second in zip(pairs.a.nodes[in_a].outputs, pairs.b.nodes[in_b].outputs, strict=False)
    ]
    for boundary, result in {**_agreeing(pairs, work, inner), **agreed}.items():
        if not result.agrees:
            ours, theirs = (_maker(net, index) for net, index in zip((pairs.a, pairs.b), boundary, strict=True))
            yield Suspect("values", ours, theirs, result.said(), "its values differ, and no parameter says why")
            return


def _maker(net: Net, index: int) -> Side:
    made = net.maker.get(index)
    return parameters.side(net, net.nodes[made[0]]) if made else Side(None, "INPUT")
