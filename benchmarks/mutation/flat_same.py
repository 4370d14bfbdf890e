"""Honest changes of .tflite files: other bytes, the same model. Each returns whether the file had anything for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from benchmarks.mutation.flat import File


def packed_again(file: File, rng: np.random.Generator) -> bool:
    return True


def tensors_renamed(file: File, rng: np.random.Generator) -> bool:
    for number, tensor in enumerate(file.graph.tensors):
        tensor.name = f"t{number * 7 % 101}_{number}"
    return True


def names_exchanged_inside(file: File, rng: np.random.Generator) -> bool:
    made = [int(i) for op in file.ops for i in op.outputs]
    names = [file.tensor(i).name for i in made]
    for index, name in zip(made, names[1:] + names[:1], strict=True):
        file.tensor(index).name = name
    return len(made) > 1


def signature_renamed(file: File, rng: np.random.Generator) -> bool:
    for definition in file.model.signatureDefs or []:
        for place, row in enumerate([*definition.inputs, *definition.outputs]):
            row.name = f"renamed_{place}"
    return bool(file.model.signatureDefs)


def signature_dropped(file: File, rng: np.random.Generator) -> bool:
    had = bool(file.model.signatureDefs) and len(file.graph.inputs) == len(file.graph.outputs) == 1
    if had:
        file.model.signatureDefs = None
    return had


def tensors_shuffled(file: File, rng: np.random.Generator) -> bool:
    order = rng.permutation(len(file.graph.tensors))
    place = {int(old): new for new, old in enumerate(order)}
    place[-1] = -1
    file.graph.tensors = [file.graph.tensors[int(old)] for old in order]
    for op in file.ops:
        op.inputs, op.outputs = ([place[int(i)] for i in side] for side in (op.inputs, op.outputs))
    file.graph.inputs, file.graph.outputs = (
        [place[int(i)] for i in s] for s in (file.graph.inputs, file.graph.outputs)
    )
    for definition in file.model.signatureDefs or []:
        for row in (*definition.inputs, *definition.outputs):
            row.tensorIndex = place[int(row.tensorIndex)]
    return True


def buffers_shuffled(file: File, rng: np.random.Generator) -> bool:
    order = [0, *(1 + rng.permutation(len(file.model.buffers) - 1))]
    place = {int(old): new for new, old in enumerate(order)}
    file.model.buffers = [file.model.buffers[int(old)] for old in order]
    for tensor in (tensor for graph in file.model.subgraphs for tensor in graph.tensors):
        tensor.buffer = place[int(tensor.buffer)]
    for entry in file.model.metadata or []:
        entry.buffer = place[int(entry.buffer)]
    return len(order) > 2


def operators_reordered(file: File, rng: np.random.Generator) -> bool:
    """Another topological order, of a file whose operators do not speak through variables."""
    if any(not len(op.outputs) for op in file.ops):
        return False
    known = {int(i) for i in file.graph.inputs} | {-1}
    made = {int(i) for op in file.ops for i in op.outputs}
    waiting, order = list(file.ops), []
    while waiting:
        ready = [op for op in waiting if all(int(i) in known or int(i) not in made for i in op.inputs)]
        chosen = ready[int(rng.integers(len(ready)))]
        waiting.remove(chosen)
        order.append(chosen)
        known |= {int(i) for i in chosen.outputs}
    moved = [id(op) for op in order] != [id(op) for op in file.ops]
    file.graph.operators = order
    return moved


def codes_shuffled(file: File, rng: np.random.Generator) -> bool:
    order = rng.permutation(len(file.model.operatorCodes))
    place = {int(old): new for new, old in enumerate(order)}
    file.model.operatorCodes = [file.model.operatorCodes[int(old)] for old in order]
    for op in (op for graph in file.model.subgraphs for op in graph.operators):
        op.opcodeIndex = place[op.opcodeIndex]
    return len(order) > 1


def codes_doubled(file: File, rng: np.random.Generator) -> bool:
    file.model.operatorCodes = [*file.model.operatorCodes, *file.model.operatorCodes]
    half = len(file.model.operatorCodes) // 2
    for op in file.ops[::2]:
        op.opcodeIndex += half
    return True


def constants_shared(file: File, rng: np.random.Generator) -> bool:
    """Equal buffers become one."""
    first: dict[bytes, int] = {}
    shared = False
    for tensor in file.graph.tensors:
        data = file.model.buffers[tensor.buffer].data
        if data is not None and len(data):
            key = np.asarray(data, np.uint8).tobytes()
            shared |= first.setdefault(key, tensor.buffer) != tensor.buffer
            tensor.buffer = first[key]
    return shared


def constants_parted(file: File, rng: np.random.Generator) -> bool:
    """Every constant gets a buffer of its own."""
    for tensor in file.graph.tensors:
        data = file.model.buffers[tensor.buffer].data
        if data is not None and len(data):
            buffer = schema.BufferT()
            buffer.data = data
            file.model.buffers.append(buffer)
            tensor.buffer = len(file.model.buffers) - 1
    return True


def metadata_dropped(file: File, rng: np.random.Generator) -> bool:
    file.model.metadata = None
    file.model.description = b"made again"
    return True


def dead_operator(file: File, rng: np.random.Generator) -> bool:
    """Something computed that nobody reads."""
    for op in [op for op in file.ops if len(op.outputs)]:
        index = int(op.outputs[0])
        if file.dtype(index) == "float32" and file.tensor(index).shape is not None:
            made = schema.OperatorT()
            made.opcodeIndex, made.inputs, made.outputs = file.code("RELU"), [index], [file.add_tensor(index, "dead")]
            file.ops.append(made)
            return True
    return False


def unused_tensor(file: File, rng: np.random.Generator) -> bool:
    file.add_tensor(0, "nobody's")
    return True


def reshape_to_itself(file: File, rng: np.random.Generator) -> bool:
    """A RESHAPE that keeps the shape, behind a random operator."""
    places = [p for p, op in enumerate(file.ops[:-1]) if len(op.outputs) == 1 and _plain(file, int(op.outputs[0]))]
    if not places:
        return False
    place = places[int(rng.integers(len(places)))]
    out = int(file.ops[place].outputs[0])
    fresh = file.add_tensor(out, "as it was")
    shape = file.add_tensor(out, "shape")
    tensor = file.tensor(shape)
    tensor.type, tensor.shape, tensor.quantization, tensor.shapeSignature = (
        schema.TensorType.INT32,
        [len(file.tensor(out).shape)],
        None,
        None,
    )
    file.set(shape, np.array(file.tensor(out).shape, np.int32))
    file.reread(out, fresh, place)
    made = schema.OperatorT()
    made.opcodeIndex, made.inputs, made.outputs = file.code("RESHAPE"), [out, shape], [fresh]
    file.ops.insert(place + 1, made)
    return True


def _plain(file: File, index: int) -> bool:
    tensor = file.tensor(index)
    return (
        tensor.shape is not None
        and len(tensor.shape) > 0
        and index not in map(int, file.graph.outputs)
        and file.dtype(index) in ("float32", "int8")
    )


def activation_unfused(file: File, rng: np.random.Generator) -> bool:
    """A fused RELU or RELU6 becomes an operator."""
    kinds = {1: "RELU", 3: "RELU6"}
    for place, op in file.of("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD"):
        fused = getattr(op.builtinOptions, "fusedActivationFunction", 0)
        out = int(op.outputs[0])
        if fused in kinds and file.dtype(out) == "float32":
            op.builtinOptions.fusedActivationFunction = 0
            fresh = file.add_tensor(out, "before the activation")
            op.outputs = [fresh]
            made = schema.OperatorT()
            made.opcodeIndex, made.inputs, made.outputs = file.code(kinds[fused]), [fresh], [out]
            file.ops.insert(place + 1, made)
            return True
    return False


def constant_unfolded(file: File, rng: np.random.Generator) -> bool:
    """A kernel that is computed from two constants before it is used."""
    for place, op in file.heavy():
        index = int(op.inputs[1])
        kernel = file.constant(index)
        if kernel is None or kernel.dtype != np.float32:
            continue
        half, two, made = (file.add_tensor(index, name) for name in ("half", "two", "product"))
        file.set(half, kernel / 2)
        file.tensor(two).shape, file.tensor(two).quantization = [], None
        file.set(two, np.array(2.0, np.float32))
        product = schema.OperatorT()
        product.opcodeIndex, product.inputs, product.outputs = file.code("MUL"), [half, two], [made]
        product.builtinOptions, product.builtinOptionsType = schema.MulOptionsT(), schema.BuiltinOptions.MulOptions
        op.inputs = [int(op.inputs[0]), made, *map(int, op.inputs[2:])]
        file.ops.insert(place, product)
        return True
    return False


def weights_in_another_order_of_sums(file: File, rng: np.random.Generator) -> bool:
    """What folding a batch norm leaves: a relative error of one part in 10 million."""
    done = False
    for _, op in file.heavy():
        kernel = file.constant(int(op.inputs[1]))
        if kernel is not None and kernel.dtype == np.float32:
            file.set(int(op.inputs[1]), (kernel * (1 + rng.normal(size=kernel.shape) * 1e-7)).astype(np.float32))
            done = True
    return done


def commuted(file: File, rng: np.random.Generator) -> bool:
    done = False
    for _, op in file.of("ADD", "MUL", "MAXIMUM"):
        if len(op.inputs) == 2 and all(file.constant(int(i)) is None for i in op.inputs):
            op.inputs = [int(op.inputs[1]), int(op.inputs[0])]
            done = True
    return done


def padding_of_nothing(file: File, rng: np.random.Generator) -> bool:
    """SAME or VALID: a window of one by one pads nothing."""
    done = False
    for _, op in file.of("CONV_2D"):
        kernel, options = file.constant(int(op.inputs[1])), op.builtinOptions
        if kernel is not None and max(kernel.shape[1:3]) == 1 and options.strideH == options.strideW == 1:
            options.padding, done = 1 - options.padding, True
    return done


def versions_raised(file: File, rng: np.random.Generator) -> bool:
    for code in file.model.operatorCodes:
        code.version = max(1, code.version - 1) if code.version > 2 else code.version
    return any(code.version > 1 for code in file.model.operatorCodes)


def limits_noted(file: File, rng: np.random.Generator) -> bool:
    """The least and greatest value that calibration saw, which nothing reads."""
    done = False
    for tensor in file.graph.tensors:
        if tensor.quantization is not None and tensor.quantization.scale is not None:
            tensor.quantization.min, tensor.quantization.max = [-1.0], [1.0]
            done = True
    return done


def names_dropped(file: File, rng: np.random.Generator) -> bool:
    for number, tensor in enumerate(file.graph.tensors):
        tensor.name = b"" if number not in (*file.graph.inputs, *file.graph.outputs) else tensor.name
    return bool(file.model.signatureDefs)


def key_renamed(file: File, rng: np.random.Generator) -> bool:
    for definition in file.model.signatureDefs or []:
        definition.signatureKey = "main"
    return bool(file.model.signatureDefs)


VARIANTS: dict[str, Any] = {
    change.__name__.replace("_", " "): change
    for change in (
        *(packed_again, tensors_renamed, names_exchanged_inside, signature_renamed, signature_dropped),
        *(tensors_shuffled, buffers_shuffled, operators_reordered, codes_shuffled, codes_doubled),
        *(constants_shared, constants_parted, metadata_dropped, dead_operator, unused_tensor, reshape_to_itself),
        *(activation_unfused, constant_unfolded, weights_in_another_order_of_sums, commuted, padding_of_nothing),
        *(versions_raised, limits_noted, names_dropped, key_renamed),
    )
}
