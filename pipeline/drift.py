"""Is file `b` the model that file `a` is, and where not: by their graphs, and by values where those must decide."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converters import registry
from converters.contract import Arrays, Artifact, Signature
from converters.drift_job import PACKAGES
from converters.errors import EdgeExportError, UsageError
from converters.graph import Graph
from converters.worker import WorkerPool
from pipeline.binding import speaking
from pipeline.checks.drift import parameters, precision, segments, values
from pipeline.checks.drift.align import Pairs, align
from pipeline.checks.drift.net import Net, comparable
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
        if artifact.format not in PACKAGES:
            raise UsageError(f"{artifact.path.name} is {artifact.format}; drift reads {', '.join(PACKAGES)} files")
    if a.format is not b.format:
        raise UsageError(
            f"{a.path.name} is {a.format} and {b.path.name} is {b.format}: drift compares files of one format"
        )
    packs = [pack_a, pack_b]
    wanted = inputs or ("golden" if any(packs) else "random")
    work = _Work(a, b, inputs_for(a, wanted, packs), pool, limits)
    graphs = [work.ask(artifact, "graph", path=artifact.path, format=artifact.format) for artifact in (a, b)]
    bridged = _bridged(*graphs)
    pairs = align(comparable(graphs[0], bridged), comparable(graphs[1], bridged), bridged)
    found = [*notes_differ(*graphs), *_proved(pairs, work), *(precision.suspects(pairs) if bridged else ())]
    ways, seen = _followed(pairs, work)
    found += ways
    if not found:
        found += _unexplained(pairs, work, seen)
    outcome, suspects = judged(found)
    return Drift(str(path_a), str(path_b), outcome, suspects, coverage(pairs, work.isolated), tuple(work.notes))


@dataclasses.dataclass
class _Work:
    """Two files, the inputs, and the workers that look inside."""

    a: Artifact
    b: Artifact
    inputs: Arrays
    pool: WorkerPool
    limits: Limits
    isolated: int = 0
    notes: list[str] = dataclasses.field(default_factory=list)

    def ask(self, file: Artifact, question: str, **arguments: Any) -> Any:
        """What a function of `converters.drift_job` says in the worker of the artifact's format."""
        worker = registry.inspector(file.format).worker
        return self.pool.call(worker, f"converters.drift_job:{question}", self.limits.measure_s, **arguments)

    def trace(self, artifact: Artifact, graph: Graph, indices: Sequence[int]) -> dict[int, np.ndarray]:
        """Values of tensors by index; none of those that the file cannot show."""
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
                artifact, "trace", artifact=spoken, samples=samples, prefix=PREFIX, indices=tuple(indices)
            )
            return found


def _spread(stacked: np.ndarray, count: int) -> np.ndarray:
    """`count` samples evenly out of all."""
    return stacked[np.unique(np.linspace(0, len(stacked) - 1, min(count, len(stacked))).astype(int))]


def _bridged(a: Graph, b: Graph) -> bool:
    """Whether the files are of two precisions: their inputs, weights or activations have other types."""
    kinds = [{t.dtype for t in graph.tensors.values() if t.dtype != "int64"} for graph in (a, b)]
    ends = [[graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)] for graph in (a, b)]
    small = [{"int8", "uint8", "float16", "int16"} & kind for kind in kinds]
    return ends[0] != ends[1] or small[0] != small[1]


def _proved(pairs: Pairs, work: _Work) -> Iterator[Suspect]:
    """Suspects by their parameters, without those that do the same work on the same values."""
    for suspect in parameters.suspects(pairs):
        if suspect.kind not in segments.CLEARABLE or not _harmless(pairs, suspect, work):
            yield suspect


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
        found = _agreeing(pairs, work, list(zip(one.outputs, two.outputs, strict=True)))
        return bool(found) and all(result.agrees for result in found.values())
    try:
        recorded = work.trace(work.a, pairs.a.graph, [tensor.index for tensor in ours])
        if any(tensor.index not in recorded for tensor in ours):
            return False
        samples = segments.stressed([recorded[tensor.index] for tensor in ours], ours)
        both = (samples, segments.regridded(samples, ours, theirs))
        files = ((work.a, one), (work.b, two))
        want, got = (
            work.ask(file, "run_alone", path=file.path, format=file.format, place=op.index, samples=given)
            for (file, op), given in zip(files, both, strict=True)
        )
    except EdgeExportError:
        return False
    work.isolated += 1
    outs = [[net.graph.tensors[i] for i in op.outputs] for net, op in ((pairs.a, one), (pairs.b, two))]
    return all(result.agrees for result in segments.same_work(want, got, *outs))


def _followed(pairs: Pairs, work: _Work) -> tuple[list[Suspect], bool]:
    """Suspects by what is read from where, without those whose values agree; whether any had to be cleared so."""
    found: list[Detour] = list(detours(pairs))
    agreed = _agreeing(pairs, work, [boundary for way in found for boundary in way.boundaries]) if found else {}
    kept = []
    for way in found:
        results = [agreed.get(boundary) for boundary in way.boundaries]
        if way.suspect.kind == "replaced" or (pairs.bridged and "transpose" not in way.suspect.cause.lower()):
            agreed |= _agreeing(pairs, work, way.boundaries, any_layout=True)
            results = [agreed.get(boundary) for boundary in way.boundaries]
        if way.boundaries and all(result is not None and result.agrees for result in results):
            continue
        said = "; ".join(dict.fromkeys(result.said() for result in results if result is not None and not result.agrees))
        measure = f"{way.suspect.measure}: {said}" if said else way.suspect.measure
        kept.append(dataclasses.replace(way.suspect, measure=measure))
    return kept, len(kept) < len(found)


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
    """Where nothing was found, the first partners whose values differ all the same."""
    if len(pairs.exact) == len(pairs.a.nodes) == len(pairs.b.nodes) and not cleared:
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
