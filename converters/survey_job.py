"""What a worker does to see which inputs drive a file to its limits, where nothing gives gradients: it is traced."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from converters import adapt, registry
from converters.contract import Arrays, Artifact
from converters.eager.explore import Legal, shaken, usable
from converters.errors import EdgeExportError, UnsupportedError
from converters.graph import Graph
from converters.reach import Reach, Recorder, looked_at, moves_only, thresholds
from converters.samples import load_samples
from converters.tracer import Tracer, Values
from converters.words import last_words

_CHUNK_BYTES, _LARGEST_CHUNK = 128 << 20, 64
"""Of all values that are held at once, and samples."""
OP_WORK = 1 << 14
"""`Reach.work` that is done in the time which starting one operator takes."""


def survey(artifact: Artifact, samples: Path, prefix: str, legal: Legal, nudged: bool) -> Reach:
    """What each channel of a file reaches on stacked samples, as `converters.eager.explore.survey` tells of a model.

    Raises:
        UnsupportedError: it runs on none of them, or shows nothing.
    """
    stacked = load_samples(samples, prefix)
    tracer: Tracer = importlib.import_module(registry.tracer(artifact.format).module).open(artifact)
    looks = _looks(tracer.graph)
    indices = list(dict.fromkeys([*(index for _, _, index, _ in looks), *tracer.graph.outputs]))
    recorder, outputs, others = Recorder(), [], []
    random = np.random.default_rng(0)
    refused: Exception | None = None
    for chunk in _chunks(artifact, tracer, stacked, indices):
        count = adapt.count_samples(chunk)
        moved = {name: shaken(values, legal.get(name), random) for name, values in chunk.items()}
        try:
            found = tracer.trace(_calls(artifact, chunk), indices)
            beside = tracer.trace(_calls(artifact, moved), tracer.graph.outputs) if nudged else found
            plain, other = ([values[index] for index in tracer.graph.outputs] for values in (found, beside))
        except Exception as error:  # a made-up input that the model cannot take
            refused, found = error, {}
            plain = other = [np.full((count, 1), np.nan) for _ in tracer.graph.outputs]
        outputs.append(plain)
        others.append(other)
        for name, op, index, at in looks:
            if index in found and found[index].dtype.kind == "f" and found[index].size:
                recorder.add(name, op, *_ends(found[index]), found[index][0].size, at)
        _multiplied(tracer.graph, found, recorder)
        recorder.end_of_call(count)
    kept = usable(outputs, others)
    if refused is not None and not kept.any():
        raise UnsupportedError(f"the model does not run on these inputs: {last_words(refused)}") from refused
    reach = recorder.reach(kept)
    return dataclasses.replace(reach, work=max(reach.work, OP_WORK * len(tracer.graph.ops)))


def _multiplied(graph: Graph, found: Values, recorder: Recorder) -> None:
    """Tells the recorder what the operators of some samples multiply."""
    for op in graph.ops:
        if op.outputs and op.outputs[0] in found:
            held = [tensor.data for i in op.inputs if (tensor := graph.tensors.get(i)) and tensor.data is not None]
            given = [found[i].shape for i in op.inputs if i in found]
            recorder.multiplied(op.type, found[op.outputs[0]].shape, given, [data.shape for data in held])


def _looks(graph: Graph) -> list[tuple[str, str, int, tuple[float, ...]]]:
    """(name, operator, tensor, thresholds) of everything that is watched."""
    found: list[tuple[str, str, int, tuple[float, ...]]] = []
    for op in graph.ops:
        floats = [i for i in op.outputs if i >= 0 and graph.tensors[i].dtype in ("", "float32", "float64", "float16")]
        if not moves_only(op.type):
            found += [(graph.tensors[i].name, op.type, i, ()) for i in floats]
        at = thresholds(op.type)
        if at and op.inputs and op.inputs[0] >= 0 and not graph.tensors[op.inputs[0]].constant:
            found.append((graph.tensors[op.inputs[0]].name, op.type, op.inputs[0], at))
    return found


def _chunks(artifact: Artifact, tracer: Tracer, stacked: Arrays, indices: list[int]) -> Iterator[Arrays]:
    """The samples in parts whose values fit into memory; the first one tells how large they are."""
    count = adapt.count_samples(stacked)
    first = {name: values[:1] for name, values in stacked.items()}
    try:
        held = sum(values.nbytes for values in tracer.trace(_calls(artifact, first), indices).values())
    except EdgeExportError:
        held = _CHUNK_BYTES
    size = int(np.clip(_CHUNK_BYTES // max(held, 1), 1, _LARGEST_CHUNK))
    for start in range(0, count, size):
        yield {name: values[start : start + size] for name, values in stacked.items()}


def _calls(artifact: Artifact, stacked: Arrays) -> Iterator[Arrays]:
    source, own = artifact.source.inputs, artifact.signature.inputs
    for n in range(adapt.count_samples(stacked)):
        yield adapt.to_file({name: values[n] for name, values in stacked.items()}, source, own)


def _ends(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest value of each sample in the channels looked at, (samples, channels) float32 each.

    Channels are the second axis of one call, the last of one with two axes; a scalar is one.
    """
    values = values if values.ndim > 1 else values[:, None]
    axis = 2 if values.ndim > 3 else values.ndim - 1
    flat = np.moveaxis(values, axis, 1).reshape(len(values), values.shape[axis], -1)
    picked = flat[:, looked_at(flat.shape[1])]
    return picked.min(axis=2).astype(np.float32), picked.max(axis=2).astype(np.float32)
