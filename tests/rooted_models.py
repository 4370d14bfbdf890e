"""A root of 8 bits behind a segment that is otherwise in float, and both sides of it opened."""

from __future__ import annotations

import importlib

import numpy as np
import onnx
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.checks.drift.known import Known
from pipeline.drift.alone import Alone
from pipeline.drift.pairing import pairs_of, segments_of
from pipeline.drift.work import Work
from pipeline.lone import open_artifact

across = importlib.import_module("pipeline.drift.across")
LIMITS = config.load().limits


def rooted(path, gain, small):
    """y = x / sqrt(gain * mean(x x) + 0.01); `small`: what lies between is stored in 8 bits, of one range."""
    held = {"gain": np.float32(gain), "eps": np.float32(0.01), "step": np.float32(gain / 40), "zero": np.int8(-128)}
    held |= {"out_step": np.float32(0.2), "out_zero": np.int8(0)}
    nodes = [
        helper.make_node("Mul", ["x", "x"], ["square"]),
        helper.make_node("ReduceMean", ["square"], ["mean"], axes=[1]),
        helper.make_node("Mul", ["mean", "gain"], ["larger"]),
        helper.make_node("QuantizeLinear", ["larger", "step", "zero"], ["stored"]),
        helper.make_node("DequantizeLinear", ["stored", "step", "zero"], ["back"]),
        helper.make_node("Add", ["back" if small else "larger", "eps"], ["sum"]),
        helper.make_node("Sqrt", ["sum"], ["root"]),
        helper.make_node("Div", ["x", "root"], ["divided"]),
        helper.make_node("QuantizeLinear", ["divided", "out_step", "out_zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "out_step", "out_zero"], ["y"]),
    ]
    if not small:
        nodes = [node for node in nodes if "Quantize" not in node.op_type and "Dequantize" not in node.op_type]
        nodes[-1].output[0] = "y"
    return saved(path, nodes, held, 16, 16)


def normed(path, *, small):
    """y = W (gain * norm(x) + offset) + bias: with gain and offset in the kernel, or all of it stored in 8 bits."""
    random = np.random.default_rng(0)
    gain, offset, bias, kernel = (random.normal(size=s).astype(np.float32) for s in (24, 24, 192, (24, 192)))
    held = {"eps": np.float32(1e-5)}
    norm = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1]),
        helper.make_node("Sub", ["x", "mean"], ["moved"]),
        helper.make_node("Mul", ["moved", "moved"], ["square"]),
        helper.make_node("ReduceMean", ["square"], ["power"], axes=[1]),
        helper.make_node("Add", ["power", "eps"], ["sum"]),
        helper.make_node("Sqrt", ["sum"], ["root"]),
        helper.make_node("Div", ["moved", "root"], ["normed"]),
    ]
    if not small:
        held |= {"kernel": gain[:, None] * kernel, "bias": bias + offset @ kernel}
        nodes = [*norm, helper.make_node("Gemm", ["normed", "kernel", "bias"], ["y"])]
    else:
        held |= {"bias": bias, "out_step": np.float32(0.2), "out_zero": np.int8(0)}
        nodes = []
        for name, values in {"gain": gain, "offset": offset, "kernel": kernel}.items():
            step = np.float32(np.abs(values).max() / 127)
            held |= {
                f"{name}_q": np.rint(values / step).astype(np.int8),
                f"{name}_step": step,
                f"{name}_zero": np.int8(0),
            }
            nodes.append(
                helper.make_node("DequantizeLinear", [f"{name}_{part}" for part in ("q", "step", "zero")], [name])
            )
        nodes += [
            *norm,
            helper.make_node("Mul", ["normed", "gain"], ["large"]),
            helper.make_node("Add", ["large", "offset"], ["shifted"]),
            helper.make_node("Gemm", ["shifted", "kernel", "bias"], ["summed"]),
            helper.make_node("QuantizeLinear", ["summed", "out_step", "out_zero"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "out_step", "out_zero"], ["y"]),
        ]
    return saved(path, nodes, held, 24, 192)


def saved(path, nodes, held, takes, gives):
    """A file of four rows of x in and y out, with those constants that its nodes read."""
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (4, size)) for n, size in (("x", takes), ("y", gives))]
    used = {name for node in nodes for name in node.input}
    tensors = [numpy_helper.from_array(np.asarray(v), n) for n, v in held.items() if n in used]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def opened(tmp_path, gain=1.0, *, rounds=False):
    """The float file (or one that `rounds` too) and one of 8 bits inside, which may have another gain, recorded."""
    return both(tmp_path, rooted(tmp_path / "a.onnx", 1.0, rounds), rooted(tmp_path / "b.onnx", gain, True))


def both(tmp_path, *paths):
    """Two files, recorded on made-up inputs."""
    pool = InProcess(tmp_path)
    a, b = (open_artifact(path, pool, LIMITS)[0] for path in paths)
    work = Work(a, b, None, pool, LIMITS)
    sides = [(file, work.ask(file, "graph")) for file in (a, b)]
    return Alone(work, *(Known(graph, across._recorded(work, file, graph)) for file, graph in sides))


def whole(alone):
    """The one segment from the input to the output."""
    pairs = pairs_of(alone.a, alone.b)
    ends = {*alone.b.graph.inputs, *alone.b.graph.outputs}
    (cut,) = segments_of(alone.a, alone.b, {index: pair for index, pair in pairs.items() if index in ends})
    return cut
