"""Branches that are decided and loops of known length, written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from converters.onnx.prepass.build import Build, LeaveError, attributes, reads

MOST_NODES = 4096


def branch(build: Build, node: onnx.NodeProto) -> list[str]:
    """If, where its condition is a constant."""
    taken = bool(np.ravel(build.need(node.input[0], "condition"))[0])
    return inlined(build, attributes(node)["then_branch" if taken else "else_branch"], [])


def loop(build: Build, node: onnx.NodeProto) -> list[str]:
    """Loop of a constant number of rounds whose condition stays true."""
    body = attributes(node)["body"]
    count = build.need(reads(node, 0), "number of rounds") if reads(node, 0) else None
    if count is None:
        raise LeaveError("nothing says how many rounds it takes")
    rounds = int(np.ravel(count)[0])
    if reads(node, 1) and not np.ravel(build.need(node.input[1], "condition"))[0]:
        rounds = 0
    if not _always(body):
        raise LeaveError("its condition is computed while the model runs")
    if rounds * max(len(body.node), 1) > MOST_NODES:
        raise LeaveError(f"{rounds} rounds are too many to be written out")
    state = list(node.input[2:])
    width = len(state)
    scans: list[list[str]] = [[] for _ in body.output[1 + width :]]
    for place in range(rounds):
        made = inlined(build, body, [build.constant(place, np.int64), build.constant(True), *state])
        state = made[1 : 1 + width]
        for kept, each in zip(scans, made[1 + width :], strict=True):
            kept.append(build.unsqueeze(each, [0]))
    if not rounds and scans:
        raise LeaveError("it takes no round, and gives out what they would have made")
    return [*(build.op("Identity", name) for name in state), *(_joined(build, kept, 0) for kept in scans)]


def scan(build: Build, node: onnx.NodeProto) -> list[str]:
    """Scan over axes of known length."""
    given = attributes(node)
    body, count = given["body"], given["num_scan_inputs"]
    width = len(node.input) - count
    state, scanned = list(node.input[:width]), list(node.input[width:])
    axes = list(given.get("scan_input_axes") or [0] * count)
    ways = list(given.get("scan_input_directions") or [0] * count)
    outputs = len(body.output) - width
    out_axes = list(given.get("scan_output_axes") or [0] * outputs)
    out_ways = list(given.get("scan_output_directions") or [0] * outputs)
    steps = build.shape(scanned[0])[axes[0]]
    if steps * max(len(body.node), 1) > MOST_NODES:
        raise LeaveError(f"{steps} steps are too many to be written out")
    rows: list[list[str]] = [[] for _ in range(outputs)]
    for step in range(steps):
        frames = [
            build.squeeze(build.slice(name, [axis], [place], [place + 1]), [axis])
            for name, axis, way in zip(scanned, axes, ways, strict=True)
            for place in [steps - 1 - step if way else step]
        ]
        made = inlined(build, body, [*state, *frames])
        state = made[:width]
        for row, each, axis in zip(rows, made[width:], out_axes, strict=True):
            row.append(build.unsqueeze(each, [axis]))
    turned = [row[::-1] if way else row for row, way in zip(rows, out_ways, strict=True)]
    joined = [_joined(build, row, axis) for row, axis in zip(turned, out_axes, strict=True)]
    return [*(build.op("Identity", name) for name in state), *joined]


def inlined(build: Build, graph: onnx.GraphProto, inputs: Sequence[str]) -> list[str]:
    """A subgraph's nodes with the names of `inputs` in the places of its own, and fresh names for the rest."""
    names = dict(zip((value.name for value in graph.input), inputs, strict=True))
    for tensor in graph.initializer:
        names[tensor.name] = build.constant(onnx.numpy_helper.to_array(tensor))
    for node in graph.node:
        made = onnx.NodeProto()
        made.CopyFrom(node)
        _seen(made, names)
        made.input[:] = [names.get(name, name) for name in node.input]
        for name in node.output:
            if name:
                names[name] = build.name()
        made.output[:] = [names.get(name, name) for name in node.output]
        build.nodes.append(made)
    return [build.op("Identity", names.get(value.name, value.name)) for value in graph.output]


def _seen(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    """Puts new names into what the subgraphs of a node read of their outside."""
    for item in node.attribute:
        for graph in (*([item.g] if item.HasField("g") else []), *item.graphs):
            own = {value.name for value in (*graph.input, *graph.initializer)}
            own |= {name for inner in graph.node for name in inner.output}
            outside = {old: new for old, new in names.items() if old not in own}
            for inner in graph.node:
                inner.input[:] = [outside.get(name, name) for name in inner.input]
                _seen(inner, outside)
            for value in graph.output:
                value.name = outside.get(value.name, value.name)


def _always(body: onnx.GraphProto) -> bool:
    """Whether the condition that a body gives out is the one that it was given, or a constant true."""
    name, given = body.output[0].name, body.input[1].name
    makers = {out: node for node in body.node for out in node.output}
    constants = {tensor.name: tensor for tensor in body.initializer}
    while True:
        if name == given:
            return True
        if name in constants:
            return bool(np.ravel(onnx.numpy_helper.to_array(constants[name]))[0])
        node = makers.get(name)
        if node is None or node.op_type not in ("Identity", "Constant"):
            return False
        if node.op_type == "Constant":
            return bool(np.ravel(onnx.numpy_helper.to_array(attributes(node)["value"]))[0])
        name = node.input[0]


def _joined(build: Build, names: list[str], axis: int) -> str:
    return build.op("Concat", *names, axis=axis) if len(names) > 1 else build.op("Identity", names[0])
