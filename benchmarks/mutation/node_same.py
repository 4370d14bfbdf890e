"""Honest changes of .onnx files: other bytes, the same model. Each returns whether the file had anything for it."""

from __future__ import annotations

import copy

import numpy as np
import onnx
from onnx import helper, numpy_helper, version_converter

from benchmarks.mutation.layer import Change, pick
from benchmarks.mutation.nodes import HEAVY, Nodes


def written_again(file: Nodes, rng: np.random.Generator) -> bool:
    return True


def tensors_renamed(file: Nodes, rng: np.random.Generator) -> bool:
    if _has_bodies(file):
        return False
    keep = {value.name for value in (*file.graph.input, *file.graph.output)} | {""}
    names: dict[str, str] = {}

    def fresh(name: str) -> str:
        return name if name in keep else names.setdefault(name, f"z{len(names) * 31 % 997}_{len(names)}")

    for node in file.graph.node:
        node.input[:], node.output[:] = [fresh(name) for name in node.input], [fresh(name) for name in node.output]
        node.name = ""
    for tensor in file.graph.initializer:
        tensor.name = fresh(tensor.name)
    del file.graph.value_info[:]
    return True


def nodes_reordered(file: Nodes, rng: np.random.Generator) -> bool:
    if _has_bodies(file):
        return False
    known = {tensor.name for tensor in file.graph.initializer} | {value.name for value in file.graph.input} | {""}
    waiting, order = [copy.deepcopy(node) for node in file.graph.node], []
    while waiting:
        ready = [node for node in waiting if all(name in known for name in node.input)]
        node = ready[int(rng.integers(len(ready)))]
        waiting.remove(node)
        order.append(node)
        known |= set(node.output)
    del file.graph.node[:]
    file.graph.node.extend(order)
    return True


def initializers_shuffled(file: Nodes, rng: np.random.Generator) -> bool:
    held = [copy.deepcopy(tensor) for tensor in file.graph.initializer]
    rng.shuffle(held)
    del file.graph.initializer[:]
    file.graph.initializer.extend(held)
    return len(held) > 1


def constants_as_nodes(file: Nodes, rng: np.random.Generator) -> bool:
    held = [copy.deepcopy(tensor) for tensor in file.graph.initializer]
    nodes = [copy.deepcopy(node) for node in file.graph.node]
    del file.graph.initializer[:], file.graph.node[:]
    file.graph.node.extend([helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in held] + nodes)
    return bool(held)


def constants_doubled(file: Nodes, rng: np.random.Generator) -> bool:
    """Every reader of a constant has a copy of its own."""
    if _has_bodies(file):
        return False
    held = {tensor.name: tensor for tensor in file.graph.initializer}
    for node in file.graph.node:
        for slot, name in enumerate(node.input):
            if name in held:
                made = copy.deepcopy(held[name])
                made.name = f"{name}_{len(file.graph.initializer)}"
                file.graph.initializer.append(made)
                node.input[slot] = made.name
    return bool(held)


def identity_put_in(file: Nodes, rng: np.random.Generator) -> bool:
    rows = [
        (p, n) for p, n in enumerate(file.graph.node) if n.output and n.output[0] and n.output[0] not in file.outputs()
    ]
    place, node = pick([] if _has_bodies(file) else rows, rng)
    if node is not None:
        file.behind(place, "Identity", [])
    return node is not None


def weights_in_another_order_of_sums(file: Nodes, rng: np.random.Generator) -> bool:
    done = False
    for layer in file.layers():
        if layer.kernel.dtype == np.float32:
            layer.set_kernel((layer.kernel * (1 + 1e-7 * rng.normal(size=layer.kernel.shape))).astype(np.float32))
            done = True
    return done


def commuted(file: Nodes, rng: np.random.Generator) -> bool:
    done = False
    for _, node in file.of("Add", "Mul"):
        node.input[0], node.input[1] = node.input[1], node.input[0]
        done = True
    return done


def metadata_changed(file: Nodes, rng: np.random.Generator) -> bool:
    file.model.producer_name, file.model.doc_string = "another tool", "made again"
    del file.model.metadata_props[:]
    for node in file.graph.node:
        node.doc_string = "n"
    return True


def graph_renamed(file: Nodes, rng: np.random.Generator) -> bool:
    file.graph.name = "another"
    return True


def shapes_noted(file: Nodes, rng: np.random.Generator) -> bool:
    file.model = onnx.shape_inference.infer_shapes(file.model)
    return True


def shapes_forgotten(file: Nodes, rng: np.random.Generator) -> bool:
    had = len(file.graph.value_info) > 0
    del file.graph.value_info[:]
    return had


def newer_opset(file: Nodes, rng: np.random.Generator) -> bool:
    return _converted(file, file.opset + 1)


def much_newer_opset(file: Nodes, rng: np.random.Generator) -> bool:
    return _converted(file, 21) if file.opset < 20 else False


def defaults_written_out(file: Nodes, rng: np.random.Generator) -> bool:
    """Attributes that say what leaving them out says."""
    done = False
    for node in file.graph.node:
        try:
            schema = onnx.defs.get_schema(node.op_type, file.opset, node.domain)
        except onnx.defs.SchemaError:
            continue
        have = {entry.name for entry in node.attribute}
        for name, entry in schema.attributes.items():
            if entry.default_value.type and name not in have:
                node.attribute.append(entry.default_value)
                done = True
    return done


def dead_node(file: Nodes, rng: np.random.Generator) -> bool:
    rows = [(p, n) for p, n in file.of(*HEAVY)]
    _, node = pick(rows, rng)
    if node is not None:
        file.graph.node.append(helper.make_node("Relu", [node.output[0]], [file.fresh("dead")]))
    return node is not None


def unused_constant(file: Nodes, rng: np.random.Generator) -> bool:
    file.graph.initializer.append(numpy_helper.from_array(np.ones(3, np.float32), "nobodys"))
    return True


def stored_as_floats(file: Nodes, rng: np.random.Generator) -> bool:
    """The values of float constants in the list of floats instead of in bytes."""
    done = False
    for tensor in file.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.HasField("raw_data") and tensor.dims:
            values = numpy_helper.to_array(tensor)
            made = helper.make_tensor(tensor.name, tensor.data_type, tensor.dims, values.reshape(-1).tolist())
            tensor.CopyFrom(made)
            done = True
    return done


def _has_bodies(file: Nodes) -> bool:
    return any(entry.type in (5, 10) for node in file.graph.node for entry in node.attribute)


def _converted(file: Nodes, opset: int) -> bool:
    try:
        file.model = version_converter.convert_version(file.model, opset)
    except Exception:
        return False
    return True


NODE_VARIANTS: dict[str, Change] = {
    change.__name__.replace("_", " "): change
    for change in (
        *(
            written_again,
            tensors_renamed,
            nodes_reordered,
            initializers_shuffled,
            constants_as_nodes,
            constants_doubled,
        ),
        *(identity_put_in, weights_in_another_order_of_sums, commuted, metadata_changed, graph_renamed, shapes_noted),
        *(shapes_forgotten, newer_opset, much_newer_opset, defaults_written_out, dead_node, unused_constant),
        *(stored_as_floats,),
    )
}
