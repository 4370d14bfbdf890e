from __future__ import annotations

import numpy as np
import onnx
import pytest
from gates.in_process import InProcess
from onnx import TensorProto, helper, numpy_helper

from pipeline import config
from pipeline.compare import compare
from pipeline.configs import load_configs
from pipeline.lone import open_artifact
from pipeline.pair_inputs import STEADY_DB, made_up

LIMITS = config.load().limits
GATES = load_configs(None, None)[1]


@pytest.fixture
def net(tmp_path):
    """Writes a net that scales bytes itself, beside whose offsets inputs of -1..1 hardly show."""
    random = np.random.default_rng(0)
    kernel = random.normal(size=(8, 3, 3, 3)).astype(np.float32)
    head = random.normal(size=(5, 8)).astype(np.float32)

    def write(name, dtype=np.float32, wrong=0.0):
        names = ("kernel", "offset", "head", "bias")
        values = kernel, np.full(8, 3.0, np.float32), head + np.float32(wrong), np.full(5, 2.0, np.float32)
        kept = [numpy_helper.from_array(value.astype(dtype), part) for part, value in zip(names, values, strict=True)]
        casts = []
        if dtype != np.float32:
            casts = [helper.make_node("Cast", [part], [f"{part}.wide"], to=TensorProto.FLOAT) for part in names]
        ready = [f"{part}.wide" if casts else part for part in names]
        nodes = [
            *casts,
            helper.make_node("Mul", ["image", "scale"], ["unit"]),
            helper.make_node("Conv", ["unit", *ready[:2]], ["map"]),
            helper.make_node("Relu", ["map"], ["lit"]),
            helper.make_node("GlobalAveragePool", ["lit"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("Gemm", ["flat", *ready[2:]], ["y"], transB=1),
        ]
        scale = numpy_helper.from_array(np.float32(1 / 255), "scale")
        ends = [
            helper.make_tensor_value_info(end, TensorProto.FLOAT, shape)
            for end, shape in (("image", (1, 3, 16, 16)), ("y", (1, 5)))
        ]
        graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], [scale, *kept])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, tmp_path / name)
        return tmp_path / name

    return write


def test_bytes_are_fed_where_less_is_all_the_same_to_a_model(net):
    pool = InProcess()
    right = open_artifact(net("right.onnx"), pool, LIMITS)[0]
    fed, inputs = made_up(right, right, GATES.parity[right.precision], pool, LIMITS)
    assert fed.source.inputs[0].limits == (0.0, 255.0)
    assert 200 < inputs["image"].max() <= 255
    assert STEADY_DB > 72


def test_an_honest_file_of_16_bits_passes_where_nobody_gives_inputs_and_a_faulty_one_does_not(net):
    right, half = net("right.onnx"), net("half.onnx", np.float16)
    assert {c.outcome.value for c in compare(right, half, "", GATES, InProcess(), LIMITS).checks if c.required} == {
        "PASSED"
    }
    faulty = compare(right, net("faulty.onnx", np.float16, wrong=0.05), "", GATES, InProcess(), LIMITS, inside=False)
    assert [c.outcome.value for c in faulty.checks if c.name == "parity"] == ["FAILED"]
